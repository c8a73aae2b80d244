#!/bin/sh
# simlm eval --card: measures go into the card of a model; all else that is in it
# stays, or the card is refused.
. "$(dirname "$0")/lib.sh"

printf '1\t0\ta\t1\n2\t0\tb\t1\n3\t0\tc\t1\n' >dev_qrels.txt
printf '1\ta\t1\n2\tx\t1\n2\tb\t2\n' >a.run
printf '1\tx\t1\n1\ta\t2\n' >b.run
mkdir model && echo '{}' >model/config.json
put() { "$SIMLM" eval --card "${model:-model}" "$@"; }
evaluated() { put --preset msmarco dev_qrels.txt a.run; }
card_is() { cmp "$1" model/README.md || { diff -a "$1" model/README.md; return 1; }; }
refused() { complains "$1" evaluated && card_is before; }

# entry DATASET [MRR nDCG]: what the preset puts under results; of a.run.
entry() {
    printf '  - task:\n      type: information-retrieval\n      name: Information Retrieval\n'
    printf '    dataset:\n      type: "%s"\n      name: "%s"\n    metrics:\n' "$1" "$1"
    printf '    - type: mrr@10\n      value: %s\n      name: MRR@10\n' "${2:-0.500000}"
    printf '    - type: recall@50\n      value: 1.000000\n      name: R@50\n'
    printf '    - type: recall@1000\n      value: 1.000000\n      name: R@1k\n'
    printf '    - type: ndcg@10\n      value: %s\n      name: nDCG@10\n' "${3:-0.815465}"
}
# table DATASET [MRR nDCG QUERIES]
table() {
    printf '<!-- simlm eval: %s -->\n\n## Evaluation: %s\n\n' "$1" "$1"
    printf 'Measured by `simlm eval` over %s queries:\n\n| measure | value |\n| --- | --- |\n' "${4:-2}"
    printf '| MRR@10, per cent | %s |\n| R@50, per cent | 100.0000 |\n' "${2:-50.0000}"
    printf '| R@1k, per cent | 100.0000 |\n| nDCG@10, per cent | %s |\n\n' "${3:-81.5465}"
    printf '<!-- end of simlm eval: %s -->\n' "$1"
}
index_of() { printf 'model-index:\n- name: "%s"\n  results:\n' "$1"; shift; entry "$@"; }
index() { index_of 'A model' "$@"; }
head_of() { printf -- '---\nlicense: mit # ours\ntags: [a,  b]\n'; }
text_of() { printf -- '---\n\n# A model\n\nA line. \n\n---\n'; }

# ---- a card ------------------------------------------------------------------------------
{ head_of; text_of; } >model/README.md
{ head_of; index dev; text_of; echo; table dev; } >want
t 'measures go into a card' exits 0 evaluated
t 'and are printed as ever' grep -q '^MRR@10  *	all	50.0000$' out
t 'into its front matter and its text' card_is want
touch -d '2001-01-01' model/README.md
t 'again' exits 0 evaluated
t 'changes nothing' card_is want
t 'and writes nothing' sh -c '[ -z "$(find model/README.md -newermt 2002-01-01)" ]'
t 'another dataset' exits 0 put --dataset 'DL 2019: é' --preset msmarco dev_qrels.txt a.run
{ head_of; index dev; entry 'DL 2019: é'; text_of; echo; table dev; echo; table 'DL 2019: é'; } >want
t 'is put beside the first' card_is want
t 'the first anew, with another run' exits 0 put --preset msmarco dev_qrels.txt b.run
{ head_of; index dev 0.166667 0.630930; entry 'DL 2019: é'; text_of; echo
    table dev 16.6667 63.0930 1; echo; table 'DL 2019: é'; } >want
