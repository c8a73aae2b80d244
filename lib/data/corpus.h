/*
 * data/corpus.h - passages: id, title, contents (spec 5.1).
 *
 * Recognised by looking, each plain, .gz or .zst:
 *
 *   SimLM     {"id": "0", "contents": "...", "title": "..."}
 *   BEIR      {"_id": "...", "title": "...", "text": "..."}
 *   MS MARCO  id \t passage
 *
 *   1. Several files are one corpus, rows counted through.  A file that starts
 *      with '{' is JSON lines, any other has two tab-separated fields.
 *   2. An id is a string: not empty, without tab, line end or NUL.  A JSON
 *      integer counts as its decimal digits.  The same id twice is an error
 *      that names both lines (in one file, where nobody asks for a passage by
 *      its id: sl_corpus_reader_ids_apart()).
 *   3. A title that is absent, null or "" is absent: title == NULL.  What then
 *      stands for it is the model's business, not the corpus's.
 *   4. Contents may be "".  Strings may hold any bytes: invalid UTF-8 is passed
 *      on (the tokenizer replaces it), a lone surrogate escape is U+FFFD, and
 *      \u0000 is a NUL byte within the length.
 *   5. Other members of an object are skipped, but must be JSON.  Blank lines
 *      are skipped and get no row.
 *   6. A bad line is E_FORMAT "file:line: expected ...".
 */
#ifndef SL_DATA_CORPUS_H
#define SL_DATA_CORPUS_H

#include <stddef.h>
#include <stdint.h>

#include <simlm/observer.h>

#include "base/status.h"
#include "data/docids.h"

struct sl_passage {
    const char *id, *title, *contents; /* NUL-terminated; title NULL: absent */
    size_t id_len, title_len, contents_len;
};

/* ---- one pass over any size ---------------------------------------------- */

/*
 * Blocks of consecutive passages, parsed in parallel.  What a block holds
 * depends on the files alone.  Ids are checked for rule 2 and kept (for row
 * numbers, at no cost); a block's texts live until the next call.
 */
struct sl_corpus_reader;

struct sl_passage_block {
    const struct sl_passage *passage;
    int64_t n;         /* 0 at the end */
    int64_t first_row; /* row of passage[0] */
};

/* obs hears of "reading" in bytes of the files. */
simlm_status sl_corpus_reader_open(struct sl_corpus_reader **out,
                                   const char *const *path, int64_t n_paths,
                                   const simlm_observer *obs, simlm_error *err);
void sl_corpus_reader_close(struct sl_corpus_reader *r);
simlm_status sl_corpus_reader_next(struct sl_corpus_reader *r,
                                   struct sl_passage_block *block,
                                   simlm_error *err);

/*
 * Before the first block: ids need be unlike others of their file alone, as rows
 * of several of SimLM's corpora, each numbered from 0, are.
 */
void sl_corpus_reader_ids_apart(struct sl_corpus_reader *r);

/* The ids so far (apart: those of the last file); once taken they are the caller's to free. */
const struct sl_docids *sl_corpus_reader_ids(const struct sl_corpus_reader *r);
struct sl_docids *sl_corpus_reader_take_ids(struct sl_corpus_reader *r);

/* ---- in memory ----------------------------------------------------------- */

/* All passages, with random access: the texts' bytes, 24 each, and the ids. */
struct sl_corpus;

simlm_status sl_corpus_load(struct sl_corpus **out, const char *const *path,
                            int64_t n_paths, const simlm_observer *obs,
                            simlm_error *err);
void sl_corpus_free(struct sl_corpus *c);

int64_t sl_corpus_count(const struct sl_corpus *c);
struct sl_passage sl_corpus_get(const struct sl_corpus *c, int64_t row);

/* Rows are found by id here. */
const struct sl_docids *sl_corpus_ids(const struct sl_corpus *c);

/*
 * What identifies a corpus without parsing it: a hash of its files' bytes (as
 * stored), in order.  E_ARG for "-", which cannot be read twice.
 */
simlm_status sl_corpus_hash(uint64_t *out, const char *const *path,
                            int64_t n_paths, simlm_error *err);

#endif
