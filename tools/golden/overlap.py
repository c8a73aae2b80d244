#!/usr/bin/env python3
"""Two runs that are much alike, and how much, from the definitions of
<simlm/eval.h> by sets, depth by depth.

    python tools/golden/overlap.py tests/data/golden/overlap

  a.run, b.run   b has a's scores with noise (some queries: without), rounded to
                 one decimal, so that many tie; lists of 1 to 1,020 hits, of
                 different lengths; queries that are in one alone
  expected.tsv   measure, value (repr of the double)
"""
import os
import random
import sys

CUTS = (1, 10, 50, 200, 1000)
P = 0.9


def ranked(scores, n):
    return sorted(scores.items(), key=lambda x: (-x[1], x[0]))[:n]


def make_runs():
    rng = random.Random(2207)
    a, b = {}, {}
    for i, n in enumerate([1, 1, 3, 7, 10, 12, 30, 49, 51, 60, 80, 1020]):
        scores = {f"d{rng.randrange(5000)}": round(rng.gauss(0, 1), 4)
                  for _ in range(n)}
        noise = (0, 0.01, 0.2)[i % 3]
        other = {d: round(s + noise * rng.gauss(0, 1), 1)
                 for d, s in scores.items()}
        if i % 4 == 1:
            other |= {f"e{k}": round(rng.gauss(0, 1), 1) for k in range(n)}
        a[f"q{i}"] = ranked(scores, n)
        b[f"q{i}"] = ranked(other, rng.choice([n, n, n // 2 + 1]))
    a["only a"], b["only b"], b["nor this"] = [("d1", 1)], [("d1", 1)], [("x", 0)]
    return a, b


def write(path, run):
    with open(path, "w") as f:
        f.writelines(f"{q}\t{d}\t{rank}\t{score!r}\n" for q, hits in run.items()
                     for rank, (d, score) in enumerate(hits, 1))


def docs(hits, k):
    return [d for d, _ in hits[:k]]


def reachable(hits, k):
    """What may be among the first k, whatever becomes of ties."""
    last = hits[:k][-1][1]
    return {d for d, s in hits if s >= last}


def rbo(a, b):
    n = min(len(a), len(b))
    share = [len(set(docs(a, d)) & set(docs(b, d))) / d
             for d in range(1, n + 1)]
    return (share[-1] * P ** n + (1 - P) / P *
            sum(x * P ** d for d, x in enumerate(share, 1)))


def at(a, b, k):
    n = min(k, max(len(a), len(b)))
    tied = (len(set(docs(a, k)) & reachable(b, k)) +
            len(set(docs(b, k)) & reachable(a, k)))
    return (len(set(docs(a, k)) & set(docs(b, k))) / n, tied / (2 * n),
            float(docs(a, n) == docs(b, n)))


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    a, b = make_runs()
    write(os.path.join(folder, "a.run"), a)
    write(os.path.join(folder, "b.run"), b)
    both = [q for q in a if q in b]
    values = {"num_q": len(both), "only_a": len(a) - len(both),
              "only_b": len(b) - len(both),
              "rbo": sum(rbo(a[q], b[q]) for q in both) / len(both)}
    for k in CUTS:
        means = [sum(x) / len(both)
                 for x in zip(*(at(a[q], b[q], k) for q in both))]
        for name, x in zip(("overlap", "tied", "order"), means):
            values[f"{name}@{k}"] = x
    with open(os.path.join(folder, "expected.tsv"), "w") as f:
        f.writelines(f"{name}\t{x!r}\n" for name, x in values.items())


if __name__ == "__main__":
    main()
