#include "train/card.h"

#include <string.h>

#include <simlm/version.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "format/json.h"
#include "model/modeldir.h"

/* What kinds of models there are, by their class in config.json. */
static const struct kind {
    const char *class; /* a part of its name; the last fits all */
    const char *header, *what;
} kinds[] = {
    {"ForSequenceClassification",
     "library_name: transformers\npipeline_tag: text-ranking\ntags:\n- simlm\n"
     "- cross-encoder\n",
     "A re-ranker (cross-encoder): a query and a passage in, one score out."},
    {"ForMaskedLM",
     "library_name: transformers\npipeline_tag: fill-mask\ntags:\n- simlm\n",
     "A pre-trained encoder with its masked-LM head, to be fine-tuned."},
    {"",
     "library_name: sentence-transformers\npipeline_tag: sentence-similarity\n"
     "tags:\n- simlm\n- sentence-transformers\n- sentence-similarity\n"
     "- feature-extraction\n",
     "A retriever (bi-encoder): a query or a passage in, one vector out; the "
     "score of two is their inner product."},
};

struct card {
    const char *name;
    const struct kind *kind;
    struct sl_config cfg;
    struct sl_profile profile;
    struct sl_json_doc *config, *run, *eval;
    bool untied;
    struct sl_str s;
};

/* ---- reading ------------------------------------------------------------- */

static const struct kind *kind_of(struct sl_json config)
{
    const char *class = sl_json_is_text(
        sl_json_item(sl_json_field(config, "architectures"), 0), NULL);
    const struct kind *k = kinds;

    while (*k->class && !(class && strstr(class, k->class)))
        k++;
    return k;
}

/* *doc <- <dir>/<name>, or NULL if there is no such file. */
static simlm_status load(struct sl_json_doc **doc, const char *dir,
                         const char *name, simlm_error *err)
{
    char *path = sl_path_join(dir, name);
    simlm_status st = path ? SIMLM_OK : sl_fail_nomem(err, dir);

    if (path && sl_file_exists(path))
        st = sl_json_load(doc, path, err);
    sl_free(path);
    return st;
}

/* The last line of the log that is an evaluation, from `end` back; its start,
 * or NULL. */
static const char *last_eval(const char *log, const char **end)
{
    static const char start[] = "{\"event\":\"eval\"";

    for (const char *line; *end > log; *end = line - (line > log)) {
        for (line = *end; line > log && line[-1] != '\n';)
            line--;
        if ((size_t)(*end - line) > sizeof start &&
            !memcmp(line, start, sizeof start - 1))
            return line;
    }
    return NULL;
}

static simlm_status load_eval(struct card *c, const char *run, simlm_error *err)
{
    char *path = sl_path_join(run, "log.jsonl");
    struct sl_map log = {0};
    simlm_status st = path ? SIMLM_OK : sl_fail_nomem(err, run);

    if (path && sl_file_exists(path))
        st = sl_map_open(&log, path, err);
    if (st == SIMLM_OK && log.n) {
        const char *end = (const char *)log.p + log.n;
        const char *line = last_eval((const char *)log.p, &end);

        if (line)
            st = sl_json_parse(&c->eval, line, (size_t)(end - line), path, 0,
                               err);
    }
    sl_map_close(&log);
    sl_free(path);
    return st;
}

static simlm_status load_model(struct card *c, const char *dir, int64_t pooler,
                               simlm_error *err)
{
    char *path = sl_path_join(dir, "config.json");
    simlm_status st =
        path ? sl_config_load(&c->cfg, path, err) : sl_fail_nomem(err, dir);

    if (st == SIMLM_OK)
        st = sl_json_load(&c->config, path, err);
    sl_free(path);
    SL_TRY(st);
    c->cfg.pooler = pooler; /* not in the file */
    c->kind = kind_of(sl_json_root(c->config));
    return *c->kind->class ? SIMLM_OK /* no vectors of texts */
                           : sl_profile_load(&c->profile, dir, &c->cfg, err);
}

/* ---- writing ------------------------------------------------------------- */

static void put_shape(struct card *c)
{
    const struct sl_config *g = &c->cfg;

    sl_str_printf(
        &c->s,
        "%s Made by simlm %s (SimLM in C).\n\n"
        "%s%s: %lld layers, hidden width %lld, %lld heads, vocabulary "
        "of %lld.\n",
        c->kind->what, SIMLM_VERSION, c->untied ? "Two encoders, each " : "",
        g->type == SL_MODEL_ELECTRA ? "ELECTRA" : "BERT", (long long)g->layers,
        (long long)g->hidden, (long long)g->heads, (long long)g->vocab);
}

