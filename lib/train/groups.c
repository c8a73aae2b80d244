#include "train/groups.h"

#include "base/alloc.h"
#include "data/lm_batch.h"
#include "data/negatives.h"

enum { EVAL_MOST = 512 }; /* held-out queries */

/* ---- options and description --------------------------------------------- */

simlm_status sl_groups_check(const simlm_group_options *o, simlm_error *err)
{
    bool lists = o->queries && o->qrels && o->negatives;
    bool some = o->queries || o->qrels || o->negatives;

    if (!o->corpus)
        return sl_fail(err, SIMLM_E_ARG, "no corpus given");
    if (o->examples ? some : !lists || o->more_examples)
        return sl_fail(err, SIMLM_E_ARG,
                       "give queries, qrels and a run of negatives, or a file "
                       "of examples");
    if (o->passages < 1 || o->passages > 4096 || o->negative_depth < 0 ||
        o->negative_count < 1 || o->negative_random < 0)
        return sl_fail(err, SIMLM_E_ARG,
                       "%d passages a query, %d negatives of depth %d, %d "
                       "random: out of range",
                       (int)o->passages, (int)o->negative_count,
                       (int)o->negative_depth, (int)o->negative_random);
    if (o->negative_random > o->negative_count)
        return sl_fail(err, SIMLM_E_ARG,
                       "%d random negatives of a query's %d: expected no "
                       "more than these",
                       (int)o->negative_random, (int)o->negative_count);
    if (o->eval_window < SIMLM_WINDOW_FIRST ||
        o->eval_window > SIMLM_WINDOW_EPOCH)
        return sl_fail(err, SIMLM_E_ARG, "eval-window is out of range");
    return SIMLM_OK;
}

simlm_status sl_groups_identity(const simlm_group_options *o,
                                struct sl_json_writer *w, simlm_error *err)
{
    SL_TRY(sl_setup_add_corpus(w, "corpus", &o->corpus, 1, err));
    if (o->dev)
        SL_TRY(sl_setup_add_file(w, "dev", o->dev, err));
    sl_json_add_text(w, "eval_window", o->eval_window ? "epoch" : "first");
    if (o->more_examples)
        SL_TRY(sl_setup_add_file(w, "more_examples", o->more_examples, err));
    if (o->examples)
        return sl_setup_add_file(w, "examples", o->examples, err);
    SL_TRY(sl_setup_add_file(w, "queries", o->queries, err));
    SL_TRY(sl_setup_add_file(w, "qrels", o->qrels, err));
    SL_TRY(sl_setup_add_file(w, "negatives", o->negatives, err));
    sl_json_add_int(w, "negative_depth", o->negative_depth);
    sl_json_add_int(w, "negative_count", o->negative_count);
    sl_json_add_int(w, "negative_random", o->negative_random);
    return SIMLM_OK;
}

void sl_groups_settings(const simlm_group_options *o, struct sl_json_writer *w)
{
    sl_json_add_text(w, "corpus", o->corpus);
    sl_json_add_text(w, "queries", o->queries);
    sl_json_add_text(w, "qrels", o->qrels);
    sl_json_add_text(w, "negatives", o->negatives);
    sl_json_add_text(w, "examples", o->examples);
    sl_json_add_text(w, "more_examples", o->more_examples);
    sl_json_add_text(w, "dev", o->dev);
}

/* ---- the lists ----------------------------------------------------------- */

static simlm_status build_examples(struct sl_groups *g, struct sl_rundir *dir,
                                   simlm_error *err)
{
    const simlm_group_options *o = g->o;
    struct sl_negatives_files files = {o->queries, o->qrels, o->negatives};
    struct sl_negatives_rule rule = {.depth = o->negative_depth,
                                     .count = o->negative_count,
                                     .random = o->negative_random,
                                     .seed = g->seed};
    struct sl_negatives_report report;
    char line[256];

    SL_TRY(sl_negatives_load(&g->examples, &report, &files,
                             sl_token_cache_ids(g->cache), &rule, err));
    sl_negatives_describe(line, sizeof line, &report);
    if (*line)
        sl_rundir_say(dir, SIMLM_INFO, "%s", line);
    return SIMLM_OK;
}

/* A query that both files have is two examples, as it is in one file. */
static simlm_status load_examples(struct sl_groups *g, simlm_error *err)
{
    const struct sl_docids *ids = sl_token_cache_ids(g->cache);
    const char *more = g->o->more_examples;

    SL_TRY(sl_examples_load(&g->examples, g->o->examples, ids, g->need_scores,
                            err));
    return more
               ? sl_examples_append(g->examples, more, ids, g->need_scores, err)
               : SIMLM_OK;
}

/* A positive, and a negative unless only the others' passages are to be the
 * negatives. */
static bool is_usable(const struct sl_groups *g, int64_t i)
{
    const int64_t *p = g->examples->positives.start;
    const int64_t *n = g->examples->negatives.start;

    return p[i + 1] > p[i] && (n[i + 1] > n[i] || g->o->passages == 1);
}

/* Examples first .. end - 1 that are usable, to the list; the file's name for
 * messages, or NULL. */
