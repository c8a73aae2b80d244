#include "bar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers in few letters ---------------------------------------------- */

/* 950, 8.23k, 1.5M; bytes as 3.1 MB. */
static void format_count(char *buf, size_t size, double x, bool bytes)
{
    static const char *const prefix[] = {"", "k", "M", "G", "T"};
    int i = 0;

    for (; x >= 999.5 && i < 4; i++)
        x /= 1000;
    snprintf(buf, size, "%.3g%s%s%s", x, bytes ? " " : "", prefix[i],
             bytes ? "B" : "");
}

/* 0:09, 3:01, 2:03:59, 130 h. */
static void format_time(char *buf, size_t size, double seconds)
{
    long s = seconds < 1e8 ? lround(seconds) : 100000000;

    if (s < 3600)
        snprintf(buf, size, "%ld:%02ld", s / 60, s % 60);
    else if (s < 100 * 3600)
        snprintf(buf, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(buf, size, "%ld h", s / 3600);
}

/* ---- the parts of a line ------------------------------------------------- */

enum { COUNT, FIGURE, RATE = FIGURE + BAR_FIGURES, LEFT, N_PARTS };
enum { PART = 48, SHORTEST_BAR = 10, LONGEST_BAR = 30 };

static bool in_bytes(const struct bar *b)
{
    return !strcmp(b->unit, "bytes");
}

static void format_done(char *buf, const struct bar *b)
{
    char done[24], total[24];

    if (in_bytes(b)) {
        format_count(done, sizeof done, (double)b->done, true);
        format_count(total, sizeof total, (double)b->total, true);
        snprintf(buf, PART, b->total > 0 ? "%s of %s" : "%s", done, total);
    } else if (b->total > 0) {
        snprintf(buf, PART, "%lld/%lld %.16s", (long long)b->done,
                 (long long)b->total, b->unit);
    } else {
        snprintf(buf, PART, "%lld %.16s", (long long)b->done, b->unit);
    }
}

static void format_parts(char part[N_PARTS][PART], const struct bar *b)
{
    char number[24];

    memset(part, 0, (size_t)N_PARTS * PART);
    format_done(part[COUNT], b);
    for (int i = 0; i < b->n_figures; i++) {
        double x = b->figure[i].value;

        if (fabs(x) < 1000)
            snprintf(number, sizeof number, "%.4g", x);
        else
            format_count(number, sizeof number, x, false);
        snprintf(part[FIGURE + i], PART, "%s %s", b->figure[i].name, number);
    }
    if (!(b->rate > 0))
        return;
    format_count(number, sizeof number, b->rate, in_bytes(b));
    snprintf(part[RATE], PART, "%s/s", number);
    if (b->total <= 0 || b->done >= b->total)
        return;
    format_time(number, sizeof number, (double)(b->total - b->done) / b->rate);
    snprintf(part[LEFT], PART, "%s left", number);
}

/* Columns of the parts that are there, two blanks before each. */
static int width_of(char part[N_PARTS][PART])
{
    int width = 0;

    for (int i = 0; i < N_PARTS; i++)
        width += *part[i] ? 2 + (int)strlen(part[i]) : 0;
    return width;
}

static void leave_out(char part[N_PARTS][PART], int room)
{
    static const int order[] = {COUNT, RATE, FIGURE, LEFT};

    for (int i = BAR_FIGURES - 1; i > 0; i--)
        if (width_of(part) > room - SHORTEST_BAR)
            *part[FIGURE + i] = '\0';
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (width_of(part) > room)
            *part[order[i]] = '\0';
}

/* ---- lines --------------------------------------------------------------- */

struct text {
    char *s;
    size_t at, size;
};

static void add(struct text *t, const char *s)
{
    size_t n = strlen(s), room = t->size - 1 - t->at;

    n = n < room ? n : room;
    memcpy(t->s + t->at, s, n);
    t->at += n;
    t->s[t->at] = '\0';
}

static double share_of(const struct bar *b)
{
    double share = (double)b->done / (double)b->total;

    return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* " [===>   ]" of `width` columns in all. */
static void add_bar(struct text *t, double share, int width)
{
    int cells = width - 3, full = (int)(share * cells);

    add(t, " [");
    for (int i = 0; i < cells; i++)
        add(t, i < full ? "=" : i == full ? ">" : " ");
    add(t, "]");
}

void bar_format(char *line, size_t size, const struct bar *b, int width)
{
    struct text t = {line, 0,
                     (size_t)width + 1 < size ? (size_t)width + 1 : size};
    char part[N_PARTS][PART], head[PART + 16];
    int room;

    if (width < 1 || !size) {
        if (size)
            *line = '\0';
        return;
    }
    format_parts(part, b);
    if (b->total > 0)
        snprintf(head, sizeof head, "%s  %3d%%", b->phase,
                 (int)(100 * share_of(b)));
    else
        snprintf(head, sizeof head, "%s", b->phase);
    add(&t, head);
    room = (int)t.size - 1 - (int)strlen(head);
    leave_out(part, room);
    room -= width_of(part);
    if (b->total > 0 && room >= SHORTEST_BAR)
        add_bar(&t, share_of(b), room < LONGEST_BAR ? room : LONGEST_BAR);
    for (int i = 0; i < N_PARTS; i++)
        if (*part[i]) {
            add(&t, "  ");
            add(&t, part[i]);
        }
}

void bar_format_end(char *line, size_t size, const struct bar *b)
{
    char done[PART], rate[24], took[24];
    struct bar whole = *b;

    whole.total = 0;
    format_done(done, &whole);
    format_time(took, sizeof took, b->elapsed);
    if (b->elapsed > 0) {
        format_count(rate, sizeof rate, (double)b->done / b->elapsed,
                     in_bytes(b));
        snprintf(line, size, "%s: %s in %s, %s/s", b->phase, done, took, rate);
    } else {
        snprintf(line, size, "%s: %s in %s", b->phase, done, took);
    }
}

void bar_set_figure(struct bar *b, const char *name, double value)
{
    int i = 0;

    while (i < b->n_figures && strcmp(b->figure[i].name, name) != 0)
        i++;
    if (i == BAR_FIGURES)
        return;
    if (i == b->n_figures)
        b->n_figures++;
    snprintf(b->figure[i].name, sizeof b->figure[i].name, "%s", name);
    b->figure[i].value = value;
}

/* ---- pace ---------------------------------------------------------------- */

void pace_add(struct pace *p, double now, int64_t done)
{
    static const double fade = 15, shortest = 0.2; /* seconds */
    double dt = now - p->last;

    if (!p->started) {
        *p = (struct pace){.started = true,
                           .since = now,
                           .last = now,
                           .first = done,
                           .done = done};
        return;
    }
    if (dt < shortest || done <= p->done)
        return;
    if (now - p->since < fade) /* at first the mean of all there is */
        p->rate = (double)(done - p->first) / (now - p->since);
    else
        p->rate +=
            (1 - exp(-dt / fade)) * ((double)(done - p->done) / dt - p->rate);
    p->last = now;
    p->done = done;
}
