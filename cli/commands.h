/*
 * commands.h - the program's commands: COMMAND(name, function, summary).
 *
 * main.c makes declarations, dispatch and `simlm help` from this one list; a
 * new command is a line here and a file cmd_<name>.c.
 */
/* clang-format off */
#define CLI_COMMANDS(COMMAND)                                                  \
    /* name        function       what it does */

/* clang-format on */
