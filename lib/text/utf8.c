#include "text/utf8.h"

bool sl_utf8_valid(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text, *end = p + n;
    bool ok = true;

    while (p < end && ok) {
        if (*p < 0x80)
            p++;
        else
            sl_utf8_next(&p, end, &ok);
    }
    return ok;
}
