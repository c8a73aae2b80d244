#!/bin/sh
# The report: what goes in comes out in all three forms, hostile text does no
# harm, and what is missing or malformed is said in one line.
. "$(dirname "$0")/lib.sh"

cat >passages.jsonl <<'END'
{"id":"p1","title":"<script>alert(1)</script>","contents":"a \"quoted\" & <b>bold</b> text"}
{"id":"p2","contents":"second"}
{"id":"p3","title":"third","contents":"bytes \ud800 and \u001b[31m colour"}
END
printf 'q1\twhat is <img src=x onerror=alert(1)>\nq2\tsecond query\nq3\tnever judged\nq4\tfourth\n' >queries.tsv
printf 'q1 0 p1 1\nq2 0 p2 0\nq2 0 p3 2\nq4 0 gone 1\n' >qrels.txt
printf 'q1\tp2\t1\t3.5\nq1\tp1\t2\t2.5\nq2\tp3\t1\t1\nq3\tp1\t1\t1\n' >a.run
printf 'q1\tp1\t1\t9\nq2\tunknown\t1\t1\n' >b.run
"$SIMLM" eval --json -m rr@10 -m ndcg@10 -o a.eval qrels.txt a.run
"$SIMLM" eval --json -m rr@10 -m ndcg@10 --compare b.run -o ab.eval qrels.txt a.run
"$SIMLM" overlap --json -o ab.overlap a.run b.run
cat >log.jsonl <<'END'
{"event":"start","step":0}
{"event":"step","step":10,"loss":5.0,"epoch_mean":{"loss":5.0,"enc":2.0}}
{"event":"step","step":20,"loss":99.0}
{"event":"step","step":20,"loss":4.0}
{"event":"eval","step":20,"loss":4.25}
{"event":"message","text":"done"}
END
cat >good.json <<'END'
{"title": "A & <B>", "subtitle": "\"sub\"", "notes": ["</style><script>"],
 "facts": [{"name": "passages", "value": "3"}],
 "measures": ["rr@10", "ndcg@10"],
 "results": [{"name": "run <a>", "eval": "a.eval"}, {"name": "run b", "eval": "ab.eval"}],
 "comparisons": [{"name": "b against a", "eval": "ab.eval", "measure": "rr@10"}],
 "overlaps": [{"name": "a & b", "overlap": "ab.overlap"}],
 "curves": [{"chart": "Loss", "name": "all", "log": "log.jsonl"},
            {"chart": "Loss", "name": "encoder", "log": "log.jsonl", "key": "enc"},
            {"chart": "Nothing", "name": "absent", "log": "log.jsonl", "key": "other"}],
 "timings": [{"name": "first", "seconds": 1.5, "processor": 2.25, "note": "why"},
             {"name": "second", "seconds": 300}],
 "examples": {"corpus": ["passages.jsonl"], "queries": "queries.tsv", "qrels": "qrels.txt", "count": 8, "hits": 1,
              "runs": [{"name": "A", "run": "a.run"}, {"name": "B", "run": "b.run"}]}}
END

page_has() { grep -qF -- "$1" page.html || { echo "not '$1'"; return 1; }; }
page_lacks() { ! grep -qiE -- "$1" page.html || { grep -iE -- "$1" page.html | cut -c 1-200; return 1; }; }
prints() { grep -qE -- "$1" out || { echo "not '$1':"; cat out; return 1; }; }
json_has() { tr -d ' \n' <page.json | grep -qF -- "$1" || { echo "not '$1':"; cat page.json; return 1; }; }

