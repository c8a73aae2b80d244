/*
 * prepare/dpr.h - what DPR published (Karpukhin et al., 2020): a record of its
 * training files, a line of its Wikipedia.
 *
 *   biencoder-nq-train.json  [{"question": "...", "answers": ["...", ...],
 *                              "positive_ctxs": [{"passage_id": "17", "title":
 *                              "...", "text": "...", "score": 1000}, ...],
 *                              "negative_ctxs": [...],
 *                              "hard_negative_ctxs": [...]}, ...]
 *   psgs_w100.tsv            id \t text \t title, with that header, fields
 *                            quoted as in CSV where they hold quotes
 *
 * Passages are called from 1 there, by their rows from 0 here.
 */
#ifndef SL_PREPARE_DPR_H
#define SL_PREPARE_DPR_H

#include "base/status.h"
#include "base/str.h"
#include "data/corpus.h"
#include "format/lines.h"
#include "format/pylist.h"

struct sl_dpr_passages {
    struct sl_dpr_passage {
        int64_t row;
        double score; /* -1: none is given */
    } * list;
    int64_t n, cap;
};

enum { SL_DPR_POSITIVE, SL_DPR_NEGATIVE, SL_DPR_HARD, SL_DPR_LISTS };

struct sl_dpr_record {
    struct sl_str question; /* as data/qa.h has it */
    struct sl_pylist answers;
    struct sl_dpr_passages of[SL_DPR_LISTS];
    struct sl_str room; /* private */
};

/*
 * *r <- the element (format/jsonarray.h).  r is a zeroed one or has been used
 * before.  Scores and lists may be absent; a passage of a list must have an id,
 * "passage_id" or "psg_id", from 1 to n_passages.
 *
 *   E_FORMAT  "path:line: expected ..."
 *   E_NOMEM
 */
simlm_status sl_dpr_record_parse(struct sl_dpr_record *r,
                                 const struct sl_line *element,
                                 const char *path, int64_t n_passages,
                                 simlm_error *err);
void sl_dpr_record_free(struct sl_dpr_record *r);

/* *p <- the passage of a line of psgs_w100.tsv, which is written into; its id
 * is the file's.  E_FORMAT */
simlm_status sl_dpr_passage_parse(struct sl_passage *p, struct sl_line *line,
                                  const char *path, simlm_error *err);

#endif
