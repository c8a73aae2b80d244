#include "recipe_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <simlm/provenance.h>

#include "cli.h"
#include "commands.h"

enum { MAX_BYTES = 1 << 26 };

struct known_hash {
    const char *path;
    int64_t size, seconds, nanoseconds;
    uint64_t hash;
    struct known_hash *next;
};

/* ---- small files --------------------------------------------------------- */

static const char *path_of(struct state *s, const char *name)
{
    return pool_printf(s->pool, "%s/%s", s->folder, name);
}

static const char *path_of_stage(struct state *s, const struct stage *g,
                                 const char *kind)
{
    return pool_printf(s->pool, "%s/state/%s.%s", s->folder, g->name, kind);
}

/* The file's text, or NULL: it cannot be read. */
static const char *read_text(struct state *s, const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat info;
    char *text = NULL;
    size_t n;

    if (!f)
        return NULL;
    if (!fstat(fileno(f), &info) && S_ISREG(info.st_mode) &&
        info.st_size < MAX_BYTES) {
        n = (size_t)info.st_size;
        text = pool_take(s->pool, n + 1, 1);
        if (fread(text, 1, n, f) != n)
            text = NULL;
    }
    fclose(f);
    return text;
}

static simlm_status fail_errno(simlm_error *err, const char *what,
                               const char *path)
{
    snprintf(err->msg, sizeof err->msg, "cannot %s '%s': %s", what, path,
             strerror(errno));
    return err->code = SIMLM_E_IO;
}

/* Whole or absent; sync: on the disk, too, before this returns. */
static simlm_status write_text(struct state *s, const char *path,
                               const char *text, bool sync, simlm_error *err)
{
    const char *new = pool_printf(s->pool, "%s.new", path);
    FILE *f = fopen(new, "wb");
    bool ok =
        f && fputs(text, f) >= 0 && !fflush(f) && !(sync && fsync(fileno(f)));

    if (f && fclose(f))
        ok = false;
    if (ok && !rename(new, path))
        return SIMLM_OK;
    fail_errno(err, "write", path);
    unlink(new);
    return err->code;
}

simlm_status state_write(struct state *s, const char *name, const char *text,
                         simlm_error *err)
{
    const char *path = path_of(s, name), *old = read_text(s, path);

    return old && !strcmp(old, text) ? SIMLM_OK
                                     : write_text(s, path, text, true, err);
}

/* ---- hashes -------------------------------------------------------------- */

static void load_hashes(struct state *s)
{
    const char *text = read_text(s, path_of(s, "state/hashes"));

    while (text && *text) {
        struct known_hash h = {.next = s->known};
        size_t line = strcspn(text, "\n");
        int at = 0;

        if (sscanf(text, "%" SCNx64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %n",
                   &h.hash, &h.size, &h.seconds, &h.nanoseconds, &at) == 4 &&
            at > 0 && (size_t)at < line) {
            h.path = pool_text(s->pool, text + at, line - (size_t)at);
            s->known = POOL_NEW(s->pool, struct known_hash);
            *s->known = h;
        }
        text += line + (text[line] == '\n');
    }
}

static simlm_status save_hashes(struct state *s, simlm_error *err)
{
    struct pool_writer w;
    FILE *f;

    if (!s->changed || !s->may_write)
        return SIMLM_OK;
    f = pool_write(&w);
    for (const struct known_hash *h = s->known; h; h = h->next)
        if (!strchr(h->path, '\n'))
            fprintf(f,
                    "%016" PRIx64 " %" PRId64 " %" PRId64 " %" PRId64 " %s\n",
                    h->hash, h->size, h->seconds, h->nanoseconds, h->path);
    s->changed = false;
    return write_text(s, path_of(s, "state/hashes"), pool_written(s->pool, &w),
                      false, err);
}

static simlm_status hash_file(uint64_t *hash, struct state *s, const char *path,
                              const struct stat *info, simlm_error *err)
{
    struct known_hash *h = s->known;
    simlm_status st;

    while (h && strcmp(h->path, path) != 0)
        h = h->next;
    if (!h) {
        h = POOL_NEW(s->pool, struct known_hash);
        *h = (struct known_hash){.path = path, .size = -1, .next = s->known};
        s->known = h;
    }
    if (h->size != info->st_size || h->seconds != info->st_mtim.tv_sec ||
        h->nanoseconds != info->st_mtim.tv_nsec) {
        st = simlm_file_hash(&h->hash, path, err);
        if (st < 0)
            return st;
        h->size = info->st_size;
        h->seconds = info->st_mtim.tv_sec;
        h->nanoseconds = info->st_mtim.tv_nsec;
        s->changed = true;
    }
    *hash = h->hash;
    return SIMLM_OK;
}

/* ---- what files hold, as lines ------------------------------------------- */

static int counts(const struct dirent *e)
{
    return *e->d_name != '.' && strcmp(e->d_name, "command.json") != 0 &&
           strcmp(e->d_name, "log.jsonl") != 0 &&
           strcmp(e->d_name, "README.md") != 0 &&
           strncmp(e->d_name, "checkpoint-", 11) != 0;
}

