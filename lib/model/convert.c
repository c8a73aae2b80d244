#include "model/convert.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "format/safetensors.h"
#include "format/weightfiles.h"
#include "model/bert.h"
#include "model/modeldir.h"
#include "model/towers.h"

enum { PIECE = 1 << 16 };

static const enum sl_dtype dtypes[] = {SL_DTYPE_F32, SL_DTYPE_F16,
                                       SL_DTYPE_BF16};
static const char *const torch_names[] = {"float32", "float16", "bfloat16"};

/* ---- tensors ------------------------------------------------------------- */

/* Tensors of a file that are kept, with today's names. */
struct kept {
    const struct sl_weights *w;
    int64_t *index; /* [n] in w */
    struct sl_tensor_spec *spec;
    char **name; /* [n] */
    int64_t n;
};

static void kept_free(struct kept *k)
{
    for (int64_t i = 0; i < k->n; i++)
        sl_free(k->name[i]);
    sl_free(k->index);
    sl_free(k->spec);
    sl_free(k->name);
}

static bool ends_with(const char *s, const char *tail)
{
    size_t n = strlen(s), m = strlen(tail);

    return n >= m && !strcmp(s + n - m, tail);
}

static bool is_kept(const struct sl_weights *w, int64_t i)
{
    const struct sl_tensor *t = sl_weights_at(w, i);

    return sl_dtype_readable(t->dtype) && !ends_with(t->name, "position_ids") &&
           !sl_params_is_copy(w, i);
}

/* TensorFlow's converted checkpoints say gamma and beta. */
static char *name_of_today(const char *prefix, const char *name)
{
    static const char *const pairs[2][2] = {{"LayerNorm.gamma", "weight"},
                                            {"LayerNorm.beta", "bias"}};
    struct sl_str s = {0};

    sl_str_printf(&s, "%s%s", prefix, name);
    for (int i = 0; i < 2; i++)
        if (ends_with(name, pairs[i][0])) {
            sl_str_clear(&s);
            sl_str_printf(&s, "%s%.*s%s", prefix,
                          (int)(strrchr(name, '.') + 1 - name), name,
                          pairs[i][1]);
        }
    return s.s; /* NULL if that failed */
}

static simlm_status choose(struct kept *k, const struct sl_weights *w,
                           const char *prefix, enum sl_dtype dtype,
                           simlm_error *err)
{
    int64_t n = sl_weights_count(w);

    k->w = w;
    k->index = SL_NEW_ARRAY(int64_t, n + 1);
    k->spec = SL_NEW_ARRAY(struct sl_tensor_spec, n + 1);
    k->name = SL_NEW_ARRAY(char *, n + 1);
    if (!k->index || !k->spec || !k->name)
        return sl_fail_nomem(err, sl_weights_path(w));
    for (int64_t i = 0; i < n; i++) {
        const struct sl_tensor *t = sl_weights_at(w, i);
        struct sl_tensor_spec *spec = &k->spec[k->n];

        if (!is_kept(w, i))
            continue;
        k->index[k->n] = i;
        k->name[k->n] = name_of_today(prefix, t->name);
        if (!k->name[k->n])
            return sl_fail_nomem(err, t->name);
        spec->name = k->name[k->n++];
        spec->n_dims = t->n_dims;
        memcpy(spec->shape, t->shape, sizeof spec->shape);
        spec->dtype = dtype;
    }
    return SIMLM_OK;
}

static simlm_status check_piece(const struct sl_tensor *t, const float *x,
                                int64_t n, enum sl_dtype dtype,
                                const char *path, simlm_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return sl_fail(err, SIMLM_E_NUMERIC,
                           "%s: tensor '%.100s' holds NaN or infinity", path,
                           t->name);
        if (dtype == SL_DTYPE_F16 && fabsf(x[i]) >= 65520.0f)
            return sl_fail(err, SIMLM_E_RANGE,
                           "%s: tensor '%.100s' holds %g, which fp16 cannot",
                           path, t->name, (double)x[i]);
    }
    return SIMLM_OK;
}

/* All of them can be written as that type. */
static simlm_status check_values(const struct kept *k, enum sl_dtype dtype,
                                 simlm_error *err)
{
    float *piece = SL_NEW_ARRAY(float, PIECE);
    simlm_status st = piece ? SIMLM_OK : sl_fail_nomem(err, "a tensor");

    for (int64_t i = 0; i < k->n && st == SIMLM_OK; i++) {
        const struct sl_tensor *t = sl_weights_at(k->w, k->index[i]);

        for (int64_t at = 0; at < t->count && st == SIMLM_OK; at += PIECE) {
            int64_t n = t->count - at < PIECE ? t->count - at : PIECE;

            sl_tensor_read(piece, t, at, n);
            st = check_piece(t, piece, n, dtype, sl_weights_path(k->w), err);
        }
    }
    sl_free(piece);
    return st;
}

