/* The token cache: the tokenizer's ids, kept, proved, and made anew if not. */
#include "check.h"

#include <dirent.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/str.h"
#include "data/corpus.h"
#include "data/token_cache.h"
#include "data/token_cache_layout.h"
#include "text/tokenizer.h"

/* A small vocabulary, or one whose ids need more than 16 bits. */
static struct sl_tokenizer *make_tokenizer(bool large)
{
    struct sl_tokenizer *t = NULL;
    struct sl_str s = {0};

    sl_str_puts(&s, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = 0; large && i < 70000; i++)
        sl_str_printf(&s, "filler%d\n", i);
    sl_str_puts(&s, "a\nb\nc\nd\n##a\n##b\n##c\n##d\n-\n.\n");
    check_ok(sl_tokenizer_from_vocab(&t, test_file("vocab.txt", s.s), &err));
    sl_str_free(&s);
    return t;
}

/* Words of a to d; some rows have no title, some nothing at all. */
static const char *make_corpus(const char *name, int64_t n, const char *prefix)
{
    const char *path;
    struct sl_str s = {0};
    struct sl_rng r;

    sl_rng_init(&r, sl_stream(13, SL_PURPOSE_TEST, 0));
    for (int64_t i = 0; i < n; i++) {
        sl_str_printf(&s, "{\"id\":\"%s%lld\",", prefix, (long long)i);
        if (sl_rng_below(&r, 3))
            sl_str_printf(&s, "\"title\":\"%s\",", i % 5 ? "ab c" : " ");
        sl_str_puts(&s, "\"contents\":\"");
        for (int64_t k = (int64_t)sl_rng_below(&r, 40); k--;) {
            sl_str_putc(&s, (char)('a' + sl_rng_below(&r, 4)));
            if (!sl_rng_below(&r, 3))
                sl_str_putc(&s, ' ');
        }
        sl_str_puts(&s, "\"}\n");
    }
    path = test_bytes(name, sl_str_c(&s), s.len);
    sl_str_free(&s);
    return path;
}

static struct sl_token_cache *open_cache(const char *dir, const char *corpus,
                                         const struct sl_tokenizer *t,
                                         const char *missing)
{
    struct sl_token_cache *c = NULL;

    check_ok(sl_token_cache_open(&c, dir, &corpus, 1, t, missing, NULL, &err));
    return c;
}

static void check_ids(const struct sl_tokenizer *t, const char *text,
                      size_t len, const int32_t *got, int64_t n)
{
    struct sl_id_list want = {0};

    if (text)
        assert_true(sl_tokenizer_encode(t, &want, text, len));
    assert_int_equal(n, want.n);
    if (n)
        assert_memory_equal(got, want.id, (size_t)n * sizeof *got);
    sl_id_list_free(&want);
}

/* Each row of the cache is what the tokenizer says of the corpus's row. */
static void check_against_corpus(const struct sl_token_cache *c,
                                 const char *path, const struct sl_tokenizer *t,
                                 const char *missing)
{
    struct sl_corpus *corpus = NULL;
    int32_t ids[256];
    int64_t total = 0;

    check_ok(sl_corpus_load(&corpus, &path, 1, NULL, &err));
    assert_int_equal(sl_token_cache_count(c), sl_corpus_count(corpus));
    for (int64_t i = 0; i < sl_corpus_count(corpus); i++) {
        struct sl_passage p = sl_corpus_get(corpus, i);
        struct sl_row_tokens row = sl_token_cache_row(c, i);
        const char *title = p.title ? p.title : missing;

        assert_int_equal(row.has_title, title != NULL);
        sl_token_cache_title(c, i, ids, row.title);
        check_ids(t, title,
                  p.title ? p.title_len
                  : title ? strlen(title)
                          : 0,
                  ids, row.title);
        sl_token_cache_contents(c, i, 0, ids, row.contents);
        check_ids(t, p.contents, p.contents_len, ids, row.contents);
        assert_int_equal(sl_docids_find(sl_token_cache_ids(c), p.id, p.id_len),
                         i);
        total += row.title + row.contents;
    }
    assert_int_equal(sl_token_cache_tokens(c), total);
    sl_corpus_free(corpus);
}

