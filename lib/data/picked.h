/*
 * data/picked.h - the texts of some passages of a corpus, by id: of those that
 * a run or a list names, which are few beside the corpus.
 */
#ifndef SL_DATA_PICKED_H
#define SL_DATA_PICKED_H

#include <simlm/observer.h>

#include "base/strmap.h"
#include "data/corpus.h"

struct sl_picked;

/*
 * Read the corpus once and keep the passages whose ids are keys of `wanted`.
 * E_FORMAT if it has not all of them: "passage '<id>' of <whose> is not in the
 * corpus".  obs hears of "reading".
 */
simlm_status sl_picked_load(struct sl_picked **out,
                            const struct sl_strmap *wanted, const char *whose,
                            const char *corpus, const simlm_observer *obs,
                            simlm_error *err);
void sl_picked_free(struct sl_picked *p); /* accepts NULL */

/* The passage of wanted's entry i, without its id. */
struct sl_passage sl_picked_get(const struct sl_picked *p, int64_t i);

#endif
