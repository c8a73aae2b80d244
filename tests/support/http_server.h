/*
 * http_server.h - an HTTP server on a port of this machine that misbehaves when
 * asked to: cuts bodies short, knows no ranges, redirects, is busy.  (A real one, such
 * as libmicrohttpd, takes care not to.)
 */
#ifndef TEST_HTTP_SERVER_H
#define TEST_HTTP_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct http_page {
    const char *path;
    const char *body; /* NULL: "" */
    size_t n;
    int status;           /* 0: 200, or 206 for a range */
    const char *location; /* of a redirection */
};

struct http_server {
    struct http_page page[32]; /* what is not there is a 404 */
    int n_pages;
    long cut_at;    /* so many bytes of a body, then the connection ends ... */
    int cuts;       /* ... in that many answers */
    int bad_ranges; /* so many ranges are answered with 416 */
    int busy;       /* so many requests are answered with busy_status */
    int busy_status;
    int retry_after; /* seconds, said then */
    bool no_ranges;  /* answers from the beginning, with 200 */

    int port;
    int n_requests;
    char log[8192]; /* "<path>[ from <n>][ token]\n" a request */

    int fd; /* private */
    pthread_t thread;
};

/* The members up to no_ranges are set, and may be changed between requests. */
void http_server_start(struct http_server *s);
void http_server_stop(struct http_server *s);

#endif
