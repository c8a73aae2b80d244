#!/bin/sh
# simlm pretrain, simlm finetune: they learn, repeat themselves to the bit, and
# refuse in one line what cannot work.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world

# last EVENT FIELD FILE: the field's value in the last such record.
last() {
    grep "\"event\":\"$1\"" "$3" | tail -1 | sed "s/.*\"$2\":\([-0-9.e+]*\).*/\1/"
}
below() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x < y) }' || { echo "$1 >= $2"; return 1; }; }
model_same() { cmp "$1/model.safetensors" "$2/model.safetensors"; }
model_differs() { ! cmp -s "$1/model.safetensors" "$2/model.safetensors"; }

# ---- they learn -------------------------------------------------------------------
t 'mlm trains' exits 0 mlm -o mlm --epochs 40 --eval-samples 4 --log-every 10
t 'quietly' sh -c '[ ! -s out ] && [ ! -s err ]'
t 'its loss falls well below guessing (ln 70 = 4.2)' below "$(last step loss mlm/log.jsonl)" 3.4
t 'the checkpoints are gone' sh -c '! ls -d mlm/checkpoint-* mlm/token-cache mlm/.model 2>/dev/null'
t 'the model is one to start from' exits 0 "$SIMLM" pretrain -q -t 1 -m mlm -o more -s 2 -b 4 --max-length 24 corpus.jsonl
t 'rlm trains' exits 0 rlm -o rlm --epochs 30 --eval-samples 4 --log-every 10
t 'its two losses fall' below "$(last step loss rlm/log.jsonl)" 6.8
t 'it saves the decoder' test -s rlm/decoder.safetensors
t 'finetune trains' exits 0 finetune_lists -o ft --epochs 60 --lr 1e-2 --dropout 0 --eval-samples 4 --log-every 10
t 'its loss falls below guessing (ln 25 = 3.2)' below "$(last step loss ft/log.jsonl)" 2.2
t 'it measures the held-out queries' sh -c 'grep -q "\"event\":\"eval\".*\"mrr\":[0-9.]*,\"acc1\":[0-9.]*,\"acc3\":" ft/log.jsonl'
t 'a page about the model is beside it' grep -qx '# ft' ft/README.md
t 'that says what it is for' grep -qx 'pipeline_tag: sentence-similarity' ft/README.md
t 'with its last evaluation' grep -qx "| mrr | $(printf %.4f "$(last eval mrr ft/log.jsonl)") |" ft/README.md
t 'and what decided its weights' grep -qx '  "temperature": 0.02,*' ft/README.md
t 'of a base, too' grep -qx 'pipeline_tag: fill-mask' rlm/README.md
t 'mlm trains in bf16' exits 0 mlm -o half --epochs 40 --eval-samples 4 --log-every 10 --precision bf16
t 'as well' below "$(last step loss half/log.jsonl)" 3.4
t 'and says so' grep -q '"precision": "bf16"' half/train.json
t 'finetune trains in bf16' exits 0 finetune_lists -o ft-half --epochs 60 --lr 1e-2 --dropout 0 --eval-samples 4 --log-every 10 --precision bf16
t 'as well' below "$(last step loss ft-half/log.jsonl)" 2.2
t 'the resolved options are beside the model' sh -c 'grep -q "\"temperature\": 0.02" ft/train.json && grep -q "\"finished\": true" ft/train.json'

# ---- bits ---------------------------------------------------------------------------
t 'one seed' exits 0 rlm -o a -s 6
T=2
t 'the same seed, two threads' exits 0 rlm -o b -s 6
T=1
t 'give the same bits' model_same a b
t 'the same in bf16' exits 0 rlm -o a16 -s 6 --precision bf16
T=2
t 'on two threads' exits 0 rlm -o b16 -s 6 --precision bf16
T=1
t 'give the same bits' model_same a16 b16
t 'which are others' model_differs a a16
t 'another seed' exits 0 rlm -o c -s 6 --seed 7
t 'gives others' model_differs a c
t 'one seed' exits 0 finetune_lists -o fa -s 6
T=2
t 'the same seed, two threads' exits 0 finetune_lists -o fb -s 6
T=1
t 'give the same bits' model_same fa fb
t 'records and evaluations change nothing' exits 0 rlm -o d -s 6 --log-every 1 --eval-every 2 --save-every 1
t 'to the bit' model_same a d
t 'nor does recomputing' exits 0 rlm -o e -s 6 --checkpointing
t 'to the bit' model_same a e

