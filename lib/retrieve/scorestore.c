#include "retrieve/scorestore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/observe.h"
#include "base/str.h"
#include "comm/comm.h"

struct head {
    char magic[8];
    uint64_t key;
};

struct saving {
    int64_t n;
    uint64_t hash;
};

/* ---- the file ------------------------------------------------------------ */

/* Is it a file, or, to be written, no thing yet? */
static bool is_plain(const char *path, bool to_write)
{
    struct stat info;

    return stat(path, &info) ? to_write && strcmp(path, "-") != 0
                             : S_ISREG(info.st_mode);
}

static simlm_status make_key(uint64_t *key, const struct sl_retriever *r,
                             const char *const *file, int64_t n,
                             const char *rest, simlm_error *err)
{
    struct sl_str s = {0};
    uint64_t hash;

    SL_TRY(sl_retriever_hash(r, &hash, err));
    sl_str_printf(&s, "1|%016" PRIx64 "|%s|%s", hash, r->be->name, rest);
    for (int64_t i = 0; i < n; i++) {
        simlm_status st = sl_hash64_file(&hash, file[i], err);

        if (st < 0) {
            sl_str_free(&s);
            return st;
        }
        sl_str_printf(&s, "|%016" PRIx64, hash);
    }
    if (!sl_str_ok(&s)) {
        sl_str_free(&s);
        return sl_fail_nomem(err, "what scores depend on");
    }
    *key = sl_hash64(s.s, s.len, 0);
    sl_str_free(&s);
    return SIMLM_OK;
}

/* One job at a time; the lock goes with the process, however that ends. */
static simlm_status lock(const struct sl_scorestore *s, const char *output,
                         simlm_error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(s->fd, F_SETLK, &whole) && (errno == EACCES || errno == EAGAIN))
        return sl_fail(err, SIMLM_E_ARG, "another process is at work for '%s'",
                       output);
    return SIMLM_OK; /* a file system without locks does without */
}

/* Of another key, or of none: it begins anew. */
static simlm_status begin(struct sl_scorestore *s, uint64_t key,
                          simlm_error *err)
{
    struct head want = {"simlmSC1", key}, there;

    s->at = sizeof want;
    if (sl_read_at(s->fd, &there, sizeof there, 0) &&
        !memcmp(&there, &want, sizeof want))
        return SIMLM_OK;
    return ftruncate(s->fd, 0) || !sl_write_at(s->fd, &want, sizeof want, 0)
               ? sl_fail_errno(err, "write", s->path)
               : SIMLM_OK;
}

static simlm_status open_file(struct sl_scorestore *s, const char *output,
                              uint64_t key, simlm_error *err)
{
    struct sl_str path = {0};
    simlm_status st;

    sl_str_printf(&path, "%s.scores", output);
    if (!sl_str_ok(&path)) {
        sl_str_free(&path);
        return sl_fail_nomem(err, "a file's name");
    }
    s->path = path.s;
    s->fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (s->fd < 0)
        return sl_fail_errno(err, "write", s->path);
    st = lock(s, output, err);
    if (st < 0) { /* the file is the other's */
        close(s->fd);
        s->fd = -1;
    }
    return st < 0 ? st : begin(s, key, err);
}

simlm_status sl_scorestore_open(struct sl_scorestore *s, const char *output,
                                const struct sl_retriever *r,
                                const char *const *file, int64_t n,
                                const char *rest, simlm_error *err)
{
    bool plain = is_plain(output, true);
    uint64_t key = 0;
    simlm_status st;

    *s = (struct sl_scorestore)SL_SCORESTORE_NONE;
    for (int64_t i = 0; i < n; i++)
        plain = plain && is_plain(file[i], false);
    if (plain)
        SL_TRY(make_key(&key, r, file, n, rest, err));
    SL_TRY(sl_comm_same_job(key, r->be->name, err));
    if (!plain || !sl_comm_first())
        return SIMLM_OK;
    st = open_file(s, output, key, err);
    if (st < 0)
        sl_scorestore_close(s, true);
    return st;
}

/* Are the next n scores there?  If not, nothing behind this place is of use. */
static bool read_next(struct sl_scorestore *s, float *score, int64_t n)
{
    size_t bytes = (size_t)n * sizeof *score;
    struct saving next;

    if (s->fd < 0 || s->began || !n ||
        !sl_read_at(s->fd, &next, sizeof next, s->at) || next.n != n ||
        !sl_read_at(s->fd, score, bytes, s->at + (int64_t)sizeof next) ||
        next.hash != sl_hash64(score, bytes, 0))
        return false;
    s->at += (int64_t)(sizeof next + bytes);
    return true;
}

static simlm_status save(struct sl_scorestore *s, const float *score, int64_t n,
                         simlm_error *err)
{
    size_t bytes = (size_t)n * sizeof *score;
    struct saving next = {n, sl_hash64(score, bytes, 0)};
    int64_t at = s->at + (int64_t)sizeof next;

    if (s->fd < 0)
        return SIMLM_OK;
    if (!sl_write_at(s->fd, &next, sizeof next, s->at) ||
        !sl_write_at(s->fd, score, bytes, at) || fsync(s->fd))
        return sl_fail_errno(err, "write", s->path);
    s->at = at + (int64_t)bytes;
    return SIMLM_OK;
}

/* The first score that is computed: what was there is not this job's work. */
static simlm_status tell_begin(struct sl_scorestore *s, struct sl_meter *meter,
                               simlm_error *err)
{
    if (s->began)
        return SIMLM_OK;
    s->began = true;
    if (meter->done && sl_comm_first())
        sl_observe_message(
            meter->obs, SIMLM_INFO, "continuing after %lld of %lld %s",
            (long long)meter->done, (long long)meter->total, meter->unit);
    return sl_meter_tell(meter, 0, err);
}

simlm_status sl_scorestore_run(struct sl_scorestore *s,
                               struct sl_scorer *scorer, float *score,
                               const struct sl_pair *pair, int64_t n,
                               struct sl_meter *meter, simlm_error *err)
{
    bool there = read_next(s, score, n);

    sl_comm_broadcast(&there, sizeof there);
    if (there) {
        meter->done += n;
        return SIMLM_OK;
    }
    SL_TRY(tell_begin(s, meter, err));
    SL_TRY(sl_scorer_run_shares(scorer, score, pair, n, meter, err));
    return save(s, score, n, err);
}

void sl_scorestore_close(struct sl_scorestore *s, bool over)
{
    if (s->fd >= 0) {
        if (over || s->at <= (int64_t)sizeof(struct head))
            unlink(s->path);
        close(s->fd);
    }
    sl_free(s->path);
    *s = (struct sl_scorestore)SL_SCORESTORE_NONE;
}
