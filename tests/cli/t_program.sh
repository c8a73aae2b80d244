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
finish
