/* json_put.h - values as JSON, for the program's own records. */
#ifndef CLI_JSON_PUT_H
#define CLI_JSON_PUT_H

#include <stdio.h>

/* With its quotes; NULL is null.  Bytes that are no UTF-8 become U+FFFD, so that
 * what is written can be read whatever files are called. */
void json_put_text(FILE *f, const char *text);

/* A number that reads back as the same double; null if it is not finite. */
void json_put_real(FILE *f, double x);

#endif
