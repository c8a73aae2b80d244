#include "provenance/provenance.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <simlm/version.h>

#include "backend/backend.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "format/json.h"

static const char RECORD[] = "command.json";

/* ---- inputs -------------------------------------------------------------- */

static simlm_status add_hash(struct sl_json_writer *w, const char *key,
                             const char *path, simlm_error *err)
{
    uint64_t hash;
    char hex[17];

    SL_TRY(sl_hash64_file(&hash, path, err));
    snprintf(hex, sizeof hex, "%016" PRIx64, hash);
    sl_json_add_text(w, key, hex);
    return SIMLM_OK;
}

static simlm_status add_files(struct sl_json_writer *w, const char *dir,
                              const char *prefix, simlm_error *err);

/* A directory, and not by a link, which may lead back up. */
static bool is_real_dir(const char *path)
{
    struct stat info;

    return !lstat(path, &info) && S_ISDIR(info.st_mode);
}

/* One entry of a directory: a file's hash, a directory's files, or nothing. */
static simlm_status add_entry(struct sl_json_writer *w, const char *dir,
                              const char *prefix, const char *name,
                              simlm_error *err)
{
    struct sl_str path = {0}, key = {0};
    simlm_status st = SIMLM_OK;
    struct stat info;

    sl_str_printf(&path, "%s/%s", dir, name);
    sl_str_printf(&key, "%s%s", prefix, name);
    if (!sl_str_ok(&path) || !sl_str_ok(&key)) {
        st = sl_fail_nomem(err, "a file's name");
    } else if (!stat(path.s, &info)) {
        if (S_ISREG(info.st_mode))
            st = add_hash(w, key.s, path.s, err);
        if (is_real_dir(path.s)) {
            sl_str_putc(&key, '/');
            st = sl_str_ok(&key) ? add_files(w, path.s, key.s, err)
                                 : sl_fail_nomem(err, "a file's name");
        }
    }
    sl_str_free(&path);
    sl_str_free(&key);
    return st;
}

static int is_input(const struct dirent *e)
{
    return *e->d_name != '.' && strcmp(e->d_name, RECORD) != 0;
}

/* "<prefix><name>": hash of each file below dir, in the order of their names. */
static simlm_status add_files(struct sl_json_writer *w, const char *dir,
                              const char *prefix, simlm_error *err)
{
    struct dirent **entry = NULL;
    int n = scandir(dir, &entry, is_input, alphasort);
    simlm_status st = SIMLM_OK;

    if (n < 0)
        return sl_fail_errno(err, "read", dir);
    for (int i = 0; i < n; i++) {
        if (st == SIMLM_OK)
            st = add_entry(w, dir, prefix, entry[i]->d_name, err);
        free(entry[i]);
    }
    free(entry);
    return st;
}

static simlm_status add_input(struct sl_json_writer *w, const char *path,
                              simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    struct stat info = {0};
    bool there = strcmp(path, "-") != 0 && !stat(path, &info);

    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "path", path);
    if (there && S_ISREG(info.st_mode)) {
        sl_json_add_int(w, "bytes", (int64_t)info.st_size);
        st = add_hash(w, "xxh64", path, err);
    } else if (there && S_ISDIR(info.st_mode)) {
        sl_json_begin(w, "files", '{');
        st = add_files(w, path, "", err);
        sl_json_end(w);
    }
    sl_json_end(w);
    return st;
}

/* ---- the rest ------------------------------------------------------------ */

static simlm_status add_options(struct sl_json_writer *w, const char *options,
                                simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    simlm_status st = SIMLM_OK;

    if (!options)
        return SIMLM_OK;
    SL_TRY(sl_json_parse(&doc, options, strlen(options), "options", 0, err));
    if (sl_json_kind(sl_json_root(doc)) == SL_JSON_OBJECT)
        sl_json_add_value(w, "options", sl_json_root(doc));
    else
        st = sl_fail(err, SIMLM_E_ARG, "options: expected a JSON object");
    sl_json_free(doc);
    return st;
}

static simlm_status add_machine(struct sl_json_writer *w, int32_t threads,
                                simlm_error *err)
{
    struct sl_backend *be = NULL;

    SL_TRY(sl_backend_open_cpu(&be, SL_FP32, sl_cpu_from_env(), err));
    sl_parallel_set_threads(threads);
    sl_json_begin(w, "machine", '{');
    sl_json_add_text(w, "backend", be->name);
    sl_json_add_int(w, "threads", sl_parallel_threads());
    sl_json_end(w);
    sl_backend_close(be);
    return SIMLM_OK;
}

static void add_now(struct sl_json_writer *w)
{
    time_t now = time(NULL);
    char text[32];
    struct tm utc;

    if (gmtime_r(&now, &utc) &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc))
        sl_json_add_text(w, "finished", text);
}

static simlm_status describe(struct sl_json_writer *w,
                             const simlm_provenance *p, simlm_error *err)
{
    sl_json_begin(w, NULL, '{');
    sl_json_add_text(w, "command", p->command);
    sl_json_begin(w, "arguments", '[');
    for (int32_t i = 0; i < p->n_arguments; i++)
        sl_json_add_text(w, NULL, p->argument[i]);
    sl_json_end(w);
    SL_TRY(add_options(w, p->options, err));
    sl_json_begin(w, "inputs", '[');
    for (int32_t i = 0; i < p->n_inputs; i++)
        SL_TRY(add_input(w, p->inputs[i], err));
    sl_json_end(w);
    sl_json_add_text(w, "simlm", SIMLM_VERSION);
    SL_TRY(add_machine(w, p->threads, err));
    add_now(w);
    sl_json_add_real(w, "seconds", p->seconds);
    sl_json_end(w);
    sl_str_putc(w->s, '\n');
    return SIMLM_OK;
}

/* Where the record of `output` goes; NULL: nowhere, or out of memory. */
static char *record_path(const char *output, bool *wanted)
{
    struct sl_str s = {0};
    struct stat info;

    *wanted = strcmp(output, "-") != 0 && !stat(output, &info) &&
              (S_ISREG(info.st_mode) || S_ISDIR(info.st_mode));
    if (*wanted)
        sl_str_printf(&s, "%s%c%s", output, S_ISDIR(info.st_mode) ? '/' : '.',
                      RECORD);
    return s.s;
}

simlm_status sl_provenance_write(const char *output, const simlm_provenance *p,
                                 simlm_error *err)
{
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s, .indent = 2};
    simlm_status st = SIMLM_OK;
    bool wanted;
    char *path = record_path(output, &wanted);

    if (wanted && !path)
        st = sl_fail_nomem(err, "a file's name");
    else if (wanted && !(p->keep && sl_file_exists(path)))
        st = describe(&w, p, err);
    if (st == SIMLM_OK && !sl_str_ok(&s))
        st = sl_fail_nomem(err, "a record");
    if (st == SIMLM_OK && s.len)
        st = sl_file_write(path, s.s, s.len, err);
    sl_str_free(&s);
    sl_free(path);
    return st;
}
