/* The stable API: what a program may rely on, and what it must not do. */
#include "check.h"

#include <pthread.h>

#include <simlm/jobs.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/bert.h"
#include "model/modeldir.h"

enum { DIM = 16, N = 40 };

static const char *model_dir;
static simlm_model *model;
static char text_of[N][96], title_of[N][16];
static simlm_text texts[N];

static const char *const vocab[] = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "-",    "wing", "flow",
    "shock", "heat",  "layer", "body",  "plate",  "jet",  "drag", "lift",
    "##s",   "##ing", "a",     "b",     "c",      "mach", "wake",
};

static void make_texts(void)
{
    struct sl_rng r;

    sl_rng_init(&r, sl_stream(4, SL_PURPOSE_TEST, 0));
    for (int i = 0; i < N; i++) {
        int words = (int)sl_rng_below(&r, 12);

        for (int w = 0; w < words; w++) {
            strcat(text_of[i], vocab[5 + sl_rng_below(&r, 18)]);
            strcat(text_of[i], " ");
        }
        if (i % 3)
            strcpy(title_of[i], vocab[6 + i % 8]);
        texts[i].text = text_of[i];
        texts[i].title = i % 3 ? title_of[i] : NULL;
    }
}

static int set_up(void **state)
{
    char lines[512] = "";
    struct sl_config cfg = sl_config_default();
    struct sl_profile profile;
    struct sl_backend *be;
    struct sl_bert *bert;

    (void)state;
    for (size_t i = 0; i < SL_LEN(vocab); i++) {
        strcat(lines, vocab[i]);
        strcat(lines, "\n");
    }
    cfg.vocab = SL_LEN(vocab);
    cfg.hidden = cfg.embedding = DIM;
    cfg.layers = 2;
    cfg.heads = 2;
    cfg.ffn = 24;
    cfg.positions = 64;
    check_ok(sl_dir_make(test_path("from"), &err));
    test_file("from/vocab.txt", lines);
    check_ok(sl_backend_open_cpu(&be, SL_FP32, sl_cpu_from_env(), &err));
    check_ok(sl_bert_new(&bert, be, &cfg, (struct sl_bert_parts){0}, &err));
    check_ok(sl_bert_init(bert, 1, &err));
    check_ok(sl_profile_default(&profile, &err));
    profile.passage_max_length = 24;
    model_dir = sl_strdup(test_path("model"));
    check_ok(sl_modeldir_save(model_dir, bert, false, &profile,
                              test_path("from"), &err));
    sl_profile_free(&profile);
    sl_bert_free(bert);
    sl_backend_close(be);
    make_texts();
    check_ok(simlm_model_open(&model, model_dir, &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    simlm_model_close(model);
    sl_free((void *)(uintptr_t)model_dir);
    test_tmpdir_remove();
    return 0;
}

static void encode(float *vec, simlm_side side, const simlm_text *t, int32_t n,
                   int32_t max_batch, int32_t threads)
{
    simlm_encoder *e = NULL;

    check_ok(simlm_encoder_new(&e, model, max_batch, &err));
    simlm_encoder_set_threads(e, threads);
    check_ok(simlm_encode(e, side, t, n, vec, &err));
    simlm_encoder_free(e);
}

static void vectors_have_unit_length(void **state)
{
    float vec[N * DIM];

    (void)state;
    assert_int_equal(simlm_model_dim(model), DIM);
    encode(vec, SIMLM_PASSAGE, texts, N, N, 0);
    for (int i = 0; i < N; i++) {
        double square = 0;

        for (int d = 0; d < DIM; d++)
            square += (double)vec[i * DIM + d] * (double)vec[i * DIM + d];
        check_close(square, 1, 1e-5);
    }
}

static void a_vector_is_the_same_bits_alone_and_in_any_batch(void **state)
{
    float want[N * DIM], got[N * DIM], one[DIM];

    (void)state;
    for (int side = 0; side < 2; side++) {
        encode(want, (simlm_side)side, texts, N, N, 1);
        encode(got, (simlm_side)side, texts, N, 1000, 2);
        assert_memory_equal(got, want, sizeof want);
        for (int i = 0; i < N; i++) {
            encode(one, (simlm_side)side, texts + i, 1, 1 + i, 0);
            check_msg(!memcmp(one, want + i * DIM, sizeof one),
                      "side %d, text %d differs alone", side, i);
        }
        encode(got, (simlm_side)side, texts + 7, N - 7, N, 0);
        assert_memory_equal(got, want + 7 * DIM, sizeof *got * DIM * (N - 7));
    }
}

static void a_missing_title_is_the_models_own(void **state)
{
    const simlm_text t[4] = {{"wing flow", NULL},
                             {"wing flow", ""},
                             {"wing flow", "-"},
                             {"wing flow", "jet"}};
    float v[4 * DIM];

    (void)state;
    encode(v, SIMLM_PASSAGE, t, 4, 4, 0);
    assert_memory_equal(v, v + DIM, sizeof *v * DIM);
    assert_memory_equal(v, v + 2 * DIM, sizeof *v * DIM);
    assert_memory_not_equal(v, v + 3 * DIM, sizeof *v * DIM);
    encode(v, SIMLM_QUERY, t, 4, 4, 0);
    assert_memory_equal(v, v + 3 * DIM, sizeof *v * DIM);
}

static void any_bytes_are_a_text(void **state)
{
    static char huge[200000];
    const simlm_text t[3] = {
        {"", NULL}, {"\xff\xfe wing", "\x80"}, {huge, huge}};
    float v[3 * DIM];

    (void)state;
    memset(huge, 'a', sizeof huge - 1);
    for (size_t i = 0; i < sizeof huge - 1; i += 3)
        huge[i] = ' ';
    encode(v, SIMLM_QUERY, t, 3, 3, 0);
    encode(v, SIMLM_PASSAGE, t, 3, 3, 0);
}

/* ---- memory -------------------------------------------------------------- */

/*
 * All of the library's memory comes from aligned_alloc(); this one, in front of
 * the C library's, counts.  (A sanitizer has its own, which must stay.)
 */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define KEEP_ALLOCATOR
#endif
#endif
#else
#define KEEP_ALLOCATOR
#endif

#ifndef KEEP_ALLOCATOR
static long n_allocated;

void *aligned_alloc(size_t alignment, size_t size)
{
    void *p = NULL;

    n_allocated++;
    return posix_memalign(&p, alignment, size) ? NULL : p;
}

static void a_call_allocates_nothing(void **state)
{
    static const char *const ids[2] = {"a", "b"};
    simlm_encoder *e = NULL;
    simlm_index *ix = NULL;
    simlm_searcher *s = NULL;
    float vec[N * DIM];
    simlm_hit hit[N * 2];
    long before;

    (void)state;
    check_ok(simlm_encoder_new(&e, model, N, &err));
    /* The first call of a shape makes oneDNN's code for it. */
    check_ok(simlm_encode(e, SIMLM_PASSAGE, texts, N, vec, &err));
    check_ok(simlm_index_new(&ix, vec, ids, 2, DIM, &err));
    check_ok(simlm_searcher_new(&s, ix, N, 2, &err));
    check_ok(simlm_search(s, hit, vec, N, 2, &err));
    before = n_allocated;
    assert_true(before > 0);
    for (int i = 0; i < 3; i++) {
        check_ok(simlm_encode(e, SIMLM_PASSAGE, texts, N, vec, &err));
        check_ok(simlm_search(s, hit, vec, N, 2, &err));
    }
    check_msg(n_allocated == before, "%ld pieces of memory were taken",
              n_allocated - before);
    simlm_searcher_free(s);
    simlm_index_close(ix);
    simlm_encoder_free(e);
}
#endif

/* ---- threads ------------------------------------------------------------- */

static void *encode_often(void *out)
{
    simlm_encoder *e = NULL;
    float *vec = out;

    if (simlm_encoder_new(&e, model, N, NULL) < 0)
        return out;
    for (int i = 0; i < 5; i++)
        if (simlm_encode(e, SIMLM_PASSAGE, texts, N, vec, NULL) < 0)
            vec[0] = 7;
    simlm_encoder_free(e);
    return NULL;
}

static void encoders_of_one_model_work_side_by_side(void **state)
{
    static float want[N * DIM], got[3][N * DIM];
    pthread_t thread[3];

    (void)state;
    encode(want, SIMLM_PASSAGE, texts, N, N, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, encode_often, got[i]),
                         0);
    for (int i = 0; i < 3; i++) {
        pthread_join(thread[i], NULL);
        assert_memory_equal(got[i], want, sizeof want);
    }
}

/* ---- index and search ---------------------------------------------------- */

static void a_text_finds_itself(void **state)
{
    static const char *const ids[4] = {"a", "b", "c", "d"};
    const simlm_text t[4] = {{"wing", "jet"},
                             {"heat shock", NULL},
                             {"lift drag mach", "a"},
                             {"body", "b"}};
    simlm_index *ix = NULL;
    simlm_searcher *s = NULL;
    float vec[4 * DIM];
    simlm_hit hit[4 * 6];

    (void)state;
    encode(vec, SIMLM_PASSAGE, t, 4, 4, 0);
    check_ok(simlm_index_new(&ix, vec, ids, 4, DIM, &err));
    assert_int_equal(simlm_index_count(ix), 4);
    assert_int_equal(simlm_index_dim(ix), DIM);
    assert_null(simlm_index_id(ix, 4));
    assert_null(simlm_index_id(ix, -1));
    check_ok(simlm_searcher_new(&s, ix, 4, 6, &err));
    assert_true(simlm_searcher_bytes(s) > 0);
    check_ok(simlm_search(s, hit, vec, 4, 6, &err));
    for (int i = 0; i < 4; i++) {
        assert_string_equal(simlm_index_id(ix, hit[i * 6].row), ids[i]);
        check_close((double)hit[i * 6].score, 1, 1e-5);
        assert_int_equal(hit[i * 6 + 4].row, -1);
    }
    simlm_searcher_free(s);
    simlm_index_close(ix);
}

/* ---- breaches of contract ------------------------------------------------ */

static void a_breach_names_the_parameter(void **state)
{
    const simlm_text no_text = {NULL, NULL};
    const char *id = NULL;
    simlm_encoder *e = NULL;
    simlm_index *ix = NULL;
    simlm_model *m = NULL;
    simlm_searcher *s = NULL;
    simlm_hit hit[2];
    float v[2 * DIM] = {0};

    (void)state;
    check_fails(SIMLM_E_ARG, "out", simlm_model_open(NULL, "x", &err));
    check_fails(SIMLM_E_ARG, "path", simlm_model_open(&m, NULL, &err));
    check_fails(SIMLM_E_IO, "no/model", simlm_model_open(&m, "no/model", &err));
    check_fails(SIMLM_E_ARG, "max_batch",
                simlm_encoder_new(&e, model, 0, &err));
    check_fails(SIMLM_E_ARG, "m: ", simlm_encoder_new(&e, NULL, 1, &err));
    check_fails(SIMLM_E_ARG, "max_batch",
                simlm_encoder_new(&e, model, SIMLM_MAX_BATCH + 1, &err));
    check_ok(simlm_encoder_new(&e, model, 2, &err));
    assert_true(simlm_encoder_bytes(e) > 1000);
    check_fails(SIMLM_E_ARG, "n: 3",
                simlm_encode(e, SIMLM_QUERY, texts, 3, v, &err));
    check_fails(SIMLM_E_ARG, "n: 0",
                simlm_encode(e, SIMLM_QUERY, texts, 0, v, &err));
    check_fails(SIMLM_E_ARG, "side",
                simlm_encode(e, (simlm_side)2, texts, 1, v, &err));
    check_fails(SIMLM_E_ARG, "text[0].text",
                simlm_encode(e, SIMLM_QUERY, &no_text, 1, v, &err));
    check_fails(SIMLM_E_ARG, "vec",
                simlm_encode(e, SIMLM_QUERY, texts, 1, NULL, &err));
    assert_int_equal(simlm_encode(e, SIMLM_QUERY, NULL, 1, v, NULL),
                     SIMLM_E_ARG);
    simlm_encoder_free(e);
    check_fails(SIMLM_E_ARG, "dim", simlm_index_new(&ix, v, &id, 1, 0, &err));
    check_fails(SIMLM_E_ARG, "id[0]",
                simlm_index_new(&ix, v, &id, 1, DIM, &err));
    id = "x";
    check_ok(simlm_index_new(&ix, v, &id, 1, DIM, &err));
    check_fails(SIMLM_E_ARG, "max_top", simlm_searcher_new(&s, ix, 1, 0, &err));
    check_ok(simlm_searcher_new(&s, ix, 1, 2, &err));
    check_fails(SIMLM_E_ARG, "top: 3", simlm_search(s, hit, v, 1, 3, &err));
    check_fails(SIMLM_E_ARG, "hit", simlm_search(s, NULL, v, 1, 2, &err));
    v[0] = NAN;
    check_fails(SIMLM_E_NUMERIC, "not a number",
                simlm_search(s, hit, v, 1, 2, &err));
    simlm_searcher_free(s);
    simlm_index_close(ix);
}

static void null_may_be_freed(void **state)
{
    (void)state;
    simlm_model_close(NULL);
    simlm_encoder_free(NULL);
    simlm_index_close(NULL);
    simlm_searcher_free(NULL);
    assert_int_equal(simlm_encoder_bytes(NULL), 0);
    assert_int_equal(simlm_model_dim(NULL), 0);
    assert_int_equal(simlm_index_count(NULL), 0);
}

static void jobs_check_their_options(void **state)
{
    const char *input = "x";
    simlm_encode_options e;
    simlm_index_options x;
    simlm_search_options s;

    (void)state;
    simlm_encode_options_init(&e);
    check_fails(SIMLM_E_ARG, "model", simlm_encode_files(&e, NULL, &err));
    e.model = model_dir;
    check_fails(SIMLM_E_ARG, "input", simlm_encode_files(&e, NULL, &err));
    e.input = &input;
    e.n_inputs = 2;
    e.output = "y";
    e.side = SIMLM_QUERY;
    check_fails(SIMLM_E_ARG, "inputs: queries are one file",
                simlm_encode_files(&e, NULL, &err));
    simlm_index_options_init(&x);
    check_fails(SIMLM_E_ARG, "encoded", simlm_index_build(&x, NULL, &err));
    simlm_search_options_init(&s);
    s.index = "i";
    s.output = "o";
    check_fails(SIMLM_E_ARG, "queries", simlm_search_files(&s, NULL, &err));
    s.queries = "q";
    check_fails(SIMLM_E_ARG, "model", simlm_search_files(&s, NULL, &err));
    s.model = model_dir;
    s.tag = "two words";
    check_fails(SIMLM_E_ARG, "tag", simlm_search_files(&s, NULL, &err));
    check_fails(SIMLM_E_ARG, "options", simlm_search_files(NULL, NULL, &err));
}

/* ---- a stop ----------------------------------------------------------------- */

enum { LONG = 4200, SLICE = 4096 };

struct stop {
    int64_t done, after; /* texts; 0: never */
    char message[256];   /* the first */
};

static void stop_progress(void *ctx, const char *phase, int64_t done,
                          int64_t total, const char *unit)
{
    struct stop *s = ctx;

    (void)phase;
    (void)total;
    (void)unit;
    s->done = done;
}

static bool stop_cancelled(void *ctx)
{
    const struct stop *s = ctx;

    return s->after && s->done > s->after;
}

static void stop_message(void *ctx, simlm_level level, const char *line)
{
    struct stop *s = ctx;

    (void)level;
    if (!*s->message)
        snprintf(s->message, sizeof s->message, "%s", line);
}

static simlm_status encode_long(const char *output, struct stop *s,
                                simlm_error *err)
{
    const char *input = test_path("long.jsonl");
    simlm_encode_options o;
    simlm_observer observer = {.ctx = s,
                               .progress = stop_progress,
                               .message = stop_message,
                               .cancelled = stop_cancelled};
    simlm_encode_options_init(&o);
    o.model = model_dir;
    o.input = &input;
    o.n_inputs = 1;
    o.output = output;
    o.save_every = 1 << 16;
    return simlm_encode_files(&o, &observer, err);
}

static void check_same_bytes(const char *a_path, const char *b_path)
{
    char *a, *b;
    size_t n, m;

    check_ok(sl_file_read(&a, &n, a_path, 1 << 24, &err));
    check_ok(sl_file_read(&b, &m, b_path, 1 << 24, &err));
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    sl_free(a);
    sl_free(b);
}

static void a_stop_keeps_what_is_encoded(void **state)
{
    struct stop none = {0}, stop = {.after = SLICE};
    struct sl_out out;

    (void)state;
    check_ok(sl_out_open(&out, test_path("long.jsonl"), &err));
    for (int i = 0; i < LONG; i++)
        fprintf(out.f, "{\"id\": \"%d\", \"contents\": \"%s\"}\n", i,
                vocab[6 + i % 16]);
    check_ok(sl_out_commit(&out, &err));
    check_ok(encode_long(test_path("undisturbed"), &none, &err));
    check_fails(SIMLM_E_CANCELLED, "stopped on request",
                encode_long(test_path("stopped"), &stop, &err));
    none.message[0] = '\0';
    check_ok(encode_long(test_path("stopped"), &none, &err));
    check_msg(strstr(none.message, "continuing after 4096 rows"), "%s",
              none.message);
    check_same_bytes(test_path("undisturbed/embeddings.npy"),
                     test_path("stopped/embeddings.npy"));
    check_same_bytes(test_path("undisturbed/ids.txt"),
                     test_path("stopped/ids.txt"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_have_unit_length),
        cmocka_unit_test(a_vector_is_the_same_bits_alone_and_in_any_batch),
        cmocka_unit_test(a_missing_title_is_the_models_own),
        cmocka_unit_test(any_bytes_are_a_text),
#ifndef KEEP_ALLOCATOR
        cmocka_unit_test(a_call_allocates_nothing),
#endif
        cmocka_unit_test(encoders_of_one_model_work_side_by_side),
        cmocka_unit_test(a_text_finds_itself),
        cmocka_unit_test(a_breach_names_the_parameter),
        cmocka_unit_test(null_may_be_freed),
        cmocka_unit_test(jobs_check_their_options),
        cmocka_unit_test(a_stop_keeps_what_is_encoded),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