static void give(void *ctx, float *dst, int64_t i, int64_t first, int64_t n)
{
    const struct kept *k = ctx;

    sl_tensor_read(dst, sl_weights_at(k->w, k->index[i]), first, n);
}

/* Write w's tensors as <dir>/<name>, a prefix before their names. */
static simlm_status write_tensors(const struct sl_weights *w,
                                  const char *prefix, const char *dir,
                                  const char *name, enum sl_dtype dtype,
                                  simlm_error *err)
{
    char *path = sl_path_join(dir, name);
    struct kept k = {0};
    simlm_status st;

    st = path ? choose(&k, w, prefix, dtype, err) : sl_fail_nomem(err, name);
    if (st == SIMLM_OK)
        st = check_values(&k, dtype, err);
    if (st == SIMLM_OK)
        st = sl_safetensors_save(path, k.spec, k.n, give, &k, err);
    kept_free(&k);
    sl_free(path);
    return st;
}

/* ---- the model's weights ------------------------------------------------- */

/* Has w an encoder of that shape? */
static simlm_status check_encoder(const struct sl_weights *w,
                                  const struct sl_config *cfg, simlm_error *err)
{
    struct sl_bert *m = NULL;
    simlm_status st;

    SL_TRY(sl_bert_plan(&m, cfg, (struct sl_bert_parts){0}, err));
    st = sl_params_check(&m->params, 0, m->params.count, w, NULL, err);
    if (st == SIMLM_OK)
        st = sl_params_check_tied(w, err);
    sl_bert_free(m);
    return st;
}

static simlm_status convert_weights(const char *from, const char *to,
                                    const struct sl_config *cfg,
                                    enum sl_dtype dtype, simlm_error *err)
{
    struct sl_weights *w = NULL;
    char *path = NULL;
    simlm_status st = sl_modeldir_weights(&path, from, err);

    if (st == SIMLM_OK)
        st = sl_weights_open(&w, path, err);
    if (st == SIMLM_OK)
        st = check_encoder(w, cfg, err);
    if (st == SIMLM_OK)
        st = write_tensors(w, "", to, "model.safetensors", dtype, err);
    sl_weights_close(w);
    sl_free(path);
    return st;
}

static simlm_status convert_decoder(const char *from, const char *to,
                                    enum sl_dtype dtype, simlm_error *err)
{
    struct sl_weights *w = NULL;
    char *path = NULL;
    simlm_status st;

    SL_TRY(sl_modeldir_decoder(&path, from, err));
    if (!path)
        return SIMLM_OK;
    st = sl_weights_open(&w, path, err);
    if (st == SIMLM_OK)
        st = write_tensors(w, "", to, "decoder.safetensors", dtype, err);
    sl_weights_close(w);
    sl_free(path);
    return st;
}

static simlm_status make_dir(char **path, const char *dir, const char *name,
                             simlm_error *err)
{
    *path = sl_path_join(dir, name);
    return *path ? sl_dir_make(*path, err) : sl_fail_nomem(err, dir);
}

/* <to>/2_Dense, if there is a pooler: it comes by torch's names or by those of
 * sentence-transformers, and goes by these. */
static simlm_status convert_pooler(const struct sl_weights *w, const char *to,
                                   enum sl_dtype dtype, simlm_error *err)
{
    const char *prefix;
    char *dir = NULL;
    simlm_status st;

    if (!w)
        return SIMLM_OK;
    prefix = sl_weights_find(w, "linear.weight") < 0 ? "linear." : "";
    st = make_dir(&dir, to, "2_Dense", err);
    if (st == SIMLM_OK)
        st = write_tensors(w, prefix, dir, "model.safetensors", dtype, err);
    sl_free(dir);
    return st;
}

/* ---- side files ---------------------------------------------------------- */

/* config.json as it was, but for the type of the weights. */
static void put_config(struct sl_str *s, struct sl_json root, int32_t type)
{
    struct sl_json_writer w = {.s = s, .indent = 2};
    struct sl_json_member m = {0};

    sl_json_begin(&w, NULL, '{');
    while (sl_json_next(root, &m))
        if (strcmp(m.key, "torch_dtype") && strcmp(m.key, "dtype"))
            sl_json_add_value(&w, m.key, m.value);
    sl_json_add_text(&w, "torch_dtype", torch_names[type]);
    sl_json_end(&w);
    sl_str_putc(s, '\n');
}

/* *encoder <- false if the model is one that scores pairs. */
static simlm_status convert_config(const char *from, const char *to,
                                   int32_t type, bool *encoder,
                                   simlm_error *err)
{
    char *input = sl_path_join(from, "config.json");
    char *path = sl_path_join(to, "config.json");
    struct sl_json_doc *doc = NULL;
    struct sl_str s = {0};
    simlm_status st;

    st = input && path ? sl_json_load(&doc, input, err)
                       : sl_fail_nomem(err, "config.json");
    if (st == SIMLM_OK) {
        struct sl_json root = sl_json_root(doc);
        const char *class = sl_json_is_text(
            sl_json_item(sl_json_field(root, "architectures"), 0), NULL);

        *encoder = !class || !strstr(class, "ForSequenceClassification");
        put_config(&s, root, type);
        st = sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                           : sl_fail_nomem(err, path);
    }
    sl_json_free(doc);
    sl_str_free(&s);
    sl_free(input);
    sl_free(path);
    return st;
}

