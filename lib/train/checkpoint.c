#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "format/safetensors.h"
#include "model/modeldir.h"

enum { PIECE = 1 << 16, N_BLOCKS = 3 };

static const char *const block_name[N_BLOCKS] = {"weights", "exp_avg",
                                                 "exp_avg_sq"};

static const char PREFIX[] = "checkpoint-";

static char *path_of(const char *dir, int64_t step, const char *file)
{
    struct sl_str s = {0};

    sl_str_printf(&s, "%s/%s%08lld%s%s", dir, PREFIX, (long long)step,
                  file ? "/" : "", file ? file : "");
    if (sl_str_ok(&s))
        return s.s;
    sl_str_free(&s);
    return NULL;
}

/* ---- which are there ----------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

/* The step that a directory's name speaks of, or -1. */
static int64_t step_of(const char *name)
{
    const char *digits = name + sizeof PREFIX - 1;
    size_t n;

    if (strncmp(name, PREFIX, sizeof PREFIX - 1))
        return -1;
    n = strspn(digits, "0123456789");
    return n >= 8 && n <= 18 && !digits[n] ? strtoll(digits, NULL, 10) : -1;
}

simlm_status sl_checkpoint_list(int64_t **steps, int64_t *n, const char *dir,
                                simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    int64_t cap = 0, *list = NULL;
    const struct dirent *e;
    DIR *d = opendir(dir);

    *n = 0;
    *steps = NULL;
    if (!d)
        return errno == ENOENT ? SIMLM_OK : sl_fail_errno(err, "open", dir);
    while (st == SIMLM_OK && (e = readdir(d))) {
        int64_t step = step_of(e->d_name);

        if (step < 0)
            continue;
        if (sl_grow(&list, &cap, *n + 1, sizeof *list))
            list[(*n)++] = step;
        else
            st = sl_fail_nomem(err, "a list of checkpoints");
    }
    closedir(d);
    if (st < 0) {
        sl_free(list);
        return st;
    }
    if (*n)
        qsort(list, (size_t)*n, sizeof *list, newest_first);
    *steps = list;
    return SIMLM_OK;
}

/* ---- which of them stay -------------------------------------------------- */

static const char STATE[] = "state.json", BLOCKS[] = "state.safetensors",
                  MODEL[] = "train.json", BEST[] = "best";

static simlm_status has(bool *there, const char *dir, int64_t step,
                        const char *file, simlm_error *err)
{
    char *path = path_of(dir, step, file);

    if (!path)
        return sl_fail_nomem(err, "a checkpoint's name");
    *there = sl_file_exists(path);
    sl_free(path);
    return SIMLM_OK;
}

/* *step <- that of the checkpoint that is best, or -1. */
static simlm_status best_step(int64_t *step, const char *dir, simlm_error *err)
{
    char *path = sl_path_join(dir, BEST), name[64];
    ssize_t n;

    if (!path)
        return sl_fail_nomem(err, "a link's name");
    n = readlink(path, name, sizeof name - 1);
    sl_free(path);
    name[n < 0 ? 0 : n] = '\0';
    *step = step_of(name);
    return SIMLM_OK;
}

/* "<path>.tmp.<pid>": what a killed run leaves under such a name goes later. */
static char *aside(const char *path)
{
    struct sl_str s = {0};

    sl_str_printf(&s, "%s.tmp.%ld", path, (long)getpid());
    return s.s;
}

static simlm_status remove_checkpoint(const char *dir, int64_t step,
                                      simlm_error *err)
{
    char *path = path_of(dir, step, NULL), *tmp = path ? aside(path) : NULL;
    simlm_status st = SIMLM_OK;

    if (!tmp)
        st = sl_fail_nomem(err, "a checkpoint's name");
    else if (rename(path, tmp))
        st = errno == ENOENT ? SIMLM_OK : sl_fail_errno(err, "remove", path);
    else
        st = sl_dir_remove(tmp, err);
    sl_free(path);
    sl_free(tmp);
    return st;
}

