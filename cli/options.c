#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MAX_ROWS = 96, PARSED_HELP = -1, PARSED_ERROR = -2, LONG_BASE = 1000 };

/* ---- help ------------------------------------------------------------------- */

/* Name i of "a|b|c" into buf; false if there are fewer. */
static bool choice_name(char *buf, size_t size, const char *names, int i)
{
    for (; i > 0 && names; i--) {
        names = strchr(names, '|');
        names = names ? names + 1 : NULL;
    }
    if (!names)
        return false;
    snprintf(buf, size, "%.*s", (int)strcspn(names, "|"), names);
    return true;
}

static void format_default(char *buf, size_t size, const struct option_row *o)
{
    *buf = '\0';
    switch (o->type) {
    case OPT_TYPE_INT:
        snprintf(buf, size, "%d", *(const int32_t *)o->value);
        break;
    case OPT_TYPE_INT64:
        snprintf(buf, size, "%lld", (long long)*(const int64_t *)o->value);
        break;
    case OPT_TYPE_REAL:
        snprintf(buf, size, "%g", *(const double *)o->value);
        break;
    case OPT_TYPE_STRING:
        if (*(const char *const *)o->value)
            snprintf(buf, size, "%s", *(const char *const *)o->value);
        break;
    case OPT_TYPE_CHOICE:
        if (!choice_name(buf, size, o->arg, *(const int32_t *)o->value))
            *buf = '\0';
        break;
    case OPT_TYPE_END:
    case OPT_TYPE_GROUP:
    case OPT_TYPE_FLAG:
    case OPT_TYPE_LIST:
        break;
    }
}

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
    format_default(value, sizeof value, o);
    if (strlen(left) > 28)
        printf("%s\n%-30s%s", left, "", o->help);
    else
        printf("%-30s%s", left, o->help);
    if (*value)
        printf(" [%s]", value);
    putchar('\n');
}

static void print_help(const struct option_row *options,
                       const char *const *usage)
{
    for (int i = 0; usage[i]; i++)
        printf("%s %s\n", i ? "      " : "usage:", usage[i]);
    printf("\n");
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (o->type == OPT_TYPE_GROUP)
            printf("\n%s\n", o->help);
        else
            print_row(o);
    }
    printf("  -h, --help                  show this and exit\n");
}

int options_usage(const char *const *usage, const char *fmt, ...)
{
    va_list ap;

    fputs("simlm: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: %s\n", usage[0]);
    for (int i = 1; usage[i]; i++)
        fprintf(stderr, "       %s\n", usage[i]);
    return CLI_USAGE;
}

/* ---- values ----------------------------------------------------------------- */

static bool parse_integer(int64_t *out, const char *text)
{
    char *end;

    errno = 0;
    *out = strtoll(text, &end, 10);
    return !errno && end != text && !*end;
}

static bool set_integer(const struct option_row *o, const char *text)
{
    int64_t x;

    if (!parse_integer(&x, text) || (double)x < o->min || (double)x > o->max) {
        cli_error("--%s: expected a whole number from %.0f to %.0f, got '%s'",
                  o->long_name, o->min, o->max, text);
        return false;
    }
    if (o->type == OPT_TYPE_INT)
        *(int32_t *)o->value = (int32_t)x;
    else
        *(int64_t *)o->value = x;
    return true;
}

static bool set_real(const struct option_row *o, const char *text)
{
    char *end;
    double x = strtod(text, &end);

    if (end == text || *end || !isfinite(x) || x < o->min || x > o->max) {
        cli_error("--%s: expected a number from %g to %g, got '%s'",
                  o->long_name, o->min, o->max, text);
        return false;
    }
    *(double *)o->value = x;
    return true;
}

static bool set_choice(const struct option_row *o, const char *text)
{
    char name[64];

    for (int i = 0; choice_name(name, sizeof name, o->arg, i); i++)
        if (!strcmp(name, text)) {
            *(int32_t *)o->value = i;
            return true;
        }
    cli_error("--%s: expected one of %s, got '%s'", o->long_name, o->arg, text);
    return false;
}

