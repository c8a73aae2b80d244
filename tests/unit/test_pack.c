/*
 * Passages and queries as the model sees them, and steps of pre-training: what
 * is hidden, what counts, and that neither depends on neighbours.
 */
#include "check.h"

#include "base/alloc.h"
#include "data/lm_batch.h"
#include "data/token_cache.h"

/* Ids: 0 .. 4 special, 5 "-", a 6, b 7, c 8, ##x 9, d 10, e 11. */
static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n-\na\nb\nc\n"
                            "##x\nd\ne\n";
enum { UNK = 1, CLS, SEP, MASK, DASH, A, B, C, X, D, E, V };

static const char corpus[] =
    "{\"id\": \"0\", \"title\": \"a b\", \"contents\": \"c d e\"}\n"
    "{\"id\": \"1\", \"contents\": \"c d\"}\n"
    "{\"id\": \"2\", \"title\": \"\", \"contents\": \"\"}\n"
    "{\"id\": \"3\", \"title\": \"a a a a a a\", \"contents\": \"b b b b b b "
    "b\"}\n"
    "{\"id\": \"4\", \"title\": \"a\", \"contents\": \"bx cx zz d ax e a b c d "
    "e\"}\n";

struct world {
    struct sl_tokenizer *t;
    struct sl_token_cache *cache;
};

static void world_open(struct world *w, const char *missing_title)
{
    const char *vocab_path = test_file("vocab.txt", vocab);
    const char *path = test_file("corpus.jsonl", corpus);

    check_ok(sl_tokenizer_from_vocab(&w->t, vocab_path, &err));
    check_ok(sl_token_cache_open(&w->cache, test_path("cache"), &path, 1, w->t,
                                 missing_title, NULL, &err));
}

static void world_close(struct world *w)
{
    sl_token_cache_close(w->cache);
    sl_tokenizer_close(w->t);
}

/* A row packed alone is these ids and types. */
static void check_row(const struct world *w, int64_t row,
                      const struct sl_pack_rule *rule, int64_t n,
                      const int32_t *ids, const int32_t *types)
{
    struct sl_pack p;

    check_ok(sl_pack_init(&p, 1, 64, &err));
    assert_int_equal(sl_pack_row_length(w->cache, row, rule), n);
    sl_pack_add_row(&p, 77, w->cache, row, rule);
    check_msg(p.N == n, "row %d: %d tokens, not %d", (int)row, (int)p.N,
              (int)n);
    for (int64_t i = 0; i < n; i++)
        check_msg(p.ids[i] == ids[i] && p.types[i] == types[i],
                  "row %d, token %d: id %d type %d, not %d and %d", (int)row,
                  (int)i, (int)p.ids[i], (int)p.types[i], (int)ids[i],
                  (int)types[i]);
    assert_int_equal(p.start[1], n);
    assert_int_equal(p.key[0], 77);
    sl_pack_free(&p);
}

#define CHECK_ROW(w, row, rule, ids, types)                                    \
    check_row(w, row, rule,                                                    \
              (int64_t)(sizeof((const int32_t[])ids) / sizeof(int32_t)),       \
              (const int32_t[])ids, (const int32_t[])types)
#define L(...)                                                                 \
    {                                                                          \
        __VA_ARGS__                                                            \
    }

static void a_passage_is_a_pair_of_title_and_contents(void **state)
{
    struct world w;
    struct sl_pack_rule r = {.max_length = 144};

    (void)state;
    world_open(&w, "-");
    r.tokenizer = w.t;
    CHECK_ROW(&w, 0, &r, L(CLS, A, B, SEP, C, D, E, SEP),
              L(0, 0, 0, 0, 1, 1, 1, 1));
    CHECK_ROW(&w, 1, &r, L(CLS, DASH, SEP, C, D, SEP), L(0, 0, 0, 1, 1, 1));
    CHECK_ROW(&w, 2, &r, L(CLS, DASH, SEP, SEP), L(0, 0, 0, 1));
    world_close(&w);

    /* Nothing stands for a missing title: then the contents are alone. */
    world_open(&w, NULL);
    r.tokenizer = w.t;
    CHECK_ROW(&w, 0, &r, L(CLS, A, B, SEP, C, D, E, SEP),
              L(0, 0, 0, 0, 1, 1, 1, 1));
    CHECK_ROW(&w, 1, &r, L(CLS, C, D, SEP), L(0, 0, 0, 0));
    CHECK_ROW(&w, 2, &r, L(CLS, SEP), L(0, 0));

    r.joined = true;
    CHECK_ROW(&w, 0, &r, L(CLS, A, B, C, D, E, SEP), L(0, 0, 0, 0, 0, 0, 0));
    world_close(&w);
}

