/* Safetensors files: what is written is read back, every float type converts
 * exactly, and a file that lies about itself is refused by name. */
#include "base/alloc.h"
#include "base/file.h"
#include "check.h"
#include "format/safetensors.h"

static void ramp(void *ctx, float *dst, int64_t i, int64_t first, int64_t n)
{
    (void)ctx;
    for (int64_t j = 0; j < n; j++)
        dst[j] = (float)(1000 * i + first + j) * 0.25f;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    /* The second is longer than one piece of the writer's. */
    static const struct sl_tensor_spec spec[] = {
        {"a.weight", 2, {2, 3}, SL_DTYPE_F32},
        {"b.bias", 1, {70000}, SL_DTYPE_F32},
        {"\"q\"\n", 1, {1}, SL_DTYPE_F32}};
    struct sl_safetensors *f = NULL;
    const char *path = test_path("ramp.safetensors");
    const struct sl_tensor *t;
    float x[4];

    check_ok(sl_safetensors_save(path, spec, 3, ramp, NULL, &err));
    check_ok(sl_safetensors_open(&f, path, &err));
    assert_int_equal(sl_safetensors_count(f), 3);
    t = sl_safetensors_find(f, "a.weight");
    assert_true(t && t->n_dims == 2 && t->shape[0] == 2 && t->shape[1] == 3);
    assert_int_equal((uintptr_t)t->data % 8, 0);
    t = sl_safetensors_find(f, "b.bias");
    assert_true(t && t->n_dims == 1 && t->count == 70000);
    assert_true(sl_tensor_read(x, t, 65534, 4));
    for (int i = 0; i < 4; i++)
        assert_true(x[i] == (float)(1000 + 65534 + i) * 0.25f);
    assert_non_null(sl_safetensors_find(f, "\"q\"\n"));
    assert_null(sl_safetensors_find(f, "c"));
    sl_safetensors_close(f);
}

/* A file of this header and these data. */
static const char *make(const char *header, const void *data, size_t n)
{
    size_t len = strlen(header);
    unsigned char *x = sl_calloc(8 + len + n, 1);
    const char *path;

    assert_non_null(x);
    for (int i = 0; i < 8; i++)
        x[i] = (unsigned char)((uint64_t)len >> 8 * i);
    memcpy(x + 8, header, len);
    memcpy(x + 8 + len, data, n);
    path = test_bytes("made.safetensors", x, 8 + len + n);
    sl_free(x);
    return path;
}

static void every_float_type_converts_exactly(void **state)
{
    (void)state;
    static const uint16_t half[] = {0x3c00, 0xc000, 0x0001, 0x8000,
                                    0x7bff, 0x7c00, 0x03ff, 0x3555};
    static const float half_want[] = {1,     -2,       0x1p-24f,   -0.0f,
                                      65504, INFINITY, 0x3ffp-24f, 0x1.554p-2f};
    static const uint16_t brain[] = {0x3f80, 0xc049, 0x0001, 0xff80};
    static const float brain_want[] = {1, -3.140625f, 0x1p-133f, -INFINITY};
    static const double wide[] = {0.1, -1e300};
    unsigned char data[40];
    struct sl_safetensors *f = NULL;
    float x[8];

    memcpy(data, half, 16);
    memcpy(data + 16, brain, 8);
    memcpy(data + 24, wide, 16);
    check_ok(sl_safetensors_open(
        &f,
        make("{\"h\":{\"dtype\":\"F16\",\"shape\":[8],\"data_offsets\":[0,"
             "16]},\"b\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_"
             "offsets\":[16,24]},\"d\":{\"dtype\":\"F64\",\"shape\":[2],"
             "\"data_offsets\":[24,40]}}",
             data, 40),
        &err));
    assert_true(sl_tensor_read(x, sl_safetensors_find(f, "h"), 0, 8));
    assert_memory_equal(x, half_want, sizeof half_want);
    assert_true(sl_tensor_read(x, sl_safetensors_find(f, "b"), 0, 4));
    assert_memory_equal(x, brain_want, sizeof brain_want);
    assert_true(sl_tensor_read(x, sl_safetensors_find(f, "d"), 0, 2));
    assert_true(x[0] == 0.1f && x[1] == -INFINITY);
    sl_safetensors_close(f);
}

/* Ties go to even; what a type cannot hold becomes an infinity or a zero. */
static void packing_rounds_to_nearest(void **state)
{
    (void)state;
    static const struct {
        float x;
        uint16_t half, brain;
    } cases[] = {
        {1, 0x3c00, 0x3f80},
        {-2.5f, 0xc100, 0xc020},
        {0x1.002p0f, 0x3c00, 0x3f80}, /* a tie of half: down to even */
        {0x1.006p0f, 0x3c02, 0x3f80}, /* a tie of half: up to even */
        {0x1.01p0f, 0x3c04, 0x3f80},  /* a tie of bfloat */
        {0x1.03p0f, 0x3c0c, 0x3f82},
        {65519, 0x7bff, 0x4780},
        {65520, 0x7c00, 0x4780},
        {-1e30f, 0xfc00, 0xf14a},
        {0x1p-24f, 0x0001, 0x3380},
        {0x1p-25f, 0x0000, 0x3300},
        {0x1.8p-24f, 0x0002, 0x33c0},
        {0x1.ffcp-15f, 0x0400, 0x3880},
        {-0.0f, 0x8000, 0x8000},
        {INFINITY, 0x7c00, 0x7f80},
        {0x1.fffffep127f, 0x7c00, 0x7f80},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        uint16_t got;

        sl_tensor_pack(&got, SL_DTYPE_F16, &cases[i].x, 1);
        check_msg(got == cases[i].half, "%a: half %04x", (double)cases[i].x,
                  (unsigned)got);
        sl_tensor_pack(&got, SL_DTYPE_BF16, &cases[i].x, 1);
        check_msg(got == cases[i].brain, "%a: bfloat %04x", (double)cases[i].x,
                  (unsigned)got);
    }
}

