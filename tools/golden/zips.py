#!/usr/bin/env python3
"""Zip files of texts, as Python's zipfile writes them.

    tools/golden/zips.py tests

writes data/zips/beir.zip, a data set in BEIR's layout (deflated, one entry
stored, a Mac's leftovers between them), and fuzz/seeds/zip/*, whose entry `a`
the fuzz target reads.
"""
import gzip
import io
import os
import sys
import zipfile

DATE = (2020, 1, 1, 0, 0, 0)
DEFLATED, STORED = zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED


def write(path, entries):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with zipfile.ZipFile(path, "w") as z:
        for name, data, method in entries:
            info = zipfile.ZipInfo(name, DATE)
            info.compress_type = method
            z.writestr(info, data)


def gz(text):
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as f:
        f.write(text)
    return out.getvalue()


CORPUS = b"""{"_id": "doc-a", "title": "Faust", "text": "A play by Goethe.", "metadata": {}}
{"_id": "doc-b", "title": "", "text": "K\\u00f6nigsberg has seven bridges."}
{"_id": "doc-c", "title": "Tops", "text": "A top spins\\non its point."}
"""
QUERIES = b"""{"_id": "q1", "text": "who wrote faust", "metadata": {"url": "x"}}
{"_id": "q2", "text": " how many\\tbridges "}
{"_id": "q3", "text": "never judged"}
"""
HEAD = b"query-id\tcorpus-id\tscore\n"


def main():
    tests = sys.argv[1]
    write(tests + "/data/zips/beir.zip", [
        ("tiny/", b"", STORED),
        ("tiny/corpus.jsonl", CORPUS, DEFLATED),
        ("__MACOSX/tiny/._corpus.jsonl", b"not this one", STORED),
        ("tiny/queries.jsonl", QUERIES, STORED),
        ("tiny/qrels/test.tsv", HEAD + b"q2\tdoc-b\t1\nq1\tdoc-a\t2\nq1\tdoc-c\t0\n", DEFLATED),
        ("tiny/qrels/dev.tsv", HEAD + b"q1\tdoc-a\t1\n", DEFLATED),
    ])
    seeds = tests + "/fuzz/seeds/zip/"
    text = b"one line\nand another\n" * 9
    write(seeds + "stored", [("a", text, STORED)])
    write(seeds + "deflated", [("b", b"x", STORED), ("a", text, DEFLATED)])
    write(seeds + "gzip_inside", [("a", gz(text), DEFLATED)])


if __name__ == "__main__":
    main()