# ---- how a step is cut changes the order of sums, nothing else -------------------------
# losses FILE: the losses of its steps.   close A B: equal to six digits.
losses() { sed -n 's/.*"event":"step".*"loss":\([0-9.e+-]*\),.*/\1/p' "$1/log.jsonl"; }
close() {
    losses "$1" >1.txt; losses "$2" >2.txt
    paste 1.txt 2.txt | awk '{ n++; d = ($1 - $2) / $1; if (d * d > 1e-12) exit 1 }
        END { exit n < 8 }' || { paste 1.txt 2.txt; return 1; }
}
t 'rlm in one piece' exits 0 rlm -o g -s 8 --log-every 1
t 'rlm in pieces of 50 tokens' exits 0 rlm -o h -s 8 --log-every 1 --batch-tokens 50
t 'has the same losses' close g h
t 'mlm in one piece' exits 0 mlm -o i -s 8 --log-every 1
t 'mlm in pieces of 50 tokens' exits 0 mlm -o j -s 8 --log-every 1 --batch-tokens 50
t 'has the same losses' close i j
t 'finetune in one piece' exits 0 finetune_lists -o fh -s 8 --log-every 1
t 'finetune in pieces of 50 tokens' exits 0 finetune_lists -o fi -s 8 --log-every 1 --batch-tokens 50
t 'has the same losses' close fh fi
t 'the mean of micro-batch means' exits 0 mlm -o k -s 8 --log-every 1 --batch-tokens 50 --loss-mean micro
t 'is another gradient' model_differs j k

# ---- several corpora ---------------------------------------------------------------------
sed 's/"contents": "/&bola /' corpus.jsonl >more.jsonl
t 'two corpora with the same ids are one' exits 0 mlm -o both -s 2 --eval-samples 0 more.jsonl
t 'of all their passages' grep -q '"event":"start".*"examples":120' both/log.jsonl

# ---- examples in a file ----------------------------------------------------------------
t 'the list can be written' exits 0 finetune_lists -o fc -s 6 --save-examples train.jsonl
t 'and read' exits 0 finetune --train train.jsonl -o fd -s 6
t 'and is the same list' model_same fc fd
t 'known answers can be masked' exits 0 finetune_lists -o fe -s 6 --false-negatives mask
t 'QK alone' exits 0 finetune_lists -o ff -s 6 --full-contrastive no
t 'is another loss' model_differs fa ff
# started DIR FIELD: of the record with which the run begins.
started() { grep '"event":"start"' "$1/log.jsonl" | sed "s/.*\"$2\":\([0-9]*\).*/\1/"; }
evals() { grep '"event":"eval"' "$1/log.jsonl" | sed 's/.*"loss"/"loss"/'; }
head -n 7 train.jsonl >dev.jsonl
t 'examples to evaluate with' exits 0 finetune --train train.jsonl --dev dev.jsonl -o ga -s 30 --eval-every 15
t 'are all evaluated' test "$(started ga held_out)" = 7
t 'and none is held out of the others' test "$(started ga examples)" = 60
t 'as many of them as asked for' exits 0 finetune --train train.jsonl --dev dev.jsonl -o gb -s 30 --eval-every 15 --eval-samples 5
t 'by number' test "$(started gb held_out)" = 5
t 'training is the same' model_same ga gb
t 'with the window of the epoch, too' exits 0 finetune --train train.jsonl --dev dev.jsonl -o gc -s 30 --eval-every 15 --eval-window epoch
t 'is the same' model_same ga gc
t 'but its evaluations are not' sh -c '! [ "$0" = "$1" ]' "$(evals ga)" "$(evals gc)"
t 'nor is a run with another file continued' complains 'holds a run with dev' finetune --train train.jsonl --dev train.jsonl -o ga -s 30 --eval-every 15
t 'a file that has nothing to evaluate is named' sh -c 'sed "s/\"negatives\":.*/\"negatives\":{\"doc_id\":[]}}/" dev.jsonl >none.jsonl'
t 'by its name' complains 'none.jsonl: no query has' finetune --train train.jsonl --dev none.jsonl -o gd -s 2
t 'in-batch negatives alone' exits 0 finetune_lists -o fg -s 6 --passages 1

