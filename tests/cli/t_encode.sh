#!/bin/sh
# simlm encode: one vector a text, whatever the batch; whole or absent files.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/retrieve_lib.sh"

make_model model || exit 1
make_corpus 300 >corpus.jsonl
make_queries 40 >queries.tsv
enc() { "$SIMLM" encode --quiet --model model "$@"; }

# ---- what is written ----------------------------------------------------------
t 'passages are encoded' enc --side passage -o p corpus.jsonl
t 'with a file of each kind' sh -c \
    '[ "$(ls p | tr "\n" " ")" = "command.json embeddings.npy encode.json ids.txt " ]'
t 'an id a line, in the order of the input' sh -c \
    'seq 0 299 | sed s/^/doc/ | cmp - p/ids.txt'
t 'the matrix has their shape' sh -c \
    'head -c 128 p/embeddings.npy | tr -d "\0" | grep -aq "(300, 24)"'
t 'and size' sh -c '[ $(wc -c <p/embeddings.npy) = $((128 + 300 * 96)) ]'
t 'the configuration is kept' grep -q '"side": "passage"' p/encode.json
t 'queries are encoded' enc --side query -o q queries.tsv
t 'their ids are kept' sh -c 'cut -f1 queries.tsv | cmp - q/ids.txt'

# ---- the same bits, however it is done -------------------------------------------
t 'other batches and threads' enc --side passage -o p2 --batch-tokens 1 \
    --threads 1 --save-every 7 corpus.jsonl
t 'change no bit' same p/embeddings.npy p2/embeddings.npy
t 'nor do others' enc --side passage -o p3 --batch-tokens 999 --threads 2 \
    corpus.jsonl
t 'of any number' same p/embeddings.npy p3/embeddings.npy
sort -t: -k3 corpus.jsonl >shuffled.jsonl
t 'a permuted corpus' enc --side passage -o perm shuffled.jsonl
npy_rows p/embeddings.npy | paste p/ids.txt - | sort >want
npy_rows perm/embeddings.npy | paste perm/ids.txt - | sort >got
t 'gives the same rows, permuted' same want got
t 'which are not in the same order' sh -c '! cmp -s p/ids.txt perm/ids.txt'
sed -n 117p corpus.jsonl >alone.jsonl
t 'a passage alone' enc --side passage -o alone alone.jsonl
npy_rows p/embeddings.npy | sed -n 117p >want
npy_rows alone/embeddings.npy >got
t 'has the vector it has among others' same want got
t 'shards of 70 rows' enc --side passage -o shards --shard-size 70 \
    --save-every 32 corpus.jsonl
for f in shards/embeddings-0000[01234].npy; do npy_rows "$f"; done >got
npy_rows p/embeddings.npy >want
t 'hold the same rows together' same want got
t 'and there are five of them' sh -c '[ $(ls shards/*.npy | wc -l) = 5 ]'
head -n 100 corpus.jsonl | gzip >a.jsonl.gz
tail -n 200 corpus.jsonl >b.jsonl
t 'a corpus in two files' enc --side passage -o two a.jsonl.gz b.jsonl
t 'is one corpus' same p/embeddings.npy two/embeddings.npy

t 'in bf16' enc --side passage -o half --precision bf16 corpus.jsonl
t 'alone in bf16' enc --side passage -o half-alone --precision bf16 \
    --threads 1 alone.jsonl
npy_rows half/embeddings.npy | sed -n 117p >want
npy_rows half-alone/embeddings.npy >got
t 'a passage has one vector, too' same want got
t 'which is another one' sh -c \
    '! cmp -s half/embeddings.npy p/embeddings.npy'
t 'the configuration tells' grep -q '"precision": "bf16"' half/encode.json
t 'no other precision' exits 2 enc --side passage -o x --precision int8 corpus.jsonl

# ---- again ------------------------------------------------------------------------
touch -d '2001-01-01' p/embeddings.npy
t 'a finished directory' "$SIMLM" encode --model model --side passage -o p \
    corpus.jsonl
t 'is left alone' sh -c '"$1" encode --model model --side passage -o p \
    corpus.jsonl 2>&1 | grep -q "nothing to do"' - "$SIMLM"
t 'untouched' sh -c '[ p/embeddings.npy -ot vocab.txt ]'
t 'another configuration is refused' complains 'another configuration' \
    enc --side passage -o p --max-length 20 corpus.jsonl
t 'and so is another side' complains 'another configuration' \
    enc --side query -o p queries.tsv
t 'unless it may overwrite' enc --side passage -o p --max-length 20 \
    --overwrite corpus.jsonl
t 'then it is another matrix' sh -c '! cmp -s p/embeddings.npy p2/embeddings.npy'
mkdir foreign && cp p2/embeddings.npy foreign
t 'embeddings of unknown origin are not overwritten' \
    complains 'another configuration' enc --side passage -o foreign corpus.jsonl

# ---- what goes wrong ----------------------------------------------------------------
t 'no model' complains 'no-model' "$SIMLM" encode --quiet --model no-model \
    --side passage -o x corpus.jsonl
t 'no input' complains 'no-such.jsonl' enc --side passage -o x no-such.jsonl
printf '{"id":"a","contents":"x"}\n{"id":"b","contents":7}\n' >bad.jsonl
t 'a bad line is named' complains 'bad.jsonl:2' enc --side passage -o x bad.jsonl
t 'a place that cannot be written' complains 'file/x' \
    enc --side passage -o vocab.txt/../vocab.txt/file/x corpus.jsonl
printf '{"id":"a\\nb","contents":"x"}\n' >newline.jsonl
t 'an id with a line end' complains 'newline.jsonl:1' \
    enc --side passage -o x newline.jsonl
cp -r model nan
# A word amid the file is a weight of some layer: make it a NaN.
word=$(($(wc -c <nan/model.safetensors) / 4 / 2))
tail=$(($(wc -c <nan/model.safetensors) % 4))
printf '\377\377\377\177' |
    dd of=nan/model.safetensors bs=1 seek=$((word * 4 + tail)) conv=notrunc 2>t.dd
t 'a NaN weight is named' complains 'nan/model.safetensors' \
    "$SIMLM" encode --quiet --model nan --side passage -o x corpus.jsonl
t 'none of which leaves anything' absent x
t 'options are checked' exits 2 enc -o x corpus.jsonl
t 'all of them' exits 2 enc --side sideways -o x corpus.jsonl
t 'operands, too' exits 2 enc --side query -o x queries.tsv queries.tsv
: >empty.jsonl
t 'an empty corpus' enc --side passage -o none empty.jsonl
t 'has no rows' sh -c '[ $(wc -c <none/embeddings.npy) = 128 ]'
finish
