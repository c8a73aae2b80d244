#!/usr/bin/env python3
"""Write lib/text/bert_unicode.inc: what Hugging Face's BERT tokenizer thinks of
every code point, found by asking it.

Its tables are older than any Unicode library on the machine (categories of
Unicode 8, decompositions of 9) and will stay so, because models were trained
with them; so they are measured here and not taken from libutf8proc.

    python3 tools/golden/bert_unicode.py > lib/text/bert_unicode.inc

Made with tokenizers 0.23.3.
"""
from tokenizers.normalizers import BertNormalizer, NFD
from tokenizers.pre_tokenizers import BertPreTokenizer

POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def normaliser(**on):
    off = dict(clean_text=False, handle_chinese_chars=False,
               strip_accents=False, lowercase=False)
    return BertNormalizer(**{**off, **on}).normalize_str


CLEAN = normaliser(clean_text=True)
CJK = normaliser(handle_chinese_chars=True)
STRIP = normaliser(strip_accents=True)
LOWER = normaliser(lowercase=True)
NFD_STR = NFD().normalize_str
PIECES = BertPreTokenizer().pre_tokenize_str


def is_space(ch):
    return len(PIECES("a" + ch + "b")) == 2


def ranges(points):
    out = []
    for c in points:
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def emit_ranges(name, points, comment):
    print(f"/* {comment} */")
    print(f"static const struct range {name}[] = {{")
    emit_rows([f"{{ 0x{a:04X}, 0x{b:04X} }}" for a, b in ranges(points)])


def emit_rows(cells):
    line = "   "
    for cell in cells:
        if len(line) + len(cell) + 2 > 80:
            print(line)
            line = "   "
        line += " " + cell + ","
    print(line)
    print("};\n")


def combining_classes():
    """Code points that decomposition reorders although "strip" keeps them,
    with their class: found by putting each beside a mark of every class."""
    probes = {1: 0x334, 7: 0x93C, 8: 0x3099, 9: 0x94D, 84: 0xC55, 91: 0xC56,
              103: 0xE38, 107: 0xE48, 118: 0xEB8, 122: 0xEC8, 129: 0xF71,
              130: 0xF72, 132: 0xF74, 202: 0x321, 214: 0x1DCE, 216: 0x31B,
              218: 0x302A, 220: 0x316, 222: 0x59A, 224: 0x302E, 226: 0x1D16D,
              228: 0x302B, 230: 0x300, 232: 0x315, 233: 0x35C, 234: 0x35D,
              240: 0x345}
    found = {}
    for c in POINTS:
        ch = chr(c)
        if NFD_STR(ch) != ch or STRIP(ch) == "":
            continue
        # A mark of class k moves in front of a character of class > k.
        moved = [k for k, m in probes.items()
                 if NFD_STR("a" + ch + chr(m)) != "a" + ch + chr(m)]
        stays = [k for k, m in probes.items()
                 if NFD_STR("a" + chr(m) + ch) == "a" + chr(m) + ch]
        if len(moved) == 0 and len(stays) == len(probes):
            continue
        same = [k for k in probes if k not in moved and k in stays]
        assert len(same) == 1, (hex(c), moved, stays)
        found[c] = same[0]
    return found


def emit_classes(found):
    print("/* Non-starters that are kept when accents are stripped. */")
    print("static const struct class_range kept_class[] = {")
    cells = []
    for value in sorted(set(found.values())):
        for a, b in ranges([c for c in sorted(found) if found[c] == value]):
            cells.append((a, f"{{ 0x{a:04X}, 0x{b:04X}, {value} }}"))
    emit_rows([text for _, text in sorted(cells)])


def emit_lower():
    """Lower case that libutf8proc 2.8 (Unicode 15) does not know yet, and
    nothing older: whatever maps to another single character there and is not
    known to Python (Unicode 13 to 15, by version) either."""
    import unicodedata
    rows = []
    for c in POINTS:
        low = LOWER(chr(c))
        if low == chr(c) or unicodedata.category(chr(c)) != "Cn":
            continue
        assert len(low) == 1
        delta = ord(low) - c
        if rows and rows[-1][1] == c - 1 and rows[-1][2] == delta:
            rows[-1][1] = c
        else:
            rows.append([c, c, delta])
    print("/* Lower case since Unicode "
          f"{unicodedata.unidata_version}: + delta. */")
    print("static const struct lower_range new_lower[] = {")
    emit_rows([f"{{ 0x{a:04X}, 0x{b:04X}, {d} }}" for a, b, d in rows])


def main():
    print("/* Written by tools/golden/bert_unicode.py: do not edit. */")
    print("/* clang-format off */\n")
    emit_ranges("dropped", [c for c in POINTS if CLEAN("a" + chr(c) + "b") == "ab"],
                "Removed by clean_text: Cc, Cf, Co as of Unicode 8, U+FFFD.")
    emit_ranges("spaces", [c for c in POINTS if is_space(chr(c))],
                "White space.")
    emit_ranges("ideographs",
                [c for c in POINTS if CJK("a" + chr(c) + "b") != "a" + chr(c) + "b"],
                "Set apart by tokenize_chinese_chars.")
    emit_ranges("puncts",
                [c for c in POINTS if len(PIECES("a" + chr(c) + "b")) == 3],
                "A word by itself: P as of Unicode 8, and ASCII's symbols.")
    emit_ranges("marks",
                [c for c in POINTS if STRIP("a" + chr(c) + "b") == "ab"],
                "Removed by strip_accents: Mn as of Unicode 8.")
    emit_ranges("composed", [c for c in POINTS if NFD_STR(chr(c)) != chr(c)],
                "Have a canonical decomposition.")
    emit_classes(combining_classes())
    emit_lower()
    print("/* clang-format on */")


main()
