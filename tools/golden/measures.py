#!/usr/bin/env python3
"""Make tests/data/golden/measures/: random judgements and runs, and what
trec_eval says of them.

Made with pytrec_eval-terrier 0.5.11, scipy 1.17.1, numpy 2.4.6, Python 3.11.

  qrels.txt      grades -1 .. 4, queries without anything relevant
  a.run, b.run   TREC runs with many ties (also such that are ties in float
                 only), unjudged passages, unjudged queries, missing queries
  expected.tsv   query, measure, value (repr of the double) of a.run, level 1
  level2.tsv     the same with relevance level 2
  ttest.tsv      measure, t, p of b - a over all judged queries, missing ones 0
"""
import os
import random
import sys

import numpy
import pytrec_eval
import scipy.stats

out = sys.argv[1] if len(sys.argv) > 1 else "tests/data/golden/measures"
os.makedirs(out, exist_ok=True)
rng = random.Random(20230709)
CUTS = "5,10,50,100,200,1000"
MEASURES = {
    f"ndcg_cut.{CUTS}", f"map_cut.{CUTS}", f"recall.{CUTS}", f"P.{CUTS}",
    f"success.{CUTS}", "ndcg", "map", "recip_rank", "Rprec", "bpref",
    "num_ret", "num_rel", "num_rel_ret",
}
OURS = {"recip_rank": "rr", "Rprec": "rprec"}


def our_name(name):
    for theirs, ours in (("ndcg_cut", "ndcg"), ("map_cut", "map"),
                         ("recall", "recall"), ("P", "p"),
                         ("success", "success")):
        if name.startswith(theirs + "_"):
            return f"{ours}@{name[len(theirs) + 1:]}"
    return OURS.get(name, name)


def score(kind):
    if kind == 0:                                 # ties in most places
        return float(rng.randrange(12)) / 4
    if kind == 1:                                 # different as double only
        return 10 + rng.randrange(8) * 2.0 ** -24
    return rng.uniform(-3, 3)


docs = [f"d{i}" for i in range(150)] + ["D10", "d1a", "9", "10", "ä"]
qrels, runs = {}, [{}, {}]
for q in range(40):
    name = f"q{q}"
    grades = [0] if q % 13 == 5 else [-1, 0, 0, 0, 1, 1, 2, 3, 4]
    judged = rng.sample(docs, rng.randrange(1, 60))
    qrels[name] = {d: rng.choice(grades) for d in judged}
for run, missing in zip(runs, (7, 9)):
    for q in range(44):                           # q40 .. q43 are not judged
        if q % missing == missing - 1:
            continue
        hits = rng.sample(docs, rng.choice([1, 3, 20, 80, len(docs)]))
        run[f"q{q}"] = {d: score(q % 3) for d in hits}

with open(f"{out}/qrels.txt", "w") as f:
    for q, judged in qrels.items():
        for d, grade in judged.items():
            f.write(f"{q} 0 {d} {grade}\n")
for run, name in zip(runs, "ab"):
    with open(f"{out}/{name}.run", "w") as f:
        for q, hits in run.items():
            order = sorted(hits, key=lambda d: (-hits[d], d))
            for rank, d in enumerate(order, 1):
                f.write(f"{q} Q0 {d} {rank} {hits[d]!r} t\n")


def evaluate(run, level):
    return pytrec_eval.RelevanceEvaluator(
        qrels, MEASURES, relevance_level=level).evaluate(run)


for name, level in (("expected", 1), ("level2", 2)):
    with open(f"{out}/{name}.tsv", "w") as f:
        for q, values in evaluate(runs[0], level).items():
            for m, v in sorted(values.items()):
                f.write(f"{q}\t{our_name(m)}\t{v!r}\n")
values = [evaluate(run, 1) for run in runs]
with open(f"{out}/ttest.tsv", "w") as f:
    for m in ("ndcg_cut_10", "map", "recip_rank", "recall_50"):
        a, b = ([v[q][m] if q in v else 0.0 for q in qrels] for v in values)
        t = scipy.stats.ttest_rel(b, a)
        f.write(f"{our_name(m)}\t{float(t.statistic)!r}\t{float(t.pvalue)!r}\n")
    for t, nu in ((0.0, 5), (1e-8, 3), (0.5, 1), (2.0, 9), (-3.7, 224),
                  (12.0, 6979), (40.0, 50)):
        p = 2 * scipy.stats.t.sf(abs(t), nu)
        f.write(f"{nu}\t{t!r}\t{float(p)!r}\n")
