# recipe_lib.sh - sourced behind lib.sh and train_lib.sh by the tests of simlm
# run: a recipe of every kind of stage over make_world's files.
make_recipe() {
    cat <<'END'
title: A tiny recipe, $label
variables:
  label: of nothing
  steps: 40
  rounds: 60
  corpus: corpus.jsonl
defaults:
  any: {seed: 3, threads: 1}
  pretrain: {batch: 8, lr: 1e-2, max-length: 24, log-every: 2, save-every: 3, eval-samples: 8}
stages:
  words:
    command: vocab
    output: words.txt
    size: 90
    inputs: $corpus
  start:
    command: init
    vocab: $words
    layers: 2
    hidden: 16
    heads: 2
    ffn: 32
    max-positions: 40
  mlm:
    command: pretrain
    objective: mlm
    model: $start
    steps: $steps
    inputs: $corpus
  bm25:
    command: bm25 index
    inputs: $corpus
  hits:
    command: bm25 search
    index: $bm25
    top: 10
    output: bm25.run
    inputs: queries.tsv
  retriever:
    command: finetune
    model: $mlm
    corpus: $corpus
    queries: queries.tsv
    qrels: qrels.txt
    negatives: $hits
    batch: 4
    passages: 3
    query-max-length: 8
    passage-max-length: 24
    lr: 1e-3
    steps: $rounds
    log-every: 2
    save-every: 3
    save-examples: examples.jsonl
  vectors:
    command: encode
    side: passage
    model: ${retriever}
    inputs: $corpus
  flat:
    command: index
    inputs: $vectors
  dense:
    command: search
    model: $retriever
    index: $flat
    top: 10
    inputs: queries.tsv
  both:
    command: fuse
    weights: 1,1
    inputs:
      - $hits
      - $dense
report:
  notes: [It claims nothing.]
  facts: {steps: $steps, passages: sixty}
  measures:
    test:
      qrels: qrels.txt
      dataset: Nothing, test
      preset: msmarco
      columns: [MRR@10, R@50]
    strict:
      qrels: qrels.txt
      level: 1
      columns: {first: success@1}
  rows:
    BM25: {test: $hits, strict: $hits}
    dense: {test: $dense, card: $retriever}
    both: $both
    elsewhere: {MRR@10: 41.1}
    published: {optional: yes, test: published.run}
  differences:
    - {row: both, against: BM25, column: MRR@10}
    - {row: both, against: published}
  overlaps:
    - {row: both, against: BM25}
    - {row: both, against: published}
  examples: {corpus: $corpus, queries: queries.tsv, count: 2, hits: 2}
END
}
# Reports without what differs from run to run: times, and the folders' names.
same_report() {
    for folder in "$1" "$2"; do
        sed '/"timings"/,/^ \]/d' "$folder/report.json" >"$folder.report"
    done
    cmp "$1.report" "$2.report"
}
