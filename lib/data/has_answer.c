#include "data/has_answer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parallel.h"
#include "data/qa.h"
#include "format/lines.h"
#include "text/simple_tokens.h"

enum { PASSAGES_A_RANGE = 64 };

/* ---- answers ------------------------------------------------------------- */

/* Question i has the answers start[i] .. start[i + 1] - 1; answer k is the
 * tokens at tokens.s + at[k], ended by a NUL. */
struct sl_answers {
    struct sl_strmap *questions;
    int64_t *start;
    size_t *at;
    struct sl_str tokens;
    int64_t n, start_cap, at_cap;
};

static simlm_status add_answers(struct sl_answers *a, const struct sl_qa *qa,
                                struct sl_simple_room *room, simlm_error *err)
{
    bool ok = sl_grow(&a->at, &a->at_cap, a->n + qa->answers.n, sizeof *a->at);
    int64_t questions = sl_strmap_count(a->questions);

    for (int64_t i = 0; ok && i < qa->answers.n; i++) {
        size_t n;
        const char *text = sl_pylist_text(&qa->answers, i, &n);

        a->at[a->n++] = a->tokens.len;
        ok = sl_simple_tokens(&a->tokens, room, text, n);
        sl_str_putc(&a->tokens, '\0');
    }
    ok = ok && sl_str_ok(&a->tokens) &&
         sl_grow(&a->start, &a->start_cap, questions + 1, sizeof *a->start);
    if (!ok)
        return sl_fail_nomem(err, "answers");
    a->start[questions] = a->n;
    return SIMLM_OK;
}

static simlm_status add_question(struct sl_answers *a, const struct sl_qa *qa,
                                 struct sl_simple_room *room, simlm_error *err)
{
    bool added;

    if (sl_strmap_add(a->questions, qa->question.s, qa->question.len, 0,
                      &added) < 0)
        return sl_fail_nomem(err, "answers");
    return added ? add_answers(a, qa, room, err) : SIMLM_OK;
}

static simlm_status read_answers(struct sl_answers *a, struct sl_lines *in,
                                 simlm_error *err)
{
    struct sl_simple_room room = {0};
    struct sl_qa qa = {0};
    struct sl_line line;
    simlm_status st;

    while ((st = sl_lines_next(in, &line, err)) == SIMLM_OK && line.text) {
        st = sl_qa_parse(&qa, line.text, line.len, sl_lines_path(in),
                         line.number, err);
        if (st == SIMLM_OK && qa.question.len)
            st = add_question(a, &qa, &room, err);
        if (st < 0)
            break;
    }
    if (st == SIMLM_OK && !sl_strmap_count(a->questions))
        st = sl_fail(err, SIMLM_E_FORMAT, "%s: no questions in it",
                     sl_lines_path(in));
    sl_simple_room_free(&room);
    sl_qa_free(&qa);
    return st;
}

simlm_status sl_answers_load(struct sl_answers **out, const char *path,
                             simlm_error *err)
{
    struct sl_answers *a = SL_NEW(struct sl_answers);
    struct sl_lines *in = NULL;
    simlm_status st = SIMLM_OK;

    if (a)
        a->questions = sl_strmap_new();
    if (!a || !a->questions ||
        !sl_grow(&a->start, &a->start_cap, 1, sizeof *a->start))
        st = sl_fail_nomem(err, path);
    if (st == SIMLM_OK) {
        a->start[0] = 0;
        st = sl_lines_open(&in, path, err);
    }
    if (st == SIMLM_OK)
        st = read_answers(a, in, err);
    sl_lines_close(in);
    if (st == SIMLM_OK)
        *out = a;
    else
        sl_answers_free(a);
    return st;
}

void sl_answers_free(struct sl_answers *a)
{
    if (!a)
        return;
    sl_strmap_free(a->questions);
    sl_free(a->start);
    sl_free(a->at);
    sl_str_free(&a->tokens);
    sl_free(a);
}

int64_t sl_answers_count(const struct sl_answers *a)
{
    return sl_strmap_count(a->questions);
}

static bool tokens_have(const struct sl_answers *a, int64_t i,
                        const struct sl_str *tokens)
{
    for (int64_t k = a->start[i]; k < a->start[i + 1]; k++)
        if (strstr(tokens->s, a->tokens.s + a->at[k]))
            return true;
    return false;
}

