/*
 * simlm/card.h - what an evaluation came to, in the card (README.md) of the
 * model that was measured (experimental API).
 *
 *   simlm_card_options o;
 *
 *   simlm_card_options_init(&o);
 *   o.model = "models/retriever";
 *   o.judged = "dev_qrels.txt";
 *   if (simlm_card_check(&o, &err) == SIMLM_OK &&
 *       simlm_eval_open(&e, o.judged, "dev.run", NULL, &err) == SIMLM_OK)
 *           st = simlm_card_put(&o, e, &err);
 *
 * The measures become a result in the card's front matter, in the form that
 * Hugging Face's hub reads and shows (model-index), and a table in its text.
 * Another dataset's are put beside them, the same one's replaced.  Whatever else
 * is in the card, of whatever hand, stays as it is, byte for byte; where that
 * cannot be, the card is refused.
 */
#ifndef SIMLM_CARD_H
#define SIMLM_CARD_H

#include <stdbool.h>

#include <simlm/eval.h>
#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_card_options {
    const char *model;   /* its directory; required */
    const char *dataset; /* what was measured on, in a few words; NULL: after
                          * `judged` */
    const char *judged;  /* the judgements' file ("dev_qrels.txt": dev), or the
                          * questions'; required without dataset */
} simlm_card_options;
SIMLM_API void simlm_card_options_init(simlm_card_options *options);

/* May a dataset be called so?  1 to 100 bytes, none of them a quote ("), a
 * backslash, <, > or a control character. */
SIMLM_API bool simlm_card_is_name(const char *dataset);

/*
 * Can an evaluation be put there?  To be asked before one that takes long.
 *
 *   E_ARG     an option is missing; no name for the dataset; no model there, or
 *             one without a card
 *   E_IO, E_RANGE, E_NOMEM
 *   E_FORMAT  the card is not understood
 */
SIMLM_API simlm_status simlm_card_check(const simlm_card_options *options,
                                        simlm_error *err);

/* Put it there; the card is written whole or not at all, and not if it has that
 * already.  Errors as above. */
SIMLM_API simlm_status simlm_card_put(const simlm_card_options *options,
                                      const simlm_eval *eval, simlm_error *err);

/* Has the card an evaluation of that dataset?  false, too, if it cannot be read. */
SIMLM_API bool simlm_card_has(const simlm_card_options *options);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_CARD_H */
