"""One contender of bench/peers.py: a process that does one thing when told to.

    contenders.py WORK NAME

WORK is a directory made by peers.py (model, texts, vectors); NAME a function
below.  The process prints {"ready": ...} once it has set up, computed its
result for the comparison (WORK/NAME.npy) and warmed up; then, for each line on
standard input, it does its work once and prints the seconds it took.
"""
import ctypes
import functools
import json
import os
import subprocess
import sys
import time

import numpy as np

CONTENDERS = {}


def contender(*names):
    """Register f(work, *details) under names like "encode torch bf16 compiled"."""

    def register(f):
        for name in names:
            CONTENDERS[name] = f
        return f

    return register


class Work:
    """What all contenders of a run share, as files."""

    def __init__(self, root, task):
        self.root = root
        with open(os.path.join(root, "work.json")) as f:
            self.__dict__.update(json.load(f))
        self.task = task
        self.model_dir = os.path.join(root, "base")
        self.small_dir = os.path.join(root, "small")

    def path(self, name):
        return os.path.join(self.root, name)

    def ids(self):
        """Token ids of the task's texts, with [CLS] and [SEP]."""
        with open(self.path(self.task + ".json")) as f:
            return json.load(f)

    def texts(self):
        """The same as text: one word a token."""
        return [" ".join("w%d" % i for i in ids[1:-1]) for ids in self.ids()]


# ---- simlm, through its C interface -------------------------------------------


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("msg", ctypes.c_char * 508)]


class Text(ctypes.Structure):
    _fields_ = [("text", ctypes.c_char_p), ("title", ctypes.c_char_p)]


class Hit(ctypes.Structure):
    _fields_ = [("row", ctypes.c_int64), ("score", ctypes.c_float)]


class Simlm:
    def __init__(self, work):
        self.lib = ctypes.CDLL(os.path.join(work.build, "libsimlm.so"))
        self.err = Error()

    def call(self, name, *args):
        if getattr(self.lib, name)(*args, ctypes.byref(self.err)) < 0:
            raise RuntimeError(self.err.msg.decode())


@contender("encode simlm fp32", "encode simlm bf16")
def encode_simlm(work, precision):
    s = Simlm(work)
    model, encoder = ctypes.c_void_p(), ctypes.c_void_p()
    texts = work.texts()
    n = len(texts)
    array = (Text * n)(*[Text(t.encode(), None) for t in texts])
    vec = np.empty((n, work.hidden), np.float32)
    out = vec.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

    s.call("simlm_model_open_in", ctypes.byref(model), work.model_dir.encode(),
           int(precision == "bf16"))
    s.call("simlm_encoder_new", ctypes.byref(encoder), model, n)
    s.lib.simlm_encoder_set_threads(encoder, work.threads)

    def run():
        s.call("simlm_encode", encoder, 1, array, n, out)
        return vec

    return run


# ---- PyTorch ------------------------------------------------------------------


def torch_setup(work):
    import torch

    torch.set_num_threads(work.threads)
    torch.manual_seed(0)
    return torch


def torch_batches(torch, ids, size):
    """Padded batches of texts sorted by length; the order they came from."""
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    batches = []
    for at in range(0, len(order), size):
        rows = [ids[i] for i in order[at : at + size]]
        longest = max(map(len, rows))
        x = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.zeros_like(x)
        for k, row in enumerate(rows):
            x[k, : len(row)] = torch.tensor(row)
            mask[k, : len(row)] = 1
        # A mask that hides nothing only costs time.
        batches.append((x, None if bool(mask.all()) else mask))
    return order, batches


