#!/usr/bin/env python3
"""Write tests/data/golden/tokenizer: a small vocabulary, texts and pairs, and
what Hugging Face's tokenizers makes of them.

    python3 tools/golden/tokenizer.py [<bert vocab.txt>]

Made with tokenizers 0.23.3.  With bert-base-uncased's vocab.txt, ordinary
pieces are taken from it, otherwise from the vocab.txt that is there.  It also
gets every character that the texts have left after normalisation, so that a
character that is dropped, moved, split or lowered otherwise shows in the ids.
"""
import json
import pathlib
import random
import sys

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

OUT = pathlib.Path(__file__).parents[2] / "tests/data/golden/tokenizer"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PROSE = [
    "Dense passage retrieval finds, for a question in plain language, the "
    "passages that answer it; 38.6% of MS-MARCO's queries weren't unaffected.",
    "The manchineel tree (Hippomane mancinella) grows up to 15 metres [49 ft] "
    "tall. Its bark is greyish, its leaves are shiny green!",
    "What's the re-ranker's score, state-of-the-art or not? e.g. $1,000.50 + "
    "tax = ~C++ & A|B <http://example.org/~x?q=1#top>",
    "Zürich, Łódź, São Tomé, Đà Nẵng, naïve café, Ångström, İstanbul, ΟΔΟΣ "
    "Ὀδυσσεύς, Straße, ﬁnancial, ½ ① Ⅷ ℌ",
    "北京大学 and 東京タワー、한국어 텍스트 각 ㈜ﾊﾟ 中文[MASK]中文",
    "हिन्दी में नमस्ते, বাংলা, ไทยแลนด์ กำ, العَرَبِيَّة, אָב שָׁלוֹם, ქართული Ⴀ",
    "emoji 😀👨\u200d👩\u200d👧 flags 🇩🇪 keycap 1\ufe0f\u20e3 zero\u200bwidth "
    "soft\u00adhyphen bom\ufeff nbsp\u00a0here line\u2028sep",
    "tab\there\nnew\r\nline\x0bvt\x0cff\x85nel\x1fus\x7fdel nul\x00nul "
    "\ufffdreplaced private\ue000use",
    "[CLS] literal [SEP] specials [cls] [ SEP ] [UNK][PAD] [MASK]",
    "dashes \u2010\u2013\u2014\u2e3a\u2e43\u2e5d \u00a1\u00bf\u00ab\u00bb \u166d"
    "\u166e \u0589 \u061d \u2cf9 \u3001 \ufe58 \uff01",
    "marks o\u0302\u0301\u0323 \u1e69 \u0344 \u0f73 \u0f71\u0f72 a\u302e\u302f "
    "\U0001d15f \u1734 \u111c9 \U00011938 \u08d4\u08e1 \u1dfb\u302e",
    "new letters \u1c89 \ua7cb \ua7da \U00010d50 \U00016ea0 \u13a0\uab70 \u10a0",
    "a" * 99 + " " + "a" * 100 + " " + "a" * 101 + " " + "é" * 100 + " "
    + "e\u0301" * 101 + " end",
    "", " ", "...", "x",
]
POOLS = [
    range(0x20, 0x7f), range(0x61, 0x7b), range(0x20, 0x7f), range(0, 0x20),
    range(0xa0, 0x180), range(0x300, 0x330), range(0x391, 0x3ca),
    range(0x410, 0x450), range(0x5d0, 0x5eb), range(0x610, 0x660),
    range(0x915, 0x950), range(0xe01, 0xe4f), range(0x1e00, 0x1e40),
    range(0x1f00, 0x1f30), range(0x2000, 0x2070), range(0x2e30, 0x2e60),
    range(0x3000, 0x3040), range(0x4e00, 0x4e10), range(0xac00, 0xac20),
    range(0xf900, 0xf910), range(0xff00, 0xff20),
    [0x8d4, 0x8da, 0x1b44, 0x1baa, 0x1dfb, 0x302e, 0x302f, 0x1d165, 0x1d16d,
     0x1d16e, 0x1e000, 0x1e944, 0x1e94a, 0x11442, 0x11446, 0x94d, 0x345],
]


def random_text(rnd):
    pools = rnd.sample(POOLS, rnd.choice([1, 2, 3]))
    out = []
    for _ in range(rnd.choice([2, 5, 12, 30])):
        if rnd.random() < 0.04:
            out.append(rnd.choice(["[SEP]", "[MASK", " the ", "un", "[[CLS]"]))
        else:
            out.append(chr(rnd.choice(rnd.choice(pools))))
    return "".join(out)


def normaliser(**other):
    options = dict(clean_text=True, handle_chinese_chars=True,
                   strip_accents=None, lowercase=True)
    return BertNormalizer(**{**options, **other})


def tokenizer(vocab, normalizer):
    t = Tokenizer(WordPiece({w: i for i, w in enumerate(vocab)},
                            unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizer
    t.pre_tokenizer = BertPreTokenizer()
    t.add_special_tokens(SPECIAL)
    t.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def make_vocab(source, texts):
    full = [w for w in source.read_text("utf-8").split("\n")
            if w and not w.startswith("[unused")]
    words = SPECIAL + [w for w in full if w not in SPECIAL]
    t = tokenizer(words, normaliser())
    used = {tok for text in PROSE for tok in t.encode(text).tokens}
    chars = sorted({c for text in texts for o in (True, False)
                    for c in normaliser(lowercase=o).normalize_str(text)
                    if not c.isspace() and c != "\0"})
    vocab = SPECIAL + sorted(used - set(SPECIAL))
    for form in chars + ["##" + c for c in chars]:
        if form not in vocab:
            vocab.append(form)
    return vocab


def write(name, rows):
    with open(OUT / name, "w", encoding="utf-8") as f:
        for row in rows:
            f.write(json.dumps(row, ensure_ascii=False,
                               separators=(",", ":")) + "\n")


def pair_row(t, rnd, texts):
    a, b = rnd.choice(texts), rnd.choice(texts)
    most = rnd.choice([8, 13, 24, 48])
    how = rnd.choice(["single", "longest_first", "longest_first", "only_second"])
    t.enable_truncation(most, strategy=how if how == "only_second"
                        else "longest_first")
    row = {"max": most, "strategy": how, "a": a}
    try:
        e = t.encode(a) if how == "single" else t.encode(a, b)
    except Exception:  # only_second, and the first text alone is too long
        return None
    if how != "single":
        row["b"] = b
    row.update(ids=e.ids, type_ids=e.type_ids)
    return row


def main():
    rnd = random.Random(1)
    OUT.mkdir(parents=True, exist_ok=True)
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else OUT / "vocab.txt"
    texts = PROSE + [random_text(rnd) for _ in range(300)]
    vocab = make_vocab(source, texts)
    (OUT / "vocab.txt").write_text("\n".join(vocab) + "\n", "utf-8")
    t = tokenizer(vocab, normaliser())
    write("uncased.jsonl", [{"text": x, "ids": t.encode(
        x, add_special_tokens=False).ids} for x in texts])
    rows = [pair_row(t, rnd, texts) for _ in range(150)]
    write("pairs.jsonl", [r for r in rows if r])
    t = tokenizer(vocab, normaliser(lowercase=False, strip_accents=False,
                                    handle_chinese_chars=False))
    t.save(str(OUT / "cased.json"), pretty=False)
    write("cased.jsonl", [{"text": x, "ids": t.encode(
        x, add_special_tokens=False).ids} for x in texts])


main()
