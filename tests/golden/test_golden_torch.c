/* Files of torch.save() against what torch put into them: tools/golden/
 * torch_files.py made both.  Models in such files are those of safetensors. */
#include "backend/backend.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "check.h"
#include "format/json.h"
#include "format/torchfile.h"
#include "model/bert.h"
#include "model/modeldir.h"

#define DATA TEST_DATA "/golden/torch/"

static struct sl_backend *be;

static int set_up(void **state)
{
    (void)state;
    return sl_backend_open_cpu(&be, SL_FP32, 0, NULL) != SIMLM_OK;
}

static int tear_down(void **state)
{
    (void)state;
    sl_backend_close(be);
    test_tmpdir_remove();
    return 0;
}

/* ---- dictionaries of tensors --------------------------------------------- */

static void check_values(const struct sl_tensor *t, struct sl_json values)
{
    float x[64];

    assert_true(t->count <= (int64_t)SL_LEN(x));
    assert_true(sl_tensor_read(x, t, 0, t->count));
    for (int64_t i = 0; i < t->count; i++) {
        double want;
        float one;

        assert_true(sl_json_is_real(sl_json_item(values, i), &want));
        check_msg(x[i] == (float)want, "%s[%d] is %.9g, not %.9g", t->name,
                  (int)i, (double)x[i], want);
        sl_tensor_read(&one, t, i, 1); /* a piece is the same as the whole */
        assert_true(one == x[i]);
    }
}

static void check_tensor(const struct sl_tensor *t, struct sl_json want)
{
    struct sl_json shape = sl_json_field(want, "shape");
    const char *dtype = sl_json_is_text(sl_json_field(want, "dtype"), NULL);

    assert_non_null(dtype);
    assert_string_equal(sl_dtype_name(t->dtype), dtype);
    assert_int_equal(t->n_dims, sl_json_count(shape));
    for (int32_t d = 0; d < t->n_dims; d++) {
        int64_t n;

        assert_true(sl_json_is_int(sl_json_item(shape, d), &n));
        assert_int_equal(t->shape[d], n);
    }
    if (sl_dtype_readable(t->dtype))
        check_values(t, sl_json_field(want, "values"));
}

static void every_tensor_is_what_torch_saved(void **state)
{
    (void)state;
    static const char *const files[] = {
        DATA "dict_zip.bin", DATA "dict_zip_p4.bin", DATA "dict_zip64.bin",
        DATA "dict_legacy.bin", DATA "dict_legacy_p4.bin"};
    struct sl_json_doc *doc = NULL;

    check_ok(sl_json_load(&doc, DATA "expected.json", &err));
    for (size_t k = 0; k < SL_LEN(files); k++) {
        struct sl_torchfile *f = NULL;

        check_ok(sl_torchfile_open(&f, files[k], &err));
        for (int64_t i = 0; i < sl_torchfile_count(f); i++) {
            const struct sl_tensor *t = sl_torchfile_at(f, i);

            if (t->why)
                assert_string_equal(t->why, "no tensor");
            else
                check_tensor(t, sl_json_field(sl_json_root(doc), t->name));
        }
        assert_int_equal(sl_torchfile_count(f),
                         sl_json_count(sl_json_root(doc)) + 2);
        sl_torchfile_close(f);
    }
    sl_json_free(doc);
}

static const struct {
    const char *name, *why;
} extras[] = {
    {"x.complex", "complex"},
    {"x.fp8", "torch.float8_e4m3fn"},
    {"x.uint16", "torch.uint16"},
    {"x.uint32", "torch.uint32"},
    {"x.uint64", "torch.uint64"},
    {"x.quantised", "quantised"},
    {"x.parameter", "quantised"},
    {"x.sparse", "sparse"},
    {"x.meta", "without numbers (on 'meta')"},
    {"x.expanded", "expanded: it has more elements than are stored"},
    {"x.nine", "more than 8 dimensions"},
    {"x.negative", "a negative or conjugate view of what is stored"},
    {"x.set", "no tensor"},
    {"x.frozen", "no tensor"},
    {"x.bytes", "no tensor"},
    {"x.no bytes", "no tensor"},
    {"x.array", "no tensor"},
    {"x.number", "no tensor"},
    {"x.type", "no tensor"},
    {"x.size", "no tensor"},
    {"x.device", "no tensor"},
    {"x.none", "no tensor"},
    {"entry 23", "its key is no name"},
    {"entry 24", "its key is no name"},
};

