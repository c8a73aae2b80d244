/*
 * hub/http.h - one GET over HTTP or HTTPS (libcurl; no other file sees it).
 *
 * Redirections are followed, to http and https alone; the token goes to the
 * first host alone.  A server that sends nothing for a minute is given up.  One
 * that says it is busy (429) or failed (5xx) is asked three times at most, after
 * pauses that grow or that it asks for, of ten seconds in all.
 */
#ifndef SL_HUB_HTTP_H
#define SL_HUB_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Takes the next bytes of the answer; false ends the transfer. */
typedef bool sl_http_sink_fn(void *ctx, const void *bytes, size_t n);

struct sl_http_get {
    const char *url;
    const char *token; /* NULL: none */
    int64_t from;      /* bytes of the answer that are there already */
    sl_http_sink_fn *sink;
    bool (*cancelled)(void *ctx); /* asked a few times a second */
    void *ctx;
};

enum sl_http_end {
    SL_HTTP_DONE,
    SL_HTTP_BROKEN, /* the connection broke: more may be had by asking again */
    SL_HTTP_NO_RANGE, /* the server starts from the beginning only, or its
                         answer is shorter than `from` (416) */
    SL_HTTP_STOPPED,  /* by sink or cancelled */
    SL_HTTP_REFUSED   /* anything else */
};

/* The first pause in milliseconds (1000), each further one three times as long;
 * tests set it. */
extern int64_t sl_http_pause;

enum { SL_HTTP_TRIES = 3, SL_HTTP_PAUSES = 10000 /* in all */ };

/*
 * *end says how it ended; anything but SL_HTTP_DONE is E_IO, with a message
 * (E_CANCELLED without: SL_HTTP_STOPPED, which the caller knows why).
 */
simlm_status sl_http_get(const struct sl_http_get *g, enum sl_http_end *end,
                         simlm_error *err);

#endif
