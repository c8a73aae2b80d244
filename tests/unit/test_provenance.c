/* The record beside an output: where it goes, what it holds. */
#include "check.h"

#include <sys/stat.h>
#include <unistd.h>

#include <simlm/provenance.h>

#include "base/alloc.h"
#include "base/file.h"
#include "format/json.h"

static void path_in(char *buf, size_t size, const char *name)
{
    snprintf(buf, size, "%s/%s", test_tmpdir(), name);
}

static void write_file(const char *path, const char *text)
{
    check_ok(sl_file_write(path, text, strlen(text), &err));
}

static void a_directory_has_it_within_a_file_beside_it(void **state)
{
    simlm_provenance p = {.command = "test"};
    char file[300], dir[300], record[340];

    (void)state;
    path_in(file, sizeof file, "out");
    path_in(dir, sizeof dir, "dir");
    write_file(file, "x");
    check_ok(sl_dir_make(dir, &err));
    check_ok(simlm_provenance_write(file, &p, &err));
    check_ok(simlm_provenance_write(dir, &p, &err));
    snprintf(record, sizeof record, "%s.command.json", file);
    assert_true(sl_file_exists(record));
    snprintf(record, sizeof record, "%s/command.json", dir);
    assert_true(sl_file_exists(record));
}

static void what_is_no_file_has_none(void **state)
{
    simlm_provenance p = {.command = "test"};
    char absent[300];

    (void)state;
    path_in(absent, sizeof absent, "absent");
    check_ok(simlm_provenance_write("-", &p, &err));
    check_ok(simlm_provenance_write("/dev/null", &p, &err));
    check_ok(simlm_provenance_write(absent, &p, &err));
    assert_false(sl_file_exists("-.command.json"));
    assert_false(sl_file_exists("/dev/null.command.json"));
}

/* Files below it by name; not what is hidden, nor records, nor loops. */
static void a_directory_that_was_read_is_listed(void **state)
{
    char dir[300], path[340], out[300], record[340];
    const char *inputs[] = {dir, "-"};
    simlm_provenance p = {.command = "test",
                          .options = "{\"k\": 3}",
                          .inputs = inputs,
                          .n_inputs = 2,
                          .threads = 1,
                          .seconds = 1.5};
    struct sl_json_doc *doc = NULL;
    struct sl_json root, files;
    int64_t k = 0;

    (void)state;
    path_in(out, sizeof out, "read");
    path_in(dir, sizeof dir, "model");
    snprintf(path, sizeof path, "%s/1_Pooling", dir);
    check_ok(sl_dir_make(path, &err));
    static const char *const names[] = {"b", "a", ".lock", "command.json",
                                        "1_Pooling/config.json"};
    for (size_t i = 0; i < SL_LEN(names); i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        write_file(path, names[i]);
    }
    snprintf(path, sizeof path, "%s/loop", dir);
    assert_int_equal(symlink(".", path), 0);
    write_file(out, "x");
    check_ok(simlm_provenance_write(out, &p, &err));
    snprintf(record, sizeof record, "%s.command.json", out);
    check_ok(sl_json_load(&doc, record, &err));
    root = sl_json_root(doc);
    files =
        sl_json_field(sl_json_item(sl_json_field(root, "inputs"), 0), "files");
    assert_int_equal(sl_json_count(files), 3);
    assert_non_null(
        sl_json_is_text(sl_json_field(files, "1_Pooling/config.json"), NULL));
    assert_true(
        sl_json_is_int(sl_json_field(sl_json_field(root, "options"), "k"), &k));
    assert_int_equal(k, 3);
    sl_json_free(doc);
}

static void a_record_can_be_kept(void **state)
{
    simlm_provenance first = {.command = "first"},
                     p = {.command = "second", .keep = true};
    char out[300], record[340], *text = NULL;

    (void)state;
    path_in(out, sizeof out, "kept");
    write_file(out, "x");
    check_ok(simlm_provenance_write(out, &first, &err));
    check_ok(simlm_provenance_write(out, &p, &err));
    snprintf(record, sizeof record, "%s.command.json", out);
    check_ok(sl_file_read(&text, NULL, record, 1 << 20, &err));
    assert_non_null(strstr(text, "first"));
    sl_free(text);
}

static void what_is_wrong_is_named(void **state)
{
    const char *inputs[] = {"a", NULL};
    simlm_provenance p = {.n_inputs = 0};
    char out[300], record[340];

    (void)state;
    path_in(out, sizeof out, "wrong");
    write_file(out, "x");
    check_fails(SIMLM_E_ARG, "output", simlm_provenance_write(NULL, &p, &err));
    check_fails(SIMLM_E_ARG, "command", simlm_provenance_write(out, &p, &err));
    p.command = "test";
    p.inputs = inputs;
    p.n_inputs = 2;
    check_fails(SIMLM_E_ARG, "inputs[1]",
                simlm_provenance_write(out, &p, &err));
    p.n_inputs = 0;
    p.options = "[1]";
    check_fails(SIMLM_E_ARG, "options", simlm_provenance_write(out, &p, &err));
    p.options = "{";
    check_fails(SIMLM_E_FORMAT, "options",
                simlm_provenance_write(out, &p, &err));
    snprintf(record, sizeof record, "%s.command.json", out);
    assert_false(sl_file_exists(record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_directory_has_it_within_a_file_beside_it),
        cmocka_unit_test(what_is_no_file_has_none),
        cmocka_unit_test(a_directory_that_was_read_is_listed),
        cmocka_unit_test(a_record_can_be_kept),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    test_tmpdir_remove();
    return failed;
}