enum { N_EXTRAS = SL_LEN(extras) };

static void what_cannot_be_read_is_passed_over_and_said(void **state)
{
    (void)state;
    static const char *const files[] = {
        DATA "extras_zip_p2.bin",    DATA "extras_zip_p4.bin",
        DATA "extras_zip_p5.bin",    DATA "extras_legacy_p2.bin",
        DATA "extras_legacy_p4.bin", DATA "extras_legacy_p5.bin"};

    for (size_t k = 0; k < SL_LEN(files); k++) {
        struct sl_torchfile *f = NULL;
        float x[4];

        check_ok(sl_torchfile_open(&f, files[k], &err));
        assert_int_equal(sl_torchfile_count(f), N_EXTRAS + 2);
        for (int i = 0; i < N_EXTRAS; i++) {
            const struct sl_tensor *t = sl_torchfile_at(f, i + 1);

            assert_string_equal(t->name, extras[i].name);
            assert_string_equal(t->why, extras[i].why);
            assert_false(sl_tensor_read(x, t, 0, 0));
        }
        assert_true(sl_tensor_read(x, sl_torchfile_at(f, 0), 0, 3));
        assert_true(
            sl_tensor_read(x + 3, sl_torchfile_at(f, N_EXTRAS + 1), 0, 1));
        assert_true(x[0] == 0 && x[1] == 1 && x[2] == 2 && x[3] == 4);
        sl_torchfile_close(f);
    }
}

static void what_is_no_state_dict_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *file, *says;
    } bad[] = {
        {DATA "bad_code.bin", "'posix.system'"},
        {DATA "bad_code_legacy.bin", "'posix.system'"},
        {DATA "bad_expanded.bin", "'a': expanded"},
        {DATA "bad_list.bin", "expected a dictionary"},
        {DATA "bad_empty.bin", "'lr': no tensor"},
        {DATA "bad_nested.bin", "a dictionary 'model'"},
        {DATA "bad_negative.bin", "'a': a negative or conjugate view"},
        {DATA "bad_pickle.bin", "not a file of torch.save()"},
        {DATA "bad_compressed.bin", "compressed"},
        {DATA "bad_script.bin", "TorchScript"},
    };

    for (size_t i = 0; i < SL_LEN(bad); i++) {
        struct sl_torchfile *f = NULL;

        check_fails(SIMLM_E_FORMAT, bad[i].says,
                    sl_torchfile_open(&f, bad[i].file, &err));
    }
    assert_false(sl_file_exists("/tmp/simlm-was-here"));
}

/* A file that ends anywhere is an error; cut within the last storage's bytes,
 * too. */
static void a_file_that_is_cut_short_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {DATA "dict_zip.bin",
                                        DATA "dict_legacy.bin"};

    for (size_t k = 0; k < SL_LEN(files); k++) {
        char *bytes = NULL;
        size_t n;

        check_ok(sl_file_read(&bytes, &n, files[k], 1 << 20, &err));
        for (size_t cut = 0; cut < n; cut += 1 + cut / 64) {
            struct sl_torchfile *f = NULL;
            simlm_error err = {SIMLM_OK, ""};
            const char *path = test_bytes("cut.bin", bytes, cut);
            simlm_status st = sl_torchfile_open(&f, path, &err);

            check_msg(st == SIMLM_E_FORMAT && *err.msg,
                      "%s cut to %zu: status %d", files[k], cut, (int)st);
        }
        sl_free(bytes);
    }
}

/* ---- models -------------------------------------------------------------- */

