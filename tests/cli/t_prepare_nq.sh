#!/bin/sh
# simlm prepare nq: DPR's Wikipedia, training files and questions in SimLM's form.
. "$(dirname "$0")/lib.sh"

prepare() { "$SIMLM" prepare nq -t 1 "$@"; }

mkdir -p raw/data
# ---- downloads of twenty passages ------------------------------------------------------
awk 'BEGIN { print "id\ttext\ttitle"
    for (i = 1; i <= 20; i++) print i "\t\"passage \"\"" i "\"\" of it\"\t" (i % 5 ? "Title " i : "\"\"\"T\"\"\"") }' |
    gzip >raw/data/psgs_w100.tsv.gz
cat >train.json <<'EOF'
[
    {
        "dataset": "nq_train",
        "question": "who wrote faust",
        "answers": ["Goethe", "J. W. \"von\" G\u00f6the"],
        "positive_ctxs": [
            {"title": "a ]}", "text": "b \" {[", "score": 1000, "title_score": 1, "passage_id": "3"},
            {"title": "", "text": "", "score": 7.5, "passage_id": "4"}
        ],
        "negative_ctxs": [{"passage_id": "9", "score": 0}],
        "hard_negative_ctxs": [
            {"passage_id": "11", "score": 5.25}, {"passage_id": "12", "score": 4},
            {"passage_id": "13", "score": 3}, {"passage_id": "14", "score": 2}
        ]
    },
    {"question": " only others ", "answers": ["it's"], "positive_ctxs": [{"psg_id": 1, "score": "1.5"}],
     "negative_ctxs": [{"passage_id": "2", "score": 0}], "hard_negative_ctxs": []},
    {"question": "no positive", "answers": ["x"], "positive_ctxs": [], "negative_ctxs": [], "hard_negative_ctxs": []},
    {"question": "who wrote faust", "answers": ["again"], "positive_ctxs": [{"passage_id": "3"}]}
]
EOF
gzip -c train.json >raw/data/biencoder-nq-train.json.gz
tr -d '\n' <train.json >raw/biencoder-nq-dev.json
printf '%s\t%s\n' 'what is it' "['that', \"it's\"]" '"the ""thing"" there"' '"[""a \""q\"" b""]"' 'what is it' "['no']" >raw/nq-test.qa.csv

t 'the files of DPR' exits 0 prepare -o a raw
t 'passages' grep -q '20 passages, 20 with a title' err
t 'questions and examples' grep -q 'nq_train: 3 questions, 2 examples' err
t 'what has no example is counted' grep -q 'nq_train: no examples of 1 questions' err
t 'a question that is there twice is said' grep -q 'nq_train: 1 questions stand there again' err
zcat a/passages.jsonl.gz | sed -n '1p;5p' >got
cat >want <<'EOF'
{"id":"0","contents":"passage \"1\" of it","title":"Title 1"}
{"id":"4","contents":"passage \"5\" of it","title":"\"T\""}
EOF
t 'ids count from 0, fields are not quoted' same want got
cat >want <<'EOF'
who wrote faust	['Goethe', 'J. W. "von" Göthe']
only others	["it's"]
no positive	['x']
EOF
t 'questions with their answers' same want a/nq_train_queries.tsv
t 'on one line or many, the same' same a/nq_train_queries.tsv a/nq_dev_queries.tsv
cat >want <<'EOF'
what is it	['that', "it's"]
the "thing" there	['a "q" b']
EOF
t 'of the table, too' same want a/nq_test_queries.tsv
printf 'who wrote faust\t0\t2\t1\nonly others\t0\t0\t1\n' >want
t 'labelled positives' same want a/nq_train_qrels.txt
t 'an example' grep -qF '{"query_id":"who wrote faust","query":"who wrote faust","answers":["Goethe","J. W. \"von\" Göthe"],"positives":{"doc_id":["2","3"],"score":[1000.0,7.5]},' a/nq_train.jsonl
t 'negatives with their scores' sh -c 'sed -n 1p a/nq_train.jsonl | grep -q "\"10\"" && sed -n 1p a/nq_train.jsonl | grep -q "5.25"'
t 'where there are no hard ones, others' grep -qF '"negatives":{"doc_id":["1"],"score":[0.0]}}' a/nq_train.jsonl
t 'as many as are asked for' exits 0 prepare -q --negative-count 2 -o b raw
t 'a part of them' sh -c '[ "$(sed -n 1p b/nq_train.jsonl | sed "s/.*negatives//" | grep -o "\"1[0-9]\"" | wc -l)" = 2 ]'
t 'the same seed' exits 0 prepare -q --negative-count 2 -o c raw
t 'draws the same' same b/nq_train.jsonl c/nq_train.jsonl
draws_others() {
    for seed in 1 2 3 4 5 6; do
        prepare -q --negative-count 2 --seed $seed -o "s$seed" raw || return 1
        cmp -s b/nq_train.jsonl "s$seed/nq_train.jsonl" || return 0
    done
    return 1
}
t 'another draws others' draws_others

