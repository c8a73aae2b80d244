/* Pickles, and the tensors in them, made by hand: values are what Python would
 * make of them, and whatever is not data, or lies, is refused by name. */
#include "base/alloc.h"
#include "base/str.h"
#include "check.h"
#include "format/pickle.h"
#include "format/torchfile.h"

static bool is_known(const char *name)
{
    return !strcmp(name, "known.name");
}

/* A literal with NULs in it, and its length. */
#define BYTES(s) (const unsigned char *)(s), sizeof(s) - 1

static struct sl_pickle *parse(const unsigned char *p, size_t n)
{
    struct sl_pickle *made = NULL;
    size_t used = 0;

    check_ok(sl_pickle_read(&made, &used, p, n, is_known, "p", &err));
    assert_int_equal(used, n);
    return made;
}

static void numbers_have_their_signs(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        int64_t want;
    } cases[] = {
#define CASE(s, want) {s, sizeof(s) - 1, want}
        CASE("\x80\x02K\xff.", 255),
        CASE("\x80\x02M\xff\xff.", 65535),
        CASE("\x80\x02J\xff\xff\xff\xff.", -1),
        CASE("\x80\x02\x8a\x00.", 0),
        CASE("\x80\x02\x8a\x01\xff.", -1),
        CASE("\x80\x02\x8a\x02\x00\x80.", -32768),
        CASE("\x80\x02\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f.", INT64_MAX),
        CASE("\x80\x02\x8b\x01\x00\x00\x00\x05.", 5),
#undef CASE
    };

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        struct sl_pickle *p =
            parse((const unsigned char *)cases[i].bytes, cases[i].n);

        assert_int_equal(sl_pickle_root(p)->kind, SL_PICKLE_INT);
        assert_true(sl_pickle_root(p)->i == cases[i].want);
        sl_pickle_free(p);
    }
}

static void containers_hold_what_was_put_into_them(void **state)
{
    (void)state;
    /* OrderedDict([("a", [1, "a"]), ("b", (None, 0.5))]), with attributes */
    struct sl_pickle *p = parse(BYTES("\x80\x02"
                                      "ccollections\nOrderedDict\nq\x00)Rq\x01("
                                      "X\x01\x00\x00\x00"
                                      "aq\x02"
                                      "](K\x01h\x02"
                                      "e"
                                      "X\x01\x00\x00\x00"
                                      "bNG\x3f\xe0\x00\x00\x00\x00\x00\x00\x86"
                                      "u}X\x01\x00\x00\x00xNsb."));
    const struct sl_pickled *d = sl_pickle_root(p), *list, *tuple;

    assert_int_equal(d->kind, SL_PICKLE_DICT);
    assert_int_equal(d->n, 4);
    assert_true(sl_pickle_is(d->item[0], SL_PICKLE_TEXT, "a"));
    list = d->item[1];
    assert_true(list->kind == SL_PICKLE_LIST && list->n == 2);
    assert_ptr_equal(list->item[1], d->item[0]); /* remembered, not copied */
    tuple = d->item[3];
    assert_true(tuple->kind == SL_PICKLE_TUPLE && tuple->n == 2);
    assert_true(tuple->item[0]->kind == SL_PICKLE_NONE);
    assert_true(tuple->item[1]->real == 0.5);
    sl_pickle_free(p);
}

static void a_call_is_noted_and_not_made(void **state)
{
    (void)state;
    struct sl_pickle *p = parse(BYTES("\x80\x02"
                                      "cknown\nname\nK\x07\x85R."));
    const struct sl_pickled *v = sl_pickle_root(p);

    assert_int_equal(v->kind, SL_PICKLE_CALL);
    assert_true(sl_pickle_is(v->item[0], SL_PICKLE_GLOBAL, "known.name"));
    assert_true(v->item[1]->n == 1 && v->item[1]->item[0]->i == 7);
    sl_pickle_free(p);
}

static void few_bytes_do_not_become_many(void **state)
{
    (void)state;
    size_t n = SL_PICKLE_MAX;
    unsigned char *p = sl_alloc(n, 1);
    struct sl_pickle *made = NULL;
    size_t used;

    assert_non_null(p);
    memset(p, 0x85, n); /* a tuple of a tuple of a tuple ... */
    memcpy(p, "\x80\x02N", 3);
    p[n - 1] = '.';
    check_fails(SIMLM_E_FORMAT, "half a million",
                sl_pickle_read(&made, &used, p, n, is_known, "p", &err));
    sl_free(p);
}

