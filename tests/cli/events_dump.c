/*
 * events_dump DIR - what TensorBoard would show of a folder: "tag step value", by
 * tag, then in the order of the files.  Exit 1 at anything that is not as
 * format/tfevents.h has it.
 *
 * It is written against the formats, not with the writer's code, and
 * `tools/golden/tfevents.py -r DIR` prints the same with TensorBoard's own
 * reader.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"

enum { MOST = 100000 };

static struct point {
    char tag[64];
    int64_t step;
    float value;
} points[MOST];
static int n_points;

struct bytes {
    const unsigned char *p, *end;
};

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "events_dump: %s\n", what);
    exit(1);
}

static uint64_t little_endian(struct bytes *b, int n)
{
    uint64_t x = 0;

    if (b->end - b->p < n)
        fail("the bytes end early");
    for (int i = 0; i < n; i++)
        x |= (uint64_t)b->p[i] << 8 * i;
    b->p += n;
    return x;
}

static uint64_t varint(struct bytes *b)
{
    uint64_t x = 0, byte = 0x80;

    for (int shift = 0; byte & 0x80; shift += 7) {
        byte = little_endian(b, 1);
        x |= (byte & 0x7f) << shift;
    }
    return x;
}

static struct bytes part(struct bytes *b, uint64_t n)
{
    struct bytes in = {b->p, b->p + n};

    if ((uint64_t)(b->end - b->p) < n)
        fail("the bytes end early");
    b->p += n;
    return in;
}

static void check_crc(struct bytes *b, const void *of, size_t n)
{
    uint32_t c = sl_crc32c(of, n);

    if (little_endian(b, 4) != (uint32_t)((c >> 15 | c << 17) + 0xa282ead8u))
        fail("a CRC does not fit");
}

/* A Summary.Value. */
static void read_value(struct bytes b, int64_t step)
{
    struct point *x = &points[n_points];
    uint32_t bits;

    if (n_points++ == MOST || varint(&b) != (1 << 3 | 2))
        fail("a value without tag");
    else {
        struct bytes tag = part(&b, varint(&b));

        snprintf(x->tag, sizeof x->tag, "%.*s", (int)(tag.end - tag.p),
                 (const char *)tag.p);
    }
    if (varint(&b) != (2 << 3 | 5))
        fail("a value without number");
    bits = (uint32_t)little_endian(&b, 4);
    memcpy(&x->value, &bits, sizeof bits);
    x->step = step;
}

/* A START at the step makes void what came before. */
static void purge(int64_t step)
{
    int n = 0;

    for (int i = 0; i < n_points; i++)
        if (points[i].step < step)
            points[n++] = points[i];
    n_points = n;
}

static void read_event(struct bytes b, bool first)
{
    int64_t step = 0;
    struct bytes in;
    uint64_t key = varint(&b);

    if (key != (1 << 3 | 1))
        fail("an event without time");
    little_endian(&b, 8);
    key = varint(&b);
    if (key == (2 << 3 | 0)) {
        step = (int64_t)varint(&b);
        key = varint(&b);
    }
    in = part(&b, varint(&b));
    if (b.p != b.end || first != (key == (3 << 3 | 2)))
        fail("an event of another form");
    if (first &&
        (in.end - in.p != 13 || memcmp(in.p, "brain.Event:2", 13) != 0))
        fail("another version");
    if (key == (7 << 3 | 2))
        purge(step);
    while (key == (5 << 3 | 2) && in.p < in.end) {
        if (varint(&in) != (1 << 3 | 2))
            fail("a summary of another form");
        read_value(part(&in, varint(&in)), step);
    }
}

static void read_file(const char *path)
{
    struct sl_map map = {0};
    struct bytes b;

    if (sl_map_open(&map, path, NULL) < 0)
        fail("cannot open a file");
    for (b = (struct bytes){map.p, map.p + map.n}; b.p < b.end;) {
        const unsigned char *at = b.p;
        uint64_t n = little_endian(&b, 8);
        struct bytes event;

        check_crc(&b, at, 8);
        event = part(&b, n);
        check_crc(&b, event.p, n);
        read_event(event, at == map.p);
    }
    sl_map_close(&map);
}

/* Equal tags stay in their order. */
static int by_tag(const void *a, const void *b)
{
    const struct point *x = a, *y = b;
    int order = strcmp(x->tag, y->tag);

    return order ? order : (x > y) - (x < y);
}

static int is_event_file(const struct dirent *e)
{
    return strstr(e->d_name, "tfevents") != NULL;
}

int main(int argc, char **argv)
{
    struct dirent **entry;
    int n = argc == 2 ? scandir(argv[1], &entry, is_event_file, alphasort) : -1;

    if (n < 0)
        fail("no such folder");
    for (int i = 0; i < n; i++) {
        char *path = sl_path_join(argv[1], entry[i]->d_name);

        read_file(path);
        sl_free(path);
        free(entry[i]);
    }
    free(entry);
    qsort(points, (size_t)n_points, sizeof *points, by_tag);
    for (int i = 0; i < n_points; i++)
        printf("%s %lld %.9g\n", points[i].tag, (long long)points[i].step,
               (double)points[i].value);
    return 0;
}
