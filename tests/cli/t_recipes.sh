#!/bin/sh
# The recipes that come with simlm: each is right, as far as that shows without its
# data, and SQuAD's runs, cut down, through all of SimLM's stages.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"

make_world
mkdir data model
gzip -c corpus.jsonl >data/passages.jsonl.gz
cp corpus.jsonl data/passages.jsonl
for split in train dev test trec_dl2019 trec_dl2020 nq_train nq_test; do
    cp queries.tsv data/${split}_queries.tsv
    cp qrels.txt data/${split}_qrels.txt
    cp run.tsv data/$split.msmarco.txt
done
for split in nq_train nq_test; do
    sed "s/.*	\(.*\)/\1	['x']/" queries.tsv >data/${split}_queries.tsv
done
rm data/nq_test_qrels.txt
recipes=$SIMLM_SOURCE/recipes
for recipe in "$recipes"/*.yaml; do
    t "$(basename "$recipe") is right" exits 0 "$SIMLM" run --dry-run --set data=data "$recipe"
done
t 'a recipe that needs data says so' complains "squad.yaml:11: variable 'data' needs a value: --set data=..." "$SIMLM" run "$recipes/squad.yaml"

squad() {
    "$SIMLM" run -t 1 -o squad --set data=data --set vocabulary=90 --set base-steps=4 --set bottleneck-steps=3 \
        --set retriever-steps=3 --set reranker-steps=2 --set held-out-passages=8 --set held-out-questions=8 \
        "$recipes/squad.yaml"
}
t 'SQuAD runs, cut down' exits 0 squad
rows() { [ "$(grep -cE '^(BM25|Retriever1|Retriever2|re-ranker|distilled).*( +[0-9.]+){4}$' out)" = 5 ]; }
t 'with a row for every stage' rows
t 'and a second time does nothing' exits 0 squad
t 'and says so' grep -q 'nothing to do' err
finish
