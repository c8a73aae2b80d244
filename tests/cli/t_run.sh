#!/bin/sh
# A recipe runs as a whole, does nothing twice, and does again what follows from
# a change, and no more; what is wrong is said before anything starts.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
. "$here/train_lib.sh"
. "$here/recipe_lib.sh"

make_world
make_recipe >tiny.yaml
run() { "$SIMLM" run "$@"; }
said() { grep -qF -- "$1" err || { echo "not '$1':"; cat err; return 1; }; }
printed() { grep -qE -- "$1" out || { echo "not '$1':"; cat out; return 1; }; }
# The stages that were run, as one line.
ran() { sed -n 's/^\[[0-9/]*\] \([a-z0-9]*\): .*/\1/p' err | tr '\n' ' '; }
ran_are() { [ "$(ran)" = "$1" ] || { echo "ran: $(ran)"; cat err; return 1; }; }
in_page() { grep -qF -- "$1" whole/report.html || { echo "not '$1'"; return 1; }; }

t 'a look changes nothing' exits 0 run --dry-run -o whole tiny.yaml
t 'and shows what is to do' printed '^to do +retriever +simlm finetune --model=whole/mlm'
t 'it makes no folder' absent whole
t 'a recipe runs' exits 0 run -o whole tiny.yaml
t 'stage by stage' ran_are 'words start mlm bm25 hits retriever vectors flat dense both '
t 'and prints the table' printed '^BM25 +[0-9.]+ +[0-9.]+ +[0-9.]+$'
t 'with what others measured' printed '^elsewhere +41.10 +- +-$'
t 'a row whose run is not there is left out' sh -c '! grep -q "^published" out'
t 'and that is said' in_page "Left out: published. There is no &#39;published.run&#39;."
t 'and shared hits' printed '^both and BM25, test +60 +0( +[01]\.[0-9]{4}){6}$'
t 'and differences' printed '^both against BM25 +MRR@10 [-+]'
t 'the page has title and variables' in_page '<h1>A tiny recipe, of nothing</h1>'
t 'and notes' in_page 'It claims nothing.'
t 'and facts' in_page '<dd>40</dd>'
t 'and curves of all that trains' in_page '>retriever<'
t 'and times' in_page 'encode</small>'
examples() { [ "$(grep -c '<details' whole/report.html)" = 2 ]; }
t 'and as many examples as were asked for' examples
t 'and is JSON, too' "$JSON_CHECK" file whole/report.json timings
cp whole/report.html before.html
card_has() { grep -qx '## Evaluation: Nothing, test' whole/retriever/README.md || { cat whole/retriever/README.md; return 1; }; }
in_card() { grep -qx "| MRR@10, per cent | $(awk '$1 == "dense" { print $2 }' out)[0-9]* |" whole/retriever/README.md; }
t 'a row is in the card of its model' card_has
t 'with the numbers of the table' in_card
ls -lR --time-style=full-iso whole >before
t 'again: nothing is done' exits 0 run -o whole tiny.yaml
t 'and it says so' said 'nothing to do'
ls -lR --time-style=full-iso whole >after
t 'not a file is touched' same before after
t 'a look says that all is done' exits 0 run -n -o whole tiny.yaml
all_done() { ! grep -q '^to do' out && [ "$(grep -c '^done' out)" = 16 ]; }
t 'of every stage' all_done
t 'quietly: not a word' exits 0 run -q -o whole tiny.yaml
silent() { [ ! -s out ] && [ ! -s err ]; }
t 'on either stream' silent

