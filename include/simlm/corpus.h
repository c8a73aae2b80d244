/*
 * simlm/corpus.h - the texts of a corpus by id, in memory (experimental).
 *
 *   simlm_corpus *c = NULL;
 *   simlm_text t;
 *
 *   if (simlm_corpus_open(&c, &path, 1, &err) == SIMLM_OK &&
 *       simlm_corpus_find(c, simlm_index_id(index, hit.row), &t))
 *           puts(t.text);
 *   simlm_corpus_close(c);
 */
#ifndef SIMLM_CORPUS_H
#define SIMLM_CORPUS_H

#include <stdbool.h>

#include <simlm/simlm.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_corpus simlm_corpus;

/*
 * Read the n files as one corpus: JSON lines or tab-separated, plain, gzip or
 * zstd.
 *
 *   E_ARG     no path
 *   E_IO, E_NOMEM
 *   E_FORMAT  a malformed line, or an id twice; msg names file and line
 */
SIMLM_API simlm_status simlm_corpus_open(simlm_corpus **out,
                                         const char *const *path, int32_t n,
                                         simlm_error *err);
SIMLM_API void simlm_corpus_close(simlm_corpus *c);

/* False if there is no such passage.  The texts live as long as the corpus;
 * title is NULL where there is none. */
SIMLM_API bool simlm_corpus_find(const simlm_corpus *c, const char *id,
                                 simlm_text *out);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_CORPUS_H */
