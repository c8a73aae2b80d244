#!/bin/sh
# simlm mine: lists of the right lengths without a labelled positive, the same
# for the same seed and the same as finetune's, and what was left out is said.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
: "${JSON_CHECK:?}"

t 'a world can be made' make_world

mine() {
    "$SIMLM" mine -t "${T:-1}" --corpus corpus.jsonl --queries queries.tsv \
        --qrels qrels.txt --negatives run.tsv "$@"
}
# ids FILE KEY: the doc_ids of each line's list, a line each, blanks between.
ids() {
    "$JSON_CHECK" lines "$1" "$2" |
        sed 's/.*"doc_id": *\[\([^]]*\)\].*/\1/; s/[",]/ /g'
}
# lengths FILE KEY N: each line's list has N passages.
lengths() {
    ids "$1" "$2" | awk -v n="$3" 'NF != n { print NR ": " NF; bad = 1 }
        END { exit bad || !NR }'
}
# disjoint FILE: no passage is in both lists of a line.
disjoint() {
    ids "$1" positives >p
    ids "$1" negatives >n
    paste -d '|' p n | awk -F '|' '{
        split("", seen); k = split($1, P, " "); for (i = 1; i <= k; i++) seen[P[i]] = 1
        k = split($2, N, " ")
        for (i = 1; i <= k; i++) if (N[i] in seen) { print NR ": " N[i]; bad = 1 }
    } END { exit bad || !NR }'
}

t 'lists are made' exits 0 mine -o a.jsonl --negative-count 20 --negative-random 5
t 'how many is said' grep -q '60 queries, 60 positives, 1200 negatives' err
t 'one a judged query, in the order of the qrels' sh -c '
    "$JSON_CHECK" lines a.jsonl query_id >got && awk "{ print \"\\\"\" \$1 \"\\\"\" }" qrels.txt | cmp - got'
t 'strangers fill the lists' lengths a.jsonl negatives 20
t 'no labelled positive is a negative' disjoint a.jsonl
t 'scores are the run'"'"'s' grep -q '"positives":{"doc_id":\["0"\],"score":\[-1.0\]}.*99.0' a.jsonl
t 'the depth is kept to' exits 0 mine -q -o d.jsonl --negative-depth 3 --negative-count 30 --negative-random 0
t 'to the passage' lengths d.jsonl negatives 3

T=2
t 'the same seed, two threads' exits 0 mine -q -o b.jsonl --negative-count 20 --negative-random 5
T=1
t 'makes the same bytes' same a.jsonl b.jsonl
t 'another seed' exits 0 mine -q -o c.jsonl --negative-count 20 --negative-random 5 --seed 5
t 'makes others' sh -c '! cmp -s a.jsonl c.jsonl'
t 'finetune makes them itself' exits 0 finetune_lists -o ft -s 1 --save-examples e.jsonl \
    --negative-count 20 --negative-random 5
t 'to the byte' same a.jsonl e.jsonl
t 'and trains with them' exits 0 finetune --train a.jsonl -o ft2 -s 1
t 'to the same model' same ft/model.safetensors ft2/model.safetensors
head -20 a.jsonl >first.jsonl
tail -n +21 a.jsonl >rest.jsonl
t 'in two files' exits 0 finetune --train first.jsonl --more-examples rest.jsonl -o ft3 -s 1
t 'they are the same' same ft/model.safetensors ft3/model.safetensors
t 'a second file decides the run' complains "holds a run with more_examples" finetune --train first.jsonl -o ft3 -s 1
t 'a second file of no first' exits 2 finetune --more-examples rest.jsonl -o ft4 -s 1
t 'standard output will do' sh -c '"$SIMLM" mine -q -t 1 --corpus corpus.jsonl --queries queries.tsv \
    --qrels qrels.txt --negatives run.tsv --negative-count 20 --negative-random 5 -o - | cmp - a.jsonl'

# ---- a sample -------------------------------------------------------------------
sample() { mine -o "$1" --negative-count 20 --negative-random 5 --sample "$2"; }
t 'a sample' exits 0 sample s.jsonl 20
t 'is of the size asked for' grep -q '20 queries, 20 positives, 400 negatives' err
t 'of lines that are there without it' sh -c '[ "$(grep -cxFf s.jsonl a.jsonl)" = 20 ]'
t 'in their order' sh -c 'grep -xFf s.jsonl a.jsonl | cmp - s.jsonl'
t 'not the first ones' sh -c '! head -20 a.jsonl | cmp -s - s.jsonl'
t 'the same again' exits 0 sample s2.jsonl 20
t 'to the byte' same s.jsonl s2.jsonl
t 'a sample of more than there are' exits 0 sample all.jsonl 100
t 'is all of them' same a.jsonl all.jsonl

# ---- what is left out -----------------------------------------------------------
{
    cat qrels.txt
    printf 'q3\t0\t6\t1\nq90\t0\t1\t1\nq4\t0\t9\t0\n'
} >more.txt
mv more.txt qrels.txt
grep -v '^q7	' run.tsv >fewer.tsv && mv fewer.tsv run.tsv
t 'queries without text or hits are left out' exits 0 mine -o g.jsonl
t 'and counted' grep -q 'left out: 1 without text, 1 not in the run' err
t 'a second positive is excluded, too' disjoint g.jsonl
t 'a judgement of 0 is none' sh -c '"$JSON_CHECK" lines g.jsonl positives | sed -n 5p | grep -q "\[\"4\"\]"'
t 'unless any will do' exits 0 mine -q -o h.jsonl --any-grade
t 'then it is one' sh -c '"$JSON_CHECK" lines h.jsonl positives | sed -n 5p | tr -d " " | grep -q "\[\"4\",\"9\"\]"'
t 'noisy positives are left out' exits 0 mine -o n.jsonl --filter-noisy-positives
t 'and counted' grep -q '58 whose positives the run has not' err
t 'one query of sixty has a positive in its run' sh -c '[ "$(wc -l <n.jsonl)" = 1 ]'

# ---- what cannot work -------------------------------------------------------------
t 'files are needed' exits 2 "$SIMLM" mine --corpus corpus.jsonl -o x
t 'an output is needed' exits 2 mine
t 'more strangers than negatives' exits 2 \
    mine -q -o x --negative-count 20 --negative-random 30
echo 'q1	0	777	1' >qrels.txt
t 'a judged passage that is not there is named' complains "'777' of the qrels" mine -q -o x
t 'an output that cannot be is told before the work' complains 'nowhere' mine -q -o nowhere/x
t 'nothing is left of what failed' absent x
finish
