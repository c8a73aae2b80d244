#!/bin/sh
# Progress: a bar on a terminal, nothing of the kind anywhere else.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
command -v script >/dev/null && script -qec true /dev/null >/dev/null 2>&1 ||
    { echo "skipped: no script (util-linux), or no terminals"; exit 77; }
make_world || exit 1
TERM=xterm
export TERM
unset COLUMNS

# The runs below are without -q, which train_lib.sh gives.
train() {
    exec "$SIMLM" pretrain -t 1 --model base --max-length 24 --batch 8 --lr 1e-2 \
        --save-every 0 --log-every 0 --eval-samples 0 "$@" corpus.jsonl
}
# on_terminal COMMAND: its output as a terminal gets it, in `screen`.
on_terminal() {
    cat >run.sh <<END
. "$here/lib.sh"
cd "$tmp" || exit 1
trap - EXIT
$(sed -n '/^train() {/,/^}/p' "$here/t_progress.sh")
stty cols ${cols:-80} 2>/dev/null
$1
END
    script -qefc 'sh run.sh' screen >/dev/null </dev/null
}
# Each drawing of the bar is a line of `drawn`.
drawings() { tr '\r' '\n' <screen | sed 's/\x1b\[K//' | grep "${1:-^training}" >drawn; }

t 'a training on a terminal' on_terminal 'train -o one --steps 40'
drawings
t 'draws a bar' grep -q '^training  *[0-9]*% \[=*>* *\]' drawn
t 'with the loss' grep -q ' loss [0-9]' drawn
t 'without colours' sh -c '! grep -q "$(printf "\033")\[[0-9;]*m" screen'
t 'to the end' grep -q '40/40 steps' drawn
t 'no line is wider than the terminal' sh -c '! grep -q ".\{80,\}" drawn'
t 'and the cursor is left at the start of a line' sh -c \
    '[ "$(grep -v "^Script" screen | tail -c 1 | od -An -tx1 | tr -d " ")" = 0a ]'
cols=40
t 'a narrow terminal' on_terminal 'train -o two --steps 40'
drawings
t 'is not overrun' sh -c '[ -s drawn ] && ! grep -q ".\{40,\}" drawn'
cols=80
t 'COLUMNS is heeded' on_terminal 'export COLUMNS=30; train -o three --steps 40'
drawings
t 'too' sh -c '[ -s drawn ] && ! grep -q ".\{30,\}" drawn'

t 'a dumb terminal' on_terminal 'export TERM=dumb; train -o four --steps 40'
t 'gets no control characters' sh -c '! grep -q "$(printf "\033")" screen'
t 'a quiet command' on_terminal 'train -q -o five --steps 40'
t 'prints nothing' sh -c '! grep -v "^Script" screen | grep -q .'
t 'a pipe' sh -c '"$0" pretrain -t 1 --model base --max-length 24 --batch 8 \
    --lr 1e-2 --steps 40 --eval-samples 0 -o six corpus.jsonl 2>err' "$SIMLM"
t 'gets no control characters either' sh -c '! grep -q "$(printf "[\033\r]")" err'

# ---- other commands --------------------------------------------------------------------
t 'encoding on a terminal' on_terminal \
    '"$SIMLM" encode -t 1 --model base --side passage --batch-tokens 64 -o vec corpus.jsonl'
drawings '^encoding'
t 'begins where the job stood, at nothing' sh -c 'head -n 1 drawn | grep -qx "encoding  0 passages"'
t 'ends with all' grep -q '60/60 passages' drawn
t 'says how many tokens a second' grep -q 'passages  tokens/s [1-9]' drawn

# ---- ends that are not the planned one -----------------------------------------------
printf '{"id":"0","contents":"a b"}\n{"id":"1","contents":\n' >broken.jsonl
t 'an error on a terminal' on_terminal '"$SIMLM" vocab -o x --size 100 broken.jsonl; [ $? = 1 ]'
t 'is a line of its own' sh -c \
    'tr "\r" "\n" <screen | sed "s/\x1b\[K//" | grep -q "^simlm: .*broken.jsonl:2"'
t 'an interrupted training' on_terminal '
train -o seven --steps 1000000 & pid=$!
n=0
while ! grep -q "training  " screen && [ $n -lt 600 ]; do sleep 0.1; n=$((n + 1)); done
kill -TERM $pid; wait $pid; echo "code $?"'
tr '\r' '\n' <screen | sed 's/\x1b\[K//' >lines
t 'says that it stops' grep -q '^simlm: stopping' lines
t 'and how to go on, on a line of its own' grep -q '^simlm: stopped after step' lines
t 'with exit code 1' grep -q '^code 1' lines
finish
