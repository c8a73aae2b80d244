#!/bin/sh
# simlm init: a model directory from a vocabulary, whole or absent.
. "$(dirname "$0")/lib.sh"

printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b c '##a' '##b' '##c' \
    >vocab.txt
small="--vocab vocab.txt --layers 2 --hidden 16 --heads 2 --ffn 24"
small="$small --max-positions 20"
# shellcheck disable=SC2086
init() { "$SIMLM" init $small "$@"; }

t 'a model is made' exits 0 init -o one
t 'with all its files' sh -c 'cd one && ls config.json model.safetensors \
    vocab.txt tokenizer.json tokenizer_config.json special_tokens_map.json modules.json \
    1_Pooling/config.json sentence_bert_config.json simlm.json'
t 'the same seed gives the same weights' init -o two
t 'bit for bit' same one/model.safetensors two/model.safetensors
t 'another seed gives others' init -o three --seed 5
t 'really' sh -c '! cmp -s one/model.safetensors three/model.safetensors'
t 'a model that is there is not replaced' \
    complains "'one' holds a model already" init -o one --seed 5
t 'unless that is asked for' init -o one --seed 5 --overwrite
t 'and is' same one/model.safetensors three/model.safetensors
t 'nothing is left beside it' sh -c '[ "$(ls -d one*)" = one ]'
t 'another embedding width makes a generator' init -o gen --embedding 24
t 'of ELECTRA form' grep -q '"model_type": "electra"' gen/config.json
t 'no title stand-in is stored as null' init -o bare --missing-title ''
t 'as said' grep -q '"missing_title": null' bare/simlm.json

gone=$(sh -c 'echo $$')
mkdir "one.tmp.$gone" && : >"one.tmp.$gone/config.json"
t 'one more' init -o one --overwrite
t 'takes away what a killed one left' absent "one.tmp.$gone"

mkdir full && : >full/precious
t 'a directory of other things is refused' \
    complains 'not a model directory' init -o full
t 'and untouched' same full/precious /dev/null
t 'heads must divide the width' \
    complains "hidden is 16: expected a multiple of heads, 3" init -o bad --heads 3
t 'nothing is written then' absent bad
t 'a missing vocabulary is named' \
    complains 'no-such.txt' "$SIMLM" init --vocab no-such.txt -o bad
printf 'a\nb\n' >poor.txt
t 'a vocabulary without [UNK] is refused' \
    complains 'poor.txt' "$SIMLM" init --vocab poor.txt -o bad
t 'an unwritable place is named' \
    complains '/proc/x' init -o /proc/x
t 'needs a vocabulary' exits 2 "$SIMLM" init -o bad
t 'needs an output' exits 2 "$SIMLM" init --vocab vocab.txt
finish
