/* simlm - one program for the whole life of a dense retriever. */
#include <stdio.h>
#include <string.h>

#include <simlm/version.h>

#include "cli.h"
#include "commands.h"
#include "suggest.h"

/* Results that could not be written to standard output are a failure, too. */
static int finish(int code)
{
    if ((fflush(stdout) || ferror(stdout)) && code == CLI_OK) {
        cli_error("cannot write to standard output");
        return CLI_FAILED;
    }
    return code;
}

static bool is_help(const char *word)
{
    return !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* Run it under its full name; words: how many of argv are that name. */
static int run(const struct command *c, int words, int argc, char **argv)
{
    char name[32];

    snprintf(name, sizeof name, "%s", c->name);
    argv[words] = name;
    return finish(c->run(argc - words, argv + words));
}

/* "bm25" alone, or with a word that is not one of the family's. */
static int explain_family(const char *family, const char *word)
{
    bool asked = word && is_help(word);

    if (!asked)
        cli_error(word ? "unknown command '%s %s'" : "'%s' is several commands",
                  family, word);
    commands_list_family(asked ? stdout : stderr, family);
    return asked ? finish(CLI_OK) : CLI_USAGE;
}

static int explain_unknown(const char *word)
{
    struct suggestion s = {.typed = word};

    for (const struct command *c = commands; c->name; c++)
        suggestion_offer(&s, c->name);
    if (suggestion_best(&s))
        cli_error("unknown command '%s'; did you mean '%s'?", word,
                  suggestion_best(&s));
    else
        cli_error("unknown command '%s'; 'simlm help' lists them", word);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    static char help[] = "help";
    char two[64];

    if (argc < 2) {
        commands_list(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("simlm %s\n", SIMLM_VERSION);
        return finish(CLI_OK);
    }
    if (is_help(argv[1]))
        argv[1] = help;
    snprintf(two, sizeof two, "%s %s", argv[1], argc > 2 ? argv[2] : "");
    if (command_named(two))
        return run(command_named(two), 2, argc, argv);
    if (command_named(argv[1]))
        return run(command_named(argv[1]), 1, argc, argv);
    for (const struct command *c = commands; c->name; c++)
        if (command_is_of(c, argv[1]))
            return explain_family(argv[1], argc > 2 ? argv[2] : NULL);
    return explain_unknown(argv[1]);
}
