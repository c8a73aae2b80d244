#!/bin/sh
# The recipes that come with simlm: each is right, as far as that shows without its
# data, and those that are SimLM's stages run, cut down; SQuAD's also when it is
# killed again and again.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
. "$here/recipe_lib.sh"

make_world
mkdir data model
gzip -c corpus.jsonl >data/passages.jsonl.gz
cp corpus.jsonl data/passages.jsonl
for split in train dev test trec_dl2019 trec_dl2020 nq_train nq_test; do
    cp queries.tsv data/${split}_queries.tsv
    cp qrels.txt data/${split}_qrels.txt
    cp run.tsv data/$split.msmarco.txt
done
# A question's answer is its first word.
for split in nq_train nq_test; do
    awk -F '\t' '{ split($2, w, " "); print $2 "\t[\047" w[1] "\047]" }' queries.tsv >data/${split}_queries.tsv
done
rm data/nq_test_qrels.txt
awk -F '\t' 'NR == FNR { text[$1] = $2; next } !seen[text[$1]]++ { print text[$1] "\t0\t" $3 "\t1" }' \
    queries.tsv qrels.txt >data/nq_train_qrels.txt
t 'examples' exits 0 "$SIMLM" mine -q -t 1 --corpus corpus.jsonl --queries queries.tsv --qrels qrels.txt \
    --negatives run.tsv -o data/nq_dev.jsonl --negative-count 12 --negative-random 2
cp data/nq_dev.jsonl data/nq_train.jsonl
recipes=$SIMLM_SOURCE/recipes
for recipe in "$recipes"/*.yaml; do
    t "$(basename "$recipe") is right" exits 0 "$SIMLM" run --dry-run --set data=data "$recipe"
done
t 'a recipe that needs data says so' complains "squad.yaml:11: variable 'data' needs a value: --set data=..." "$SIMLM" run "$recipes/squad.yaml"

squad() {
    folder=$1
    shift
    "$@" "$SIMLM" run -t 1 -o "$folder" --set data=data --set vocabulary=90 --set base-steps=4 --set bottleneck-steps=3 \
        --set retriever-steps=3 --set reranker-steps=2 --set held-out-passages=8 --set held-out-questions=8 \
        "$recipes/squad.yaml"
}
t 'SQuAD runs, cut down' exits 0 squad whole
rows() { [ "$(grep -cE '^(BM25|Retriever1|Retriever2|re-ranker|distilled).*( +[0-9.]+){4}$' out)" = 5 ]; }
t 'with a row for every stage' rows
t 'and a second time does nothing' exits 0 squad whole
t 'and says so' grep -q 'nothing to do' err

for stage in examples1 retriever1 reranker reranker dev-reranked scores distilled; do
    (squad torn exec) >out 2>err &
    pid=$!
    until [ -e torn/state/$stage.begun ] || [ -e torn/state/$stage.done ] || ! kill -0 $pid 2>/dev/null; do
        sleep 0.01
    done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
done
t 'killed in its stages it is continued' exits 0 squad torn
t 'and ends with the same report' same_report whole torn

# ---- the paper's recipes, of few steps, few texts and little models ------------------
little() { "$SIMLM" init -q --vocab vocab.txt --layers 2 --hidden 16 --heads 2 --ffn 32 --max-positions 224 "$@"; }
t 'a model' exits 0 little -o bert
t 'a generator' exits 0 little -o electra --generator --embedding 16
cut_down() {
    sed -E 's/ steps: [0-9]{4,}/ steps: 4/; s/ epochs: [0-9]+/ steps: 4/; s/ batch: (2048|64|32) *(#.*)?$/ batch: 4/
        s/ warmup: [0-9]+/ warmup: 2/; s/-every: [0-9]+/-every: 2/; s/ eval-samples: 4096/ eval-samples: 8/
        s/ passages: (16|24|32|64)( *)$/ passages: 4/; s/forward-factor: 4/forward-factor: 2/' "$recipes/$1.yaml" >"$1.yaml"
    "$SIMLM" run -t 1 -o "$1" --set data=data --set bert=bert --set generator=electra --set electra=electra \
        --set epoch=2 "$1.yaml"
}
t 'MS MARCO runs, cut down' exits 0 cut_down msmarco
t 'with a row for every stage' sh -c '[ "$(grep -cE "^(BM25|Retriever1|Retriever2|re-ranker|distilled) +[0-9]" out)" = 5 ]'
t 'and the measures in the card of what was measured' sh -c 'for set in "MS MARCO passages, dev" "TREC DL 2019 passages" "TREC DL 2020 passages"; do
    grep -qx "## Evaluation: $set" msmarco/reranker/best/README.md && grep -qx "## Evaluation: $set" msmarco/distilled/best/README.md || exit 1
done'
t 'under the name that it has there' grep -qx -- '- name: "distilled"' msmarco/distilled/best/README.md
t 'NQ runs, cut down' exits 0 cut_down nq
t 'with a row for every stage, too' sh -c '[ "$(grep -cE "^(BM25|Retriever1|Retriever2|re-ranker|distilled) +[0-9]" out)" = 5 ]'
finish
