/* The cache of models: what transformers has left there is completed, and it is
 * where huggingface_hub has it. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "check.h"
#include "fake_hub.h"
#include "hub/hub.h"

#include <unistd.h>

/* ---- what transformers has fetched --------------------------------------- */

static void remember(void *ctx, simlm_level level, const char *text)
{
    if (level == SIMLM_WARNING)
        snprintf(ctx, 256, "%s", text);
}

/* A model of the usual files and modules.json, fetched and without that. */
static void leave_as_transformers(void)
{
    static const char *const without[] = {"modules.json",
                                          "1_Pooling/config.json"};

    usual_hub();
    api[strlen(api) - 2] = '\0';
    server.n_pages--;
    add_file(FILE_PATH("modules.json"), "[ ]", 3, false);
    end_api();
    add_page("/api/models/org/name/revision/" COMMIT "?blobs=true", api,
             strlen(api));
    fetch_usual();
    for (size_t i = 0; i < SL_LEN(without); i++) {
        char path[256];

        snprintf(path, sizeof path,
                 "cache/models--org--name/snapshots/" COMMIT "/%s", without[i]);
        assert_int_equal(unlink(test_path(path)), 0);
    }
    *server.log = '\0';
    server.n_requests = 0;
}

static void side_files_that_transformers_never_fetches_are_fetched(void **state)
{
    (void)state;
    leave_as_transformers();
    fetch_usual();
    check_file(test_path("cache"),
               "models--org--name/snapshots/" COMMIT "/modules.json", "[ ]", 3);
    assert_int_equal(server.n_requests, 1); /* the blobs were there */
    fetch_usual();
    assert_int_equal(server.n_requests, 1);
    http_server_stop(&server);
}

static void that_the_hub_has_none_of_them_is_asked_once(void **state)
{
    (void)state;
    const char *marker = "models--org--name/.no_exist/" COMMIT "/modules.json";
    char *path;

    usual_hub();
    add_page("/api/models/org/name/revision/" COMMIT "?blobs=true", api,
             strlen(api));
    fetch_usual();
    path = sl_path_join(test_path("cache"), marker);
    assert_int_equal(unlink(path), 0);
    sl_free(path);
    server.n_requests = 0;
    fetch_usual();
    fetch_usual();
    assert_int_equal(server.n_requests, 1);
    check_file(test_path("cache"), marker, "", 0);
    http_server_stop(&server);
}

static void without_a_hub_it_is_said_that_pooling_is_the_default(void **state)
{
    (void)state;
    char said[256] = "", *dir = NULL;
    simlm_observer o = {.message = remember, .ctx = said};

    leave_as_transformers();
    setenv("HF_HUB_OFFLINE", "1", 1);
    check_ok(sl_hub_fetch(&dir, "org/name", &o, &err));
    check_file(dir, "config.json", "{}", 2);
    assert_non_null(strstr(said, "[CLS]"));
    assert_non_null(strstr(said, "HF_HUB_OFFLINE"));
    assert_int_equal(server.n_requests, 0);
    sl_free(dir);
    http_server_stop(&server);
    unsetenv("HF_HUB_OFFLINE");
    *said = '\0';
    check_ok(sl_hub_fetch(&dir, "org/name", &o, &err));
    assert_non_null(strstr(said, "cannot get"));
    sl_free(dir);
}

/* ---- places -------------------------------------------------------------- */

static void a_tilde_is_home_and_the_token_of_login_is_sent(void **state)
{
    (void)state;
    char *home = sl_strdup(getenv("HOME")), *dir = NULL, *path;

    usual_hub();
    path = sl_path_join(test_path("home"), "hf/token");
    check_ok(sl_dir_make(test_path("home/hf"), &err));
    check_ok(sl_file_write(path, "hf_secret\n", 10, &err));
    sl_free(path);
    setenv("HOME", test_path("home"), 1);
    setenv("HF_HOME", "~/hf", 1);
    unsetenv("HF_HUB_CACHE");
    unsetenv("HF_TOKEN_PATH");
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    assert_non_null(strstr(dir, "/home/hf/hub/models--org--name/"));
    assert_non_null(strstr(server.log, "config.json token\n"));
    sl_free(dir);
    http_server_stop(&server);
    unsetenv("HF_HOME");
    if (home)
        setenv("HOME", home, 1);
    sl_free(home);
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
        cmocka_unit_test(
            side_files_that_transformers_never_fetches_are_fetched),
        cmocka_unit_test(that_the_hub_has_none_of_them_is_asked_once),
        cmocka_unit_test(without_a_hub_it_is_said_that_pooling_is_the_default),
        cmocka_unit_test(a_tilde_is_home_and_the_token_of_login_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