static void long_pairs_are_cut_as_the_tokenizer_cuts(void **state)
{
    struct world w;
    struct sl_pack_rule r = {.max_length = 9};

    (void)state;
    world_open(&w, "-");
    r.tokenizer = w.t;
    /* (6, 7, budget 6): both over half of it: 3 and 3. */
    CHECK_ROW(&w, 3, &r, L(CLS, A, A, A, SEP, B, B, B, SEP),
              L(0, 0, 0, 0, 0, 1, 1, 1, 1));
    r.max_length = 10; /* budget 7: the longer gets the odd one */
    CHECK_ROW(&w, 3, &r, L(CLS, A, A, A, SEP, B, B, B, B, SEP),
              L(0, 0, 0, 0, 0, 1, 1, 1, 1, 1));
    r.max_length = 3; /* nothing but the special ones fits */
    CHECK_ROW(&w, 3, &r, L(CLS, SEP, SEP), L(0, 0, 1));
    r.max_length = 6;
    r.joined = true;
    CHECK_ROW(&w, 3, &r, L(CLS, A, A, A, A, SEP), L(0, 0, 0, 0, 0, 0));
    world_close(&w);
}

static void a_prompt_stands_in_front(void **state)
{
    static const int32_t prompt[] = {E, E};
    static const int32_t text[] = {A, B, C};
    struct world w;
    struct sl_pack_rule r = {.max_length = 7, .prompt = {prompt, 2}};
    struct sl_pack p;

    (void)state;
    world_open(&w, NULL);
    r.tokenizer = w.t;
    CHECK_ROW(&w, 1, &r, L(CLS, E, E, C, D, SEP), L(0, 0, 0, 0, 0, 0));
    CHECK_ROW(&w, 0, &r, L(CLS, E, E, SEP, C, D, SEP), L(0, 0, 0, 0, 1, 1, 1));

    check_ok(sl_pack_init(&p, 2, 20, &err));
    sl_pack_add_text(&p, 0, (struct sl_ids){text, 3}, &r);
    sl_pack_add_text(&p, 1, (struct sl_ids){NULL, 0}, &r);
    assert_int_equal(p.n, 2);
    assert_int_equal(p.start[1], 7);
    assert_int_equal(p.start[2], 11);
    assert_int_equal(p.ids[5], C);
    assert_int_equal(p.ids[9], E);
    sl_pack_free(&p);
    world_close(&w);
}

static void cuts_fall_between_sequences_within_the_budget(void **state)
{
    struct world w;
    struct sl_pack_rule r = {.max_length = 20};
    struct sl_pack p;

    (void)state;
    world_open(&w, "-");
    r.tokenizer = w.t;
    check_ok(sl_pack_init(&p, 20, 400, &err));
    for (int i = 0; i < 20; i++)
        sl_pack_add_row(&p, (uint64_t)i, w.cache, i % 5, &r);
    for (int64_t budget = 1; budget < 300; budget += 7) {
        int64_t n = 0;

        for (int64_t i = 0, end; i < p.n; i = end, n++) {
            end = sl_pack_cut(&p, i, budget);
            assert_true(end > i && end <= p.n);
            check_msg(end == i + 1 || p.start[end] - p.start[i] <= budget,
                      "budget %d exceeded", (int)budget);
            check_msg(end == p.n || p.start[end + 1] - p.start[i] > budget,
                      "budget %d not used", (int)budget);
        }
        assert_true(n >= 1);
    }
    sl_pack_free(&p);
    world_close(&w);
}

/* ---- masks of a step ----------------------------------------------------- */

