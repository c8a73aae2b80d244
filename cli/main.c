/* simlm - one program for the whole life of a dense retriever. */
#include <stdio.h>
#include <string.h>

#include <simlm/version.h>

#include "cli.h"
#include "commands.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
#define ROW(name, function, summary) { name, function, summary },
    CLI_COMMANDS(ROW)
#undef ROW
    { NULL, NULL, NULL }
};

static void print_commands(FILE *f)
{
    fprintf(f, "usage: simlm <command> [options] ...\n\n");
    for (const struct command *c = commands; c->name; c++)
        fprintf(f, "  %-10s %s\n", c->name, c->summary);
    fprintf(f, "\n'simlm <command> --help' shows a command's options.\n");
}

/* Results that could not be written to standard output are a failure, too. */
static int finish(int code)
{
    if ((fflush(stdout) || ferror(stdout)) && code == CLI_OK) {
        cli_error("cannot write to standard output");
        return CLI_FAILED;
    }
    return code;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") ||
        !strcmp(argv[1], "-h")) {
        print_commands(stdout);
        return finish(CLI_OK);
    }
    if (!strcmp(argv[1], "--version")) {
        printf("simlm %s\n", SIMLM_VERSION);
        return finish(CLI_OK);
    }
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(argv[1], c->name))
            return finish(c->run(argc - 1, argv + 1));
    cli_error("unknown command '%s'; 'simlm help' lists them", argv[1]);
    return CLI_USAGE;
}
