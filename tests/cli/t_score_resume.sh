#!/bin/sh
# simlm rerank and score: killed anywhere, they continue to the same bytes.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world
"$SIMLM" train-reranker -q -t 1 --model base --corpus corpus.jsonl --queries queries.tsv \
    --qrels qrels.txt --negatives run.tsv --batch 4 --passages 4 --forward-factor 1 \
    --max-length 32 --lr 1e-3 -s 1 -o rr
"$SIMLM" mine -q -t 1 --corpus corpus.jsonl --queries queries.tsv --qrels qrels.txt \
    --negatives run.tsv -o train.jsonl
# Variables, not functions: in the background they must be the process itself.
rerank="$SIMLM rerank -t 1 --model rr --queries queries.tsv --corpus corpus.jsonl
        --save-every 4 --batch-tokens 40"
score="$SIMLM score -t 1 --model rr --corpus corpus.jsonl --save-every 4 --batch-tokens 40"

size() { s=$(wc -c 2>/dev/null <"$1.scores"); echo "${s:-0}"; }
# kill_at BYTES OUTPUT command...: start, kill -9 once so many are saved.
kill_at() {
    n=$1 file=$2
    shift 2
    "$@" -q &
    pid=$!
    while [ "$(size "$file")" -lt "$n" ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ $? = 137 ] || { echo 'it was over before'; return 1; }
}
# Header 16, then 16 + 4 x 4 bytes for each saving.
cuts() {
    claim=$1 whole=$2 part=$3
    shift 3
    t "$claim: killed" kill_at 100 $part "$@"
    before=$(size $part)
    t "$claim: what is there is no output" absent $part
    t "$claim: killed again" kill_at $((before + 100)) $part "$@"
    t "$claim: it had gone on where it was" [ "$(size $part)" -gt "$before" ]
    t "$claim: it continues" sh -c '"$@" 2>&1 | grep -q "^continuing after [1-9]"' - "$@"
    t "$claim: to the same bytes" same $whole $part
    t "$claim: and nothing else is left" absent $part.scores
}
t 'a run is ranked anew' exits 0 $rerank -q -o whole.run run.tsv
t 'and no scores are left' absent whole.run.scores
cuts rerank whole.run part.run $rerank -o part.run run.tsv
t 'a list is scored' exits 0 $score -q -o whole.kd train.jsonl
cuts score whole.kd part.kd $score -o part.kd train.jsonl

# ---- what was saved is proved before it is kept ---------------------------------
t 'killed' kill_at 300 hurt.run $rerank -o hurt.run run.tsv
printf 'spoilt' | dd of=hurt.run.scores bs=1 conv=notrunc seek=70 2>t.dd
t 'a saving that is spoilt is noticed' sh -c '"$@" 2>&1 |
    grep -q "continuing after 4 of"' - $rerank -o hurt.run run.tsv
t 'and made anew' same whole.run hurt.run
t 'killed' kill_at 300 cut.run $rerank -o cut.run run.tsv
head -c 123 cut.run.scores >short && mv short cut.run.scores
t 'a file that lost its end' exits 0 $rerank -q -o cut.run run.tsv
t 'is completed' same whole.run cut.run
t 'killed' kill_at 300 other.run $rerank -o other.run run.tsv
head -n 300 run.tsv >less.tsv
t 'scores of another run are not taken' exits 0 $rerank -q -o other.run less.tsv
$rerank -q -o less.run less.tsv
t 'it is as if they were not there' same less.run other.run
t 'another precision, too' sh -c '! "$@" 2>&1 | grep -q continuing' - \
    $rerank --precision bf16 -o other.run run.tsv
t 'the size of savings decides nothing' exits 0 "$SIMLM" rerank -q -t 1 --model rr \
    --queries queries.tsv --corpus corpus.jsonl -o large.run run.tsv
t 'to the byte' same whole.run large.run

# ---- one at a time; a polite stop; no file --------------------------------------
$rerank -q -o busy.run run.tsv &
pid=$!
while [ "$(size busy.run)" -lt 100 ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -STOP $pid
t 'two at once for one output are one too many' complains 'another process is at work' \
    $rerank -q -o busy.run run.tsv
kill -CONT $pid
kill -TERM $pid
wait $pid
t 'SIGTERM ends it with exit code 1' [ $? = 1 ]
t 'what was saved is used' sh -c '"$@" 2>&1 | grep -q "continuing after"' - \
    $rerank -o busy.run run.tsv
t 'as always' same whole.run busy.run
t 'to standard output nothing is kept' sh -c '"$@" >out.run && ! ls ./-.scores 2>/dev/null' - \
    $rerank -q -o - run.tsv
t 'nor of a pipe' sh -c 'cat run.tsv | "$@" && cmp piped.run whole.run' - \
    $rerank -q -o piped.run /dev/stdin
finish
