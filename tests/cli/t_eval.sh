#!/bin/sh
# simlm eval: text and JSON reports, comparison, errors.
. "$(dirname "$0")/lib.sh"
golden=$TEST_DATA/golden/measures

printf '1\t0\ta\t1\n2\t0\tb\t1\n3\t0\tc\t1\n' >qrels.txt
printf '1\ta\t1\n2\tx\t1\n2\tb\t2\n' >a.run
printf '1 Q0 x 1 2 t\n1 Q0 a 2 1 t\n3 Q0 c 1 1 t\n' >b.run

t 'a text report' exits 0 "$SIMLM" eval -m rr -m num_rel_ret qrels.txt a.run
printf '%-15s\tall\t2\n%-15s\tall\t0.7500\n%-15s\tall\t2\n' num_q rr \
    num_rel_ret >want
t 'is what it should be' same want out
t 'per query' exits 0 "$SIMLM" eval --per-query -m rr qrels.txt a.run
t 'the second query has rank 2' grep -q "^rr  *	2	0.5000$" out
t 'a JSON report' exits 0 "$SIMLM" eval --json -c -m rr@10 -m mrr qrels.txt a.run
printf '{\n    "rr@10": 0.5,\n    "mrr": 50.0,\n    "num_q": 3\n}\n' >want
t 'has measures as keys' same want out
t 'the default set' exits 0 "$SIMLM" eval --json qrels.txt b.run
t 'has spec 4.7'"'"'s measures' sh -c '
    for m in ndcg map recall; do for k in 10 50 100 200 1000; do
        grep -q "^    \"$m@$k\": " out || exit 1
    done; done; grep -q "^    \"mrr\": 50.0" out'
t 'the model card'"'"'s columns' exits 0 "$SIMLM" eval --preset msmarco qrels.txt a.run
t 'are in per cent' grep -q '^MRR@10  *	all	50.0000$' out
t 'a comparison' exits 0 "$SIMLM" eval --json --compare b.run -m rr qrels.txt a.run
t 'counts missing queries as 0' grep -q '"difference": 0.0' out
t 'the same seed gives the same bytes' sh -c '
    "$SIMLM" eval --json --per-query --compare "$1/b.run" "$1/qrels.txt" \
        "$1/a.run" -t 1 >one &&
    "$SIMLM" eval --json --per-query --compare "$1/b.run" "$1/qrels.txt" \
        "$1/a.run" -t 2 -o two && cmp one two' - "$golden"

printf '7\ta\t1\n' >other.run
t 'a run of other queries' exits 0 "$SIMLM" eval qrels.txt other.run
t 'is warned about' grep -q "'other.run' answers none" err
t 'no run is a usage error' exits 2 "$SIMLM" eval qrels.txt
t 'a missing run' complains 'no.run' "$SIMLM" eval qrels.txt no.run
t 'an unknown measure' complains "unknown measure 'x'" \
    "$SIMLM" eval -m x qrels.txt a.run
printf '1\ta\tb\tc\n' >bad.run
t 'a bad line is named' complains 'bad.run:1' "$SIMLM" eval qrels.txt bad.run
t 'an unwritable report' complains 'no/dir' \
    "$SIMLM" eval -o no/dir/out qrels.txt a.run
[ ! -e /dev/full ] || t 'a full disk' exits 1 \
    sh -c '"$SIMLM" eval qrels.txt a.run >/dev/full'
finish
