/* The re-ranker reads in training what it reads in scoring; its directory is
 * told from others; the public API keeps its contract. */
#include "check.h"

#include <simlm/jobs.h>
#include <simlm/reranker.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "data/corpus.h"
#include "data/pack.h"
#include "data/token_cache.h"
#include "model/bert.h"
#include "model/modeldir.h"
#include "retrieve/compose.h"
#include "retrieve/scorer.h"

static const char vocab[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n-\n:\na\nb\nc\n"
    "##x\nd\ne\n.\n";

/* Titles that end in punctuation, in blanks, in half a character, in what looks
 * like a special token; one without any token. */
static const char corpus[] =
    "{\"id\": \"0\", \"title\": \"a b\", \"contents\": \"c d e\"}\n"
    "{\"id\": \"1\", \"contents\": \"c d\"}\n"
    "{\"id\": \"2\", \"title\": \"-\", \"contents\": \"bx cx\"}\n"
    "{\"id\": \"3\", \"title\": \"a:\", \"contents\": \": b b b b b b b\"}\n"
    "{\"id\": \"4\", \"title\": \"a. [SEP] \", \"contents\": \"\"}\n"
    "{\"id\": \"5\", \"title\": \"b\\ud83d\", \"contents\": \"\\u0301 e "
    "[MASK\"}\n"
    "{\"id\": \"6\", \"title\": \"\\u200b\", \"contents\": \"a\"}\n";
enum { PASSAGES = 7 };

/* ---- what it reads ----------------------------------------------------------
 */

static struct sl_retriever r;

static int64_t compose(const struct sl_passage *p, const char *query,
                       int64_t length, int32_t *ids, int32_t *types)
{
    struct sl_compose_scratch s = {0};
    struct sl_pair pair = {
        .query = {.text = query, .text_len = strlen(query)},
        .passage = {p->contents, p->title, p->contents_len, p->title_len}};
    int64_t n = sl_compose_pair(&r, &pair, length, ids, types, &s);

    sl_compose_free(&s);
    return n;
}

static void check_pair(const struct sl_token_cache *cache,
                       const struct sl_passage *p, int64_t row,
                       const char *query, struct sl_pack_rule *rule)
{
    struct sl_id_list q = {0};
    struct sl_pack pack;
    int32_t ids[64], types[64];
    int64_t n = compose(p, query, rule->max_length, ids, types);

    check_ok(sl_pack_init(&pack, 1, 64, &err));
    assert_true(sl_tokenizer_encode(r.tokenizer, &q, query, strlen(query)));
    sl_pack_add_pair(&pack, 1, (struct sl_ids){q.id, q.n}, cache, row, rule);
    assert_int_equal(pack.N, n);
    assert_memory_equal(pack.ids, ids, (size_t)n * sizeof *ids);
    assert_memory_equal(pack.types, types, (size_t)n * sizeof *types);
    sl_pack_free(&pack);
    sl_id_list_free(&q);
}

static void training_and_scoring_read_the_same(void **state)
{
    static const char *const queries[] = {"", "a", "a b c d e a b c"};
    const char *path = test_file("corpus.jsonl", corpus);
    struct sl_id_list colon = {0};
    struct sl_token_cache *cache;
    struct sl_corpus *texts;

    (void)state;
    check_ok(sl_token_cache_open(&cache, test_path("cache"), &path, 1,
                                 r.tokenizer, NULL, NULL, &err));
    check_ok(sl_corpus_load(&texts, &path, 1, NULL, &err));
    assert_true(sl_tokenizer_encode(r.tokenizer, &colon, ":", 1));
    for (int64_t length = 3; length < 24; length++)
        for (size_t q = 0; q < SL_LEN(queries); q++)
            for (int64_t row = 0; row < PASSAGES; row++) {
                struct sl_passage p = sl_corpus_get(texts, row);
                struct sl_pack_rule rule = {.tokenizer = r.tokenizer,
                                            .max_length = length,
                                            .colon = {colon.id, colon.n}};

                check_pair(cache, &p, row, queries[q], &rule);
            }
    sl_id_list_free(&colon);
    sl_corpus_free(texts);
    sl_token_cache_close(cache);
}

static void check_reads(const char *title, const char *text, const char *want)
{
    struct sl_passage p = {.title = title,
                           .contents = text,
                           .title_len = title ? strlen(title) : 0,
                           .contents_len = strlen(text)};
    int32_t ids[32], types[32];
    int64_t n = compose(&p, "a", 32, ids, types);
    char got[256] = "";

    for (int64_t i = 0; i < n; i++) {
        strcat(got, sl_tokenizer_token(r.tokenizer, ids[i]));
        strcat(got, types[i] ? "/1 " : " ");
    }
    check_msg(!strcmp(got, want), "'%s', not '%s'", got, want);
}

static void a_title_stands_before_a_colon(void **state)
{
    (void)state;
    check_reads("b", "c", "[CLS] a [SEP] b/1 :/1 c/1 [SEP]/1 ");
    check_reads("-", "c", "[CLS] a [SEP] -/1 :/1 c/1 [SEP]/1 ");
    check_reads(NULL, "c", "[CLS] a [SEP] c/1 [SEP]/1 ");
    r.profile.missing_title = sl_strdup("-");
    check_reads("", "c", "[CLS] a [SEP] -/1 :/1 c/1 [SEP]/1 ");
    sl_profile_free(&r.profile);
}

/* ---- its directory ----------------------------------------------------------
 */

static struct sl_backend *be;

static struct sl_config shape(enum sl_model_type type)
{
    struct sl_config c = sl_config_default();

    c.type = type;
    c.vocab = 14;
    c.hidden = c.embedding = 16;
    c.layers = 2;
    c.heads = 2;
    c.ffn = 24;
    c.positions = 64;
    return c;
}

/* A directory of a fresh model; `score`: a re-ranker's. */
static const char *make_dir(const char *name, enum sl_model_type type,
                            bool score)
{
    struct sl_config cfg = shape(type);
    struct sl_bert_parts parts = {.head = !score, .score = score};
    struct sl_profile profile;
    struct sl_bert *m;
    const char *dir = test_path(name);

    check_ok(sl_bert_new(&m, be, &cfg, parts, &err));
    check_ok(sl_bert_init(m, 3, &err));
    check_ok(sl_profile_default(&profile, &err));
    if (score) {
        profile.form = SL_PASSAGE_COLON;
        profile.passage_max_length = 40;
    }
    check_ok(sl_modeldir_save(dir, m, true, &profile, test_path("from"), &err));
    sl_profile_free(&profile);
    sl_bert_free(m);
    return dir;
}

static bool file_says(const char *dir, const char *name, const char *what)
{
    char path[512], *text = NULL;
    size_t n;
    bool found;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    check_ok(sl_file_read(&text, &n, path, 1 << 20, &err));
    found = strstr(text, what) != NULL;
    sl_free(text);
    return found;
}

static void a_directory_says_that_it_is_a_reranker(void **state)
{
    const char *dir = make_dir("bert", SL_MODEL_BERT, true);
    struct sl_retriever m = {0};
    char path[512];

    (void)state;
    assert_true(file_says(dir, "config.json", "BertForSequenceClassification"));
    assert_true(file_says(dir, "config.json", "\"id2label\""));
    assert_true(file_says(dir, "simlm.json", "\"colon\""));
    snprintf(path, sizeof path, "%s/modules.json", dir);
    assert_false(sl_file_exists(path)); /* it makes no vectors */
    check_ok(sl_reranker_open(&m, dir, SIMLM_FP32, &err));
    assert_int_equal(m.profile.passage_max_length, 40);
    sl_retriever_close(&m);
    check_fails(SIMLM_E_FORMAT, "is a re-ranker",
                sl_retriever_open(&m, dir, SIMLM_FP32, &err));
    dir = make_dir("electra", SL_MODEL_ELECTRA, true);
    assert_true(
        file_says(dir, "config.json", "ElectraForSequenceClassification"));
}

static void a_model_without_a_head_is_no_reranker(void **state)
{
    const char *dir = make_dir("base", SL_MODEL_BERT, false);
    struct sl_retriever m = {0};

    (void)state;
    check_fails(SIMLM_E_FORMAT, "no tensor 'bert.pooler.dense.weight'",
                sl_reranker_open(&m, dir, SIMLM_FP32, &err));
}

static void what_a_head_lacks_is_drawn_from_the_seed(void **state)
{
    const char *dir = make_dir("base", SL_MODEL_BERT, false);
    float w[3][16];

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct sl_bert_parts parts = {
            .score = true, .may_be_fresh = true, .seed = i == 2 ? 8 : 7};
        struct sl_bert *m;

        check_ok(sl_bert_open(&m, be, dir, parts, NULL, &err));
        assert_true(m->fresh_score);
        be->download_real(be, w[i], m->W.score.w2, 16);
        sl_bert_free(m);
    }
    assert_memory_equal(w[0], w[1], sizeof w[0]);
    assert_memory_not_equal(w[0], w[2], sizeof w[0]);
}

