/*
 * prepare/titles.h - titles by row: RocketQA's para.title.txt, "id \t title" in
 * the corpus's order.  What stands for a missing one there ("-") is a title.
 */
#ifndef SL_PREPARE_TITLES_H
#define SL_PREPARE_TITLES_H

#include "data/corpus.h"
#include "format/lines.h"

struct sl_titles {
    struct sl_lines *in; /* NULL: there are none */
};

simlm_status sl_titles_open(struct sl_titles *t, const char *path,
                            simlm_error *err);
void sl_titles_close(struct sl_titles *t); /* of a zeroed one, too */

/* Give the next row its title; it lives until the next call.  E_FORMAT: a line
 * without, or there are no more. */
simlm_status sl_titles_next(struct sl_titles *t, struct sl_passage *p,
                            simlm_error *err);

/* E_FORMAT unless there are no more. */
simlm_status sl_titles_end(struct sl_titles *t, int64_t n_passages,
                           simlm_error *err);

#endif
