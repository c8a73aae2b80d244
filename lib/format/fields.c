#include "format/fields.h"

#include <string.h>

#include "base/alloc.h"

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void sl_fields_cut(struct sl_fields *f, struct sl_line *line)
{
    char *p = line->text, *end = line->text + line->len;
    bool tabs;

    f->n = memchr(p, '\0', line->len) ? -1 : 0;
    if (f->n < 0)
        return;
    while (p < end && is_blank(*p))
        p++;
    while (p < end && is_blank(end[-1]))
        end--;
    *end = '\0';
    if (p == end)
        return;
    tabs = memchr(p, '\t', (size_t)(end - p)) != NULL;
    for (;;) {
        char *begin = p;

        while (p < end && !(tabs ? *p == '\t' : is_blank(*p)))
            p++;
        if (f->n == SL_FIELDS_MAX) {
            f->n++;
            return;
        }
        f->s[f->n] = begin;
        f->len[f->n++] = (size_t)(p - begin);
        if (p == end)
            return;
        *p++ = '\0';
        while (!tabs && is_blank(*p)) /* ends: the line ends with no blank */
            p++;
    }
}

bool sl_linemap_add(struct sl_linemap *m, int64_t item, int64_t line,
                    int64_t file)
{
    const struct sl_linemap_run *last = m->n ? &m->run[m->n - 1] : NULL;

    if (last && last->file == file && line - last->line == item - last->item)
        return true;
    if (!sl_grow(&m->run, &m->cap, m->n + 1, sizeof *m->run))
        return false;
    m->run[m->n++] = (struct sl_linemap_run){item, line, file};
    return true;
}

int64_t sl_linemap_line(const struct sl_linemap *m, int64_t item, int64_t *file)
{
    int64_t low = 0, high = m->n; /* run[low].item <= item < run[high].item */

    if (!m->n)
        return 0;
    while (high - low > 1) {
        int64_t mid = low + (high - low) / 2;

        if (m->run[mid].item <= item)
            low = mid;
        else
            high = mid;
    }
    if (file)
        *file = m->run[low].file;
    return m->run[low].line + item - m->run[low].item;
}

void sl_linemap_free(struct sl_linemap *m)
{
    sl_free(m->run);
    *m = (struct sl_linemap){0};
}
