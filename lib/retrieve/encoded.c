#include "retrieve/encoded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format/json.h"
#include "format/lines.h"
#include "retrieve/rowstore.h"

static simlm_status add_shard(struct sl_encoded *e, const char *path,
                              simlm_error *err)
{
    struct sl_npy *x;

    if (!sl_grow(&e->shard, &e->shard_cap, e->n_shards + 1, sizeof *e->shard) ||
        !sl_grow(&e->shard_start, &e->start_cap, e->n_shards + 2,
                 sizeof *e->shard_start))
        return sl_fail_nomem(err, path);
    x = &e->shard[e->n_shards];
    SL_TRY(sl_npy_open(x, path, err));
    if (!e->n_shards++)
        e->dim = x->dim;
    if (x->dim != e->dim)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': %" PRId64 " columns, but %" PRId64
                       " in the shards before it",
                       path, x->dim, e->dim);
    if (x->n > INT64_MAX / 2 - e->n)
        return sl_fail(err, SIMLM_E_RANGE, "'%s': too many rows", path);
    e->shard_start[e->n_shards - 1] = e->n;
    e->n += x->n;
    e->shard_start[e->n_shards] = e->n;
    return SIMLM_OK;
}

/* Add file k, of shards or (shard_size 0) the only one, if it is there. */
static simlm_status try_shard(struct sl_encoded *e, bool *found,
                              const char *dir, int64_t shard_size, int64_t k,
                              simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    char name[48], *path;

    sl_rowstore_name(name, shard_size, k);
    path = sl_path_join(dir, name);
    if (!path)
        return sl_fail_nomem(err, "a file's name");
    *found = sl_file_exists(path);
    if (*found)
        st = add_shard(e, path, err);
    sl_free(path);
    return st;
}

static simlm_status open_shards(struct sl_encoded *e, const char *dir,
                                simlm_error *err)
{
    bool whole, found = true;

    SL_TRY(try_shard(e, &whole, dir, 0, 0, err));
    for (int64_t k = 0; !whole && found; k++)
        SL_TRY(try_shard(e, &found, dir, 1, k, err));
    if (!e->n_shards)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': no embeddings.npy and no embeddings-00000.npy",
                       dir);
    return SIMLM_OK;
}

static simlm_status read_ids(struct sl_encoded *e, const char *dir,
                             simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_line line;
    char *path = sl_path_join(dir, "ids.txt");
    simlm_status st;
    int64_t n = 0;

    if (!path)
        return sl_fail_nomem(err, "a file's name");
    st = sl_lines_open(&in, path, err);
    while (st == SIMLM_OK && (st = sl_lines_next(in, &line, err)) == SIMLM_OK &&
           line.text) {
        if (!line.len || memchr(line.text, '\0', line.len))
            st = sl_fail(err, SIMLM_E_FORMAT, "%s:%" PRId64 ": expected an id",
                         path, line.number);
        else if (n == e->n)
            st =
                sl_fail(err, SIMLM_E_FORMAT,
                        "'%s': more ids than the %" PRId64 " rows", path, e->n);
        else if (!sl_grow(&e->id_at, &e->id_cap, n + 1, sizeof *e->id_at))
            st = sl_fail_nomem(err, path);
        else {
            e->id_at[n++] = (int64_t)e->ids.len;
            sl_str_add(&e->ids, line.text, line.len + 1);
        }
    }
    sl_lines_close(in);
    if (st == SIMLM_OK && !sl_str_ok(&e->ids))
        st = sl_fail_nomem(err, path);
    if (st == SIMLM_OK && n != e->n)
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "'%s': %" PRId64 " ids for %" PRId64 " rows", path, n,
                     e->n);
    sl_free(path);
    return st;
}

/* Whose they are; a directory without encode.json is nobody's. */
static simlm_status read_origin(struct sl_encoded *e, const char *dir,
                                simlm_error *err)
{
    char *path = sl_path_join(dir, "encode.json");
    struct sl_json_doc *doc = NULL;
    const char *hash = NULL, *model = NULL;
    simlm_status st = SIMLM_OK;

    if (!path)
        return sl_fail_nomem(err, "a file's name");
    if (!sl_file_exists(path))
        goto out;
    st = sl_json_load(&doc, path, err);
    if (st == SIMLM_OK)
        st =
            sl_json_opt_text(sl_json_root(doc), "model_hash", &hash, NULL, err);
    if (st == SIMLM_OK)
        st = sl_json_opt_text(sl_json_root(doc), "model", &model, NULL, err);
    if (st < 0)
        goto out;
    if (hash)
        e->model_hash = strtoull(hash, NULL, 16);
    if (model && !(e->model_path = sl_strdup(model)))
        st = sl_fail_nomem(err, path);
out:
    sl_json_free(doc);
    sl_free(path);
    return st;
}

static simlm_status check_finished(const char *dir, simlm_error *err)
{
    char *progress = sl_path_join(dir, "progress.json");
    char *whole = sl_path_join(dir, "encode.json");
    simlm_status st = SIMLM_OK;

    if (!progress || !whole)
        st = sl_fail_nomem(err, "a file's name");
    else if (sl_file_exists(progress) && !sl_file_exists(whole))
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "'%s': encoding was not finished; run it again", dir);
    sl_free(progress);
    sl_free(whole);
    return st;
}

simlm_status sl_encoded_open(struct sl_encoded *e, const char *dir,
                             simlm_error *err)
{
    simlm_status st;

    *e = (struct sl_encoded){0};
    if (!sl_dir_exists(dir))
        return sl_fail(err, SIMLM_E_IO,
                       "cannot open '%s': not a directory of embeddings", dir);
    st = check_finished(dir, err);
    if (st == SIMLM_OK)
        st = open_shards(e, dir, err);
    if (st == SIMLM_OK)
        st = read_ids(e, dir, err);
    if (st == SIMLM_OK)
        st = read_origin(e, dir, err);
    if (st < 0)
        sl_encoded_close(e);
    return st;
}

void sl_encoded_close(struct sl_encoded *e)
{
    for (int64_t i = 0; i < e->n_shards; i++)
        sl_npy_close(&e->shard[i]);
    sl_free(e->shard);
    sl_free(e->shard_start);
    sl_free(e->id_at);
    sl_free(e->model_path);
    sl_str_free(&e->ids);
    *e = (struct sl_encoded){0};
}

const float *sl_encoded_row(const struct sl_encoded *e, int64_t i)
{
    int64_t low = 0, high = e->n_shards - 1;

    SL_ASSERT(i >= 0 && i < e->n);
    while (low < high) { /* the last shard that starts at or before i */
        int64_t mid = low + (high - low + 1) / 2;

        if (e->shard_start[mid] <= i)
            low = mid;
        else
            high = mid - 1;
    }
    return e->shard[low].x + (i - e->shard_start[low]) * e->dim;
}

const char *sl_encoded_id(const struct sl_encoded *e, int64_t i)
{
    SL_ASSERT(i >= 0 && i < e->n);
    return e->ids.s + e->id_at[i];
}
