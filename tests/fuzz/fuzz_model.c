/*
 * A model directory from hostile bytes, through the public API: what opens can
 * encode.  The input is the files one after another, each behind a line
 * "--8<-- <name>"; names that a model does not have are left out.
 */
#include "fuzz.h"

#include <simlm/simlm.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/status.h"

static const char *const names[] = {"config.json", "tokenizer.json",
                                    "vocab.txt",   "model.safetensors",
                                    "simlm.json",  "pytorch_model.bin"};

static const char mark[] = "\n--8<-- ";

enum { MARK = sizeof mark - 1 };

/* Where the next mark is, or the end. */
static const uint8_t *next_mark(const uint8_t *p, const uint8_t *end)
{
    while (end - p >= MARK && memcmp(p, mark, MARK))
        p++;
    return end - p >= MARK ? p : end;
}

/* The bytes from p to end are a name, a line end and a file. */
static void write_one(const uint8_t *p, const uint8_t *end)
{
    for (size_t i = 0; i < SL_LEN(names); i++) {
        size_t n = strlen(names[i]);

        if ((size_t)(end - p) > n && !memcmp(p, names[i], n) && p[n] == '\n')
            fuzz_dir(names[i], p + n + 1, (size_t)(end - p) - n - 1);
    }
}

/* The private directory with these files and no others. */
static const char *write_all(const uint8_t *data, size_t n)
{
    const char *dir = fuzz_dir("input", data, 0);
    const uint8_t *end = data + n, *p = next_mark(data, end);

    for (size_t i = 0; i < SL_LEN(names); i++) {
        char path[160];

        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    while (p < end) {
        const uint8_t *next = next_mark(p + MARK, end);

        write_one(p + MARK, next);
        p = next;
    }
    return dir;
}

static void encode_with(const simlm_model *m)
{
    const simlm_text text = {.text = "a bb \xc3\xa9 c", .title = "b"};
    int32_t dim = simlm_model_dim(m);
    simlm_encoder *e = NULL;
    simlm_error err;
    float *vec = sl_alloc((size_t)dim, sizeof *vec);

    SL_ASSERT(vec && dim > 0);
    if (simlm_encoder_new(&e, m, 1, &err) == SIMLM_OK) {
        simlm_encoder_set_threads(e, 1);
        simlm_encode(e, SIMLM_PASSAGE, &text, 1, vec, &err);
    }
    simlm_encoder_free(e);
    sl_free(vec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    simlm_model *m = NULL;
    simlm_error err;

    if (simlm_model_open(&m, write_all(data, n), &err) == SIMLM_OK)
        encode_with(m);
    simlm_model_close(m);
    return 0;
}
