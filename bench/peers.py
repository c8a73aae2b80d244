"""simlm beside its peers, in one interleaved run.

    python bench/peers.py [--build build/release] [--tasks batch,mixed,...]

Each contender is a process of its own (contenders.py) with the same random
weights, the same token ids and the same number of threads.  One works at a time,
they take turns round after round, and medians are compared, so that other work
on the machine hits all of them.  Where a peer has settings (compiled or not, how
many texts a batch), all are tried first and its best one competes.

Before anything is timed the results are compared: vectors by their cosine with
simlm's in fp32, ranked rows by equality.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST_WORD = 104  # BERT's special tokens end with [MASK] 103

# What competes in a task: families of settings, of which the best is taken.
def encoders(*sizes):
    def torch(precision):
        settings = [(how, n) for how in ("eager", "compiled") for n in sizes]
        return ["encode torch %s %s %d" % (precision, *s) for s in settings]

    def onnx(precision):
        return ["encode onnxruntime %s %d" % (precision, n) for n in sizes]

    return [
        ["encode simlm fp32"],
        torch("fp32"),
        onnx("fp32"),
        ["encode sentence-transformers fp32"],
        ["encode simlm bf16"],
        torch("bf16"),
        onnx("int8"),
    ]


TASKS = {
    "batch": encoders(8, 16),
    "mixed": encoders(8, 16),
    "query": encoders(1),
    "train": [
        ["train simlm fp32"],
        ["train torch fp32 eager", "train torch fp32 compiled"],
        ["train simlm bf16"],
        ["train torch bf16 eager", "train torch bf16 compiled"],
    ],
    "search-one": [["search simlm fp32"], ["search faiss fp32"]],
    "search-many": [["search simlm fp32"], ["search faiss fp32"]],
    "tokenize": [["tokenize simlm"], ["tokenize tokenizers"]],
}


# ---- what they all get ------------------------------------------------------------


def write_vocab(path, size):
    special = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
    with open(path, "w") as f:
        for i in range(size):
            unused = "w%d" % i if i >= FIRST_WORD else "[unused%d]" % i
            f.write(special.get(i, unused) + "\n")


def make_model(simlm, work, name, vocab, *shape):
    path = os.path.join(work, name)
    vocab_file = path + ".vocab.txt"
    write_vocab(vocab_file, vocab)
    command = [simlm, "init", "-o", path, "--vocab", vocab_file, "--missing-title", ""]
    command += ["--passage-max-length", "512", *shape]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def write_ids(work, task, rng, lengths, vocab):
    ids = [[101, *rng.integers(FIRST_WORD, vocab, n - 2).tolist(), 102] for n in lengths]
    with open(os.path.join(work, task + ".json"), "w") as f:
        json.dump(ids, f)


def prepare(o, work):
    rng = np.random.default_rng(0)
    base_vocab, small_vocab = 30522, 8192
    mixed = rng.integers(16, 144, 64, endpoint=True)

    simlm = os.path.join(o.build, "simlm")
    make_model(simlm, work, "base", base_vocab, "--layers", str(o.layers))
    make_model(simlm, work, "small", small_vocab, "--layers", "4", "--hidden", "256")
    write_ids(work, "batch", rng, [128] * 32, base_vocab)
    write_ids(work, "mixed", rng, mixed, base_vocab)
    write_ids(work, "query", rng, [8], base_vocab)
    facts = {
        "build": os.path.abspath(o.build),
        "threads": o.threads,
        "hidden": 768,
        "small_vocab": small_vocab,
        "train_tokens": 64 * 128,
        "rows": o.rows,
        "dim": 768,
        "text": o.text and os.path.abspath(o.text),
        "vocab": o.vocab and os.path.abspath(o.vocab),
    }
    with open(os.path.join(work, "work.json"), "w") as f:
        json.dump(facts, f)
    return {
        "batch": (32 * 128, "tokens/s"),
        "mixed": (int(mixed.sum()), "tokens/s"),
        "query": (1, "queries/s"),
        "train": (facts["train_tokens"], "tokens/s"),
        "search-one": (1, "queries/s"),
        "search-many": (128, "queries/s"),
        "tokenize": (o.text and os.path.getsize(o.text) / 1e6, "MB/s"),
    }


# ---- contenders as processes --------------------------------------------------------


class Failed(Exception):
    pass


class Contender:
    def __init__(self, work, task, name, threads):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads))
        # For old OpenBLAS on new processors; they slow a current numpy.
        env.pop("OPENBLAS_CORETYPE", None)
        env.pop("OPENBLAS_L2_SIZE", None)
        self.name, self.task, self.times = name, task, []
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "contenders.py"), work, task, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=env,
        )
        while "ready" not in self.answer():
            pass

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines() or ["no message"]
            raise Failed("%s: %s" % (self.name, lines[-1]))
        return line

    def time(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.times.append(float(self.answer()))
        return self.times[-1]

    def median(self):
        return float(np.median(self.times))

    def close(self):
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()


def best_of(work, task, family, o):
    """The fastest of a family's settings, ready; None if none works."""
    best = None
    for name in family:
        try:
            c = Contender(work, task, name, o.threads)
            if len(family) > 1:
                c.time()
                c.time()
                print("  tried %-36s %9.1f ms" % (name, 1e3 * min(c.times)), flush=True)
        except Failed as e:
            print("  %s" % e, flush=True)
            continue
        if best and min(best.times) <= min(c.times):
            c.close()
            continue
        if best:
            best.close()
        best = c
    if best:
        best.times = []
    return best