# ---- what is made goes on -----------------------------------------------------------------
t 'the questions are queries' exits 0 sh -c '"$SIMLM" bm25 index -q -o ix a/passages.jsonl.gz &&
    "$SIMLM" bm25 search -q --index ix -o run a/nq_test_queries.tsv'
t 'the answers judge' exits 0 "$SIMLM" eval --answers a/nq_test_queries.tsv --corpus a/passages.jsonl.gz run
printf '"a table''s"\t[]\n' >raw/nq-train.qa.csv
t 'a table of questions has more' exits 0 prepare -q -o d raw
t 'it counts' grep -qx "a tables	\[\]" d/nq_train_queries.tsv
t 'the labels are those of the training file' same a/nq_train_qrels.txt d/nq_train_qrels.txt
rm raw/nq-train.qa.csv

# ---- what cannot work -----------------------------------------------------------------------
t 'outputs are not replaced' complains "'a/passages.jsonl.gz' is there already" prepare -q -o a raw
t 'all that is missing is named' complains \
    'missing: psgs_w100.tsv, biencoder-nq-train.json, biencoder-nq-dev.json, nq-test.qa.csv' prepare -q -o x a
with() { # FILE TEXT: a file of the downloads is this one
    rm -rf bad && cp -r raw bad
    printf "$2" >"bad/$1"
}
with biencoder-nq-dev.json '[{"question": "q", "positive_ctxs": [{"passage_id": "21"}]}]'
t 'a passage that is not there' complains 'biencoder-nq-dev.json:1: expected the id of a passage that is there at column' prepare -q -o x bad
with biencoder-nq-dev.json '[{"question": "q"},\n\n {"answers": []}]'
t 'a record without question' complains "biencoder-nq-dev.json:3: expected a 'question'" prepare -q -o x bad
with biencoder-nq-dev.json '[{"question": "q"},\n {"question": "r"'
t 'a file that is cut off' complains 'biencoder-nq-dev.json:2: expected the end of what begins here' prepare -q -o x bad
with biencoder-nq-dev.json '{"question": "q"}'
t 'no array' complains "biencoder-nq-dev.json:1: expected an array, '['" prepare -q -o x bad
with biencoder-nq-dev.json '[{"question": "q"} {}]'
t 'no comma' complains "biencoder-nq-dev.json:1: expected ',' or ']'" prepare -q -o x bad
with nq-test.qa.csv "q\tx\n"
t 'answers that are no list' complains 'nq-test.qa.csv:1: expected a list' prepare -q -o x bad
zcat raw/data/psgs_w100.tsv.gz >psgs
with nq-test.qa.csv "q\t['x']\n"
rm bad/data/psgs_w100.tsv.gz
sed 's/^3	/4	/' psgs >bad/psgs_w100.tsv
t 'passages out of order' complains "psgs_w100.tsv:4: expected passage number 3, not '4'" prepare -q -o x bad
sed '5s/	Title.*//' psgs >bad/psgs_w100.tsv
t 'a column that is missing' complains 'psgs_w100.tsv:5: expected three fields' prepare -q -o x bad
sed '6s/ of it"/ of it/' psgs >bad/psgs_w100.tsv
t 'a quote that does not close' complains "psgs_w100.tsv:6: expected a field's quotes to close" prepare -q -o x bad
head -c 100 raw/data/psgs_w100.tsv.gz >bad/psgs_w100.tsv
t 'a truncated file' complains 'psgs_w100.tsv: damaged gzip data' prepare -q -o x bad
t 'nothing is left of what failed' absent x
finish
