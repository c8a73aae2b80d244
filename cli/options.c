#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "json_put.h"
#include "probe.h"
#include "suggest.h"

enum { MAX_ROWS = 96, LONG_BASE = 1000 };
enum { PARSED_HELP = -1, PARSED_ERROR = -2, PARSED_REFUSED = -3 };

/* ---- rows ---------------------------------------------------------------- */

bool option_is_one(const struct option_row *o)
{
    return o->type != OPT_TYPE_GROUP && o->type != OPT_TYPE_CONFLICT &&
           o->type != OPT_TYPE_CONTEXT && o->type != OPT_TYPE_END;
}

static const char *path_of(const struct option_row *o, enum option_role role)
{
    return o->type == OPT_TYPE_STRING && o->role == role
               ? *(const char *const *)o->value
               : NULL;
}

const char *option_output(const struct option_row *o)
{
    return path_of(o, OPT_ROLE_OUTPUT);
}

const char *option_input(const struct option_row *o)
{
    const char *model = path_of(o, OPT_ROLE_MODEL);

    return model ? model : path_of(o, OPT_ROLE_INPUT);
}

bool option_choice(char *buf, size_t size, const char *names, int i)
{
    if (i < 0)
        return false;
    for (; i > 0 && names; i--) {
        names = strchr(names, '|');
        names = names ? names + 1 : NULL;
    }
    if (!names)
        return false;
    snprintf(buf, size, "%.*s", (int)strcspn(names, "|"), names);
    return true;
}

void option_value(char *buf, size_t size, const struct option_row *o)
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
        if (!option_choice(buf, size, o->arg, *(const int32_t *)o->value))
            *buf = '\0';
        break;
    case OPT_TYPE_END:
    case OPT_TYPE_GROUP:
    case OPT_TYPE_FLAG:
    case OPT_TYPE_LIST:
    case OPT_TYPE_CONFLICT:
    case OPT_TYPE_CONTEXT:
        break;
    }
}

static void put_list(FILE *f, const struct option_list *list)
{
    putc('[', f);
    for (int i = 0; i < list->n; i++) {
        fputs(i ? "," : "", f);
        json_put_text(f, list->item[i]);
    }
    putc(']', f);
}

static void put_value(FILE *f, const struct option_row *o)
{
    char text[64];

    switch (o->type) {
    case OPT_TYPE_FLAG:
        fputs(*(const bool *)o->value ? "true" : "false", f);
        break;
    case OPT_TYPE_INT:
    case OPT_TYPE_INT64:
        option_value(text, sizeof text, o);
        fputs(text, f);
        break;
    case OPT_TYPE_REAL:
        json_put_real(f, *(const double *)o->value);
        break;
    case OPT_TYPE_STRING:
        json_put_text(f, *(const char *const *)o->value);
        break;
    case OPT_TYPE_LIST:
        put_list(f, o->value);
        break;
    case OPT_TYPE_CHOICE:
        option_value(text, sizeof text, o);
        json_put_text(f, *text ? text : NULL);
        break;
    case OPT_TYPE_END:
    case OPT_TYPE_GROUP:
    case OPT_TYPE_CONFLICT:
    case OPT_TYPE_CONTEXT:
        break;
    }
}

void options_put_json(FILE *f, const struct option_row *options)
{
    const char *between = "";

    putc('{', f);
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (!option_is_one(o))
            continue;
        fputs(between, f);
        json_put_text(f, o->long_name);
        putc(':', f);
        put_value(f, o);
        between = ",";
    }
    putc('}', f);
}

int options_usage(const struct manual *manual, const char *fmt, ...)
{
    const char *const *usage = manual->usage;
    va_list ap;
    bool kept;

    va_start(ap, fmt);
    kept = probe_complaint(fmt, ap);
    va_end(ap);
    if (kept)
        return CLI_USAGE;
    fputs("simlm: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fprintf(stderr, "\nusage: %s\n", usage[0]);
    for (int i = 1; usage[i]; i++)
        fprintf(stderr, "       %s\n", usage[i]);
    return CLI_USAGE;
}

/* ---- values -------------------------------------------------------------- */

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

    for (int i = 0; option_choice(name, sizeof name, o->arg, i); i++)
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

bool option_set(const struct option_row *o, const char *text)
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
    case OPT_TYPE_CONFLICT:
    case OPT_TYPE_CONTEXT:
        break;
    }
    return false;
}

/* ---- parsing ------------------------------------------------------------- */

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

        if (!option_is_one(o) || i >= MAX_ROWS)
            continue;
        t->longs[n++] =
            (struct option){o->long_name, has_value, NULL, LONG_BASE + i};
        if (!o->short_name)
            continue;
        t->brief[at++] = o->short_name;
        if (has_value)
            t->brief[at++] = ':';
    }
    t->brief[at] = '\0';
    t->longs[n++] = (struct option){"help", 0, NULL, 'h'};
    t->longs[n] = (struct option){NULL, 0, NULL, 0};
}

static const struct option_row *row_of(const struct option_row *options, int c)
{
    if (c >= LONG_BASE)
        return &options[c - LONG_BASE];
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (option_is_one(o) && o->short_name == c)
            return o;
    return NULL;
}

/* The table's name nearest to "--nmae=value". */
static const char *nearest(const struct option_row *options, const char *arg)
{
    static char typed[64];
    struct suggestion s = {.typed = typed};

    arg += strspn(arg, "-");
    snprintf(typed, sizeof typed, "%.*s", (int)strcspn(arg, "="), arg);
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (option_is_one(o))
            suggestion_offer(&s, o->long_name);
    return suggestion_best(&s);
}