/* Every half but NaN is read as a float that packs to itself. */
static void every_half_survives(void **state)
{
    (void)state;
    struct sl_tensor t = {.name = "t", .count = 1, .bytes = 2};

    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        uint16_t h = (uint16_t)bits, again;
        float x;

        t.data = (const unsigned char *)&h;
        for (int k = SL_DTYPE_F16; k <= SL_DTYPE_BF16; k++) {
            t.dtype = (enum sl_dtype)k;
            assert_true(sl_tensor_read(&x, &t, 0, 1));
            sl_tensor_pack(&again, t.dtype, &x, 1);
            check_msg(isnan(x) || again == h, "%04x became %04x", (unsigned)h,
                      (unsigned)again);
        }
    }
}

static void integers_are_listed_and_not_read(void **state)
{
    (void)state;
    static const unsigned char data[16] = {0};
    struct sl_safetensors *f = NULL;
    float x[2];

    check_ok(sl_safetensors_open(
        &f,
        make("{\"__metadata__\":{\"format\":\"pt\"},\"position_ids\":{"
             "\"dtype\":\"I64\",\"shape\":[1,2],\"data_offsets\":[0,16]}}",
             data, 16),
        &err));
    assert_int_equal(sl_safetensors_count(f), 1);
    assert_false(sl_tensor_read(x, sl_safetensors_at(f, 0), 0, 2));
    sl_safetensors_close(f);
}

static void lies_are_refused(void **state)
{
    (void)state;
    static const unsigned char data[16] = {0};
    static const struct {
        const char *header, *says;
    } lies[] = {
#define T(dtype, shape, offsets)                                               \
    "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
        {"{\"t\":" T("F32", "[2]", "[0,12]") "}", "12 bytes"},
        {"{\"t\":" T("F32", "[5]", "[0,20]") "}", "outside the file"},
        {"{\"t\":" T("F32", "[1]", "[8,4]") "}", "outside the file"},
        {"{\"t\":" T("F32", "[1]", "[-4,0]") "}", "outside the file"},
        {"{\"t\":" T("F32", "[-1]", "[0,4]") "}", "bad shape"},
        {"{\"t\":" T("F32", "[1.5]", "[0,4]") "}", "bad shape"},
        {"{\"t\":" T("F32", "[4294967296,4294967296,4]", "[0,0]") "}",
         "bad shape"},
        {"{\"t\":" T("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]") "}",
         "at most 8 dimensions"},
        {"{\"t\":" T("F32", "7", "[0,4]") "}", "dimensions"},
        {"{\"t\":" T("F32", "[1]", "[0]") "}", "outside the file"},
        {"{\"t\":{\"shape\":[1],\"data_offsets\":[0,4]}}", "dtype"},
        {"{\"t\":3}", "dtype"},
        {"{\"a\":" T("F32", "[2]", "[0,8]") ",\"b\":" T("F32", "[2]",
                                                        "[4,12]") "}",
         "overlap"},
        {"{\"a\":" T("F32", "[1]", "[0,4]") ",\"a\":" T("F32", "[1]",
                                                        "[4,8]") "}",
         ""},
        {"[]", "an object"},
        {"{", ""},
#undef T
    };

    for (size_t i = 0; i < SL_LEN(lies); i++) {
        struct sl_safetensors *f = NULL;

        check_fails(
            SIMLM_E_FORMAT, lies[i].says,
            sl_safetensors_open(&f, make(lies[i].header, data, 16), &err));
    }
}

static void a_cut_or_foreign_file_is_refused(void **state)
{
    (void)state;
    struct sl_safetensors *f = NULL;

    check_fails(SIMLM_E_IO, "no-such",
                sl_safetensors_open(&f, "no-such", &err));
    check_fails(SIMLM_E_FORMAT, "0 bytes",
                sl_safetensors_open(&f, test_bytes("f", "", 0), &err));
    check_fails(SIMLM_E_FORMAT, "3 bytes",
                sl_safetensors_open(&f, test_bytes("f", "abc", 3), &err));
    check_fails(SIMLM_E_FORMAT, "cut short",
                sl_safetensors_open(
                    &f, test_bytes("f", "\x40\0\0\0\0\0\0\0{}", 10), &err));
    check_fails(
        SIMLM_E_FORMAT, "not a safetensors file",
        sl_safetensors_open(&f, test_file("f", "PK\x03\x04 a zip, say"), &err));
}

static void a_failed_save_leaves_nothing(void **state)
{
    (void)state;
    static const struct sl_tensor_spec spec[] = {{"a", 1, {4}, SL_DTYPE_F32}};

    check_fails(SIMLM_E_IO, "nowhere",
                sl_safetensors_save("/nowhere/x.safetensors", spec, 1, ramp,
                                    NULL, &err));
    assert_false(sl_file_exists("/nowhere"));
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
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_float_type_converts_exactly),
        cmocka_unit_test(packing_rounds_to_nearest),
        cmocka_unit_test(every_half_survives),
        cmocka_unit_test(integers_are_listed_and_not_read),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(a_cut_or_foreign_file_is_refused),
        cmocka_unit_test(a_failed_save_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