static simlm_status add_usable(struct sl_groups *g, int64_t first, int64_t end,
                               const char *path, struct sl_rundir *dir,
                               simlm_error *err)
{
    int64_t before = g->n_usable, n;

    for (int64_t i = first; i < end; i++)
        if (is_usable(g, i))
            g->usable[g->n_usable++] = i;
    n = g->n_usable - before;
    if (!n)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s%sno query has a positive and a negative passage",
                       path ? path : "", path ? ": " : "");
    if (n < end - first)
        sl_rundir_say(dir, SIMLM_WARNING,
                      "%lld of %lld queries have no positive or no negative "
                      "passage and are left out",
                      (long long)(end - first - n), (long long)(end - first));
    return SIMLM_OK;
}

/* Those to evaluate with lie behind those to train with. */
static simlm_status find_usable(struct sl_groups *g, struct sl_rundir *dir,
                                simlm_error *err)
{
    int64_t n_train = g->examples->n, n;

    if (g->o->dev)
        SL_TRY(sl_examples_append(g->examples, g->o->dev,
                                  sl_token_cache_ids(g->cache), g->need_scores,
                                  err));
    g->usable = SL_NEW_ARRAY(int64_t, g->examples->n + 1);
    if (!g->usable)
        return sl_fail_nomem(err, "training examples");
    SL_TRY(add_usable(g, 0, n_train, g->o->examples, dir, err));
    if (!g->o->dev)
        return SIMLM_OK;
    n = g->n_usable;
    SL_TRY(add_usable(g, n_train, g->examples->n, g->o->dev, dir, err));
    g->n_dev = g->n_usable - n;
    return SIMLM_OK;
}

static simlm_status tokenize_queries(struct sl_groups *g,
                                     const struct sl_tokenizer *t,
                                     simlm_error *err)
{
    const struct sl_examples *e = g->examples;

    g->start = SL_NEW_ARRAY(int64_t, e->n + 1);
    if (!g->start)
        return sl_fail_nomem(err, "queries");
    for (int64_t i = 0; i < e->n; i++) {
        const struct sl_example_query *q = &e->query[i];

        if (!sl_tokenizer_encode(t, &g->ids, e->text + q->text,
                                 (size_t)q->text_len))
            return sl_fail_nomem(err, "queries");
        g->start[i + 1] = g->ids.n;
    }
    return SIMLM_OK;
}

static simlm_status open_order(struct sl_groups *g,
                               const simlm_train_options *t, simlm_error *err)
{
    int64_t n = g->n_usable, n_eval = t->eval_samples;

    if (g->o->dev) {
        if (n_eval >= 0 && n_eval < g->n_dev) {
            n -= g->n_dev - n_eval;
            g->n_dev = n_eval;
        }
        return sl_order_init_apart(&g->order, n, g->n_dev, t->batch, t->seed,
                                   err);
    }
    if (n_eval < 0)
        n_eval = sl_order_eval_count(n, EVAL_MOST);
    if (n_eval >= n)
        return sl_fail(err, SIMLM_E_ARG,
                       "%lld queries to evaluate with: expected fewer than "
                       "there are, %lld",
                       (long long)n_eval, (long long)n);
    return sl_order_init(&g->order, n, n_eval, t->batch, t->seed, err);
}

simlm_status sl_groups_open(struct sl_groups *g, const simlm_group_options *o,
                            struct sl_setup *s, struct sl_rundir *dir,
                            simlm_error *err)
{
    const struct sl_docids *ids;

    g->o = o;
    g->seed = s->o->seed;
    SL_TRY(sl_setup_cache(&g->cache, s, &o->corpus, 1, err));
    ids = sl_token_cache_ids(g->cache);
    SL_TRY(o->examples ? load_examples(g, err) : build_examples(g, dir, err));
    if (o->save_examples)
        SL_TRY(sl_examples_save(g->examples, o->save_examples, ids, err));
    SL_TRY(find_usable(g, dir, err));
    SL_TRY(tokenize_queries(g, s->tokenizer, err));
    return open_order(g, s->o, err);
}

void sl_groups_close(struct sl_groups *g)
{
    sl_order_free(&g->order);
    sl_free(g->start);
    sl_id_list_free(&g->ids);
    sl_free(g->usable);
    sl_examples_free(g->examples);
    sl_token_cache_close(g->cache);
    *g = (struct sl_groups){0};
}

/* ---- a group ------------------------------------------------------------- */

int64_t sl_groups_example(const struct sl_groups *g, int64_t i)
{
    return g->usable[i];
}

struct sl_ids sl_groups_query(const struct sl_groups *g, int64_t i)
{
    int64_t e = g->usable[i], at = g->start[e];

    return (struct sl_ids){g->ids.id + at, g->start[e + 1] - at};
}

void sl_groups_choose(int32_t *rows, const struct sl_groups *g, int64_t i,
                      const struct sl_step *step)
{
    int64_t epoch = step->epoch;
    uint64_t offset;

    if (!step->train)
        epoch = g->o->eval_window == SIMLM_WINDOW_EPOCH
                    ? step->done / g->order.steps_per_epoch
                    : 0;
    offset = g->seed + (uint64_t)epoch;

    sl_choose_passages(rows, g->examples, g->usable[i], g->o->passages, offset,
                       g->o->use_first_positive);
}

struct sl_tokens sl_groups_tokens(const struct sl_pack *p)
{
    return (struct sl_tokens){p->n, p->N, p->start, p->ids, p->types, p->key};
}

void sl_groups_scores(float *scores, const struct sl_groups *g, int64_t i,
                      const int32_t *rows)
{
    sl_passage_scores(scores, g->examples, g->usable[i], rows, g->o->passages);
}
