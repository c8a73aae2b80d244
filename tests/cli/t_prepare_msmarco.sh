#!/bin/sh
# simlm prepare msmarco: the downloads of MS MARCO, TREC DL and RocketQA in
# SimLM's form, seeded; what is missing is said at once.
. "$(dirname "$0")/lib.sh"

prepare() { "$SIMLM" prepare msmarco -t 1 "$@"; }
seq_lines() { awk -v n="$1" "BEGIN { for (i = 0; i < n; i++) print $2 }"; }

# ---- downloads of forty passages, by the names they have ------------------------------
mkdir -p raw/collectionandqueries raw/trec raw/marco
cd raw || exit 1
seq_lines 40 'i "\tpassage number " i' >collectionandqueries/collection.tsv
seq_lines 40 'i "\t" (i % 4 ? "title " i : "-") "\tx"' | gzip >marco/para.title.txt.gz
cd collectionandqueries || exit 1
seq_lines 12 '"q" i "\tquery " i' >queries.train.tsv
seq_lines 8 '"q" (7 - i) "\t0\t" i "\t1"' >qrels.train.tsv
seq_lines 3 '"d" i "\tquestion " i' >queries.dev.small.tsv
seq_lines 3 '"d" i "\t0\t" (i + 20) "\t1"' >qrels.dev.small.tsv
seq_lines 2 '"e" i "\tunjudged " i' >queries.eval.small.tsv
cd ../trec || exit 1
seq_lines 5 '"t" i "\ttrec " i' | gzip >msmarco-test2019-queries.tsv.gz
printf 't3 Q0 7 3\nt1 Q0 8 0\nt1 Q0 9 2\n' >2019qrels-pass.txt
cd ../..
# Rankings of 20 passages a query; q7's has not its positive.
awk 'BEGIN { for (q = 0; q < 8; q++) for (r = 1; r <= 20; r++)
    print "q" q "\t" (q == 7 ? r + 9 : (4 - q + r * 3) % 40) "\t" r "\t" 30 - r }' >train.run
awk 'BEGIN { for (q = 0; q < 2; q++) for (r = 1; r <= 20; r++) print "d" q "\t" (r + q) "\t" r }' >dev.run

# ---- what is made -------------------------------------------------------------------------
t 'without rankings' exits 0 prepare -o a raw
t 'what is missing is said' grep -q 'no ranking of train: no train.jsonl' err
t 'of TREC, too' grep -q 'no msmarco-test2020-queries.tsv: no trec_dl2020_queries.tsv' err
t 'passages and titles' grep -q '40 passages, 40 with a title' err
zcat a/passages.jsonl.gz | sed -n '1p;6p' >got
cat >want <<'EOF'
{"id":"0","contents":"passage number 0","title":"-"}
{"id":"5","contents":"passage number 5","title":"title 5"}
EOF
t 'side by side' same want got
seq_lines 8 '"q" i "\tquery " i' >want
t 'training queries are the judged ones, in their order' same want a/train_queries.tsv
t 'their judgements as they were' same raw/collectionandqueries/qrels.train.tsv a/train_qrels.txt
t 'the small development set' same raw/collectionandqueries/queries.dev.small.tsv a/dev_queries.tsv
t 'its judgements' same raw/collectionandqueries/qrels.dev.small.tsv a/dev_qrels.txt
t 'test queries have none' sh -c 'cmp raw/collectionandqueries/queries.eval.small.tsv a/test_queries.tsv && ! [ -e a/test_qrels.txt ]'
printf 't1\ttrec 1\nt3\ttrec 3\n' >want
t 'of TREC the judged ones' same want a/trec_dl2019_queries.tsv
printf 't3\t0\t7\t3\nt1\t0\t8\t0\nt1\t0\t9\t2\n' >want
t 'with all grades' same want a/trec_dl2019_qrels.txt

# ---- examples ----------------------------------------------------------------------------
some() { prepare --train-run train.run --dev-run dev.run --negative-count 12 --negative-random 2 "$@" raw; }
t 'with rankings' exits 0 some -o b
t 'there are examples' grep -q 'train.jsonl: 8 examples' err
t 'queries without hits are left out and counted' grep -q 'left out: 1 not in the run' err
t 'they are what simlm mine makes' exits 0 "$SIMLM" mine -q -t 1 --corpus b/passages.jsonl.gz \
    --queries b/train_queries.tsv --qrels b/train_qrels.txt --negatives train.run --any-grade \
    --negative-count 12 --negative-random 2 -o mined.jsonl
t 'to the byte' same mined.jsonl b/train.jsonl
t 'the same seed, two threads' exits 0 some -q -o c -t 2
t 'gives the same' sh -c 'for f in b/*.gz b/*.tsv b/*.txt b/*.jsonl; do cmp "$f" "c/${f#b/}" || exit 1; done'
t 'another seed' exits 0 some -q -o d --seed 7
t 'gives others' sh -c '! cmp -s b/train.jsonl d/train.jsonl'
t 'noisy positives may be left out' exits 0 some -o e --filter-noisy-positives
t 'of training alone' grep -q 'dev.jsonl: 2 examples' err
t 'and are counted' grep -q 'whose positives the run has not' err
mkdir runs
cp train.run runs/train.msmarco.txt
t 'rankings are found by their names' exits 0 prepare -q -o f --negative-count 12 --negative-random 2 raw runs
t 'and are the same' same b/train.jsonl f/train.jsonl

