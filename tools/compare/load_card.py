#!/usr/bin/env python3
"""What `simlm eval --card` puts into a model card, as huggingface_hub reads it.

    tools/compare/load_card.py --simlm build/release/simlm [--work DIR]

A tiny retriever is fine-tuned and measured on two datasets.  Then, of its card
and of the card that sentence-transformers writes for the same model:

    ModelCard.load(...).data.eval_results    has the names and numbers that
                                             `simlm eval --json` gives, to the
                                             digits that are printed
    the rest                                 is what it was, byte for byte, and
                                             all other metadata, too
    ModelCard.save(...), and once more       the card in huggingface_hub's own
                                             writing: the same results, replaced
    SentenceTransformer(...)                 still loads the directory

Not part of `make check`.  Made with huggingface_hub 2.4.0,
sentence-transformers 6.2.0.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import transformers
from huggingface_hub import ModelCard
from sentence_transformers import SentenceTransformer

from load_written import make, write_inputs

TYPES = {"MRR@10": "mrr@10", "R@50": "recall@50", "R@1k": "recall@1000",
         "nDCG@10": "ndcg@10"}
SETS = {"dev": "dev_qrels.txt", "TREC DL 2019: test": "other.txt"}


def evaluate(args, model, dataset):
    """The measures by name, in per cent; they are in the card then."""
    path = os.path.join(args.work, SETS[dataset])
    more = [] if dataset == "dev" else ["--dataset", dataset]
    out = subprocess.run(
        [args.simlm, "eval", "--json", "--preset", "msmarco", "--card", model,
         *more, path, os.path.join(args.work, "run.tsv")],
        check=True, capture_output=True).stdout
    return json.loads(out)


def results(card):
    return {(r.dataset_name, r.metric_name):
            (r.task_type, r.dataset_type, r.metric_type, r.metric_value)
            for r in card.data.eval_results}


def check(args, model):
    readme = os.path.join(model, "README.md")
    with open(readme, newline="") as f:
        before = f.read()
    other = ModelCard(before).data.to_dict()
    want = {}
    for dataset in SETS:
        measured = evaluate(args, model, dataset)
        for name, kind in TYPES.items():
            value = float(f"{measured[name] / 100:.6f}")
            want[dataset, name] = "information-retrieval", dataset, kind, value
    card = ModelCard.load(readme)
    assert results(card) == want, (results(card), want)
    assert len(card.data.eval_results) == len(want)
    now = card.data.to_dict()
    del now["model-index"]
    assert now == other, (now, other)
    with open(readme, newline="") as f:
        lines = iter(f.read().splitlines())
    assert all(line in lines for line in before.splitlines()), "a line is lost"
    card.save(readme)
    for dataset in SETS:
        evaluate(args, model, dataset)
    assert results(ModelCard.load(readme)) == want
    assert len(ModelCard.load(readme).data.eval_results) == len(want)
    SentenceTransformer(model, device="cpu").encode_query(["the cat"])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--simlm", required=True)
    p.add_argument("--work")
    args = p.parse_args()
    args.work = args.work or tempfile.mkdtemp(prefix="simlm-card-")
    os.makedirs(args.work, exist_ok=True)
    write_inputs(args.work)
    for name, at in (("dev_qrels.txt", 1), ("other.txt", 2)):
        with open(os.path.join(args.work, name), "w") as f:
            f.writelines(f"{i}\t0\t{(i + at + i % 2) % 4}\t1\n"
                         for i in range(3))
    model = make(args, args.work, "pooled")
    theirs = model + "-by-sentence-transformers"
    SentenceTransformer(model, device="cpu").save(theirs)
    for each in (model, theirs):
        check(args, each)
        print(f"{each}: the card has the measures")


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    sys.exit(main())
