#!/bin/sh
# The installed tree is enough: headers, library, pkg-config file; and the
# library exports what the headers declare, no more and no less.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/retrieve_lib.sh"
: "${SIMLM_BUILD:?}" "${SIMLM_SOURCE:?}" "${CC:=cc}"
for tool in cmake "$CC" pkg-config nm; do
    command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
sanitize=${SIMLM_SANITIZE:+-fsanitize=$SIMLM_SANITIZE}

prefix=$tmp/prefix
t 'it installs' cmake --install "$SIMLM_BUILD" --prefix "$prefix"
pc=$(find "$prefix" -name simlm.pc)
lib=$(dirname "$(find "$prefix" -name 'libsimlm.so')")
t 'with a pkg-config file' test -f "$pc"
t 'a man page of every command' sh -c '"$1" help --names | tr " " - | while read -r c; do
    [ -s "$2/share/man/man1/simlm-$c.1" ] || { echo "$c"; exit 1; }; done' - "$SIMLM" "$prefix"
t 'and of the program' test -s "$prefix/share/man/man1/simlm.1"
for f in bash-completion/completions/simlm zsh/site-functions/_simlm \
    fish/vendor_completions.d/simlm.fish; do
    t "completion: $f" test -s "$prefix/share/$f"
done
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH
t 'that has a version' sh -c '[ "simlm $(pkg-config --modversion simlm)" = "$("$1" --version)" ]' \
    - "$SIMLM"
flags="$(pkg-config --cflags --libs simlm) -Wl,-rpath,$lib $sanitize"

# ---- the examples, as their heads say ------------------------------------------
for name in encode search rerank; do
    # shellcheck disable=SC2086
    t "$name.c compiles in one line" "$CC" -std=c99 -Wall -Wextra -Werror \
        "$SIMLM_SOURCE/examples/$name.c" -o $name $flags
done
make_model model --max-positions 512 || exit 1
t 'the card gives two scores' sh -c './encode model >scores && [ $(wc -l <scores) = 2 ]'
t 'of unit vectors' awk '$1 < -1.00001 || $1 > 1.00001 { exit 1 }' scores
printf 'wing flow\nshock heat\nbody plate jet\n' >lines.txt
t 'a line finds lines' sh -c 'echo "wing flow" | ./search model lines.txt >hits &&
    [ $(wc -l <hits) = 3 ]'
cp -r "$TEST_DATA/golden/model/bert-score" rr && cp vocab.txt rr
t 'the re-ranker'"'"'s card gives three scores' sh -c './rerank rr >ranking && [ $(wc -l <ranking) = 3 ]'
t 'best first' sort -c -g -r ranking
t 'a model that is not there is named' sh -c './encode nowhere 2>err; [ $? = 1 ] &&
    grep -q nowhere err'
t 'the installed program runs' "$prefix/bin/simlm" --version

# ---- headers --------------------------------------------------------------------
include=$prefix/include
for h in "$include"/simlm/*.h; do
    name=$(basename "$h")
    printf '#include <simlm/%s>\nint main(void) { return 0; }\n' "$name" >one.c
    t "$name stands alone in C99" "$CC" -std=c99 -pedantic -Wall -Wextra -Werror \
        -I"$include" -fsyntax-only one.c
    command -v c++ >/dev/null && t "$name stands alone in C++17" c++ -std=c++17 \
        -pedantic -Wall -Wextra -Werror -I"$include" -fsyntax-only -x c++ one.c
done
for h in "$include"/simlm/*.h; do echo "#include <simlm/$(basename "$h")>"; done >all.c
t 'all of them together' "$CC" -std=c99 -pedantic -Wall -Wextra -Werror \
    -I"$include" -fsyntax-only all.c

# ---- symbols --------------------------------------------------------------------
# Declared: the name before the parenthesis of what SIMLM_API stands before.
"$CC" -std=c99 -I"$include" -DSIMLM_API=EXPORTED -E -P all.c |
    tr '\n' ' ' | grep -o 'EXPORTED [^;(]*(' |
    sed 's/ *($//; s/.*[ *]//' | sort -u >declared
nm -D --defined-only "$lib/libsimlm.so" |
    awk '$2 ~ /[TDBR]/ { print $3 }' | grep -v '^__\|^_init$\|^_fini$' |
    sort -u >exported
t 'there are some' test -s declared
t 'what is exported is what is declared' diff declared exported
finish
