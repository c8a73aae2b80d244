/*
 * retrieve/scorestore.h - the scores of a long job, kept beside its output until
 * that is whole, so that a job that was killed goes on where it was.
 *
 *   <output>.scores   "simlmSC1", uint64 key; then, for each saving,
 *                     int64 n, uint64 hash of the scores, float score[n]
 *
 * in the order in which the job computes them, as the machine has numbers.  A
 * saving is on the disk before the next scores are computed.  `key` names all
 * that decides them; a file of another key, and what follows a saving whose hash
 * is wrong, is forgotten.  Of several ranks (comm/comm.h) the first alone has the
 * file.
 */
#ifndef SL_RETRIEVE_SCORESTORE_H
#define SL_RETRIEVE_SCORESTORE_H

#include "retrieve/scorer.h"

struct sl_scorestore {
    char *path;
    int fd;     /* -1: nothing is kept */
    int64_t at; /* bytes that are known to be right */
    bool began; /* a score was computed */
};

#define SL_SCORESTORE_NONE                                                     \
    {                                                                          \
        NULL, -1, 0, false                                                     \
    }

/*
 * The key is made of the re-ranker, the bytes of n files, and `rest`, which has
 * all else that decides the scores.  What is no regular file cannot be gone on
 * with: if the output or one of the files is none, nothing is kept.  Collective:
 * of several ranks the first has the file, the others must be of the same key.
 *
 *   E_ARG   another process is at work for the same output
 *   E_COMM  this rank is of another key
 */
simlm_status sl_scorestore_open(struct sl_scorestore *s, const char *output,
                                const struct sl_retriever *r,
                                const char *const *file, int64_t n,
                                const char *rest, simlm_error *err);

/*
 * score [n] <- the next pairs' scores, from the file as long as it has them, else
 * computed by all ranks together and saved.  What is in the file counts as done
 * before the meter's first report; of ranks the first alone has these scores.
 */
simlm_status sl_scorestore_run(struct sl_scorestore *s,
                               struct sl_scorer *scorer, float *score,
                               const struct sl_pair *pair, int64_t n,
                               struct sl_meter *meter, simlm_error *err);

/* over: the output is there, the scores may go.  Else they stay, if there are
 * any. */
void sl_scorestore_close(struct sl_scorestore *s, bool over);

#endif
