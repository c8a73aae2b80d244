#!/usr/bin/env python3
"""Random twins of the published SimLM checkpoints, and a small MS MARCO.

    tools/compare/make_twins.py --data ../shared/data --out twins

Nothing published can be fetched here, so their twins stand in: the same files,
names, shapes, types and oddities (spec 10.3, 10.4), random numbers.

    simlm-base-msmarco             BertForMaskedLM and two layers more (495 MB)
    simlm-base-msmarco-finetuned   BertModel with its pooler (438 MB)
    simlm-msmarco-reranker         ElectraForSequenceClassification, one label
    electra-base-generator         ElectraForMaskedLM, 256 wide, torch's old format

All but the last hold position_ids as floats, as DeepSpeed's conversion to fp32
leaves them, and a torch_dtype of float16 in config.json says nothing about the
file.  Weights are larger than BERT's first ones, whose vectors of different
texts hardly differ.

The collection, in the folder and file layout that recipes/published.yaml wants,
is cut from SQuAD: paragraphs' first 8 to 20 words (every 20th whole, so that
some are truncated), every seventh without its title; questions whose paragraph
is among them; the tracks' grades are made up (3 for the question's paragraph,
2, 1 and 0 for others of the same article).

Needs torch alone.  tools/compare/published.py uses what this makes.
"""
import argparse
import gzip
import json
import os
import shutil

import torch

VOCAB, POSITIONS = 30522, 512
SPLITS = ["dev", "trec_dl2019", "trec_dl2020"]


# ---- tensors -------------------------------------------------------------------

def linear(name, rows, columns):
    return {name + ".weight": (rows, columns), name + ".bias": (rows,)}


def norm(name, width):
    return {name + ".weight": (width,), name + ".bias": (width,)}


def embeddings(prefix, width):
    return {prefix + "word_embeddings.weight": (VOCAB, width),
            prefix + "position_embeddings.weight": (POSITIONS, width),
            prefix + "token_type_embeddings.weight": (2, width),
            **norm(prefix + "LayerNorm", width)}


def layer(prefix, width, ffn):
    shapes = {}
    for part in ("query", "key", "value"):
        shapes |= linear(prefix + "attention.self." + part, width, width)
    return {**shapes,
            **linear(prefix + "attention.output.dense", width, width),
            **norm(prefix + "attention.output.LayerNorm", width),
            **linear(prefix + "intermediate.dense", ffn, width),
            **linear(prefix + "output.dense", width, ffn),
            **norm(prefix + "output.LayerNorm", width)}


def layers(prefix, n, width, ffn):
    shapes = {}
    for i in range(n):
        shapes |= layer(f"{prefix}{i}.", width, ffn)
    return shapes


def body(prefix, width=768, ffn=3072):
    return {**embeddings(prefix + "embeddings.", 768),
            **(linear(prefix + "embeddings_project", width, 768)
               if width != 768 else {}),
            **layers(prefix + "encoder.layer.", 12, width, ffn)}


BASE = {**body("bert."), "cls.predictions.bias": (VOCAB,),
        **linear("cls.predictions.transform.dense", 768, 768),
        **norm("cls.predictions.transform.LayerNorm", 768),
        **layers("decoder.", 2, 768, 3072)}
RETRIEVER = {**body(""), **linear("pooler.dense", 768, 768)}
RERANKER = {**body("electra."), **linear("classifier.dense", 768, 768),
            **linear("classifier.out_proj", 1, 768)}
GENERATOR = {**body("electra.", 256, 1024),
             **norm("generator_predictions.LayerNorm", 768),
             **linear("generator_predictions.dense", 768, 256),
             "generator_lm_head.bias": (VOCAB,)}


def draw(shapes, seed):
    """As large as a trained BERT's: norms about 1, matrices of std 0.04."""
    gen = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        x = torch.randn(shape, generator=gen)
        if name.endswith("LayerNorm.weight"):
            state[name] = 1 + 0.1 * x
        else:
            state[name] = x * (0.04 if len(shape) > 1 else 0.02)
    return state


def count(state):
    return sum(t.numel() for t in state.values())


# ---- directories ---------------------------------------------------------------

def config(architecture, kind, **more):
    return {"_name_or_path": "twin", "architectures": [architecture],
            "attention_probs_dropout_prob": 0.1, "classifier_dropout": None,
            "hidden_act": "gelu", "hidden_dropout_prob": 0.1,
            "hidden_size": 768, "initializer_range": 0.02,
            "intermediate_size": 3072, "layer_norm_eps": 1e-12,
            "max_position_embeddings": POSITIONS, "model_type": kind,
            "num_attention_heads": 12, "num_hidden_layers": 12,
            "pad_token_id": 0, "position_embedding_type": "absolute",
            "torch_dtype": "float32", "transformers_version": "4.15.0",
            "type_vocab_size": 2, "use_cache": True, "vocab_size": VOCAB,
            **more}


ELECTRA = {"embedding_size": 768, "summary_activation": "gelu",
           "summary_last_dropout": 0.1, "summary_type": "first",
           "summary_use_proj": True}


