#!/bin/sh
# Every mistake in a recipe is one line with file and line, and nothing starts.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
. "$here/recipe_lib.sh"

make_world
mkdir hollow
make_recipe >good.yaml
run() { "$SIMLM" run -q -o never "$@"; }
# says LINE TEXT: bad.yaml is refused there, with it.
says() {
    complains "bad.yaml:$1: " run bad.yaml && absent never || return 1
    grep -qF -- "$2" err || { echo "not '$2':"; cat err; return 1; }
}
# changed SED LINE TEXT: the recipe with a change is refused with TEXT in LINE.
changed() {
    sed "$1" good.yaml >bad.yaml
    ! cmp -s good.yaml bad.yaml || { echo "nothing changed"; return 1; }
    says "$2" "$3"
}
# line TEXT: where it stands in the recipe.
line() { grep -nF -m 1 -- "$1" good.yaml | cut -d: -f1; }
lr=$(line 'lr: 1e-3')

# ---- YAML ---------------------------------------------------------------------------
t 'no file' complains 'absent.yaml' run absent.yaml
t 'a directory' complains 'base' run base
: >bad.yaml
t 'an empty file' says 1 'the recipe is empty'
printf 'title: x\n---\ntitle: y\n' >bad.yaml
t 'two documents' says 2 'a second document'
printf 'title: "x\n' >bad.yaml
t 'a quote that does not end' says 2 'found unexpected end of stream'
printf -- '- a\n- b\n' >bad.yaml
t 'a list' says 1 'expected a mapping with title and stages'
t 'an anchor' changed 's/label: of/label: \&x of/' 3 'anchors (&name) are not allowed'
t 'an alias' changed 's/label: of nothing/label: *x/' 3 'aliases (*name) are not allowed'
t 'a tag' changed 's/label: of/label: !!str of/' 3 'tags (!name) are not allowed'
t 'a key twice' changed 's/^  label: .*/&\n  label: 2/' 4 "'label' is here twice, first in line 3"
t 'a stage twice' changed 's/^  start:/  words:/' "$(line '  start:')" "'words' is here twice"
t 'a mapping as a key' changed 's/^  label:.*/  {a: b}: c/' 3 'expected a name and a colon'
printf 'title: [[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]\n' >bad.yaml
t 'nesting without end' says 1 'nested too deeply'
awk 'BEGIN { for (i = 0; i < 20000; i++) print "k" i ": v" }' >bad.yaml
t 'more than anyone needs' complains 'more than a recipe may hold' run bad.yaml
printf 'title: "a\\0b"\n' >bad.yaml
t 'a NUL' says 1 'a text holds a NUL character'

# ---- names ---------------------------------------------------------------------------
t 'an unknown part' changed 's/^defaults:/default:/' 7 "'default': did you mean 'defaults'?"
t 'no title' changed '1d' 1 "a recipe has a 'title'"
t 'no stages' changed '/^stages:/,$d' 1 "a recipe has 'stages'"
t 'a variable that is not there' changed 's/steps: \$steps/steps: $stops/' "$(line 'steps: $steps')" '$stops: no variable and no stage; did you mean $steps?'
t 'a stage that comes later' changed 's/vocab: \$words/vocab: $mlm/' "$(line 'vocab: $words')" '$mlm: that stage must stand before this'
t 'a stage that reads itself' changed 's/model: \$start/model: $mlm/' "$(line 'model: $start')" '$mlm: that stage must stand before this'
t 'a dollar without a name' changed 's/label: of nothing/label: 5 $ more/' 3 'expected $name, ${name} or $$'
t 'a brace that stays open' changed 's/model: ${retriever}/model: ${retriever/' "$(line '${retriever}')" 'expected $name, ${name} or $$'
t 'a stage called as a variable' changed 's/^  start:/  steps:/' "$(line '  start:')" "'steps' is the name of something else"
t 'a name that is none' changed 's/^  start:/  st art:/' "$(line '  start:')" 'a name is of letters'
t 'a variable without a value' changed 's/label: of nothing/label:/' 3 "variable 'label' needs a value: --set label=..."
t 'a variable that the recipe has not' complains '--set other=1: good.yaml has no such variable' run --set other=1 good.yaml
t 'a setting that is none' complains '--set label: expected name=value' run --set label good.yaml

