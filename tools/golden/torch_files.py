#!/usr/bin/env python3
"""Files of torch.save(): what lib/format/torchfile.c reads, and what it refuses.

    python tools/golden/torch_files.py tests/data/golden/torch

Made with torch 2.15.0.  Two sets:

    dict_*.bin      one dictionary of small tensors of all kinds (transposed,
                    shared, empty, of integers, ...) in both formats, with
                    pickle protocols 2 and 4; expected.json says what is in it
    bert_*, electra_*  the models of tests/data/golden/model, in both formats and
                    three types, with tensors that a loader must pass over
                    (float position_ids, a pooler, two extra layers, tied
                    copies) or miss (tied copies), with old names, in two pieces
    extras_*.bin    tensors beside all that is passed over: tensors of types
                    that are not read, expanded ones, sets, bytes, ...
    bert_extras.bin bert_fp16.bin with the same
    bert_needed.bin the same, and one that the model needs is quantised
    bad_*.bin       what must be refused: code, nothing but an expanded tensor
                    or a negative view, TorchScript's layout, a compressed
                    archive
"""
import io
import json
import os
import pickle
import struct
import sys
import zipfile

import torch
from safetensors.torch import load_file

out_dir = sys.argv[1]
model_dir = os.path.join(os.path.dirname(out_dir), "model")
NAMES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
         torch.float64: "F64", torch.int64: "I64", torch.int32: "I32",
         torch.bool: "BOOL", torch.uint8: "U8"}


def path(name):
    return os.path.join(out_dir, name)


def save(obj, name, legacy=False, protocol=2):
    torch.save(obj, path(name), pickle_protocol=protocol,
               _use_new_zipfile_serialization=not legacy)


# ---- a dictionary of everything ------------------------------------------------

def everything():
    gen = torch.Generator().manual_seed(4)
    base = torch.randn(6, 5, generator=gen)
    d = {
        "plain": torch.randn(2, 3, generator=gen),
        "half": torch.randn(7, generator=gen).half(),
        "bfloat": torch.randn(2, 2, 2, generator=gen).bfloat16(),
        "double": torch.randn(3, generator=gen, dtype=torch.float64),
        "transposed": base.t(),
        "slice": base[1:4, 2:],
        "column": base[:, 3],
        "whole": base,
        "one row": base[2:3, :].t(),
        "scalar": torch.tensor(1.25),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(torch.randn(2, 2, generator=gen)),
        "position_ids": torch.arange(6).reshape(1, 6),
        "flags": torch.tensor([True, False]),
        "bytes": torch.tensor([1, 255], dtype=torch.uint8),
        "int": torch.tensor([-1, 2], dtype=torch.int32),
        "not a tensor": 17,
        "nor this": {"lr": 0.5, "betas": (0.9, 0.999), "on": True, "x": None},
    }
    expected = {k: {"dtype": NAMES[t.dtype], "shape": list(t.shape),
                    "values": t.double().flatten().tolist()}
                for k, t in d.items() if isinstance(t, torch.Tensor)}
    for t in expected.values():
        if t["dtype"] == "F64":  # what a float holds of it
            t["values"] = torch.tensor(t["values"]).double().tolist()
    return d, expected


def with_zip64(name, to):
    """The same archive with its numbers in zip64 records."""
    with open(path(name), "rb") as f:
        data = f.read()
    end = data.rindex(b"PK\5\6")
    count, size, start = struct.unpack("<HII", data[end + 10:end + 20])
    central, at = b"", start
    for _ in range(count):
        head = bytearray(data[at:at + 46])
        n, extra, comment = struct.unpack("<HHH", head[28:34])
        packed, plain = struct.unpack("<II", head[20:28])
        offset, = struct.unpack("<I", head[42:46])
        wide = struct.pack("<HHH", 0x7075, 2, 0)  # another extra before it
        wide += struct.pack("<HHQQQ", 1, 24, plain, packed, offset)
        head[20:28] = b"\xff" * 8
        head[42:46] = b"\xff" * 4
        head[28:34] = struct.pack("<HHH", n, len(wide), 0)
        central += bytes(head) + data[at + 46:at + 46 + n] + wide
        at += 46 + n + extra + comment
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count,
                        count, len(central), start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, start + len(central), 1)
    tail = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 0xffff, 0xffff,
                       0xffffffff, 0xffffffff, 3) + b"end"
    with open(path(to), "wb") as f:
        f.write(data[:start] + central + end64 + locator + tail)


# ---- models -----------------------------------------------------------------------

