#include "model/inspect.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "format/weightfiles.h"
#include "model/bert.h"
#include "model/modeldir.h"

enum use { UNKNOWN, USED, TIED, MISFIT, IGNORED };

static const char *const use_names[] = {"-", "used", "tied", "misfit",
                                        "ignored"};

/* Tensors of one kind of file: the model's, or its decoder's. */
struct part {
    struct sl_weights *w;
    enum use *use; /* of each tensor */
};

enum { WEIGHTS, DECODER, N_PARTS };

struct inspection {
    const char *input;
    struct part part[N_PARTS];
    struct sl_bert *model;     /* without weights; NULL: a file was given */
    struct sl_strmap *missing; /* names */
};

/* ---- looking ------------------------------------------------------------- */

static simlm_status open_part(struct part *p, const char *path,
                              simlm_error *err)
{
    SL_TRY(sl_weights_open(&p->w, path, err));
    p->use = SL_NEW_ARRAY(enum use, sl_weights_count(p->w) + 1);
    return p->use ? SIMLM_OK : sl_fail_nomem(err, path);
}

/* The layers of a decoder's file: "0.", "1.", ... */
static int64_t count_layers(const struct sl_weights *w, int64_t max)
{
    int64_t n = 0;

    for (; w && n < max; n++) {
        char name[64];

        snprintf(name, sizeof name, "%lld.attention.self.query.weight",
                 (long long)n);
        if (sl_weights_find(w, name) < 0)
            break;
    }
    return n;
}

/* Has the file any tensor of the masked-LM head? */
static bool has_head(const struct sl_bert *m, const struct sl_weights *w)
{
    for (int64_t i = m->first_head; i < m->first_score; i++)
        if (sl_params_match(&m->params, i, w, NULL) >= 0)
            return true;
    return false;
}

/* The last of a score head?  (A pooler alone is none.) */
static bool has_score(const struct sl_bert *m, const struct sl_weights *w)
{
    return sl_params_match(&m->params, m->first_decoder - 1, w, NULL) >= 0;
}

/* The model that would be read: with heads and decoder if they are there. */
static simlm_status plan_model(struct inspection *x, simlm_error *err)
{
    char *path = sl_path_join(x->input, "config.json");
    struct sl_bert_parts parts = {.head = true, .score = true};
    struct sl_config cfg;
    simlm_status st;

    st = path ? sl_config_load(&cfg, path, err) : sl_fail_nomem(err, x->input);
    sl_free(path);
    SL_TRY(st);
    parts.n_decoder = count_layers(x->part[DECODER].w, cfg.layers);
    SL_TRY(sl_bert_plan(&x->model, &cfg, parts, err));
    parts.head = has_head(x->model, x->part[WEIGHTS].w);
    parts.score = has_score(x->model, x->part[WEIGHTS].w);
    sl_bert_free(x->model);
    x->model = NULL;
    return sl_bert_plan(&x->model, &cfg, parts, err);
}

/* What becomes of the part's tensors as parameters first .. end - 1. */
static simlm_status judge(struct inspection *x, struct part *p, int64_t first,
                          int64_t end, const char *strip, simlm_error *err)
{
    const struct sl_params *ps = &x->model->params;

    for (int64_t i = 0; i < sl_weights_count(p->w); i++)
        p->use[i] = IGNORED;
    for (int64_t i = first; i < end; i++) {
        const char *name = ps->list[i].name;
        int64_t at = sl_params_match(ps, i, p->w, strip);

        if (at >= 0)
            p->use[at] = sl_param_fits(&ps->list[i], sl_weights_at(p->w, at))
                             ? USED
                             : MISFIT;
        else if (sl_strmap_add(x->missing, name, strlen(name), 0, NULL) < 0)
            return sl_fail_nomem(err, x->input);
    }
    for (int64_t i = 0; i < sl_weights_count(p->w); i++)
        if (p->use[i] == IGNORED && sl_params_is_copy(p->w, i))
            p->use[i] = TIED;
    return SIMLM_OK;
}

