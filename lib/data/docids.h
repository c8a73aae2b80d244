/*
 * data/docids.h - the ids of a corpus: row <-> string.
 *
 * SimLM's corpora number their rows ("0", "1", ...) and every file of its
 * pipeline speaks of passages by row number.  Such ids are not stored at all;
 * any others are kept in a hash map.  Both look the same from outside.
 */
#ifndef SL_DATA_DOCIDS_H
#define SL_DATA_DOCIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct sl_docids;

struct sl_docids *sl_docids_new(void);           /* NULL if out of memory */
struct sl_docids *sl_docids_new_rows(int64_t n); /* "0" .. "n - 1" */
void sl_docids_free(struct sl_docids *d);

int64_t sl_docids_count(const struct sl_docids *d);

/* True if the id of each row is its row number in decimal. */
bool sl_docids_are_rows(const struct sl_docids *d);

/*
 * Add the next row's id: *row becomes count - 1, or the row that already has
 * that id, and then nothing is added.  E_NOMEM.
 */
simlm_status sl_docids_add(struct sl_docids *d, const char *id, size_t len,
                           int64_t *row, simlm_error *err);

/* The row, or -1. */
int64_t sl_docids_find(const struct sl_docids *d, const char *id, size_t len);

/*
 * The id of a row, NUL-terminated, valid as long as d and buf: a row number is
 * written into buf.
 */
#define SL_DOCID_BUF 24
const char *sl_docids_get(const struct sl_docids *d, int64_t row,
                          char buf[SL_DOCID_BUF]);

#endif
