#!/usr/bin/env python3
"""Compare simlm with sentence-transformers on real weights.

    tools/compare/compare_st.py --simlm build/release/simlm \
        --model DIR --data ../shared/data [--work DIR]

Three readings of the same weights are compared, because a model directory says
by its side files how a text becomes a vector:

    as it is   what sentence-transformers does with the directory
    cls        the same with [CLS] pooling in 1_Pooling/config.json
    card       without any side file: a plain BERT, used as the SimLM model card
               says (pair (title, text), "-" for no title, 144 and 32 tokens,
               [CLS], unit length), against transformers' own BertModel

For each: the largest difference of an element over 1,000 passages (500 of
Cranfield, 500 of SQuAD, some without title) and over Cranfield's queries; and
nDCG@10 on Cranfield by simlm index/search/eval against faiss and pytrec_eval.
Exit code 1 if a difference is over 1e-5 or nDCG@10 differs in three decimals.

Not part of `make check`.  Made with sentence-transformers 6.2.0, transformers
5.23.0, torch 2.15.0, faiss-cpu 1.15.1, pytrec_eval-terrier 0.5.11.
"""
import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile

import faiss
import numpy as np
import pytrec_eval
import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer

SIDE_FILES = ["modules.json", "sentence_bert_config.json", "1_Pooling",
              "2_Normalize", "config_sentence_transformers.json", "simlm.json"]