static struct sl_lm_rule lm_rule(const struct world *w, uint8_t *kind,
                                 enum sl_lm_copies copies)
{
    sl_token_kinds(kind, w->t);
    return (struct sl_lm_rule){.pack = {.tokenizer = w->t, .max_length = 20},
                               .kind = kind,
                               .vocab = V,
                               .mask_id = MASK,
                               .form = SL_MASK_ALL,
                               .copies = copies,
                               .p_enc = 0.3,
                               .p_dec = 0.5,
                               .seed = 4};
}

static void nested_copies_hide_no_special_token(void **state)
{
    static const int64_t rows[] = {4, 0, 3, 2};
    uint8_t kind[V];
    struct world w;
    struct sl_lm_rule r;
    struct sl_lm_batch b;

    (void)state;
    world_open(&w, "-");
    r = lm_rule(&w, kind, SL_COPIES_NESTED);
    check_ok(sl_lm_batch_init(&b, 4, 20, SL_COPIES_NESTED, &err));
    sl_lm_batch_fill(&b, w.cache, rows, 4, 0, &r);
    for (int64_t i = 0; i < b.clean.N; i++) {
        int32_t id = b.clean.ids[i];
        bool special = id < DASH;

        assert_int_equal(b.plain[i], !special);
        check_msg(b.enc.mask[i] <= b.dec.mask[i], "not nested at %d", (int)i);
        check_msg(!special || !b.dec.mask[i], "special token %d hidden", id);
        assert_int_equal(b.enc.ids[i], b.enc.mask[i] ? MASK : id);
        assert_int_equal(b.dec.ids[i], b.dec.mask[i] ? MASK : id);
        if (id == X)
            assert_int_equal(b.enc.mask[i], b.enc.mask[i - 1]);
    }
    assert_int_equal(b.clean.ids[0], CLS);
    sl_lm_batch_free(&b);
    world_close(&w);
}

/* Of any two shares, the paper's table 8 among them: the decoder's tokens contain
 * the encoder's, are the same if its share is no larger, and all that can be
 * hidden if it is 1; and no more are hidden than the shares allow. */
static void shares_of_any_two_sizes_are_kept(void **state)
{
    static const double share[][2] = {
        {0.15, 0.15}, {0.15, 0.3}, {0.3, 0.3}, {0.3, 0.5}, {0.4, 0.6},
        {0.3, 1},     {0.5, 0.3},  {0, 0},     {0, 1},     {0.9, 0.95}};
    static const int64_t rows[] = {4, 3, 0, 1};
    uint8_t kind[V];
    struct world w;
    struct sl_lm_rule r;
    struct sl_lm_batch b;

    (void)state;
    world_open(&w, "-");
    r = lm_rule(&w, kind, SL_COPIES_NESTED);
    check_ok(sl_lm_batch_init(&b, 4, 20, SL_COPIES_NESTED, &err));
    for (size_t k = 0; k < sizeof share / sizeof *share; k++)
        for (int64_t epoch = 0; epoch < 20; epoch++) {
            r.p_enc = share[k][0];
            r.p_dec = share[k][1];
            sl_lm_batch_fill(&b, w.cache, rows, 4, epoch, &r);
            for (int64_t i = 0; i < b.clean.n; i++) {
                int64_t at = b.clean.start[i], n = b.clean.start[i + 1] - at;
                double x = (r.p_dec - r.p_enc) / (1 - r.p_enc);
                int64_t n_enc = 0, n_dec = 0, n_plain = 0;

                for (int64_t j = at; j < at + n; j++) {
                    assert_true(b.enc.mask[j] <= b.dec.mask[j]);
                    assert_true(b.dec.mask[j] <= b.plain[j]);
                    n_enc += b.enc.mask[j];
                    n_dec += b.dec.mask[j];
                    n_plain += b.plain[j];
                }
                assert_true(n_enc <= sl_mask_budget(n, r.p_enc));
                assert_true(x <= 0 ? n_dec == n_enc
                                   : n_dec <= n_enc + sl_mask_budget(n, x));
                assert_true(r.p_dec < 1 || n_dec == n_plain);
            }
        }
    sl_lm_batch_free(&b);
    world_close(&w);
}

