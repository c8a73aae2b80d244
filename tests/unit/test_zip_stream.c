/* Texts in zip files, and the gzip files that we write ourselves. */
#include "check.h"

#include <zlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "base/str.h"
#include "format/gzip.h"
#include "format/lines.h"

/* ---- a zip file, byte by byte -------------------------------------------- */

struct made {
    const char *name;
    const void *bytes; /* as stored */
    size_t n;
    unsigned size, crc, method, flags;
};

static void put(struct sl_str *s, unsigned x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        sl_str_putc(s, (char)(i < 4 ? x >> 8 * i & 255 : 0));
}

/* What a local header and one in the directory have in common. */
static void put_entry(struct sl_str *s, const struct made *m)
{
    put(s, 20, 2);
    put(s, m->flags, 2);
    put(s, m->method, 2);
    put(s, 0, 4);
    put(s, m->crc, 4);
    put(s, (unsigned)m->n, 4);
    put(s, m->size, 4);
    put(s, (unsigned)strlen(m->name), 2);
    put(s, 0, 2);
}

static const char *save_zip(const char *file, const struct made *m)
{
    struct sl_str s = {0};
    unsigned directory;
    const char *path;

    sl_str_add(&s, "PK\3\4", 4);
    put_entry(&s, m);
    sl_str_puts(&s, m->name);
    sl_str_add(&s, m->bytes, m->n);
    directory = (unsigned)s.len;
    sl_str_add(&s, "PK\1\2\0\0", 6);
    put_entry(&s, m);
    put(&s, 0, 14);
    sl_str_puts(&s, m->name);
    sl_str_add(&s, "PK\5\6\0\0\0\0", 8);
    put(&s, 1, 2);
    put(&s, 1, 2);
    put(&s, (unsigned)(s.len - 12) - directory, 4);
    put(&s, directory, 4);
    put(&s, 0, 2);
    path = test_bytes(file, s.s, s.len);
    sl_str_free(&s);
    return path;
}

/* m <- the text, deflated into room of 4096 bytes. */
static void deflate_text(struct made *m, void *room, const char *text)
{
    z_stream z = {0};

    m->size = (unsigned)strlen(text);
    m->crc = (unsigned)crc32(0, (const Bytef *)text, m->size);
    m->method = 8;
    m->bytes = room;
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, 0), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = m->size;
    z.next_out = room;
    z.avail_out = 4096;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    m->n = 4096 - z.avail_out;
    deflateEnd(&z);
}

/* The entry's lines, '|' behind each. */
static simlm_status read_lines(struct sl_str *got, const char *path,
                               simlm_error *err)
{
    struct sl_lines *in = NULL;
    struct sl_line line;
    simlm_status st = sl_lines_open(&in, path, err);

    sl_str_clear(got);
    while (st == SIMLM_OK) {
        st = sl_lines_next(in, &line, err);
        if (st < 0 || !line.text)
            break;
        sl_str_puts(got, line.text);
        sl_str_putc(got, '|');
    }
    sl_lines_close(in);
    return st;
}

static void entries_are_read_stored_and_deflated(void **state)
{
    (void)state;
    const char text[] = "one\ntwo two two two two two two\n";
    char room[4096];
    struct made m = {.name = "x/a.txt", .bytes = text, .n = strlen(text)};
    struct sl_str got = {0};

    m.size = (unsigned)m.n;
    m.crc = (unsigned)crc32(0, (const Bytef *)text, m.size);
    save_zip("t.zip", &m);
    check_ok(read_lines(&got, test_path("t.zip/x/a.txt"), &err));
    assert_string_equal(got.s, "one|two two two two two two two|");
    deflate_text(&m, room, text);
    assert_true(m.n < m.size);
    save_zip("t.zip", &m);
    check_ok(read_lines(&got, test_path("t.zip/x/a.txt"), &err));
    assert_string_equal(got.s, "one|two two two two two two two|");
    deflate_text(&m, room, "");
    save_zip("t.zip", &m);
    check_ok(read_lines(&got, test_path("t.zip/x/a.txt"), &err));
    assert_string_equal(sl_str_c(&got), "");
    sl_str_free(&got);
}

static void a_gzip_file_in_a_zip_file_is_a_text(void **state)
{
    (void)state;
    struct sl_out out;
    struct sl_gzip gz = {0};
    struct made m = {.name = "a.gz"};
    struct sl_str got = {0};
    char *bytes = NULL;

    check_ok(sl_out_open(&out, test_path("a.gz"), &err));
    gz.f = out.f;
    sl_gzip_put(&gz, "inner\n", 6);
    check_ok(sl_gzip_end(&gz, &err));
    check_ok(sl_out_commit(&out, &err));
    check_ok(sl_file_read(&bytes, &m.n, test_path("a.gz"), 4096, &err));
    m.bytes = bytes;
    m.size = (unsigned)m.n;
    m.crc = (unsigned)crc32(0, (const Bytef *)bytes, m.size);
    save_zip("t.zip", &m);
    check_ok(read_lines(&got, test_path("t.zip/a.gz"), &err));
    assert_string_equal(got.s, "inner|");
    sl_str_free(&got);
    sl_free(bytes);
}

