#include "prepare/titles.h"

#include <string.h>

simlm_status sl_titles_open(struct sl_titles *t, const char *path,
                            simlm_error *err)
{
    return sl_lines_open(&t->in, path, err);
}

void sl_titles_close(struct sl_titles *t)
{
    sl_lines_close(t->in);
    *t = (struct sl_titles){0};
}

simlm_status sl_titles_next(struct sl_titles *t, struct sl_passage *p,
                            simlm_error *err)
{
    struct sl_line line;
    const char *tab, *end;

    if (!t->in)
        return SIMLM_OK;
    SL_TRY(sl_lines_next(t->in, &line, err));
    if (!line.text)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s: expected a title for each passage, but it ends "
                       "after %lld",
                       sl_lines_path(t->in), (long long)line.number - 1);
    tab = memchr(line.text, '\t', line.len);
    if (!tab)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected 'id <tab> title'",
                       sl_lines_path(t->in), (long long)line.number);
    tab++;
    end = memchr(tab, '\t', (size_t)(line.text + line.len - tab));
    p->title_len = (size_t)((end ? end : line.text + line.len) - tab);
    p->title = p->title_len ? tab : NULL;
    return SIMLM_OK;
}

simlm_status sl_titles_end(struct sl_titles *t, int64_t n_passages,
                           simlm_error *err)
{
    struct sl_line line;

    if (!t->in)
        return SIMLM_OK;
    SL_TRY(sl_lines_next(t->in, &line, err));
    if (!line.text)
        return SIMLM_OK;
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s:%lld: expected no more titles than the %lld passages",
                   sl_lines_path(t->in), (long long)line.number,
                   (long long)n_passages);
}
