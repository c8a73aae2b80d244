#!/bin/sh
# Questions with answers: simlm eval --answers is DPR's accuracy, simlm mine
# --answers the reference's lists for NQ, and such questions are queries.
. "$(dirname "$0")/lib.sh"
: "${JSON_CHECK:?}"
golden=$TEST_DATA/golden/answers

# ---- accuracy --------------------------------------------------------------------
judge() { "$SIMLM" eval -t 1 --answers "$golden/questions.tsv" --corpus "$golden/corpus.jsonl" "$@"; }
want() { sed "s/.*\"acc\": {[^}]*\"$1\": \([0-9.]*\).*/\1/" "$golden/expected.json"; }
is() { grep -q "\"acc@$1\": $(want "$1" | cut -c 1-10)" out; }

t 'a run is judged by answers' exits 0 judge --json "$golden/run.tsv"
t 'the shares of DPR' sh -c 'grep -q "acc@1\"" out && grep -q "acc@5\"" out && grep -q "acc@100\"" out'
t 'at 1' is 1
t 'at 20' is 20
t 'at 100' is 100
t 'over the questions of the run' grep -q '"num_q": 7' out
t 'any cutoff' exits 0 judge --json -m acc@2 -m acc@3 "$golden/run.tsv"
t 'is DPR'"'"'s, too' is 2
t 'and this one' is 3
t 'by rank, scores or not' sh -c 'sed "s/0.5$/-1/" "$1/run.tsv" >r && cut -f 1-3 r >r3' - "$golden"
t 'three columns' exits 0 judge --json r3
t 'are the same' is 20
t 'two runs are compared' exits 0 judge --json --compare r3 "$golden/run.tsv"
t 'over all questions' grep -q '"difference": 0.0' out
t 'answers without passages' exits 2 "$SIMLM" eval --answers "$golden/questions.tsv" r
t 'answers and judgements' exits 2 judge qrels r
printf 'who wrote faust\t77\t1\n' >strange.run
t 'a passage that is not there' complains "passage '77' of the run is not in the corpus" judge strange.run
printf 'q\t[1 + 1]\n' >bad.tsv
t 'an answer that is a program' complains 'bad.tsv:1: expected a text in quotes at byte 2' \
    "$SIMLM" eval --answers bad.tsv --corpus "$golden/corpus.jsonl" r
printf "q\t['a']\nq2\n" >bad.tsv
t 'a column that is missing' complains 'bad.tsv:2: expected two fields' \
    "$SIMLM" eval --answers bad.tsv --corpus "$golden/corpus.jsonl" r
t 'a measure that is not there, before anything is read' complains "unknown measure 'x'" \
    judge -m x none.run

# ---- such questions are queries -----------------------------------------------------
t 'they are searched' exits 0 sh -c '
    "$SIMLM" bm25 index -q -o ix "$1/corpus.jsonl" &&
        "$SIMLM" bm25 search -q --index ix -o bm25.run "$1/questions.tsv"' - "$golden"
t 'by their text, under their text' grep -q '^who wrote faust	0	' bm25.run
t 'without quotes of a table' grep -q '^what did he say about "it"	8	' bm25.run
t 'and once' sh -c '[ "$(grep -c "^who wrote faust	.*	1	" bm25.run)" = 1 ]'
printf "a\t['x']\nb\tc\n" >mixed.tsv
t 'a file of both kinds' complains 'mixed.tsv:2: expected a list' \
    "$SIMLM" bm25 search -q --index ix -o x mixed.tsv

# ---- examples ---------------------------------------------------------------------------
cat >run <<'EOF'
who wrote faust	1	1	9
who wrote faust	5	2	8
who wrote faust	0	3	7
who wrote faust	9	4	6
when did euler ask	3	1	5
when did euler ask	2	2	4
no answers at all	1	1	3
EOF
printf 'who wrote faust\t0\t0\t1\nno answers at all\t0\t4\t1\nnever asked\t0\t4\t1\n' >labelled
mine() {
    "$SIMLM" mine -q -t 1 --corpus "$golden/corpus.jsonl" --answers "$golden/questions.tsv" \
        --negatives run --negative-random 0 "$@"
}
line() { sed -n "$2p" "$1" | tr -d ' '; }
has() { line "$1" "$2" | grep -qF -- "$3" || { line "$1" "$2"; return 1; }; }
t 'examples by answers' exits 0 mine --qrels labelled -o a.jsonl
t 'the labelled passage first, with 1000, then hits with an answer' \
    has a.jsonl 1 '"positives":{"doc_id":["0","5"],"score":[1000.0,8.0]}'
t 'the other hits are negatives' sh -c '
    sed -n 1p a.jsonl | tr -d " " | grep -qE "\"negatives\":\{\"doc_id\":\[\"(1\",\"9|9\",\"1)\"\]"'
t 'an answer will do without a label' has a.jsonl 2 '"positives":{"doc_id":["2"],"score":[4.0]}'
t 'a label without an answer' has a.jsonl 3 '"positives":{"doc_id":["4"],"score":[1000.0]}'
t 'questions without hits are left out' sh -c '[ "$(wc -l <a.jsonl)" = 3 ]'
t 'no labels' exits 0 mine -o b.jsonl
t 'positives in the order of the run' has b.jsonl 1 '"positives":{"doc_id":["5","0"],"score":[8.0,7.0]}'
t 'nothing without a positive' sh -c '[ "$(wc -l <b.jsonl)" = 2 ]'
t 'what is below the depth does not count' exits 0 mine --negative-depth 2 -o c.jsonl
t 'for either list' has c.jsonl 1 '"positives":{"doc_id":["5"],"score":[8.0]},"negatives":{"doc_id":["1"]'
t 'a run is needed' exits 2 "$SIMLM" mine --corpus "$golden/corpus.jsonl" --answers "$golden/questions.tsv" -o x
t 'two kinds of queries are one too many' exits 2 "$SIMLM" mine --corpus "$golden/corpus.jsonl" --answers "$golden/questions.tsv" --queries q --negatives r -o x

# ---- recipes ------------------------------------------------------------------------------
mkdir data
cp "$golden/corpus.jsonl" "$golden/questions.tsv" data
cat >r.yaml <<'EOF'
title: By answers
stages:
  ix: {command: bm25 index, inputs: data/corpus.jsonl}
  hits: {command: bm25 search, index: $ix, inputs: data/questions.tsv}
report:
  measures:
    test: {answers: data/questions.tsv, corpus: data/corpus.jsonl, columns: {R@5: acc@5}}
  rows: {BM25: $hits}
EOF
t 'a recipe is measured by answers' exits 0 "$SIMLM" run -q -t 1 r.yaml
t 'in its table' grep -q '^BM25  *[01]\.' out
sed 's/^  rows/  examples: {corpus: data\/corpus.jsonl, queries: data\/questions.tsv}\n  rows/' r.yaml >e.yaml
t 'examples need judgements' complains "e.yaml" "$SIMLM" run -q -t 1 e.yaml
finish
