/*
 * manual_shells.c - completion for bash, zsh and fish.
 *
 * A script is a head, a part for each command, and a tail.  The part is printed
 * by the command itself, which alone knows its table: print_parts() calls it
 * with --help=<shell>.  After an option the scripts offer what its row says:
 * the names of a choice, directories, files, or nothing for a number.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"

/* The first of a name's words. */
static int first_word(const char *name)
{
    return (int)strcspn(name, " ");
}

static bool is_family(const struct command *c)
{
    return c->name[first_word(c->name)] == ' ';
}

/* Is c the first of its family, so that the family is named once? */
static bool is_first(const struct command *c)
{
    int n = first_word(c->name) + 1;

    return c == commands || !is_family(c) ||
           strncmp(c[-1].name, c->name, (size_t)n) != 0;
}

/* The second words of the family whose first command is f. */
static void put_second_words(const struct command *f)
{
    for (const struct command *c = f; c->name; c++)
        if (!strncmp(c->name, f->name, (size_t)first_word(f->name) + 1))
            printf("%s ", c->name + first_word(c->name) + 1);
}

/* Text within single quotes; what is in `special` gets a backslash. */
static void put_quoted(const char *s, const char *special)
{
    for (; *s; s++) {
        if (*s == '\'')
            fputs("'\\''", stdout);
        else if (strchr(special, *s))
            printf("\\%c", *s);
        else
            putchar(*s);
    }
}

/* "a|b|c" as "a b c". */
static void put_choices(const char *names)
{
    for (; *names; names++)
        putchar(*names == '|' ? ' ' : *names);
}

static bool takes_path(const struct option_row *o)
{
    return o->type == OPT_TYPE_STRING && o->role != OPT_ROLE_NONE;
}

static bool takes_dir(const struct option_row *o)
{
    return takes_path(o) &&
           (o->role == OPT_ROLE_MODEL || !strcmp(o->arg, "dir"));
}

static void print_parts(enum manual_form shell)
{
    for (const struct command *c = commands; c->name; c++)
        command_show(c, shell);
}

/* ---- bash ---------------------------------------------------------------- */

static void put_bash_names(const struct option_row *o, char between)
{
    if (o->short_name)
        printf("-%c%c", o->short_name, between);
    printf("--%s", o->long_name);
}

void manual_print_bash(const char *name, const struct option_row *options,
                       const struct manual *manual)
{
    printf("    '%s')\n        options='", name);
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++)
        if (option_is_one(o)) {
            put_bash_names(o, ' ');
            putchar(' ');
        }
    printf("-h --help'\n");
    if (manual->operands) {
        printf("        values='");
        put_choices(manual->operands);
        printf("'\n");
    }
    printf("        case $before in\n");
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (!option_is_one(o) || o->type == OPT_TYPE_FLAG)
            continue;
        printf("        ");
        put_bash_names(o, '|');
        printf(") values='");
        if (o->type == OPT_TYPE_CHOICE)
            put_choices(o->arg);
        else
            printf(takes_dir(o)    ? "<dir>"
                   : takes_path(o) ? "<file>"
                                   : "<none>");
        printf("' ;;\n");
    }
    printf("        esac\n        ;;\n");
}

static void print_bash(void)
{
    printf("# bash completion for simlm; made by 'simlm completion bash'\n"
           "_simlm() {\n"
           "    local current=${COMP_WORDS[COMP_CWORD]}\n"
           "    local before=${COMP_WORDS[COMP_CWORD - 1]}\n"
           "    local command=${COMP_WORDS[1]} options='' values=''\n"
           "    if [ \"$COMP_CWORD\" -gt 2 ]; then\n"
           "        case \"$command ${COMP_WORDS[2]}\" in\n");
    for (const struct command *c = commands; c->name; c++)
        if (is_family(c))
            printf("        '%s') command='%s' ;;\n", c->name, c->name);
    printf("        esac\n    fi\n"
           "    [ \"$COMP_CWORD\" = 1 ] && command=''\n"
           "    case $command in\n"
           "    '') values='");
    for (const struct command *c = commands; c->name; c++)
        if (is_first(c))
            printf("%.*s ", first_word(c->name), c->name);
    printf("--help --version' ;;\n");
    print_parts(MANUAL_BASH);
    for (const struct command *f = commands; f->name; f++) {
        if (!is_family(f) || !is_first(f))
            continue;
        printf("    '%.*s') values='", first_word(f->name), f->name);
        put_second_words(f);
        printf("' ;;\n");
    }
    printf("    esac\n"
           "    case $current in -*)\n"
           "        [ -z \"$options\" ] || values=$options ;;\n"
           "    esac\n"
           "    case $values in\n"
           "    '<none>') COMPREPLY=() ;;\n"
           "    '<dir>') compopt -o filenames 2>/dev/null\n"
           "        mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;\n"
           "    '<file>' | '') compopt -o filenames 2>/dev/null\n"
           "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;\n"
           "    *) mapfile -t COMPREPLY < <(compgen -W \"$values\" -- "
           "\"$current\") ;;\n"
           "    esac\n"
           "}\n"
           "complete -F _simlm simlm\n");
}

/* ---- zsh ----------------------------------------------------------------- */