bool sl_has_answer(const struct sl_answers *a, int64_t i, const char *text,
                   size_t n)
{
    struct sl_simple_room room = {0};
    struct sl_str tokens = {0};
    bool has =
        sl_simple_tokens(&tokens, &room, text, n) && tokens_have(a, i, &tokens);

    sl_simple_room_free(&room);
    sl_str_free(&tokens);
    return has;
}

/* ---- judging ------------------------------------------------------------- */

enum mark { UNSEEN, NONE, HAS, NO_MEMORY };

struct sl_judge {
    const struct sl_answers *answers;
    const struct sl_run *run;
    int64_t *query;      /* [queries of the run] its question, or -1 */
    int64_t *first;      /* [documents + 1] document d has the hits */
    int64_t *hit;        /* hit[first[d]] .. hit[first[d + 1] - 1] ... */
    int64_t *asked;      /* ... of these questions */
    unsigned char *mark; /* [hits of the run] */
    const struct sl_passage_block *block;
};

static bool take_room(struct sl_judge *j)
{
    int64_t n_queries = sl_strmap_count(j->run->queries);
    int64_t n_docs = sl_strmap_count(j->run->docs);
    int64_t n_hits = j->run->start[n_queries];

    j->query = SL_NEW_ARRAY(int64_t, n_queries + 1);
    j->first = SL_NEW_ARRAY(int64_t, n_docs + 2);
    j->hit = SL_NEW_ARRAY(int64_t, n_hits + 1);
    j->asked = SL_NEW_ARRAY(int64_t, n_hits + 1);
    j->mark = SL_NEW_ARRAY(unsigned char, n_hits + 1);
    return j->query && j->first && j->hit && j->asked && j->mark;
}

/* Hits by document: counted, then put in their places. */
static void sort_hits(struct sl_judge *j)
{
    const struct sl_run *run = j->run;
    int64_t n_docs = sl_strmap_count(run->docs);
    int64_t n_queries = sl_strmap_count(run->queries);

    for (int64_t h = 0; h < run->start[n_queries]; h++)
        j->first[run->hit[h].doc + 2]++;
    for (int64_t d = 2; d <= n_docs; d++)
        j->first[d] += j->first[d - 1];
    for (int64_t q = 0; q < n_queries; q++)
        for (int64_t h = run->start[q]; h < run->start[q + 1]; h++) {
            int64_t at = j->first[run->hit[h].doc + 1]++;

            j->hit[at] = h;
            j->asked[at] = j->query[q];
        }
}

simlm_status sl_judge_new(struct sl_judge **out,
                          const struct sl_answers *answers,
                          const struct sl_run *run, simlm_error *err)
{
    struct sl_judge *j = SL_NEW(struct sl_judge);

    if (j) {
        j->answers = answers;
        j->run = run;
    }
    if (!j || !take_room(j)) {
        sl_judge_free(j);
        return sl_fail_nomem(err, "a run's judgements");
    }
    for (int64_t q = 0; q < sl_strmap_count(run->queries); q++)
        j->query[q] =
            sl_strmap_find(answers->questions, sl_strmap_key(run->queries, q),
                           sl_strmap_key_len(run->queries, q));
    sort_hits(j);
    *out = j;
    return SIMLM_OK;
}

void sl_judge_free(struct sl_judge *j)
{
    if (!j)
        return;
    sl_free(j->query);
    sl_free(j->first);
    sl_free(j->hit);
    sl_free(j->asked);
    sl_free(j->mark);
    sl_free(j);
}

/* A document's hits are marked by whoever has its passage, and by no other. */
static void judge_passage(struct sl_judge *j, const struct sl_passage *p,
                          struct sl_simple_room *room, struct sl_str *tokens)
{
    int64_t doc = sl_strmap_find(j->run->docs, p->id, p->id_len);
    bool ok;

    if (doc < 0)
        return;
    sl_str_clear(tokens);
    ok = sl_simple_tokens(tokens, room, p->contents, p->contents_len);
    for (int64_t i = j->first[doc]; i < j->first[doc + 1]; i++) {
        bool has = ok && j->asked[i] >= 0 &&
                   tokens_have(j->answers, j->asked[i], tokens);

        j->mark[j->hit[i]] = (unsigned char)(!ok   ? NO_MEMORY
                                             : has ? HAS
                                                   : NONE);
    }
}