def encode_torch(work, precision, how, size):
    torch = torch_setup(work)
    from transformers import AutoModel

    model = AutoModel.from_pretrained(
        work.model_dir, attn_implementation="sdpa", add_pooling_layer=False
    ).eval()
    if precision == "bf16":
        model = model.to(torch.bfloat16)
    if how == "compiled":
        import torch._inductor.config

        torch._inductor.config.freezing = True
        # One length: one kernel for it.  Many: kernels for any.
        model = torch.compile(model, dynamic=None if work.task == "mixed" else False)
    order, batches = torch_batches(torch, work.ids(), int(size))
    vec = np.empty((len(order), work.hidden), np.float32)

    @torch.inference_mode()
    def run():
        at = 0
        for x, mask in batches:
            h = model(input_ids=x, attention_mask=mask).last_hidden_state[:, 0]
            h = torch.nn.functional.normalize(h.float())
            vec[order[at : at + len(x)]] = h.numpy()
            at += len(x)
        return vec

    return run


for precision in ("fp32", "bf16"):
    for how in ("eager", "compiled"):
        for size in (1, 8, 16):
            CONTENDERS["encode torch %s %s %d" % (precision, how, size)] = encode_torch


# ---- ONNX Runtime ---------------------------------------------------------------


def onnx_file(work, precision):
    """Export once; dynamic int8 on demand."""
    path, quantised = work.path("base.onnx"), work.path("base.int8.onnx")
    if not os.path.exists(path):
        torch = torch_setup(work)
        from transformers import AutoModel

        bert = AutoModel.from_pretrained(
            work.model_dir, attn_implementation="eager", add_pooling_layer=False
        ).eval()

        class Hidden(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.bert = bert

            def forward(self, ids, mask):
                return self.bert(input_ids=ids, attention_mask=mask).last_hidden_state

        x = torch.ones(2, 8, dtype=torch.long)
        axes = {0: "batch", 1: "length"}
        torch.onnx.export(
            Hidden().eval(),
            (x, torch.ones_like(x)),
            path + ".tmp",
            input_names=["input_ids", "attention_mask"],
            output_names=["hidden"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "hidden": axes},
            dynamo=False,
        )
        os.rename(path + ".tmp", path)
    if precision == "fp32":
        return path
    if not os.path.exists(quantised):
        from onnxruntime.quantization import QuantType, quantize_dynamic

        quantize_dynamic(path, quantised, weight_type=QuantType.QInt8)
    return quantised


def encode_onnx(work, precision, size):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = work.threads
    path = onnx_file(work, precision)
    session = onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
    ids = work.ids()
    order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
    size = int(size)
    batches = []
    for at in range(0, len(order), size):
        rows = [ids[i] for i in order[at : at + size]]
        x = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(x)
        for k, row in enumerate(rows):
            x[k, : len(row)] = row
            mask[k, : len(row)] = 1
        batches.append({"input_ids": x, "attention_mask": mask})
    vec = np.empty((len(ids), work.hidden), np.float32)

    def run():
        at = 0
        for b in batches:
            h = session.run(None, b)[0][:, 0]
            n = len(h)
            vec[order[at : at + n]] = h / np.linalg.norm(h, axis=1, keepdims=True)
            at += n
        return vec

    return run


for precision in ("fp32", "int8"):
    for size in (1, 8, 16):
        CONTENDERS["encode onnxruntime %s %d" % (precision, size)] = encode_onnx


# ---- sentence-transformers ----------------------------------------------------


@contender("encode sentence-transformers fp32")
def encode_sentences(work, precision):
    torch_setup(work)
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(work.model_dir, device="cpu")
    texts = work.texts()
    return lambda: model.encode(
        texts, batch_size=16, normalize_embeddings=True, show_progress_bar=False
    )


# ---- training --------------------------------------------------------------------


@contender("train simlm fp32", "train simlm bf16")
def train_simlm(work, precision):
    command = [os.path.join(work.build, "simlm"), "bench", "train", "--json"]
    command += ["--seconds", "0", "--threads", str(work.threads)]
    command += ["--batch-tokens", str(work.train_tokens), "--length", "128"]
    command += ["--shape", "small", "--only", "MLM, loss on all"]
    if precision == "bf16":
        command += ["--precision", "bf16"]

    def run():
        out = subprocess.run(command, check=True, capture_output=True, text=True)
        figure = json.loads(out.stdout.splitlines()[-1])
        return figure["median_s"]

    return run


def train_torch(work, precision, how):
    torch = torch_setup(work)
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(
        work.small_dir, attn_implementation="sdpa"
    ).train()
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=1e-5, eps=1e-6, weight_decay=0, fused=True
    )
    n = work.train_tokens // 128
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.integers(5, work.small_vocab, (n, 128)))
    labels = torch.from_numpy(rng.integers(5, work.small_vocab, (n, 128)))
    forward = torch.compile(model, dynamic=False) if how == "compiled" else model

    def run():
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = forward(input_ids=x, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return run


for precision in ("fp32", "bf16"):
    for how in ("eager", "compiled"):
        CONTENDERS["train torch %s %s" % (precision, how)] = train_torch


# ---- search ------------------------------------------------------------------------


def vectors(work):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((work.rows, work.dim), np.float32)
    q = rng.standard_normal((128, work.dim), np.float32)
    return x, q[: 1 if work.task == "search-one" else 128]


@contender("search simlm fp32")
def search_simlm(work, precision):
    s = Simlm(work)
    x, q = vectors(work)
    ids = (ctypes.c_char_p * len(x))(*[b"%d" % i for i in range(len(x))])
    index, searcher = ctypes.c_void_p(), ctypes.c_void_p()
    hits = (Hit * (len(q) * 10))()
    real = ctypes.POINTER(ctypes.c_float)

    s.call("simlm_index_new", ctypes.byref(index), x.ctypes.data_as(real), ids,
           ctypes.c_int64(len(x)), work.dim)
    s.call("simlm_searcher_new", ctypes.byref(searcher), index, len(q), 10)
    s.lib.simlm_searcher_set_threads(searcher, work.threads)

    def run():
        s.call("simlm_search", searcher, hits, q.ctypes.data_as(real), len(q), 10)
        return hits

    run.result = lambda h: np.array([h[i].row for i in range(len(q) * 10)])
    return run


@contender("search faiss fp32")
def search_faiss(work, precision):
    import faiss

    faiss.omp_set_num_threads(work.threads)
    x, q = vectors(work)
    index = faiss.IndexFlatIP(work.dim)
    index.add(x)

    def run():
        return index.search(q, 10)[1]

    run.result = lambda rows: rows.reshape(-1)
    return run


# ---- tokenizers --------------------------------------------------------------------


@contender("tokenize simlm")
def tokenize_simlm(work):
    command = [os.path.join(work.build, "simlm"), "bench", "tokenize", "--json"]
    command += ["--seconds", "0.2", "--threads", "1"]
    command += ["--text", work.text, "--vocab", work.vocab]

    def run():
        out = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(out.stdout.splitlines()[-1])["median_s"]

    return run


@contender("tokenize tokenizers")
def tokenize_hf(work):
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(work.vocab, lowercase=True)
    with open(work.text) as f:
        lines = f.read().split("\n")

    # The faster one, of newer versions, leaves offsets out.
    encode = getattr(tokenizer, "encode_batch_fast", tokenizer.encode_batch)

    def run():
        encode(lines, add_special_tokens=False)

    return run


# ---- the loop ------------------------------------------------------------------------


def main():
    root, task, name = sys.argv[1:4]
    work = Work(root, task)
    f = CONTENDERS[name]
    details = name.split()[2:]
    run = f(work, *details)
    # Results go to a file; a float is a time that the contender took itself.
    first = run()
    if first is not None and not isinstance(first, float):
        result = getattr(run, "result", np.asarray)(first)
        np.save(work.path("%s %s.npy" % (task, name)), result)
    run()
    print(json.dumps({"ready": name}), flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        took = run()
        if not isinstance(took, float):
            took = time.perf_counter() - begin
        print(json.dumps(took), flush=True)


if __name__ == "__main__":
    main()
