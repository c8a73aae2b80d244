/*
 * text/pieces.h - WordPiece: a word to the ids of its pieces (spec 10.2, step
 * 7), the second half of BERT's tokenizer.
 *
 * Two structures over the same tokens:
 *
 *   words  a hash table of the tokens of at most 16 bytes, the key being these
 *          bytes as two integers.  Nineteen words in twenty of English are
 *          one token, found by one probe.
 *   trie   all tokens by byte, for the longest match.  The nodes lie in level
 *          order, so that the children of a node are neighbours and those of
 *          node i end where those of node i + 1 begin:
 *
 *              node    0 (start)  1 ("##")  2 a  3 t  4 e  5 i  6 h ...
 *              first   2          4         ..   6
 *              label              .         a    t    e    i    h
 */
#ifndef SL_TEXT_PIECES_H
#define SL_TEXT_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* A token to build from; "##" and the like already cut off. */
struct sl_piece {
    const char *text;
    uint32_t len;
    int32_t id;
    int32_t continues; /* 0: starts a word, 1: continues one */
};

struct sl_pieces;

/*
 * piece [n] is sorted in place; empty ones are left out.  No two that agree in
 * text and `continues`.  E_NOMEM, E_RANGE (2 GiB of tokens).
 */
simlm_status sl_pieces_new(struct sl_pieces **out, struct sl_piece *piece,
                           int64_t n, simlm_error *err);
void sl_pieces_free(struct sl_pieces *p);

/*
 * id <- the pieces of the word, greedily the longest from the left; returns how
 * many, or 0 if the word has no such cover.  Room for `len` ids; a
 * word of less than 16 bytes is followed by zeros up to there.
 */
int64_t sl_pieces_split(const struct sl_pieces *p, int32_t *id,
                        const unsigned char *word, size_t len);

/*
 * The longest piece that text[0 .. len) starts with: its id, and its length in
 * *matched; -1 if there is none.
 */
int32_t sl_pieces_longest(const struct sl_pieces *p, int continues,
                          const unsigned char *text, size_t len,
                          size_t *matched);

#endif