static void judge_range(void *ctx, int64_t begin, int64_t end)
{
    struct sl_judge *j = ctx;
    struct sl_simple_room room = {0};
    struct sl_str tokens = {0};

    for (int64_t i = begin; i < end; i++)
        judge_passage(j, &j->block->passage[i], &room, &tokens);
    sl_simple_room_free(&room);
    sl_str_free(&tokens);
}

void sl_judge_block(struct sl_judge *j, const struct sl_passage_block *block)
{
    j->block = block;
    sl_parallel_for(block->n, PASSAGES_A_RANGE, judge_range, j);
}

/* ---- the judgements ------------------------------------------------------ */

static simlm_status check_hits(const struct sl_judge *j, simlm_error *err)
{
    int64_t n = j->run->start[sl_strmap_count(j->run->queries)];

    for (int64_t h = 0; h < n; h++) {
        if (j->mark[h] == NO_MEMORY)
            return sl_fail_nomem(err, "a passage's tokens");
        if (j->mark[h] == UNSEEN)
            return sl_fail(err, SIMLM_E_FORMAT,
                           "passage '%.100s' of the run is not in the corpus",
                           sl_strmap_key(j->run->docs, j->run->hit[h].doc));
    }
    return SIMLM_OK;
}

static bool copy_keys(struct sl_strmap **to, const struct sl_strmap *from)
{
    *to = sl_strmap_new();
    for (int64_t i = 0; *to && i < sl_strmap_count(from); i++)
        if (sl_strmap_add(*to, sl_strmap_key(from, i),
                          sl_strmap_key_len(from, i), 0, NULL) < 0)
            return false;
    return *to != NULL;
}

static void fill(struct sl_qrels *q, const struct sl_judge *j)
{
    const struct sl_run *run = j->run;
    int64_t n = 0, i;

    for (i = 0; i < sl_strmap_count(q->queries); i++) {
        int64_t r = sl_strmap_find(run->queries, sl_strmap_key(q->queries, i),
                                   sl_strmap_key_len(q->queries, i));

        q->start[i] = n;
        for (int64_t h = r < 0 ? 0 : run->start[r];
             r >= 0 && h < run->start[r + 1]; h++)
            q->judged[n++] =
                (struct sl_judgement){run->hit[h].doc, j->mark[h] == HAS};
    }
    q->start[i] = n;
}

simlm_status sl_judge_end(struct sl_qrels **out, const struct sl_judge *j,
                          simlm_error *err)
{
    const struct sl_run *run = j->run;
    int64_t n_hits = run->start[sl_strmap_count(run->queries)];
    struct sl_qrels *q;

    SL_TRY(check_hits(j, err));
    q = SL_NEW(struct sl_qrels);
    if (q) {
        q->start = SL_NEW_ARRAY(int64_t, sl_answers_count(j->answers) + 1);
        q->judged = SL_NEW_ARRAY(struct sl_judgement, n_hits + 1);
    }
    if (!q || !q->start || !q->judged ||
        !copy_keys(&q->queries, j->answers->questions) ||
        !copy_keys(&q->docs, run->docs)) {
        sl_qrels_free(q);
        return sl_fail_nomem(err, "a run's judgements");
    }
    fill(q, j);
    *out = q;
    return SIMLM_OK;
}

static simlm_status judge_corpus(struct sl_judge *j, const char *corpus,
                                 const simlm_observer *obs, simlm_error *err)
{
    struct sl_corpus_reader *in = NULL;
    struct sl_passage_block block = {0};
    simlm_status st;

    SL_TRY(sl_corpus_reader_open(&in, &corpus, 1, obs, err));
    do {
        st = sl_corpus_reader_next(in, &block, err);
        if (st == SIMLM_OK)
            sl_judge_block(j, &block);
    } while (st == SIMLM_OK && block.n);
    sl_corpus_reader_close(in);
    return st;
}

simlm_status sl_judge_run(struct sl_qrels **out,
                          const struct sl_answers *answers,
                          const struct sl_run *run, const char *corpus,
                          const simlm_observer *obs, simlm_error *err)
{
    struct sl_judge *j = NULL;
    simlm_status st = sl_judge_new(&j, answers, run, err);

    if (st == SIMLM_OK)
        st = judge_corpus(j, corpus, obs, err);
    if (st == SIMLM_OK)
        st = sl_judge_end(out, j, err);
    sl_judge_free(j);
    return st;
}
