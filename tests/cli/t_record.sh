#!/bin/sh
# What is left beside outputs, and in --log-json, by every command.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
: "${JSON_CHECK:?}"
make_world || exit 1

# member FILE KEY: of a JSON object.
member() { "$JSON_CHECK" file "$1" "$2"; }
# recorded OUTPUT RECORD COMMAND...: the command writes OUTPUT and RECORD, which
# says what was done, and its log has nothing but records.
recorded() {
    output=$1
    record=$2
    shift 2
    rm -f log
    "$SIMLM" "$@" --log-json log >out 2>err || { cat err; return 1; }
    [ -e "$output" ] || { echo "no $output"; return 1; }
    for key in command arguments options inputs simlm machine finished seconds; do
        member "$record" $key >/dev/null || return 1
    done
    logged result
}
# logged LAST: each line of `log` is a JSON object with an event; of the first
# and the last it is known which.
logged() {
    "$JSON_CHECK" lines log event >events || return 1
    [ "$(head -n 1 events)" = '"command"' ] || { echo "first:"; head -n 1 events; return 1; }
    [ "$(tail -n 1 events)" = "\"$1\"" ] || { echo "last:"; tail -n 1 events; return 1; }
}

t 'vocab' recorded v.txt v.txt.command.json vocab -o v.txt --size 5000 corpus.jsonl
t 'its progress is in the log' grep -qx '"progress"' events
t 'its warning, too' grep -qx '"warning"' events
t 'init' recorded m m/command.json init --vocab vocab.txt -o m --layers 1 \
    --hidden 16 --heads 2 --ffn 32 --max-positions 40
t 'options are there with their defaults' sh -c \
    'grep -q "\"init-std\": 0.02" m/command.json && grep -q "\"hidden\": 16" m/command.json'
t 'hashes of the inputs, too' sh -c \
    'tr -d "\n " <m/command.json | grep -q "{\"path\":\"vocab.txt\",\"bytes\":[0-9]*,\"xxh64\":\"[0-9a-f]\{16\}\"}"'
t 'pretrain' recorded p p/command.json pretrain -t 1 --model base --max-length 24 \
    --batch 8 --steps 20 --log-every 5 -o p corpus.jsonl
t 'with its steps' sh -c '[ "$(grep -cx "\"step\"" events)" = 4 ]'
t 'and nothing twice' sh -c '[ "$(grep -c "held out" log)" -le 1 ]'
t 'files of an input directory' sh -c \
    'tr -d "\n " <p/command.json | grep -q "\"path\":\"base\",\"files\":{.*\"model.safetensors\":\"[0-9a-f]\{16\}\""'
t 'finetune' recorded f f/command.json finetune -t 1 --model base --corpus corpus.jsonl \
    --batch 4 --passages 4 --query-max-length 8 --passage-max-length 24 --steps 3 \
    --queries queries.tsv --qrels qrels.txt --negatives run.tsv --save-examples ex.jsonl -o f
t 'a second output has its own' member ex.jsonl.command.json command
t 'encode' recorded vec vec/command.json encode --model base --side passage -o vec corpus.jsonl
t 'index' recorded flat flat.command.json index -o flat vec
t 'search' recorded s.run s.run.command.json search --model base --index flat -o s.run queries.tsv
t 'bm25 index' recorded lex lex/command.json bm25 index -o lex corpus.jsonl
t 'bm25 search' recorded b.run b.run.command.json bm25 search --index lex -o b.run queries.tsv
t 'fuse' recorded u.run u.run.command.json fuse -o u.run s.run b.run
t 'eval' recorded e.json e.json.command.json eval --json -o e.json qrels.txt u.run
echo lali >text
t 'tokenize' sh -c '"$SIMLM" tokenize --model base -o ids --log-json log <text 2>/dev/null'
t 'too' member ids.command.json options

# ---- when there is none, and when it is kept -------------------------------------------
mkdir alone && cd alone || exit 1
t 'standard output' exits 0 "$SIMLM" fuse -o - ../s.run ../b.run
t 'has nothing beside it' sh -c '[ "$(ls | tr "\n" " ")" = "err out t.out " ]'
if [ -e /dev/full ]; then
    t 'nor has a device' sh -c '"$SIMLM" fuse -o /dev/null ../s.run; [ ! -e /dev/null.command.json ]'
fi
cd .. || exit 1
for again in 'encode --model base --side passage -o vec corpus.jsonl' \
    'pretrain -t 1 --model base --max-length 24 --batch 8 --steps 20 --log-every 5 -o p corpus.jsonl'; do
    dir=$(echo "$again" | sed 's/.*-o \([a-z]*\) .*/\1/')
    cp "$dir/command.json" kept
    # shellcheck disable=SC2086
    t 'a job that was done already' exits 0 "$SIMLM" $again --threads 2
    t 'leaves the record of the run that did it' same kept "$dir/command.json"
done
t 'one that is done again' exits 0 "$SIMLM" fuse -o u.run --top 5 s.run b.run
t 'replaces it' grep -q '"top": 5' u.run.command.json

# ---- failures ------------------------------------------------------------------------------
rm -f log
t 'a failed command' complains nowhere "$SIMLM" index -o none --log-json log nowhere
t 'says so in its log' logged error
t 'with the line that was printed' sh -c \
    'tail -n 1 log | grep -qF "$(sed "s/^simlm: //" err)"'
t 'and leaves no record' absent none.command.json
t 'a log on standard output' sh -c \
    '"$SIMLM" fuse -o again s.run --log-json - >log'
t 'is a log' logged result
printf 'q\303\244\377"\\\ttext\n' >"$(printf 'a\377"\\b')"
rm -f log
t 'names that are no text' exits 0 "$SIMLM" bm25 search --index lex -o "$(printf 'o\377')" \
    --log-json log "$(printf 'a\377"\\b')"
t 'make no broken records' logged result
finish