static simlm_status load_config(struct sl_config *cfg, const char *dir,
                                simlm_error *err)
{
    char *path = sl_path_join(dir, "config.json");
    simlm_status st =
        path ? sl_config_load(cfg, path, err) : sl_fail_nomem(err, dir);

    sl_free(path);
    return st;
}

static simlm_status load_profile(struct sl_profile *p, const char *from,
                                 const struct sl_config *cfg, bool encoder,
                                 simlm_error *err)
{
    return encoder ? sl_profile_load(p, from, cfg, err)
                   : sl_profile_load_reranker(p, from, cfg, err);
}

/* ---- the job ------------------------------------------------------------- */

struct conversion {
    const char *from; /* the model */
    int32_t type;
    struct sl_weights *pooler; /* NULL: none */
    int64_t pooler_width;
    struct sl_profile profile; /* what all of it has */
};

/* An encoder, or one of two, as a model directory: `from` into `to`. */
static simlm_status convert_encoder(struct conversion *x, const char *from,
                                    const char *to, enum sl_side side,
                                    simlm_error *err)
{
    enum sl_dtype dtype = dtypes[x->type];
    struct sl_config cfg;
    bool encoder = true;

    SL_TRY(load_config(&cfg, from, err));
    cfg.pooler = x->pooler_width;
    SL_TRY(sl_modeldir_copy_tokenizer(to, x->from, err));
    SL_TRY(convert_config(from, to, x->type, &encoder, err));
    sl_profile_free(&x->profile);
    SL_TRY(load_profile(&x->profile, x->from, &cfg, encoder, err));
    SL_TRY(sl_profile_save_tower(&x->profile, to, &cfg, side, err));
    SL_TRY(convert_weights(from, to, &cfg, dtype, err));
    SL_TRY(convert_pooler(x->pooler, to, dtype, err));
    return convert_decoder(from, to, dtype, err);
}

static simlm_status convert_side(struct conversion *x, const char *to,
                                 enum sl_side side, simlm_error *err)
{
    char *input = NULL, *output = NULL;
    simlm_status st = sl_modeldir_encoder(&input, x->from, side, err);

    if (st == SIMLM_OK)
        st = make_dir(&output, to, sl_tower_names[side], err);
    if (st == SIMLM_OK)
        st = convert_encoder(x, input, output, side, err);
    sl_free(input);
    sl_free(output);
    return st;
}

/* What the two share, in the directory above theirs. */
static simlm_status convert_shared(struct conversion *x, const char *to,
                                   simlm_error *err)
{
    char *input = NULL;
    struct sl_config cfg;
    bool encoder;
    simlm_status st = sl_modeldir_encoder(&input, x->from, SL_SIDE_QUERY, err);

    if (st == SIMLM_OK)
        st = load_config(&cfg, input, err);
    if (st == SIMLM_OK)
        st = convert_config(input, to, x->type, &encoder, err);
    if (st == SIMLM_OK)
        st = sl_modeldir_copy_tokenizer(to, x->from, err);
    if (st == SIMLM_OK) {
        cfg.pooler = x->pooler_width;
        st = sl_profile_save_router(&x->profile, to, &cfg, err);
    }
    if (st == SIMLM_OK)
        st = convert_pooler(x->pooler, to, dtypes[x->type], err);
    sl_free(input);
    return st;
}

static simlm_status convert_all(struct conversion *x, const char *to,
                                simlm_error *err)
{
    bool untied = false;

    SL_TRY(sl_modeldir_is_untied(&untied, x->from, err));
    SL_TRY(sl_pooler_open(&x->pooler, &x->pooler_width, x->from, err));
    if (!untied)
        return convert_encoder(x, x->from, to, SL_SIDE_PASSAGE, err);
    for (int side = 0; side < 2; side++)
        SL_TRY(convert_side(x, to, (enum sl_side)side, err));
    return convert_shared(x, to, err);
}

simlm_status sl_convert(const simlm_convert_options *o, simlm_error *err)
{
    struct conversion x = {.from = o->model, .type = o->type};
    struct sl_dir_out out = {0};
    simlm_status st;

    SL_TRY(sl_modeldir_check(o->model, err));
    if (!o->overwrite)
        SL_TRY(sl_modeldir_refuse(o->output, err));
    st = sl_dir_out_open(&out, o->output, err);
    if (st == SIMLM_OK)
        st = convert_all(&x, out.tmp, err);
    if (st == SIMLM_OK)
        st = sl_dir_out_commit(&out, err);
    sl_dir_out_abort(&out);
    sl_profile_free(&x.profile);
    sl_weights_close(x.pooler);
    return st;
}