# ---- MS MARCO's own lists, in no order ---------------------------------------------------
mkdir lists
awk 'BEGIN { for (r = 0; r < 30; r++) for (q = 0; q < 9; q++)
    print "q" q "\t" 7 - q "\t" r + 8; for (r = 0; r < 30; r++) print "q0\t7\t" r + 8 }' |
    gzip >lists/qidpidtriples.train.full.2.tsv.gz
awk 'BEGIN { for (r = 0; r < 30; r++) print "d1\t" r + 1 "\tquestion 1\tsome text" }' >lists/top1000.dev
unranked() { prepare --negative-depth 10 --negative-count 10 --negative-random 0 "$@" raw lists; }
t 'triples and top1000 lists' exits 0 unranked -o g
t 'give as many as are asked for' sh -c '[ "$(sed -n 2p g/train.jsonl | grep -o "negatives.*score" | grep -o "\"[0-9]*\"" | wc -l)" = 10 ]'
t 'none of them twice' sh -c '[ "$(sed -n 8p g/train.jsonl | grep -o "negatives.*score" | grep -o "\"[0-9]*\"" | sort -u | wc -l)" -le 10 ]'
t 'no positive among them' sh -c '! sed -n 1p g/dev.jsonl | grep -o "negatives.*score" | grep -q "\"21\""'
t 'the same seed' exits 0 unranked -q -o h
t 'draws the same' same g/train.jsonl h/train.jsonl
t 'another' exits 0 unranked -q -o i --seed 3
t 'draws others' sh -c '! cmp -s g/train.jsonl i/train.jsonl'
printf 'd1\t5\n' >lists/top1000.dev
t 'a list that lacks columns' complains "lists/top1000.dev:1: expected 'query <tab> passage" unranked -q -o x

# ---- SimLM's own data ----------------------------------------------------------------------
mkdir -p own/msmarco_reranker
cp b/* own/msmarco_reranker
cp dev.run own/msmarco_reranker/dev.msmarco.txt
t 'what SimLM published is copied' exits 0 prepare -o j own
t 'to the byte' sh -c 'for f in b/*.tsv b/*.txt b/*.jsonl; do cmp "$f" "j/${f#b/}" || exit 1; done'
t 'with its runs' same dev.run j/dev.msmarco.txt
echo '{"query": "x", "positives": {"doc_id": ["99"]}, "negatives": {"doc_id": []}}' >>own/msmarco_reranker/dev.jsonl
t 'but not what is damaged' complains 'dev.jsonl:3: ' prepare -q -o x own

# ---- what cannot work -----------------------------------------------------------------------
t 'outputs are not replaced' complains "'a/passages.jsonl.gz' is there already" prepare -q -o a raw
t 'all that is missing is named' complains \
    "missing: collection.tsv, queries.train.tsv, qrels.train.tsv, queries.dev.small.tsv, qrels.dev.small.tsv (tar" \
    prepare -q -o x runs
mv raw/trec/2019qrels-pass.txt .
t 'half of TREC is missing, too' complains 'missing: 2019qrels-pass.txt' prepare -q -o x raw
mv 2019qrels-pass.txt raw/trec
zcat raw/marco/para.title.txt.gz >titles
head -n 39 titles >raw/marco/para.title.txt
rm raw/marco/para.title.txt.gz
t 'a title too few' complains 'para.title.txt: expected a title for each passage, but it ends after 39' prepare -q -o x raw
{ cat titles && tail -n 1 titles; } >raw/marco/para.title.txt
t 'one too many' complains 'para.title.txt:41: expected no more titles than the 40 passages' prepare -q -o x raw
sed 's/^3	.*/3/' titles >raw/marco/para.title.txt
t 'a line without' complains "para.title.txt:4: expected 'id <tab> title'" prepare -q -o x raw
cp titles raw/marco/para.title.txt
sed -i 's/^5	/50	/' raw/collectionandqueries/collection.tsv
t 'passages that are not numbered' complains "number 5 is called '50'" prepare -q -o x raw
sed -i 's/^50	/5	/' raw/collectionandqueries/collection.tsv
echo 'd0	0	77	1' >>raw/collectionandqueries/qrels.dev.small.tsv
t 'a judged passage that is not there' complains "qrels.dev.small.tsv:4: passage '77' is not in the corpus" prepare -q -o x raw
echo 'd9	0	7	1' >raw/collectionandqueries/qrels.dev.small.tsv
t 'a judged query that is not there' complains "qrels.dev.small.tsv:1: query 'd9' is not in 'raw/collectionandqueries/queries.dev.small.tsv'" \
    prepare -q -o x raw
echo 'd0	0' >raw/collectionandqueries/qrels.dev.small.tsv
t 'a column that is missing' complains "qrels.dev.small.tsv:1: expected" prepare -q -o x raw
t 'nothing is left of what failed' absent x
finish