static void rows_are_where_a_flag_is_set(void **state)
{
    static const int64_t rows[] = {4, 0, 3};
    uint8_t kind[V];
    int32_t where[60];
    struct world w;
    struct sl_lm_rule r;
    struct sl_lm_batch b;
    int64_t n, all = 0;

    (void)state;
    world_open(&w, "-");
    r = lm_rule(&w, kind, SL_COPIES_ONE);
    check_ok(sl_lm_batch_init(&b, 3, 20, SL_COPIES_ONE, &err));
    sl_lm_batch_fill(&b, w.cache, rows, 3, 0, &r);
    for (int64_t i = 0; i < b.clean.N; i++)
        all += b.enc.mask[i];
    assert_true(all > 0);
    n = sl_lm_rows(where, b.enc.mask, b.clean.start[1], b.clean.start[3]);
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(b.enc.ids[b.clean.start[1] + where[i]], MASK);
    assert_int_equal(n + sl_lm_rows(where, b.enc.mask, 0, b.clean.start[1]),
                     all);
    sl_lm_batch_free(&b);
    world_close(&w);
}

/* Row 4 among others or alone, first or last: the same masks; in another epoch,
 * or with another seed, others. */
static void a_rows_masks_do_not_depend_on_its_place(void **state)
{
    static const int64_t alone[] = {4}, last[] = {0, 3, 1, 4};
    uint8_t kind[V];
    struct world w;
    struct sl_lm_rule r;
    struct sl_lm_batch a, b;
    int64_t at, n, differ = 0;

    (void)state;
    world_open(&w, "-");
    r = lm_rule(&w, kind, SL_COPIES_NESTED);
    check_ok(sl_lm_batch_init(&a, 1, 20, SL_COPIES_NESTED, &err));
    check_ok(sl_lm_batch_init(&b, 4, 20, SL_COPIES_NESTED, &err));
    for (int64_t epoch = 0; epoch < 8; epoch++) {
        sl_lm_batch_fill(&a, w.cache, alone, 1, epoch, &r);
        sl_lm_batch_fill(&b, w.cache, last, 4, epoch, &r);
        at = b.clean.start[3];
        n = b.clean.N - at;
        assert_int_equal(n, a.clean.N);
        assert_memory_equal(a.enc.mask, b.enc.mask + at, (size_t)n);
        assert_memory_equal(a.dec.mask, b.dec.mask + at, (size_t)n);
        sl_lm_batch_fill(&b, w.cache, last, 4, epoch + 1, &r);
        differ += memcmp(a.enc.mask, b.enc.mask + at, (size_t)n) != 0;
        r.seed++;
        sl_lm_batch_fill(&b, w.cache, last, 4, epoch, &r);
        differ += memcmp(a.enc.mask, b.enc.mask + at, (size_t)n) != 0;
        r.seed--;
    }
    check_msg(differ >= 12, "only %d of 16 masks differ", (int)differ);
    sl_lm_batch_free(&a);
    sl_lm_batch_free(&b);
    world_close(&w);
}

static void a_blank_copy_hides_every_plain_token(void **state)
{
    static const int64_t rows[] = {4, 0};
    uint8_t kind[V];
    struct world w;
    struct sl_lm_rule r;
    struct sl_lm_batch b;

    (void)state;
    world_open(&w, "-");
    r = lm_rule(&w, kind, SL_COPIES_BLANK);
    check_ok(sl_lm_batch_init(&b, 2, 20, SL_COPIES_BLANK, &err));
    sl_lm_batch_fill(&b, w.cache, rows, 2, 0, &r);
    assert_memory_equal(b.enc.ids, b.clean.ids,
                        (size_t)b.clean.N * sizeof *b.enc.ids);
    for (int64_t i = 0; i < b.clean.N; i++) {
        assert_int_equal(b.enc.mask[i], 0);
        assert_int_equal(b.dec.mask[i], b.plain[i]);
        assert_int_equal(b.dec.ids[i], b.plain[i] ? MASK : b.clean.ids[i]);
    }
    sl_lm_batch_free(&b);
    world_close(&w);
}

/* Of every length and room: two spans as long as can be, in order, apart, within
 * the text; and each place is drawn. */