# ---- commands and options ---------------------------------------------------------------
t 'no command' changed '/command: init/d' "$(line '  start:')" "stage 'start' has no 'command'"
t 'an unknown command' changed 's/command: finetune/command: finetnue/' "$(line 'command: finetune')" "unknown command 'finetnue'; did you mean 'finetune'?"
t 'a command without output' changed 's/command: init/command: bench/' "$(line '  start:')" "'bench' cannot be a stage"
t 'a command that prints' changed 's/command: init/command: help/' "$(line '  start:')" "'help' cannot be a stage"
t 'a recipe in a recipe' changed 's/command: init/command: run/' "$(line '  start:')" "'run' cannot be a stage"
t 'an unknown option' changed 's/passages: 3/pasages: 3/' "$(line 'passages: 3')" "'finetune' has no option 'pasages'; did you mean 'passages'?"
t 'a value that is no number' changed 's/lr: 1e-3/lr: much/' "$lr" '--lr: expected a number from'
t 'a value out of range' changed 's/batch: 4/batch: 0/' "$(line 'batch: 4')" '--batch: expected a whole number from 1'
t 'a word that is no choice' changed 's/objective: mlm/objective: mml/' "$(line 'objective: mlm')" '--objective: expected one of'
t 'two values for one' changed 's/lr: 1e-3/lr: [1e-3, 2]/' "$lr" "'lr': expected one value"
t 'a mapping for a value' changed 's/lr: 1e-3/lr: {a: 1}/' "$lr" "'lr': expected a value or a list"
t 'no value' changed 's/lr: 1e-3/lr:/' "$lr" "'lr' has no value"
t 'a flag that is neither yes nor no' changed 's/    layers: 2/    generator: perhaps/' "$(line '    layers: 2')" "'generator': expected yes or no"
t 'an option that is missing' changed '/vocab: \$words/d' "$(line '  start:')" "stage 'start': --vocab and --output are needed"
t 'an input that is missing' changed '/^  flat:/,/inputs/{/inputs/d}' "$(line '  flat:')" "stage 'flat': a directory of embeddings is needed"
t 'an input too many' changed 's/inputs: \$vectors/inputs: [$vectors, -x]/' "$(line 'inputs: $vectors')" "'-x' is no file's name"
t 'what the command itself refuses' changed 's/weights: 1,1/weights: 1,1,1/' "$(line 'weights: 1,1')" "--weights: expected 2 numbers"
t 'options that do not fit each other' changed 's/passages: 3/passages: 1\n    negative-random: 300/' "$(line '  retriever:')" "stage 'retriever': 300 random negatives of a query's 210"
t 'an option that the objective has no use for' changed 's/objective: mlm/objective: mlm\n    decoder-rate: 0.7/' "$(line '  mlm:')" "stage 'mlm': the objective 'mlm' has no use for decoder-rate"
t 'a warm-up over half of the steps' changed 's/^    steps: \$steps$/&\n    warmup: 21/' "$(line '  mlm:')" "stage 'mlm': warm-up of 21 steps: more than half of the run's 40"
t 'a measure to keep the best by that there is not' changed 's/lr: 1e-3/lr: 1e-3\n    keep-best: acc/' "$(line '  retriever:')" "stage 'retriever': keep-best is 'acc': expected one of loss mrr acc1 acc3"
t 'heads that do not divide the width' changed 's/    heads: 2/    heads: 3/' "$(line '  start:')" "stage 'start': hidden is 16: expected a multiple of heads, 3"
t 'a model that is a file' changed 's/model: \$start/model: vocab.txt/' "$(line 'model: $start')" "stage 'mlm': 'vocab.txt' is a file, not a model directory"
t 'one that is none' changed 's/model: \$start/model: hollow/' "$(line 'model: $start')" "stage 'mlm': cannot open 'hollow/config.json'"
t 'texts that are too long for it' changed 's/model: \$start/model: base\n    max-length: 41/' "$(line 'model: $start')" "stage 'mlm': a maximum length of 41 tokens: the model 'base' takes from 3 to 40"
t 'a default of no command' changed 's/^  pretrain: {/  pretrian: {/' 9 "'pretrian': expected the name of a command"
t 'a default that no stage uses' changed 's/^  pretrain: {.*/  bench: {}/' 9 "no stage has the command 'bench'"
t 'a default that no command has' changed 's/any: {seed: 3/any: {sede: 3/' 8 "no stage has the option 'sede'"

# ---- files ------------------------------------------------------------------------------
t 'a file that is not there' changed 's/queries: queries.tsv/queries: absent.tsv/' "$(line 'queries: queries.tsv')" "'absent.tsv' does not exist"
t 'a corpus that is not there' changed 's/corpus: corpus.jsonl/corpus: gone.jsonl/' "$(line 'inputs: $corpus')" "'gone.jsonl' does not exist"
t 'a file that no stage makes' changed 's/negatives: \$hits/negatives: $folder\/none/' "$(line 'negatives: $hits')" "'never/none' is made by no stage before this"
t 'one output twice' changed 's/output: bm25.run/output: words.txt/' "$(line '  hits:')" "'words' and 'hits' have the same output 'never/words.txt'"
t 'an output inside of another' changed 's/output: bm25.run/output: mlm\/run/' "$(line '  hits:')" "'mlm' and 'hits' have the same output 'never/mlm'"
t 'a second output that another has' changed 's/save-examples: .*/save-examples: bm25.run/' "$(line '  retriever:')" "'hits' and 'retriever' have the same output"
for name in /tmp/x ../x a/../x . '""' a//b a/ .x; do
    t "an output called $name" changed "s|output: bm25.run|output: $name|" "$(line 'output: bm25.run')" "'output': expected a name inside of the run's folder"
