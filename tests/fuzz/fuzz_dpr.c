/* DPR's training files from hostile bytes: an array element by element, records
 * in it whose rows are those of passages. */
#include "fuzz.h"

#include "format/jsonarray.h"
#include "prepare/dpr.h"

enum { PASSAGES = 10 };

static void check_record(const struct sl_dpr_record *r)
{
    SL_ASSERT(r->question.len);
    for (int i = 0; i < SL_DPR_LISTS; i++)
        for (int64_t k = 0; k < r->of[i].n; k++)
            SL_ASSERT(r->of[i].list[k].row >= 0 &&
                      r->of[i].list[k].row < PASSAGES);
}

static void check_line(const char *data, size_t n)
{
    struct sl_str copy = {0};
    struct sl_line line;
    struct sl_passage p;

    sl_str_add(&copy, data, n);
    line = (struct sl_line){copy.s, copy.len, 1};
    if (sl_dpr_passage_parse(&p, &line, "psgs", NULL) == SIMLM_OK)
        SL_ASSERT(p.contents_len <= n && p.title_len <= n);
    sl_str_free(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_json_array *in = NULL;
    struct sl_dpr_record r = {0};
    struct sl_line element;
    simlm_error err;

    if (sl_json_array_open(&in, fuzz_file(data, n), &err) == SIMLM_OK)
        while (sl_json_array_next(in, &element, &err) == SIMLM_OK &&
               element.text)
            if (sl_dpr_record_parse(&r, &element, "dpr", PASSAGES, &err) ==
                SIMLM_OK)
                check_record(&r);
    sl_json_array_close(in);
    sl_dpr_record_free(&r);
    check_line((const char *)data, n);
    return 0;
}