static void what_is_not_data_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *says;
    } bad[] = {
#define CASE(s, says) {s, sizeof(s) - 1, says}
        CASE("", "empty"),
        CASE("\x80\x01.", "protocol"),
        CASE("\x80\x02"
             "cos\nsystem\n.",
             "byte 13: it names 'os.system'"),
        CASE("\x80\x04\x8c\x02os\x8c\x06system\x93.", "'os.system'"),
        CASE("\x80\x04\x8c\x05known\x8c\x06name\0x\x93.", "NUL"),
        CASE("\x80\x04K\x01\x8c\x01x\x93.", "no text"),
        CASE("\x80\x02I1\n.", "instruction 0x49"),
        CASE("\x80\x02(ios\nsystem\n.", "instruction 0x69"),
        CASE("\x80\x02K\x01)R.", "no function"),
        CASE("\x80\x02"
             "ccollections\nOrderedDict\n]\x85R.",
             "arguments"),
        CASE("\x80\x02K\x01Nb.", "no dictionary"),
        CASE("\x80\x02K\x01", "ends too early"),
        CASE("\x80\x02X\xff\xff\xff\xff"
             "a.",
             "ends too early"),
        CASE("\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
             "a.",
             "ends too early"),
        CASE("\x80\x02"
             "ccollections",
             "ends too early"),
        CASE("\x80\x02.", "too few values"),
        CASE("\x80\x02\x85.", "too few values"),
        CASE("\x80\x02K\x01(\x85.", "too few values"), /* below the mark */
        CASE("\x80\x02t.", "no mark"),
        CASE("\x80\x02K\x01K\x02.", "left over"),
        CASE("\x80\x02(K\x01.", "left over"),
        CASE("\x80\x02}(K\x01u.", "without a value"),
        CASE("\x80\x02](K\x01K\x02u.", "dictionary to fill"),
        CASE("\x80\x02}K\x01"
             "a.",
             "list to fill"),
        CASE("\x80\x02h\x00.", "not remembered"),
        CASE("\x80\x02Nr\xff\xff\xff\x7f.", "too many"),
        CASE("\x80\x02q\x00.", "too few values"),
#undef CASE
    };

    for (size_t i = 0; i < SL_LEN(bad); i++) {
        struct sl_pickle *p = NULL;
        size_t used;

        check_fails(SIMLM_E_FORMAT, bad[i].says,
                    sl_pickle_read(&p, &used,
                                   (const unsigned char *)bad[i].bytes,
                                   bad[i].n, is_known, "p", &err));
    }
}

/* Millions of marks, of lists within lists: bounded, and nothing recurses. */
static void deep_and_long_pickles_end_with_an_error(void **state)
{
    (void)state;
    static const char *const patterns[] = {"(", "]", "](", "}q\1", "N\x85"};

    for (size_t k = 0; k < SL_LEN(patterns); k++) {
        size_t n = (size_t)2 * SL_PICKLE_MAX, used, len = strlen(patterns[k]);
        unsigned char *bytes = sl_alloc(n, 1);
        struct sl_pickle *p = NULL;

        assert_non_null(bytes);
        for (size_t i = 0; i < n; i++)
            bytes[i] = (unsigned char)patterns[k][i % len];
        check_fails(SIMLM_E_FORMAT, "too long",
                    sl_pickle_read(&p, &used, bytes, n, is_known, "p", &err));
        sl_free(bytes);
    }
}

/* ---- tensors ------------------------------------------------------------- */

#define PREAMBLE                                                               \
    "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."                   \
    "\x80\x02M\xe9\x03.\x80\x02}X\x0d\x00\x00\x00little_endian\x88s."
/* The start of a view of the one storage, of so many floats. */
#define TENSOR_OF(count)                                                       \
    "ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\n"    \
    "FloatStorage\nX\x01\x00\x00\x00"                                          \
    "0X\x03\x00\x00\x00"                                                       \
    "cpu" count "tQ"
#define TENSOR TENSOR_OF("K\x06")
#define KEYS                                                                   \
    "\x80\x02]X\x01\x00\x00\x00"                                               \
    "0a."
#define A                                                                      \
    "X\x01\x00\x00\x00"                                                        \
    "a"
#define B                                                                      \
    "X\x01\x00\x00\x00"                                                        \
    "b"
#define TWO_TO_62 "\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40"

/* A file in the older format of that dictionary, and of floats 0, 1, ... */
static const char *torch_file_of(const char *dict, size_t n, int64_t count)
{
    struct sl_str s = {0};
    const char *path;

    sl_str_add(&s, PREAMBLE, sizeof PREAMBLE - 1);
    sl_str_add(&s, dict, n);
    sl_str_add(&s, KEYS, sizeof KEYS - 1);
    sl_str_add(&s, (const char *)&count, sizeof count);
    for (int64_t i = 0; i < count; i++) {
        float x = (float)i;

        sl_str_add(&s, (const char *)&x, sizeof x);
    }
    assert_true(sl_str_ok(&s));
    path = test_bytes("made.bin", s.s, s.len);
    sl_str_free(&s);
    return path;
}

static const char *torch_file(const char *dict, size_t n)
{
    return torch_file_of(dict, n, 6);
}

/* {"a": the view with those offset, shape and stride} */
#define VIEW(args) "\x80\x02}" A TENSOR args "tRs."

