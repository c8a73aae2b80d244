#include "train/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/observe.h"
#include "comm/comm.h"
#include "format/json.h"
#include "train/checkpoint.h"

static const char MANIFEST[] = "train.json", LOG[] = "log.jsonl",
                  CACHE[] = "token-cache", ASIDE[] = ".model", LOCK[] = ".lock";

/* What overwriting removes besides checkpoints and cache. */
static const char *const made_files[] = {
    MANIFEST,
    LOG,
    "command.json",
    "config.json",
    "model.safetensors",
    "decoder.safetensors",
    "router_config.json",
};

static const char *const made_dirs[] = {"query_model", "passage_model",
                                        "2_Dense"};

/* ---- paths --------------------------------------------------------------- */

static simlm_status remove_file(const struct sl_rundir *r, const char *name,
                                simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    char *path = sl_path_join(r->path, name);

    if (!path)
        return sl_fail_nomem(err, "a file's name");
    if (unlink(path) && errno != ENOENT)
        st = sl_fail_errno(err, "remove", path);
    sl_free(path);
    return st;
}

static simlm_status remove_dir(const struct sl_rundir *r, const char *name,
                               simlm_error *err)
{
    char *path = sl_path_join(r->path, name);
    simlm_status st = path ? sl_dir_remove(path, err)
                           : sl_fail_nomem(err, "a directory's name");

    sl_free(path);
    return st;
}

/* What a run that is over needs no more. */
static simlm_status tidy(const struct sl_rundir *r, simlm_error *err)
{
    SL_TRY(remove_dir(r, CACHE, err));
    SL_TRY(remove_dir(r, ASIDE, err));
    return sl_checkpoint_prune(r->path, 0, INT64_MAX, err);
}

/* All that a run has made but the token cache, which serves the next, too. */
static simlm_status clear(const struct sl_rundir *r, simlm_error *err)
{
    for (size_t i = 0; i < SL_LEN(made_files); i++)
        SL_TRY(remove_file(r, made_files[i], err));
    for (size_t i = 0; i < SL_LEN(made_dirs); i++)
        SL_TRY(remove_dir(r, made_dirs[i], err));
    SL_TRY(remove_dir(r, ASIDE, err));
    return sl_checkpoint_clear(r->path, err);
}

/* Is it something of ours that a killed run was writing, or removing? */
static bool is_leftover(const char *name)
{
    return strstr(name, ".tmp.") &&
           (!strncmp(name, "checkpoint-", 11) || !strncmp(name, "best.", 5) ||
            !strncmp(name, MANIFEST, strlen(MANIFEST)));
}

/* Of those an earlier run left; nobody else writes here now. */
static simlm_status remove_leftovers(const struct sl_rundir *r,
                                     simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    const struct dirent *e;
    DIR *d = opendir(r->path);

    if (!d)
        return sl_fail_errno(err, "open", r->path);
    while (st == SIMLM_OK && (e = readdir(d)))
        if (is_leftover(e->d_name))
            st = !strncmp(e->d_name, "checkpoint-", 11)
                     ? remove_dir(r, e->d_name, err)
                     : remove_file(r, e->d_name, err);
    closedir(d);
    return st;
}

/* *name <- some file of the directory, or "" if there is none; a run's own
 * that mean nothing do not count. */