/* Two encoders are told apart by the task, which sentence-transformers has since
 * its version 5. */
static void put_use(struct card *c, const char *passage)
{
    const char *query = c->untied ? "_query([\"a query\"])"
                                  : "([\"a query\"], prompt_name=\"query\")";

    sl_str_printf(&c->s,
                  "\n## Use\n\n"
                  "```python\n"
                  "from sentence_transformers import SentenceTransformer\n\n"
                  "model = SentenceTransformer(\"%s\")\n"
                  "queries = model.encode%s\n"
                  "passages = model.encode%s([%s]%s)\n"
                  "scores = queries @ passages.T\n"
                  "```\n\n",
                  c->name, query, c->untied ? "_document" : "", passage,
                  c->untied ? "" : ", prompt_name=\"document\"");
}

static void put_retriever(struct card *c)
{
    const struct sl_profile *p = &c->profile;
    bool pair = p->form == SL_PASSAGE_PAIR;

    put_use(c, pair ? "(\"its title\", \"the text\")"
                    : "\"its title and the text\"");
    sl_str_printf(
        &c->s,
        "Vectors: %lld numbers, %s%s%s. Queries are cut at %d tokens, passages "
        "at "
        "%d%s.\n",
        (long long)(c->cfg.pooler ? c->cfg.pooler : c->cfg.hidden),
        p->pooling == SL_POOL_CLS ? "the last layer's [CLS]"
                                  : "the mean of the last layer",
        c->cfg.pooler ? " through a linear layer" : "",
        p->normalize ? ", of unit length" : "", (int)p->query_max_length,
        (int)p->passage_max_length,
        pair ? ", which are pairs of title and text" : "");
    if (pair && p->missing_title)
        sl_str_printf(&c->s, "A missing title is \"%s\".\n", p->missing_title);
}

/* The numbers of the last evaluation. */
static void put_eval(struct card *c)
{
    struct sl_json root = sl_json_root(c->eval);
    struct sl_json_member m = {0};
    int64_t step = 0;
    double x;

    sl_json_is_int(sl_json_field(root, "step"), &step);
    sl_str_printf(&c->s,
                  "\n## Held-out examples, after step %lld\n\n"
                  "| measure | value |\n| --- | --- |\n",
                  (long long)step);
    while (sl_json_next(root, &m))
        if (strcmp(m.key, "step") && strcmp(m.key, "epoch") &&
            sl_json_is_real(m.value, &x))
            sl_str_printf(&c->s, "| %s | %.4f |\n", m.key, x);
}

static void put_recipe(struct card *c)
{
    struct sl_json_writer w = {.s = &c->s, .indent = 2};

    sl_str_puts(&c->s, "\n## Recipe\n\nWhat decided the weights (hashes are of "
                       "the inputs):\n\n```json\n");
    sl_json_add_value(&w, NULL,
                      sl_json_field(sl_json_root(c->run), "identity"));
    sl_str_puts(&c->s, "\n```\n");
}

static simlm_status write_card(struct card *c, const char *dir,
                               simlm_error *err)
{
    char *path = sl_path_join(dir, "README.md");
    simlm_status st;

    sl_str_printf(&c->s, "---\n%s---\n\n# %s\n\n", c->kind->header, c->name);
    put_shape(c);
    if (!*c->kind->class)
        put_retriever(c);
    if (c->eval)
        put_eval(c);
    if (c->run)
        put_recipe(c);
    st = path && sl_str_ok(&c->s) ? sl_file_write(path, c->s.s, c->s.len, err)
                                  : sl_fail_nomem(err, dir);
    sl_free(path);
    return st;
}

simlm_status sl_card_save(const char *dir, int64_t pooler, const char *run,
                          simlm_error *err)
{
    const char *slash = strrchr(run, '/');
    struct card c = {.name = slash && slash[1] ? slash + 1 : run};
    simlm_status st = sl_modeldir_is_untied(&c.untied, dir, err);

    if (st == SIMLM_OK)
        st = load_model(&c, dir, pooler, err);
    if (st == SIMLM_OK)
        st = load(&c.run, run, "train.json", err);
    if (st == SIMLM_OK)
        st = load_eval(&c, run, err);
    if (st == SIMLM_OK)
        st = write_card(&c, dir, err);
    sl_profile_free(&c.profile);
    sl_json_free(c.config);
    sl_json_free(c.run);
    sl_json_free(c.eval);
    sl_str_free(&c.s);
    return st;
}
