/* TensorBoard's event files: their bytes are those of TensorBoard's own writer
 * (tools/golden/tfevents.py), and what an observer hears gets into them. */
#include "check.h"

#include <dirent.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "report/tensorboard.h"

static void crc32c_is_the_rfcs(void **state)
{
    (void)state;
    unsigned char bytes[32];

    memset(bytes, 0, sizeof bytes);
    assert_int_equal(sl_crc32c(bytes, 32), 0x8a9136aa); /* RFC 3720, B.4 */
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(sl_crc32c(bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)i;
    assert_int_equal(sl_crc32c(bytes, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(sl_crc32c(bytes, 32), 0x113fdb5c);
    assert_int_equal(sl_crc32c("", 0), 0);
    assert_int_equal(sl_crc32c("123456789", 9), 0xe3069283);
}

static void events_are_tensorboards_bytes(void **state)
{
    (void)state;
    const char *dir = test_path("golden");
    char long_tag[201] = "";
    struct sl_scalar step[] = {{"train/loss", 2.3125},
                               {"train/learning_rate", 3e-4}};
    struct sl_scalar eval[] = {{"eval/mrr", 0}, {"eval/loss", -1e30}};
    struct sl_scalar last[] = {{long_tag, 1}};
    struct sl_tfevents e;
    char *got, *want;
    size_t n, n_want;

    memset(long_tag, 'x', 200);
    check_ok(sl_dir_make(dir, &err));
    check_ok(sl_tfevents_open(&e, dir, 1700000000.25, &err));
    check_ok(sl_tfevents_start(&e, 1700000001.5, 1, &err));
    check_ok(sl_tfevents_add(&e, 1700000002.125, 50, step, 2, &err));
    check_ok(sl_tfevents_add(&e, 1700000003, ((int64_t)1 << 40) + 300, eval, 2,
                             &err));
    check_ok(sl_tfevents_add(&e, 1700000004, 0, last, 1, &err));
    check_ok(sl_tfevents_close(&e, &err));

    check_ok(sl_file_read(&want, &n_want, TEST_DATA "/golden/tfevents/events",
                          1 << 16, &err));
    check_ok(sl_file_read(
        &got, &n, test_path("golden/events.out.tfevents.1700000000.simlm"),
        1 << 16, &err));
    assert_int_equal(n, n_want);
    assert_memory_equal(got, want, n);
    sl_free(got);
    sl_free(want);
}

/* TensorBoard reads files by name: a clock that stands, or goes back, must not
 * change the order. */
static void a_later_file_sorts_behind(void **state)
{
    (void)state;
    static const double now[] = {1700000000, 1700000000, 1600000000};
    const char *dir = test_path("order");
    struct sl_tfevents e;

    check_ok(sl_dir_make(dir, &err));
    for (int i = 0; i < 3; i++) {
        char name[64];

        check_ok(sl_tfevents_open(&e, dir, now[i], &err));
        check_ok(sl_tfevents_close(&e, &err));
        snprintf(name, sizeof name,
                 "order/events.out.tfevents.170000000%d.simlm", i);
        check_msg(sl_file_exists(test_path(name)), "no %s", name);
    }
}

/* ---- the observer -------------------------------------------------------- */

static int n_heard;

static void hear_record(void *ctx, const char *json)
{
    (void)json;
    n_heard += *(int *)ctx;
}

static int64_t count_files(const char *dir)
{
    const struct dirent *e;
    int64_t n = 0;
    DIR *d = opendir(dir);

    while (d && (e = readdir(d)))
        n += strstr(e->d_name, "tfevents") != NULL;
    if (d)
        closedir(d);
    return n;
}

static void an_observer_passes_on_and_writes_what_begins(void **state)
{
    (void)state;
    int one = 1;
    simlm_observer next = {.ctx = &one, .record = hear_record};
    const char *dir = test_path("deep/er");
    struct sl_tensorboard t;

    n_heard = 0;
    check_ok(sl_tensorboard_open(&t, dir, &next, &err));
    t.observer.progress(&t, "training", 1, 2, "steps");
    t.observer.message(&t, SIMLM_INFO, "a line");
    t.observer.figure(&t, "loss", 1);
    assert_false(t.observer.cancelled(&t));
    t.observer.record(&t, "{\"event\":\"eval\",\"step\":1,\"loss\":2}");
    assert_int_equal(count_files(dir), 0); /* no run has begun */
    t.observer.record(&t, "{\"event\":\"start\",\"step\":0}");
    t.observer.record(&t, "{\"event\":\"step\",\"step\":1,\"loss\":2.5}");
    check_ok(sl_tensorboard_close(&t, SIMLM_OK, &err));
    assert_int_equal(count_files(dir), 1);
    assert_int_equal(n_heard, 3);
}

static void what_cannot_be_written_stops_the_run(void **state)
{
    (void)state;
    struct sl_tensorboard t;

    check_fails(SIMLM_E_IO, "is a file",
                sl_tensorboard_open(&t, test_file("file", ""), NULL, &err));
    check_ok(sl_tensorboard_open(&t, test_path("full"), NULL, &err));
    t.observer.record(&t, "{\"event\":\"start\",\"step\":0}");
    test_disk_full(0);
    t.observer.record(&t, "{\"event\":\"step\",\"step\":1,\"loss\":2.5}");
    test_disk_full(-1);
    assert_true(t.observer.cancelled(&t));
    check_fails(SIMLM_E_IO, "cannot write",
                sl_tensorboard_close(&t, SIMLM_E_CANCELLED, &err));

    check_ok(sl_tensorboard_open(&t, test_path("failed"), NULL, &err));
    assert_int_equal(sl_tensorboard_close(&t, SIMLM_E_NUMERIC, NULL),
                     SIMLM_E_NUMERIC); /* the training's own failure stays */
}

static int remove_files(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_is_the_rfcs),
        cmocka_unit_test(events_are_tensorboards_bytes),
        cmocka_unit_test(a_later_file_sorts_behind),
        cmocka_unit_test(an_observer_passes_on_and_writes_what_begins),
        cmocka_unit_test(what_cannot_be_written_stops_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, remove_files);
}