t 'is replaced' card_is want
t 'and again by the former run' exits 0 evaluated
{ head_of; index dev; entry 'DL 2019: é'; text_of; echo; table dev; echo; table 'DL 2019: é'; } >want
t 'to the former bytes' card_is want
cp model/README.md before
t 'other measures' exits 0 put -m mrr@10 -m mrr -m num_ret dev_qrels.txt a.run
t 'are fractions with four decimals' grep -q '^      value: 0.7500$' model/README.md
t 'or six, of what is in per cent' grep -q '^      value: 0.500000$' model/README.md
t 'and counts' grep -q '^      value: 3$' model/README.md
t 'named in the table as they are printed' grep -qx '| mrr, per cent | 50.0000 |' model/README.md
t 'of those before none is left' sh -c '[ "$(grep -c "type: recall@50" model/README.md)" = 1 ]'
t 'by answers' exits 0 sh -c 'printf "who?\t['"'la'"']\n" >quiz_queries.tsv
    printf "{\"id\": \"1\", \"contents\": \"la\"}\n" >corpus.jsonl; printf "who?\t1\t1\n" >who.run
    "$SIMLM" eval -q --answers quiz_queries.tsv --corpus corpus.jsonl --card model/ who.run'
t 'the dataset is called after the questions' grep -qx '## Evaluation: quiz' model/README.md
named() {
    cp before model/README.md
    mkdir -p "$(dirname "$1")" && cp dev_qrels.txt "$1" && put "$1" a.run && grep -qx "## Evaluation: $2" model/README.md
}
t 'the name of qrels.dev.small.tsv' named qrels.dev.small.tsv dev.small
t 'the name of a path' named beir/qrels/test.tsv test
t 'the name of what has no other' named qrels.txt qrels
t 'the name of what ends otherwise' named 2019qrels-pass 2019qrels-pass

# ---- cards of others -------------------------------------------------------------------
printf '# A model' >model/README.md
{ echo '---'; index dev; printf -- '---\n\n# A model\n\n'; table dev; } >want
t 'a card without front matter' exits 0 evaluated
t 'gets one' card_is want
: >model/README.md
{ echo '---'; index_of model dev; printf -- '---\n\n'; table dev; } >want
t 'an empty card, whose model is called as its directory' exits 0 evaluated
t 'is one then' card_is want
{ head_of; text_of; } | sed 's/$/\r/' >model/README.md
{ head_of; index dev; text_of; echo; table dev; } | sed 's/$/\r/' >want
t 'a card with the line ends of Windows' exits 0 evaluated
t 'keeps them' card_is want
{ printf '\357\273\277\n'; head_of; text_of; } >model/README.md
{ printf '\357\273\277\n'; head_of; index dev; text_of; echo; table dev; } >want
t 'a byte order mark, a blank line first' exits 0 evaluated
t 'stay' card_is want
theirs() {
    cat <<'CARD'
model-index:
  # measured elsewhere
  - name: another name
    results:
      - task: {type: information-retrieval, name: Information Retrieval}
        dataset:
          name: dev
          type: dev
        metrics:
          - type: cosine_mrr@10
            value: 0.6 # by sentence-transformers
            name: Cosine Mrr@10
CARD
}
widgets() {
    cat <<'CARD'
datasets: &d
- a
also: *d
widget:
- source_sentence: 'model-index:
    - name: "it''s'
  sentences: |
    ---x
      model-index:

CARD
}
{ head_of; theirs; widgets; text_of; } >model/README.md
{ head_of; theirs; entry dev | sed 's/^/    /'; widgets; text_of; echo; table dev; } >want
t 'a model-index of others, of the same name' exits 0 evaluated
t 'has one more result, behind' card_is want
t 'which is replaced the next time' exits 0 put --preset msmarco dev_qrels.txt b.run
{ head_of; theirs; entry dev 0.166667 0.630930 | sed 's/^/    /'; widgets; text_of; echo
    table dev 16.6667 63.0930 1; } >want
