#!/usr/bin/env python3
"""What simlm trains loads in transformers and computes the same there.

    tools/compare/load_trained.py --simlm build/release/simlm [--work DIR]

Of a random BERT (by `simlm init`), and of a random ELECTRA as wide inside as its
embeddings (by transformers, as simlm makes none), a few steps of training each,
of

    a re-ranker        AutoModelForSequenceClassification: no weight missing,
                       none unexpected; the scores of all pairs of queries and
                       passages by `simlm rerank`, which writes five decimals,
                       to 1e-5
    each objective     AutoModelForMaskedLM (AutoModel, where no masked LM is
    of pre-training    trained): the same of its weights; the [CLS] vectors of
                       passages by `simlm encode` to 1e-5

and the latter of a narrow ELECTRA (a generator), which has no re-ranker.  The
ELECTRA of the re-ranker is a discriminator, as SimLM's is; the other has the
masked LM that pre-training starts from.

Not part of `make check`.  Made with torch 2.15.0, transformers 5.24.0.
"""
import argparse
import os
import shutil
import sys
import tempfile

import numpy as np
import torch
import transformers
from transformers import (AutoModel, AutoModelForMaskedLM,
                          AutoModelForSequenceClassification, AutoTokenizer,
                          ElectraConfig, ElectraForMaskedLM,
                          ElectraForPreTraining)

from load_written import (PASSAGES, QUERIES, check_weights, encode, run,
                          write_inputs)

BODIES = ["bert", "electra", "narrow electra"]
RERANKERS = {"bert": "bert", "electra": "discriminator"}
OBJECTIVES = ["mlm", "rlm", "encdec-mlm", "condenser", "encdec-rtd",
              "autoencoder", "cocondenser"]
STEPS = ["-q", "--overwrite", "--steps", "3", "--lr", "1e-2"]


def path(args, *names):
    return os.path.join(args.work, *names)


def init(args, name, *more):
    run(args.simlm, "init", "--overwrite", "--init-std", "0.3", "-o",
        path(args, name), "--vocab", path(args, "vocab.txt"), "--layers", "2",
        "--hidden", "16", "--heads", "2", "--max-positions", "40", *more)


def electra(args, name, kind):
    out = path(args, name)
    net = kind(ElectraConfig(
        vocab_size=15, embedding_size=16, hidden_size=16, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=40, initializer_range=0.3))
    net.save_pretrained(out)
    shutil.copy(path(args, "vocab.txt"), out)


def worst(ours, theirs):
    return float(np.abs(np.array(ours) - np.array(theirs)).max())


# ---- re-rankers ----------------------------------------------------------------

def scores_of(model):
    """{(query, passage): score} as transformers computes it."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    net = AutoModelForSequenceClassification.from_pretrained(
        model, dtype=torch.float32).eval()
    scores = {}
    for q, query in enumerate(QUERIES):
        for p, (title, text) in enumerate(PASSAGES):
            inputs = tokenizer(query, f"{title}: {text}", return_tensors="pt")
            with torch.no_grad():
                scores[str(q), str(p)] = net(**inputs).logits.item()
    return scores


def reranker(args, body):
    model, out = path(args, body + "-reranker"), path(args, "reranked.tsv")
    run(args.simlm, "train-reranker", *STEPS, "--model", path(args, body), "-o",
        model, "--corpus", path(args, "passages.jsonl"), "--queries",
        path(args, "queries.tsv"), "--qrels", path(args, "qrels.txt"),
        "--negatives", path(args, "run.tsv"), "--batch", "2", "--passages", "2",
        "--forward-factor", "1", "--max-length", "40")
    check_weights(model, AutoModelForSequenceClassification)
    run(args.simlm, "rerank", "-q", "--model", model, "--corpus",
        path(args, "passages.jsonl"), "--queries", path(args, "queries.tsv"),
        "-o", out, path(args, "all.tsv"))
    theirs = scores_of(model)
    with open(out) as f:
        ours = {(q, p): float(s) for q, p, _, s in
                (line.split("\t") for line in f)}
    assert len(ours) == len(theirs)
    return worst([ours[k] for k in theirs], list(theirs.values()))


# ---- pre-training --------------------------------------------------------------

@torch.no_grad()
def vectors_of(model):
    tokenizer = AutoTokenizer.from_pretrained(model)
    net = AutoModel.from_pretrained(model, dtype=torch.float32).eval()
    inputs = tokenizer([t for t, _ in PASSAGES], [p for _, p in PASSAGES],
                       padding=True, return_tensors="pt")
    h = net(**inputs).last_hidden_state[:, 0]
    return torch.nn.functional.normalize(h, dim=-1).numpy()


def pretrained(args, body, objective):
    model = path(args, f"{body}-{objective}")
    needs_generator = objective in ("rlm", "encdec-rtd")
    run(args.simlm, "pretrain", *STEPS, "--objective", objective, "--model",
        path(args, body), "-o", model, "--batch", "4", "--max-length", "24",
        "--eval-samples", "0",
        *(["--generator", path(args, "generator")] if needs_generator else []),
        path(args, "passages.jsonl"))
    check_weights(model, AutoModel if objective == "encdec-rtd"
                  else AutoModelForMaskedLM)
    return worst(encode(args.simlm, args.work, model, "passage",
                        "passages.jsonl"), vectors_of(model))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--simlm", required=True)
    p.add_argument("--work")
    args = p.parse_args()
    args.work = args.work or tempfile.mkdtemp(prefix="simlm-trained-")
    os.makedirs(args.work, exist_ok=True)
    write_inputs(args.work)
    with open(path(args, "all.tsv"), "w") as f:
        f.writelines(f"{q}\t{p}\t{p + 1}\n" for q in range(len(QUERIES))
                     for p in range(len(PASSAGES)))
    init(args, "generator", "--generator", "--embedding", "24")
    init(args, "bert")
    electra(args, "electra", ElectraForMaskedLM)
    electra(args, "discriminator", ElectraForPreTraining)
    init(args, "narrow electra", "--embedding", "24")
    good = True
    for body in BODIES:
        diffs = {"re-ranker": reranker(args, RERANKERS[body])} \
            if body in RERANKERS else {}
        diffs |= {o: pretrained(args, body, o) for o in OBJECTIVES}
        good = good and max(diffs.values()) <= 1e-5
        print(f"{body}: " + ", ".join(f"{k} {v:.1e}" for k, v in diffs.items()),
              flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    sys.exit(main())
