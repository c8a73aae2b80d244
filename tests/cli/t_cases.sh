#!/bin/sh
# simlm cases: training examples and runs with their texts, as one JSON array.
. "$(dirname "$0")/lib.sh"

cat >corpus.jsonl <<'EOF'
{"id":"0","contents":"A play by \"Goethe\".","title":"Faust"}
{"id":"1","contents":"Seven bridges."}
{"id":"2","contents":"Tops spin.","title":"Tops"}
{"id":"3","contents":"Another."}
EOF
cat >train.jsonl <<'EOF'
{"query_id":"a","query":"who wrote it","answers":["x"],"positives":{"doc_id":["0"],"score":[1000.0]},"negatives":{"doc_id":["1","2","3"],"score":[3.5,2.0,-1.0]}}
{"query_id":"b","query":"what spins","positives":{"doc_id":["2"],"score":[-1.0]},"negatives":{"doc_id":["1"],"score":[0.25]}}
EOF
cases() { "$SIMLM" cases -t 1 --corpus corpus.jsonl "$@"; }

t 'examples' exits 0 cases --passages 2 -o out.json train.jsonl
t 'how many is said' grep -q '2 examples, 3 passages' err
cat >want <<'EOF'
[
    {
        "query_id": "a",
        "query": "who wrote it",
        "positives": [
            {
                "doc_id": "0",
                "title": "Faust",
                "contents": "A play by \"Goethe\".",
                "score": 1000.0
            }
        ],
        "negatives": [
            {
                "doc_id": "1",
                "contents": "Seven bridges.",
                "score": 3.5
            },
            {
                "doc_id": "2",
                "title": "Tops",
                "contents": "Tops spin.",
                "score": 2.0
            }
        ]
    },
EOF
head -n 26 out.json >got
t 'a list is as long as is asked for' same want got
t 'to standard output' sh -c '"$SIMLM" cases -q -t 1 --passages 2 --corpus corpus.jsonl train.jsonl | cmp - out.json'
t 'the first one alone' exits 0 cases -q --limit 1 -o one.json train.jsonl
t 'not the second' sh -c '! grep -q "what spins" one.json && [ "$(tail -n 1 one.json)" = "]" ]'

printf 'b\t3\t1\t0.9\nb\t2\t2\t0.5\na\t1\t1\t0.1\n' >run
printf 'a\twho wrote it\nb\twhat spins\n' >queries.tsv
printf 'b\t0\t2\t1\nb\t0\t1\t0\na\t0\t0\t2\n' >qrels.txt
t 'a run' exits 0 cases -q --queries queries.tsv -o run.json run
t 'its hits in its order' sh -c 'tr -d " \n" <run.json | grep -qF "{\"query_id\":\"b\",\"query\":\"whatspins\",\"hits\":[{\"doc_id\":\"3\",\"contents\":\"Another.\",\"score\":0.9},"'
t 'nothing is said of judgements' sh -c '! grep -q "judged\|relevant" run.json'
t 'with judgements' exits 0 cases -q --queries queries.tsv --qrels qrels.txt --passages 1 -o judged.json run
t 'hits have grades or none, relevant passages their ranks' sh -c 'tr -d " \n" <judged.json | grep -qF "\"score\":0.9,\"judged\":null}],\"relevant\":[{\"doc_id\":\"2\",\"title\":\"Tops\",\"contents\":\"Topsspin.\",\"judged\":1,\"rank\":2}]"'
t 'or none' sh -c 'tr -d " \n" <judged.json | grep -qF "\"judged\":2,\"rank\":null}"'

t 'a run without queries' complains "'run' is a run: the queries are needed" cases -q -o x run
t 'examples have their own' complains "'train.jsonl' holds examples: queries are of a run" cases -q --queries queries.tsv -o x train.jsonl
t 'and no judgements' complains "'train.jsonl' holds examples: judgements are of a run" cases -q --qrels qrels.txt -o x train.jsonl
t 'no corpus is a usage error' exits 2 "$SIMLM" cases train.jsonl
t 'nothing to show is one' exits 2 cases
printf 'c\t0\t1\t1\n' >other
t 'a query that is not there' complains "query 'c' of the run is not in 'queries.tsv'" \
    cases -q --queries queries.tsv -o x other
printf 'a\t9\t1\t1\n' >other
t 'a passage that is not there' complains "passage '9' of the run or its judgements is not in the corpus" \
    cases -q --queries queries.tsv -o x other
echo '{"query_id": "a"' >bad.jsonl
t 'a bad example' complains 'bad.jsonl:1: ' cases -q -o x bad.jsonl
t 'nothing is left of what failed' absent x
finish