def save_models():
    bert = load_file(os.path.join(model_dir, "bert", "model.safetensors"))
    electra = load_file(os.path.join(model_dir, "electra", "model.safetensors"))
    word = bert["bert.embeddings.word_embeddings.weight"]
    extra = {
        "bert.embeddings.position_ids": torch.arange(24.0).reshape(1, 24),
        "cls.predictions.decoder.weight": word,
        "cls.predictions.decoder.bias": bert["cls.predictions.bias"],
        "bert.pooler.dense.weight": torch.ones(16, 16),
        "decoder.0.output.dense.bias": torch.ones(16),
    }
    save({**bert, **extra}, "bert_fp32.bin")
    save({k: t.half() for k, t in bert.items()}, "bert_fp16.bin")
    bare = {k.removeprefix("bert."): t.bfloat16() for k, t in bert.items()}
    save(bare, "bert_bf16_legacy.bin", legacy=True)
    old = {k.replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta"): t
           for k, t in electra.items()}
    old["electra.embeddings.position_ids"] = torch.arange(24).reshape(1, 24)
    save(old, "electra_fp32_legacy.bin", legacy=True)
    names = sorted(bert)
    pieces = {"bert-1.bin": names[::2], "bert-2.bin": names[1::2]}
    where = {}
    for piece, keys in pieces.items():
        save({k: bert[k].half() for k in keys}, piece)
        where.update((k, piece) for k in keys)
    with open(path("bert.index.json"), "w") as f:
        json.dump({"metadata": {"total_size": 1}, "weight_map": where}, f)
    layers = {k.removeprefix("bert.encoder.layer."): t.half()
              for k, t in bert.items() if ".layer." in k}
    save({f"{int(k[0]) - 1}{k[1:]}": t for k, t in layers.items()
          if k[0] in "12"}, "decoder.pt")


# ---- what is passed over ------------------------------------------------------

def extras():
    plain = torch.arange(2.0)
    quantised = torch.quantize_per_tensor(plain, 0.5, 0, torch.qint8)
    return {
        "x.complex": torch.zeros(2, dtype=torch.complex64),
        "x.fp8": plain.to(torch.float8_e4m3fn),
        "x.uint16": torch.zeros(2, dtype=torch.uint16),
        "x.uint32": torch.zeros(2, dtype=torch.uint32),
        "x.uint64": torch.zeros(2, dtype=torch.uint64),
        "x.quantised": quantised,
        "x.parameter": torch.nn.Parameter(quantised, requires_grad=False),
        "x.sparse": torch.eye(2).to_sparse(),
        "x.meta": torch.zeros(2, device="meta"),
        "x.expanded": torch.ones(1).expand(1000, 1000),
        "x.nine": torch.zeros((1,) * 9),
        "x.negative": torch._neg_view(torch.ones(1)),
        "x.set": {1, 2},
        "x.frozen": frozenset([3]),
        "x.bytes": b"ab",
        "x.no bytes": b"",
        "x.array": bytearray(b"abc"),
        "x.number": 1 + 2j,
        "x.type": torch.float16,
        "x.size": torch.Size([1, 2]),
        "x.device": torch.device("cpu"),
        "x.none": None,
        7: plain,
        None: 1,
    }


def save_extras():
    for legacy in False, True:
        for protocol in 2, 4, 5:
            name = "legacy" if legacy else "zip"
            save({"first": torch.arange(3.0), **extras(),
                  "last": torch.tensor([4.0])},
                 f"extras_{name}_p{protocol}.bin", legacy, protocol)
    bert = load_file(os.path.join(model_dir, "bert", "model.safetensors"))
    half = {k: t.half() for k, t in bert.items()}
    save({**extras(), **half}, "bert_extras.bin")
    name = "bert.encoder.layer.1.output.dense.weight"
    half[name] = torch.quantize_per_tensor(bert[name], 0.1, 0, torch.qint8)
    save(half, "bert_needed.bin")


# ---- what must be refused ------------------------------------------------------------

class Code:
    def __reduce__(self):
        return os.system, ("touch /tmp/simlm-was-here",)


def save_bad():
    save({"a": Code()}, "bad_code.bin")
    save({"a": Code()}, "bad_code_legacy.bin", legacy=True, protocol=4)
    save({"a": torch.ones(1).expand(1000, 1000)}, "bad_expanded.bin")
    save([torch.ones(1)], "bad_list.bin")
    save({"lr": 1}, "bad_empty.bin")
    save({"epoch": 1, "model": {"a": torch.ones(1)}}, "bad_nested.bin")
    save({"a": torch._neg_view(torch.ones(1))}, "bad_negative.bin")
    with open(path("bad_pickle.bin"), "wb") as f:
        pickle.dump({"a": [1, 2]}, f, protocol=2)
    plain = io.BytesIO()
    torch.save({"a": torch.ones(2)}, plain)
    with zipfile.ZipFile(plain) as z, \
            zipfile.ZipFile(path("bad_compressed.bin"), "w",
                            zipfile.ZIP_DEFLATED) as to:
        for name in z.namelist():
            to.writestr(name, z.read(name))
    with zipfile.ZipFile(path("bad_script.bin"), "w") as to:
        to.writestr("m/data.pkl", pickle.dumps({}, protocol=2))
        to.writestr("m/constants.pkl", pickle.dumps((), protocol=2))


def main():
    os.makedirs(out_dir, exist_ok=True)
    d, expected = everything()
    save(d, "dict_zip.bin")
    save(d, "dict_zip_p4.bin", protocol=4)
    save(d, "dict_legacy.bin", legacy=True)
    save(d, "dict_legacy_p4.bin", legacy=True, protocol=4)
    with_zip64("dict_zip.bin", "dict_zip64.bin")
    with open(path("expected.json"), "w") as f:
        json.dump(expected, f, separators=(",", ":"))
        f.write("\n")
    save_models()
    save_extras()
    save_bad()


main()
