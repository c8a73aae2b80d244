#include "fake_hub.h"

#include <simlm/hub.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "check.h"

struct http_server server;
char api[8192];
char weights[5000];

/* ---- a hub --------------------------------------------------------------- */

void add_page(const char *path, const char *body, size_t n)
{
    assert_true(server.n_pages < 32);
    server.page[server.n_pages++] =
        (struct http_page){.path = path, .body = body, .n = n};
}

simlm_status digest_file(char hex[SL_DIGEST_HEX], enum sl_digest kind,
                         const char *path, simlm_error *e)
{
    int fd = open(path, O_RDONLY);
    simlm_status st;

    assert_true(fd >= 0);
    st = sl_digest_fd(hex, kind, fd, path, e);
    close(fd);
    return st;
}

/* A file of the model: in the API's list, and at its address.  `path` is
 * "/org/name/resolve/COMMIT/<name>". */
void add_file(const char *path, const char *body, size_t n, bool large)
{
    const char *name = strstr(path, COMMIT) + strlen(COMMIT) + 1;
    char hex[SL_DIGEST_HEX], entry[512];

    check_ok(digest_file(hex, large ? SL_DIGEST_SHA256 : SL_DIGEST_GIT,
                         test_bytes("hashed", body, n), &err));
    if (large)
        snprintf(entry, sizeof entry,
                 ",{\"rfilename\":\"%s\",\"size\":%zu,\"blobId\":\"x\",\"lfs\":"
                 "{\"sha256\":\"%s\",\"size\":%zu}}",
                 name, n, hex, n);
    else
        snprintf(entry, sizeof entry,
                 ",{\"rfilename\":\"%s\",\"size\":%zu,\"blobId\":\"%s\"}", name,
                 n, hex);
    assert_true(strlen(api) + strlen(entry) < sizeof api);
    strcat(api, entry);
    add_page(path, body, n);
}

void begin_hub(void)
{
    char url[64];

    server = (struct http_server){0};
    http_server_start(&server);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", server.port);
    setenv("HF_ENDPOINT", url, 1);
    setenv("HF_HUB_CACHE", test_path("cache"), 1);
    setenv("HF_TOKEN_PATH", test_path("no token"), 1);
    unsetenv("HF_TOKEN");
    unsetenv("HF_HUB_OFFLINE");
    check_ok(sl_dir_remove(test_path("cache"), &err));
    snprintf(api, sizeof api,
             "{\"sha\":\"" COMMIT "\",\"siblings\":["
             "{\"rfilename\":\"README.md\",\"size\":1,\"blobId\":\"" COMMIT
             "\"}");
}

void end_api(void)
{
    strcat(api, "]}");
    add_page("/api/models/org/name/revision/main?blobs=true", api, strlen(api));
}

/* A model of the usual files. */
void usual_hub(void)
{
    begin_hub();
    for (size_t i = 0; i < sizeof weights; i++)
        weights[i] = (char)(i * i / 7);
    add_file(FILE_PATH("config.json"), "{}", 2, false);
    add_file(FILE_PATH("vocab.txt"), "[PAD]\n", 6, false);
    add_file(FILE_PATH("1_Pooling/config.json"), "{\"a\":1}", 7, false);
    add_file(FILE_PATH("model.safetensors"), weights, sizeof weights, true);
    end_api();
}

/* ---- what came ----------------------------------------------------------- */

void check_file(const char *dir, const char *name, const char *want, size_t n)
{
    char *path = sl_path_join(dir, name), *got = NULL;
    size_t len;

    check_ok(sl_file_read(&got, &len, path, 1 << 20, &err));
    assert_int_equal(len, n);
    assert_memory_equal(got, want, n);
    sl_free(got);
    sl_free(path);
}

void check_usual(const char *dir)
{
    check_file(dir, "config.json", "{}", 2);
    check_file(dir, "1_Pooling/config.json", "{\"a\":1}", 7);
    check_file(dir, "model.safetensors", weights, sizeof weights);
}

/* As a program does: through the public header. */
void fetch_usual(void)
{
    char dir[4096];

    check_ok(simlm_hub_fetch(dir, sizeof dir, "org/name", NULL, &err));
    check_usual(dir);
}
