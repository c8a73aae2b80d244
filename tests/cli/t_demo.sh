#!/bin/sh
# The demo's whole way on 150 made-up packages and a model of nothing: it ends
# with a table, and is the same after kill -9.
. "$(dirname "$0")/lib.sh"
command -v setsid >/dev/null || { echo 'skipped: no setsid'; exit 77; }

awk 'BEGIN {
    n_what = split("editor player server viewer parser compiler manager browser game font", what)
    n_of = split("text music mail images chess numbers maps novels", of)
    split("fast small simple old modern", how)
    for (i = 0; i < 150; i++) {
        w = what[i % n_what + 1]; o = of[int(i / n_what) % n_of + 1]; h = how[int(i / 31) + 1]
        printf "Package: %s%s%d\nDescription: %s %s for %s, number %d\n", o, w, i, h, w, o, i
        printf " Package %d holds a %s that is %s.\n It works with %s.\n\n", i, w, h, o
    }
}' >Packages
cat >tiny.conf <<'END'
TITLE="A tiny demo"
NOTE="A test."
VOCAB=200
SHAPE="--layers 2 --hidden 16 --heads 1 --ffn 32"
LENGTH=32
QUERY_LENGTH=16
PRETRAIN="--batch 4 --eval-samples 8 --log-every 5 --save-every 5"
BASE_STEPS=60
MLM_STEPS=10
RLM_STEPS=5
BASE="--lr 1e-3"
MLM="--lr 1e-3"
RLM="--lr 1e-3"
FINETUNE="--batch 4 --passages 2 --log-every 5 --save-every 5 --eval-samples 8"
FINETUNE_STEPS=20
LR_NONE=1e-3
LR_MLM=1e-3
LR_RLM=1e-3
END
# demo FOLDER [variable=value...]
demo() {
    folder=$1
    shift
    env DEMO="$tmp/tiny.conf" LISTS="$tmp/Packages" OUT="$tmp/$folder" SIMLM="$SIMLM" THREADS=1 "$@" \
        sh "$SIMLM_SOURCE/demo/run" </dev/null
}
table() { sed -n '/MRR@10/,/^$/p' "$1"; }
says() { grep -qF -- "$1" out || { echo "not '$1':"; cat out; return 1; }; }

t 'the demo runs to its end' exits 0 demo whole
cp out whole.out
t 'and prints a table' says 'BM25 + dense'
t 'and a page' grep -q '<h1>A tiny demo</h1>' whole/report.html
t 'with all queries that were asked for' [ "$(grep -c '<details' whole/report.html)" = 8 ]
t 'and how to search' says 'search --interactive'
t 'again: nothing is left to do' exits 0 demo whole
done_before() { [ "$(grep -c 's of processor time' out)" = "$(grep -c 'done before' out)" ]; }
t 'every step was done before' done_before
table out >again.table
table whole.out >whole.table
t 'with the same table' same whole.table again.table

# Killed with all its commands, once in each long step.
kill_in() {
    setsid env DEMO="$tmp/tiny.conf" LISTS="$tmp/Packages" OUT="$tmp/killed" SIMLM="$SIMLM" THREADS=1 \
        sh "$SIMLM_SOURCE/demo/run" </dev/null >out 2>err &
    until [ -n "$(ls "killed/$1/"checkpoint-* 2>/dev/null)" ] || ! kill -0 $! 2>/dev/null; do
        sleep 0.01
    done
    kill -9 -$! 2>/dev/null
    wait $! 2>/dev/null
    true
}
kill_in base
t 'a killed demo has no table' absent killed/share
kill_in rlm
kill_in mlm.retriever
t 'is continued' exits 0 demo killed
table out >killed.table
t 'and ends with the same numbers' same whole.table killed.table
t 'to the last bit' same whole/test.fused.run killed/test.fused.run

# ---- settings ---------------------------------------------------------------------
sed 's/RLM_STEPS=5/RLM_STEPS=6/' tiny.conf >other.conf
t 'changed settings' exits 0 demo whole DEMO="$tmp/other.conf"
redone() { grep 'RLM' out | head -n 1 | grep -qv 'done before' && grep 'base: masked LM' out | grep -q 'done before'; }
t 'redo the step and what follows, not what came before' redone
sed 's/FINETUNE_STEPS=20/FINETUNE_STEPS=21/' other.conf >longer.conf
t 'longer fine-tuning' exits 0 demo whole DEMO="$tmp/longer.conf"
tuned_anew() { [ "$(grep -c '^  fine-tuning: .*processor time *$' out)" = 3 ] && grep 'steps of RLM' out | grep -q 'done before'; }
t 'is for all three, and for nothing before' tuned_anew
t 'given weights' exits 0 demo given MODEL="$tmp/whole/mlm"
t 'are what is trained' [ ! -e given/start ]
t 'a collection of one'"'"'s own' exits 0 demo own CORPUS="$tmp/whole/packages"
t 'a size that is not there' exits 1 demo none DEMO=tinier
t 'a collection that is not there' exits 1 demo none CORPUS="$tmp"
finish