static void put_zsh_value(const struct option_row *o)
{
    if (o->type == OPT_TYPE_FLAG)
        return;
    putchar(':');
    put_quoted(o->type == OPT_TYPE_CHOICE ? "choice" : o->arg, "\\:[]");
    putchar(':');
    if (o->type == OPT_TYPE_CHOICE) {
        putchar('(');
        put_choices(o->arg);
        putchar(')');
    } else if (takes_path(o)) {
        printf(takes_dir(o) ? "_files -/" : "_files");
    }
}

void manual_print_zsh(const char *name, const struct option_row *options,
                      const struct manual *manual)
{
    printf("    '%s') _arguments -s \\\n", name);
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        const char *often = o->type == OPT_TYPE_LIST ? "*" : "";

        if (!option_is_one(o))
            continue;
        if (o->short_name)
            printf("        %s'(-%c --%s)'{-%c,--%s}'[", *often ? "\\*" : "",
                   o->short_name, o->long_name, o->short_name, o->long_name);
        else
            printf("        '%s--%s[", often, o->long_name);
        put_quoted(o->help, "\\:[]");
        putchar(']');
        put_zsh_value(o);
        printf("' \\\n");
    }
    printf("        '(-h --help)'{-h,--help}'[show a summary]' \\\n");
    if (manual->operands) {
        printf("        '*:what:(");
        put_choices(manual->operands);
        printf(")' ;;\n");
    } else {
        printf("        '*:file:_files' ;;\n");
    }
}

static void put_zsh_names(void)
{
    for (const struct command *c = commands; c->name; c++) {
        if (!is_first(c))
            continue;
        printf("            '%.*s:", first_word(c->name), c->name);
        put_quoted(is_family(c) ? "several commands" : c->summary, "\\:");
        printf("'\n");
    }
}

static void print_zsh(void)
{
    printf("#compdef simlm\n"
           "# zsh completion for simlm; made by 'simlm completion zsh'\n"
           "_simlm() {\n"
           "    local -a names\n"
           "    local command=$words[2]\n"
           "    if (( CURRENT == 2 )); then\n"
           "        names=(\n");
    put_zsh_names();
    printf("        )\n"
           "        _describe command names\n"
           "        return\n"
           "    fi\n"
           "    case $command in\n");
    for (const struct command *f = commands; f->name; f++) {
        if (!is_family(f) || !is_first(f))
            continue;
        printf("    %.*s)\n"
               "        if (( CURRENT == 3 )); then\n"
               "            compadd -- ",
               first_word(f->name), f->name);
        put_second_words(f);
        printf("\n            return\n"
               "        fi\n"
               "        command=\"$command $words[3]\"\n"
               "        shift words; (( CURRENT-- )) ;;\n");
    }
    printf("    esac\n"
           "    shift words; (( CURRENT-- ))\n"
           "    case $command in\n");
    print_parts(MANUAL_ZSH);
    printf("    esac\n}\n_simlm \"$@\"\n");
}

/* ---- fish ---------------------------------------------------------------- */

static void put_fish_help(const char *help)
{
    printf(" -d '");
    put_quoted(help, "\\");
    printf("'\n");
}

void manual_print_fish(const char *name, const struct option_row *options,
                       const struct manual *manual)
{
    for (const struct option_row *o = options; o->type != OPT_TYPE_END; o++) {
        if (!option_is_one(o))
            continue;
        printf("complete -c simlm -n '__simlm_is %s' -l %s", name,
               o->long_name);
        if (o->short_name)
            printf(" -s %c", o->short_name);
        if (o->type == OPT_TYPE_CHOICE) {
            printf(" -x -a '");
            put_choices(o->arg);
            putchar('\'');
        } else if (takes_dir(o)) {
            printf(" -x -a '(__fish_complete_directories)'");
        } else if (o->type != OPT_TYPE_FLAG) {
            printf(takes_path(o) ? " -r -F" : " -x");
        }
        put_fish_help(o->help);
    }
    printf("complete -c simlm -n '__simlm_is %s' -l help -s h", name);
    put_fish_help("show a summary");
    if (manual->operands) {
        printf("complete -c simlm -n '__simlm_is %s' -f -a '", name);
        put_choices(manual->operands);
        printf("'\n");
    }
}

static void print_fish(void)
{
    printf("# fish completion for simlm; made by 'simlm completion fish'\n"
           "function __simlm_is\n"
           "    set -l words (commandline -opc)\n"
           "    test \"$words[2..(math 1 + (count $argv))]\" = \"$argv\"\n"
           "end\n"
           "function __simlm_first\n"
           "    test (count (commandline -opc)) = 1\n"
           "end\n"
           "function __simlm_second\n"
           "    set -l words (commandline -opc)\n"
           "    test (count $words) = 2 -a \"$words[2]\" = $argv[1]\n"
           "end\n");
    for (const struct command *c = commands; c->name; c++) {
        int n = first_word(c->name);

        if (is_first(c)) {
            printf("complete -c simlm -n __simlm_first -f -a %.*s", n, c->name);
            put_fish_help(is_family(c) ? "several commands" : c->summary);
        }
        if (is_family(c)) {
            printf("complete -c simlm -n '__simlm_second %.*s' -f -a %s", n,
                   c->name, c->name + n + 1);
            put_fish_help(c->summary);
        }
    }
    print_parts(MANUAL_FISH);
}

void manual_print_completion(enum manual_form shell)
{
    if (shell == MANUAL_BASH)
        print_bash();
    else if (shell == MANUAL_ZSH)
        print_zsh();
    else
        print_fish();
}
