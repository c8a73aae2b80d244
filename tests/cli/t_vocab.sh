#!/bin/sh
# simlm vocab: a corpus in, vocab.txt out; errors leave nothing.
. "$(dirname "$0")/lib.sh"

i=0
while [ $i -lt 300 ]; do
    echo "{\"id\":\"$i\",\"title\":\"Banana $i\",\"contents\":\"The banana's bandana, number $((i * 7919)).\"}"
    i=$((i + 1))
done >corpus.jsonl
gzip -k corpus.jsonl

t 'a vocabulary' exits 0 "$SIMLM" vocab -o one.txt --size 120 --threads 1 corpus.jsonl
t 'has the size asked for' sh -c '[ "$(wc -l <one.txt)" = 120 ]'
t 'special tokens first' sh -c '[ "$(head -5 one.txt | tr -d "\n")" = "[PAD][UNK][CLS][SEP][MASK]" ]'
t 'words of the titles, too' grep -qx banana one.txt
t 'and of the contents' grep -qx bandana one.txt
t 'threads and compression change nothing' exits 0 \
    "$SIMLM" vocab -o two.txt --size 120 --threads 2 corpus.jsonl.gz
t 'not a byte' same one.txt two.txt
t 'standard output' exits 0 "$SIMLM" vocab -q -o - --size 120 corpus.jsonl
t 'is the same' same one.txt out
t 'with 1000 tokens, BERT'"'"'s places' exits 0 "$SIMLM" vocab -o b.txt --size 1000 corpus.jsonl
t '[MASK] is 103' sh -c '[ "$(sed -n 104p b.txt)" = "[MASK]" ]'
t 'a small corpus gives fewer, and a warning' grep -q 'warning: the vocabulary has' err
t 'case can be kept' exits 0 "$SIMLM" vocab --cased -o c.txt --size 120 corpus.jsonl
t 'then Banana is a word' grep -qx Banana c.txt
mkdir m && cp one.txt m/vocab.txt
t 'tokenize reads it' sh -c 'echo banana | "$SIMLM" tokenize --model m --no-special |
    grep -qx "{\"ids\":\[$(($(grep -nx banana one.txt | cut -d: -f1) - 1))\],\"type_ids\":\[0\]}"'
t 'the log has no broken lines' exits 0 \
    "$SIMLM" vocab -o d.txt --size 120 --log-json log corpus.jsonl

t 'of several corpora, each with the same ids' exits 0 \
    "$SIMLM" vocab -o e.txt --size 120 corpus.jsonl corpus.jsonl.gz

printf '{"id":"0","contents":"a b"}\n{"id":"1","contents":\n' >broken.jsonl
t 'a broken corpus is named' complains 'broken.jsonl:2: ' \
    "$SIMLM" vocab -o x.txt --size 100 broken.jsonl
t 'and leaves nothing' absent x.txt
printf '{"id":"0","contents":" "}\n' >blank.jsonl
t 'no words' complains 'no words' "$SIMLM" vocab -o x.txt --size 100 blank.jsonl
t 'no such corpus' complains 'nowhere' "$SIMLM" vocab -o x.txt --size 100 nowhere
t 'no such directory' complains 'no/x.txt' "$SIMLM" vocab -o no/x.txt --size 100 corpus.jsonl
t 'no temporary files' sh -c '! ls | grep -q tmp'
t 'an output is needed' exits 2 "$SIMLM" vocab --size 100 corpus.jsonl
t 'a corpus is needed' exits 2 "$SIMLM" vocab -o x.txt --size 100
t 'a size must be in range' exits 2 "$SIMLM" vocab -o x.txt --size 3 corpus.jsonl
finish