def read_jsonl(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def passages_of(rows):
    return [{"id": str(r.get("_id", r.get("id"))),
             "title": r.get("title") or "",
             "contents": r["text"] if "text" in r else r["contents"]}
            for r in rows]


def write_jsonl(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        for r in rows:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")


def variant(model, work, name):
    """A copy of the model directory that asks for the reading `name`."""
    if name == "as-is":
        return model
    to = os.path.join(work, "model-" + name)
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(model, to)
    if name == "cls":
        pooling = os.path.join(to, "1_Pooling", "config.json")
        with open(pooling) as f:
            config = json.load(f)
        config["pooling_mode_mean_tokens"] = False
        config["pooling_mode_cls_token"] = True
        with open(pooling, "w") as f:
            json.dump(config, f)
    else:
        for side_file in SIDE_FILES:
            path = os.path.join(to, side_file)
            shutil.rmtree(path, ignore_errors=True)
            if os.path.exists(path):
                os.remove(path)
    return to


class SentenceTransformersReading:
    def __init__(self, path):
        self.model = SentenceTransformer(path, device="cpu")

    def passages(self, rows):
        return self.model.encode(
            [(r["title"] + " " + r["contents"]) if r["title"]
             else r["contents"] for r in rows], batch_size=32)

    def queries(self, texts):
        return self.model.encode(texts, batch_size=32)


class CardReading:
    def __init__(self, path):
        self.model = AutoModel.from_pretrained(path).eval()
        self.tokenizer = AutoTokenizer.from_pretrained(path)

    @torch.no_grad()
    def run(self, max_length, *texts):
        vectors = []
        for at in range(0, len(texts[0]), 32):
            batch = self.tokenizer(*[t[at:at + 32] for t in texts],
                                   max_length=max_length, padding=True,
                                   truncation="longest_first",
                                   return_tensors="pt")
            h = self.model(**batch).last_hidden_state[:, 0]
            vectors.append(torch.nn.functional.normalize(h, dim=-1).numpy())
        return np.concatenate(vectors)

    def passages(self, rows):
        return self.run(144, [r["title"] or "-" for r in rows],
                        [r["contents"] for r in rows])

    def queries(self, texts):
        return self.run(32, texts)


def simlm_encode(simlm, model, side, out, path):
    shutil.rmtree(out, ignore_errors=True)
    subprocess.run([simlm, "encode", "--quiet", "--model", model, "--side",
                    side, "-o", out, path], check=True)
    return np.load(os.path.join(out, "embeddings.npy"))


def ndcg(qrels, run):
    measures = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut_10"})
    values = measures.evaluate(run)
    return float(np.mean([v["ndcg_cut_10"] for v in values.values()]))


def read_qrels(path):
    qrels = {}
    with open(path) as f:
        next(f)
        for line in f:
            query, passage, grade = line.rstrip("\n").split("\t")
            qrels.setdefault(query, {})[passage] = int(grade)
    return qrels


def simlm_ndcg(args, work, model, qrels_path, qrels):
    """index, search and eval by simlm; also its run judged by pytrec_eval."""
    cranfield = os.path.join(args.data, "cranfield")
    index = os.path.join(work, "cranfield.index")
    run_path = os.path.join(work, "cranfield.run")
    run = [args.simlm]
    subprocess.run(run + ["index", "--quiet", "-o", index,
                          os.path.join(work, "corpus")], check=True)
    subprocess.run(run + ["search", "--quiet", "--model", model, "--index",
                          index, "--top", "1000", "--format", "trec", "-o",
                          run_path, os.path.join(cranfield, "queries.jsonl")],
                   check=True)
    with open(run_path) as f:
        ranking = {}
        for line in f:
            query, _, passage, _, score, _ = line.split()
            ranking.setdefault(query, {})[passage] = float(score)
    own = subprocess.run(run + ["eval", "--json", qrels_path, run_path],
                         capture_output=True, text=True)
    return ndcg(qrels, ranking), own.stdout.strip()


def compare(args, work, name):
    cranfield = os.path.join(args.data, "cranfield")
    model = variant(args.model, work, name)
    theirs = (CardReading if name == "card"
              else SentenceTransformersReading)(model)

    corpus = passages_of(read_jsonl(os.path.join(cranfield, "corpus.jsonl")))
    squad = passages_of(read_jsonl(os.path.join(args.data, "squad",
                                                "passages.jsonl.gz")))
    squad = squad[::len(squad) // 500][:500]
    sample = [dict(r, id=f"c{r['id']}") for r in corpus[:500]]
    sample += [dict(r, id=f"s{r['id']}") for r in squad]
    for r in sample[::7]:
        r["title"] = ""
    sample_path = os.path.join(work, "sample.jsonl")
    write_jsonl(sample_path, sample)
    ours = simlm_encode(args.simlm, model, "passage",
                        os.path.join(work, "sample"), sample_path)
    diff_p = np.abs(ours - theirs.passages(sample)).max()

    queries = read_jsonl(os.path.join(cranfield, "queries.jsonl"))
    ours = simlm_encode(args.simlm, model, "query",
                        os.path.join(work, "queries"),
                        os.path.join(cranfield, "queries.jsonl"))
    their_q = theirs.queries([q["text"] for q in queries])
    diff_q = np.abs(ours - their_q).max()

    simlm_encode(args.simlm, model, "passage", os.path.join(work, "corpus"),
                 os.path.join(cranfield, "corpus.jsonl"))
    their_p = theirs.passages(corpus)
    index = faiss.IndexFlatIP(their_p.shape[1])
    index.add(np.ascontiguousarray(their_p))
    scores, rows = index.search(np.ascontiguousarray(their_q), 1000)
    ranking = {str(q["_id"]): {corpus[r]["id"]: float(s)
                               for r, s in zip(rows[i], scores[i])}
               for i, q in enumerate(queries)}
    qrels_path = os.path.join(cranfield, "qrels", "test.tsv")
    qrels = read_qrels(qrels_path)
    want = ndcg(qrels, ranking)
    got, own = simlm_ndcg(args, work, model, qrels_path, qrels)
    print(f"{name}: passages differ by {diff_p:.2e}, queries by {diff_q:.2e}; "
          f"nDCG@10 {got:.5f}, theirs {want:.5f}")
    if own:
        print(f"    simlm eval: {own}")
    return max(diff_p, diff_q) <= 1e-5 and f"{got:.3f}" == f"{want:.3f}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--simlm", required=True)
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True)
    p.add_argument("--work")
    p.add_argument("--only", choices=["as-is", "cls", "card"])
    args = p.parse_args()
    work = args.work or tempfile.mkdtemp(prefix="simlm-compare-")
    os.makedirs(work, exist_ok=True)
    names = [args.only] if args.only else ["as-is", "cls", "card"]
    return 0 if all([compare(args, work, n) for n in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