t 'alone' card_is want
{ head_of; printf 'model-index: [{name: x, results: [{task: {type: t}}]}]\n'; text_of; } >model/README.md
cp model/README.md before
t 'a model-index in brackets' refused 'model/README.md:4: front matter: expected a list of lines'
odd() {
    { head_of; printf "$2"; text_of; } >model/README.md
    cp model/README.md before
    refused "model/README.md:$1"
}
t 'a model-index of two models' odd '5: model-index: expected one model' 'model-index:\n- name: a\n  results:\n  - x: y\n- name: b\n'
t 'one that is empty' odd '4: model-index: expected one model' 'model-index:\n'
t 'one that is there twice' odd '' '"model-index": 1\nmodel-index: 2\n'
t 'one with an alias' odd '4: model-index: an anchor, alias or tag' 'model-index: &i\n- name: a\n  results:\n  - x: y\n'
t 'results in brackets' odd '6: front matter: expected a list of lines' 'model-index:\n- name: a\n  results: [{x: y}]\n'
t 'results that begin on the line before' odd '7: front matter: expected a list of lines' 'model-index:\n- name: a\n  results:\n  -\n    x: y\n'
t 'front matter that is no YAML' odd '5: front matter:' 'a: "\nb: x"y\n'
t 'with a second document' odd '5: front matter: a second document' '...\n--- x\n'
t 'with an end of its document' odd '' '...\n'
t 'with a tab' odd '5: front matter: ' 'a:\n\t- b\n'
put_card() { printf -- "$1" >model/README.md && cp model/README.md before; }
put_card '---\n{a: b}\n---\n'
t 'front matter in brackets' refused 'README.md:2: front matter: expected a name and a colon'
put_card '---\n  a: b\n---\n'
t 'front matter further in' refused 'README.md:2: front matter: expected a name and a colon'
put_card '---\n- a\n---\n'
t 'front matter that is a list' refused 'README.md:2: front matter: expected a name and a colon'
put_card '---\nlicense: mit\n\n# A model\n'
t 'front matter without an end' refused 'README.md:1: the front matter that begins here has no end'
put_card '---\na: b\rc: d\n---\n'
t 'carriage returns among line ends' refused 'a carriage return alone'
put_card '---\ra: b\r---\r# A model\r'
t 'carriage returns as line ends' refused 'a carriage return alone'
{ head_of; text_of; echo '<!-- simlm eval: dev -->'; } >model/README.md && cp model/README.md before
t 'a mark without its end' refused "is not followed by its end"
{ head_of; awk 'BEGIN { for (i = 0; i < 300000; i++) print "# a comment that is long enough, " i }'; text_of; } >model/README.md
{ head_of; awk 'BEGIN { for (i = 0; i < 300000; i++) print "# a comment that is long enough, " i }'; index dev; text_of; echo; table dev; } >want
t 'a large card' exits 0 evaluated
t 'is written whole' card_is want
awk 'BEGIN { for (i = 0; i < 500000; i++) print "a line that is long enough to be too much, " i }' >model/README.md && cp model/README.md before
t 'a huge one' refused 'larger than'
{ head_of; printf 'a: '; awk 'BEGIN { for (i = 0; i < 5000; i++) printf "[" }'; echo; text_of; } >model/README.md && cp model/README.md before
t 'one that is nested without end' refused 'README.md:4: front matter: nested too deeply'

# ---- what is no card -------------------------------------------------------------------
rm model/README.md
t 'no card' complains "'model' has no card" evaluated
t 'is said before anything is measured' sh -c '[ ! -s out ]'
mkdir empty && echo '# x' >empty/README.md
t 'no model' complains "'empty' is no model's directory" sh -c '"$SIMLM" eval --card empty dev_qrels.txt a.run'
t 'no directory' complains "'nowhere' is no model's directory" sh -c '"$SIMLM" eval --card nowhere dev_qrels.txt a.run'
echo '# x' >model/README.md && cp model/README.md before
t 'a run that is not there' complains "'no.run'" put dev_qrels.txt no.run
t 'leaves the card' card_is before
t 'judgements from standard input have no name' complains "a dataset's name" sh -c '"$SIMLM" eval --card model - a.run <dev_qrels.txt'
t 'unless they are given one' exits 0 sh -c '"$SIMLM" eval --card model --dataset dev - a.run <dev_qrels.txt'
for name in '' 'a"b' 'a -->' 'a\b' 'a
b'; do
    t "a dataset called '$name'" exits 2 put --dataset "$name" dev_qrels.txt a.run
    t 'is refused by name' grep -q '^simlm: --dataset: expected 1 to 100 bytes' err
done
t 'two runs have no card' exits 2 put --compare b.run dev_qrels.txt a.run
t 'a dataset without a card' exits 2 "$SIMLM" eval --dataset x dev_qrels.txt a.run
finish
