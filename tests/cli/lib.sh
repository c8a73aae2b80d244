# lib.sh - sourced by every tests/cli/t_*.sh.
#
#   SIMLM        the program under test          TEST_DATA   committed fixtures
#   JSON_CHECK, EVENTS_DUMP   the programs beside this file
#   SHARED_DATA  the shared collections; tests that need them call need_shared
#
# The script runs in a private directory that is removed at the end.  Each
# check is `t "claim" command...`; fails are counted, the script's exit code
# says whether there were any.
set -u
: "${SIMLM:?}" "${TEST_DATA:?}"
LC_ALL=C
HF_HUB_OFFLINE=1 # a mistyped path is no reason to ask the network
export LC_ALL HF_HUB_OFFLINE
tmp=$(mktemp -d "${TMPDIR:-/tmp}/simlm-cli-XXXXXX") || exit 1
trap 'cd /; rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
cd "$tmp" || exit 1
n_failed=0

t() {
    claim=$1
    shift
    if "$@" >t.out 2>&1; then
        echo "ok: $claim"
    else
        echo "FAILED: $claim"
        sed 's/^/    /' t.out
        n_failed=$((n_failed + 1))
    fi
}

# exits CODE command...: the command must exit with CODE; keeps out and err.
exits() {
    want=$1
    shift
    "$@" >out 2>err
    got=$?
    [ "$got" = "$want" ] || { echo "exit $got, not $want: $*"; cat err; return 1; }
}

# complains TEXT command...: exit 1, one line on stderr that contains TEXT.
complains() {
    text=$1
    shift
    exits 1 "$@" || return 1
    [ "$(wc -l <err)" = 1 ] || { echo "not one line:"; cat err; return 1; }
    grep -qF -- "$text" err || { echo "not '$text':"; cat err; return 1; }
}

same() { cmp "$1" "$2"; }
absent() { [ ! -e "$1" ] || { echo "$1 exists"; return 1; }; }
need_shared() { [ -d "$SHARED_DATA/$1" ] || { echo "skipped: no shared/$1"; exit 77; }; }
finish() { [ "$n_failed" = 0 ]; exit; }
