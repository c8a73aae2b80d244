#!/bin/sh
# The manual: every command and option is in --help, in a man page, and is
# offered by completion; all from the option tables.
. "$(dirname "$0")/lib.sh"
: "${SIMLM_SOURCE:?}"

t 'pages and scripts are made' "$SIMLM_SOURCE/tools/make-manual" "$SIMLM" manual
"$SIMLM" help --names >names
t 'there are commands' test -s names

# options_of COMMAND...: its long options, as --help lists them.
options_of() { "$SIMLM" "$@" --help | sed -n 's/^  \(-., \|    \)\(--[a-z0-9-]*\).*/\2/p'; }

# has_sections PAGE: what every page has.
has_sections() {
    for s in NAME SYNOPSIS DESCRIPTION OPTIONS EXAMPLES 'EXIT STATUS' 'SEE ALSO'; do
        grep -qx "\.SH $s" "$1" || { echo "$1: no $s"; return 1; }
    done
    # A description is sentences, not a line of leftovers.
    [ "$(sed -n '/^\.SH DESCRIPTION/,/^\.SH OPTIONS/p' "$1" | wc -w)" -gt 30 ] ||
        { echo "$1: no description to speak of"; return 1; }
    [ "$(sed -n '/^\.SH EXAMPLES/,/^\.SH EXIT/p' "$1" | wc -l)" -gt 4 ] ||
        { echo "$1: no example"; return 1; }
}

# mentions_all PAGE OPTIONS: troff writes a minus as \-.
mentions_all() {
    sed 's/-/\\-/g; s/.*/\\fB&\\fR/' "$2" | awk -v page="$1" '
        BEGIN { while ((getline line <page) > 0) text = text line "\n" }
        !index(text, $0) { print page ": no " $0; bad = 1 }
        END { exit bad }'
}

# refers PAGE: what SEE ALSO names exists.
refers() {
    sed -n '/^\.SH SEE ALSO/,$s/^\.BR \(.*\) (1).*/\1/p' "$1" | sed 's/\\//g' |
        while read -r p; do [ -f "manual/man1/$p.1" ] || { echo "no page $p"; return 1; }; done
}

while read -r name; do
    page=manual/man1/simlm-$(echo "$name" | tr ' ' -).1
    # shellcheck disable=SC2086
    options_of $name >options
    t "$name: has a page of all sections" has_sections "$page"
    t "$name: --help lists options" grep -qx -- --help options
    t "$name: they are in the page" mentions_all "$page" options
    # Commands with an output go through cli_run_begin() and cli_run_end().
    t "$name: what writes has a log" sh -c \
        '! grep -qx -- --output options || grep -qx -- --log-json options'
    t "$name: SEE ALSO is to be seen" refers "$page"
    t "$name: is in simlm(1)" grep -qF "$(basename "$page" .1 | sed 's/-/\\-/g')" manual/man1/simlm.1
    # shellcheck disable=SC2086
    t "$name: help says what --help says" sh -c \
        '"$0" help "$@" >a && "$0" "$@" --help | cmp - a' "$SIMLM" $name
done <names

# ---- completion in bash ---------------------------------------------------------
if command -v bash >/dev/null; then
    cat >complete.bash <<'END'
# complete.bash WORD...: what the script offers for the last word.
. manual/simlm.bash
COMP_WORDS=(simlm "$@")
COMP_CWORD=$#
_simlm
printf '%s\n' "${COMPREPLY[@]}"
END
    offers() { bash complete.bash "$@" | sort; }
    offers '' >offered
    t 'completion offers the first words of all commands' sh -c \
        'cut -d" " -f1 names | sort -u | comm -13 offered - | wc -l | grep -qx 0'
    t 'and the second words' sh -c 'bash complete.bash bm25 "" | grep -qx search'
    while read -r name; do
        # shellcheck disable=SC2086
        options_of $name | sort >options
        # shellcheck disable=SC2086
        offers $name - >offered
        t "$name: completion offers every option" sh -c \
            '[ -s offered ] && ! comm -23 options offered | grep .'
    done <names
    t 'the names of a choice are offered' sh -c \
        'bash complete.bash pretrain --schedule l | tr "\n" " " | grep -qx "linear log "'
    mkdir -p some/dir && : >some/file
    t 'directories where one is wanted' sh -c \
        'bash complete.bash encode --model some/ | grep -qx some/dir &&
         ! bash complete.bash encode --model some/ | grep -q file'
    t 'files as operands' sh -c 'bash complete.bash encode some/f | grep -qx some/file'
    t 'nothing where a number is wanted' sh -c '! bash complete.bash encode -t "" | grep .'
else
    echo "skipped: completion in bash: no bash"
fi
for shell in zsh fish; do
    if command -v $shell >/dev/null; then
        t "$shell reads its script" $shell -n manual/simlm.$shell
    else
        echo "skipped: completion in $shell: no $shell"
    fi
done

# ---- what formatters say ----------------------------------------------------------
# Pages carry no date, so that building twice gives the same bytes.
if command -v mandoc >/dev/null; then
    t 'mandoc finds nothing wrong' sh -c \
        'mandoc -T lint -W warning manual/man1/*.1 | grep -v "missing date"; [ $? = 1 ]'
else
    echo "skipped: mandoc -T lint: no mandoc"
fi
if command -v groff >/dev/null; then
    t 'groff finds nothing wrong' sh -c \
        'groff -ww -man -Tascii -z manual/man1/*.1 2>&1 | grep .; [ $? = 1 ]'
else
    echo "skipped: groff -ww: no groff"
fi
finish
