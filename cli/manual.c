/* manual.c - the forms by name, and --help, the plain one. */
#include "manual.h"

#include <stdio.h>
#include <string.h>

#include "options.h"

enum { HELP_COLUMN = 30, HELP_WIDTH = 79 };

static const char *const form_names[] = {"text", "man", "bash", "zsh", "fish"};

const char *manual_form_name(enum manual_form form)
{
    return form_names[form];
}

bool manual_form_of(enum manual_form *form, const char *name)
{
    for (size_t i = 0; i < sizeof form_names / sizeof *form_names; i++)
        if (!strcmp(name, form_names[i])) {
            *form = (enum manual_form)i;
            return true;
        }
    return false;
}

void manual_print(enum manual_form form, const char *name,
                  const struct option_row *options, const struct manual *manual)
{
    switch (form) {
    case MANUAL_TEXT:
        manual_print_text(options, manual);
        break;
    case MANUAL_MAN:
        manual_print_man(name, options, manual);
        break;
    case MANUAL_BASH:
        manual_print_bash(name, options, manual);
        break;
    case MANUAL_ZSH:
        manual_print_zsh(name, options, manual);
        break;
    case MANUAL_FISH:
        manual_print_fish(name, options, manual);
        break;
    }
}

/* ---- --help -------------------------------------------------------------- */

static void print_row(const struct option_row *o)
{
    char left[96], value[64];
    int n;

    if (o->short_name)
        n = snprintf(left, sizeof left, "  -%c, --%s", o->short_name,
                     o->long_name);
    else
        n = snprintf(left, sizeof left, "      --%s", o->long_name);
    if (o->arg && n > 0 && (size_t)n < sizeof left)
        snprintf(left + n, sizeof left - (size_t)n,
                 o->type == OPT_TYPE_CHOICE ? " %s" : " <%s>", o->arg);
    option_value(value, sizeof value, o);
    if (strlen(left) > HELP_COLUMN - 2)
        printf("%s\n%-*s%s", left, HELP_COLUMN, "", o->help);
    else
        printf("%-*s%s", HELP_COLUMN, left, o->help);
    if (*value)
        printf(" [%s]", value);
    putchar('\n');
}

static void print_rows(const struct option_row *options)
{
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (o->type == OPT_TYPE_GROUP)
            printf("\n%s\n", o->help);
        else if (option_is_one(o))
            print_row(o);
    }
    printf("  -h, --help                  show this and exit\n");
}

/* One paragraph, up to a blank line or the end; returns what is behind it. */
static const char *fill_paragraph(const char *text)
{
    size_t column = 0;

    while (*text && strncmp(text, "\n\n", 2) != 0) {
        size_t n = strcspn(text, " \n");

        if (column && column + 1 + n > HELP_WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += (size_t)printf("%s%.*s", column ? " " : "", (int)n, text);
        text += n;
        if (*text && strncmp(text, "\n\n", 2) != 0)
            text++;
    }
    putchar('\n');
    return text + strspn(text, "\n");
}

/* Command lines, every line indented. */
static void print_example(const char *what, const char *lines)
{
    printf("  %s:\n    ", what);
    for (; *lines; lines++) {
        putchar(*lines);
        if (*lines == '\n')
            printf("    ");
    }
    putchar('\n');
}

void manual_print_text(const struct option_row *options,
                       const struct manual *manual)
{
    const char *text = manual->description;

    for (int i = 0; manual->usage[i]; i++)
        printf("%s %s\n", i ? "      " : "usage:", manual->usage[i]);
    while (*text) {
        putchar('\n');
        text = fill_paragraph(text);
    }
    putchar('\n');
    print_rows(options);
    if (*manual->examples)
        printf("\nExamples\n");
    for (const char *const *e = manual->examples; *e; e += 2)
        print_example(e[0], e[1]);
}