t 'all forms at once' exits 0 "$SIMLM" report -o page.html --json page.json --text - good.json
t 'the table has measures' prints 'rr@10 +ndcg@10'
t 'and the runs' prints '^run <a> +0.7500 '
t 'and the difference' prints '^b against a +rr@10 [-+]0'
t 'and what two runs share' prints '^a & b +2 +1 +0.0000 +0.2500 '
t 'on the page, too' page_has '<td class=name>a &amp; b</td><td>2</td><td class=faint>1</td>'
t 'the title is escaped' page_has '<h1>A &amp; &lt;B&gt;</h1>'
t 'so are notes' page_has '&lt;/style&gt;&lt;script&gt;'
t 'and quotes' page_has '&quot;sub&quot;'
t 'no markup of a text is left' page_lacks '<script|<img|<b>bold|onerror=[^&]*[^;]>$'
t 'nothing is fetched' page_lacks '<[^>]*(src|href)=|url\(|@import'
t 'and the page forbids it' page_has "default-src 'none'"
t 'control characters are gone' page_lacks "$(printf '\033')"
t 'a relevant passage is marked' page_has '<li class=hit><b>third</b>'
t 'one that others come before has its rank' page_has '<h3>A <span>rank 2</span>'
t 'a query that a run does not answer is not found there' page_has '<h3>B <span>not found</span>'
examples() { [ "$(grep -c '<details' page.html)" = 3 ]; }
t 'queries without a relevant passage are left out' examples
curves() { [ "$(grep -c 'polyline' page.html)" = 2 ]; }
t 'a curve without a point is left out' curves
t 'a step that was logged again counts once' json_has '"train":[[10.0,5.0],[20.0,4.0]]'
t 'held-out examples have their points' json_has '"held_out":[[20.0,4.25]]'
t 'JSON has the ranks' json_has '"relevant_rank":2'
balanced() { [ "$(grep -o "<$1[ >]" page.html | wc -l)" = "$(grep -o "</$1>" page.html | wc -l)" ]; }
for tag in div table tr td th details ol li section figure svg p ul b i small span; do
    t "<$tag> is closed" balanced $tag
done
cp page.html first.html
"$SIMLM" report -o page.html good.json
t 'the same input is the same page' same first.html page.html
mkdir sub && cp page.json sub
echo '{"title": "alone"}' >least.json
t 'a title is enough' exits 0 "$SIMLM" report -o page.html least.json
cp good.json sub/far.json
t 'file names are relative to the description' complains 'sub/a.eval' "$SIMLM" report -o page.html sub/far.json
t 'and may be absolute' exits 0 sh -c 'sed "s|\"a.eval\"|\"$PWD/a.eval\"|" good.json >sub/x.json; cp ab.eval ab.overlap log.jsonl a.run b.run passages.jsonl queries.tsv qrels.txt sub; "$0" report -o page.html sub/x.json' "$SIMLM"

# ---- what is wrong -----------------------------------------------------------------
rm -f page.html
# changed SED TEXT: the description with a change is refused with TEXT.
changed() {
    sed "$1" good.json >bad.json
    complains "$2" "$SIMLM" report -o page.html bad.json
}
t 'no description' complains 'absent.json' "$SIMLM" report -o page.html absent.json
t 'no JSON' changed '1s/{/[/' 'bad.json'
t 'no title' changed '1s/"title"/"name"/' "'title': expected a string"
t 'notes that are no texts' changed 's|\["</style><script>"\]|[1]|' "'notes': expected strings"
t 'results that are no array' changed 's/"results": \[.*\]/"results": 7/' "'results': expected an array"
t 'an evaluation that is not there' changed 's/"a.eval"/"none.eval"/' 'none.eval'
t 'a measure that it lacks' changed 's/"measures": \["rr@10"/"measures": ["map"/' "a.eval: 'map': expected a number"
t 'a comparison that is none' changed 's/"eval": "ab.eval", "measure"/"eval": "a.eval", "measure"/' "a.eval: 'compare': expected an object"
t 'an overlap that is none' changed 's/"ab.overlap"/"a.eval"/' "a.eval: 'only_a': expected an integer"
t 'a log that is not there' changed 's/"log.jsonl"/"none.jsonl"/' 'none.jsonl'
printf '{"event":"step","step":1,"loss":2}\n{"event":\n' >broken.jsonl
t 'a broken line of a log' changed 's/"log.jsonl"/"broken.jsonl"/' 'broken.jsonl:2'
t 'time that is no number' changed 's/"seconds": 300/"seconds": "long"/' "'seconds': expected a number"
t 'a run that is not there' changed 's/"b.run"/"c.run"/' 'c.run'
t 'a run that is none' changed 's/"run": "b.run"/"run": "qrels.txt"/' 'qrels.txt:1'
t 'no corpus' changed 's/\["passages.jsonl"\]/["none"]/' 'none'
t 'too many examples' changed 's/"count": 8/"count": 100000/' "'count': expected an integer from 1 to 1000"
t 'nothing is written then' absent page.html
t 'nothing to write' exits 2 "$SIMLM" report good.json
t 'no description at all' exits 2 "$SIMLM" report -o page.html
finish
