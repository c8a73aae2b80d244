#!/usr/bin/env python3
"""recipes/published.yaml on twins of the published checkpoints, against
transformers.

    tools/compare/make_twins.py --data ../shared/data --out twins
    tools/compare/published.py --simlm build/release/simlm --twins twins

First transformers encodes the passages and the queries as the model card says,
and numpy searches: these runs, written as the reference writes them (three
decimals), are the "published" ones.  Then the recipe is run, and compared:

    vectors     simlm encode's against transformers', largest difference
    runs        scores of the same pairs; who is first, and the first 10, 50,
                200 of each query
    re-ranker   scores of all pairs of the two tracks, and their order
    base        [CLS] vectors of 8 passages, whatever the file holds besides
    generator   the same; and one step of RLM with both

Exit code 1 if vectors or retrieval scores differ by over 1e-5, or the
re-ranker's by over 1e-4, or the re-ranker's order where scores do not tie.

Not part of `make check`.  Made with torch 2.15.0, transformers 5.24.0.
"""
import argparse
import gzip
import json
import os
import re
import subprocess
import sys

import numpy as np
import torch
import transformers
from transformers import (AutoModel, AutoModelForSequenceClassification,
                          AutoTokenizer)

SPLITS = ["dev", "trec_dl2019", "trec_dl2020"]
STAGES = dict(zip(SPLITS, ["dev", "dl19", "dl20"]))
RECIPE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      "../../recipes/published.yaml")


