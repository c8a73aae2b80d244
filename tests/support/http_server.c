#include "http_server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"

/* All of the request's head; false if the client went away. */
static bool read_head(int fd, char *head, size_t size)
{
    size_t n = 0;

    while (n + 1 < size) {
        ssize_t got = recv(fd, head + n, size - 1 - n, 0);

        if (got <= 0)
            return false;
        n += (size_t)got;
        head[n] = '\0';
        if (strstr(head, "\r\n\r\n"))
            return true;
    }
    return false;
}

static bool put(int fd, const char *bytes, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

        if (sent <= 0)
            return false;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

static void note(struct http_server *s, const char *path, long from, bool token)
{
    size_t n = strlen(s->log);
    char start[32] = "";

    if (from)
        snprintf(start, sizeof start, " from %ld", from);
    snprintf(s->log + n, sizeof s->log - n, "%s%s%s\n", path, start,
             token ? " token" : "");
    s->n_requests++;
}

static const struct http_page *find_page(const struct http_server *s,
                                         const char *path)
{
    static const struct http_page none = {.status = 404};

    for (int i = 0; i < s->n_pages; i++)
        if (!strcmp(s->page[i].path, path))
            return &s->page[i];
    return &none;
}

static void answer(struct http_server *s, int fd, const struct http_page *p,
                   long from)
{
    bool part = from > 0 && !s->no_ranges && !p->status;
    size_t at = part ? (size_t)from : 0, n = p->n - at;
    char head[512];

    snprintf(head, sizeof head,
             "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n",
             p->status ? p->status
             : part    ? 206
                       : 200,
             n);
    put(fd, head, strlen(head));
    if (part) {
        snprintf(head, sizeof head, "Content-Range: bytes %zu-%zu/%zu\r\n", at,
                 p->n - 1, p->n);
        put(fd, head, strlen(head));
    }
    if (p->location) {
        snprintf(head, sizeof head, "Location: %s\r\n", p->location);
        put(fd, head, strlen(head));
    }
    put(fd, "\r\n", 2);
    if (s->cuts > 0 && n > (size_t)s->cut_at) {
        s->cuts--;
        n = (size_t)s->cut_at;
    }
    if (n)
        put(fd, p->body + at, n);
}

/* An answer of a status and nothing else, if it is the turn of one. */
static bool refuse(struct http_server *s, int fd, long from)
{
    int status = 0;
    char head[256];

    if (s->busy > 0) {
        s->busy--;
        status = s->busy_status;
    } else if (from && s->bad_ranges > 0) {
        s->bad_ranges--;
        status = 416;
    }
    if (!status)
        return false;
    snprintf(head, sizeof head,
             "HTTP/1.1 %d X\r\nContent-Length: 0\r\nRetry-After: %d\r\n"
             "Connection: close\r\n\r\n",
             status, s->retry_after);
    put(fd, head, strlen(head));
    return true;
}

static void serve(struct http_server *s, int fd)
{
    char head[8192], path[1024];
    const char *range;
    long from = 0;

    if (!read_head(fd, head, sizeof head) ||
        sscanf(head, "GET %1023s", path) != 1)
        return;
    range = strstr(head, "Range: bytes=");
    if (range)
        from = strtol(range + 13, NULL, 10);
    note(s, path, from, strstr(head, "Authorization: Bearer ") != NULL);
    if (!refuse(s, fd, from))
        answer(s, fd, find_page(s, path), from);
}

static void *run(void *ctx)
{
    struct http_server *s = ctx;
    int fd;

    while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
        serve(s, fd);
        shutdown(fd, SHUT_WR);
        close(fd);
    }
    return NULL;
}

void http_server_start(struct http_server *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &n), 0);
    s->port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
}

void http_server_stop(struct http_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
}