def dump(value, *path):
    with open(os.path.join(*path), "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2, ensure_ascii=False)
        f.write("\n")


def write_tokenizer(out, data, kind):
    """vocab.txt and the three files of a fast tokenizer of that time."""
    source = os.path.join(data, "tokenizer")
    shutil.copyfile(os.path.join(source, "vocab.txt"),
                    os.path.join(out, "vocab.txt"))
    with open(os.path.join(source, "tokenizer.json"), encoding="utf-8") as f:
        tokenizer = json.load(f)
    tokenizer["truncation"] = tokenizer["padding"] = None
    dump(tokenizer, out, "tokenizer.json")
    special = {n + "_token": f"[{n.upper()}]"
               for n in ("unk", "sep", "pad", "cls", "mask")}
    dump(special, out, "special_tokens_map.json")
    dump({"do_lower_case": True, **special, "tokenize_chinese_chars": True,
          "strip_accents": None, "model_max_length": 512,
          "special_tokens_map_file": None, "tokenizer_class": kind},
         out, "tokenizer_config.json")


def write_model(args, name, state, cfg, legacy=False):
    out = os.path.join(args.out, "models", name)
    os.makedirs(out, exist_ok=True)
    dump(cfg, out, "config.json")
    kind = "BertTokenizer" if cfg["model_type"] == "bert" else "ElectraTokenizer"
    write_tokenizer(out, args.data, kind)
    path = os.path.join(out, "pytorch_model.bin")
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    print(f"{name}: {count(state):,} numbers, "
          f"{os.path.getsize(path) / 1e6:.1f} MB")


def positions(dtype):
    return torch.arange(POSITIONS, dtype=dtype).unsqueeze(0)


def write_models(args):
    base = draw(BASE, 1)
    assert count(base) == 109514298 + 2 * 7087872
    base["bert.embeddings.position_ids"] = positions(torch.float32)
    base["cls.predictions.decoder.weight"] = \
        base["bert.embeddings.word_embeddings.weight"]
    base["cls.predictions.decoder.bias"] = base["cls.predictions.bias"]
    write_model(args, "simlm-base-msmarco", base,
                config("BertForMaskedLM", "bert", torch_dtype="float16"))

    retriever = draw(RETRIEVER, 2)
    assert count(retriever) == 109482240
    retriever["embeddings.position_ids"] = positions(torch.float32)
    write_model(args, "simlm-base-msmarco-finetuned", retriever,
                config("BertModel", "bert"))

    reranker = draw(RERANKER, 3)
    assert count(reranker) == 109483009
    reranker["electra.embeddings.position_ids"] = positions(torch.float32)
    write_model(args, "simlm-msmarco-reranker", reranker,
                config("ElectraForSequenceClassification", "electra", **ELECTRA,
                       id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0}))

    generator = draw(GENERATOR, 4)
    generator["electra.embeddings.position_ids"] = positions(torch.int64)
    generator["generator_lm_head.weight"] = \
        generator["electra.embeddings.word_embeddings.weight"]
    write_model(args, "electra-base-generator", generator,
                config("ElectraForMaskedLM", "electra", **ELECTRA) |
                {"hidden_size": 256, "intermediate_size": 1024,
                 "num_attention_heads": 4}, legacy=True)


# ---- the collection ------------------------------------------------------------

def read_squad(data, n_passages):
    folder = os.path.join(data, "squad")
    with gzip.open(os.path.join(folder, "passages.jsonl.gz"), "rt",
                   encoding="utf-8") as f:
        passages = [json.loads(line) for line in f][:n_passages]
    relevant = {}
    for split in ("train", "dev"):
        with open(os.path.join(folder, split + "_qrels.txt")) as f:
            relevant |= {q: int(p) for q, _, p, _ in map(str.split, f)}
    texts = {}
    for split in ("train", "dev"):
        with open(os.path.join(folder, split + "_queries.tsv"),
                  encoding="utf-8") as f:
            texts |= dict(line.rstrip("\n").split("\t", 1) for line in f)
    return passages, relevant, texts


def write_passages(out, passages):
    with gzip.open(os.path.join(out, "passages.jsonl.gz"), "wt",
                   encoding="utf-8") as f:
        for i, p in enumerate(passages):
            words = p["contents"].split(" ")
            if i % 20:
                words = words[:8 + i * 7 % 13]
            f.write(json.dumps({"id": str(i), "contents": " ".join(words),
                                "title": p["title"] if i % 7 else "-"},
                               ensure_ascii=False) + "\n")


def grades(passages, gold):
    """Of the gold passage's neighbours in its article, 2, 1, 0, 2, ..."""
    near = [i for i in range(max(0, gold - 6), min(len(passages), gold + 7))
            if i != gold and passages[i]["title"] == passages[gold]["title"]]
    return [(gold, 3)] + [(p, (2, 1, 0)[i % 3]) for i, p in enumerate(near)]


def write_queries(out, split, queries, passages, relevant, texts):
    with open(os.path.join(out, split + "_queries.tsv"), "w",
              encoding="utf-8") as f:
        f.writelines(f"{n}\t{texts[q]}\n" for n, q in queries)
    with open(os.path.join(out, split + "_qrels.txt"), "w") as f:
        for n, q in queries:
            judged = ([(relevant[q], 1)] if split == "dev"
                      else grades(passages, relevant[q]))
            f.writelines(f"{n}\t0\t{p}\t{g}\n" for p, g in judged)


def write_collection(args):
    out = os.path.join(args.out, "msmarco")
    os.makedirs(out, exist_ok=True)
    passages, relevant, texts = read_squad(args.data, args.passages)
    write_passages(out, passages)
    usable = [q for q in sorted(texts) if relevant[q] < args.passages]
    step = len(usable) // sum(args.queries)
    # MS MARCO's ids are numbers of up to seven digits.
    numbered = [(1000 + 37 * i, q) for i, q in enumerate(usable[::step])]
    for split, n in zip(SPLITS, args.queries):
        write_queries(out, split, numbered[:n], passages, relevant, texts)
        numbered = numbered[n:]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True, help="folder with squad, tokenizer")
    p.add_argument("--out", required=True)
    p.add_argument("--passages", type=int, default=1000)
    p.add_argument("--queries", type=int, nargs=3, default=[6, 2, 2],
                   help="of dev and the two tracks")
    args = p.parse_args()
    write_models(args)
    write_collection(args)


if __name__ == "__main__":
    main()