static simlm_status open_dir(struct inspection *x, simlm_error *err)
{
    char *weights = NULL, *decoder = NULL;
    simlm_status st = sl_modeldir_need_one(x->input, err);

    if (st == SIMLM_OK)
        st = sl_modeldir_weights(&weights, x->input, err);
    if (st == SIMLM_OK)
        st = open_part(&x->part[WEIGHTS], weights, err);
    if (st == SIMLM_OK)
        st = sl_modeldir_decoder(&decoder, x->input, err);
    if (st == SIMLM_OK && decoder)
        st = open_part(&x->part[DECODER], decoder, err);
    sl_free(weights);
    sl_free(decoder);
    SL_TRY(st);
    SL_TRY(plan_model(x, err));
    SL_TRY(judge(x, &x->part[WEIGHTS], 0, x->model->first_decoder, NULL, err));
    if (!x->part[DECODER].w)
        return SIMLM_OK;
    return judge(x, &x->part[DECODER], x->model->first_decoder,
                 x->model->params.count, "decoder.", err);
}

/* ---- counting ------------------------------------------------------------ */

static int64_t count_use(const struct inspection *x, enum use use)
{
    int64_t n = 0;

    for (int k = 0; k < N_PARTS; k++)
        for (int64_t i = 0; x->part[k].w && i < sl_weights_count(x->part[k].w);
             i++)
            n += x->part[k].use[i] == use;
    return n;
}

static int64_t count_parameters(const struct sl_bert *m)
{
    int64_t n = 0;

    for (int64_t i = 0; i < m->params.count; i++)
        n += m->params.list[i].n;
    return n;
}

/* Tensors and bytes of one file. */
static void count_file(const struct sl_weights *w, int64_t file, int64_t *n,
                       int64_t *bytes)
{
    *n = *bytes = 0;
    for (int64_t i = 0; i < sl_weights_count(w); i++)
        if (sl_weights_file_of(w, i) == file) {
            ++*n;
            *bytes += sl_weights_at(w, i)->bytes;
        }
}

/* ---- as text ------------------------------------------------------------- */

static void put_tensor(struct sl_str *s, const struct sl_tensor *t,
                       enum use use)
{
    struct sl_str shape = {0};

    for (int32_t d = 0; d < t->n_dims; d++)
        sl_str_printf(&shape, "%s%lld", d ? " x " : "", (long long)t->shape[d]);
    sl_str_printf(s, "  %-8s %-7s %-16s %12lld  %s", use_names[use],
                  sl_dtype_name(t->dtype),
                  t->why      ? "-"
                  : t->n_dims ? sl_str_c(&shape)
                              : "scalar",
                  (long long)t->bytes, t->name);
    if (t->why)
        sl_str_printf(s, " (%s)", t->why);
    sl_str_putc(s, '\n');
    sl_str_free(&shape);
}

static void put_part(struct sl_str *s, const struct part *p)
{
    for (int64_t f = 0; f < sl_weights_n_files(p->w); f++) {
        int64_t n, bytes;

        count_file(p->w, f, &n, &bytes);
        sl_str_printf(s, "%s: %s, %lld tensors, %lld bytes\n",
                      sl_weights_file(p->w, f), sl_weights_format(p->w, f),
                      (long long)n, (long long)bytes);
        for (int64_t i = 0; i < sl_weights_count(p->w); i++)
            if (sl_weights_file_of(p->w, i) == f)
                put_tensor(s, sl_weights_at(p->w, i), p->use[i]);
    }
}

static void put_model(struct sl_str *s, const struct inspection *x)
{
    const struct sl_bert *m = x->model;

    sl_str_printf(s,
                  "\n%s: %lld layers, hidden %lld, %lld heads, vocabulary "
                  "%lld, %lld positions",
                  m->cfg.type == SL_MODEL_ELECTRA ? "ELECTRA" : "BERT",
                  (long long)m->cfg.layers, (long long)m->cfg.hidden,
                  (long long)m->cfg.heads, (long long)m->cfg.vocab,
                  (long long)m->cfg.positions);
    if (m->has_head)
        sl_str_puts(s, "; masked-LM head");
    if (m->n_decoder)
        sl_str_printf(s, "; decoder of %lld layers", (long long)m->n_decoder);
    sl_str_printf(s, "; %lld parameters\n", (long long)count_parameters(m));
    sl_str_printf(s,
                  "tensors: %lld used, %lld tied, %lld misfit, %lld ignored, "
                  "%lld missing\n",
                  (long long)count_use(x, USED), (long long)count_use(x, TIED),
                  (long long)count_use(x, MISFIT),
                  (long long)count_use(x, IGNORED),
                  (long long)sl_strmap_count(x->missing));
    for (int64_t i = 0; i < sl_strmap_count(x->missing); i++)
        sl_str_printf(s, "  missing  %s\n", sl_strmap_key(x->missing, i));
}

static void put_text(struct sl_str *s, const struct inspection *x)
{
    for (int k = 0; k < N_PARTS; k++)
        if (x->part[k].w)
            put_part(s, &x->part[k]);
    if (x->model)
        put_model(s, x);
}