/* ---- the API ----------------------------------------------------------------
 */

enum { N = 40 };
static char text_of[N][80];
static simlm_text passages[N];

static void make_passages(void)
{
    static const char *const words[] = {"a", "b", "c", "d", "e", "bx", ":"};
    struct sl_rng rng;

    sl_rng_init(&rng, sl_stream(6, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N; i++) {
        for (uint64_t w = sl_rng_below(&rng, 20); w > 0; w--) {
            strcat(text_of[i], words[sl_rng_below(&rng, SL_LEN(words))]);
            strcat(text_of[i], " ");
        }
        passages[i] = (simlm_text){text_of[i], i % 3 ? "a b" : NULL};
    }
}

static void scores(float *score, const simlm_reranker *m,
                   const simlm_text *passage, int32_t n, int32_t threads)
{
    simlm_scorer *s = NULL;

    check_ok(simlm_scorer_new(&s, m, n, &err));
    assert_true(simlm_scorer_bytes(s) > 0);
    simlm_scorer_set_threads(s, threads);
    check_ok(simlm_score(s, score, "a b c", passage, n, &err));
    simlm_scorer_free(s);
}

static void a_score_is_the_same_bits_alone_and_in_any_batch(void **state)
{
    static const simlm_precision precision[] = {SIMLM_FP32, SIMLM_BF16};
    const char *dir = make_dir("electra", SL_MODEL_ELECTRA, true);

    (void)state;
    for (size_t p = 0; p < SL_LEN(precision); p++) {
        simlm_reranker *m = NULL;
        float want[N], got[N], one;

        check_ok(simlm_reranker_open(&m, dir, precision[p], &err));
        scores(want, m, passages, N, 1);
        scores(got, m, passages, N, 2);
        assert_memory_equal(got, want, sizeof want);
        for (int i = 0; i < N; i++) {
            scores(&one, m, passages + i, 1, 0);
            assert_memory_equal(&one, want + i, sizeof one);
        }
        assert_true(want[0] != want[1]);
        simlm_reranker_close(m);
    }
}

static void breaches_of_contract_are_named(void **state)
{
    simlm_reranker *m = NULL;
    simlm_scorer *s = NULL;
    simlm_text no_text = {NULL, NULL};
    float score;

    (void)state;
    check_fails(SIMLM_E_ARG, "path",
                simlm_reranker_open(&m, NULL, SIMLM_FP32, &err));
    check_fails(SIMLM_E_IO, "nowhere",
                simlm_reranker_open(&m, "nowhere", SIMLM_FP32, &err));
    check_ok(simlm_reranker_open(&m, make_dir("bert", SL_MODEL_BERT, true),
                                 SIMLM_FP32, &err));
    check_fails(SIMLM_E_ARG, "max_pairs", simlm_scorer_new(&s, m, 0, &err));
    check_ok(simlm_scorer_new(&s, m, 2, &err));
    check_fails(SIMLM_E_ARG, "query",
                simlm_score(s, &score, NULL, passages, 1, &err));
    check_fails(SIMLM_E_ARG, "n: 3",
                simlm_score(s, &score, "a", passages, 3, &err));
    check_fails(SIMLM_E_ARG, "passage[0].text",
                simlm_score(s, &score, "a", &no_text, 1, &err));
    simlm_scorer_free(s);
    simlm_reranker_close(m);
    simlm_scorer_free(NULL);
    simlm_reranker_close(NULL);
}

static void stored_scores_have_five_decimals(void **state)
{
    (void)state;
    assert_true(sl_stored_score(1.234567f) == 1.23457);
    assert_true(sl_stored_score(-2) == -2);
    assert_true(sl_stored_score(0.015625f) == 0.01562); /* a half, to even */
}

static void note_phase(void *ctx, const char *phase, int64_t done,
                       int64_t total, const char *unit)
{
    bool *scored = ctx;

    (void)done, (void)total, (void)unit;
    *scored = *scored || !strcmp(phase, "re-ranking");
}

static void a_place_that_cannot_be_written_is_told_before_the_work(void **state)
{
    simlm_rerank_options o;
    bool scored = false;
    simlm_observer watch = {.ctx = &scored, .progress = note_phase};

    (void)state;
    simlm_rerank_options_init(&o);
    o.model = make_dir("bert", SL_MODEL_BERT, true);
    o.run = test_file("run.tsv", "q\t0\t1\n");
    o.queries = test_file("queries.tsv", "q\ta b\n");
    o.corpus = test_file("corpus.jsonl", corpus);
    o.output = test_path("nowhere/new.tsv");
    o.threads = 1;
    check_fails(SIMLM_E_IO, "nowhere", simlm_rerank_files(&o, &watch, &err));
    assert_false(scored);
    o.output = test_path("new.tsv");
    check_ok(simlm_rerank_files(&o, &watch, &err));
    assert_true(scored && sl_file_exists(o.output));
}

static int set_up(void **state)
{
    (void)state;
    check_ok(sl_dir_make(test_path("from"), &err));
    check_ok(sl_tokenizer_from_vocab(&r.tokenizer,
                                     test_file("from/vocab.txt", vocab), &err));
    make_passages();
    return sl_backend_open_cpu(&be, SL_FP32, sl_cpu_from_env(), NULL) !=
           SIMLM_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sl_tokenizer_close(r.tokenizer);
    sl_backend_close(be);
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_and_scoring_read_the_same),
        cmocka_unit_test(a_title_stands_before_a_colon),
        cmocka_unit_test(a_directory_says_that_it_is_a_reranker),
        cmocka_unit_test(a_model_without_a_head_is_no_reranker),
        cmocka_unit_test(what_a_head_lacks_is_drawn_from_the_seed),
        cmocka_unit_test(a_score_is_the_same_bits_alone_and_in_any_batch),
        cmocka_unit_test(breaches_of_contract_are_named),
        cmocka_unit_test(stored_scores_have_five_decimals),
        cmocka_unit_test(
            a_place_that_cannot_be_written_is_told_before_the_work),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
