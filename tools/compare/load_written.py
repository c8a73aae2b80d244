#!/usr/bin/env python3
"""What simlm writes loads in transformers and sentence-transformers.

    tools/compare/load_written.py --simlm build/release/simlm [--work DIR]

Random models (a BERT that pools [CLS] or means, an ELECTRA generator) are made
by `simlm init`, rewritten by `simlm convert` in each type, and loaded:

    AutoModel, AutoModelForMaskedLM   no weight missing, none unexpected
    SentenceTransformer               its vectors of queries and of (title, text)
                                      pairs against `simlm encode`'s, to 1e-5;
                                      torch computes in fp32, as simlm does

Not part of `make check`.  Made with torch 2.15.0, transformers 5.24.0,
sentence-transformers 6.2.0.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import torch
import transformers
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoModelForMaskedLM

WORDS = ["the", "cat", "sat", "on", "a", "mat", "dog", "ran", "far", "away"]
PASSAGES = [("the cat", "a cat sat on the mat"), ("-", "the dog ran"),
            ("away", "far away a dog sat on a mat and ran"),
            ("a dog", "unknown words here")]
QUERIES = ["cat", "the dog ran far", "mat on a dog"]


def run(*args):
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)


def write_inputs(work):
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    with open(os.path.join(work, "vocab.txt"), "w") as f:
        f.write("\n".join(specials + WORDS) + "\n")
    with open(os.path.join(work, "passages.jsonl"), "w") as f:
        for i, (title, text) in enumerate(PASSAGES):
            f.write(json.dumps({"id": str(i), "title": title,
                                "contents": text}) + "\n")
    with open(os.path.join(work, "queries.tsv"), "w") as f:
        for i, text in enumerate(QUERIES):
            f.write(f"{i}\t{text}\n")


def pool_means(model):
    path = os.path.join(model, "simlm.json")
    with open(path) as f:
        profile = json.load(f)
    profile["pooling"] = "mean"
    with open(path, "w") as f:
        json.dump(profile, f)


def encode(simlm, work, model, side, name):
    out = os.path.join(work, "vectors")
    shutil.rmtree(out, ignore_errors=True)
    run(simlm, "encode", "-q", "--model", model, "--side", side, "-o", out,
        os.path.join(work, name))
    return np.load(os.path.join(out, "embeddings.npy"))


def check_weights(model, kind):
    _, info = kind.from_pretrained(model, output_loading_info=True)
    missing = [k for k in info["missing_keys"] if "pooler" not in k]
    odd = [k for k in info["unexpected_keys"] if kind is not AutoModel]
    if missing or odd or info["mismatched_keys"]:
        raise SystemExit(f"{model}: {kind.__name__}: missing {missing}, "
                         f"unexpected {odd}")


def difference(simlm, work, model):
    st = SentenceTransformer(model, device="cpu",
                             model_kwargs={"torch_dtype": torch.float32})
    theirs = [st.encode(QUERIES, prompt_name="query"),
              st.encode(PASSAGES, prompt_name="document")]
    ours = [encode(simlm, work, model, "query", "queries.tsv"),
            encode(simlm, work, model, "passage", "passages.jsonl")]
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--simlm", required=True)
    p.add_argument("--work")
    args = p.parse_args()
    work = args.work or tempfile.mkdtemp(prefix="simlm-written-")
    os.makedirs(work, exist_ok=True)
    write_inputs(work)
    good = True
    for name, more in (("cls", []), ("mean", []),
                       ("electra", ["--embedding", "24"])):
        made = os.path.join(work, name)
        run(args.simlm, "init", "-o", made, "--overwrite", "--init-std", "0.3",
            "--vocab", os.path.join(work, "vocab.txt"), "--layers", "2",
            "--hidden", "16", "--heads", "2", "--max-positions", "40", *more)
        if name == "mean":
            pool_means(made)
        for dtype in ("fp32", "fp16", "bf16"):
            model = f"{made}-{dtype}"
            run(args.simlm, "convert", "--model", made, "--dtype", dtype,
                "--overwrite", "-o", model)
            check_weights(model, AutoModel)
            check_weights(model, AutoModelForMaskedLM)
            diff = difference(args.simlm, work, model)
            good = good and diff <= 1e-5
            print(f"{name} {dtype}: vectors differ by {diff:.2e}")
    return 0 if good else 1


if __name__ == "__main__":
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    sys.exit(main())