# ---- what cannot work ---------------------------------------------------------------------
t 'a finished run is not made again' sh -c '"$SIMLM" pretrain -t 1 -m base -o a -s 6 --objective rlm -g gen --max-length 24 -b 8 --lr 1e-2 --decoder-layers 1 corpus.jsonl 2>err && grep -q finished err'
t 'another run is refused' complains "holds a run with steps = 6, not 7" rlm -o a -s 7
t 'unless it may be overwritten' exits 0 rlm -o a -s 7 --overwrite
cp -r a before
echo '{"id": "broken"' >broken.jsonl
t 'a run to be overwritten stays' complains 'more than half' rlm -o a --overwrite -e 1 --warmup 100
t 'as it was' diff -r a before
t 'until the data is known to be good' complains 'broken.jsonl:1' rlm -o a --overwrite -s 9 broken.jsonl
t 'and is a model all the time' diff -r a before
t 'which needs no more training' exits 0 rlm -o a -s 7
mkdir home && echo x >home/letter
t 'a directory with other things is refused' complains "holds 'letter'" rlm -o home -s 2
t 'a file is refused' complains "not a directory" rlm -o vocab.txt -s 2
t 'the file is still there' test -s vocab.txt
if [ "$(id -u)" != 0 ]; then
    mkdir shut && chmod 555 shut
    t 'an unwritable place is refused' complains "cannot create directory" rlm -o shut/x -s 2
fi
t 'a path below a file is refused' complains "cannot create directory" rlm -o vocab.txt/x -s 2
sed 's/^bala$/bula/' vocab.txt >other.txt
"$SIMLM" init -q --vocab other.txt -o othergen --layers 1 --hidden 8 --heads 1 --ffn 16 --max-positions 40
t 'a generator of another vocabulary is refused' complains 'has another vocabulary' \
    "$SIMLM" pretrain -q -t 1 --objective rlm -m base -g othergen -o x --max-length 24 corpus.jsonl
t 'a warm-up over half the run is refused' complains 'more than half' rlm -o x -s 10 --warmup 6
t 'too long a text for the model is refused' complains 'takes from 3 to 40' \
    "$SIMLM" pretrain -q -t 1 -m base -o x --max-length 41 corpus.jsonl
t 'a missing corpus is named' complains 'nowhere' "$SIMLM" pretrain -q -t 1 -m base -o x --max-length 24 nowhere
printf '{"id": "0", "contents": "bala"}\n{"id": \n' >broken.jsonl
t 'a broken line is named' complains 'broken.jsonl:2' "$SIMLM" pretrain -q -t 1 -m base -o x --max-length 24 broken.jsonl
t 'a missing model is named' complains 'nomodel' "$SIMLM" pretrain -q -t 1 -m nomodel -o x corpus.jsonl
t 'too large a rate ends in one line' complains 'not finite' mlm -o boom --lr 1e3 --clip 0 --warmup 0 --epochs 60
t 'a precision that is none' exits 2 mlm -o x --precision fp16
t 'rlm needs a generator' exits 2 "$SIMLM" pretrain --objective rlm -m base -o x corpus.jsonl
t 'finetune needs its lists' exits 2 "$SIMLM" finetune -m base -o x --corpus corpus.jsonl --queries queries.tsv
echo 'q1	0	777	1' >far.txt
t 'a judged passage that is not there is named' complains "'777' of the qrels" \
    "$SIMLM" finetune -q -t 1 -m base --corpus corpus.jsonl --queries queries.tsv --qrels far.txt --negatives run.tsv --query-max-length 8 --passage-max-length 24 -o x
t 'nothing is left of what failed' absent x
t 'a loss at chance is told' sh -c '"$SIMLM" pretrain -t 1 -m base -o flat -s 20 -b 8 --lr 1e-9 --max-length 24 corpus.jsonl 2>err; grep -q "warning: the loss is .*guessing gives" err'
finish
