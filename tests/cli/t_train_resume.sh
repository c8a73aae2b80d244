#!/bin/sh
# kill -9 at any moment, then the same command again: the model is, to the bit,
# that of a run which nothing disturbed.  SIGTERM saves and says so.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world

# These replace the (sub)shell that runs them, so that $! is the program's id.
run_rlm() {
    exec "$SIMLM" pretrain -q -t 1 --objective rlm --model base --generator gen \
        --max-length 24 --batch 8 --lr 1e-2 --decoder-layers 1 -s 300 \
        --save-every 3 --eval-every 50 --log-every 2 "$@" corpus.jsonl
}
run_finetune() {
    exec "$SIMLM" finetune -q -t 1 --model base --corpus corpus.jsonl --batch 4 \
        --passages 4 --query-max-length 8 --passage-max-length 24 --lr 1e-3 \
        --queries queries.tsv --qrels qrels.txt --negatives run.tsv -s 200 \
        --save-every 5 --log-every 4 "$@"
}

# Step records in a run's log.
logged() {
    n=$(grep -c '"event":"step"' "$1/log.jsonl" 2>/dev/null)
    echo "${n:-0}"
}

# until_logged DIR N PID: wait for N step records, or for the program's end.
until_logged() {
    while [ "$(logged "$1")" -lt "$2" ] && kill -0 "$3" 2>/dev/null; do
        sleep 0.01
    done
}

# killed COMMAND DIR: start it and kill it, again and again, then let it run.
# Where it is killed follows from its own progress, so that a fast machine
# does not finish first; that at least one kill hits is part of the claim.
killed() {
    n_killed=0
    for at in 1 8 20 30 35; do
        ($1 -o "$2") &
        pid=$!
        until_logged "$2" $at $pid
        kill -9 $pid 2>/dev/null && n_killed=$((n_killed + 1))
        wait $pid 2>/dev/null
    done
    [ "$n_killed" -ge 1 ] || { echo "never killed"; return 1; }
    ($1 -o "$2")
}
alone() { ($1 -o "$2"); }
same_model() { cmp "$1/model.safetensors" "$2/model.safetensors"; }
# Every step was logged once, in order.
steps_in_order() {
    sed -n 's/.*"event":"step","step":\([0-9]*\).*/\1/p' "$1/log.jsonl" >steps
    sort -nu steps >sorted && cmp steps sorted
}

t 'rlm runs' alone run_rlm whole
t 'rlm is killed and resumed' killed run_rlm torn
t 'it ends with the same bits' same_model whole torn
t 'the decoder, too' cmp whole/decoder.safetensors torn/decoder.safetensors
t 'its log has every record once' steps_in_order torn
t 'nothing but the model and the log is left' sh -c '
    ls -A whole >a && ls -A torn >b && diff a b && ! ls -d torn/*.tmp.* 2>/dev/null'

t 'fine-tuning runs' alone run_finetune ft-whole
t 'fine-tuning is killed and resumed' killed run_finetune ft-torn
t 'it ends with the same bits' same_model ft-whole ft-torn

"$SIMLM" mine -q -t 1 --corpus corpus.jsonl --queries queries.tsv --qrels qrels.txt \
    --negatives run.tsv -o kd.jsonl
run_distill() {
    exec "$SIMLM" finetune -q -t 1 --model base --corpus corpus.jsonl --batch 4 \
        --passages 4 --query-max-length 8 --passage-max-length 24 --lr 1e-3 \
        --teacher kd.jsonl --temperature-warmup --warmup 90 -s 200 \
        --save-every 5 --log-every 4 "$@"
}
t 'distillation runs' alone run_distill kd-whole
t 'distillation is killed and resumed' killed run_distill kd-torn
t 'it ends with the same bits' same_model kd-whole kd-torn

run_towers() {
    run_finetune --untied --pooler 6 "$@"
}
t 'two encoders and a pooler are trained' alone run_towers towers-whole
t 'they are killed and resumed' killed run_towers towers-torn
t 'they end with the same bits' sh -c 'for f in query_model/model passage_model/model 2_Dense/model; do
    cmp towers-whole/$f.safetensors towers-torn/$f.safetensors || exit 1; done'

run_half() {
    run_rlm --precision bf16 "$@"
}
t 'rlm runs in bf16' alone run_half half-whole
t 'rlm is killed and resumed in bf16' killed run_half half-torn
t 'it ends with the same bits' same_model half-whole half-torn

# A polite signal: a checkpoint, one line, exit code 1.
(run_rlm -o polite -s 100000 2>said) &
pid=$!
until_logged polite 3 $pid
kill -TERM $pid
wait $pid
t 'SIGTERM ends it with code 1' test $? = 1
t 'and says how to go on' grep -q 'stopped after step [0-9]* of 100000; the same command continues' said
t 'from the checkpoint it left' sh -c 'ls -d polite/checkpoint-*'
t 'at most two are kept' sh -c '[ "$(ls -d polite/checkpoint-* | wc -l)" -le 2 ]'
t "a checkpoint can be damaged" sh -c '
    for f in polite/checkpoint-*/state.safetensors; do
        printf x | dd of=$f bs=1 seek=5000 conv=notrunc 2>/dev/null
    done'
before=$(logged polite)
(run_rlm -o polite -s 100000 2>said) &
pid=$!
until_logged polite $((before + 2)) $pid
t 'two at once are one too many' complains 'another run is writing here' alone \
    'run_rlm -s 100000' polite
kill -TERM $pid
wait $pid
t 'SIGTERM ends that, too, with code 1' test $? = 1
t 'but passed over with a warning' grep -q 'warning: .*damaged' said
finish
