/*
 * text/vocab_train.h - a WordPiece vocabulary from word counts.
 *
 * The vocabulary, in order:
 *
 *   special     of 1000 tokens or more, where BERT has them: [PAD] 0,
 *               [unused0] .. [unused98], [UNK] 100, [CLS] 101, [SEP] 102,
 *               [MASK] 103; in a smaller one these five come first
 *   alphabet    the most frequent characters in code point order, then those
 *               that also occur inside words, with "##".  At most half of what
 *               the special tokens leave is alphabet
 *   pieces      joined from two pieces each, the most frequent pair first, as
 *               Hugging Face's WordPieceTrainer does it; of equal counts, the
 *               pair whose left (then right) token came first
 *
 * A word with a character outside the alphabet teaches nothing: the tokenizer
 * will make [UNK] of it.
 */
#ifndef SL_TEXT_VOCAB_TRAIN_H
#define SL_TEXT_VOCAB_TRAIN_H

#include <simlm/observer.h>

#include "base/status.h"
#include "base/strmap.h"

enum { SL_VOCAB_MIN = 16, SL_VOCAB_MAX = 1 << 24 };

struct sl_vocab_plan {
    int32_t size;          /* SL_VOCAB_MIN .. SL_VOCAB_MAX */
    int64_t min_frequency; /* of a pair, to be joined */
    int32_t max_alphabet;  /* characters, "##" forms not counted */
};

/*
 * *out <- the tokens; entry i is token i.  `words` maps words to counts.
 * Fewer than `size` if no pair is frequent enough: the observer is told.
 *
 *   E_NOMEM, E_CANCELLED
 */
simlm_status sl_vocab_train(struct sl_strmap **out,
                            const struct sl_strmap *words,
                            const struct sl_vocab_plan *plan,
                            const simlm_observer *observer, simlm_error *err);

#endif
