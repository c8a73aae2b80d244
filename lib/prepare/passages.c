#include "prepare/passages.h"

#include "base/observe.h"
#include "format/json.h"
#include "text/utf8.h"

void sl_passages_begin(struct sl_passages *p, FILE *f)
{
    *p = (struct sl_passages){.gz = {.f = f}};
}

static void put_member(struct sl_str *s, const char *key, const char *text,
                       size_t len)
{
    sl_str_puts(s, key);
    sl_json_put_text(s, text, len);
}

simlm_status sl_passages_put(struct sl_passages *p, const struct sl_passage *x,
                             simlm_error *err)
{
    sl_str_clear(&p->line);
    put_member(&p->line, "{\"id\":", x->id, x->id_len);
    put_member(&p->line, ",\"contents\":", x->contents, x->contents_len);
    if (x->title)
        put_member(&p->line, ",\"title\":", x->title, x->title_len);
    sl_str_puts(&p->line, "}\n");
    if (!sl_str_ok(&p->line))
        return sl_fail_nomem(err, "a passage");
    sl_gzip_put(&p->gz, p->line.s, p->line.len);
    if (!sl_utf8_valid(x->contents, x->contents_len) ||
        (x->title && !sl_utf8_valid(x->title, x->title_len)))
        if (!p->ill_formed++)
            p->first_ill_formed = p->n;
    p->titled += x->title != NULL;
    p->n++;
    return SIMLM_OK;
}

simlm_status sl_passages_end(struct sl_passages *p, const simlm_observer *obs,
                             simlm_error *err)
{
    SL_TRY(sl_gzip_end(&p->gz, err));
    sl_observe_message(obs, SIMLM_INFO, "%lld passages, %lld with a title",
                       (long long)p->n, (long long)p->titled);
    if (p->ill_formed)
        sl_observe_message(obs, SIMLM_WARNING,
                           "%lld passages are not UTF-8 (the first: row %lld): "
                           "U+FFFD stands for such bytes",
                           (long long)p->ill_formed,
                           (long long)p->first_ill_formed);
    sl_passages_abort(p);
    return SIMLM_OK;
}

void sl_passages_abort(struct sl_passages *p)
{
    sl_gzip_abort(&p->gz);
    sl_str_free(&p->line);
}
