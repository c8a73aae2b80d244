#!/bin/sh
# simlm bench: what is measured, in which form; never how fast.
. "$(dirname "$0")/lib.sh"
tiny='--seconds 0 --threads 2 --layers 1 --hidden 16 --heads 2 --ffn 32
      --vocab-size 50 --batch-tokens 32 --length 8 --min-length 2
      --max-length 9 --rows 50 --dim 20'

# bench options...: a run of tiny shapes; its lines in out.
bench() {
    # shellcheck disable=SC2086
    "$SIMLM" bench $tiny "$@" >out 2>err || { cat err; return 1; }
    [ ! -s err ] || { cat err; return 1; }
}

# has NAME PEAK: a figure of that name and its per cent of that peak.
has() {
    grep -F "\"name\":\"$1" out | grep -q "\"percent\":[0-9.e+-]*,\"peak\":\"$2\"" ||
        { echo "no '$1' with per cent of $2"; cat out; return 1; }
}
# is_json: every line one object.
is_json() { ! grep -v '^{"part":"[a-z]*","name":"[^"]*",.*}$' out; }
counts() { [ "$(grep -c "\"part\":\"$1\"" out)" "$2" "$3" ]; }

t 'all parts run' bench --json
t 'a JSON object is a line' is_json
t 'limits at one thread and at two' sh -c \
    'grep "multiply-add.*\"threads\":1," out && grep "multiply-add.*\"threads\":2," out'
t 'and of reading memory' grep -q '"name":"memory, read".*"unit":"GB/s"' out
t 'products of both directions' has 'D x F, 32 rows, dW' fp32
t 'ops against arithmetic' has 'attention_fwd' fp32
t 'and against memory' has 'adamw V D' memory
t 'with their share of a step' grep -q '"name":"vocab_ce".*"step_percent":' out
t 'texts of one length' has '4 texts of 8 tokens' fp32
t 'texts of mixed lengths' has 'texts of 2 to 9 tokens' fp32
t 'a query against memory' has 'one query of 8 tokens' memory
t 'MLM on some positions' has 'MLM, loss on 30% of positions' fp32
t 'MLM on all' has 'MLM, loss on all positions' fp32
t 'RLM' has 'RLM' fp32
t 'one query of an index' has '50 x 20, 1 query' memory
t 'many queries' has '50 x 20, 128 queries' fp32
t 'text' grep -q '"part":"tokenize".*"unit":"MB/s"' out

t 'parts and figures can be chosen' bench --json search encode --only query
t 'those are measured' counts search -eq 1
t 'of each part' counts encode -eq 1
t 'and no others' counts train -eq 0
t 'bf16' bench --json encode train --precision bf16 --only M
t 'has its own limit, where the processor has it' sh -c \
    'grep -q "bf16 dot" out && peak=bf16 || peak=fp32; grep -q "MLM.*\"peak\":\"$peak\"" out'
t 'instruction sets in turns' bench --json ops --only residual_ln_fwd --variants
t 'the reference is one of them' grep -q '"backend":"cpu-ref"' out
t "a table for people, by the processor's time" bench --cpu-time search
t 'has a head' grep -q '^part  *figure  *backend  *threads' out
t 'and a per cent a figure' grep -q '^search.* of memory$' out

printf 'a b c\nb c a\n' >text
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a b c >vocab.txt
t 'a given text and vocabulary' bench --json tokenize --text text --vocab vocab.txt
t 'are used' grep -q '"name":"the given text"' out
t 'a text that is not there' complains 'nowhere' \
    "$SIMLM" bench --seconds 0 tokenize --text nowhere
t 'an unknown part is a usage error' exits 2 "$SIMLM" bench speed
t 'named' grep -q "'speed'" err
t 'a figure that is none' complains "no figure has 'conv'" \
    "$SIMLM" bench --seconds 0 ops --only conv
t 'heads that do not divide' complains "multiple of" \
    "$SIMLM" bench --seconds 0 encode --hidden 16 --heads 3
t 'lengths out of order' complains 'max-length: 2 is not in 9' \
    "$SIMLM" bench --seconds 0 encode --min-length 9 --max-length 2
finish