done
t "an output where the run's own things are" changed 's|output: bm25.run|output: state/x|' "$(line 'output: bm25.run')" "'output': the run keeps its own things in 'state'"

# ---- the report ---------------------------------------------------------------------------
t 'an unknown part of the report' changed 's/^  notes:/  note:/' "$(line '  notes:')" "'note': did you mean 'notes'?"
t 'no measures' changed '/^  measures:/,/success@1/d' "$(line 'report:')" "a report has 'measures'"
t 'no judgements' changed '0,/^      qrels: qrels.txt/{/^      qrels: qrels.txt/d}' "$(line '    test:')" "'test' has no 'qrels'"
t 'no columns' changed 's/columns: \[MRR@10, R@50\]/columns: []/' "$(line 'columns: [MRR')" "'columns': expected"
t 'a column twice' changed 's/columns: {first:/columns: {R@50:/' "$(line 'columns: {first')" "two columns are called 'R@50'"
t 'an option that eval has not' changed 's/      level: 1/      levle: 1/' "$(line '      level: 1')" "'eval' has no option 'levle'; did you mean 'level'?"
t 'a measure that there is not' changed 's/success@1/sucess@1/' "$(line 'success@1')" "unknown measure 'sucess@1'"
t 'a measure twice' changed 's/first: success@1/first: success@1, second: success@1/' "$(line 'success@1')" "'success@1'"
t 'a measure that the preset has not' changed 's/columns: \[MRR@10, R@50\]/columns: [MRR@10, R@500]/' "$(line 'columns: [MRR')" "'R@500' is not among what is measured"
t 'a row of nothing' changed 's/elsewhere: {MRR@10/elsewhere: {MRR/' "$(line 'elsewhere')" "'MRR' is neither measured nor a column"
t 'a number that is none' changed 's/MRR@10: 41.1/MRR@10: much/' "$(line 'elsewhere')" "'MRR@10': expected a number"
t 'a run that is not there' changed 's/{test: \$dense/{test: gone.run/' "$(line 'dense: {test: $dense')" "'gone.run' does not exist"
t 'a card of no model' changed 's/card: \$retriever/card: $flat/' "$(line 'dense: {test: $dense')" "'card': 'never/flat' is no model that a stage trains"
t 'a card of two rows' changed 's/BM25: {test: \$hits,/BM25: {test: $hits, card: $retriever,/' "$(line 'dense: {test: $dense')" "'BM25' and 'dense' have the same card"
t 'a dataset of two sets' changed 's/dataset: Nothing, test/dataset: strict/' "$(line '    strict:')" "two datasets are called 'strict'"
t 'a dataset that may not be called so' changed 's/dataset: Nothing, test/dataset: <test>/' "$(line 'dense: {test: $dense')" "stage 'row.2.1': --dataset: expected 1 to 100 bytes"
t 'a card that is not of the run' changed 's/card: \$retriever/card: base/' "$(line 'dense: {test: $dense')" "'card': 'base' is no model that a stage trains"
t 'a difference of no row' changed 's/against: BM25/against: BM52/' "$(line 'against: BM25')" "there is no row 'BM52'"
t 'a difference without a run' changed 's/against: BM25/against: elsewhere/' "$(line 'against: BM25')" "'elsewhere' has no run to compare"
t 'a difference of no column' changed 's/column: MRR@10/column: MRR/' "$(line 'column: MRR')" "there is no column 'MRR'"
t 'an overlap of no row' changed 's/against: published}$/against: publish}/' "$(line 'against: published')" "there is no row 'publish'"
sed 's/^  overlaps:/&\n    - {row: BM25, against: elsewhere}/' good.yaml >bad.yaml
t 'an overlap without a run' says $(($(line '  overlaps:') + 1)) "'BM25' and 'elsewhere' have no runs of the same queries"
t 'an overlap by a column' changed 's/against: published}$/against: published, column: MRR@10}/' "$(($(line '  overlaps:') + 2))" "'column'"
t 'a row that is perhaps there' changed 's/optional: yes/optional: perhaps/' "$(line 'optional: yes')" "'optional': expected yes or no"
t 'too many examples' changed 's/count: 2/count: 2000/' "$(line 'examples: {corpus')" "'count': expected a number from 1 to 1000"

# ---- the command line ------------------------------------------------------------------------
t 'no recipe' exits 2 "$SIMLM" run
t 'two recipes' exits 2 "$SIMLM" run good.yaml good.yaml
t 'an option that run has not' exits 2 "$SIMLM" run --steps 3 good.yaml
# A stage that fails has its own line; then it is said which it was.
sed 's/qrels: qrels.txt/qrels: vocab.txt/' good.yaml >bad.yaml
t 'a stage that fails' exits 1 run --set steps=2 bad.yaml
fails() { grep -q 'vocab.txt:1' err && grep -q "bad.yaml:[0-9]*: stage 'retriever' failed" err && [ "$(wc -l <err)" = 2 ]; }
t 'is said with its line' fails
finish