static simlm_status put_content(FILE *f, struct state *s, const char *mark,
                                const char *name, const char *path, int depth,
                                simlm_error *err);

static simlm_status put_dir(FILE *f, struct state *s, const char *mark,
                            const char *name, const char *path, int depth,
                            simlm_error *err)
{
    struct dirent **entry = NULL;
    int n = depth < 32 ? scandir(path, &entry, counts, alphasort) : 0;
    simlm_status st = SIMLM_OK;

    if (n < 0)
        return fail_errno(err, "read", path);
    for (int i = 0; i < n; i++) {
        const char *key = entry[i]->d_name;

        if (st == SIMLM_OK)
            st = put_content(
                f, s, mark, pool_printf(s->pool, "%s/%s", name, key),
                pool_printf(s->pool, "%s/%s", path, key), depth + 1, err);
        free(entry[i]);
    }
    free(entry);
    return st;
}

/* "<mark> <name> <hash>" of the file, or of each file in the directory. */
static simlm_status put_content(FILE *f, struct state *s, const char *mark,
                                const char *name, const char *path, int depth,
                                simlm_error *err)
{
    struct stat info;
    uint64_t hash;
    simlm_status st = SIMLM_OK;

    if (stat(path, &info))
        return fail_errno(err, "read", path);
    if (S_ISDIR(info.st_mode))
        return put_dir(f, s, mark, name, path, depth, err);
    if (S_ISREG(info.st_mode))
        st = hash_file(&hash, s, path, &info, err);
    if (st == SIMLM_OK && S_ISREG(info.st_mode))
        fprintf(f, "%s %s %016" PRIx64 "\n", mark, name, hash);
    return st;
}

simlm_status state_key(const char **key, struct state *s, const struct stage *g,
                       simlm_error *err)
{
    struct pool_writer w;
    FILE *f = pool_write(&w);
    simlm_status st = SIMLM_OK;

    fprintf(f, "%s\n%s", g->command->name, g->options);
    for (int i = 0; i < g->n_outputs; i++)
        fprintf(f, "-o %s\n", g->output[i] + strlen(s->folder) + 1);
    for (int i = 0; i < g->n_inputs && st == SIMLM_OK; i++)
        st = put_content(f, s, "<", pool_printf(s->pool, "%d", i + 1),
                         g->input[i], 0, err);
    *key = pool_written(s->pool, &w);
    if (st == SIMLM_OK)
        st = save_hashes(s, err);
    return st;
}

/* The key and, behind it, what the stage has left. */
static simlm_status whole_text(const char **text, struct state *s,
                               const struct stage *g, const char *key,
                               simlm_error *err)
{
    struct pool_writer w;
    FILE *f = pool_write(&w);
    simlm_status st = SIMLM_OK;

    fputs(key, f);
    for (int i = 0; i < g->n_outputs && st == SIMLM_OK; i++)
        st = put_content(f, s, ">", g->output[i] + strlen(s->folder) + 1,
                         g->output[i], 0, err);
    *text = pool_written(s->pool, &w);
    if (st == SIMLM_OK)
        st = save_hashes(s, err);
    return st;
}

/* ---- comparing them ------------------------------------------------------ */

static size_t line_length(const char *text)
{
    size_t n = strcspn(text, "\n");

    return n + (text[n] == '\n');
}

/* Has the text a line that begins with those n characters? */
static bool has_line(const char *text, const char *start, size_t n)
{
    for (; *text; text += line_length(text))
        if (!strncmp(text, start, n))
            return true;
    return false;
}

/* Does the line, an option at its default, name one that `old` knows not of?
 * So it is when a later version has a new one: what it does not ask for is as
 * it was. */
static bool is_new_default(const char *line, const char *defaults,
                           const char *old)
{
    return !strncmp(line, "--", 2) &&
           has_line(defaults, line, line_length(line)) &&
           !has_line(old, line, strcspn(line, " \n") + 1);
}

/* Behind lines of cards: earlier versions' texts have them. */
static const char *skip_cards(const char *text)
{
    static const char card[] = "/README.md ";
    size_t n = strcspn(text, "\n"), m = sizeof card - 1;

    while ((*text == '<' || *text == '>') && n > m + 16 &&
           !strncmp(text + n - m - 16, card, m)) {
        text += line_length(text);
        n = strcspn(text, "\n");
    }
    return text;
}

/* The first line of `now` that is not in its place in `old`, or NULL; *rest <-
 * what follows in `old` then. */
static const char *first_difference(const char **rest, const struct stage *g,
                                    const char *old, const char *now)
{
    for (const char *at = old;; now += line_length(now)) {
        *rest = at = skip_cards(at);
        if (!*now)
            return NULL;
        if (!strncmp(at, now, line_length(now)))
            at += line_length(now);
        else if (!is_new_default(now, g->defaults, old))
            return now;
    }
}

