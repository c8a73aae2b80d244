/* JSON from hostile bytes: whatever parses is written, and parses again. */
#include "fuzz.h"

#include "base/status.h"
#include "format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_json_doc *doc, *again;
    struct sl_json_writer w = {0};
    struct sl_str s = {0};
    simlm_error err;

    if (sl_json_load(&doc, fuzz_file(data, n), &err) < 0)
        return 0;
    w.s = &s;
    sl_json_add_value(&w, NULL, sl_json_root(doc));
    SL_ASSERT(sl_str_ok(&s));
    SL_ASSERT(sl_json_parse(&again, sl_str_c(&s), s.len, "again", 1, &err) ==
              SIMLM_OK);
    sl_json_free(again);
    sl_str_free(&s);
    sl_json_free(doc);
    return 0;
}