# ---- what follows from a change ------------------------------------------------------
t 'one thread more' exits 0 run -t 2 -o whole tiny.yaml
t 'is no change' said 'nothing to do'
touch corpus.jsonl queries.tsv
t 'nor is a new time of a file' exits 0 run -o whole tiny.yaml
t 'with the same contents' said 'nothing to do'
sed 's/lr: 1e-3/lr: 2e-3/' tiny.yaml >other.yaml
t 'another option' exits 0 run -o whole other.yaml
t 'redoes its stage and what follows' ran_are 'retriever vectors flat dense both '
t 'and says why' said "retriever: anew, for '--lr 0.002' is new"
t 'the new card has the measures, too' card_has
sed 's/count: 2/count: 3/' other.yaml >more.yaml
t 'another report' exits 0 run -o whole more.yaml
t 'redoes no stage' ran_are ''
examples3() { [ "$(grep -c '<details' whole/report.html)" = 3 ]; }
t 'but the page' examples3
t 'another variable' exits 0 run --set label=again -o whole more.yaml
t 'that only the title has' ran_are ''
t 'is in the title' in_page 'A tiny recipe, again'
t 'the former recipe' exits 0 run -o whole tiny.yaml
t 'gives the former bits' sh -c 'cmp before.html whole/report.html || diff before.html whole/report.html | grep -c . >n; [ "$(cat n)" -lt 40 ]'
echo 'By hand.' >>whole/retriever/README.md
t 'a line in a card' exits 0 run -o whole tiny.yaml
t 'is no change' said 'nothing to do'
sed -i '/^model-index/,/^---/{/^---/!d}' whole/retriever/README.md
t 'a card that lost its measures' exits 0 run -o whole tiny.yaml
t 'gets them again, and nothing else is done' ran_are ''
t 'beside what was written in it' sh -c 'grep -q ^model-index: "$1" && grep -qx "By hand." "$1"' - whole/retriever/README.md
rm whole/retriever/model.safetensors
t 'a model that is made again, the same' exits 0 run -o whole tiny.yaml
t 'is all that is' ran_are 'retriever '
t 'but for the measures in its card' card_has
sed -i '0,/^> retriever.config/s//> retriever\/README.md 0123456789abcdef\n&/' whole/state/retriever.done
t 'a card in the state of an earlier version' exits 0 run -o whole tiny.yaml
t 'does not count' said 'nothing to do'
rm whole/both
t 'an output that was removed' exits 0 run -o whole tiny.yaml
t 'is made again' ran_are 'both '
echo >>whole/bm25.run
t 'one that was changed' exits 0 run -o whole tiny.yaml
t 'is made again' ran_are 'hits '
t 'for that reason' said 'hits: anew, for what it made is no longer as it was'
cp whole/both published.run
t 'a row whose run has come' exits 0 run -o whole tiny.yaml
t 'redoes no stage' ran_are ''
t 'is in the table' printed '^published +[0-9.]+ +[0-9.]+ +-$'
t 'and is like what it was made of' printed '^both and published, test +60 +0( +1.0000){6}$'
rm published.run
sed '1s/"contents": "/&ba /' corpus.jsonl >other.jsonl
t 'another corpus' exits 0 run -o whole --set corpus=other.jsonl tiny.yaml
t 'redoes all but what reads the same vocabulary' ran_are 'words mlm bm25 hits retriever vectors flat dense both '
t 'for its contents' said "bm25: anew, for 'other.jsonl' is new"

sed 's/save-every: 3/save-every: 4/; s/log-every: 2/log-every: 1/' tiny.yaml >saving.yaml
t 'saving and logging at other steps' exits 0 run -o whole --set corpus=other.jsonl saving.yaml
t 'is no change' said 'nothing to do'
sed -i '/^--grad-cache /d' whole/state/retriever.done
t 'an option that the state does not know' exits 0 run -o whole --set corpus=other.jsonl tiny.yaml
t 'at its default is no change' said 'nothing to do'
sed 's/command: finetune/&\n    grad-cache: 5/' tiny.yaml >other.yaml
t 'one that is given' exits 0 run -o whole --set corpus=other.jsonl other.yaml
t 'is one' said "retriever: anew, for '--grad-cache 5' is new"
t 'back at its default, now that the state knows it' exits 0 run -n -o whole --set corpus=other.jsonl tiny.yaml
t 'it is one, too' printed '^to do +retriever'

# ---- the folder -----------------------------------------------------------------------
mkdir -p taken && echo mine >taken/words.txt
t 'a file of somebody else' complains "'taken/words.txt' is there and was not made by" run -q -o taken tiny.yaml
kept() { [ "$(cat taken/words.txt)" = mine ]; }
t 'is left alone' kept
mkdir recipes && cp tiny.yaml recipes/small.yaml
t 'without a folder' exits 0 run -q --set steps=1 recipes/small.yaml
t 'it is called as the recipe' [ -s runs/small/report.html ]

# ---- what is there already ------------------------------------------------------------
cp -r runs/small/mlm made
given() { run -o part --set steps=1 "$@" tiny.yaml; }
t 'a result that was made before' exits 0 given --given mlm=made
t 'is taken, and what only it needs is not made' ran_are 'bm25 hits retriever vectors flat dense both '
t 'the rest comes out the same' cmp runs/small/dense part/dense
t 'again: nothing is done' exits 0 given --given mlm=made
t 'and it says so' said 'nothing to do'
t 'of two given ones what both need is not made' exits 0 given --given mlm=made --given hits=runs/small/bm25.run
indexless() { ! grep -q ' bm25 index ' out; }
t 'nor shown' exits 0 given -n --given mlm=made --given hits=runs/small/bm25.run
t 'nor in the list' indexless
t 'what the report reads is made' exits 0 given -n --given mlm=made --given both=runs/small/both
t 'though a given one reads it, too' printed '^done +dense '
cp -r part/retriever theirs && cp theirs/README.md theirs.md
t 'a model that was given' exits 0 given --given mlm=made --given retriever=theirs
t 'keeps its card' cmp theirs.md theirs/README.md
t 'no such stage' complains '--given nlm=made: expected stage=path, of a stage of tiny.yaml' given --given nlm=made
t 'no path' complains '--given mlm: expected stage=path' given --given mlm
t 'no such file' complains "--given mlm=nowhere: 'nowhere' does not exist" given --given mlm=nowhere
t 'though nobody reads it' complains "--given bm25=nowhere: 'nowhere' does not exist" given --given hits=runs/small/bm25.run --given bm25=nowhere
finish
