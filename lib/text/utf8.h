/*
 * text/utf8.h - code points to bytes and back.
 *
 * Ill-formed input becomes U+FFFD, one for each maximal subpart (Unicode 15,
 * table 3-8), which is what Rust's from_utf8_lossy and Python's
 * errors="replace" do: "\xF0\x9F\x98" is one, "\xC0\x80" and "\xED\xA0\x80" are
 * two and three.
 */
#ifndef SL_TEXT_UTF8_H
#define SL_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_REPLACEMENT 0xFFFDu

/* Bytes that follow a lead byte, and the bounds of the first of them, which
 * exclude overlong forms, surrogates and what is beyond U+10FFFF. */
static inline int sl_utf8_lead(unsigned char lead, unsigned char *lo,
                               unsigned char *hi)
{
    *lo = 0x80;
    *hi = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *lo = 0xA0;
        if (lead == 0xED)
            *hi = 0x9F;
        return 2;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *lo = 0x90;
        if (lead == 0xF4)
            *hi = 0x8F;
        return 3;
    }
    return 0;
}

/*
 * The code point at *p < end, and *p moved behind it.  *ok (may be NULL) is
 * false if it stands for ill-formed bytes.
 */
static inline uint32_t sl_utf8_next(const unsigned char **p,
                                    const unsigned char *end, bool *ok)
{
    unsigned char lead = *(*p)++, lo, hi;
    uint32_t c;
    int more;

    if (ok)
        *ok = true;
    if (lead < 0x80)
        return lead;
    more = sl_utf8_lead(lead, &lo, &hi);
    c = lead & (0x3Fu >> more);
    for (int i = 0; i < more; i++) {
        if (*p == end || **p < lo || **p > hi) {
            more = 0;
            break;
        }
        c = c << 6 | (*(*p)++ & 0x3Fu);
        lo = 0x80;
        hi = 0xBF;
    }
    if (more)
        return c;
    if (ok)
        *ok = false;
    return SL_REPLACEMENT;
}

/* Write c at out (room for 4 bytes); returns how many. */
static inline size_t sl_utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

/* Is text[0 .. n) well-formed UTF-8? */
bool sl_utf8_valid(const char *text, size_t n);

#endif
