#!/usr/bin/env python3
"""Questions, answers and what has them, as DPR's evaluation finds it.

    python tools/golden/answers.py tests/data/golden/answers

The rule in our own words (spec 4.8): decompose (NFD), take runs of letters,
numbers and marks, or single characters that are neither separators nor of the
category "other", lower each; a text has an answer if the answer's tokens stand
together in the text's.  Needs the package regex, as DPR does.

    tokens.jsonl     texts and their tokens, many of random characters
    questions.tsv    question, answers as Python's list, also quoted as in CSV
    corpus.jsonl run.tsv   passages, hits
    expected.json    hits that have an answer, and the accuracies
    lists.jsonl      lists as Python writes them, and what they are
"""
import ast
import json
import os
import random
import sys
import unicodedata

import regex

TOKEN = regex.compile(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]")
rng = random.Random(20260101)


def tokens(text):
    return [t.lower() for t in TOKEN.findall(unicodedata.normalize("NFD", text))]


def has(text, answers):
    have = tokens(text)
    for a in answers:
        want = tokens(a)
        if any(have[i:i + len(want)] == want for i in range(len(have) - len(want) + 1)):
            return True
    return False


TEXTS = [
    "", " ", "Who wrote Faust?", "don't stop-me now", "U.S.A. in 1,000.5 days",
    "Ångström, Zoë, naïve — “quoted”", "ΟΔΥΣΣΕΥΣ ΣΑΣ Σ ΑΣΒ ΑΣ΄Β ΑΣ̈ ̈ΑΣ", "İstanbul I i ı",
    "한국어 가각", "日本語のテキスト", "ﬁne ½ ² Ⅷ", "a\u200bb\u00adc\u00a0d\u2028e", "tab\tnew\nline\x00nul\x7f",
    "emoji 👩\u200d🚀 ok", "e\u0301\u0327 e\u0327\u0301 \u0301alone", "हिन्दी में", "العَرَبِيَّة", "$5 + €3 = £x",
    "\ud800 lone".encode("utf-8", "replace").decode(), "\ufffd", "DŽ Dž dž ẞ ß",
]


def random_text():
    """Characters that Unicode 14 has."""
    out = []
    while len(out) < 40:
        c = chr(rng.choice([rng.randrange(0x20, 0x500), rng.randrange(0x500, 0x3000),
                            rng.randrange(0x3000, 0xD800), rng.randrange(0xE000, 0x11000),
                            rng.randrange(0x1D000, 0x1FA00)]))
        if unicodedata.category(c) in ("Cn", "Co"):
            continue
        out.append(c)
    return "".join(out)


PASSAGES = [
    ("Faust", "A play by Johann Wolfgang von Goethe, 1808."),
    ("Goethe", "Written in Weimar."),
    ("Bridges", "Königsberg had 7 bridges; Euler asked in 1736."),
    ("Number", "The year was 17 36."),
    ("Night", "It was last in the U.S. on December 14, 1972."),
    ("Wedding", "JOHANN wolfgang VON goethe's house"),
    ("Empty", ""),
    ("Zoë", "zoe\u0308 and ZOË"),
    ("Quote", "He said \"it's over\" and left."),
    ("Part", "Goethean studies"),
]
QUESTIONS = [
    ("who wrote faust", ["Goethe", "J. W. Goethe"]),
    ("when did euler ask", ["1736"]),
    ("last man on the moon", ["14 December 1972 UTC", "December 14, 1972"]),
    ("what is zoë", ["ZOË"]),
    ('what did he say about "it"', ["\"it's over\"", "it's over\\"]),
    ("an answer without tokens", ["\u200b"]),
    ("no answers at all", []),
    ("never asked", ["x"]),
]


def csv_field(s):
    return '"' + s.replace('"', '""') + '"' if '"' in s else s


def write_questions(path):
    with open(path, "w", encoding="utf-8") as f:
        for q, a in QUESTIONS:
            f.write(csv_field(q) + "\t" + csv_field(repr(a)) + "\n")
        f.write("who wrote faust\t['nobody']\n")  # a duplicate: passed over


def write_run(path):
    hits = {}
    with open(path, "w", encoding="utf-8") as f:
        for q, _ in QUESTIONS[:-1]:
            order = list(range(len(PASSAGES)))
            rng.shuffle(order)
            hits[q] = order
            for r, p in enumerate(order, 1):
                f.write(f"{q}\t{p}\t{r}\t0.5\n")  # scores tie: ranks count
    return hits


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    dump = lambda x: json.dumps(x, ensure_ascii=False)
    with open(out + "/tokens.jsonl", "w", encoding="utf-8") as f:
        for t in TEXTS + [random_text() for _ in range(120)]:
            f.write(dump({"text": t, "tokens": tokens(t)}) + "\n")
    with open(out + "/corpus.jsonl", "w", encoding="utf-8") as f:
        for i, (title, text) in enumerate(PASSAGES):
            f.write(dump({"id": str(i), "contents": text, "title": title}) + "\n")
    write_questions(out + "/questions.tsv")
    hits = write_run(out + "/run.tsv")
    marks = {q: [has(PASSAGES[p][1], a) for p in hits[q]] for q, a in QUESTIONS if q in hits}
    first = [m.index(True) if True in m else 10**9 for m in marks.values()]
    acc = {str(k): sum(i < k for i in first) / len(first) for k in (1, 2, 3, 5, 20, 100)}
    with open(out + "/expected.json", "w", encoding="utf-8") as f:
        f.write(dump({"has": marks, "acc": acc}) + "\n")
    lists = [[], ["a"], ["it's", 'say "x"', "both ' and \""], ["\t\n\\x", "\x00\x7f\x80\u00e9"],
             ["\u200b\u2028", "😀"]]
    literals = [repr(x) for x in lists] + [
        "[ 'a' , \"b\" , ]", "[u'x', U\"y\"]", r"['\x41\u00e9\U0001F600\101\0']", r"['\d\q\'\"']", "['a\\\nb']"]
    with open(out + "/lists.jsonl", "w", encoding="utf-8") as f:
        for s in literals:
            f.write(dump({"literal": s, "list": ast.literal_eval(s)}) + "\n")


if __name__ == "__main__":
    main()
