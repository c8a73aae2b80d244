/*
 * manual.h - what a command says about itself, and the forms it is printed in.
 *
 * A command's manual is its option table and a `struct manual` beside it.  From
 * the two come `simlm <command> --help`, the man page and the completion of
 * three shells: there is no second place to keep up to date.
 *
 *     static const char *const usage[] = { "simlm index [options] ...", NULL };
 *     static const struct manual manual = {
 *         .usage = usage,
 *         .description = "Joins directories of embeddings ...",
 *         ...
 *     };
 *
 * Texts are plain.  A blank line ends a paragraph; in the man page "--option"
 * is set bold and "<thing>" in italics.
 */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include <stdbool.h>

struct option_row;

/* Lists end with NULL. */
struct manual {
    const char *const *usage;    /* the ways to call it */
    const char *description;     /* sentences */
    const char *const *examples; /* what for, the command line, ... */
    const char *const *files;    /* name, what it is, ...; or NULL */
    const char *const *see;      /* names of other commands; or NULL */
    const char *operands;        /* "a|b|c"; NULL: files, or none */
};

enum manual_form {
    MANUAL_TEXT, /* --help */
    MANUAL_MAN,  /* man(7) */
    MANUAL_BASH, /* the command's part of a completion script */
    MANUAL_ZSH,
    MANUAL_FISH
};

/* "text", "man", "bash", "zsh", "fish"; false if it is none of them. */
bool manual_form_of(enum manual_form *form, const char *name);
const char *manual_form_name(enum manual_form form);

/* Print the command's manual on standard output; name as in commands.h. */
void manual_print(enum manual_form form, const char *name,
                  const struct option_row *options,
                  const struct manual *manual);

/* The forms, each in its own file. */
void manual_print_text(const struct option_row *options,
                       const struct manual *manual);
void manual_print_man(const char *name, const struct option_row *options,
                      const struct manual *manual);
void manual_print_bash(const char *name, const struct option_row *options,
                       const struct manual *manual);
void manual_print_zsh(const char *name, const struct option_row *options,
                      const struct manual *manual);
void manual_print_fish(const char *name, const struct option_row *options,
                       const struct manual *manual);

/* The man page of the program itself, with all commands. */
void manual_print_program(const struct manual *manual);

/* A whole completion script: what every shell needs once, and each command's
 * part, for which the command is called. */
void manual_print_completion(enum manual_form shell);

#endif