/* state.json first: without it the blocks are none. */
static simlm_status remove_state(const char *dir, int64_t step,
                                 simlm_error *err)
{
    static const char *const file[] = {STATE, BLOCKS};
    simlm_status st = SIMLM_OK;

    for (size_t i = 0; i < SL_LEN(file) && st == SIMLM_OK; i++) {
        char *path = path_of(dir, step, file[i]);

        if (!path)
            st = sl_fail_nomem(err, "a checkpoint's name");
        else if (unlink(path) && errno != ENOENT)
            st = sl_fail_errno(err, "remove", path);
        sl_free(path);
    }
    return st;
}

/* How many more may stay. */
struct room {
    int64_t states, models, best;
};

static simlm_status prune_one(struct room *r, const char *dir, int64_t step,
                              simlm_error *err)
{
    bool state = false, model = false;

    SL_TRY(has(&state, dir, step, BLOCKS, err));
    SL_TRY(has(&model, dir, step, MODEL, err));
    state = state && r->states-- > 0;
    model = model && (r->models-- > 0 || step == r->best);
    if (state)
        return SIMLM_OK;
    return model ? remove_state(dir, step, err)
                 : remove_checkpoint(dir, step, err);
}

simlm_status sl_checkpoint_prune(const char *dir, int64_t states,
                                 int64_t models, simlm_error *err)
{
    struct room room = {states, models, -1};
    int64_t *steps, n;

    SL_TRY(best_step(&room.best, dir, err));
    SL_TRY(sl_checkpoint_list(&steps, &n, dir, err));
    for (int64_t i = 0; i < n; i++) {
        simlm_status st = prune_one(&room, dir, steps[i], err);

        if (st < 0) {
            sl_free(steps);
            return st;
        }
    }
    sl_free(steps);
    return SIMLM_OK;
}

simlm_status sl_checkpoint_clear(const char *dir, simlm_error *err)
{
    char *best = sl_path_join(dir, BEST);
    simlm_status st = SIMLM_OK;

    if (!best)
        return sl_fail_nomem(err, "a link's name");
    if (unlink(best) && errno != ENOENT)
        st = sl_fail_errno(err, "remove", best);
    sl_free(best);
    return st < 0 ? st : sl_checkpoint_prune(dir, 0, 0, err);
}

simlm_status sl_checkpoint_set_best(const char *dir, int64_t step,
                                    simlm_error *err)
{
    char *link = sl_path_join(dir, BEST), *tmp = link ? aside(link) : NULL;
    char *target = path_of(dir, step, NULL);
    simlm_status st = SIMLM_OK;

    if (!tmp || !target)
        st = sl_fail_nomem(err, "a link's name");
    else if ((unlink(tmp) && errno != ENOENT) ||
             symlink(strrchr(target, '/') + 1, tmp) || rename(tmp, link))
        st = sl_fail_errno(err, "write", link);
    sl_free(link);
    sl_free(tmp);
    sl_free(target);
    return st < 0 ? st : sl_dir_sync(dir, err);
}

/* ---- writing ------------------------------------------------------------- */

static sl_real *block_of(const struct sl_bert *m, int64_t i)
{
    return i == 0 ? m->w : i == 1 ? m->m : m->v;
}

static void read_block(void *ctx, float *dst, int64_t i, int64_t first,
                       int64_t n)
{
    const struct sl_bert *m = ctx;

    m->be->download_real(m->be, dst, sl_real_at(m->be, block_of(m, i), first),
                         n);
}

/* Of the model's blocks, in pieces; read_blocks() takes the same of a file. */
static simlm_status hash_blocks(uint64_t *hash, struct sl_bert *m,
                                simlm_error *err)
{
    float *piece = SL_NEW_ARRAY(float, PIECE);
    int64_t size = m->params.size;

    if (!piece)
        return sl_fail_nomem(err, "a checkpoint");
    *hash = 0;
    for (int i = 0; i < N_BLOCKS; i++)
        for (int64_t at = 0; at < size; at += PIECE) {
            int64_t n = size - at < PIECE ? size - at : PIECE;

            read_block(m, piece, i, at, n);
            *hash = sl_hash64(piece, (size_t)n * sizeof *piece, *hash);
        }
    sl_free(piece);
    return SIMLM_OK;
}