static bool add_to_list(const struct option_row *o, const char *text)
{
    struct option_list *list = o->value;

    if (list->n == (int)(sizeof list->item / sizeof *list->item)) {
        cli_error("--%s: given more than %d times", o->long_name, list->n);
        return false;
    }
    list->item[list->n++] = text;
    return true;
}

static bool set_value(const struct option_row *o, const char *text)
{
    switch (o->type) {
    case OPT_TYPE_FLAG:
        *(bool *)o->value = true;
        return true;
    case OPT_TYPE_INT:
    case OPT_TYPE_INT64:
        return set_integer(o, text);
    case OPT_TYPE_REAL:
        return set_real(o, text);
    case OPT_TYPE_STRING:
        *(const char **)o->value = text;
        return true;
    case OPT_TYPE_LIST:
        return add_to_list(o, text);
    case OPT_TYPE_CHOICE:
        return set_choice(o, text);
    case OPT_TYPE_END:
    case OPT_TYPE_GROUP:
        break;
    }
    return false;
}

/* ---- parsing ------------------------------------------------------------------ */

struct getopt_tables {
    char brief[2 * MAX_ROWS + 4];
    struct option longs[MAX_ROWS + 2];
};

/* Row i has the long-option value LONG_BASE + i. */
static void make_tables(struct getopt_tables *t,
                        const struct option_row *options)
{
    size_t at = 0, n = 0;

    t->brief[at++] = ':'; /* so that a missing value is told apart */
    t->brief[at++] = 'h';
    for (int i = 0; options[i].type != OPT_TYPE_END; i++) {
        const struct option_row *o = &options[i];
        bool has_value = o->type != OPT_TYPE_FLAG;

        if (o->type == OPT_TYPE_GROUP || n >= MAX_ROWS)
            continue;
        t->longs[n++] = (struct option){ o->long_name, has_value, NULL,
                                         LONG_BASE + i };
        if (!o->short_name)
            continue;
        t->brief[at++] = o->short_name;
        if (has_value)
            t->brief[at++] = ':';
    }
    t->brief[at] = '\0';
    t->longs[n++] = (struct option){ "help", 0, NULL, 'h' };
    t->longs[n] = (struct option){ NULL, 0, NULL, 0 };
}

static const struct option_row *row_of(const struct option_row *options, int c)
{
    if (c >= LONG_BASE)
        return &options[c - LONG_BASE];
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (o->type != OPT_TYPE_GROUP && o->short_name == c)
            return o;
    return NULL;
}

/* What getopt_long() found wrong: c is '?' or ':', optopt the option, if any. */
static void complain(int c, const char *arg, const char *const *usage)
{
    const char brief[] = {'-', (char)optopt, '\0'};
    bool is_long = !optopt || optopt >= LONG_BASE;

    options_usage(usage,
                  c == ':'              ? "option '%s' needs a value"
                  : optopt >= LONG_BASE ? "option '%s': no value is expected"
                                        : "unknown option '%s'",
                  is_long ? arg : brief);
}

/* Help shows defaults, so it is looked for before any value is set. */
static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

int options_parse(int argc, char **argv, const struct option_row *options,
                  const char *const *usage)
{
    static struct getopt_tables tables;
    int c, n_operands;

    if (wants_help(argc, argv)) {
        print_help(options, usage);
        return PARSED_HELP;
    }
    make_tables(&tables, options);
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, tables.brief, tables.longs, NULL)) !=
           -1) {
        const struct option_row *o;

        if (c == '?' || c == ':') {
            complain(c, argv[optind - 1], usage);
            return PARSED_ERROR;
        }
        o = row_of(options, c);
        if (!o || !set_value(o, optarg))
            return PARSED_ERROR;
    }
    n_operands = argc - optind;
    memmove(argv, argv + optind, (size_t)n_operands * sizeof *argv);
    return n_operands;
}

int options_exit_code(int parsed)
{
    return parsed == PARSED_HELP ? CLI_OK : CLI_USAGE;
}