static void what_is_wrong_is_said_in_a_line(void **state)
{
    (void)state;
    char room[4096];
    struct made good = {.name = "a"}, m;
    struct sl_str got = {0};
    const char *a;

    deflate_text(&good, room, "some text some text some text\n");
#define REFUSED(text)                                                          \
    save_zip("t.zip", &m);                                                     \
    a = test_path("t.zip/a");                                                  \
    check_fails(SIMLM_E_FORMAT, text, read_lines(&got, a, &err))
    m = good;
    m.crc ^= 1;
    REFUSED("t.zip/a: damaged zip entry: its checksum is wrong");
    m = good;
    m.size++;
    REFUSED("other in length");
    m = good;
    m.n -= 3;
    REFUSED("ends too early");
    m = good;
    m.method = 12;
    REFUSED("not method 12");
    m = good;
    m.flags = 1;
    REFUSED("entry 'a' is encrypted");
    m = good;
    m.name = "b";
    REFUSED("t.zip: no entry 'a'");
#undef REFUSED
    room[0] = 7; /* a block of no known type */
    save_zip("t.zip", &good);
    check_fails(SIMLM_E_FORMAT, "damaged zip entry: invalid block type",
                read_lines(&got, test_path("t.zip/a"), &err));
    test_file("plain.txt", "x\n");
    check_fails(SIMLM_E_FORMAT, "neither a directory nor a zip file",
                read_lines(&got, test_path("plain.txt/a"), &err));
    check_fails(SIMLM_E_IO, "cannot open",
                read_lines(&got, test_path("none.zip/a"), &err));
    sl_str_free(&got);
}

/* ---- writing gzip -------------------------------------------------------- */

static void write_gzip(const char *path, const char *text, size_t n,
                       size_t step)
{
    struct sl_out out;
    struct sl_gzip gz = {0};

    check_ok(sl_out_open(&out, path, &err));
    gz.f = out.f;
    for (size_t at = 0; at < n; at += step)
        sl_gzip_put(&gz, text + at, n - at < step ? n - at : step);
    check_ok(sl_gzip_end(&gz, &err));
    check_ok(sl_out_commit(&out, &err));
}

/* Is the file's text this one, read by zlib's own reader? */
static void check_gzip(const char *path, const char *text, size_t n)
{
    char *got = malloc(n + 2);
    gzFile f = gzopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(gzread(f, got, (unsigned)n + 1), (int)n);
    assert_int_equal(gzclose(f), Z_OK);
    assert_memory_equal(got, text, n);
    free(got);
}

static void what_is_written_is_read_by_zlib(void **state)
{
    (void)state;
    enum { N = 17 << 20 }; /* more than is compressed at a time */
    static const size_t sizes[] = {0, 1, 1 << 20, (1 << 20) + 1, N};
    char *text = malloc(N);

    memset(text, 'a', N); /* what is compressed quickly */
    for (size_t i = 0; i < N; i += 1 + i / 100)
        text[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < SL_LEN(sizes); i++) {
        write_gzip(test_path("w.gz"), text, sizes[i], 777777);
        check_gzip(test_path("w.gz"), text, sizes[i]);
    }
    free(text);
}

static void threads_and_pieces_change_no_byte(void **state)
{
    (void)state;
    enum { N = 3 << 20 };
    char *text = malloc(N), *a = NULL, *b = NULL;
    size_t n_a, n_b;

    memset(text, 'a', N);
    for (size_t i = 0; i < N; i += 50)
        text[i] = (char)('a' + i / 50 % 23);
    sl_parallel_set_threads(1);
    write_gzip(test_path("a.gz"), text, N, 1000);
    sl_parallel_set_threads(2);
    write_gzip(test_path("b.gz"), text, N, N);
    check_ok(sl_file_read(&a, &n_a, test_path("a.gz"), N, &err));
    check_ok(sl_file_read(&b, &n_b, test_path("b.gz"), N, &err));
    assert_int_equal(n_a, n_b);
    assert_memory_equal(a, b, n_a);
    sl_free(a);
    sl_free(b);
    free(text);
}

static int clean_up(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_read_stored_and_deflated),
        cmocka_unit_test(a_gzip_file_in_a_zip_file_is_a_text),
        cmocka_unit_test(what_is_wrong_is_said_in_a_line),
        cmocka_unit_test(what_is_written_is_read_by_zlib),
        cmocka_unit_test(threads_and_pieces_change_no_byte),
    };

    return cmocka_run_group_tests(tests, NULL, clean_up);
}
