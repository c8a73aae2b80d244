#!/bin/sh
# simlm train-reranker, rerank, score: a re-ranker learns to the same bits again;
# a run's head is ranked anew and its tail kept; examples get a teacher's scores.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

t 'a world can be made' make_world

reranker() {
    "$SIMLM" train-reranker -q -t "${T:-1}" --model "${BASE:-base}" --corpus corpus.jsonl \
        --batch 4 --passages 8 --forward-factor 2 --max-length 32 --lr 5e-3 "$@"
}
lists() { reranker --queries queries.tsv --qrels qrels.txt --negatives run.tsv "$@"; }
rerank() {
    "$SIMLM" rerank -q -t "${T:-1}" --queries queries.tsv --corpus corpus.jsonl "$@"
}
score() { "$SIMLM" score -q -t "${T:-1}" --corpus corpus.jsonl "$@"; }
same_model() { cmp "$1/model.safetensors" "$2/model.safetensors"; }
other_model() { ! cmp -s "$1/model.safetensors" "$2/model.safetensors"; }
last() {
    grep "\"event\":\"$1\"" "$3" | tail -1 | sed "s/.*\"$2\":\([-0-9.e+]*\).*/\1/"
}
below() { awk -v x="$1" -v y="$2" 'BEGIN { exit !(x < y) }' || { echo "$1 >= $2"; return 1; }; }

# ---- training -----------------------------------------------------------------------
# (From random weights the hardest of what is not understood teach nothing: all.)
t 'it trains' exits 0 lists -o rr --epochs 30 --forward-factor 1 --lr 3e-3 --dropout 0 --eval-samples 4 --log-every 50
t 'quietly' sh -c '[ ! -s out ] && ! grep -v warning err'
t 'its loss falls below guessing (ln 8 = 2.08)' below "$(last step loss rr/log.jsonl)" 1.5
t 'it measures the held-out queries' sh -c 'grep -q "\"event\":\"eval\".*\"acc\":" rr/log.jsonl'
t 'what it was told is beside it' grep -q '"max_length": 32' rr/train.json
t 'it is a classifier with one label' grep -q 'BertForSequenceClassification' rr/config.json
t 'one seed' exits 0 lists -o a -s 6
T=2
t 'the same seed, two threads' exits 0 lists -o b -s 6
T=1
t 'give the same bits' same_model a b
t 'another seed' exits 0 lists -o c -s 6 --seed 7
t 'gives others' other_model a c
t 'no R-Drop' exits 0 lists -o d -s 6 --rdrop no
t 'is another loss' other_model a d
t 'recomputing' exits 0 lists -o e -s 6 --checkpointing
t 'changes no bit' same_model a e
t 'all passages trained with' exits 0 lists -o f -s 6 --forward-factor 1
t 'bf16' exits 0 lists -o g -s 6 --precision bf16
t 'is another model' other_model a g
t 'ELECTRA trains, too' exits 0 sh -c '"$SIMLM" init -q --vocab vocab.txt -o disc --layers 2 \
    --hidden 16 --heads 2 --ffn 32 --embedding 16 --generator --max-positions 40'
BASE=disc
t 'from a body with its own head' exits 0 lists -o el -s 6
BASE=base
t 'it is one, too' grep -q 'ElectraForSequenceClassification' el/config.json
t 'that a head is new is told' sh -c '"$SIMLM" train-reranker -t 1 -m base --corpus corpus.jsonl \
    --queries queries.tsv --qrels qrels.txt --negatives run.tsv --batch 4 --passages 4 \
    --forward-factor 1 --max-length 32 -o new -s 1 2>&1 | grep -q "no re-ranker yet"'
t 'and of a re-ranker is not' sh -c '"$SIMLM" train-reranker -t 1 -m rr --corpus corpus.jsonl \
    --queries queries.tsv --qrels qrels.txt --negatives run.tsv --batch 4 --passages 4 \
    --forward-factor 1 --max-length 32 -o more -s 1 2>&1 | grep "no re-ranker yet"; [ $? = 1 ]'

# A step cut differently: the same sums in another order.
losses() { sed -n 's/.*"event":"step".*"loss":\([0-9.e+-]*\),.*/\1/p' "$1/log.jsonl"; }
close() {
    losses "$1" >1.txt; losses "$2" >2.txt
    paste 1.txt 2.txt | awk '{ n++; d = ($1 - $2) / $1; if (d * d > 1e-8) exit 1 }
        END { exit n < 8 }' || { paste 1.txt 2.txt; return 1; }
}
t 'in one piece' exits 0 lists -o h -s 8 --log-every 1
t 'group by group' exits 0 lists -o i -s 8 --log-every 1 --batch-tokens 130
t 'and less than a group' exits 0 lists -o j -s 8 --log-every 1 --batch-tokens 40
t 'have the same losses' close h i
t 'all three' close h j