static void a_cache_holds_what_the_tokenizer_gives(void **state)
{
    (void)state;
    static const char *const name[3] = {"rows", "named", "empty"};
    static const char *const missing[3] = {"-", NULL, ""};

    make_corpus("rows", 1000, "");
    make_corpus("named", 300, "doc");
    make_corpus("empty", 0, "");
    for (int large = 0; large < 2; large++) {
        struct sl_tokenizer *t = make_tokenizer(large);

        for (int i = 0; i < 9; i++) {
            const char *corpus = test_path(name[i % 3]);
            struct sl_token_cache *c =
                open_cache(test_path("cache/deep"), corpus, t, missing[i / 3]);

            check_against_corpus(c, corpus, t, missing[i / 3]);
            sl_token_cache_close(c);
        }
        sl_tokenizer_close(t);
    }
}

/* ---- when it is made ----------------------------------------------------- */

static void count_calls(void *ctx, const char *phase, int64_t done,
                        int64_t total, const char *unit)
{
    (void)done;
    (void)total;
    (void)unit;
    assert_string_equal(phase, "tokenizing");
    ++*(int *)ctx;
}

/* Open, and tell whether the cache had to be built for it. */
static bool opens_by_building(const char *dir, const char *corpus,
                              const struct sl_tokenizer *t, const char *missing)
{
    int calls = 0;
    simlm_observer obs = {.ctx = &calls, .progress = count_calls};
    struct sl_token_cache *c = NULL;

    check_ok(sl_token_cache_open(&c, dir, &corpus, 1, t, missing, &obs, &err));
    sl_token_cache_close(c);
    return calls > 0;
}

