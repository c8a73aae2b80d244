/*
 * data/qa.h - questions with their answers, a line each (spec 5.4, "qa"):
 *
 *   who wrote faust \t ['Goethe', "Johann Wolfgang von Goethe"]
 *
 * as DPR's nq-test.qa.csv has them: the question is its own id, the answers are
 * a list of Python's (format/pylist.h), and either field may be quoted as in
 * CSV: while a field begins and ends with '"', these go and "" is ".
 */
#ifndef SL_DATA_QA_H
#define SL_DATA_QA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "format/pylist.h"

struct sl_qa {
    struct sl_str question; /* without blanks at its ends */
    struct sl_str field;    /* private: the answers, not quoted */
    struct sl_pylist answers;
};

/* Does the line look like one of these, and not like "id \t query"? */
bool sl_qa_is(const char *line, size_t len);

/*
 * *qa <- the line [len].  A blank one: *qa has no question.
 *
 *   E_FORMAT  "path:line: expected ..."
 *   E_NOMEM
 */
simlm_status sl_qa_parse(struct sl_qa *qa, const char *line, size_t len,
                         const char *path, int64_t number, simlm_error *err);
void sl_qa_free(struct sl_qa *qa);

/* *to <- the question that a line with this text [n] has: without the quotes,
 * without blanks at its ends. */
void sl_qa_question(struct sl_str *to, const char *text, size_t n);

#endif
