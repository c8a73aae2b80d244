#!/bin/sh
# The program itself: help, version, unknown commands, a full standard output.
. "$(dirname "$0")/lib.sh"

t 'help lists commands on stdout' exits 0 "$SIMLM" help
t 'the version is printed' sh -c '"$SIMLM" --version | grep -q "^simlm [0-9]"'
t 'no command is a usage error' exits 2 "$SIMLM"
t 'an unknown command is a usage error' exits 2 "$SIMLM" frobnicate
t 'it is named' grep -q "unknown command 'frobnicate'" err
t 'a mistyped one is, too' exits 2 "$SIMLM" serach
t 'and the one that was meant' grep -q "did you mean 'search'" err
t 'a command of two words' exits 0 "$SIMLM" bm25 search --help
t 'half of it is a usage error' exits 2 "$SIMLM" bm25
t 'the other halves are listed' grep -q 'simlm bm25 index' err
t 'a wrong half is named' sh -c '"$SIMLM" bm25 serach 2>&1 | grep -q "bm25 serach"'
t 'help of it lists them, too' sh -c '"$SIMLM" help bm25 | grep -q "simlm bm25 index"'
t 'help of an unknown command is a usage error' exits 2 "$SIMLM" help frobnicate
t 'a mistyped option names the one meant' \
    sh -c '"$SIMLM" encode --modle x 2>&1 | grep -q "did you mean .--model."'
if [ -e /dev/full ]; then
    t 'a full disk behind stdout is a failure' \
        sh -c '"$SIMLM" help >/dev/full 2>err; [ $? = 1 ]'
fi
# Every command shows its help, and refuses an option it does not know.
"$SIMLM" help --names >names
while read -r c; do
    # shellcheck disable=SC2086
    t "$c --help" exits 0 "$SIMLM" $c --help
    # shellcheck disable=SC2086
    t "$c --no-such-option" exits 2 "$SIMLM" $c --no-such-option
done <names
t 'options that exclude each other are a usage error' \
    exits 2 "$SIMLM" finetune --train a --queries b
t 'and are named' grep -q -- '--train and --queries exclude each other' err

# An output that would replace an input, by any of its names.
echo 'q	x' >data && ln -s data other && mkdir dir
for c in 'vocab -o data other' 'bm25 search --index dir -o data other' \
    'search --model dir --index data -o ./data other' 'fuse -o other data' \
    'eval -o data other data' 'encode --model dir --side query -o dir data' \
    'init --vocab data -o other' 'pretrain --model dir --overwrite -o ./dir data'; do
    # shellcheck disable=SC2086
    t "refused: $c" complains 'would replace the input' "$SIMLM" $c
done
t 'a directory is not written to standard output' complains 'standard output' \
    "$SIMLM" init --vocab data -o -
t 'the input is what it was' sh -c '[ "$(cat data)" = "q	x" ]'
t 'a letter of several that is no option is named' \
    sh -c '"$SIMLM" eval -cz a b 2>&1 | grep -q "unknown option .-z."'
t 'a missing value is named' \
    sh -c '"$SIMLM" eval a b -l 2>&1 | grep -q "option .-l. needs a value"'
t 'a value too many is named' \
    sh -c '"$SIMLM" eval --quiet=1 a b 2>&1 | grep -q "quiet=1.: no value"'
finish
