#include "format/zip.h"

#include <string.h>

#include "base/alloc.h"
#include "base/strmap.h"

enum {
    END = 22,     /* bytes of the end of central directory */
    LOCATOR = 20, /* of the zip64 locator */
    END64 = 56,
    CENTRAL = 46, /* of an entry in the directory, without name and extras */
    LOCAL = 30,
    MAX_COMMENT = 65535,
    ZIP64_EXTRA = 1
};

struct entry {
    uint64_t size, packed, header; /* bytes, bytes stored, offset */
    unsigned method, flags;
    uint32_t crc;
};

struct sl_zip {
    const char *path; /* borrowed */
    struct sl_map map;
    struct entry *list;
    struct sl_strmap *names; /* in the order of list */
};

static uint64_t number(const unsigned char *p, int bytes)
{
    uint64_t x = 0;

    while (bytes--)
        x = x << 8 | p[bytes];
    return x;
}

#define U16(p) ((unsigned)number(p, 2))
#define U32(p) number(p, 4)
#define U64(p) number(p, 8)

static bool has_signature(struct sl_map m, uint64_t at, const char *two)
{
    return at <= m.n && m.n - at >= 4 && m.p[at] == 'P' && m.p[at + 1] == 'K' &&
           m.p[at + 2] == (unsigned char)two[0] &&
           m.p[at + 3] == (unsigned char)two[1];
}

bool sl_zip_is(struct sl_map map)
{
    return has_signature(map, 0, "\3\4");
}

/* ---- the directory ------------------------------------------------------- */

struct directory {
    uint64_t at, bytes, count;
};

static simlm_status fail(const char *path, const char *why, simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s: a zip file %s", path, why);
}

/* The last place where an end record fits and takes up the rest of the file. */
static bool find_end(struct sl_map m, uint64_t *end)
{
    uint64_t last = m.n >= END + MAX_COMMENT ? m.n - END - MAX_COMMENT : 0;

    if (m.n < END)
        return false;
    for (uint64_t at = m.n - END + 1; at-- > last;)
        if (has_signature(m, at, "\5\6") &&
            U16(m.p + at + 20) == m.n - at - END) {
            *end = at;
            return true;
        }
    return false;
}

static bool find_end64(struct sl_map m, uint64_t end, uint64_t *end64)
{
    if (end < LOCATOR || !has_signature(m, end - LOCATOR, "\6\7"))
        return false;
    *end64 = U64(m.p + end - LOCATOR + 8);
    return *end64 <= end && end - *end64 >= END64 &&
           has_signature(m, *end64, "\6\6");
}

static simlm_status find_directory(struct directory *d, struct sl_map m,
                                   const char *path, simlm_error *err)
{
    uint64_t end, end64;
    const unsigned char *p;

    if (!find_end(m, &end))
        return fail(path, "without a directory (cut short?)", err);
    if (find_end64(m, end, &end64)) {
        p = m.p + end64;
        *d = (struct directory){U64(p + 48), U64(p + 40), U64(p + 32)};
    } else {
        p = m.p + end;
        *d = (struct directory){U32(p + 16), U32(p + 12), U16(p + 10)};
    }
    if (d->at > end || d->bytes > end - d->at || d->count > d->bytes / CENTRAL)
        return fail(path, "whose directory lies outside it", err);
    return SIMLM_OK;
}

/* Numbers that are all ones stand in the zip64 extra, in this order. */
static bool read_zip64(struct entry *e, const unsigned char *extra, size_t n)
{
    uint64_t *const wide[] = {&e->size, &e->packed, &e->header};

    while (n >= 4 && U16(extra) != ZIP64_EXTRA) {
        size_t skip = 4 + (size_t)U16(extra + 2);

        if (skip > n)
            return false;
        extra += skip;
        n -= skip;
    }
    if (n < 4 || U16(extra + 2) > n - 4)
        return false;
    n = U16(extra + 2);
    extra += 4;
    for (size_t i = 0; i < SL_LEN(wide); i++) {
        if (*wide[i] != UINT32_MAX)
            continue;
        if (n < 8)
            return false;
        *wide[i] = U64(extra);
        extra += 8;
        n -= 8;
    }
    return true;
}

