#!/bin/sh
# simlm tokenize: lines and JSON lines in, ids out; limits; errors.
. "$(dirname "$0")/lib.sh"
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b c '##b' , >vocab.txt
mkdir model empty && cp vocab.txt model/

# gives WANT INPUT options...: the lines that come out.
gives() {
    printf "$1" >want
    printf "$2" >in
    shift 2
    "$SIMLM" tokenize "$@" <in >out 2>err || { cat err; return 1; }
    same want out || { cat out; return 1; }
}

t 'a text a line, with [CLS] and [SEP]' gives \
    '{"ids":[2,5,8,9,7,3],"type_ids":[0,0,0,0,0,0]}\n{"ids":[2,3],"type_ids":[0,0]}\n' \
    'Ab, c\n\n' --model vocab.txt
t 'a model may be a directory' gives \
    '{"ids":[2,5,3],"type_ids":[0,0,0]}\n' 'a\n' --model model
t 'a last line needs no end, CRLF is one' gives \
    '{"ids":[5],"type_ids":[0]}\n{"ids":[6],"type_ids":[0]}\n' 'a\r\nb' \
    --model model --no-special
t 'no input, no output' gives '' '' --model model
t 'bytes that are no UTF-8 are dropped' gives \
    '{"ids":[5,8],"type_ids":[0,0]}\n' 'a\377b\n' --model model --no-special
t 'JSON lines: texts and pairs' gives \
    '{"ids":[2,5,3],"type_ids":[0,0,0]}\n{"ids":[2,5,3,6,3],"type_ids":[0,0,0,1,1]}\n{"ids":[2,3,3],"type_ids":[0,0,1]}\n' \
    '{"text":"a"}\n{"pair":"b","text":"a","id":7}\n{"text":"","pair":""}\n' \
    --model model --jsonl
t 'an escape may hold a NUL' gives \
    '{"ids":[5,8],"type_ids":[0,0]}\n' '{"text":"a\\u0000b"}\n' \
    --model model --jsonl --no-special
t 'a text is cut at the length' gives \
    '{"ids":[2,5,6,3],"type_ids":[0,0,0,0]}\n' 'a b c\n' \
    --model model --max-length 4
t 'the longer text of a pair is cut' gives \
    '{"ids":[2,5,6,3,7,3],"type_ids":[0,0,0,0,1,1]}\n' \
    '{"text":"a b c a","pair":"c"}\n' --model model --jsonl --max-length 6
t 'or the second' gives \
    '{"ids":[2,5,6,3,7,3],"type_ids":[0,0,0,0,1,1]}\n' \
    '{"text":"a b","pair":"c c c"}\n' --model model --jsonl --max-length 6 \
    --truncation only_second
t 'limits count without special tokens, too' gives \
    '{"ids":[5,6,7],"type_ids":[0,0,1]}\n' \
    '{"text":"a b c","pair":"c"}\n' --model model --jsonl --max-length 3 --no-special

# refuses TEXT INPUT options...: one line on stderr, exit 1.
refuses() {
    text=$1
    printf "$2" >in
    shift 2
    complains "$text" "$SIMLM" tokenize --model model "$@" <in
}
t 'a broken line is named' refuses 'standard input:2: ' '{"text":"a"}\n{"text"\n' --jsonl
t 'what came before it is out' grep -q '"ids":\[2,5,3\]' out
t 'text must be a string' refuses "standard input:1: 'text': expected a string" \
    '{"text":3}\n' --jsonl
t 'so must pair' refuses "standard input:1: 'pair': expected" \
    '{"text":"a","pair":[]}\n' --jsonl
t 'a text is needed' refuses "standard input:1: 'text'" '{"pair":"a"}\n' --jsonl
t 'a line is an object' refuses 'standard input:1: expected an object' '3\n' --jsonl
t 'a first text that leaves no room' refuses 'standard input:2: the first text alone' \
    '{"text":"a","pair":"b"}\n{"text":"a b c","pair":"b"}\n' --jsonl \
    --max-length 5 --truncation only_second
t 'a length below the special tokens' refuses 'standard input:1: a length of 1' \
    'a\n' --max-length 1
t 'no such model' complains 'nowhere' "$SIMLM" tokenize --model nowhere
t 'a directory without vocabulary' complains 'no vocab.txt or tokenizer.json' \
    "$SIMLM" tokenize --model empty -o x </dev/null
t 'no output is left' absent x
t 'a model must be given' exits 2 "$SIMLM" tokenize
t 'operands are refused' exits 2 "$SIMLM" tokenize --model model in
if [ -e /dev/full ]; then
    t 'a full disk is a failure' sh -c \
        'yes a | head -100000 | "$SIMLM" tokenize --model model >/dev/full 2>err; [ $? = 1 ]'
    t 'with one line' sh -c '[ "$(wc -l <err)" = 1 ]'
fi
finish