static void copy_to(const char *dir, const char *name, const char *from)
{
    char *to = sl_path_join(dir, name), *bytes = NULL;
    size_t n;

    check_ok(sl_file_read(&bytes, &n, from, 1 << 20, &err));
    check_ok(sl_file_write(to, bytes, n, &err));
    sl_free(bytes);
    sl_free(to);
}

/* A fresh model directory: that config.json, one more file. */
static const char *model_dir(const char *config, const char *name,
                             const char *from)
{
    const char *dir = test_path("model");

    check_ok(sl_dir_remove(dir, &err));
    check_ok(sl_dir_make(dir, &err));
    copy_to(dir, "config.json", config);
    copy_to(dir, name, from);
    return dir;
}

/* a's parameters are b's, but for a relative difference of tol. */
static void check_same(const struct sl_bert *a, const struct sl_bert *b,
                       double tol)
{
    for (int64_t i = 0; i < a->params.count; i++) {
        const struct sl_param *p = &a->params.list[i];
        int64_t j = sl_params_find(&b->params, p->name);
        float x[2048], y[2048];

        assert_true(j >= 0 && p->n <= (int64_t)SL_LEN(x));
        be->download_real(be, x, sl_real_at(be, a->w, p->offset), p->n);
        be->download_real(be, y, sl_real_at(be, b->w, b->params.list[j].offset),
                          p->n);
        for (int64_t k = 0; k < p->n; k++)
            check_msg(fabs((double)x[k] - (double)y[k]) <=
                          tol * fabs((double)y[k]) + tol * 1e-6,
                      "%s[%d]: %g, %g", p->name, (int)k, (double)x[k],
                      (double)y[k]);
    }
}

static struct sl_bert *open_model(const char *dir, struct sl_bert_parts parts,
                                  struct sl_strmap *ignored)
{
    struct sl_bert *m = NULL;

    check_ok(sl_bert_open(&m, be, dir, parts, ignored, &err));
    return m;
}

static const struct sl_bert_parts with_head = {.head = true};

#define MODEL(name) TEST_DATA "/golden/model/" name

static void a_model_in_a_bin_file_is_the_same_model(void **state)
{
    (void)state;
    static const struct {
        const char *name, *file;
        double tol;
        int64_t ignored;
    } cases[] = {
        {"bert", DATA "bert_fp32.bin", 0, 5},
        {"bert", DATA "bert_fp16.bin", 0x1p-11, 0},
        {"bert", DATA "bert_extras.bin", 0x1p-11, N_EXTRAS},
        {"bert", DATA "bert_bf16_legacy.bin", 0x1p-8, 0},
        {"electra", DATA "electra_fp32_legacy.bin", 0, 1},
    };

    for (size_t i = 0; i < SL_LEN(cases); i++) {
        struct sl_strmap *ignored = sl_strmap_new();
        bool electra = !strcmp(cases[i].name, "electra");
        const char *home = electra ? MODEL("electra") : MODEL("bert");
        char *config = sl_path_join(home, "config.json");
        struct sl_bert *want = open_model(home, with_head, NULL);
        const char *dir = model_dir(config, "pytorch_model.bin", cases[i].file);
        struct sl_bert *got = open_model(dir, with_head, ignored);

        check_same(got, want, cases[i].tol);
        assert_int_equal(sl_strmap_count(ignored), cases[i].ignored);
        sl_bert_free(got);
        sl_bert_free(want);
        sl_free(config);
        sl_strmap_free(ignored);
    }
}

static void a_tensor_that_is_needed_and_not_read_is_an_error(void **state)
{
    (void)state;
    const char *dir = model_dir(MODEL("bert/config.json"), "pytorch_model.bin",
                                DATA "bert_needed.bin");
    struct sl_bert *m = NULL;

    check_fails(SIMLM_E_FORMAT,
                "'bert.encoder.layer.1.output.dense.weight' cannot be read: "
                "quantised",
                sl_bert_open(&m, be, dir, with_head, NULL, &err));
}