# kill -9, then the same command again.
run_long() {
    exec "$SIMLM" train-reranker -q -t 1 --model base --corpus corpus.jsonl --batch 4 \
        --passages 8 --forward-factor 2 --max-length 32 --lr 1e-3 --queries queries.tsv \
        --qrels qrels.txt --negatives run.tsv -s 60 --save-every 3 --log-every 2 "$@"
}
torn() {
    (run_long -o torn) &
    pid=$!
    while ! [ -d torn ] || [ "$(grep -c '"event":"step"' torn/log.jsonl 2>/dev/null || echo 0)" -lt 8 ]; do
        kill -0 $pid 2>/dev/null || return 1
        sleep 0.01
    done
    kill -9 $pid
    wait $pid 2>/dev/null
    (run_long -o torn)
}
whole() { (run_long -o whole); }
t 'a long run' whole
t 'one that is killed and resumed' torn
t 'ends with the same bits' same_model whole torn

# ---- rerank -------------------------------------------------------------------------
t 'a run is ranked anew' exits 0 rerank --model rr --depth 5 -o new.run run.tsv
cut -f1,2 run.tsv | sort >old.set && cut -f1,2 new.run | sort >new.set
t 'it has the same passages' same old.set new.set
t 'ranks count from 1' awk -F'\t' '$1 != q { q = $1; n = 0 } $3 != ++n { exit 1 }' new.run
t 'scores fall' awk -F'\t' '$1 == q && $4 > s { exit 1 } { q = $1; s = $4 }' new.run
t 'the tail keeps its order' sh -c '
    awk -F"\t" "\$3 > 5 { print \$1, \$2 }" run.tsv >1.txt
    awk -F"\t" "\$3 > 5 { print \$1, \$2 }" new.run >2.txt
    [ -s 1.txt ] && cmp 1.txt 2.txt'
t 'its scores fall by 1 from the last of the head' awk -F'\t' '
    $3 == 5 { s = $4 } $3 > 5 { d = s - ($3 - 5) - $4; if (d * d > 1e-8) exit 1; n++ }
    END { exit n < 100 }' new.run
t 'heads have five decimals' awk -F'\t' '
    $3 <= 5 && $4 !~ /e/ { sub(/^[^.]*\.?/, "", $4); if (length($4) > 5) { print; exit 1 } }' new.run
T=2
t 'two threads, other batches' exits 0 rerank --model rr --depth 5 --batch-tokens 50 -o again.run run.tsv
T=1
t 'change nothing' same new.run again.run
t 'bf16' exits 0 rerank --model rr --depth 5 --precision bf16 -o half.run run.tsv
t 'a depth beyond the run' exits 0 rerank --model rr --depth 1000 -o deep.run run.tsv
t 'ranks all of it' sh -c '[ "$(wc -l <deep.run)" = "$(wc -l <run.tsv)" ]'
t 'TREC form' exits 0 rerank --model rr --depth 5 --format trec --tag x -o - run.tsv
t 'goes to standard output' grep -q ' Q0 .* x$' out
t 'its measures can be had' exits 0 "$SIMLM" eval qrels.txt new.run

# Equal texts have equal scores: of these the first stays first.
{ for i in 9 4 7 1 3; do printf '{"id": "%s", "contents": "bala"}\n' $i; done; } >twins.jsonl
printf 'q\tbala\n' >one.tsv
for i in 1 3 4 7 9; do printf 'q\t%s\t%s\t1\n' $i $i; done >twins.run
t 'ties' exits 0 "$SIMLM" rerank -q -t 1 --model rr --queries one.tsv --corpus twins.jsonl -o ties.run twins.run
t 'keep their order' sh -c '[ "$(cut -f2 ties.run | tr "\n" " ")" = "1 3 4 7 9 " ]'

