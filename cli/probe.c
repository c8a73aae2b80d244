#include "probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "commands.h"

/* One command is probed at a time: the program has no threads then. */
static struct probe *current;

void probe_command(struct probe *p, const struct command *c, int n,
                   char *const *word)
{
    char name[32], **argv = calloc((size_t)n + 2, sizeof *argv);

    *p->message = '\0';
    if (!argv) {
        snprintf(p->message, sizeof p->message, "out of memory");
        return;
    }
    snprintf(name, sizeof name, "%s", c->name);
    argv[0] = name;
    for (int i = 0; i < n; i++)
        argv[1 + i] = word[i];
    current = p;
    c->run(n + 1, argv);
    current = NULL;
    free(argv);
}

bool probe_is_on(void)
{
    return current != NULL;
}

bool probe_table(const struct option_row *options)
{
    if (current && current->on_table)
        current->on_table(current->ctx, options);
    return current && !current->on_line;
}

void probe_line(const struct option_line *line, bool brief)
{
    if (current && current->on_line)
        current->on_line(current->ctx, line, brief);
}

bool probe_complaint(const char *fmt, va_list ap)
{
    if (!current)
        return false;
    if (!*current->message)
        vsnprintf(current->message, sizeof current->message, fmt, ap);
    return true;
}
