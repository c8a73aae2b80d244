#!/bin/sh
# Package lists to a collection: which package stands for a source, what becomes
# of odd descriptions, and how sources are split.
. "$(dirname "$0")/lib.sh"
packages=$SIMLM_SOURCE/demo/packages

cat >Packages <<'END'
Package: plain
Section: utils
Description: tool for plain things
Description-md5: 01

Package: zoo-doc
Source: zoo
Description: zoo manual
Description-md5: 02

Package: zoo
Description: keeper of animals
Description-md5: 03

Package: libpair1
Source: pair (1.2-3)
Description: first half of a pair
Description-md5: 04

Package: libpair-extra
Source: pair
Description: second half of a pair
Description-md5: 05

Package: oldname
Description: transitional package
Description-md5: 06

Package: older
Section: oldlibs
Description: the name before that
Description-md5: 07

Package: twin
Description: Tool for  PLAIN things!
Description-md5: 08

Package: wordless
Description: a tool without a text
Description-md5: 09

Package: listed
Description: does "many" things\now
Description-md5: 10

Package: echo
Description: repeater of words
Description-md5: 11

Package: line
Description: line on its own
Description-md5: 12

Package: inline
Description: text in the list itself
 As third parties have it.
 .
 With a second paragraph.

Package: umlaut
Description: größere Sachen
Description-md5: 13

Package: untranslated
Description: without any translation
Description-md5: 99

Package: plain
Description: a second version of plain
Description-md5: 02
END
cat >Translation-en <<'END'
Package: plain
Description-md5: 01
Description-en: tool for plain things
 Does plain things
 in two lines.

Package: zoo-doc
Description-md5: 02
Description-en: zoo manual
 A long, long manual that says more than the package itself does.

Package: zoo
Description-md5: 03
Description-en: keeper of animals
 Keeps them.

Package: libpair1
Description-md5: 04
Description-en: first half of a pair
 Short.

Package: libpair-extra
Description-md5: 05
Description-en: second half of a pair
 The longer text.

Package: oldname
Description-md5: 06
Description-en: transitional package
 This is a transitional package; it may be removed.

Package: older
Description-md5: 07
Description-en: the name before that
 Use the other one.

Package: twin
Description-md5: 08
Description-en: Tool for  PLAIN things!
 Says it again.

Package: wordless
Description-md5: 09
Description-en: a tool without a text

Package: listed
Description-md5: 10
Description-en: does "many" things\now
 Features:
  * one	tab
  - two "quotes"
    and more
  o three \ backslash
 .
  -----
 .
 The end & <b>.

Package: echo
Description-md5: 11
Description-en: repeater of words
 A repeater of words. It says what was said.

Package: line
Description-md5: 12
Description-en: line on its own
 Line on its own
 Something else follows.

Package: umlaut
Description-md5: 13
Description-en: größere Sachen
 Für alle.
END
# passage ID: title and contents as they are in the file.
passage() { sed -n "s/^{\"id\":\"$1\",\"title\":\"$1\",\"contents\":\"\(.*\)\"}\$/\1/p" got/passages.jsonl; }
says() { [ "$(passage "$1")" = "$2" ] || { echo "not '$2': $(passage "$1")"; return 1; }; }
ids() { sed 's/^{"id":"\([^"]*\)".*/\1/' got/passages.jsonl | tr '\n' ' '; }
has_ids() { [ "$(ids)" = "$1 " ] || { echo "not '$1': $(ids)"; return 1; }; }
query() { cat got/*_queries.tsv | awk -F '\t' -v id="$1" '$1 == id { print $2 }'; }
asks() { [ "$(query "$1")" = "$2" ] || { echo "not '$2': $(query "$1")"; return 1; }; }

t 'lists become a collection' exits 0 "$packages" got Translation-en Packages
t 'one package a source, with a text, no transitional one, no synopsis twice' \
    has_ids 'plain zoo libpair-extra listed echo line inline umlaut'
t 'lines are joined' says plain 'Does plain things in two lines.'
t 'the package of the source'"'"'s name is taken before longer ones' says zoo 'Keeps them.'
t 'else the longest text' says libpair-extra 'The longer text.'
t 'marks of lists go, quotes and backslashes are escaped' says listed \
    'Features: one tab two \"quotes\" and more three \\ backslash The end & <b>.'
t 'a first sentence that is the synopsis goes' says echo 'It says what was said.'
t 'so does a first line' says line 'Something else follows.'
t 'a description in the list itself counts' says inline 'As third parties have it. With a second paragraph.'
t 'UTF-8 stays' says umlaut 'Für alle.'
t 'the synopsis is the query' asks listed 'does "many" things\now'
t 'simlm reads what was written' exits 0 "$SIMLM" bm25 index -o bm25 got/passages.jsonl

t 'the order of the lists does not matter' exits 0 "$packages" other Packages Translation-en
t 'nor for the passages' same got/passages.jsonl other/passages.jsonl
gzip -k Packages
t 'a compressed list is the same' exits 0 "$packages" other Translation-en Packages.gz
t 'as it is plain' same got/passages.jsonl other/passages.jsonl
printf 'Package: bad\nDescription: broken \377 byte\n Text \376 here.\n' >broken
t 'bytes that are not UTF-8 are dropped' exits 0 "$packages" got broken
t 'and the rest kept' says bad 'Text here.'
: >nothing
t 'a list without packages' complains 'no package with an English description' "$packages" none nothing
t 'a list that is not there' complains 'cannot read absent-file' "$packages" none Packages absent-file

# ---- the split ----------------------------------------------------------------------
awk 'BEGIN { for (i = 0; i < 5000; i++)
    printf "Package: p%d\nDescription: synopsis of %d\n Text of %d.\n\n", i, i, i }' >many
share() { awk -v least="$1" -v most="$2" 'END { if (NR < least || NR > most) { print NR; exit 1 } }' "got/$3_queries.tsv"; }
t 'five thousand packages' exits 0 "$packages" got many
t '18% are test queries' share 800 1000 test
t '4% are dev queries' share 150 250 dev
t 'the rest are training queries' share 3700 4100 train
first_dev() { cut -f1 got/dev_queries.tsv | head -n 6 | tr '\n' ' '; }
t 'and a name falls where it always fell' [ "$(first_dev)" = 'p26 p27 p61 p62 p110 p111 ' ]
judged() { awk '{ print $1 " 0 " $1 " 1" }' "got/$1_queries.tsv" | cmp - "got/$1_qrels.txt"; }
t 'a query has its package relevant' judged test
finish
