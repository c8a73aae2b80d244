#!/bin/sh
# simlm encode: killed anywhere, it continues to the same bits.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/retrieve_lib.sh"

make_model model --layers 4 --hidden 96 --ffn 384 || exit 1
make_corpus 480 >corpus.jsonl
# A variable, not a function: in the background it must be the process itself.
enc="$SIMLM encode --quiet --model model --side passage --save-every 16
     --batch-tokens 64 --threads 1"
saved() { sed 's/.*"rows":\[\([^]]*\)\].*/\1/' "$1/progress.json" 2>/dev/null |
    tr ',' '\n' | grep -c .; }

# kill_at DIR N [options]: start, kill -9 once N savings are recorded.
kill_at() {
    dir=$1 n=$2
    shift 2
    $enc -o "$dir" "$@" corpus.jsonl &
    pid=$!
    tries=0
    while [ "$(saved "$dir")" -lt "$n" ] && kill -0 $pid 2>/dev/null &&
        [ $tries -lt 3000 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    kill -9 $pid 2>/dev/null
    wait $pid 2>/dev/null
    [ -e "$dir/progress.json" ] && [ ! -e "$dir/encode.json" ]
}

t 'a run that nobody disturbs' $enc -o whole corpus.jsonl

t 'a run is killed' kill_at part 3
t 'what is there is not taken for embeddings' complains 'not finished' \
    "$SIMLM" index --quiet -o index part
before=$(saved part)
t 'killed again' kill_at part $((before + 3))
t 'it had gone on where it was' [ "$(saved part)" -gt "$before" ]
t 'and killed once more' kill_at part $((before + 8))
$enc -o busy corpus.jsonl &
pid=$!
while [ ! -e busy/progress.json ] && kill -0 $pid; do sleep 0.01; done
t 'two at once in one directory are one too many' \
    complains 'another process' $enc -o busy corpus.jsonl
kill -9 $pid
wait $pid 2>/dev/null
t 'the lock of a dead process holds nobody up' $enc -o busy corpus.jsonl
t 'another configuration is refused meanwhile' complains \
    'another configuration' $enc --max-length 20 -o part corpus.jsonl
t 'it ends' $enc -o part corpus.jsonl
t 'in the same bits' same whole/embeddings.npy part/embeddings.npy
t 'with the same ids' same whole/ids.txt part/ids.txt
t 'and nothing else' sh -c \
    '[ "$(ls part | tr "\n" " ")" = "command.json embeddings.npy encode.json ids.txt " ]'

t 'shards are killed, too' kill_at shards 9 --shard-size 50
t 'some of them are whole' test -e shards/embeddings-00001.npy
t 'they are continued' $enc -o shards --shard-size 50 corpus.jsonl
for f in shards/embeddings-*.npy; do tail -c +129 "$f"; done >got
tail -c +129 whole/embeddings.npy >want
t 'to the same rows' same want got

# ---- what was saved is proved before it is kept ---------------------------------
t 'killed' kill_at hurt 6
n=$(saved hurt)
# Row 20 is in the second saving; spoil it, and cut the last one short.
printf 'spoilt' | dd of=hurt/embeddings.npy.part bs=1 conv=notrunc 2>t.dd \
    seek=$((128 + 20 * 96 * 4))
t 'a saving that is spoilt is noticed' sh -c '"$1" encode --model model \
    --side passage --save-every 16 -o hurt corpus.jsonl 2>&1 |
    grep -q "continuing after 16 rows"' - "$SIMLM"
t 'and made anew' same whole/embeddings.npy hurt/embeddings.npy
t 'killed' kill_at cut 6
head -c 3000 cut/embeddings.npy.part >short && mv short cut/embeddings.npy.part
t 'a part that lost its end' $enc -o cut corpus.jsonl
t 'is completed' same whole/embeddings.npy cut/embeddings.npy
t 'killed' kill_at lost 6
rm lost/embeddings.npy.part
t 'a part that is gone' $enc -o lost corpus.jsonl
t 'is made again' same whole/embeddings.npy lost/embeddings.npy
t 'killed' kill_at bad 3
echo '{"key": 7' >bad/progress.json
t 'a progress file that is none is named' complains 'bad/progress.json' \
    $enc -o bad corpus.jsonl
t 'overwriting helps' $enc --overwrite -o bad corpus.jsonl
t 'and gives the same' same whole/embeddings.npy bad/embeddings.npy

# ---- a disk that fills up --------------------------------------------------------
full() { (trap '' XFSZ; ulimit -f 64; $enc -o full corpus.jsonl); }
t 'a disk that fills up is named' complains 'full' full
t 'nothing has a final name' sh -c \
    '[ ! -e full/embeddings.npy ] && [ ! -e full/ids.txt ] && [ ! -e full/encode.json ]'
t 'with more room it goes on' sh -c '"$@" 2>&1 | grep -q "continuing after"' - \
    "$SIMLM" encode --model model --side passage -o full corpus.jsonl
t 'to the same bits' same whole/embeddings.npy full/embeddings.npy

# ---- a polite stop ---------------------------------------------------------------
$enc -o polite corpus.jsonl 2>err &
pid=$!
while [ "$(saved polite)" -lt 3 ] && kill -0 $pid 2>/dev/null; do sleep 0.01; done
kill -TERM $pid
wait $pid
t 'SIGTERM ends it with exit code 1' [ $? = 1 ]
t 'and one line' grep -q 'stopped on request' err
t 'what is saved is used' $enc -o polite corpus.jsonl
t 'as always' same whole/embeddings.npy polite/embeddings.npy
finish