static simlm_status save_blocks(const char *dir, struct sl_bert *m,
                                simlm_error *err)
{
    struct sl_tensor_spec spec[N_BLOCKS];
    char *path = sl_path_join(dir, BLOCKS);
    simlm_status st;

    for (int i = 0; i < N_BLOCKS; i++)
        spec[i] = (struct sl_tensor_spec){
            .name = block_name[i], .n_dims = 1, .shape = {m->params.size}};
    st = path ? sl_safetensors_save(path, spec, N_BLOCKS, read_block, m, err)
              : sl_fail_nomem(err, "a checkpoint's name");
    sl_free(path);
    return st;
}

static void add_hash(struct sl_json_writer *w, const char *key, uint64_t x)
{
    char text[17];

    snprintf(text, sizeof text, "%016" PRIx64, x);
    sl_json_add_text(w, key, text);
}

static simlm_status save_state(const char *dir, const struct sl_train_state *s,
                               uint64_t hash, simlm_error *err)
{
    struct sl_str text = {0};
    struct sl_json_writer w = {.s = &text, .indent = 1};
    char *path = sl_path_join(dir, STATE);
    simlm_status st;

    sl_json_begin(&w, NULL, '{');
    sl_json_add_int(&w, "step", s->step);
    sl_json_add_int(&w, "log_bytes", s->log_bytes);
    add_hash(&w, "run", s->run);
    add_hash(&w, "blocks", hash);
    sl_json_add_bool(&w, "best", s->best);
    sl_meters_save(&s->epoch, "epoch", &w);
    sl_meters_save(&s->window, "window", &w);
    sl_json_end(&w);
    sl_str_putc(&text, '\n');
    st = path && sl_str_ok(&text) ? sl_file_write(path, text.s, text.len, err)
                                  : sl_fail_nomem(err, "a checkpoint's state");
    sl_free(path);
    sl_str_free(&text);
    return st;
}

simlm_status sl_checkpoint_save(const char *dir, struct sl_bert *m,
                                const struct sl_train_state *s,
                                sl_checkpoint_model_fn *model, void *self,
                                simlm_error *err)
{
    struct sl_dir_out out = {0};
    uint64_t hash = 0;
    char *path = path_of(dir, s->step, NULL);
    simlm_status st;

    /* There may be a damaged one that was passed over. */
    st = path ? remove_checkpoint(dir, s->step, err)
              : sl_fail_nomem(err, "a checkpoint's name");
    if (st == SIMLM_OK)
        st = sl_dir_out_open(&out, path, err);
    if (st == SIMLM_OK)
        st = hash_blocks(&hash, m, err);
    if (st == SIMLM_OK)
        st = save_blocks(out.tmp, m, err);
    if (st == SIMLM_OK)
        st = save_state(out.tmp, s, hash, err);
    if (st == SIMLM_OK && model)
        st = model(self, out.tmp, err);
    if (st == SIMLM_OK)
        st = sl_dir_out_commit(&out, err);
    sl_dir_out_abort(&out);
    sl_free(path);
    return st;
}

/* ---- reading ------------------------------------------------------------- */

static simlm_status need_hash(uint64_t *out, struct sl_json object,
                              const char *key, simlm_error *err)
{
    const char *text;
    size_t len;

    SL_TRY(sl_json_need_text(object, key, &text, &len, err));
    if (len != 16 || strspn(text, "0123456789abcdef") != 16)
        return sl_json_fail(object, key, "16 hexadecimal digits", err);
    *out = strtoull(text, NULL, 16);
    return SIMLM_OK;
}

static simlm_status parse_state(struct sl_train_state *s, uint64_t *blocks,
                                const char *path, simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    struct sl_json root;
    simlm_status st;

    SL_TRY(sl_json_load(&doc, path, err));
    root = sl_json_root(doc);
    st = sl_json_need_int(root, "step", 1, INT64_MAX, &s->step, err);
    if (st == SIMLM_OK)
        st = sl_json_need_int(root, "log_bytes", 0, INT64_MAX, &s->log_bytes,
                              err);
    if (st == SIMLM_OK)
        st = need_hash(&s->run, root, "run", err);
    if (st == SIMLM_OK)
        st = need_hash(blocks, root, "blocks", err);
    if (st == SIMLM_OK)
        st = sl_json_opt_bool(root, "best", &s->best, err);
    if (st == SIMLM_OK)
        st = sl_meters_load(&s->epoch, root, "epoch", err);
    if (st == SIMLM_OK)
        st = sl_meters_load(&s->window, root, "window", err);
    sl_json_free(doc);
    return st;
}

