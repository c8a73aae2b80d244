#!/bin/sh
# simlm finetune --teacher: scores are learned from, every switch is another
# gradient, the same bits come out on any threads, and what is missing is named.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world

# Lists with a teacher's scores: of a passage's number, to be told from ranks.
awk -F '\t' '{ print $1 "\t" $2 "\t" $3 "\t" ($2 * 7 % 60) / 20 }' run.tsv >scored.tsv
"$SIMLM" mine -q -t 1 --corpus corpus.jsonl --queries queries.tsv --qrels qrels.txt \
    --negatives scored.tsv --negative-count 12 --negative-random 0 -o kd.jsonl || exit 1
sed -i 's/"score":\[-1.0\]/"score":[4.5]/' kd.jsonl

distill() { finetune --teacher kd.jsonl "$@"; }
last() { grep "\"event\":\"$1\"" "$3" | tail -1 | sed "s/.*\"$2\":\([-0-9.e+]*\).*/\1/"; }
first() { grep "\"event\":\"$1\"" "$3" | head -1 | sed "s/.*\"$2\":\([-0-9.e+]*\).*/\1/"; }
below() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x < y) }' || { echo "$1 >= $2"; return 1; }; }
model_same() { cmp "$1/model.safetensors" "$2/model.safetensors"; }
model_differs() { ! cmp -s "$1/model.safetensors" "$2/model.safetensors"; }
# sums A B X: |A + X B - loss| is small in the run's last record.
adds_up() {
    awk -v l="$(last step loss "$1")" -v c="$(last step contrastive "$1")" \
        -v d="$(last step distill "$1")" -v w="$2" 'BEGIN {
        x = l - (d + w * c); exit !(x < 1e-3 * l && x > -1e-3 * l) }'
}

t 'it trains' exits 0 distill -o a --epochs 60 --lr 1e-2 --dropout 0 --eval-samples 4 --log-every 15
t 'the divergence falls' below "$(last step distill a/log.jsonl)" \
    "$(awk -v x="$(first step distill a/log.jsonl)" 'BEGIN { print 0.8 * x }')"
t 'both parts are logged and evaluated' sh -c \
    'grep -q "\"event\":\"eval\".*\"mrr\":.*\"contrastive\":[0-9.]*,\"distill\":" a/log.jsonl'
t 'one step' exits 0 distill -o one -s 1 --log-every 1
t 'has the sum for its loss' adds_up one/log.jsonl 0.2
t 'of another weight' exits 0 distill -o half -s 1 --log-every 1 --contrastive-weight 0.5
t 'another sum' adds_up half/log.jsonl 0.5

# ---- bits, and what changes them ------------------------------------------------
t 'one seed' exits 0 distill -o b -s 6
T=2
t 'the same seed, two threads' exits 0 distill -o c -s 6
T=1
t 'give the same bits' model_same b c
t 'in pieces of 50 tokens' exits 0 distill -o pieces -s 6 --batch-tokens 50
t 'without the contrast' exits 0 distill -o d -s 6 --contrastive-weight 0
t 'is another gradient' model_differs b d
t 'scores that are not learned from' exits 0 finetune --train kd.jsonl -o e -s 6
t 'are another gradient' model_differs b e
t 'QK alone' exits 0 distill -o f -s 6 --full-contrastive no
t 'is another gradient' model_differs b f
t 'one scaled loss in one process' exits 0 distill -o g -s 6 --scaled-loss no
t 'is the same' model_same b g
t 'but for its factor' exits 0 distill -o h -s 6 --loss-scale 2
t 'which is another gradient' model_differs b h
t 'own negatives can leave the contrast' exits 0 distill -o i -s 6 --scaled-loss no --mask-own-negatives
t 'which is another gradient' model_differs b i
t 'in bf16' exits 0 distill -o half16 -s 6 --precision bf16

# ---- switches of either way --------------------------------------------------------
t 'fine-tuning' exits 0 finetune_lists -o m -s 6 --warmup 3
t 'a warm-up of the temperature' exits 0 finetune_lists -o n -s 6 --warmup 3 --temperature-warmup
t 'is another gradient' model_differs m n
t 'with a loss nearer to guessing at first' exits 0 finetune_lists -o n1 -s 2 --warmup 1 --temperature-warmup --log-every 1
t 'by the log' below "$(first step loss n1/log.jsonl)" 4.5
t 'vectors as they are' exits 0 finetune_lists -o p -s 6 --normalize no
t 'are so in the model' grep -q '"normalize": false' p/simlm.json
t 'and in other tools' sh -c '! grep -q Normalize p/modules.json'
t 'unit vectors are asked for' exits 0 finetune_lists -o q -s 6 --normalize yes --warmup 3
t 'and are what there was' model_same m q

# ---- what cannot work ---------------------------------------------------------------
sed '3s/,"score":\[[^]]*\]}}/}}/' kd.jsonl >torn.jsonl
t 'a missing score is named with file and line' complains \
    "torn.jsonl:3: expected a teacher's 'score' of each doc_id" finetune --teacher torn.jsonl -o x
t 'it is none without a teacher' exits 0 finetune --train torn.jsonl -o r -s 1
t 'two kinds of lists are one too many' exits 2 distill --train kd.jsonl -o x
t 'a group of one passage has nothing to teach' complains 'at least 2 passages' distill -o x --passages 1
t 'masking needs its loss' complains 'without a scaled loss' distill -o x --mask-own-negatives
t 'a warm-up of nothing is refused' complains 'has no step' finetune_lists -o x -s 6 --warmup 0 --temperature-warmup
t 'nothing is left of what failed' absent x
finish
