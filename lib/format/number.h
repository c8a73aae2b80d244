/*
 * format/number.h - decimal numbers in files: strict, and blind to locales.
 *
 * The whole span must be the number: no blanks, no hexadecimal, no "inf" or
 * "nan".  strtod() alone would take all of these, and a comma for the point
 * where a program has called setlocale().
 */
#ifndef SL_FORMAT_NUMBER_H
#define SL_FORMAT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* [+-]digits, within int64_t. */
bool sl_parse_int(int64_t *out, const char *s, size_t n);

/* [+-]digits[.digits][e[+-]digits], also ".5" and "5."; correctly rounded.
 * False if the value is not finite. */
bool sl_parse_real(double *out, const char *s, size_t n);

/*
 * buf <- x as %.9g, which a float survives unchanged, so that scores sort the
 * same after reading; returns the length.  Not finite: "nan", "inf", "-inf".
 */
#define SL_NUMBER_BUF 40
size_t sl_format_real9(char buf[SL_NUMBER_BUF], double x);

/* buf <- the fewest digits that read back as the same double. */
size_t sl_format_real(char buf[SL_NUMBER_BUF], double x);

#endif