static void a_cache_is_made_once_for_each_key(void **state)
{
    (void)state;
    struct sl_tokenizer *t = make_tokenizer(false), *other = NULL;
    const char *corpus = make_corpus("k.jsonl", 50, "");
    const char *dir = test_path("keys");

    assert_true(opens_by_building(dir, corpus, t, "-"));
    assert_false(opens_by_building(dir, corpus, t, "-"));
    assert_true(opens_by_building(dir, corpus, t, NULL));
    assert_true(opens_by_building(dir, corpus, t, ""));
    assert_false(opens_by_building(dir, corpus, t, "-"));
    check_ok(sl_tokenizer_from_vocab(
        &other, test_file("v2", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n"),
        &err));
    assert_true(opens_by_building(dir, corpus, other, "-"));
    make_corpus("k.jsonl", 51, "");
    assert_true(opens_by_building(dir, corpus, t, "-"));
    sl_tokenizer_close(t);
    sl_tokenizer_close(other);
}

/* The one file in a directory. */
static const char *only_file(const char *dir)
{
    static char path[512];
    const struct dirent *e;
    DIR *d = opendir(dir);
    int n = 0;

    while ((e = readdir(d)))
        if (e->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
            n++;
        }
    closedir(d);
    assert_int_equal(n, 1);
    return path;
}

/* Overwrite the file in place, then make it anew and compare. */
static void check_healed(const char *dir, const char *corpus,
                         const struct sl_tokenizer *t, const char *bad,
                         size_t n_bad, const char *good, size_t n_good)
{
    char *now;
    size_t n;
    FILE *f = fopen(only_file(dir), "wb");

    assert_true(fwrite(bad, 1, n_bad, f) == n_bad);
    fclose(f);
    assert_true(opens_by_building(dir, corpus, t, "-"));
    check_ok(sl_file_read(&now, &n, only_file(dir), 1 << 24, &err));
    assert_int_equal(n, n_good);
    assert_memory_equal(now, good, n);
    sl_free(now);
}

/* Give a cache's bytes the hashes they ought to have. */
static void seal(char *bytes, size_t n)
{
    struct sl_tokens_header h;

    memcpy(&h, bytes, sizeof h);
    h.body_hash = sl_hash64(bytes + sizeof h, n - sizeof h, 0);
    h.hash = sl_tokens_header_hash(&h);
    memcpy(bytes, &h, sizeof h);
}

static void a_damaged_cache_is_made_anew(void **state)
{
    (void)state;
    struct sl_tokenizer *t = make_tokenizer(false);
    const char *corpus = make_corpus("d.jsonl", 20, "doc");
    const char *dir = test_path("damaged");
    struct sl_tokens_header h;
    struct sl_tokens_layout l;
    char *good, *bad;
    size_t n;

    assert_true(opens_by_building(dir, corpus, t, "-"));
    check_ok(sl_file_read(&good, &n, only_file(dir), 1 << 24, &err));
    bad = malloc(n + 1);
    memcpy(&h, good, sizeof h);
    assert_true(sl_tokens_layout(&l, &h) && l.bytes == n);

    /* Cut short, or longer; any byte of the header changed. */
    memcpy(bad, good, n);
    bad[n] = 0;
    check_healed(dir, corpus, t, bad, 0, good, n);
    check_healed(dir, corpus, t, bad, 127, good, n);
    check_healed(dir, corpus, t, bad, n - 1, good, n);
    check_healed(dir, corpus, t, bad, n + 1, good, n);
    for (size_t i = 0; i < sizeof h; i += 9) {
        bad[i] ^= 1;
        check_healed(dir, corpus, t, bad, n, good, n);
        bad[i] ^= 1;
    }
    /* A header that is whole but lies. */
    for (int field = 0; field < 5; field++) {
        struct sl_tokens_header lie = h;

        lie.n_rows += field == 0;
        lie.n_tokens = field == 1 ? INT64_MAX : lie.n_tokens;
        lie.id_bytes = field == 2 ? INT64_MAX - 7 : lie.id_bytes;
        lie.n_rows = field == 3 ? INT64_MIN : lie.n_rows;
        lie.width = field == 4 ? 4 : lie.width;
        lie.hash = sl_tokens_header_hash(&lie);
        memcpy(bad, &lie, sizeof lie);
        check_healed(dir, corpus, t, bad, n, good, n);
        memcpy(bad, good, sizeof lie);
    }
    /* One bit of the rest, which may well be another known id. */
    for (size_t i = sizeof h; i < n; i += 37) {
        bad[i] ^= 1;
        check_healed(dir, corpus, t, bad, n, good, n);
        bad[i] ^= 1;
    }
    /* With hashes that are right: an id beyond the vocabulary; ends that go
     * back or beyond. */
    bad[l.ids + 1] = 127;
    seal(bad, n);
    check_healed(dir, corpus, t, bad, n, good, n);
    memcpy(bad, good, n);
    bad[l.ends + 8 * 3 + 2] = 1;
    seal(bad, n);
    check_healed(dir, corpus, t, bad, n, good, n);
    memcpy(bad, good, n);
    memset(bad + l.ends + 8 * 5, 0xff, 8);
    seal(bad, n);
    check_healed(dir, corpus, t, bad, n, good, n);
    memcpy(bad, good, n);
    bad[l.id_ends + 8 * 2] = 0;
    seal(bad, n);
    check_healed(dir, corpus, t, bad, n, good, n);
    free(bad);
    sl_free(good);
    sl_tokenizer_close(t);
}

static void a_cache_is_the_same_bytes_on_any_number_of_threads(void **state)
{
    (void)state;
    struct sl_tokenizer *t = make_tokenizer(false);
    const char *corpus = make_corpus("t.jsonl", 3000, "");
    int threads = sl_parallel_threads();
    uint64_t first = 0, hash;

    for (int n = 1; n <= 3; n++) {
        char name[16];
        const char *dir;

        snprintf(name, sizeof name, "threads%d", n);
        dir = test_path(name);
        sl_parallel_set_threads(n);
        assert_true(opens_by_building(dir, corpus, t, "-"));
        check_ok(sl_hash64_file(&hash, only_file(dir), &err));
        first = n == 1 ? hash : first;
        assert_true(hash == first);
    }
    sl_parallel_set_threads(threads);
    sl_tokenizer_close(t);
}

static void long_texts_are_kept_up_to_the_limit(void **state)
{
    (void)state;
    enum { WORDS = SL_TOKENS_STORED + 100 };
    struct sl_tokenizer *t = make_tokenizer(false);
    struct sl_str s = {0};
    struct sl_token_cache *c;
    struct sl_row_tokens row;
    const char *path;

    sl_str_puts(&s, "0\t");
    for (int i = 0; i < WORDS; i++)
        sl_str_puts(&s, "a ");
    path = test_file("long.tsv", s.s);
    c = open_cache(test_path("long"), path, t, NULL);
    row = sl_token_cache_row(c, 0);
    assert_int_equal(row.contents, SL_TOKENS_STORED);
    assert_int_equal(row.title, 0);
    assert_false(row.has_title);
    sl_token_cache_close(c);
    sl_str_free(&s);
    sl_tokenizer_close(t);
}

static bool stop(void *ctx)
{
    (void)ctx;
    return true;
}

static void failures_leave_no_file(void **state)
{
    (void)state;
    struct sl_tokenizer *t = make_tokenizer(false);
    const char *bad = test_file("bad.jsonl", "{\"id\":\"0\",\"contents\":1}\n");
    const char *good = make_corpus("good.jsonl", 10, ""), *dash = "-";
    const char *dir = test_path("failures");
    simlm_observer obs = {.cancelled = stop};
    struct sl_token_cache *c = NULL;

    check_fails(SIMLM_E_FORMAT, "bad.jsonl:1: expected a string",
                sl_token_cache_open(&c, dir, &bad, 1, t, "-", NULL, &err));
    check_fails(SIMLM_E_CANCELLED, "stopped",
                sl_token_cache_open(&c, dir, &good, 1, t, "-", &obs, &err));
    check_fails(SIMLM_E_ARG, "standard input",
                sl_token_cache_open(&c, dir, &dash, 1, t, "-", NULL, &err));
    assert_int_equal(rmdir(dir), 0); /* it is empty */
    check_fails(
        SIMLM_E_IO, "cannot create directory",
        sl_token_cache_open(&c, "/dev/null/x", &good, 1, t, "-", NULL, &err));
    sl_tokenizer_close(t);
}

static void a_full_disk_leaves_no_file(void **state)
{
    (void)state;
    struct sl_tokenizer *t = make_tokenizer(false);
    const char *corpus = make_corpus("full.jsonl", 2000, "doc");
    const char *dir = test_path("full");
    struct sl_token_cache *c = NULL;

    for (long room = 0; room < 60000; room += 9973) {
        test_disk_full(room);
        check_fails(
            SIMLM_E_IO, "cannot write",
            sl_token_cache_open(&c, dir, &corpus, 1, t, "-", NULL, &err));
        test_disk_full(-1);
        assert_int_equal(rmdir(dir), 0);
    }
    sl_token_cache_close(open_cache(dir, corpus, t, "-"));
    sl_tokenizer_close(t);
}

static int remove_dir(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cache_holds_what_the_tokenizer_gives),
        cmocka_unit_test(a_cache_is_made_once_for_each_key),
        cmocka_unit_test(a_damaged_cache_is_made_anew),
        cmocka_unit_test(a_cache_is_the_same_bytes_on_any_number_of_threads),
        cmocka_unit_test(long_texts_are_kept_up_to_the_limit),
        cmocka_unit_test(failures_leave_no_file),
        cmocka_unit_test(a_full_disk_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, remove_dir);
}