/* Entry i from p [n]; *used <- its length in the directory. */
static simlm_status read_entry(struct sl_zip *z, int64_t i,
                               const unsigned char *p, uint64_t n,
                               uint64_t *used, simlm_error *err)
{
    struct entry *e = &z->list[i];
    unsigned name, extra;
    bool added;

    if (n < CENTRAL || memcmp(p, "PK\1\2", 4))
        return fail(z->path, "whose directory is damaged", err);
    name = U16(p + 28);
    extra = U16(p + 30);
    *used = CENTRAL + (uint64_t)name + extra + U16(p + 32);
    if (*used > n)
        return fail(z->path, "whose directory is damaged", err);
    *e = (struct entry){U32(p + 24), U32(p + 20), U32(p + 42),
                        U16(p + 10), U16(p + 8),  (uint32_t)U32(p + 16)};
    if ((e->size == UINT32_MAX || e->packed == UINT32_MAX ||
         e->header == UINT32_MAX) &&
        !read_zip64(e, p + CENTRAL + name, extra))
        return fail(z->path, "whose zip64 numbers are missing", err);
    p += CENTRAL;
    if (memchr(p, '\0', name))
        return fail(z->path, "with a NUL in an entry's name", err);
    if (sl_strmap_add(z->names, (const char *)p, name, i, &added) < 0)
        return sl_fail_nomem(err, z->path);
    return added ? SIMLM_OK : fail(z->path, "with an entry twice", err);
}

static simlm_status read_directory(struct sl_zip *z, simlm_error *err)
{
    struct directory d = {0};
    uint64_t used = 0;

    SL_TRY(find_directory(&d, z->map, z->path, err));
    z->names = sl_strmap_new();
    z->list = SL_NEW_ARRAY(struct entry, d.count + 1);
    if (!z->names || !z->list)
        return sl_fail_nomem(err, z->path);
    for (uint64_t i = 0; i < d.count; i++) {
        SL_TRY(read_entry(z, (int64_t)i, z->map.p + d.at, d.bytes, &used, err));
        d.at += used;
        d.bytes -= used;
    }
    return SIMLM_OK;
}

simlm_status sl_zip_open(struct sl_zip **out, struct sl_map map,
                         const char *path, simlm_error *err)
{
    struct sl_zip *z = SL_NEW(struct sl_zip);
    simlm_status st;

    if (!z)
        return sl_fail_nomem(err, path);
    z->path = path;
    z->map = map;
    st = read_directory(z, err);
    if (st < 0)
        sl_zip_close(z);
    else
        *out = z;
    return st;
}

void sl_zip_close(struct sl_zip *z)
{
    if (!z)
        return;
    sl_strmap_free(z->names);
    sl_free(z->list);
    sl_free(z);
}

/* ---- entries ------------------------------------------------------------- */

int64_t sl_zip_count(const struct sl_zip *z)
{
    return sl_strmap_count(z->names);
}

const char *sl_zip_name(const struct sl_zip *z, int64_t i)
{
    return sl_strmap_key(z->names, i);
}

int64_t sl_zip_find(const struct sl_zip *z, const char *name)
{
    return sl_strmap_find(z->names, name, strlen(name));
}

static simlm_status fail_entry(const struct sl_zip *z, int64_t i,
                               const char *why, simlm_error *err)
{
    return sl_fail(err, SIMLM_E_FORMAT, "%s: entry '%.100s' %s", z->path,
                   sl_zip_name(z, i), why);
}

simlm_status sl_zip_entry(const struct sl_zip *z, struct sl_zip_entry *out,
                          int64_t i, simlm_error *err)
{
    const struct entry *e = &z->list[i];
    uint64_t left, skip;

    if (e->flags & 1)
        return fail_entry(z, i, "is encrypted", err);
    if (e->header > z->map.n || z->map.n - e->header < LOCAL ||
        !has_signature(z->map, e->header, "\3\4"))
        return fail_entry(z, i, "lies outside the file", err);
    left = z->map.n - e->header;
    skip = LOCAL + (uint64_t)U16(z->map.p + e->header + 26) +
           U16(z->map.p + e->header + 28);
    if (skip > left || e->packed > left - skip)
        return fail_entry(z, i, "lies outside the file", err);
    *out =
        (struct sl_zip_entry){{z->map.p + e->header + skip, (size_t)e->packed},
                              e->size,
                              e->crc,
                              e->method};
    return SIMLM_OK;
}

simlm_status sl_zip_data(const struct sl_zip *z, struct sl_map *data, int64_t i,
                         simlm_error *err)
{
    struct sl_zip_entry e;

    SL_TRY(sl_zip_entry(z, &e, i, err));
    if (e.method || e.size != e.packed.n)
        return fail_entry(
            z, i, "is compressed: only stored entries are read here", err);
    *data = e.packed;
    return SIMLM_OK;
}
