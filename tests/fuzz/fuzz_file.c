#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[64];

static void remove_dir(void)
{
    char path[96];
    static const char *const names[] = {
        "input",      "config.json",       "tokenizer.json",
        "vocab.txt",  "model.safetensors", "simlm.json",
        "bm25.index", "pytorch_model.bin"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

const char *fuzz_dir(const char *name, const uint8_t *data, size_t n)
{
    char path[128];
    FILE *f;

    if (!*dir) {
        /* Memory if there is such a place: thousands of files are written. */
        snprintf(dir, sizeof dir, "%s/simlm-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
        if (!mkdtemp(dir))
            abort();
        atexit(remove_dir);
    }
    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f))
        abort();
    return dir;
}

const char *fuzz_file(const uint8_t *data, size_t n)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/input", fuzz_dir("input", data, n));
    return path;
}
