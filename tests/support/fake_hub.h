/*
 * fake_hub.h - a hub of models in this process, with one model, org/name, and a
 * cache of its own.
 */
#ifndef TEST_FAKE_HUB_H
#define TEST_FAKE_HUB_H

#include "base/status.h"
#include "http_server.h"
#include "hub/digest.h"

#define COMMIT          "0123456789abcdef0123456789abcdef01234567"
#define FILE_PATH(name) "/org/name/resolve/" COMMIT "/" name

extern struct http_server server;
extern char api[8192]; /* the hub's description of the model */
extern char weights[5000];

void add_page(const char *path, const char *body, size_t n);
simlm_status digest_file(char hex[SL_DIGEST_HEX], enum sl_digest kind,
                         const char *path, simlm_error *e);

/* A file of the model: in the description, and at its address, a FILE_PATH(). */
void add_file(const char *path, const char *body, size_t n, bool large);

/* An empty cache, a server, a model that has no files yet; all are in. */
void begin_hub(void);
void end_api(void);

/* A hub with a model of the usual files. */
void usual_hub(void);

/* Is it what the file of that name holds? */
void check_file(const char *dir, const char *name, const char *want, size_t n);
void check_usual(const char *dir);

/* As a program does: through the public header. */
void fetch_usual(void);

#endif
