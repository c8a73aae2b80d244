#include "json_put.h"

#include <math.h>
#include <stdlib.h>

/* Bytes of the well-formed UTF-8 sequence at s; 0 if there is none. */
static int sequence(const unsigned char *s)
{
    int n = *s < 0x80   ? 1
            : *s < 0xc2 ? 0
            : *s < 0xe0 ? 2
            : *s < 0xf0 ? 3
            : *s < 0xf5 ? 4
                        : 0;

    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] >= 0xa0) ||
        (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] >= 0x90))
        return 0; /* overlong, a surrogate, beyond Unicode */
    return n;
}

void json_put_text(FILE *f, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    if (!s) {
        fputs("null", f);
        return;
    }
    putc('"', f);
    while (*s) {
        int n = sequence(s);

        if (!n)
            fputs("\\ufffd", f);
        else if (*s < ' ')
            fprintf(f, "\\u%04x", *s);
        else if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else
            fwrite(s, 1, (size_t)n, f);
        s += n ? n : 1;
    }
    putc('"', f);
}

void json_put_real(FILE *f, double x)
{
    char text[32];

    if (!isfinite(x)) {
        fputs("null", f);
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    fputs(text, f);
}
