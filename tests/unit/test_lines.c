/* Lines: the same text however it is stored, and nothing lost silently. */
#include "check.h"

#include <zlib.h>
#include <zstd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/str.h"
#include "format/lines.h"

/* ---- ways to store a text ------------------------------------------------ */

static void save_plain(const char *path, const char *text, size_t n)
{
    test_bytes(strrchr(path, '/') + 1, text, n);
}

static void save_gzip(const char *path, const char *text, size_t n)
{
    gzFile f = gzopen(path, "wb");

    assert_int_equal(gzwrite(f, text, (unsigned)n), (int)n);
    assert_int_equal(gzclose(f), Z_OK);
}

/* Two members, one after another, and zeros behind them. */
static void save_gzip_twice(const char *path, const char *text, size_t n)
{
    gzFile f = gzopen(path, "wb");
    FILE *tail;

    gzwrite(f, text, (unsigned)(n / 2));
    gzclose(f);
    f = gzopen(path, "ab");
    gzwrite(f, text + n / 2, (unsigned)(n - n / 2));
    gzclose(f);
    tail = fopen(path, "ab");
    fwrite("\0\0\0\0\0", 1, 5, tail);
    fclose(tail);
}

static void save_zstd(const char *path, const char *text, size_t n)
{
    size_t room = ZSTD_compressBound(n), used;
    char *packed = malloc(room);

    used = ZSTD_compress(packed, room, text, n, 3);
    assert_false(ZSTD_isError(used));
    save_plain(path, packed, used);
    free(packed);
}

static const struct {
    const char *name;
    void (*save)(const char *, const char *, size_t);
} ways[] = {
    {"plain", save_plain},
    {"gzip", save_gzip},
    {"two gzip members", save_gzip_twice},
    {"zstd", save_zstd},
};

/* ---- reading it back ----------------------------------------------------- */

/* Lines joined by '|', with NUL shown as '@'. */
static void read_all(struct sl_str *got, const char *path)
{
    struct sl_lines *in = NULL;
    struct sl_line line;
    int64_t n = 0;

    sl_str_clear(got);
    check_ok(sl_lines_open(&in, path, &err));
    for (;;) {
        check_ok(sl_lines_next(in, &line, &err));
        if (!line.text)
            break;
        assert_int_equal(line.number, ++n);
        assert_int_equal(line.text[line.len], '\0');
        for (size_t i = 0; i < line.len; i++)
            sl_str_putc(got, line.text[i] ? line.text[i] : '@');
        sl_str_putc(got, '|');
    }
    check_ok(sl_lines_next(in, &line, &err)); /* the end stays the end */
    assert_null(line.text);
    sl_lines_close(in);
}

static void lines_end_with_lf_or_crlf_or_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        const char *want;
    } cases[] = {
        {"", 0, ""},
        {"\n", 1, "|"},
        {"a", 1, "a|"},
        {"a\n", 2, "a|"},
        {"a\r\nb\r\n", 6, "a|b|"},
        {"a\n\nb", 4, "a||b|"},
        {"a\rb\n", 4, "a\rb|"},
        {"\xef\xbb\xbf"
         "a\nb",
         6, "a|b|"},
        {"\xef\xbb\xbf", 3, ""},
        {"a\n\xef\xbb\xbf"
         "b",
         6,
         "a|\xef\xbb\xbf"
         "b|"},
        {"a\0b\n\0", 5, "a@b|@|"},
        {"\xff\xfd\n", 3, "\xff\xfd|"},
    };
    struct sl_str got = {0};

    for (size_t i = 0; i < SL_LEN(cases); i++)
        for (size_t w = 0; w < SL_LEN(ways); w++) {
            const char *path = test_path("lines");

            ways[w].save(path, cases[i].text, cases[i].n);
            read_all(&got, path);
            check_msg(!strcmp(sl_str_c(&got), cases[i].want),
                      "case %zu, %s: got '%s'", i, ways[w].name,
                      sl_str_c(&got));
        }
    sl_str_free(&got);
}

static char *random_text(struct sl_rng *r, size_t n)
{
    char *text = malloc(n + 1);

    for (size_t i = 0; i < n; i++)
        text[i] =
            sl_rng_below(r, 40) ? (char)('a' + sl_rng_below(r, 26)) : '\n';
    text[n] = '\0';
    return text;
}

/* A text much larger than any buffer, against the plain reading of it. */
static void long_texts_come_back_whole(void **state)
{
    (void)state;
    enum { N = 3000000 };
    struct sl_str got = {0};
    struct sl_rng r;
    char *text;

    sl_rng_init(&r, sl_stream(1, SL_PURPOSE_TEST, 0));
    text = random_text(&r, N);
    for (size_t w = 0; w < SL_LEN(ways); w++) {
        const char *path = test_path("long");

        ways[w].save(path, text, N);
        read_all(&got, path);
        assert_true(got.len == N || got.len == N + 1);
        for (size_t i = 0; i < N; i++)
            if (got.s[i] != (text[i] == '\n' ? '|' : text[i]))
                fail_msg("%s differs at byte %zu", ways[w].name, i);
    }
    free(text);
    sl_str_free(&got);
}

