/*
 * retrieve/encoded.h - a directory of embeddings, as encode_job.c or anybody
 * else (NumPy) writes it: embeddings.npy or embeddings-00000.npy, -00001.npy,
 * ... with as many lines in ids.txt; encode.json, if it is there, tells whose
 * they are.
 */
#ifndef SL_RETRIEVE_ENCODED_H
#define SL_RETRIEVE_ENCODED_H

#include "base/str.h"
#include "format/npy.h"

struct sl_encoded {
    int64_t n, dim;
    struct sl_npy *shard; /* [n_shards], mapped */
    int64_t *shard_start; /* [n_shards + 1] rows */
    int64_t n_shards, shard_cap, start_cap;
    struct sl_str ids; /* NUL after each */
    int64_t *id_at;    /* [n] */
    int64_t id_cap;
    uint64_t model_hash; /* 0: unknown */
    char *model_path;    /* NULL: unknown */
};

/*
 * E_FORMAT if the directory is unfinished, if dimensions differ between shards
 * or the number of ids is not that of the rows; a line of ids.txt may not be
 * empty.
 */
simlm_status sl_encoded_open(struct sl_encoded *e, const char *dir,
                             simlm_error *err);
void sl_encoded_close(struct sl_encoded *e); /* a zeroed one: no-op */

const float *sl_encoded_row(const struct sl_encoded *e, int64_t i); /* [dim] */
const char *sl_encoded_id(const struct sl_encoded *e, int64_t i);

#endif
