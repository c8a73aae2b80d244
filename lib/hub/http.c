#include "hub/http.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <curl/curl.h>

#include "base/str.h"

struct transfer {
    const struct sl_http_get *get;
    bool stopped;
};

int64_t sl_http_pause = 1000;

static size_t on_bytes(char *bytes, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;

    if (!t->get->sink(t->get->ctx, bytes, size * n)) {
        t->stopped = true;
        return 0;
    }
    return size * n;
}

static int on_progress(void *ctx, curl_off_t total, curl_off_t now,
                       curl_off_t up_total, curl_off_t up_now)
{
    struct transfer *t = ctx;

    (void)total, (void)now, (void)up_total, (void)up_now;
    if (t->get->cancelled && t->get->cancelled(t->get->ctx))
        t->stopped = true;
    return t->stopped;
}

static void start_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void allow_http_alone(CURL *c)
{
#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85; Ubuntu 22.04 has 7.81 */
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    const long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;

    curl_easy_setopt(c, CURLOPT_PROTOCOLS, both);
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS, both);
#endif
}

static void set_up(CURL *c, struct transfer *t, struct curl_slist *headers)
{
    allow_http_alone(c);
    curl_easy_setopt(c, CURLOPT_URL, t->get->url);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "simlm");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, 8L);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, 20L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)t->get->from);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
}

/* A 416 answers a range; curl takes it for an empty rest. */
static enum sl_http_end end_of(const struct transfer *t, CURLcode code,
                               long http)
{
    if (t->stopped)
        return SL_HTTP_STOPPED;
    if (http == 416 && t->get->from)
        return SL_HTTP_NO_RANGE;
    switch (code) {
    case CURLE_OK:
        return SL_HTTP_DONE;
    case CURLE_RANGE_ERROR:
        return SL_HTTP_NO_RANGE;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_OPERATION_TIMEDOUT:
        return SL_HTTP_BROKEN;
    default:
        return SL_HTTP_REFUSED;
    }
}

static bool is_busy(long http)
{
    return http == 429 || http >= 500;
}

static simlm_status explain(const struct sl_http_get *g, CURLcode code,
                            long http, simlm_error *err)
{
    if (code != CURLE_HTTP_RETURNED_ERROR)
        return sl_fail(err, SIMLM_E_IO, "cannot get '%s': %s", g->url,
                       curl_easy_strerror(code));
    return sl_fail(err, SIMLM_E_IO, "cannot get '%s': the server says %ld%s",
                   g->url, http,
                   http == 401 || http == 403
                       ? " (it wants a token with access, in HF_TOKEN)"
                   : http == 404   ? " (no such model or file)"
                   : http == 429   ? " (too many requests: try again later)"
                   : is_busy(http) ? " (try again later)"
                                   : "");
}

/* False if it was cancelled meanwhile. */
static bool pause_for(struct transfer *t, int64_t ms)
{
    for (; ms > 0 && !t->stopped; ms -= 100) {
        struct timespec nap = {0, (ms < 100 ? ms : 100) * 1000000L};

        nanosleep(&nap, NULL);
        on_progress(t, 0, 0, 0, 0);
    }
    return !t->stopped;
}

/* How long the server wants to be left alone, at least `pause`. */
static int64_t pause_after(CURL *c, int64_t pause)
{
    curl_off_t s = 0;

    curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &s);
    if (s > SL_HTTP_PAUSES / 1000) /* longer than we wait */
        return SL_HTTP_PAUSES + 1;
    return s * 1000 > pause ? (int64_t)s * 1000 : pause;
}

/* Until it is answered, or refused for good; *http <- the last answer. */
static CURLcode perform_patiently(struct transfer *t, CURL *c, long *http)
{
    int64_t pause = sl_http_pause, left = SL_HTTP_PAUSES;
    CURLcode code;

    for (int tries = 1;; tries++, pause *= 3) {
        int64_t ms;

        code = curl_easy_perform(c);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, http);
        ms = pause_after(c, pause);
        if (code != CURLE_HTTP_RETURNED_ERROR || !is_busy(*http) ||
            tries == SL_HTTP_TRIES || ms > left || !pause_for(t, ms))
            return code;
        left -= ms;
    }
}

static simlm_status perform(const struct sl_http_get *g, CURL *c,
                            struct curl_slist *headers, enum sl_http_end *end,
                            simlm_error *err)
{
    struct transfer t = {.get = g};
    CURLcode code;
    long http = 0;

    set_up(c, &t, headers);
    code = perform_patiently(&t, c, &http);
    *end = end_of(&t, code, http);
    if (*end == SL_HTTP_STOPPED)
        return SIMLM_E_CANCELLED;
    return *end == SL_HTTP_DONE ? SIMLM_OK : explain(g, code, http, err);
}

simlm_status sl_http_get(const struct sl_http_get *g, enum sl_http_end *end,
                         simlm_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct curl_slist *headers = NULL;
    struct sl_str bearer = {0};
    simlm_status st;
    CURL *c;

    *end = SL_HTTP_REFUSED;
    pthread_once(&once, start_curl);
    c = curl_easy_init();
    if (g->token) {
        sl_str_printf(&bearer, "Authorization: Bearer %s", g->token);
        if (sl_str_ok(&bearer))
            headers = curl_slist_append(NULL, sl_str_c(&bearer));
    }
    st = c && (!g->token || headers) ? perform(g, c, headers, end, err)
                                     : sl_fail_nomem(err, g->url);
    curl_slist_free_all(headers);
    curl_easy_cleanup(c);
    sl_str_free(&bearer);
    return st;
}
