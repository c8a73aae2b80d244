#include "format/tfevents.h"

#include <dirent.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"

/* ---- protocol buffers, as much as is needed ------------------------------ */

enum wire { VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5 };

static void put_varint(struct sl_str *s, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        sl_str_putc(s, (char)((x & 0x7f) | 0x80));
    sl_str_putc(s, (char)x);
}

static void put_little_endian(struct sl_str *s, uint64_t x, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        sl_str_putc(s, (char)(x >> 8 * i & 0xff));
}

static void put_key(struct sl_str *s, int field, enum wire wire)
{
    put_varint(s, (uint64_t)field << 3 | wire);
}

static void put_bytes(struct sl_str *s, int field, const char *bytes, size_t n)
{
    put_key(s, field, LENGTH);
    put_varint(s, n);
    sl_str_add(s, bytes, n);
}

static void put_double(struct sl_str *s, int field, double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    put_key(s, field, EIGHT_BYTES);
    put_little_endian(s, bits, 8);
}

static void put_float(struct sl_str *s, int field, float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    put_key(s, field, FOUR_BYTES);
    put_little_endian(s, bits, 4);
}

/* ---- records ------------------------------------------------------------- */

static void begin_event(struct sl_str *event, double now, int64_t step)
{
    put_double(event, 1, now);
    if (step) {
        put_key(event, 2, VARINT);
        put_varint(event, (uint64_t)step);
    }
}

static void put_crc(struct sl_str *s, const char *bytes, size_t n)
{
    uint32_t c = sl_crc32c(bytes, n);

    put_little_endian(s, (c >> 15 | c << 17) + 0xa282ead8u, 4);
}

/* Write the event, which is freed, and have the system take it. */
static simlm_status write_event(struct sl_tfevents *e, struct sl_str *event,
                                simlm_error *err)
{
    struct sl_str record = {0};
    simlm_status st = SIMLM_OK;

    put_little_endian(&record, event->len, 8);
    put_crc(&record, record.s, record.len);
    sl_str_add(&record, event->s, event->len);
    put_crc(&record, event->s, event->len);
    if (!sl_str_ok(event) || !sl_str_ok(&record))
        st = sl_fail_nomem(err, "an event");
    else if (fwrite(record.s, 1, record.len, e->f) != record.len ||
             fflush(e->f))
        st = sl_fail_errno(err, "write", e->path);
    sl_str_free(&record);
    sl_str_free(event);
    return st;
}

simlm_status sl_tfevents_start(struct sl_tfevents *e, double now, int64_t step,
                               simlm_error *err)
{
    static const char start[] = {1 << 3 | VARINT, 1};
    struct sl_str event = {0};

    begin_event(&event, now, step);
    put_bytes(&event, 7, start, sizeof start);
    return write_event(e, &event, err);
}

simlm_status sl_tfevents_add(struct sl_tfevents *e, double now, int64_t step,
                             const struct sl_scalar *scalar, int64_t n,
                             simlm_error *err)
{
    struct sl_str event = {0}, summary = {0}, value = {0};
    bool ok;

    for (int64_t i = 0; i < n; i++) {
        sl_str_clear(&value);
        put_bytes(&value, 1, scalar[i].tag, strlen(scalar[i].tag));
        put_float(&value, 2, (float)scalar[i].value);
        put_bytes(&summary, 1, value.s, value.len);
    }
    begin_event(&event, now, step);
    put_bytes(&event, 5, sl_str_c(&summary), summary.len);
    ok = sl_str_ok(&value) && sl_str_ok(&summary);
    sl_str_free(&value);
    sl_str_free(&summary);
    if (ok)
        return write_event(e, &event, err);
    sl_str_free(&event);
    return sl_fail_nomem(err, "an event");
}

/* ---- files --------------------------------------------------------------- */

static const char PREFIX[] = "events.out.tfevents.";

/* *seconds <- a number larger than those in the names that are there. */
static simlm_status name_behind(int64_t *seconds, const char *dir,
                                simlm_error *err)
{
    const struct dirent *e;
    DIR *d = opendir(dir);

    if (!d)
        return sl_fail_errno(err, "open", dir);
    while ((e = readdir(d))) {
        int64_t there;

        if (!strncmp(e->d_name, PREFIX, sizeof PREFIX - 1) &&
            sscanf(e->d_name + sizeof PREFIX - 1, "%10" SCNd64, &there) == 1 &&
            *seconds <= there)
            *seconds = there + 1;
    }
    closedir(d);
    return SIMLM_OK;
}

simlm_status sl_tfevents_open(struct sl_tfevents *e, const char *dir,
                              double now, simlm_error *err)
{
    static const char version[] = "brain.Event:2";
    struct sl_str path = {0}, event = {0};
    int64_t seconds = (int64_t)now;
    simlm_status st;

    *e = (struct sl_tfevents){0};
    SL_TRY(name_behind(&seconds, dir, err));
    sl_str_printf(&path, "%s/%s%010" PRId64 ".simlm", dir, PREFIX, seconds);
    if (!sl_str_ok(&path)) {
        sl_str_free(&path);
        return sl_fail_nomem(err, "a file's name");
    }
    e->path = path.s;
    e->f = fopen(e->path, "wbx");
    if (e->f) {
        begin_event(&event, now, 0);
        put_bytes(&event, 3, version, sizeof version - 1);
        st = write_event(e, &event, err);
    } else {
        st = sl_fail_errno(err, "write", e->path);
    }
    if (st < 0)
        sl_tfevents_close(e, NULL);
    return st;
}

simlm_status sl_tfevents_close(struct sl_tfevents *e, simlm_error *err)
{
    simlm_status st = SIMLM_OK;

    if (e->f && fclose(e->f))
        st = sl_fail_errno(err, "write", e->path);
    sl_free(e->path);
    *e = (struct sl_tfevents){0};
    return st;
}
