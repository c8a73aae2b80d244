#!/bin/sh
# On Cranfield, BM25 ranks as well as Lucene does.  What Lucene 9.9.1 (Anserini
# 1.7.1, k1 0.9, b 0.4) reached, measured by simlm eval as by trec_eval:
# nDCG@10 0.3560, MAP 0.2790, recall@50 0.6059, recall@1000 0.9518.
. "$(dirname "$0")/lib.sh"
need_shared cranfield
data=$SHARED_DATA/cranfield

t 'index' exits 0 "$SIMLM" bm25 index -q -o ix "$data/corpus.jsonl"
t 'search' exits 0 "$SIMLM" bm25 search -q --index ix -o run "$data/queries.jsonl"
"$SIMLM" eval -m ndcg@10 -m map -m recall@50 -m recall@1000 "$data/qrels/test.tsv" \
    run >got
{
    printf '%-15s\tall\t225\n' num_q
    printf '%-15s\tall\t%s\n' ndcg@10 0.3560 map 0.2790 recall@50 0.6059 \
        recall@1000 0.9518
} >want
t 'measures' same want got
finish
