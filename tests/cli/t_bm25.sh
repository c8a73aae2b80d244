#!/bin/sh
# simlm bm25 and simlm fuse: files in, files out, errors.
. "$(dirname "$0")/lib.sh"
golden=$TEST_DATA/golden/bm25

# --- index
t 'an index of a corpus' exits 0 "$SIMLM" bm25 index -q -o ix "$golden/corpus.jsonl"
t 'prints nothing' [ ! -s out ]
gzip -c "$golden/corpus.jsonl" >corpus.jsonl.gz
t 'the same corpus compressed, one thread' \
    exits 0 "$SIMLM" bm25 index -q -t 1 -o gz corpus.jsonl.gz
t 'gives the same index' same ix/bm25.index gz/bm25.index
t 'no output is a usage error' exits 2 "$SIMLM" bm25 index corpus.jsonl.gz
t 'no corpus is a usage error' exits 2 "$SIMLM" bm25 index -o x
t 'an unknown verb is a usage error' exits 2 "$SIMLM" bm25 list
t 'a missing corpus' complains "cannot open 'none.tsv'" \
    "$SIMLM" bm25 index -q -o x none.tsv
t 'leaves no directory' absent x
head -c 2000 corpus.jsonl.gz >cut.jsonl.gz
t 'a truncated gzip' complains cut.jsonl.gz "$SIMLM" bm25 index -q -o x cut.jsonl.gz
t 'leaves nothing either' absent x
printf '1\ta\n1\tb\n' >twice.tsv
t 'an id that occurs twice' complains "twice.tsv" \
    "$SIMLM" bm25 index -q -o x twice.tsv

# --- search
t 'a search' exits 0 \
    "$SIMLM" bm25 search -q --index ix --top 10 -o run "$golden/queries.tsv"
cut -f 1,2 "$golden/lucene.tsv" >want
cut -f 1,2 run >got
t 'finds what Lucene finds, in its order' same want got
t 'the same on one thread' sh -c '
    "$SIMLM" bm25 search -q -t 1 --index ix --top 10 -o run1 "$0" &&
        cmp run run1' "$golden/queries.tsv"
t 'TREC form, to stdout' sh -c '
    "$SIMLM" bm25 search -q --index ix --top 1 --format trec --tag lex -o - "$0" |
        head -n 1 | grep -q "^0 Q0 p32 1 2.2938[0-9]* lex$"' "$golden/queries.tsv"
t 'k1 and b matter' sh -c '
    "$SIMLM" bm25 search -q --index ix --top 10 --k1 1.2 --b 0.75 -o run2 "$0" &&
        cut -f 1,2 run2 >got && cut -f 1,2 "$1" | cmp - got' \
    "$golden/queries.tsv" "$golden/other.tsv"
t 'k1 below 0 is a usage error' exits 2 \
    "$SIMLM" bm25 search --index ix --k1 -1 -o x "$golden/queries.tsv"
t 'a directory without an index' complains 'gone/bm25.index' \
    "$SIMLM" bm25 search -q --index gone -o x "$golden/queries.tsv"
mkdir short
head -c 100 ix/bm25.index >short/bm25.index
t 'a truncated index is refused by name' complains "'short/bm25.index'" \
    "$SIMLM" bm25 search -q --index short -o x "$golden/queries.tsv"
t 'and nothing is written' absent x
: >none.tsv
t 'no queries, an empty run' exits 0 \
    "$SIMLM" bm25 search -q --index ix -o empty none.tsv
t 'is there' same none.tsv empty
[ ! -e /dev/full ] || t 'a full disk' complains 'No space left' \
    "$SIMLM" bm25 search -q --index ix -o /dev/full "$golden/queries.tsv"

# --- fuse
t 'a fusion with itself keeps the ranking' sh -c '
    "$SIMLM" fuse -o fused run run && cut -f 1-3 fused >a && cut -f 1-3 run |
        cmp - a'
t 'weights' exits 0 "$SIMLM" fuse --weights 0.7,0.3 --method rrf -o w run run2
t 'one weight too few is a usage error' exits 2 "$SIMLM" fuse -w 1 -o w2 run run2
t 'a weight that is no number, too' exits 2 "$SIMLM" fuse -w 1,x -o w2 run run2
t 'no run is a usage error' exits 2 "$SIMLM" fuse -o w2
t 'a missing run' complains 'no.run' "$SIMLM" fuse -o w2 run no.run
t 'nothing is written' absent w2
finish