# ---- score --------------------------------------------------------------------------
t 'examples can be written' exits 0 lists -o x -s 1 --save-examples train.jsonl
t 'and scored' exits 0 score --model rr --negatives 5 -o kd.jsonl train.jsonl
t 'a line each' sh -c '[ "$(wc -l <kd.jsonl)" = "$(wc -l <train.jsonl)" ]'
t 'of JSON' exits 0 "$JSON_CHECK" lines kd.jsonl positives
t 'five negatives each' awk '
    match($0, /"negatives":{"doc_id":\[[^]]*/) {
        if (split(substr($0, RSTART, RLENGTH), part, ",") != 5) exit 1; n++ }
    END { exit n < 50 }' kd.jsonl
t 'the first ones' sh -c '
    sed "s/.*\"negatives\":{\"doc_id\":\[\([^]]*\).*/\1/" kd.jsonl >1.txt
    sed "s/.*\"negatives\":{\"doc_id\":\[\([^]]*\).*/\1/" train.jsonl | cut -d, -f1-5 >2.txt
    cmp 1.txt 2.txt'
t 'it can be trained with' exits 0 reranker --train kd.jsonl -o kd -s 2
t 'and a retriever learns from the scores' exits 0 finetune --teacher kd.jsonl -o student -s 2
cat >odd.jsonl <<'END'

{"query_id": 7, "answers": ["x, \"y\""],  "negatives": {"score": [1], "doc_id": ["3"]}, "query": "bal\u0061", "positives": {"doc_id": [1, "2"]}, "n": 1e3}
END
t 'odd lines' exits 0 score --model rr -o - odd.jsonl
t 'keep all other members' grep -q '^{"query_id": 7, "answers": \["x, \\"y\\""\],  "negatives": {"doc_id":\["3"\],"score":\[-\{0,1\}[0-9.]*\]}, "query": "bal\\u0061", "positives": {"doc_id":\[1,"2"\],"score":\[-\{0,1\}[0-9.]*,-\{0,1\}[0-9.]*\]}, "n": 1e3}$' out
awk -F'\t' '$1 == "q5" && $3 <= 2' run.tsv >pair.run
printf '{"query_id": "q5", "query": "%s", "positives": {"doc_id": ["%s"]}, "negatives": {"doc_id": ["%s"]}}\n' \
    "$(sed -n 's/^q5	//p' queries.tsv)" $(cut -f2 pair.run) >pair.jsonl
t 'a teacher' exits 0 score --model rr -o pair.kd pair.jsonl
t 'and a re-ranker' exits 0 rerank --model rr -o pair.new pair.run
t 'give the same scores' sh -c '
    grep -o "\"score\":\[[^]]*" pair.kd | cut -d"[" -f2 | sed "s/\.0$//" | sort -g >1.txt
    cut -f4 pair.new | sort -g >2.txt; cmp 1.txt 2.txt'

# ---- what cannot work -----------------------------------------------------------------
t 'a base is no re-ranker' complains "no tensor 'bert.pooler.dense.weight'" rerank --model base -o bad run.tsv
t 'a re-ranker makes no vectors' complains 'is a re-ranker' \
    "$SIMLM" encode -q -t 1 --model rr --side query -o bad queries.tsv
t 'a depth of none' exits 2 rerank --model rr --depth 0 -o bad run.tsv
t 'no corpus' exits 2 "$SIMLM" rerank --model rr --queries queries.tsv -o bad run.tsv
printf 'q1\t0\t1\t9\nq99\t0\t1\t9\n' >far.run
t 'a query without text is named' complains "query 'q99' of the run is not in 'queries.tsv'" rerank --model rr -o bad far.run
printf 'q1\t777\t1\t9\n' >far.run
t 'a passage without text is named' complains "passage '777' of the run is not in the corpus" rerank --model rr -o bad far.run
printf 'q1\t0\n' >far.run
t 'a broken line is named' complains 'far.run:1' rerank --model rr -o bad far.run
printf '{"query": "a", "positives": {"doc_id": ["1"]}, "negatives": {"doc_id": []}}\n{"query": "a"}\n' >far.jsonl
t 'a broken example is named' complains 'far.jsonl:2: expected members' score --model rr -o bad far.jsonl
printf '{"query": "a", "positives": {"doc_id": ["1"], "negatives": {"doc_id": []}}\n' >far.jsonl
t 'with its column' complains 'far.jsonl:1: expected' score --model rr -o bad far.jsonl
printf '{"query": "a", "positives": {"doc_id": ["777"]}, "negatives": {"doc_id": []}}\n' >far.jsonl
t 'an unknown passage, too' complains "passage '777' of the examples" score --model rr -o bad far.jsonl
t 'standard input cannot be read twice' complains 'read twice' score --model rr -o bad -
t 'too long a pair' complains 'not possible with this model' rerank --model rr --max-length 41 -o bad run.tsv
t 'a factor that does not divide' complains 'forward factor of 3' lists -o bad -s 1 --forward-factor 3
t 'too long a text for the model' complains 'takes from 3 to 40' lists -o bad -s 1 --max-length 41
t 'a full disk' complains '/dev/full' rerank --model rr -o /dev/full run.tsv
t 'nothing is left of what failed' absent bad
finish