def read_passages(twins):
    with gzip.open(os.path.join(twins, "msmarco", "passages.jsonl.gz"), "rt",
                   encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def read_queries(twins, split):
    path = os.path.join(twins, "msmarco", split + "_queries.tsv")
    with open(path, encoding="utf-8") as f:
        return [line.rstrip("\n").split("\t", 1) for line in f]


def read_run(path):
    """{query: [(passage, score)] in the order of the file}"""
    run = {}
    with open(path) as f:
        for line in f:
            query, passage, _, score = line.split("\t")
            run.setdefault(query, []).append((passage, float(score)))
    return run


class Model:
    """A checkpoint in transformers, in fp32 whatever its config says."""

    def __init__(self, twins, name, kind=AutoModel):
        path = os.path.join(twins, "models", name)
        self.model = kind.from_pretrained(path, dtype=torch.float32).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(path)

    @torch.no_grad()
    def run(self, texts, max_length, take):
        """take(output) of texts, or of pairs, in their order."""
        order = sorted(range(len(texts)), key=lambda i: len(str(texts[i])))
        result = [None] * len(texts)
        for at in range(0, len(order), 16):
            part = order[at:at + 16]
            batch = [texts[i] for i in part]
            if isinstance(batch[0], tuple):
                batch = [list(side) for side in zip(*batch)]
            else:
                batch = [batch]
            inputs = self.tokenizer(*batch, max_length=max_length, padding=True,
                                    truncation="longest_first",
                                    return_tensors="pt")
            for i, row in zip(part, take(self.model(**inputs)).numpy()):
                result[i] = row
        return np.array(result)

    def vectors(self, texts, max_length):
        return self.run(texts, max_length, lambda out:
                        torch.nn.functional.normalize(
                            out.last_hidden_state[:, 0], dim=-1))


def pairs_of(passages):
    return [(p["title"] or "-", p["contents"]) for p in passages]


def theirs_of(twins):
    """Vectors of transformers, kept in a file: they take minutes."""
    path = os.path.join(twins, "theirs.npz")
    if not os.path.exists(path):
        model = Model(twins, "simlm-base-msmarco-finetuned")
        v = {"passages": model.vectors(pairs_of(read_passages(twins)), 144)}
        for split in SPLITS:
            texts = [text for _, text in read_queries(twins, split)]
            v[split] = model.vectors(texts, 32)
        np.savez(path, **v)
    return np.load(path)


def write_published(twins, theirs):
    folder = os.path.join(twins, "published")
    os.makedirs(folder, exist_ok=True)
    for split in SPLITS:
        scores = theirs[split] @ theirs["passages"].T
        path = os.path.join(folder, split + ".msmarco.txt")
        with open(path, "w") as f:
            for (query, _), row in zip(read_queries(twins, split), scores):
                best = np.lexsort((np.arange(len(row)), -row))[:1000]
                f.writelines(f"{query}\t{p}\t{rank}\t{round(float(row[p]), 3)}"
                             "\n" for rank, p in enumerate(best, 1))


def simlm(args, *more):
    subprocess.run([args.simlm, *more], check=True)


def run_recipe(args):
    models = os.path.join(args.twins, "models")
    sets = {"data": os.path.join(args.twins, "msmarco"),
            "published": os.path.join(args.twins, "published"),
            "retriever": os.path.join(models, "simlm-base-msmarco-finetuned"),
            "reranker": os.path.join(models, "simlm-msmarco-reranker")}
    simlm(args, "run", "-t", args.threads, "-o",
          os.path.join(args.twins, "run"),
          *[x for k, v in sets.items() for x in ("--set", f"{k}={v}")], RECIPE)


def encode(args, name, model, side, path):
    out = os.path.join(args.twins, "encoded", name)
    simlm(args, "encode", "-q", "--overwrite", "-t", args.threads, "--model",
          os.path.join(args.twins, "models", model), "--side", side, "-o", out,
          path)
    return np.load(os.path.join(out, "embeddings.npy"))


# ---- comparisons ---------------------------------------------------------------

def difference(name, ours, theirs, limit):
    worst = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
    print(f"{name}: differ by {worst:.2e}", flush=True)
    return worst <= limit


def compare_vectors(args, theirs):
    good = difference(f"vectors of {len(theirs['passages'])} passages",
                      np.load(os.path.join(args.twins, "run", "vectors",
                                           "embeddings.npy")),
                      theirs["passages"], 1e-5)
    for split in SPLITS:
        path = os.path.join(args.twins, "msmarco", split + "_queries.tsv")
        ours = encode(args, split, "simlm-base-msmarco-finetuned", "query",
                      path)
        good &= difference(f"vectors of {len(ours)} {split} queries", ours,
                           theirs[split], 1e-5)
    return good


def overlap(a, b, k):
    return np.mean([len(set(p for p, _ in a[q][:k]) &
                        set(p for p, _ in b[q][:k])) / min(k, len(a[q]))
                    for q in a])


def compare_runs(args, theirs):
    good = True
    for split in SPLITS:
        scores = theirs[split] @ theirs["passages"].T
        row = {q: i for i, (q, _) in enumerate(read_queries(args.twins, split))}
        ours = read_run(os.path.join(args.twins, "run", STAGES[split]))
        same = [(s, scores[row[q], int(p)]) for q in ours for p, s in ours[q]]
        good &= difference(f"{split}: scores of {len(same)} hits",
                           *zip(*same), 1e-5)
        best = {q: [(str(p), 0) for p in np.lexsort(
            (np.arange(scores.shape[1]), -scores[i]))] for q, i in row.items()}
        print(f"{split}: overlap with transformers' run " + ", ".join(
            f"@{k} {overlap(ours, best, k):.4f}" for k in (1, 10, 50, 200,
                                                          1000)))
    return good


def in_order(ours, theirs, slack):
    """No two whose order differs by more than their scores' noise."""
    t = theirs[np.argsort(-ours, kind="stable")]
    rises = np.maximum.accumulate(t[::-1])[::-1] - t
    return bool((rises <= slack).all())


def compare_reranker(args):
    model = Model(args.twins, "simlm-msmarco-reranker",
                  AutoModelForSequenceClassification)
    passages = read_passages(args.twins)
    good = True
    for split in SPLITS[1:]:
        texts = dict(read_queries(args.twins, split))
        run = read_run(os.path.join(args.twins, "run",
                                    STAGES[split] + "-reranked"))
        hits = [(q, *hit) for q in run for hit in run[q][:200]]
        text = [(texts[q], passages[int(p)]["title"] + ": " +
                 passages[int(p)]["contents"]) for q, p, _ in hits]
        theirs = model.run(text, 192, lambda out: out.logits[:, 0])
        ours = np.array([s for _, _, s in hits])
        good &= difference(f"{split}: re-ranker's scores of {len(ours)} pairs",
                           ours, theirs, 1e-4)
        of_query = np.array([q for q, _, _ in hits])
        same = sum(in_order(ours[of_query == q], theirs[of_query == q], 2e-5)
                   for q in run)
        print(f"{split}: {same} of {len(run)} queries in transformers' order")
        good &= same == len(run)
    return good


def compare_others(args):
    part = os.path.join(args.twins, "part.jsonl")
    passages = read_passages(args.twins)[:8]
    with open(part, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(p) + "\n" for p in passages)
    good = True
    for name in ("simlm-base-msmarco", "electra-base-generator"):
        listing = subprocess.run(
            [args.simlm, "inspect", os.path.join(args.twins, "models", name)],
            check=True, capture_output=True, text=True).stdout
        ignored = re.findall(r"^.*ignored.*$", listing, re.M)
        print(f"{name}: {len(ignored)} tensors are ignored")
        good &= difference(f"{name}: vectors of {len(passages)} passages",
                           encode(args, name, name, "passage", part),
                           Model(args.twins, name).vectors(pairs_of(passages),
                                                           144), 1e-5)
    models = os.path.join(args.twins, "models")
    simlm(args, "pretrain", "-q", "--overwrite", "-t", args.threads,
          "--objective", "rlm", "--model",
          os.path.join(models, "simlm-base-msmarco"), "--generator",
          os.path.join(models, "electra-base-generator"), "--steps", "1",
          "--batch", "4", "--max-length", "64", "--eval-samples", "4", "-o",
          os.path.join(args.twins, "rlm"), part)
    with open(os.path.join(args.twins, "rlm", "log.jsonl")) as f:
        print("one step of RLM: " + f.read().strip().splitlines()[-1])
    return good


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--simlm", required=True)
    p.add_argument("--twins", required=True)
    p.add_argument("--threads", default="2")
    args = p.parse_args()
    args.twins = os.path.abspath(args.twins)
    torch.set_num_threads(1)
    theirs = theirs_of(args.twins)
    write_published(args.twins, theirs)
    run_recipe(args)
    good = compare_vectors(args, theirs)
    good &= compare_runs(args, theirs)
    good &= compare_reranker(args)
    good &= compare_others(args)
    return 0 if good else 1


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    sys.exit(main())
