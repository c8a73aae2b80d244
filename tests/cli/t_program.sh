#!/bin/sh
# The program itself: help, version, unknown commands, a full standard output.
. "$(dirname "$0")/lib.sh"

t 'help lists commands on stdout' exits 0 "$SIMLM" help
t 'the version is printed' sh -c '"$SIMLM" --version | grep -q "^simlm [0-9]"'
t 'no command is a usage error' exits 2 "$SIMLM"
t 'an unknown command is a usage error' exits 2 "$SIMLM" frobnicate
t 'it is named' grep -q "unknown command 'frobnicate'" err
if [ -e /dev/full ]; then
    t 'a full disk behind stdout is a failure' \
        sh -c '"$SIMLM" help >/dev/full 2>err; [ $? = 1 ]'
fi
# Every command shows its help, and refuses an option it does not know.
for c in $("$SIMLM" help | sed -n 's/^  \([a-z0-9-]*\) .*/\1/p'); do
    t "$c --help" exits 0 "$SIMLM" "$c" --help
    t "$c --no-such-option" exits 2 "$SIMLM" "$c" --no-such-option
done
t 'a letter of several that is no option is named' \
    sh -c '"$SIMLM" eval -cz a b 2>&1 | grep -q "unknown option .-z."'
t 'a missing value is named' \
    sh -c '"$SIMLM" eval a b -l 2>&1 | grep -q "option .-l. needs a value"'
t 'a value too many is named' \
    sh -c '"$SIMLM" eval --quiet=1 a b 2>&1 | grep -q "quiet=1.: no value"'
finish