# ---- comparing ------------------------------------------------------------------------


def result_of(work, c):
    path = os.path.join(work, "%s %s.npy" % (c.task, c.name))
    return np.load(path) if os.path.exists(path) else None


def compare(work, contenders):
    """How the results agree with the first one's, a word for each."""
    want = result_of(work, contenders[0])
    words = []
    for c in contenders:
        got = result_of(work, c)
        if want is None or got is None:
            words.append("")
        elif want.ndim == 2:
            cosine = (want * got).sum(1)
            cosine /= np.linalg.norm(want, axis=1) * np.linalg.norm(got, axis=1)
            words.append("cosine >= %.6f" % cosine.min())
        else:
            words.append("rows equal: %.2f%%" % (100 * (want == got).mean()))
    return words


def run_task(work, task, units, o):
    amount, unit = units
    print("\n%s" % task, flush=True)
    families = [f for f in TASKS[task] if any(w in f[0] for w in o.only or [""])]
    contenders = [best_of(work, task, f, o) for f in families]
    contenders = [c for c in contenders if c]
    if not contenders:
        return
    agreement = compare(work, contenders)
    for _ in range(o.rounds):
        for c in contenders:
            c.time()
    ours = contenders[0].median()
    for c, agrees in zip(contenders, agreement):
        print(
            "  %-40s %10.1f ms %10.1f %-9s (best %.1f)  %.2f of the first's speed  %s"
            % (
                c.name,
                1e3 * c.median(),
                amount / c.median(),
                unit,
                amount / min(c.times),
                ours / c.median(),
                agrees,
            ),
            flush=True,
        )
        c.close()
    print("  load average %.1f" % os.getloadavg()[0], flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--build", default="build/release", help="where simlm was built")
    p.add_argument("--tasks", default=",".join(TASKS), help="of: %(default)s")
    p.add_argument("--only", default="", help="contenders with one of these words")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--rows", type=int, default=100000, help="vectors to search")
    p.add_argument("--layers", type=int, default=12, help="of 768; fewer to try this out")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--text", help="for tokenize: a text")
    p.add_argument("--vocab", help="for tokenize: a vocab.txt")
    o = p.parse_args()
    o.only = [w for w in o.only.split(",") if w]
    work = tempfile.mkdtemp(prefix="simlm-peers-")
    try:
        units = prepare(o, work)
        for task in o.tasks.split(","):
            if task == "tokenize" and not (o.text and o.vocab):
                print("\ntokenize: needs --text and --vocab")
                continue
            run_task(work, task, units[task], o)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