static simlm_status first_file(char *name, size_t size, const char *path,
                               simlm_error *err)
{
    const struct dirent *e;
    DIR *d = opendir(path);

    *name = '\0';
    if (!d)
        return sl_fail_errno(err, "open", path);
    while (!*name && (e = readdir(d)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
            strcmp(e->d_name, LOCK) && !is_leftover(e->d_name))
            snprintf(name, size, "%s", e->d_name);
    closedir(d);
    return SIMLM_OK;
}

/* ---- train.json ---------------------------------------------------------- */

simlm_status sl_rundir_describe(const struct sl_rundir *r, const char *dir,
                                const char *rest, simlm_error *err)
{
    struct sl_str s = {0};
    char *path = sl_path_join(dir, MANIFEST);
    simlm_status st;

    sl_str_printf(&s, "{\"identity\": %s,\n \"settings\": %s,\n %s}\n",
                  r->identity, r->settings, rest);
    st = path && sl_str_ok(&s) ? sl_file_write(path, s.s, s.len, err)
                               : sl_fail_nomem(err, "a run's description");
    sl_free(path);
    sl_str_free(&s);
    return st;
}

static simlm_status write_manifest(const struct sl_rundir *r, bool finished,
                                   simlm_error *err)
{
    return sl_rundir_describe(
        r, r->path, finished ? "\"finished\": true" : "\"finished\": false",
        err);
}

/* A value as text, for comparing and for messages. */
static void print_value(struct sl_str *s, struct sl_json v)
{
    struct sl_json_writer w = {.s = s};

    sl_str_clear(s);
    if (sl_json_kind(v) == SL_JSON_ABSENT)
        sl_str_puts(s, "nothing");
    else
        sl_json_add_value(&w, NULL, v);
}

/* Is old's member `key` the same as now's?  If not, say so. */
static simlm_status compare_member(const char *path, const char *key,
                                   struct sl_json old, struct sl_json now,
                                   simlm_error *err)
{
    struct sl_str a = {0}, b = {0};
    simlm_status st = SIMLM_OK;

    print_value(&a, sl_json_field(old, key));
    print_value(&b, sl_json_field(now, key));
    if (!sl_str_ok(&a) || !sl_str_ok(&b))
        st = sl_fail_nomem(err, "comparing runs");
    else if (strcmp(sl_str_c(&a), sl_str_c(&b)))
        st = sl_fail(err, SIMLM_E_ARG,
                     "'%s' holds a run with %s = %.60s, not %.60s: choose "
                     "another directory, or overwrite it",
                     path, key, sl_str_c(&a), sl_str_c(&b));
    sl_str_free(&a);
    sl_str_free(&b);
    return st;
}

static simlm_status compare(const char *path, struct sl_json old,
                            struct sl_json now, simlm_error *err)
{
    struct sl_json_member m = {0};

    while (sl_json_next(now, &m))
        SL_TRY(compare_member(path, m.key, old, now, err));
    m = (struct sl_json_member){0};
    while (sl_json_next(old, &m))
        SL_TRY(compare_member(path, m.key, old, now, err));
    return SIMLM_OK;
}

/* The directory has a train.json: is it this run's, and is it over? */
static simlm_status check_manifest(struct sl_rundir *r, const char *manifest,
                                   simlm_error *err)
{
    struct sl_json_doc *old = NULL, *now = NULL;
    struct sl_json identity;
    simlm_status st = sl_json_load(&old, manifest, err);

    if (st == SIMLM_OK)
        st = sl_json_need(sl_json_root(old), "identity", SL_JSON_OBJECT,
                          &identity, err);
    if (st == SIMLM_OK)
        st =
            sl_json_need_bool(sl_json_root(old), "finished", &r->finished, err);
    if (st == SIMLM_OK)
        st = sl_json_parse(&now, r->identity, strlen(r->identity), "identity",
                           0, err);
    if (st == SIMLM_OK)
        st = compare(r->path, identity, sl_json_root(now), err);
    sl_json_free(old);
    sl_json_free(now);
    return st;
}

/* The directory exists: may this run use it? */
static simlm_status examine(struct sl_rundir *r, simlm_error *err)
{
    char *manifest = sl_path_join(r->path, MANIFEST);
    char name[256];
    simlm_status st;

    if (!manifest)
        return sl_fail_nomem(err, "a file's name");
    if (sl_file_exists(manifest)) {
        st = check_manifest(r, manifest, err);
        r->started = true;
    } else {
        st = first_file(name, sizeof name, r->path, err);
        if (st == SIMLM_OK && *name)
            st = sl_fail(err, SIMLM_E_ARG,
                         "'%s' exists and holds '%s', not a run: choose "
                         "another directory, or overwrite it",
                         r->path, name);
    }
    sl_free(manifest);
    return st;
}

/*
 * One run at a time.  The lock is the system's and goes with the process,
 * however that ends; the file is of no meaning without it.
 */
static simlm_status lock(struct sl_rundir *r, simlm_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    simlm_status st = SIMLM_OK;

    r->lock_path = sl_path_join(r->path, LOCK);
    if (!r->lock_path)
        return sl_fail_nomem(err, "a file's name");
    r->lock = open(r->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (r->lock < 0)
        st = sl_fail_errno(err, "write", r->lock_path);
    else if (fcntl(r->lock, F_SETLK, &whole) &&
             (errno == EACCES || errno == EAGAIN))
        st = sl_fail(err, SIMLM_E_ARG, "'%s': another run is writing here",
                     r->path); /* a file system without locks does without */
    if (st == SIMLM_OK)
        return remove_leftovers(r, err);
    if (r->lock >= 0)
        close(r->lock);
    r->lock = -1; /* its file is the other's */
    return st;
}

static simlm_status prepare(struct sl_rundir *r, bool overwrite,
                            simlm_error *err)
{
    if (!sl_file_exists(r->path)) {
        SL_TRY(sl_dir_make(r->path, err));
        r->made = true;
        SL_TRY(lock(r, err));
    } else if (!sl_dir_exists(r->path)) {
        return sl_fail(err, SIMLM_E_IO, "cannot write '%s': not a directory",
                       r->path);
    } else if (overwrite) {
        r->replaces = true;
        return lock(r, err);
    } else {
        SL_TRY(examine(r, err));
        SL_TRY(lock(r, err));
    }
    /* Tidying may be all that the run before did not get done. */
    return r->finished ? tidy(r, err) : write_manifest(r, false, err);
}

simlm_status sl_rundir_open(struct sl_rundir *r, const char *path,
                            const char *identity, const char *settings,
                            bool overwrite, const simlm_observer *observer,
                            simlm_error *err)
{
    simlm_status st;

    *r = (struct sl_rundir){.observer = observer, .lock = -1};
    r->path = sl_strdup(path);
    r->identity = sl_strdup(identity);
    r->settings = sl_strdup(settings);
    r->run = sl_hash64(identity, strlen(identity), 0);
    st = !r->path || !r->identity || !r->settings
             ? sl_fail_nomem(err, "a run's description")
         : sl_comm_first() ? prepare(r, overwrite, err)
                           : SIMLM_OK;
    if (st == SIMLM_OK)
        sl_comm_broadcast(&r->finished, sizeof r->finished);
    if (st < 0) {
        r->started = !r->made; /* what was there before is not ours to clear */
        sl_rundir_close(r);
    }
    return st;
}

simlm_status sl_rundir_begin(struct sl_rundir *r, simlm_error *err)
{
    if (r->replaces) {
        r->replaces = false;
        SL_TRY(clear(r, err));
        SL_TRY(write_manifest(r, false, err));
    }
    return sl_comm_wait_for_all(err);
}

/* A run that made no step leaves what it found. */
static void undo(const struct sl_rundir *r)
{
    remove_dir(r, CACHE, NULL);
    if (!r->replaces)
        clear(r, NULL);
}

void sl_rundir_close(struct sl_rundir *r)
{
    if (r->log)
        fclose(r->log);
    if (r->path && !r->started && !r->finished && sl_comm_first())
        undo(r);
    if (r->path && r->lock >= 0) {
        unlink(r->lock_path);
        close(r->lock);
        if (r->made && !r->started && !r->finished)
            rmdir(r->path);
    }
    sl_free(r->lock_path);
    sl_free(r->path);
    sl_free(r->identity);
    sl_free(r->settings);
    *r = (struct sl_rundir){0};
}

/* ---- the log ------------------------------------------------------------- */

simlm_status sl_rundir_log_open(struct sl_rundir *r, int64_t bytes,
                                simlm_error *err)
{
    simlm_status st = SIMLM_OK;
    char *path;

    if (!sl_comm_first())
        return SIMLM_OK;
    path = sl_path_join(r->path, LOG);
    if (!path)
        return sl_fail_nomem(err, "a log's name");
    r->log = fopen(path, "ab");
    if (!r->log || fseek(r->log, 0, SEEK_END))
        st = sl_fail_errno(err, "write", path);
    else if (ftell(r->log) > bytes && ftruncate(fileno(r->log), bytes))
        st = sl_fail_errno(err, "write", path);
    sl_free(path);
    return st;
}

int64_t sl_rundir_log_bytes(const struct sl_rundir *r)
{
    long at = r->log && !fflush(r->log) && !fseek(r->log, 0, SEEK_END)
                  ? ftell(r->log)
                  : 0;

    return at < 0 ? 0 : at;
}

static void write_log(struct sl_rundir *r, const char *json)
{
    if (!r->log)
        return;
    fprintf(r->log, "%s\n", json);
    fflush(r->log); /* a full disk shows at the next checkpoint */
}

void sl_rundir_record(struct sl_rundir *r, const char *json)
{
    write_log(r, json);
    sl_observe_record(r->observer, json);
}

void sl_rundir_say(struct sl_rundir *r, simlm_level level, const char *fmt, ...)
{
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s};
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    sl_observe_message(r->observer, level, "%s", line);
    sl_json_begin(&w, NULL, '{');
    sl_json_add_text(&w, "event",
                     level == SIMLM_WARNING ? "warning" : "message");
    sl_json_add_text(&w, "text", line);
    sl_json_end(&w);
    if (sl_str_ok(&s))
        write_log(r, sl_str_c(&s));
    sl_str_free(&s);
}

/* ---- the end ------------------------------------------------------------- */

static simlm_status move_one(const char *from_dir, const char *to_dir,
                             const char *name, simlm_error *err)
{
    char *from = sl_path_join(from_dir, name), *to = sl_path_join(to_dir, name);
    simlm_status st = SIMLM_OK;

    if (!from || !to)
        st = sl_fail_nomem(err, "a file's name");
    if (st == SIMLM_OK && sl_dir_exists(from))
        st = sl_dir_remove(to, err);
    if (st == SIMLM_OK && rename(from, to))
        st = sl_fail_errno(err, "write", to);
    sl_free(from);
    sl_free(to);
    return st;
}

/* Everything but config.json, then that: who sees it sees a whole model. */
static simlm_status move_model(const char *from, const char *to,
                               simlm_error *err)
{
    static const char last[] = "config.json";
    simlm_status st = SIMLM_OK;
    const struct dirent *e;
    DIR *d = opendir(from);

    if (!d)
        return sl_fail_errno(err, "open", from);
    while (st == SIMLM_OK && (e = readdir(d)))
        if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
            strcmp(e->d_name, last))
            st = move_one(from, to, e->d_name, err);
    closedir(d);
    if (st == SIMLM_OK)
        st = sl_dir_sync(to, err);
    if (st == SIMLM_OK)
        st = move_one(from, to, last, err);
    return st < 0 ? st : sl_dir_sync(to, err);
}

simlm_status sl_rundir_finish(struct sl_rundir *r, sl_rundir_save_fn *save,
                              void *self, simlm_error *err)
{
    char *aside;
    simlm_status st;

    if (!sl_comm_first())
        return SIMLM_OK;
    aside = sl_path_join(r->path, ASIDE);
    if (!aside)
        return sl_fail_nomem(err, "a directory's name");
    st = sl_dir_remove(aside, err);
    if (st == SIMLM_OK)
        st = sl_dir_make(aside, err);
    if (st == SIMLM_OK)
        st = save(self, aside, err);
    if (st == SIMLM_OK)
        st = move_model(aside, r->path, err);
    if (st == SIMLM_OK)
        st = write_manifest(r, true, err);
    if (st == SIMLM_OK)
        r->finished = true;
    if (st == SIMLM_OK)
        st = tidy(r, err);
    else
        sl_dir_remove(aside, NULL);
    sl_free(aside);
    return st;
}
