/* Lines from hostile bytes: line by line and in blocks give the same text, or
 * the same refusal. */
#include "fuzz.h"

#include <string.h>

#include "base/status.h"
#include "base/str.h"
#include "format/lines.h"

/* The text with LF after each line, CR before it gone. */
static simlm_status read_text(struct sl_str *s, const char *path, size_t want,
                              simlm_error *err)
{
    struct sl_lines *in;
    struct sl_line line;
    simlm_status st = sl_lines_open(&in, path, err);

    if (st < 0)
        return st;
    for (;;) {
        st = want ? sl_lines_block(in, &line, want, err)
                  : sl_lines_next(in, &line, err);
        if (st < 0 || !line.text)
            break;
        SL_ASSERT(!line.text[line.len]);
        for (char *at = line.text, *end = at + line.len + !want; at < end;) {
            char *lf = memchr(at, '\n', (size_t)(end - at));
            char *stop = lf ? lf : end - 1;

            sl_str_add(s, at, (size_t)(stop - at));
            if (want && s->len && stop > at && stop[-1] == '\r')
                s->len--;
            sl_str_putc(s, '\n');
            at = stop + 1;
        }
    }
    sl_lines_close(in);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *path = fuzz_file(data, n);
    struct sl_str lines = {0}, blocks = {0};
    simlm_error err[2] = {{SIMLM_OK, ""}, {SIMLM_OK, ""}};
    simlm_status a = read_text(&lines, path, 0, &err[0]);
    simlm_status b = read_text(&blocks, path, 1 + n % 97, &err[1]);

    SL_ASSERT(a == b && !strcmp(err[0].msg, err[1].msg));
    if (a == SIMLM_OK)
        SL_ASSERT(lines.len == blocks.len &&
                  !memcmp(sl_str_c(&lines), sl_str_c(&blocks), lines.len));
    sl_str_free(&lines);
    sl_str_free(&blocks);
    return 0;
}