static void a_model_in_pieces_is_the_same_model(void **state)
{
    (void)state;
    const char *dir =
        model_dir(MODEL("bert/config.json"), "pytorch_model.bin.index.json",
                  DATA "bert.index.json");
    struct sl_bert *want = open_model(MODEL("bert"), with_head, NULL), *got;

    copy_to(dir, "bert-1.bin", DATA "bert-1.bin");
    check_fails(SIMLM_E_IO, "bert-2.bin",
                sl_bert_open(&got, be, dir, with_head, NULL, &err));
    copy_to(dir, "bert-2.bin", DATA "bert-2.bin");
    got = open_model(dir, with_head, NULL);
    check_same(got, want, 0x1p-11);
    sl_bert_free(got);
    sl_bert_free(want);

    copy_to(dir, "bert-2.bin", DATA "bert-1.bin");
    check_fails(SIMLM_E_FORMAT, "is in",
                sl_bert_open(&got, be, dir, with_head, NULL, &err));
    copy_to(dir, "bert-1.bin", DATA "dict_zip.bin");
    check_fails(SIMLM_E_FORMAT, "is not in 'bert-1.bin'",
                sl_bert_open(&got, be, dir, with_head, NULL, &err));
}

static void an_index_names_files_beside_it_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{\"weight_map\":{\"a\":\"../secret\"}}",
        "{\"weight_map\":{\"a\":\"/etc/passwd\"}}",
        "{\"weight_map\":{\"a\":\"..\"}}",
        "{\"weight_map\":{\"a\":3}}",
        "{\"weight_map\":{}}",
        "{\"weight_map\":[]}",
        "{\"weights\":{}}",
    };

    for (size_t i = 0; i < SL_LEN(bad); i++) {
        struct sl_weights *w = NULL;
        const char *path = test_file("bad.index.json", bad[i]);

        check_fails(SIMLM_E_FORMAT, "bad.index.json",
                    sl_weights_open(&w, path, &err));
    }
}

static void a_decoder_is_read_from_torchs_file(void **state)
{
    (void)state;
    static const struct sl_bert_parts rlm = {.head = true, .n_decoder = 2};
    const char *dir = model_dir(MODEL("bert/config.json"), "pytorch_model.bin",
                                DATA "bert_fp16.bin");
    struct sl_bert *copied = open_model(dir, rlm, NULL), *read;

    copy_to(dir, "decoder.pt", DATA "decoder.pt");
    read = open_model(dir, rlm, NULL); /* the file has the same two layers */
    check_same(read, copied, 0);
    sl_bert_free(read);
    copy_to(dir, "decoder.pt", DATA "dict_zip.bin");
    check_fails(SIMLM_E_FORMAT, "no tensor '0.attention",
                sl_bert_open(&read, be, dir, rlm, NULL, &err));
    sl_bert_free(copied);
}

static void safetensors_come_before_bin_files(void **state)
{
    (void)state;
    const char *dir = model_dir(MODEL("bert/config.json"), "pytorch_model.bin",
                                DATA "bad_code.bin");
    struct sl_bert *m = NULL;

    check_fails(SIMLM_E_FORMAT, "posix.system",
                sl_bert_open(&m, be, dir, with_head, NULL, &err));
    copy_to(dir, "model.safetensors", MODEL("bert/model.safetensors"));
    m = open_model(dir, with_head, NULL);
    sl_bert_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tensor_is_what_torch_saved),
        cmocka_unit_test(what_cannot_be_read_is_passed_over_and_said),
        cmocka_unit_test(what_is_no_state_dict_is_refused_by_name),
        cmocka_unit_test(a_file_that_is_cut_short_is_refused),
        cmocka_unit_test(a_model_in_a_bin_file_is_the_same_model),
        cmocka_unit_test(a_tensor_that_is_needed_and_not_read_is_an_error),
        cmocka_unit_test(a_model_in_pieces_is_the_same_model),
        cmocka_unit_test(an_index_names_files_beside_it_alone),
        cmocka_unit_test(a_decoder_is_read_from_torchs_file),
        cmocka_unit_test(safetensors_come_before_bin_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
