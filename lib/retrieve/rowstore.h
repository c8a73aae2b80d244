/*
 * retrieve/rowstore.h - a matrix on disk that grows row by row and survives
 * kill -9: embeddings.npy, or numbered shards of it, in a directory.
 *
 *     while it grows                        when it is whole
 *     embeddings.npy.part                   embeddings.npy
 *     (embeddings-00000.npy,                (embeddings-00000.npy,
 *      embeddings-00001.npy.part, ...)       embeddings-00001.npy, ...)
 *     progress.json                         encode.json
 *
 * A save appends rows to the open part, fsyncs it, and then replaces
 * progress.json, which lists how many rows each save had and their hash (none
 * at first: it is there, with the key, before any row).  So after a kill what progress.json speaks of is on disk; the rest is cut off.
 * Opening reads the saved rows back and keeps those whose hashes are right, up
 * to the first that is not: what is kept is what was computed.
 *
 * `key` names the configuration.  A directory of another key is refused.  A
 * lock, which dies with its process, keeps a second one out.
 */
#ifndef SL_RETRIEVE_ROWSTORE_H
#define SL_RETRIEVE_ROWSTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct sl_saved {
    int64_t rows;
    uint64_t hash;
};

struct sl_rowstore {
    char *dir;
    uint64_t key;
    int64_t dim, shard_size; /* rows of a file; 0: all */
    int64_t rows;            /* saved */
    bool finished;           /* encode.json of this key is there */
    bool made_dir;
    bool fresh;             /* nothing of an earlier job was there */
    struct sl_saved *saved; /* [n_saved] */
    int64_t n_saved, saved_cap;
    int fd;      /* of the open part, or -1 */
    int lock_fd; /* of the file "lock", or -1 */
    char *lock_path;
    int64_t open_shard;
};

/*
 * Open or make the directory.  After it, `rows` are there already, or
 * `finished` says that all is done.
 *
 *   E_ARG  the directory is of another key, or holds embeddings that nobody
 *          accounts for; with `overwrite` they are removed instead
 *   E_IO   also if another process has it open
 *   E_FORMAT (a progress.json that is none), E_NOMEM
 */
simlm_status sl_rowstore_open(struct sl_rowstore *s, const char *dir,
                              uint64_t key, int64_t dim, int64_t shard_size,
                              bool overwrite, simlm_error *err);

/* Append rows [n, dim] and make them last, n <= SL_ROWSTORE_MAX_SAVE. */
#define SL_ROWSTORE_MAX_SAVE (1 << 20)
simlm_status sl_rowstore_save(struct sl_rowstore *s, const float *rows,
                              int64_t n, simlm_error *err);

/*
 * Give the files their names, write ids.txt (`ids`: its whole text) and, last,
 * encode.json (`config`, which must have a member "key" as
 * sl_rowstore_key_text() writes it), and forget the progress.
 */
simlm_status sl_rowstore_finish(struct sl_rowstore *s, const struct sl_str *ids,
                                const struct sl_str *config, simlm_error *err);

/* Let go.  If nothing was ever saved, all that we made is removed. */
void sl_rowstore_close(struct sl_rowstore *s);

/* The key as 16 hexadecimal digits, for encode.json. */
void sl_rowstore_key_text(char out[17], uint64_t key);

/* The name of file k: "embeddings.npy" or "embeddings-00000.npy". */
void sl_rowstore_name(char out[48], int64_t shard_size, int64_t k);

#endif
