#include "commands.h"

#include <stddef.h>
#include <string.h>

const struct command commands[] = {
#define ROW(name, function, summary) {name, function, summary},
    CLI_COMMANDS(ROW)
#undef ROW
        {NULL, NULL, NULL}};

const struct command *command_named(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

int command_show(const struct command *c, enum manual_form form)
{
    char name[32], help[32];
    char *argv[] = {name, help, NULL};

    snprintf(name, sizeof name, "%s", c->name);
    snprintf(help, sizeof help, "--help=%s", manual_form_name(form));
    return c->run(2, argv);
}

void commands_list(FILE *f)
{
    fprintf(f, "usage: simlm <command> [options] ...\n\n");
    for (const struct command *c = commands; c->name; c++)
        fprintf(f, "  %-12s %s\n", c->name, c->summary);
    fprintf(f, "\n'simlm help <command>' says what it does, and how.\n");
}

bool commands_list_family(FILE *f, const char *family)
{
    bool any = false;

    for (const struct command *c = commands; c->name; c++)
        if (command_is_of(c, family)) {
            fprintf(f, "  simlm %-14s %s\n", c->name, c->summary);
            any = true;
        }
    return any;
}

bool command_is_of(const struct command *c, const char *family)
{
    size_t n = strlen(family);

    return !strncmp(c->name, family, n) && c->name[n] == ' ';
}
