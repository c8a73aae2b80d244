/*
 * options.h - a command's options as a table: the table is the manual.
 *
 * --help, the man page and shell completion are printed from it (manual.h), so
 * what is documented is what is parsed.  The macros check types: the compound
 * literal makes the address of a wrong variable a compiler diagnostic.
 *
 *     int32_t k = 1000;
 *     const struct option_row options[] = {
 *         OPT_INPUT('x', "index", &index, "file", "made by 'simlm index'"),
 *         OPT_INT('k', "top", &k, 1, 10000, "n", "passages for a query"),
 *         OPT_OUTPUT('o', "output", &output, "file", "the run to write"),
 *         OPT_END()
 *     };
 *     argc = options_parse(argc, argv, options, &manual);
 *     if (argc < 0)
 *         return options_exit_code(argc);
 *     ... argv[0 .. argc - 1] are the operands
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "manual.h"

enum option_type {
    OPT_TYPE_END,
    OPT_TYPE_GROUP,
    OPT_TYPE_FLAG,
    OPT_TYPE_INT,
    OPT_TYPE_INT64,
    OPT_TYPE_REAL,
    OPT_TYPE_STRING,
    OPT_TYPE_LIST,
    OPT_TYPE_CHOICE,
    OPT_TYPE_CONFLICT,
    OPT_TYPE_CONTEXT
};

/* What options_parse() made of a command line: for records of the run. */
struct option_line {
    const char *name;            /* of the command */
    const char *const *argument; /* [n_arguments] as they were given */
    int n_arguments;
    const struct option_row *options; /* with their values */
    char *const *operand;             /* [n_operands] */
    int n_operands;
};

/* A string that names a file or, if its arg is "dir" or it is a model, a
 * directory; what it is to the command: OPT_ROLE_PATH is neither input nor
 * output. */
enum option_role {
    OPT_ROLE_NONE,
    OPT_ROLE_PATH,
    OPT_ROLE_INPUT,
    OPT_ROLE_MODEL, /* an input: a directory, or a name for <simlm/hub.h> */
    OPT_ROLE_OUTPUT
};

/* An option that may be given several times collects its values here. */
struct option_list {
    const char *item[64];
    int n;
};

struct option_row {
    enum option_type type;
    enum option_role role;
    char short_name;       /* 0 if none */
    const char *long_name; /* without the dashes */
    void *value;
    const char *arg;  /* shown as <arg>; for a choice "a|b|c", its values */
    const char *help; /* lower case where it is no name, no full stop */
    double min, max;  /* inclusive; checked before the command runs */
};

/* clang-format off */
#define OPT_END()    { .type = OPT_TYPE_END }
#define OPT_GROUP(h) { .type = OPT_TYPE_GROUP, .help = (h) }
#define OPT_FLAG(s, l, v, h) \
    { .type = OPT_TYPE_FLAG, .short_name = (s), .long_name = (l), \
      .value = (bool *){ v }, .help = (h) }
#define OPT_INT(s, l, v, lo, hi, a, h) \
    { .type = OPT_TYPE_INT, .short_name = (s), .long_name = (l), \
      .value = (int32_t *){ v }, .arg = (a), .help = (h), \
      .min = (lo), .max = (hi) }
#define OPT_INT64(s, l, v, lo, hi, a, h) \
    { .type = OPT_TYPE_INT64, .short_name = (s), .long_name = (l), \
      .value = (int64_t *){ v }, .arg = (a), .help = (h), \
      .min = (lo), .max = (hi) }
#define OPT_REAL(s, l, v, lo, hi, a, h) \
    { .type = OPT_TYPE_REAL, .short_name = (s), .long_name = (l), \
      .value = (double *){ v }, .arg = (a), .help = (h), \
      .min = (lo), .max = (hi) }
#define OPT_STRING(s, l, v, a, h) \
    { .type = OPT_TYPE_STRING, .short_name = (s), .long_name = (l), \
      .value = (const char **){ v }, .arg = (a), .help = (h) }
#define OPT_NAMING(r, s, l, v, a, h) \
    { .type = OPT_TYPE_STRING, .role = (r), .short_name = (s), \
      .long_name = (l), .value = (const char **){ v }, .arg = (a), \
      .help = (h) }
#define OPT_PATH(s, l, v, a, h) OPT_NAMING(OPT_ROLE_PATH, s, l, v, a, h)
#define OPT_INPUT(s, l, v, a, h) OPT_NAMING(OPT_ROLE_INPUT, s, l, v, a, h)
#define OPT_OUTPUT(s, l, v, a, h) OPT_NAMING(OPT_ROLE_OUTPUT, s, l, v, a, h)
#define OPT_MODEL(s, l, v, h) OPT_NAMING(OPT_ROLE_MODEL, s, l, v, "model", h)
#define OPT_LIST(s, l, v, a, h) \
    { .type = OPT_TYPE_LIST, .short_name = (s), .long_name = (l), \
      .value = (struct option_list *){ v }, .arg = (a), .help = (h) }
/* v is the index of the chosen name in `names`, "first|second|third"; below 0
 * none is, before parsing. */
#define OPT_CHOICE(s, l, v, names, h) \
    { .type = OPT_TYPE_CHOICE, .short_name = (s), .long_name = (l), \
      .value = (int32_t *){ v }, .arg = (names), .help = (h) }
/* Option l may not be given together with any of `others`, "queries|qrels". */
#define OPT_CONFLICT(l, others) \
    { .type = OPT_TYPE_CONFLICT, .long_name = (l), .arg = (others) }
/* Keep what was parsed in a struct option_line. */
#define OPT_CONTEXT(line) \
    { .type = OPT_TYPE_CONTEXT, .value = (struct option_line *){ line } }
#define OPT_PRECISION(v) \
    OPT_CHOICE(0, "precision", v, "fp32|bf16", \
               "of activations and matrix products")
/* clang-format on */

/* Has the row an option of its own? */
bool option_is_one(const struct option_row *o);

/* The file or directory that it names, if it is an output (input) and given. */
const char *option_output(const struct option_row *o);
const char *option_input(const struct option_row *o);

/* Name i of "a|b|c" into buf; false if there are fewer. */
bool option_choice(char *buf, size_t size, const char *names, int i);

/* The value as text, "" if there is none: the default, before parsing. */
void option_value(char *buf, size_t size, const struct option_row *o);

/* Take the text as the option's value (a list's next one; ignored for a flag,
 * which is set).  False: reported. */
bool option_set(const struct option_row *o, const char *text);

/* All options with their values as a JSON object. */
void options_put_json(FILE *f, const struct option_row *options);

/*
 * Parse argv[1 ..]; argv[0] is the command's name as commands.h has it, and
 * operands are moved to argv[0 ..].  Returns their number, or a negative value
 * for options_exit_code() when the command is to end at once: --help was
 * printed, a usage error was reported, or an output that would replace an input.
 */
int options_parse(int argc, char **argv, const struct option_row *options,
                  const struct manual *manual);
int options_exit_code(int parsed);

/* Report a usage error of the command's own; returns CLI_USAGE. */
int options_usage(const struct manual *manual, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
