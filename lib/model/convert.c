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
static char *name_of_today(const char *name)
{
    static const char *const pairs[2][2] = {{"LayerNorm.gamma", "weight"},
                                            {"LayerNorm.beta", "bias"}};
    struct sl_str s = {0};

    sl_str_puts(&s, name);
    for (int i = 0; i < 2; i++)
        if (ends_with(name, pairs[i][0])) {
            sl_str_clear(&s);
            sl_str_printf(&s, "%.*s%s", (int)(strrchr(name, '.') + 1 - name),
                          name, pairs[i][1]);
        }
    return s.s; /* NULL if that failed */
}

static simlm_status choose(struct kept *k, const struct sl_weights *w,
                           enum sl_dtype dtype, simlm_error *err)
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
        k->name[k->n] = name_of_today(t->name);
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

/* Write w's tensors as <dir>/<name>. */
static simlm_status write_tensors(const struct sl_weights *w, const char *dir,
                                  const char *name, enum sl_dtype dtype,
                                  simlm_error *err)
{
    char *path = sl_path_join(dir, name);
    struct kept k = {0};
    simlm_status st;

    st = path ? choose(&k, w, dtype, err) : sl_fail_nomem(err, name);
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

static simlm_status convert_weights(const simlm_convert_options *o,
                                    const struct sl_config *cfg, const char *to,
                                    simlm_error *err)
{
    struct sl_weights *w = NULL;
    char *path = NULL;
    simlm_status st = sl_modeldir_weights(&path, o->model, err);

    if (st == SIMLM_OK)
        st = sl_weights_open(&w, path, err);
    if (st == SIMLM_OK)
        st = check_encoder(w, cfg, err);
    if (st == SIMLM_OK)
        st = write_tensors(w, to, "model.safetensors", dtypes[o->type], err);
    sl_weights_close(w);
    sl_free(path);
    return st;
}

/* A vector without its pooler would be another one. */
static simlm_status refuse_pooler(const char *dir, simlm_error *err)
{
    char *path = NULL;
    simlm_status st = sl_modeldir_pooler(&path, dir, err);

    if (st == SIMLM_OK && path)
        st = sl_fail(err, SIMLM_E_FORMAT,
                     "'%s': models with a pooler are not converted", path);
    sl_free(path);
    return st;
}

static simlm_status convert_decoder(const simlm_convert_options *o,
                                    const char *to, simlm_error *err)
{
    struct sl_weights *w = NULL;
    char *path = NULL;
    simlm_status st;

    SL_TRY(sl_modeldir_decoder(&path, o->model, err));
    if (!path)
        return SIMLM_OK;
    st = sl_weights_open(&w, path, err);
    if (st == SIMLM_OK)
        st = write_tensors(w, to, "decoder.safetensors", dtypes[o->type], err);
    sl_weights_close(w);
    sl_free(path);
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
static simlm_status convert_config(const simlm_convert_options *o,
                                   const char *to, bool *encoder,
                                   simlm_error *err)
{
    char *from = sl_path_join(o->model, "config.json");
    char *path = sl_path_join(to, "config.json");
    struct sl_json_doc *doc = NULL;
    struct sl_str s = {0};
    simlm_status st;

    st = from && path ? sl_json_load(&doc, from, err)
                      : sl_fail_nomem(err, "config.json");
    if (st == SIMLM_OK) {
        struct sl_json root = sl_json_root(doc);
        const char *class = sl_json_is_text(
            sl_json_item(sl_json_field(root, "architectures"), 0), NULL);

        *encoder = !class || !strstr(class, "ForSequenceClassification");
        put_config(&s, root, o->type);
        st = sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                           : sl_fail_nomem(err, path);
    }
    sl_json_free(doc);
    sl_str_free(&s);
    sl_free(from);
    sl_free(path);
    return st;
}

static simlm_status convert_profile(const char *from, const char *to,
                                    const struct sl_config *cfg, bool encoder,
                                    simlm_error *err)
{
    struct sl_profile p;
    simlm_status st;

    if (encoder)
        SL_TRY(sl_profile_load(&p, from, cfg, err));
    else
        SL_TRY(sl_profile_load_reranker(&p, from, cfg, err));
    st = sl_profile_save(&p, to, cfg, err);
    sl_profile_free(&p);
    return st;
}

/* ---- the job ------------------------------------------------------------- */

static simlm_status convert_all(const simlm_convert_options *o, const char *to,
                                simlm_error *err)
{
    char *config = sl_path_join(o->model, "config.json");
    struct sl_config cfg;
    bool encoder = true;
    simlm_status st;

    st = config ? sl_config_load(&cfg, config, err)
                : sl_fail_nomem(err, o->model);
    sl_free(config);
    SL_TRY(st);
    SL_TRY(refuse_pooler(o->model, err));
    SL_TRY(sl_modeldir_copy_tokenizer(to, o->model, err));
    SL_TRY(convert_config(o, to, &encoder, err));
    SL_TRY(convert_profile(o->model, to, &cfg, encoder, err));
    SL_TRY(convert_weights(o, &cfg, to, err));
    return convert_decoder(o, to, err);
}

simlm_status sl_convert(const simlm_convert_options *o, simlm_error *err)
{
    struct sl_dir_out out = {0};
    simlm_status st;

    SL_TRY(sl_modeldir_check(o->model, err));
    if (!o->overwrite)
        SL_TRY(sl_modeldir_refuse(o->output, err));
    st = sl_dir_out_open(&out, o->output, err);
    if (st == SIMLM_OK)
        st = convert_all(o, out.tmp, err);
    if (st == SIMLM_OK)
        st = sl_dir_out_commit(&out, err);
    sl_dir_out_abort(&out);
    return st;
}
