#!/bin/sh
# simlm prepare beir: a data set of BEIR, folder or zip file, in SimLM's form.
. "$(dirname "$0")/lib.sh"
zip=$TEST_DATA/zips/beir.zip

prepare() { "$SIMLM" prepare beir -t 1 "$@"; }

# ---- what is made -------------------------------------------------------------
t 'a zip file' exits 0 prepare -o a "$zip"
t 'how much is said' grep -q '3 passages, 2 with a title' err
t 'of each split' grep -q 'test: 2 queries, 3 judgements' err
cat >want <<'EOF'
{"id":"0","contents":"A play by Goethe.","title":"Faust"}
{"id":"1","contents":"Königsberg has seven bridges."}
{"id":"2","contents":"A top spins\non its point.","title":"Tops"}
EOF
zcat a/passages.jsonl.gz >got
t 'passages are called by their rows' same want got
printf '0\tdoc-a\n1\tdoc-b\n2\tdoc-c\n' >want
t 'whose rows they are is kept' same want a/passage_ids.tsv
printf 'q1\twho wrote faust\nq2\thow many bridges\n' >want
t 'judged queries, a line each, in their order' same want a/test_queries.tsv
printf 'q2\t0\t1\t1\nq1\t0\t0\t2\nq1\t0\t2\t0\n' >want
t 'judgements in theirs' same want a/test_qrels.txt
printf 'q1\twho wrote faust\n' >want
t 'another split has its own queries' same want a/dev_queries.tsv
t 'no others' sh -c '[ "$(ls a | wc -l)" = 7 ]' # with command.json

t 'ids may be kept' exits 0 prepare -q --keep-ids -o kept "$zip"
t 'in the passages' sh -c 'zcat kept/passages.jsonl.gz | grep -q "^{\"id\":\"doc-b\","'
t 'and the judgements' grep -q '^q1	0	doc-a	2$' kept/test_qrels.txt
t 'then no table is needed' absent kept/passage_ids.tsv

# ---- a folder, what is packed in it, what is in a zip file ---------------------------
mkdir -p b/qrels
printf '{"_id": "x", "text": "one"}\n{"_id": "y", "text": "two"}\n' >b/corpus.jsonl
printf '{"_id": "q", "text": "which"}\n' | gzip >b/queries.jsonl.gz
printf 'q\ty\t1\n' >b/qrels/test.tsv
t 'a folder, a file of it compressed' exits 0 prepare -q -o fromb b
t 'a part of a zip file named as a file' exits 0 "$SIMLM" bm25 index -q -o ix "$zip/tiny/corpus.jsonl"

# ---- what is there already ---------------------------------------------------------
cp -r a before
t 'outputs are not replaced' complains "'a/passages.jsonl.gz' is there already" prepare -q -o a "$zip"
t 'they stay as they were' diff -r a before
t 'unless that is asked for' exits 0 prepare -q --overwrite -o a b
t 'then they are' grep -q which a/test_queries.tsv

# ---- what cannot work ----------------------------------------------------------------
t 'no data set is a usage error' exits 2 prepare -o x
t 'no output is one' exits 2 prepare "$zip"
t 'a place that is not there' complains "'nowhere'" prepare -q -o x nowhere
mkdir empty
t 'a folder without corpus' complains "'empty': expected a data set of BEIR, but it has no corpus.jsonl" \
    prepare -q -o x empty
cp -r b c
rm -r c/qrels
t 'without judgements' complains 'no qrels/<split>.tsv' prepare -q -o x c
mkdir -p two/c
cp b/corpus.jsonl two
cp b/corpus.jsonl two/c
t 'two of them' complains "both 'two/c/corpus.jsonl' and 'two/corpus.jsonl'" prepare -q -o x two
printf 'query-id\tcorpus-id\tscore\nq\ty\t1\nr\tx\t1\n' >b/qrels/test.tsv
t 'a judged query that is not there' complains "b/qrels/test.tsv:3: query 'r' is not in 'b/queries.jsonl.gz'" \
    prepare -q -o x b
printf 'q\ty\t1\nq\tz\t1\n' >b/qrels/test.tsv
t 'a judged passage that is not there' complains "b/qrels/test.tsv:2: passage 'z' is not in the corpus" \
    prepare -q -o x b
t 'which may be left out' exits 0 prepare -o skipped --skip-unknown b
t 'and is counted' grep -q '1 judgements left out' err
printf 'q\ty\n' >b/qrels/test.tsv
t 'a column that is missing' complains 'b/qrels/test.tsv:1: expected' prepare -q -o x b
printf 'q\ty\t1\n' >b/qrels/test.tsv
printf '{"_id": "x", "text": "one"}\n{"_id": "y", "tex": "two"}\n' >b/corpus.jsonl
t 'a passage without text' complains 'b/corpus.jsonl:2: expected members' prepare -q -o x b
printf '{"_id": "x", "text": "one", "title": "a", "title": "b"}\n' >b/corpus.jsonl
t 'two titles' complains 'b/corpus.jsonl:1: expected one title, not a second' prepare -q -o x b
printf '{"_id": "y", "text": "a \377 b"}\n' >b/corpus.jsonl
t 'what is not UTF-8 is replaced' exits 0 prepare -o utf b
t 'and said' grep -q '1 passages are not UTF-8 (the first: row 0)' err
t 'so that the file is UTF-8' sh -c 'zcat utf/passages.jsonl.gz | grep -q "a � b"'
head -c 40 b/queries.jsonl.gz >cut.gz && mv cut.gz b/queries.jsonl.gz
t 'a truncated file' complains 'b/queries.jsonl.gz: damaged gzip data: the file ends too early' \
    prepare -q -o x b
head -c 900 "$zip" >cut.zip
t 'a truncated zip file' complains 'cut.zip: a zip file without a directory' prepare -q -o x cut.zip
t 'nothing is left of what failed' absent x
finish