/* Is that in the file, and nothing else? */
static bool holds(struct state *s, const char *path, const struct stage *g,
                  const char *text)
{
    const char *old = read_text(s, path), *rest;

    return old && !first_difference(&rest, g, old, text) && !*rest;
}

/* ---- stages -------------------------------------------------------------- */

bool state_is_done(struct state *s, const struct stage *g, const char *key)
{
    const char *now;
    simlm_error ignored;

    return whole_text(&now, s, g, key, &ignored) == SIMLM_OK &&
           holds(s, path_of_stage(s, g, "done"), g, now);
}

bool state_is_begun(struct state *s, const struct stage *g, const char *key)
{
    return holds(s, path_of_stage(s, g, "begun"), g, key);
}

bool state_knows(struct state *s, const struct stage *g)
{
    return read_text(s, path_of_stage(s, g, "done")) ||
           read_text(s, path_of_stage(s, g, "begun"));
}

const char *state_reason(struct state *s, const struct stage *g,
                         const char *key)
{
    const char *old = read_text(s, path_of_stage(s, g, "done")), *rest;
    const char *new = old ? first_difference(&rest, g, old, key) : NULL;

    if (!new)
        return NULL;
    return *new == '<' ? g->input[strtol(new + 2, NULL, 10) - 1]
                       : pool_text(s->pool, new, strcspn(new, "\n"));
}

simlm_status state_begin(struct state *s, const struct stage *g,
                         const char *key, simlm_error *err)
{
    unlink(path_of_stage(s, g, "done"));
    if (!state_is_begun(s, g, key))
        unlink(path_of_stage(s, g, "time"));
    return write_text(s, path_of_stage(s, g, "begun"), key, true, err);
}

simlm_status state_finish(struct state *s, const struct stage *g,
                          const char *key, simlm_error *err)
{
    const char *text;
    simlm_status st = whole_text(&text, s, g, key, err);

    if (st == SIMLM_OK)
        st = write_text(s, path_of_stage(s, g, "done"), text, true, err);
    if (st == SIMLM_OK)
        unlink(path_of_stage(s, g, "begun"));
    return st;
}

bool state_times(void *ctx, const struct stage *g, double *seconds,
                 double *processor)
{
    struct state *s = ctx;
    const char *text = read_text(s, path_of_stage(s, g, "time"));

    return text && sscanf(text, "%lf %lf", seconds, processor) == 2;
}

simlm_status state_spend(struct state *s, const struct stage *g, double seconds,
                         double processor, simlm_error *err)
{
    double before = 0, processor_before = 0;

    state_times(s, g, &before, &processor_before);
    return write_text(s, path_of_stage(s, g, "time"),
                      pool_printf(s->pool, "%.3f %.3f\n", before + seconds,
                                  processor_before + processor),
                      false, err);
}

/* ---- the folder ---------------------------------------------------------- */

/* The directory and its parents. */
static simlm_status make_dir(struct state *s, const char *path,
                             simlm_error *err)
{
    char *part = pool_text(s->pool, path, strlen(path));

    for (char *p = part + 1; *p; p++)
        if (*p == '/') {
            *p = '\0';
            mkdir(part, 0777);
            *p = '/';
        }
    return mkdir(part, 0777) && errno != EEXIST ? fail_errno(err, "make", path)
                                                : SIMLM_OK;
}

/* Its descriptor, locked, or -1; wait: until it is free. */
static int lock_file(const char *path, bool wait)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0 || !fcntl(fd, wait ? F_SETLKW : F_SETLK, &whole))
        return fd;
    /* A file system without locks does without. */
    if (errno != EACCES && errno != EAGAIN)
        return fd;
    close(fd);
    errno = EAGAIN;
    return -1;
}

static simlm_status take_folder(struct state *s, simlm_error *err)
{
    const char *path = path_of(s, "state/lock");
    simlm_status st = make_dir(s, path_of(s, "state"), err);

    if (st == SIMLM_OK)
        st = make_dir(s, path_of(s, "measures"), err);
    if (st < 0)
        return st;
    s->lock = lock_file(path, false);
    if (s->lock >= 0)
        return SIMLM_OK;
    if (errno != EAGAIN)
        return fail_errno(err, "write", path);
    snprintf(err->msg, sizeof err->msg, "another run is at work in '%s'",
             s->folder);
    return err->code = SIMLM_E_ARG;
}

simlm_status state_open(struct state *s, struct pool *pool, const char *folder,
                        bool may_write, simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    *s = (struct state){
        .pool = pool, .folder = folder, .may_write = may_write, .lock = -1};
    if (may_write)
        st = take_folder(s, err);
    load_hashes(s);
    return st;
}

void state_close(struct state *s)
{
    if (s->lock >= 0)
        close(s->lock);
}

bool state_hold_work(const struct state *s)
{
    char path[4096];
    int fd;

    snprintf(path, sizeof path, "%s/state/working", s->folder);
    fd = lock_file(path, false);
    if (fd < 0 && errno == EAGAIN) {
        cli_error("waiting for what a run that was killed has left at work");
        fd = lock_file(path, true);
    }
    return fd >= 0;
}
