#!/bin/sh
# The README's commands on a corpus of 200 made-up passages: from raw text to a
# ranking that BM25's judgement confirms, every step with its defaults but size.
. "$(dirname "$0")/lib.sh"

awk 'BEGIN {
    n_who = split("cat dog horse eagle shark whale spider beetle lion tiger frog snake sparrow salmon rabbit bear wolf goat camel duck", who)
    n_does = split("eats fears likes finds carries follows hears hides sees guards", does)
    split("grass river mountain desert forest ocean stone cave tree valley", what)
    for (i = 0; i < n_who * n_does; i++) {
        w = who[int(i / n_does) + 1]; d = does[i % n_does + 1]
        o = what[(int(i / n_does) * 3 + i * 7) % 10 + 1]
        printf "{\"id\": \"%d\", \"title\": \"%s\", \"contents\": \"the %s %s the %s in the morning\"}\n", i, w, w, d, o >"passages.jsonl"
        if (i % 5 == 0) {
            printf "q%d\twhat %s the %s\n", i, d, w >"queries.tsv"
            printf "q%d 0 %d 1\n", i, i >"qrels.txt"
        }
    }
}'

measure() { sed -n "s/^$1[[:space:]]*all[[:space:]]*//p" out; }
# at_least WHAT LEAST: a measure in the last command's output.
at_least() {
    awk -v got="$(measure "$1")" -v least="$2" 'BEGIN { exit !(got + 0 >= least) }' ||
        { echo "$1 is '$(measure "$1")', not at least $2"; return 1; }
}

t 'a vocabulary' exits 0 "$SIMLM" vocab -q -o vocab.txt --size 300 passages.jsonl
t 'a model' exits 0 "$SIMLM" init -q -o base0 --vocab vocab.txt --layers 2 --hidden 32 --heads 2 --ffn 64
t 'masked language modelling' exits 0 "$SIMLM" pretrain -q --objective mlm --model base0 -o mlm --steps 5 passages.jsonl
t 'replaced language modelling' exits 0 "$SIMLM" pretrain -q --objective rlm --model mlm --generator mlm -o rlm --steps 5 passages.jsonl
t 'a BM25 index' exits 0 "$SIMLM" bm25 index -o bm25 passages.jsonl
t 'BM25 rankings' exits 0 "$SIMLM" bm25 search --index bm25 --top 20 -o train.bm25 queries.tsv
t 'are measured' exits 0 "$SIMLM" eval --preset msmarco qrels.txt train.bm25
t 'BM25 finds the words' at_least MRR@10 90
finetune() {
    "$SIMLM" finetune -q --model rlm --corpus passages.jsonl --queries queries.tsv \
        --qrels qrels.txt --negatives train.bm25 "$@"
}
t 'fine-tuning' exits 0 finetune -o retriever --steps 150 --batch 16 --passages 4 --lr 5e-3
t 'vectors' exits 0 "$SIMLM" encode --model retriever --side passage -o vectors passages.jsonl
t 'an index' exits 0 "$SIMLM" index -o flat vectors
t 'rankings' exits 0 "$SIMLM" search --model retriever --index flat --top 1000 -o dev.run queries.tsv
t 'are measured' exits 0 "$SIMLM" eval --preset msmarco qrels.txt dev.run
t 'the retriever ranks far better than chance (1.5)' at_least MRR@10 6
t 'all passages are ranked if more are asked for' at_least R@1k 100
t 'both runs make one' exits 0 "$SIMLM" fuse -o fused.run train.bm25 dev.run
t 'which is compared' exits 0 "$SIMLM" eval --compare fused.run qrels.txt dev.run

# ---- what does not fit together is said ---------------------------------------------
t 'an index is no model' complains "'flat' is a file, not a model directory" \
    "$SIMLM" encode --model flat --side passage -o x passages.jsonl
t 'nor for training' complains "'flat' is a file, not a model directory" \
    "$SIMLM" pretrain -q --model flat -o x passages.jsonl
t 'a retriever is no masked LM' complains "no tensor 'cls.predictions" \
    "$SIMLM" pretrain -q --model retriever -o x passages.jsonl
: >empty
t 'an empty corpus' complains 'empty: no passage to train on' \
    "$SIMLM" pretrain -q --model base0 -o x empty
t 'all held out' complains '200 passages to evaluate with: expected fewer than there are, 200' \
    "$SIMLM" pretrain -q --model base0 -o x --eval-samples 200 passages.jsonl
t 'more random negatives than negatives' complains '10 random negatives of a query'"'"'s 3' \
    finetune -o x --negative-count 3
t 'means of micro-batches are for pre-training' exits 2 finetune -o x --loss-mean micro
t 'the lowest temperature is one' exits 0 finetune -o cold --steps 1 --temperature 0.0001
t 'a directory below a file' complains "'empty' is a file" \
    "$SIMLM" encode --model retriever --side passage -o empty/x passages.jsonl
t 'nothing is left of what failed' absent x
finish
