#!/bin/sh
# simlm overlap: text and JSON, errors.
. "$(dirname "$0")/lib.sh"

printf '1\ta\t1\t3\n1\tb\t2\t2\n2\tc\t1\t1\n3\td\t1\t1\n' >a.run
printf '1 Q0 b 1 3 t\n1 Q0 a 2 2 t\n2 Q0 c 1 1 t\n' >b.run

t 'two runs' exits 0 "$SIMLM" overlap a.run b.run
line() { grep -qxF "$(printf '%-15s\tall\t%s' "$1" "$2")" out || { cat out; return 1; }; }
t 'two queries are in both' line num_q 2
t 'one in the first alone' line only_a 1
t 'none in the second' line only_b 0
t 'one has the same first hit' line order@1 0.5000
t 'all hits are found' line overlap@10 1.0000
t 'in another order' line order@10 0.5000
t 'the head counts most' line rbo 0.9500
t 'JSON' exits 0 "$SIMLM" overlap --json -o out.json a.run b.run
t 'has the same' grep -q '"overlap@10": 1.0' out.json
t 'and is JSON' "$JSON_CHECK" file out.json rbo
t 'one run is a usage error' exits 2 "$SIMLM" overlap a.run
t 'a missing run' complains 'no.run' "$SIMLM" overlap a.run no.run
printf '7\ta\t1\n' >other.run
t 'a run of other queries' complains "'a.run' and 'other.run' have no query" \
    "$SIMLM" overlap a.run other.run
t 'an unwritable report' complains 'no/dir' \
    "$SIMLM" overlap -o no/dir/out a.run b.run
finish
