/* Models by name: the cache is Hugging Face's, what is fetched is whole and of
 * the right hash, broken transfers are taken up again, and a hub that lies does
 * no harm.  The hub is a server of this process. */
#include <simlm/hub.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"
#include "check.h"
#include "fake_hub.h"
#include "hub/digest.h"
#include "hub/http.h"
#include "hub/hub.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* Where the weights are until they are whole. */
static const char *part_path(void)
{
    char hex[SL_DIGEST_HEX], name[128];

    check_ok(digest_file(hex, SL_DIGEST_SHA256,
                         test_bytes("hashed", weights, sizeof weights), &err));
    snprintf(name, sizeof name, "cache/models--org--name/blobs/%s.incomplete",
             hex);
    return test_path(name);
}

static bool left_incomplete(void)
{
    return sl_file_exists(part_path());
}

/* ---- tests --------------------------------------------------------------- */

static void hashes_are_those_of_git_and_sha256(void **state)
{
    (void)state;
    char hex[SL_DIGEST_HEX];

    check_ok(digest_file(hex, SL_DIGEST_GIT, test_file("h", "hello\n"), &err));
    assert_string_equal(hex, "ce013625030ba8dba906f756967f9e9ca394464a");
    check_ok(digest_file(hex, SL_DIGEST_SHA256, test_file("h", "abc"), &err));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9c"
                             "b410ff61f20015ad");
    check_ok(digest_file(hex, SL_DIGEST_GIT, test_file("h", ""), &err));
    assert_string_equal(hex, "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

static void names_are_told_from_paths(void **state)
{
    (void)state;
    static const char *const no[] = {
        "name",   "/org/name",  "./name",     "../name",    "a/b/c",
        "org/",   "/name",      "org/.name",  "org/na me",  "org/name-",
        "~/name", "org/na\nme", "org/na--me", "o--rg/name", "org/na..me"};
    char *dir = sl_path_join(test_path("org"), "name");
    char here[4096];

    for (size_t i = 0; i < SL_LEN(no); i++)
        check_msg(!sl_hub_is_name(no[i]), "'%s' is taken for a name", no[i]);
    assert_true(sl_hub_is_name("intfloat/simlm-base-msmarco"));
    assert_true(sl_hub_is_name("org/name"));
    assert_true(sl_hub_is_name("o.r-g/n-.a_m-e"));
    assert_non_null(getcwd(here, sizeof here));
    check_ok(sl_dir_make(dir, &err));
    assert_int_equal(chdir(test_tmpdir()), 0);
    assert_false(sl_hub_is_name("org/name")); /* there is one */
    assert_int_equal(chdir(here), 0);
    sl_free(dir);
}

static void a_model_is_fetched_into_the_cache(void **state)
{
    (void)state;
    char link[256], *dir = NULL;
    ssize_t n;

    usual_hub();
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    check_usual(dir);
    assert_non_null(strstr(dir, "cache/models--org--name/snapshots/" COMMIT));
    check_file(test_path("cache"), "models--org--name/refs/main", COMMIT, 40);
    n = readlink(test_path("cache/models--org--name/snapshots/" COMMIT
                           "/1_Pooling/config.json"),
                 link, sizeof link);
    assert_true(n == 15 + 40 && !memcmp(link, "../../../blobs/", 15));
    assert_null(strstr(server.log, "README")); /* not needed */
    assert_false(left_incomplete());
    http_server_stop(&server);
    fetch_usual(); /* without a server */
    setenv("HF_HUB_OFFLINE", "1", 1);
    fetch_usual();
    sl_free(dir);
}

static void a_broken_transfer_is_taken_up_again(void **state)
{
    (void)state;
    usual_hub();
    server.cut_at = 1000;
    server.cuts = 2;
    fetch_usual();
    assert_non_null(strstr(server.log, "model.safetensors\n"));
    assert_non_null(strstr(server.log, "model.safetensors from 1000\n"));
    assert_non_null(strstr(server.log, "model.safetensors from 2000\n"));
    http_server_stop(&server);
}

/* Break off more often than a call tries: 4000 bytes of the weights are left. */
static void leave_a_part(void)
{
    char *dir = NULL;

    usual_hub();
    server.cut_at = 1000;
    server.cuts = 4;
    check_fails(SIMLM_E_IO, "model.safetensors",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
}

static void a_later_call_takes_up_what_an_earlier_left(void **state)
{
    (void)state;
    leave_a_part();
    assert_true(left_incomplete());
    assert_false(
        sl_file_exists(test_path("cache/models--org--name/refs/main")));
    *server.log = '\0';
    fetch_usual();
    assert_non_null(strstr(server.log, "model.safetensors from 4000\n"));
    assert_null(strstr(server.log, "vocab.txt")); /* that was there */
    http_server_stop(&server);
}

static void a_server_without_ranges_is_asked_from_the_beginning(void **state)
{
    (void)state;
    usual_hub();
    server.cut_at = 1000;
    server.cuts = 1;
    server.no_ranges = true;
    fetch_usual();
    http_server_stop(&server);
}

/* What an earlier call has left is of no use, whatever the reason. */
static void a_range_that_the_server_has_not_is_given_up_once(void **state)
{
    (void)state;
    leave_a_part();
    *server.log = '\0';
    server.bad_ranges = 1;
    fetch_usual();
    assert_non_null(strstr(server.log,
                           "model.safetensors from 4000\n"
                           "/org/name/resolve/" COMMIT "/model.safetensors\n"));
    http_server_stop(&server);
}

static void a_busy_hub_is_asked_three_times(void **state)
{
    (void)state;
    static const struct {
        int status, busy, retry_after, requests;
        const char *says; /* NULL: it is fetched */
    } cases[] = {
        {503, 2, 0, 3 + 4, NULL}, /* the answer, then four files */
        {429, 2, 0, 3 + 4, NULL},
        {429, 3, 0, 3, "429 (too many requests: try again later)"},
        {500, 3, 0, 3, "500 (try again later)"},
        {429, 1, 60, 1, "429"}, /* longer than is waited */
    };

    sl_http_pause = 1;
    for (size_t i = 0; i < SL_LEN(cases); i++) {
        char *dir = NULL;

        usual_hub();
        server.busy = cases[i].busy;
        server.busy_status = cases[i].status;
        server.retry_after = cases[i].retry_after;
        if (cases[i].says)
            check_fails(SIMLM_E_IO, cases[i].says,
                        sl_hub_fetch(&dir, "org/name", NULL, &err));
        else
            fetch_usual();
        assert_int_equal(server.n_requests, cases[i].requests);
        http_server_stop(&server);
    }
    sl_http_pause = 1000;
}

static bool lock(int fd)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return !fcntl(fd, F_SETLK, &whole);
}

/* A process that has the file and says so, or says that it cannot have it. */
static pid_t start_locker(const char *path, bool *locked)
{
    int said[2];
    pid_t child;

    assert_int_equal(pipe(said), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        int fd = open(path, O_RDWR | O_CREAT, 0666);
        char got = fd >= 0 && lock(fd);

        if (write(said[1], &got, 1) == 1 && got)
            pause();
        _exit(0);
    }
    assert_int_equal(read(said[0], locked, 1), 1);
    close(said[0]);
    close(said[1]);
    return child;
}

static void end_locker(pid_t child)
{
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void one_process_at_a_time_gets_a_file(void **state)
{
    (void)state;
    char *part, *dir = NULL;
    bool locked;
    pid_t child;

    usual_hub();
    part = sl_strdup(part_path());
    check_ok(sl_dir_make(test_path("cache/models--org--name/blobs"), &err));
    child = start_locker(part, &locked);
    assert_true(locked);
    check_fails(SIMLM_E_IO, "another process is getting it",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    end_locker(child);
    fetch_usual();
    sl_free(part);
    http_server_stop(&server);
}

/* Else another process would take it up between the hash and the rename. */
static void a_file_stays_locked_while_it_is_hashed(void **state)
{
    (void)state;
    const char *path = test_bytes("hashed", weights, sizeof weights);
    int fd = open(path, O_RDWR);
    char hex[SL_DIGEST_HEX];
    bool locked;

    assert_true(fd >= 0 && lock(fd));
    check_ok(sl_digest_fd(hex, SL_DIGEST_SHA256, fd, path, &err));
    end_locker(start_locker(path, &locked));
    assert_false(locked);
    close(fd);
}

static bool stop(void *ctx)
{
    (void)ctx;
    return true;
}

static void a_fetch_can_be_cancelled(void **state)
{
    (void)state;
    simlm_observer o = {.cancelled = stop};
    char *dir = NULL;

    usual_hub();
    check_fails(SIMLM_E_CANCELLED, "stopped",
                sl_hub_fetch(&dir, "org/name", &o, &err));
    fetch_usual();
    http_server_stop(&server);
}

/* The page that ends with that name. */
static struct http_page *page(const char *name)
{
    for (int i = 0; i < server.n_pages; i++)
        if (strstr(server.page[i].path, name))
            return &server.page[i];
    fail();
    return NULL;
}

static void what_is_not_what_the_hub_says_is_refused(void **state)
{
    (void)state;
    char *dir = NULL, other[sizeof weights + 1];

    usual_hub();
    memcpy(other, weights, sizeof weights);
    other[77] ^= 1;
    page("model.safetensors")->body = other;
    check_fails(SIMLM_E_FORMAT, "its hash is",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    assert_false(left_incomplete());
    page("model.safetensors")->n = sizeof other;
    check_fails(SIMLM_E_FORMAT, "longer than the 5000 bytes",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    page("model.safetensors")->n = 4000;
    check_fails(SIMLM_E_IO, "of 5000 bytes",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    assert_false(
        sl_file_exists(test_path("cache/models--org--name/refs/main")));
    http_server_stop(&server);
}

static void refusals_say_why(void **state)
{
    (void)state;
    char *dir = NULL;

    usual_hub();
    check_fails(SIMLM_E_IO, "404 (no such model or file)",
                sl_hub_fetch(&dir, "org/other", NULL, &err));
    check_fails(SIMLM_E_IO, "'org/other' is no directory here, and no model",
                sl_hub_fetch(&dir, "org/other", NULL, &err));
    page("revision")->status = 401;
    check_fails(SIMLM_E_IO, "HF_TOKEN",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    http_server_stop(&server);
    check_fails(SIMLM_E_IO, "cannot get",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    setenv("HF_HUB_OFFLINE", "1", 1);
    check_fails(SIMLM_E_IO, "HF_HUB_OFFLINE is set",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
}

/* A redirection to another host, as to the store of large files. */
static void the_token_goes_to_the_hub_alone(void **state)
{
    (void)state;
    char url[64];

    usual_hub();
    setenv("HF_TOKEN", "hf_secret", 1);
    snprintf(url, sizeof url, "http://localhost:%d/store", server.port);
    *page("model.safetensors") = (struct http_page){
        .path = FILE_PATH("model.safetensors"), .status = 302, .location = url};
    add_page("/store", weights, sizeof weights);
    fetch_usual();
    assert_non_null(strstr(server.log, "config.json token\n"));
    assert_non_null(strstr(server.log, "/store\n"));
    http_server_stop(&server);
}

static void answers_that_lie_do_no_harm(void **state)
{
    (void)state;
    static const struct {
        const char *answer, *says;
    } bad[] = {
        {"", ""},
        {"[]", "sha"},
        {"{\"sha\":\"../../evil\",\"siblings\":[]}", "a commit"},
        {"{\"sha\":\"" COMMIT "\"}", "siblings"},
        {"{\"sha\":\"" COMMIT "\",\"siblings\":[1]}", "rfilename"},
        {"{\"sha\":\"" COMMIT "\",\"siblings\":[{\"rfilename\":\"config.json\","
         "\"size\":2,\"blobId\":\"../../../evil\"}]}",
         "a hash"},
        {"{\"sha\":\"" COMMIT "\",\"siblings\":[{\"rfilename\":\"config.json\","
         "\"size\":-2,\"blobId\":\"" COMMIT "\"}]}",
         "size"},
        {"{\"sha\":\"" COMMIT "\",\"siblings\":[{\"rfilename\":\"model-/../../"
         "evil.safetensors\",\"size\":2,\"blobId\":\"" COMMIT "\"}]}",
         "no model.safetensors"},
    };
    char *dir = NULL;

    begin_hub();
    end_api();
    for (size_t i = 0; i < SL_LEN(bad); i++) {
        page("revision")->body = bad[i].answer;
        page("revision")->n = strlen(bad[i].answer);
        check_fails(SIMLM_E_FORMAT, bad[i].says,
                    sl_hub_fetch(&dir, "org/name", NULL, &err));
    }
    assert_false(sl_file_exists(test_path("evil")));
    http_server_stop(&server);
}

/* A model in two pieces; its index says `map`. */
static void hub_of_pieces(const char *map)
{
    begin_hub();
    add_file(FILE_PATH("config.json"), "{}", 2, false);
    add_file(FILE_PATH("tokenizer.json"), "{}", 2, false);
    add_file(FILE_PATH("pytorch_model.bin.index.json"), map, strlen(map),
             false);
    add_file(FILE_PATH("pytorch_model-1.bin"), "one", 3, true);
    add_file(FILE_PATH("pytorch_model-2.bin"), "two", 3, true);
    add_file(FILE_PATH("pytorch_model-3.bin"), "of another", 10, true);
    end_api();
}

#define PIECES                                                                 \
    "{\"weight_map\":{\"a\":\"pytorch_model-1.bin\","                          \
    "\"b\":\"pytorch_model-2.bin\",\"c\":\"pytorch_model-1.bin\"}}"

static void a_model_in_pieces_is_fetched_whole(void **state)
{
    (void)state;
    char *dir = NULL;

    hub_of_pieces(PIECES);
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    check_file(dir, "pytorch_model-1.bin", "one", 3);
    check_file(dir, "pytorch_model-2.bin", "two", 3);
    check_file(dir, "pytorch_model.bin.index.json", PIECES, sizeof PIECES - 1);
    assert_null(strstr(server.log, "pytorch_model-3.bin"));
    sl_free(dir);
    http_server_stop(&server);
}

static void pieces_are_plain_names_that_the_hub_has(void **state)
{
    (void)state;
    static const struct {
        const char *map, *says;
    } bad[] = {
        {"{}", "weight_map"},
        {"{\"weight_map\":{\"a\":1}}", "a plain name"},
        {"{\"weight_map\":{\"a\":\"../config.json\"}}", "a plain name"},
        {"{\"weight_map\":{\"a\":\"..\"}}", "a plain name"},
        {"{\"weight_map\":{\"a\":\"x%2e.bin\"}}", "a plain name"},
        {"{\"weight_map\":{\"a\":\"pytorch_model-4.bin\"}}",
         "no pytorch_model-4.bin"},
    };
    char *dir = NULL;

    for (size_t i = 0; i < SL_LEN(bad); i++) {
        hub_of_pieces(bad[i].map);
        check_fails(SIMLM_E_FORMAT, bad[i].says,
                    sl_hub_fetch(&dir, "org/name", NULL, &err));
        http_server_stop(&server);
    }
}

/* As other tools leave it if they are stopped: refs/main comes first. */
static void what_others_have_half_fetched_is_fetched(void **state)
{
    (void)state;
    char *dir = NULL;

    hub_of_pieces(PIECES);
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    sl_free(dir);
    assert_int_equal(
        unlink(test_path("cache/models--org--name/snapshots/" COMMIT
                         "/pytorch_model-2.bin")),
        0);
    setenv("HF_HUB_OFFLINE", "TRUE", 1);
    check_fails(SIMLM_E_IO, "HF_HUB_OFFLINE is set",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    setenv("HF_HUB_OFFLINE", "false", 1);
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    check_file(dir, "pytorch_model-2.bin", "two", 3);
    sl_free(dir);
    http_server_stop(&server);
}

/* ---- two encoders -------------------------------------------------------- */

static void begin_pair(void)
{
    begin_hub();
    add_file(FILE_PATH("modules.json"), "[]", 2, false);
    add_file(FILE_PATH("vocab.txt"), "[PAD]\n", 6, false);
}

static void two_encoders_are_fetched_from_their_folders(void **state)
{
    (void)state;
    char *dir = NULL;

    begin_pair();
    add_file(FILE_PATH("query_model/config.json"), "{}", 2, false);
    add_file(FILE_PATH("query_model/model.safetensors"), "query", 5, true);
    add_file(FILE_PATH("passage_model/config.json"), "{}", 2, false);
    add_file(FILE_PATH("passage_model/model.safetensors"), "passage", 7, true);
    add_file(FILE_PATH("checkpoint-1/model.safetensors"), "older", 5, true);
    end_api();
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    check_file(dir, "query_model/model.safetensors", "query", 5);
    check_file(dir, "passage_model/model.safetensors", "passage", 7);
    assert_null(strstr(server.log, "checkpoint-1"));
    sl_free(dir);

    /* A whole one needs no network, half a one is none. */
    setenv("HF_HUB_OFFLINE", "1", 1);
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    sl_free(dir);
    assert_int_equal(
        unlink(test_path("cache/models--org--name/snapshots/" COMMIT
                         "/passage_model/model.safetensors")),
        0);
    check_fails(SIMLM_E_IO, "HF_HUB_OFFLINE is set",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    http_server_stop(&server);
}

#define TYPE(name) "\"sentence_transformers.models." name "\""

static void two_encoders_are_fetched_as_a_router_names_them(void **state)
{
    (void)state;
    static const char router[] =
        "{\"types\":{"
        "\"q_0\":" TYPE("Transformer") ","
                                       "\"q_1\":" TYPE(
                                           "Pooling") ","
                                                      "\"d_0\":" TYPE(
                                                          "Transformer") "}}";
    static const char evil[] = "{\"types\":{\"..\":" TYPE("Pooling") "}}";
    char *dir = NULL;

    begin_pair();
    add_file(FILE_PATH("router_config.json"), router, sizeof router - 1, false);
    add_file(FILE_PATH("q_0/config.json"), "{}", 2, false);
    add_file(FILE_PATH("q_0/model.safetensors"), "query", 5, true);
    add_file(FILE_PATH("q_1/config.json"), "{\"mode\":1}", 10, false);
    add_file(FILE_PATH("d_0/config.json"), "{}", 2, false);
    add_file(FILE_PATH("d_0/pytorch_model.bin"), "document", 8, true);
    end_api();
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    check_file(dir, "q_0/model.safetensors", "query", 5);
    check_file(dir, "q_1/config.json", "{\"mode\":1}", 10);
    check_file(dir, "d_0/pytorch_model.bin", "document", 8);
    sl_free(dir);
    setenv("HF_HUB_OFFLINE", "1", 1);
    check_ok(sl_hub_fetch(&dir, "org/name", NULL, &err));
    sl_free(dir);
    http_server_stop(&server);

    begin_pair();
    add_file(FILE_PATH("router_config.json"), evil, sizeof evil - 1, false);
    end_api();
    check_fails(SIMLM_E_FORMAT, "a plain name",
                sl_hub_fetch(&dir, "org/name", NULL, &err));
    http_server_stop(&server);
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
        cmocka_unit_test(hashes_are_those_of_git_and_sha256),
        cmocka_unit_test(names_are_told_from_paths),
        cmocka_unit_test(a_model_is_fetched_into_the_cache),
        cmocka_unit_test(a_broken_transfer_is_taken_up_again),
        cmocka_unit_test(a_later_call_takes_up_what_an_earlier_left),
        cmocka_unit_test(a_server_without_ranges_is_asked_from_the_beginning),
        cmocka_unit_test(a_range_that_the_server_has_not_is_given_up_once),
        cmocka_unit_test(a_busy_hub_is_asked_three_times),
        cmocka_unit_test(one_process_at_a_time_gets_a_file),
        cmocka_unit_test(a_file_stays_locked_while_it_is_hashed),
        cmocka_unit_test(a_fetch_can_be_cancelled),
        cmocka_unit_test(what_is_not_what_the_hub_says_is_refused),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(the_token_goes_to_the_hub_alone),
        cmocka_unit_test(answers_that_lie_do_no_harm),
        cmocka_unit_test(a_model_in_pieces_is_fetched_whole),
        cmocka_unit_test(pieces_are_plain_names_that_the_hub_has),
        cmocka_unit_test(what_others_have_half_fetched_is_fetched),
        cmocka_unit_test(two_encoders_are_fetched_from_their_folders),
        cmocka_unit_test(two_encoders_are_fetched_as_a_router_names_them),
    };
    return cmocka_run_group_tests(tests, NULL, clean);
}
