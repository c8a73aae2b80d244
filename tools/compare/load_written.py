#!/usr/bin/env python3
"""What simlm writes loads in transformers and sentence-transformers.

    tools/compare/load_written.py --simlm build/release/simlm [--work DIR]

Random models (a BERT that pools [CLS] or means, an ELECTRA generator) are made
by `simlm init`; with a pooler, with an encoder for queries and one for passages
(a Router to sentence-transformers), and with both, by `simlm finetune`.  They
are rewritten by `simlm convert` in each type, and loaded:

    AutoModel, AutoModelForMaskedLM   no weight missing, none unexpected
    SentenceTransformer               its vectors of queries and of (title, text)
                                      pairs against `simlm encode`'s, to 1e-5;
                                      torch computes in fp32, as simlm does

Then sentence-transformers saves what it loaded, and simlm encodes with that: the
same vectors, where a text is short enough and has a title (that library has no
name for these things).

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
MODELS = {  # by name: options of init, options of finetune
    "cls": ([], None), "mean": ([], None), "electra": (["--embedding", "24"], None),
    "pooled": ([], ["--pooler", "6"]), "two": ([], ["--untied"]),
    "two-pooled": ([], ["--untied", "--pooler", "20"]),
}
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
    with open(os.path.join(work, "qrels.txt"), "w") as f:
        f.writelines(f"{i}\t0\t{i}\t1\n" for i in range(len(QUERIES)))
    with open(os.path.join(work, "run.tsv"), "w") as f:
        f.writelines(f"{i}\t{(i + rank) % len(PASSAGES)}\t{rank}\n"
                     for i in range(len(QUERIES)) for rank in (1, 2, 3))


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


def worst(ours, theirs):
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs))


def vectors(simlm, work, model):
    return [encode(simlm, work, model, "query", "queries.tsv"),
            encode(simlm, work, model, "passage", "passages.jsonl")]


def difference(simlm, work, model):
    """From sentence-transformers' vectors; and of what it has saved, read by
    simlm, from its vectors of the same texts joined."""
    st = SentenceTransformer(model, device="cpu",
                             model_kwargs={"torch_dtype": torch.float32})
    queries = st.encode_query(QUERIES)
    diff = worst(vectors(simlm, work, model),
                 [queries, st.encode_document(PASSAGES)])
    saved = model + "-saved"
    shutil.rmtree(saved, ignore_errors=True)
    st.save(saved)
    joined = st.encode_document([" ".join(p) for p in PASSAGES])
    return diff, worst(vectors(simlm, work, saved), [queries, joined])


def make(args, work, name):
    """The directory of the model of that name."""
    start, tuned = MODELS[name]
    made = os.path.join(work, name)
    base = made + "-base" if tuned else made
    run(args.simlm, "init", "-o", base, "--overwrite", "--init-std", "0.3",
        "--vocab", os.path.join(work, "vocab.txt"), "--layers", "2", "--hidden",
        "16", "--heads", "2", "--max-positions", "40", *start)
    if name == "mean":
        pool_means(made)
    if tuned:
        run(args.simlm, "finetune", "-q", "-o", made, "--overwrite", "--model",
            base, "--corpus", os.path.join(work, "passages.jsonl"), "--queries",
            os.path.join(work, "queries.tsv"), "--qrels",
            os.path.join(work, "qrels.txt"), "--negatives",
            os.path.join(work, "run.tsv"), "--batch", "2", "--passages", "2",
            "--query-max-length", "9", "--passage-max-length", "30", "--lr",
            "1e-2", "--steps", "4", *tuned)
    return made


def encoders(model):
    two = os.path.join(model, "query_model")
    return [two, os.path.join(model, "passage_model")] if os.path.isdir(two) \
        else [model]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--simlm", required=True)
    p.add_argument("--work")
    args = p.parse_args()
    work = args.work or tempfile.mkdtemp(prefix="simlm-written-")
    os.makedirs(work, exist_ok=True)
    write_inputs(work)
    good = True
    for name in MODELS:
        made = make(args, work, name)
        for dtype in ("fp32", "fp16", "bf16"):
            model = f"{made}-{dtype}"
            run(args.simlm, "convert", "--model", made, "--dtype", dtype,
                "--overwrite", "-o", model)
            for encoder in encoders(model):
                check_weights(encoder, AutoModel)
                if not MODELS[name][1]:
                    check_weights(encoder, AutoModelForMaskedLM)
            diff, again = difference(args.simlm, work, model)
            good = good and max(diff, again) <= 1e-5
            print(f"{name} {dtype}: vectors differ by {diff:.2e}, "
                  f"of what it saves by {again:.2e}")
    return 0 if good else 1


if __name__ == "__main__":
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    sys.exit(main())
