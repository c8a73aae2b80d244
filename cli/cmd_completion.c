/* simlm completion - scripts that complete simlm's command line in a shell. */
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm completion bash|zsh|fish",
    NULL,
};

static const char *const examples[] = {
    "In the running bash",
    "eval \"$(simlm completion bash)\"",
    "For fish, from now on",
    "simlm completion fish >~/.config/fish/completions/simlm.fish",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Prints a script that completes commands, options, and the values of "
        "options in a shell. \"make install\" puts the three scripts where the "
        "shells look for them; this command is for other places.",
    .examples = examples,
    .see = (const char *const[]){"help", NULL},
    .operands = "bash|zsh|fish",
};

int cmd_completion(int argc, char **argv)
{
    const struct option_row options[] = {OPT_END()};
    enum manual_form shell;

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 1 || !manual_form_of(&shell, argv[0]) || shell < MANUAL_BASH)
        return options_usage(&manual, "expected bash, zsh or fish");
    manual_print_completion(shell);
    return CLI_OK;
}