/* What getopt_long() found wrong: c is '?' or ':', optopt the option, if any. */
static void complain(int c, const char *arg, const struct option_row *options,
                     const struct manual *manual)
{
    const char brief[] = {'-', (char)optopt, '\0'};
    bool is_long = !optopt || optopt >= LONG_BASE;
    const char *near = is_long ? nearest(options, arg) : NULL;

    if (c == ':')
        options_usage(manual, "option '%s' needs a value",
                      is_long ? arg : brief);
    else if (optopt >= LONG_BASE)
        options_usage(manual, "option '%s': no value is expected", arg);
    else if (near)
        options_usage(manual, "unknown option '%s'; did you mean '--%s'?", arg,
                      near);
    else
        options_usage(manual, "unknown option '%s'", is_long ? arg : brief);
}

/* Help shows defaults, so it is looked for before any value is set. */
static bool wants_help(enum manual_form *form, int argc, char **argv)
{
    static const char as[] = "--help=";

    *form = MANUAL_TEXT;
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") ||
            (!strncmp(argv[i], as, strlen(as)) &&
             manual_form_of(form, argv[i] + strlen(as))))
            return true;
    return false;
}

/* Set values; given[i]: row i occurs.  False: reported. */
static bool parse_rows(bool *given, int argc, char **argv,
                       const struct option_row *options,
                       const struct manual *manual)
{
    static struct getopt_tables tables;
    int c;

    make_tables(&tables, options);
    opterr = 0;
    optind = 1;
    while ((c = getopt_long(argc, argv, tables.brief, tables.longs, NULL)) !=
           -1) {
        const struct option_row *o;

        if (c == '?' || c == ':') {
            complain(c, argv[optind - 1], options, manual);
            return false;
        }
        o = row_of(options, c);
        if (!o || !option_set(o, optarg))
            return false;
        given[o - options] = true;
    }
    return true;
}

/* ---- what does not go together ------------------------------------------- */

static bool is_given(const bool *given, const struct option_row *options,
                     const char *name)
{
    for (int i = 0; options[i].type != OPT_TYPE_END; i++)
        if (option_is_one(&options[i]) && !strcmp(options[i].long_name, name))
            return given[i];
    return false;
}

static bool check_conflicts(const bool *given, const struct option_row *options,
                            const struct manual *manual)
{
    char other[64];

    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (o->type != OPT_TYPE_CONFLICT ||
            !is_given(given, options, o->long_name))
            continue;
        for (int i = 0; option_choice(other, sizeof other, o->arg, i); i++)
            if (is_given(given, options, other)) {
                options_usage(manual, "--%s and --%s exclude each other",
                              o->long_name, other);
                return false;
            }
    }
    return true;
}

/* Two names of one file?  A device may well be read and written. */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino && (S_ISREG(x.st_mode) || S_ISDIR(x.st_mode));
}

static bool check_output(const struct option_row *out,
                         const struct option_row *options, int n_operands,
                         char **operand)
{
    const char *path = option_output(out), *input = NULL;

    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (option_input(o) && same_file(path, option_input(o)))
            input = option_input(o);
    for (int i = 0; i < n_operands; i++)
        if (same_file(path, operand[i]))
            input = operand[i];
    if (input)
        cli_error("--%s: '%s' would replace the input '%s'", out->long_name,
                  path, input);
    return !input;
}

/* A name, not a place: where a directory is to be written, "-" is one, too, but
 * nobody means it. */
static bool is_dash_for_dir(const struct option_row *o)
{
    return !strcmp(option_output(o), "-") && !strcmp(o->arg, "dir");
}

static bool check_outputs(const struct option_row *options, int n_operands,
                          char **operand)
{
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (!option_output(o))
            continue;
        if (is_dash_for_dir(o)) {
            cli_error("--%s: a directory cannot go to standard output; "
                      "'./-' is one of that name",
                      o->long_name);
            return false;
        }
        if (!check_output(o, options, n_operands, operand))
            return false;
    }
    return true;
}

/*
 * The command line before getopt_long() moves its words.  Kept until the next
 * call or the end of the process, for one command is run; NULL if out of memory.
 */
static const char *const *keep_words(int n, char **word)
{
    static const char **kept;

    free(kept);
    kept = calloc((size_t)n + 1, sizeof *kept);
    for (int i = 0; kept && i < n; i++)
        kept[i] = word[i];
    return kept;
}

static void fill_context(const struct option_row *options,
                         const struct option_line *line)
{
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (o->type == OPT_TYPE_CONTEXT)
            *(struct option_line *)o->value = *line;
}

int options_parse(int argc, char **argv, const struct option_row *options,
                  const struct manual *manual)
{
    bool given[MAX_ROWS] = {false};
    struct option_line line = {.name = argv[0],
                               .n_arguments = argc - 1,
                               .options = options,
                               .operand = argv};
    enum manual_form form;

    if (probe_table(options))
        return PARSED_ERROR;
    if (wants_help(&form, argc, argv)) {
        manual_print(form, argv[0], options, manual);
        return PARSED_HELP;
    }
    line.argument = keep_words(argc - 1, argv + 1);
    if (!parse_rows(given, argc, argv, options, manual) ||
        !check_conflicts(given, options, manual))
        return PARSED_ERROR;
    line.n_operands = argc - optind;
    memmove(argv, argv + optind, (size_t)line.n_operands * sizeof *argv);
    fill_context(options, &line);
    return check_outputs(options, line.n_operands, argv) ? line.n_operands
                                                         : PARSED_REFUSED;
}

int options_exit_code(int parsed)
{
    return parsed == PARSED_HELP      ? CLI_OK
           : parsed == PARSED_REFUSED ? CLI_FAILED
                                      : CLI_USAGE;
}
