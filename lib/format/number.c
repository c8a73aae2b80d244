#include "format/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool sl_parse_int(int64_t *out, const char *s, size_t n)
{
    bool minus = n && *s == '-';
    size_t i = n && (*s == '-' || *s == '+');
    int64_t x = 0;

    if (i == n)
        return false;
    for (; i < n; i++) {
        int64_t digit = s[i] - '0';

        if (!is_digit(s[i]) || __builtin_mul_overflow(x, 10, &x) ||
            __builtin_sub_overflow(x, digit, &x)) /* downwards: -2^63 exists */
            return false;
    }
    if (!minus && x == INT64_MIN)
        return false;
    *out = minus ? x : -x;
    return true;
}

/* What a decimal number says: mantissa * 10^exponent. */
struct decimal {
    uint64_t mantissa;
    int exponent;
    bool exact; /* all digits are in the mantissa */
    bool minus;
};

static size_t read_digits(struct decimal *d, const char *s, size_t n, size_t i,
                          bool fraction)
{
    for (; i < n && is_digit(s[i]); i++) {
        if (d->mantissa > (UINT64_MAX - 9) / 10) {
            d->exact = false;
            continue;
        }
        d->mantissa = 10 * d->mantissa + (uint64_t)(s[i] - '0');
        d->exponent -= fraction;
    }
    return i;
}

static bool read_decimal(struct decimal *d, const char *s, size_t n)
{
    size_t i = n && (*s == '-' || *s == '+'), digits, at;
    int e = 0;
    bool e_minus;

    *d = (struct decimal){.exact = true, .minus = n && *s == '-'};
    at = i;
    i = read_digits(d, s, n, i, false);
    digits = i - at;
    if (i < n && s[i] == '.') {
        at = ++i;
        i = read_digits(d, s, n, i, true);
        digits += i - at;
    }
    if (!digits)
        return false;
    if (i == n)
        return true;
    if (s[i] != 'e' && s[i] != 'E')
        return false;
    i++;
    e_minus = i < n && s[i] == '-';
    i += i < n && (s[i] == '-' || s[i] == '+');
    if (i == n)
        return false;
    for (; i < n; i++) {
        if (!is_digit(s[i]))
            return false;
        if (e < 100000)
            e = 10 * e + (s[i] - '0');
    }
    d->exponent += e_minus ? -e : e;
    return true;
}

/* strtod() wants a NUL after the number and the locale's own point. */
static bool parse_slowly(double *out, const char *s, size_t n)
{
    const char *point = localeconv()->decimal_point;
    size_t point_len = strlen(point), used = 0;
    char small[128], *copy = small;

    if (n + point_len + 1 > sizeof small)
        copy = malloc(n + point_len + 1);
    if (!copy)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '.') {
            memcpy(copy + used, point, point_len);
            used += point_len;
        } else {
            copy[used++] = s[i];
        }
    }
    copy[used] = '\0';
    *out = strtod(copy, NULL);
    if (copy != small)
        free(copy);
    return true;
}

bool sl_parse_real(double *out, const char *s, size_t n)
{
    /* The powers of ten that a double holds exactly. */
    static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    struct decimal d;
    double x;

    if (!read_decimal(&d, s, n))
        return false;
    if (d.exact && d.mantissa <= (uint64_t)1 << 53 && d.exponent >= -22 &&
        d.exponent <= 22) {
        /* Both factors are exact, so the one rounding is the right one. */
        x = (double)d.mantissa;
        x = d.exponent < 0 ? x / ten[-d.exponent] : x * ten[d.exponent];
        x = d.minus ? -x : x;
    } else if (!parse_slowly(&x, s, n)) {
        return false;
    }
    if (!isfinite(x))
        return false;
    *out = x;
    return true;
}

static size_t format(char buf[SL_NUMBER_BUF], double x, int digits)
{
    const char *point = localeconv()->decimal_point;
    size_t point_len = strlen(point), n;
    char *at;

    if (!isfinite(x))
        return (size_t)snprintf(buf, SL_NUMBER_BUF, "%s",
                                isnan(x) ? "nan"
                                : x > 0  ? "inf"
                                         : "-inf");
    n = (size_t)snprintf(buf, SL_NUMBER_BUF, "%.*g", digits, x);
    at = strcmp(point, ".") ? strstr(buf, point) : NULL;
    if (at) {
        *at = '.';
        memmove(at + 1, at + point_len, strlen(at + point_len) + 1);
        n -= point_len - 1;
    }
    return n;
}

size_t sl_format_real9(char buf[SL_NUMBER_BUF], double x)
{
    return format(buf, x, 9);
}

size_t sl_format_real(char buf[SL_NUMBER_BUF], double x)
{
    size_t n = 0;
    double back;

    for (int digits = 15; digits <= 17; digits++) {
        n = format(buf, x, digits);
        if (!isfinite(x) || (sl_parse_real(&back, buf, n) && back == x))
            break;
    }
    return n;
}
