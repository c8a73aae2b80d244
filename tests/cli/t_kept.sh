#!/bin/sh
# --keep-last, --keep-best: which checkpoints stay, that they are models, that
# keeping changes nothing else, and that kill -9 changes nothing at all.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world

kept() { ls "$1" | grep '^checkpoint-' | sed 's/checkpoint-0*//' | tr '\n' ' '; }
keeps() { got=$(kept "$1"); [ "$got" = "$2" ] || { echo "kept: $got"; return 1; }; }
same_model() { cmp "$1/model.safetensors" "$2/model.safetensors"; }

# ---- the last -------------------------------------------------------------------
short='-s 60 --save-every 10 --schedule constant --warmup 0 --dropout 0.2 --eval-every 15'
t 'a run keeps its last two' mlm $short --keep-last 2 -o last
t 'those before the trained model' keeps last '40 50 '
t 'one that keeps none' mlm $short -o none
t 'has none' keeps none ''
t 'and comes to the same model' same_model last none
t 'no state is left' sh -c '! ls last/checkpoint-*/state.* 2>/dev/null'
t 'a kept one is what a run of as many steps comes to' sh -c "
    '$SIMLM' pretrain -q -t 1 --objective mlm --model base --max-length 24 --batch 8 \
        --lr 1e-2 $short -s 50 -o fifty corpus.jsonl &&
    cmp fifty/model.safetensors last/checkpoint-00000050/model.safetensors &&
    cmp fifty/config.json last/checkpoint-00000050/config.json"
t 'it can be started from' mlm -s 2 --model last/checkpoint-00000050 -o on
for key in identity settings step; do
    t "it says its $key" "$JSON_CHECK" file last/checkpoint-00000050/train.json $key
done
t 'among that seed, version and hashes of the data' sh -c '
    for key in seed version corpus model tokenizer; do
        grep -q "\"$key\": \"" last/checkpoint-00000050/train.json || exit 1; done'
t 'it has a card' grep -q '^# last' last/checkpoint-00000050/README.md
t 'the same command again changes nothing' sh -c "
    ls -R last >before && '$SIMLM' pretrain -q -t 1 --objective mlm --model base \
        --max-length 24 --batch 8 --lr 1e-2 $short -o last corpus.jsonl &&
    ls -R last | cmp before -"

# ---- the best -------------------------------------------------------------------
measures() { sed -n 's/.*"event":"eval","step":\([0-9]*\),.*"'$2'":\([-0-9.e+]*\).*/\1 \2/p' "$1/log.jsonl"; }
is_link_to() { got=$(readlink "$1/best"); [ "$got" = "checkpoint-$(printf %08d $2)" ] || { echo "$got"; return 1; }; }
t 'a run keeps its best' finetune_lists -s 40 --lr 1e-2 --eval-every 5 --eval-samples 20 \
    --keep-best mrr -o best
best=$(measures best mrr | sort -k2,2gr -k1,1n | head -n 1 | cut -d' ' -f1)
t 'the first with the largest measure' is_link_to best "$best"
t 'and no other' keeps best "$best "
t 'which it says' sh -c "'$JSON_CHECK' file best/best/train.json held_out | grep -q mrr"
t 'it can be used' sh -c "cut -f1,2 queries.tsv >q.tsv &&
    '$SIMLM' encode -q -t 1 --model best/best --side query -o vectors q.tsv"
t 'of a loss less is better' mlm -s 30 --eval-every 5 --keep-best loss --lr 3e-2 -o least
least=$(measures least loss | sort -k2,2g -k1,1n | head -n 1 | cut -d' ' -f1)
t 'the first with the smallest' is_link_to least "$least"
t 'two encoders are kept, too' finetune_lists -s 20 --untied --eval-every 10 \
    --save-every 5 --keep-best loss --keep-last 1 -o towers
t 'whole' sh -c 'ls towers/best/query_model/model.safetensors towers/best/passage_model/model.safetensors'

# ---- killed and resumed -----------------------------------------------------------
run_kept() {
    exec "$SIMLM" finetune -q -t 1 --model base --corpus corpus.jsonl --batch 4 \
        --passages 4 --query-max-length 8 --passage-max-length 24 --lr 1e-2 \
        --queries queries.tsv --qrels qrels.txt --negatives run.tsv -s 120 \
        --eval-samples 20 --dropout 0.2 --save-every 16 --eval-every 12 --log-every 1 \
        --keep-last 3 --keep-best acc3 "$@"
}
logged() {
    n=$(grep -c '"event":"step"' "$1/log.jsonl" 2>/dev/null)
    echo "${n:-0}"
}
until_logged() {
    while [ "$(logged "$1")" -lt "$2" ] && kill -0 "$3" 2>/dev/null; do
        sleep 0.01
    done
}
killed() {
    n_killed=0
    for at in 1 20 45 70 100; do
        (run_kept -o "$1") &
        pid=$!
        until_logged "$1" $at $pid
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        [ $? = 137 ] && n_killed=$((n_killed + 1))
    done
    [ "$n_killed" -ge 1 ] && (run_kept -o "$1")
}
stopped() {
    (run_kept -o "$1") &
    pid=$!
    until_logged "$1" 40 $pid
    kill -TERM $pid
    wait $pid
    (run_kept -o "$1")
}
whole() { (run_kept -o "$1"); }
# All files but the log and the record of when it was.
same_files() {
    for x in "$1" "$2"; do
        (cd "$x" && find . -type f ! -name log.jsonl ! -name command.json ! -name README.md |
            sort | xargs cksum; readlink best) >"$x.sum"
    done
    cmp "$1.sum" "$2.sum"
}
t 'a run goes through' whole run1
t 'it keeps three and the best' sh -c 'n=$(ls -d run1/checkpoint-* | wc -l); [ $n = 3 ] || [ $n = 4 ]'
t 'the same run is killed and resumed' killed run2
t 'it leaves the same files' same_files run1 run2
t 'nothing of a half is among them' sh -c '! ls -A run2 | grep tmp'
t 'a run that is asked to stop' stopped run3
t 'leaves the same files, too' same_files run1 run3

# While a run is at work there are states of two steps, whatever it keeps.
(run_kept -o half -s 100000) 2>said &
pid=$!
until_logged half 100 $pid
kill -TERM $pid
wait $pid
t 'states are kept of two steps' sh -c '[ $(ls half/checkpoint-*/state.json | wc -l) = 2 ]'
t 'and three models, with the best' sh -c '
    n=$(ls half/checkpoint-*/train.json | wc -l); [ $n = 3 ] || [ $n = 4 ]'
t 'overwriting removes all of them' mlm -s 2 --overwrite -o half
t 'the link, too' sh -c '! ls -d half/best half/checkpoint-* 2>/dev/null'

# ---- refused -----------------------------------------------------------------------
t 'an unknown measure is refused' complains "keep-best is 'mrr': expected one of loss" \
    mlm -s 2 --keep-best mrr -o no
t 'part of a name is none' complains "expected one of loss mrr acc1 acc3" \
    finetune_lists -s 2 --keep-best acc -o no
t 'nothing held out is refused' complains 'no examples are held out' \
    mlm -s 2 --keep-best loss --eval-samples 0 -o no
t 'to keep what is never made, too' complains 'keep-last: no checkpoint is made, save-every is 0' \
    mlm -s 2 --keep-last 1 --save-every 0 -o no
t 'and leaves nothing' absent no
finish