static void spans_lie_apart_anywhere_in_the_text(void **state)
{
    struct sl_rng rng;
    int64_t first[2], n;
    uint64_t seen = 0;

    (void)state;
    sl_rng_init(&rng, 3);
    for (int64_t length = 0; length < 40; length++)
        for (int64_t room = 1; room < 25; room++) {
            int64_t half = length < 2 ? length : length / 2;

            sl_lm_spans(first, &n, length, room, &rng);
            assert_int_equal(n, half < room ? half : room);
            assert_true(first[0] >= 0 && first[1] + n <= length);
            assert_true(length < 2 || first[0] + n <= first[1]);
        }
    for (int i = 0; i < 400; i++) {
        sl_lm_spans(first, &n, 10, 3, &rng);
        seen |= (uint64_t)1 << (8 * first[0] + first[1] - 3);
    }
    /* first[0] 0 .. 4, first[1] first[0] + 3 .. 7. */
    for (int64_t a = 0; a <= 4; a++)
        for (int64_t b = a; b <= 4; b++)
            check_msg(seen >> (8 * a + b) & 1, "never %d and %d", (int)a,
                      (int)(b + 3));
}

/* They follow from seed, epoch and row alone, and are masked on their own. */
static void a_passage_gives_two_spans_of_its_contents(void **state)
{
    static const int64_t alone[] = {4}, last[] = {0, 3, 4};
    uint8_t kind[V];
    struct world w;
    struct sl_lm_rule r;
    struct sl_lm_batch a, b;
    int32_t contents[16];
    int64_t differ = 0, masks = 0;
    struct sl_row_tokens row;

    (void)state;
    world_open(&w, "-");
    row = sl_token_cache_row(w.cache, 4);
    sl_token_cache_contents(w.cache, 4, 0, contents, row.contents);
    r = lm_rule(&w, kind, SL_COPIES_ONE);
    r.spans = true;
    r.pack.max_length = 6; /* spans of four of the fourteen tokens */
    check_ok(sl_lm_batch_init(&a, 2, 20, SL_COPIES_ONE, &err));
    check_ok(sl_lm_batch_init(&b, 6, 20, SL_COPIES_ONE, &err));
    for (int64_t epoch = 0; epoch < 8; epoch++) {
        int64_t at;

        sl_lm_batch_fill(&a, w.cache, alone, 1, epoch, &r);
        sl_lm_batch_fill(&b, w.cache, last, 3, epoch, &r);
        assert_int_equal(a.clean.n, 2);
        assert_int_equal(b.clean.n, 6);
        assert_int_equal(a.clean.N, 12);
        at = b.clean.start[4];
        assert_memory_equal(a.clean.ids, b.clean.ids + at,
                            12 * sizeof(int32_t));
        assert_memory_equal(a.enc.mask, b.enc.mask + at, 12);
        for (int i = 0; i < 2; i++) {
            const int32_t *span = a.clean.ids + 6 * i + 1;
            bool there = false;

            for (int32_t j = 0; j + 4 <= row.contents; j++)
                there |= !memcmp(span, contents + j, 4 * sizeof *span);
            assert_true(there);
            assert_int_equal(span[-1], CLS);
            assert_int_equal(span[4], SEP);
        }
        masks += memcmp(a.enc.mask, a.enc.mask + 6, 6) != 0;
        sl_lm_batch_fill(&b, w.cache, alone, 1, epoch + 1, &r);
        differ += memcmp(a.clean.ids, b.clean.ids, 12 * sizeof(int32_t)) != 0;
    }
    assert_true(differ >= 5 && masks >= 4);
    sl_lm_batch_free(&a);
    sl_lm_batch_free(&b);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_passage_is_a_pair_of_title_and_contents),
        cmocka_unit_test(long_pairs_are_cut_as_the_tokenizer_cuts),
        cmocka_unit_test(a_prompt_stands_in_front),
        cmocka_unit_test(cuts_fall_between_sequences_within_the_budget),
        cmocka_unit_test(nested_copies_hide_no_special_token),
        cmocka_unit_test(shares_of_any_two_sizes_are_kept),
        cmocka_unit_test(rows_are_where_a_flag_is_set),
        cmocka_unit_test(a_rows_masks_do_not_depend_on_its_place),
        cmocka_unit_test(a_blank_copy_hides_every_plain_token),
        cmocka_unit_test(spans_lie_apart_anywhere_in_the_text),
        cmocka_unit_test(a_passage_gives_two_spans_of_its_contents),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