/* The hash of all blocks as the file has them; upload if m is not NULL. */
static simlm_status read_blocks(struct sl_bert *m, uint64_t *hash, int64_t size,
                                const struct sl_safetensors *f,
                                simlm_error *err)
{
    float *piece = SL_NEW_ARRAY(float, PIECE);

    if (!piece)
        return sl_fail_nomem(err, "reading a checkpoint");
    *hash = 0;
    for (int i = 0; i < N_BLOCKS; i++) {
        const struct sl_tensor *t = sl_safetensors_find(f, block_name[i]);

        for (int64_t at = 0; at < size; at += PIECE) {
            int64_t n = size - at < PIECE ? size - at : PIECE;

            sl_tensor_read(piece, t, at, n);
            *hash = sl_hash64(piece, (size_t)n * sizeof *piece, *hash);
            if (m)
                m->be->upload_real(m->be, sl_real_at(m->be, block_of(m, i), at),
                                   piece, n);
        }
    }
    sl_free(piece);
    return SIMLM_OK;
}

static simlm_status check_blocks(const struct sl_safetensors *f, int64_t size,
                                 uint64_t want, simlm_error *err)
{
    uint64_t hash;

    for (int i = 0; i < N_BLOCKS; i++) {
        const struct sl_tensor *t = sl_safetensors_find(f, block_name[i]);

        if (!t || t->dtype != SL_DTYPE_F32 || t->count != size)
            return sl_fail(
                err, SIMLM_E_FORMAT, "'%s': expected '%s' of %lld float32",
                sl_safetensors_path(f), block_name[i], (long long)size);
    }
    SL_TRY(read_blocks(NULL, &hash, size, f, err));
    if (hash != want)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "'%s': damaged: the hash is not state.json's",
                       sl_safetensors_path(f));
    return SIMLM_OK;
}

/* All of one checkpoint, or nothing of it. */
static simlm_status load_one(const char *dir, int64_t step, struct sl_bert *m,
                             struct sl_train_state *s, simlm_error *err)
{
    char *json = path_of(dir, step, STATE);
    char *tensors = path_of(dir, step, BLOCKS);
    struct sl_safetensors *f = NULL;
    struct sl_train_state got = {0};
    uint64_t hash = 0;
    simlm_status st;

    st = json && tensors ? parse_state(&got, &hash, json, err)
                         : sl_fail_nomem(err, "a checkpoint's name");
    if (st == SIMLM_OK && (got.run != s->run || got.step != step))
        st = sl_fail(err, SIMLM_E_FORMAT, "'%s': of another run", json);
    if (st == SIMLM_OK)
        st = sl_safetensors_open(&f, tensors, err);
    if (st == SIMLM_OK)
        st = check_blocks(f, m->params.size, hash, err);
    if (st == SIMLM_OK)
        st = read_blocks(m, &hash, m->params.size, f, err);
    if (st == SIMLM_OK)
        st = sl_bert_written(m, err);
    if (st == SIMLM_OK)
        *s = got;
    sl_safetensors_close(f);
    sl_free(json);
    sl_free(tensors);
    return st;
}

simlm_status sl_checkpoint_load(const char *dir, struct sl_bert *m,
                                struct sl_train_state *s,
                                const simlm_observer *warn, simlm_error *err)
{
    int64_t *steps, n;
    simlm_error why;
    simlm_status st;

    s->step = 0;
    SL_TRY(sl_checkpoint_list(&steps, &n, dir, err));
    for (int64_t i = 0; i < n; i++) {
        bool state = true;

        st = has(&state, dir, steps[i], STATE, &why);
        if (!state)
            continue; /* a model of the way */
        if (st == SIMLM_OK)
            st = load_one(dir, steps[i], m, s, &why);
        if (st == SIMLM_OK)
            break;
        s->step = 0;
        if (warn && warn->message)
            warn->message(warn->ctx, SIMLM_WARNING, why.msg);
    }
    sl_free(steps);
    return SIMLM_OK;
}
