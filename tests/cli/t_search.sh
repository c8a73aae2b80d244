#!/bin/sh
# simlm index and search: exact rankings, in two forms, from texts or vectors.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/retrieve_lib.sh"

make_model model || exit 1
make_corpus 200 >corpus.jsonl
make_queries 30 >queries.tsv
enc() { "$SIMLM" encode --quiet --model model "$@"; }
search() { "$SIMLM" search --quiet --index index "$@"; }
enc --side passage -o p --shard-size 90 corpus.jsonl || exit 1
enc --side query -o q queries.tsv || exit 1

t 'an index is made' "$SIMLM" index --quiet -o index p
t 'queries are searched' search --model model --top 10 -o run queries.tsv
t 'ten passages a query' sh -c '[ $(wc -l <run) = 300 ]'
t 'in the order of the queries' sh -c \
    'cut -f1 run | uniq | cmp - q/ids.txt'
t 'ranks count from 1' sh -c \
    'awk -F"\t" "\$3 != (NR - 1) % 10 + 1 { bad = 1 } END { exit bad }" run'
t 'scores fall' sh -c 'awk -F"\t" "\$3 > 1 && \$4 > last { bad = 1 }
    { last = \$4 } END { exit bad }" run'

# ---- the same ranking another way ---------------------------------------------------
t 'queries are encoded in bf16' search --model model --top 10 --precision bf16 -o run16 queries.tsv
t 'queries encoded before' search --encoded q --top 10 -o run2
t 'give the same run' same run run2
t 'batches and threads' search --model model --top 10 -o run3 --batch 7 \
    --batch-tokens 50 --threads 1 queries.tsv
t 'change nothing' same run run3
t 'standard output' sh -c '"$1" search --quiet --index index --model model \
    --top 10 -o - queries.tsv >run4' - "$SIMLM"
t 'is the same' same run run4
t 'TREC form' search --model model --top 10 --format trec --tag me -o trec \
    queries.tsv
t 'says the same' sh -c 'awk -F"\t" \
    "{ print \$1, \"Q0\", \$2, \$3, \$4, \"me\" }" run | cmp - trec'
t 'more than there are' search --model model --top 1000 -o all queries.tsv
t 'is all of them' sh -c '[ $(wc -l <all) = 6000 ]'
t 'the best stay the best' sh -c 'awk -F"\t" "\$3 <= 10" all | cmp - run'
head -n 50 corpus.jsonl >a.jsonl
tail -n +51 corpus.jsonl >b.jsonl
enc --side passage -o pa a.jsonl && enc --side passage -o pb b.jsonl
t 'an index of two directories' "$SIMLM" index --quiet -o index2 pa pb
t 'is the index of the whole' "$SIMLM" search --quiet --index index2 \
    --model model --top 10 -o run5 queries.tsv
t 'with the same hits' same run run5
sed -n 's/^q3\t//p' queries.tsv | "$SIMLM" search --quiet --index index \
    --model model --interactive --top 10 >shown
t 'a question asked is answered alike' sh -c \
    'awk -F"\t" "\$1 == \"q3\" { print \$2 }" run >want
     awk "{ print \$3 }" shown | cmp - want'
cat >texts.jsonl <<'END'
{"id":"doc0","title":"a title","contents":"one  two\nthree\u001b[31m four"}
END
seq 1 500 | sed 's/.*/{"id":"doc&","contents":"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word"}/' >>texts.jsonl
sed -n 's/^q3\t//p' queries.tsv | "$SIMLM" search --quiet --index index \
    --model model --interactive --top 1000 --corpus texts.jsonl >told
t 'and with its text, if there is one' sh -c \
    'grep -A 2 " doc0$" told | tr "\n" "|" | grep -qF "       a title|       one two three [31m four|"'
two_lines() {
    grep -A 3 ' doc7$' told | awk 'NR == 2 || NR == 3 { n += NF } NR == 3 { last = $NF } NR == 4 { id = $3 }
        END { exit !(n == 29 && last == "..." && id ~ /^doc/) }'
}
t 'of which two lines are shown' two_lines
grep ' doc' told | head -n 10 >told.hits
t 'the hits are the same' same shown told.hits
t 'a corpus that is not there' complains 'absent' "$SIMLM" search --index index --model model --interactive --corpus absent
awk -F'\t' '$3 == 2 { print $1, 0, $2, 1 }' run >qrels
t 'the run can be judged' sh -c \
    '"$1" eval qrels run | awk "\$1 == \"mrr\" { v = \$3 } END { exit v != 50 }"' \
    - "$SIMLM"

# ---- what goes wrong ----------------------------------------------------------------
make_model wide --hidden 32 || exit 1
t 'a model of another width' complains "has 24" \
    search --model wide -o bad queries.tsv
make_model other --seed 9 || exit 1
t 'another model of that width' search --model other --top 3 -o run6 queries.tsv
t 'is warned of' sh -c '"$1" search --index index --model other --top 3 -o run6 \
    queries.tsv 2>&1 | grep -q "another model"' - "$SIMLM"
"$SIMLM" encode --quiet --model other --side passage -o po a.jsonl
t 'two models in one index' complains 'different models' \
    "$SIMLM" index --quiet -o bad po pb
t 'a passage twice' complains "same id 'doc50'" \
    "$SIMLM" index --quiet -o bad pb pb
t 'no such directory' complains 'nowhere' "$SIMLM" index --quiet -o bad nowhere
t 'a file that is no index' complains 'not a usable index' \
    "$SIMLM" search --quiet --model model --index vocab.txt -o bad queries.tsv
head -c 5000 index >short
t 'a truncated index' complains 'truncated' \
    "$SIMLM" search --quiet --model model --index short -o bad queries.tsv
t 'a tag of two words' complains "tag 'a b': expected a word without blanks" search --model model --tag 'a b' -o bad queries.tsv
t 'no queries' complains 'no-such.tsv' \
    search --model model -o bad no-such.tsv
t 'an unwritable run' complains 'no/where' \
    search --model model -o no/where/run queries.tsv
t 'a full disk' complains '/dev/full' search --model model -o /dev/full queries.tsv
t 'a full disk under an index' complains '/dev/full' \
    "$SIMLM" index --quiet -o /dev/full p
t 'the device is still one' test -c /dev/full
head -n 3 p/ids.txt >few && cp -r p lost && cp few lost/ids.txt
t 'ids that do not match' complains '3 ids for 200 rows' \
    "$SIMLM" index --quiet -o bad lost
cp -r pa nan && { head -c 1000 pa/embeddings.npy
    printf '\377\377\377\177'
    tail -c +1005 pa/embeddings.npy; } >nan/embeddings.npy
t 'a NaN among the vectors' complains "id 'doc9'" \
    "$SIMLM" index --quiet -o bad nan
t 'none of which leaves anything' absent bad
t 'options are checked' exits 2 search --model model queries.tsv
t 'operands, too' exits 2 search --encoded q -o x queries.tsv
finish
