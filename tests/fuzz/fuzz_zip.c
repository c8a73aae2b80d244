/* Lines of a zip file's entry `a`, the zip file being hostile bytes. */
#include "fuzz.h"

#include "base/status.h"
#include "base/str.h"
#include "format/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct sl_str path = {0};
    struct sl_lines *in = NULL;
    struct sl_line line;
    simlm_error err;

    sl_str_printf(&path, "%s/a", fuzz_file(data, n));
    if (sl_lines_open(&in, sl_str_c(&path), &err) == SIMLM_OK)
        while (sl_lines_next(in, &line, &err) == SIMLM_OK && line.text)
            SL_ASSERT(!line.text[line.len]);
    sl_lines_close(in);
    sl_str_free(&path);
    return 0;
}