static void views_are_read_by_their_strides(void **state)
{
    (void)state;
    static const char dict[] = VIEW("K\x01K\x02K\x02\x86K\x01K\x03\x86");
    static const float want[] = {1, 4, 2, 5}; /* [[1, 4], [2, 5]] */
    struct sl_torchfile *f = NULL;
    float x[4];

    check_ok(sl_torchfile_open(&f, torch_file(dict, sizeof dict - 1), &err));
    assert_true(sl_tensor_read(x, sl_torchfile_at(f, 0), 0, 4));
    assert_memory_equal(x, want, sizeof want);
    sl_torchfile_close(f);
}

static void tensors_that_lie_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *dict;
        size_t n;
        const char *says;
    } bad[] = {
#define CASE(s, says) {s, sizeof(s) - 1, says}
        CASE(VIEW("K\x01K\x06\x85K\x01\x85"), "beyond its storage"),
        CASE(VIEW("K\x00K\x02\x85K\x06\x85"), "beyond its storage"),
        CASE(VIEW("K\x00K\x07\x85K\x00\x85"), "'a': expanded"),
        CASE(VIEW("J\xff\xff\xff\xffK\x01\x85K\x01\x85"), "beyond"),
        CASE(VIEW("K\x05K\x02\x85J\xff\xff\xff\xff\x85"), "beyond"),
        CASE(VIEW("K\x00K\x02K\x02\x86" TWO_TO_62 TWO_TO_62 "\x86"), "beyond"),
        CASE(VIEW("K\x00" TWO_TO_62 "K\x04\x86K\x01K\x01\x86"),
             "expected storage"),
        CASE(VIEW("K\x00J\xff\xff\xff\xff\x85K\x01\x85"), "expected storage"),
        CASE(VIEW("K\x00K\x02\x85K\x01K\x01\x86"), "expected storage"),
        CASE(VIEW("K\x00)K\x01\x85"), "expected storage"),
        CASE(VIEW("K\x00K\x02K\x01"), "expected storage"),
        CASE(VIEW("NN"), "expected storage"),
        CASE("\x80\x02}" A TENSOR "K\x00))tRs" A TENSOR "K\x00))tRs.",
             "'a' twice"),
        CASE("\x80\x02}" A "K\x01s.", "a storage that no tensor has"),
        CASE("\x80\x02]" TENSOR "K\x00))tRa.", "expected a dictionary"),
        CASE("\x80\x02}" A "K\x01Qs.", "id of a storage"),
        CASE("\x80\x02}" A TENSOR "K\x00))tRs" B
             "(X\x07\x00\x00\x00storagectorch\nHalfStorage\nX\x01\x00\x00\x00"
             "0NK\x06tQs.",
             "two types"),
        CASE("\x80\x02}" A "(X\x07\x00\x00\x00storageNX\x01\x00\x00\x00"
             "0NK\x06tQs.",
             "unknown type"),
#undef CASE
    };

    for (size_t i = 0; i < SL_LEN(bad); i++) {
        struct sl_torchfile *f = NULL;

        check_fails(
            SIMLM_E_FORMAT, bad[i].says,
            sl_torchfile_open(&f, torch_file(bad[i].dict, bad[i].n), &err));
    }
}

/* {"0000": a view of all 1000 floats, "0001": the same, ...} */
static void share(struct sl_str *s, int n)
{
    static const char first[] =
        TENSOR_OF("M\xe8\x03") "K\x00M\xe8\x03\x85K\x01\x85tRq\x00";

    sl_str_clear(s);
    sl_str_add(s, "\x80\x02}(", 4);
    for (int i = 0; i < n; i++) {
        sl_str_add(s, "X\x04\x00\x00\x00", 5);
        sl_str_printf(s, "%04d", i);
        if (i == 0)
            sl_str_add(s, first, sizeof first - 1);
        else
            sl_str_add(s, "h\x00", 2);
    }
    sl_str_add(s, "u.", 2);
}

/* Tied weights share a storage; hundreds of tensors do not. */
static void few_bytes_do_not_become_many_tensors(void **state)
{
    (void)state;
    struct sl_str s = {0};
    struct sl_torchfile *f = NULL;

    share(&s, 4);
    check_ok(sl_torchfile_open(&f, torch_file_of(s.s, s.len, 1000), &err));
    assert_int_equal(sl_torchfile_count(f), 4);
    sl_torchfile_close(f);
    share(&s, 400);
    check_fails(SIMLM_E_FORMAT, "share",
                sl_torchfile_open(&f, torch_file_of(s.s, s.len, 1000), &err));
    sl_str_free(&s);
}

static int clean(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_their_signs),
        cmocka_unit_test(containers_hold_what_was_put_into_them),
        cmocka_unit_test(a_call_is_noted_and_not_made),
        cmocka_unit_test(few_bytes_do_not_become_many),
        cmocka_unit_test(what_is_not_data_is_refused_by_name),
        cmocka_unit_test(deep_and_long_pickles_end_with_an_error),
        cmocka_unit_test(views_are_read_by_their_strides),
        cmocka_unit_test(tensors_that_lie_are_refused),
        cmocka_unit_test(few_bytes_do_not_become_many_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