/* ---- as JSON ------------------------------------------------------------- */

static void add_file(struct sl_json_writer *w, const struct sl_weights *from,
                     int64_t file)
{
    int64_t n, bytes;

    count_file(from, file, &n, &bytes);
    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "path", sl_weights_file(from, file));
    sl_json_add_text(w, "format", sl_weights_format(from, file));
    sl_json_add_int(w, "tensors", n);
    sl_json_add_int(w, "bytes", bytes);
    sl_json_end(w);
}

static void add_tensor(struct sl_json_writer *w, const struct part *p,
                       int64_t i, bool judged)
{
    const struct sl_tensor *t = sl_weights_at(p->w, i);

    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "name", t->name);
    sl_json_add_text(w, "type", sl_dtype_name(t->dtype));
    sl_json_begin(w, "shape", '[');
    for (int32_t d = 0; d < t->n_dims; d++)
        sl_json_add_int(w, NULL, t->shape[d]);
    sl_json_end(w);
    sl_json_add_int(w, "bytes", t->bytes);
    sl_json_add_text(w, "file",
                     sl_weights_file(p->w, sl_weights_file_of(p->w, i)));
    if (judged)
        sl_json_add_text(w, "use", use_names[p->use[i]]);
    if (t->why)
        sl_json_add_text(w, "not_read", t->why);
    sl_json_end(w);
}

static void add_model(struct sl_json_writer *w, const struct inspection *x)
{
    const struct sl_config *c = &x->model->cfg;

    sl_json_begin(w, "model", '{');
    sl_json_add_text(w, "type",
                     c->type == SL_MODEL_ELECTRA ? "electra" : "bert");
    sl_json_add_int(w, "layers", c->layers);
    sl_json_add_int(w, "hidden", c->hidden);
    sl_json_add_int(w, "heads", c->heads);
    sl_json_add_int(w, "vocabulary", c->vocab);
    sl_json_add_int(w, "positions", c->positions);
    sl_json_add_bool(w, "head", x->model->has_head);
    sl_json_add_int(w, "decoder_layers", x->model->n_decoder);
    sl_json_add_int(w, "parameters", count_parameters(x->model));
    sl_json_end(w);
    sl_json_begin(w, "missing", '[');
    for (int64_t i = 0; i < sl_strmap_count(x->missing); i++)
        sl_json_add_text(w, NULL, sl_strmap_key(x->missing, i));
    sl_json_end(w);
}

static void put_json(struct sl_str *s, const struct inspection *x)
{
    struct sl_json_writer w = {.s = s, .indent = 1};

    sl_json_begin(&w, NULL, '{');
    sl_json_begin(&w, "files", '[');
    for (int k = 0; k < N_PARTS; k++)
        for (int64_t f = 0;
             x->part[k].w && f < sl_weights_n_files(x->part[k].w); f++)
            add_file(&w, x->part[k].w, f);
    sl_json_end(&w);
    sl_json_begin(&w, "tensors", '[');
    for (int k = 0; k < N_PARTS; k++)
        for (int64_t i = 0; x->part[k].w && i < sl_weights_count(x->part[k].w);
             i++)
            add_tensor(&w, &x->part[k], i, x->model != NULL);
    sl_json_end(&w);
    if (x->model)
        add_model(&w, x);
    sl_json_end(&w);
    sl_str_putc(s, '\n');
}

/* ---- the job ------------------------------------------------------------- */

static void release(struct inspection *x)
{
    for (int k = 0; k < N_PARTS; k++) {
        sl_weights_close(x->part[k].w);
        sl_free(x->part[k].use);
    }
    sl_bert_free(x->model);
    sl_strmap_free(x->missing);
}

simlm_status sl_inspect(const simlm_inspect_options *o, simlm_error *err)
{
    struct inspection x = {.input = o->input, .missing = sl_strmap_new()};
    struct sl_str s = {0};
    simlm_status st;

    st = !x.missing                ? sl_fail_nomem(err, o->input)
         : sl_dir_exists(o->input) ? open_dir(&x, err)
                                   : open_part(&x.part[WEIGHTS], o->input, err);
    if (st == SIMLM_OK) {
        o->json ? put_json(&s, &x) : put_text(&s, &x);
        st = sl_str_ok(&s) ? sl_file_write(o->output, s.s, s.len, err)
                           : sl_fail_nomem(err, o->input);
    }
    sl_str_free(&s);
    release(&x);
    return st;
}