/* Blocks, joined, are the text, whatever is wanted, alone or between lines. */
static void blocks_are_the_lines(void **state)
{
    (void)state;
    static const size_t wants[] = {1, 7, 100, 4096, 1 << 20};
    struct sl_rng r;

    sl_rng_init(&r, sl_stream(2, SL_PURPOSE_TEST, 0));
    for (int trial = 0; trial < 40; trial++) {
        size_t n = (size_t)sl_rng_below(&r, 9000), at = 0;
        char *text = random_text(&r, n);
        size_t want = wants[trial % 5];
        const char *path = test_path("blocks");
        struct sl_lines *in = NULL;
        struct sl_line line;
        int64_t number = 1;

        ways[trial % 4].save(path, text, n);
        check_ok(sl_lines_open(&in, path, &err));
        for (;;) {
            bool one = trial % 2 && sl_rng_below(&r, 3) == 0;

            check_ok(one ? sl_lines_next(in, &line, &err)
                         : sl_lines_block(in, &line, want, &err));
            if (!line.text)
                break;
            assert_int_equal(line.number, number);
            assert_int_equal(line.text[line.len], '\0');
            assert_true(one || line.text[line.len - 1] == '\n');
            for (size_t i = 0; i < line.len + one; i++, at++) {
                char c = i < line.len ? line.text[i] : '\n';

                number += c == '\n';
                if (at < n)
                    assert_int_equal(c, text[at]);
                else /* only the line end that the text did not have */
                    assert_true(at == n && c == '\n' && text[n - 1] != '\n');
            }
        }
        assert_true(at >= n);
        sl_lines_close(in);
        free(text);
    }
}

/* ---- what is wrong ------------------------------------------------------- */

static simlm_status drain(const char *path, simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_line line = {0};
    simlm_status st = sl_lines_open(&in, path, err);

    if (st < 0)
        return st;
    while ((st = sl_lines_next(in, &line, err)) == SIMLM_OK && line.text)
        ;
    sl_lines_close(in);
    return st;
}

/* Any proper prefix but the empty one fails, naming the file. */
static void compressed_files_cut_anywhere_are_refused(void **state)
{
    (void)state;
    struct sl_rng r;
    char *text;

    sl_rng_init(&r, sl_stream(3, SL_PURPOSE_TEST, 0));
    text = random_text(&r, 2000);
    for (size_t w = 1; w < SL_LEN(ways); w++) {
        const char *path = test_path("whole"), *cut = test_path("cut-file");
        char *bytes;
        size_t n;

        if (w == 2) /* a file may end between its members */
            continue;
        ways[w].save(path, text, 2000);
        check_ok(sl_file_read(&bytes, &n, path, 1 << 20, &err));
        for (size_t keep = 6; keep < n; keep++) {
            save_plain(cut, bytes, keep);
            check_fails(SIMLM_E_FORMAT, "cut-file: damaged", drain(cut, &err));
        }
        sl_free(bytes);
    }
    free(text);
}

static void damaged_data_are_refused_or_read_never_worse(void **state)
{
    (void)state;
    struct sl_rng r;
    char *text;

    sl_rng_init(&r, sl_stream(4, SL_PURPOSE_TEST, 0));
    text = random_text(&r, 3000);
    for (int trial = 0; trial < 600; trial++) {
        const char *path = test_path("damaged");
        char *bytes;
        size_t n;

        ways[1 + trial % 3].save(path, text, 3000);
        check_ok(sl_file_read(&bytes, &n, path, 1 << 20, &err));
        for (int flips = 1 + trial % 4; flips--;)
            bytes[sl_rng_below(&r, n)] = (char)sl_rng_below(&r, 256);
        save_plain(path, bytes, n);
        drain(path, NULL);
        sl_free(bytes);
    }
    free(text);
}

static void what_cannot_be_read_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *message;
    } cases[] = {
        {"\xfd"
         "7zXZ\0more",
         10, "expected plain text, gzip or zstd, not xz"},
        {"BZh91AY&SYxxxx", 14, "not bzip2"},
        {"PK\x03\x04 and more", 13, "not zip"},
        {"\xff\xfe"
         "a\0b\0",
         6, "not UTF-16"},
        {"\x1f\x8b rest is no gzip", 19, "damaged gzip data"},
        {"\x28\xb5\x2f\xfd no zstd", 12, "damaged zstd data"},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        const char *path = test_path("other");

        save_plain(path, cases[i].bytes, cases[i].n);
        check_fails(SIMLM_E_FORMAT, cases[i].message, drain(path, &err));
        check_fails(SIMLM_E_FORMAT, path, drain(path, &err));
    }
    check_fails(SIMLM_E_IO, "cannot open", drain("/nowhere/at/all", &err));
    check_fails(SIMLM_E_IO, "cannot read", drain(test_tmpdir(), &err));
}

static void a_line_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    size_t n = SL_LINE_MAX + 4;
    const char *path = test_path("huge");
    char *text = malloc(n);

    memset(text, 'x', n);
    memcpy(text, "a\nb", 3);
    save_zstd(path, text, n);
    free(text);
    check_fails(SIMLM_E_FORMAT, "huge:2: expected a line of at most 256 MiB",
                drain(path, &err));
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
        cmocka_unit_test(lines_end_with_lf_or_crlf_or_the_file),
        cmocka_unit_test(long_texts_come_back_whole),
        cmocka_unit_test(blocks_are_the_lines),
        cmocka_unit_test(compressed_files_cut_anywhere_are_refused),
        cmocka_unit_test(damaged_data_are_refused_or_read_never_worse),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(a_line_beyond_the_limit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, remove_dir);
}
