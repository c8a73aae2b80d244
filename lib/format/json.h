/*
 * format/json.h - JSON: configuration files, single lines, and writing.
 *
 * Reading.  A document is parsed whole (jansson underneath, which no other
 * file sees): strict JSON, an object's keys unique, nesting at most 2048 deep,
 * strings valid UTF-8.  `struct sl_json` is one value in it, to be passed by
 * value; it lives as long as its document.  Asking an absent value for
 * anything gives "absent", so that paths may be followed without checks:
 *
 *     struct sl_json_doc *doc = NULL;
 *     int64_t hidden = 768;
 *
 *     SL_TRY(sl_json_load(&doc, "config.json", err));
 *     st = sl_json_opt_int(sl_json_root(doc), "hidden_size", 1, 65536,
 *                          &hidden, err);
 *     sl_json_free(doc);
 *
 * An optional field that is absent or null leaves *out as it was, so *out
 * starts as the default; a needed one is an error then.  Errors read
 * "config.json: 'hidden_size': expected an integer from 1 to 65536", with
 * "path:line:" for a line of a file.
 *
 * The corpora's records, millions of small objects, go through
 * format/jsonscan.h instead, which builds nothing.
 */
#ifndef SL_FORMAT_JSON_H
#define SL_FORMAT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct sl_json_doc;

struct sl_json {
    const void *value; /* private; NULL: absent */
    const struct sl_json_doc *doc;
};

enum sl_json_kind {
    SL_JSON_ABSENT,
    SL_JSON_NULL,
    SL_JSON_BOOL,
    SL_JSON_INT,
    SL_JSON_REAL,
    SL_JSON_STRING,
    SL_JSON_ARRAY,
    SL_JSON_OBJECT
};

/*
 * Parse n bytes.  `path` and `line` (0: not a line) are for messages only.
 *
 *   E_FORMAT  not JSON, a key twice in an object, nested too deep, a string
 *             that is not UTF-8 or holds a lone surrogate
 *   E_NOMEM
 */
simlm_status sl_json_parse(struct sl_json_doc **out, const char *text, size_t n,
                           const char *path, int64_t line, simlm_error *err);

/* The same of a whole file of at most 1 GiB.  E_IO, E_RANGE too. */
simlm_status sl_json_load(struct sl_json_doc **out, const char *path,
                          simlm_error *err);
void sl_json_free(struct sl_json_doc *doc);

struct sl_json sl_json_root(const struct sl_json_doc *doc);

/* ---- looking: never fail ------------------------------------------------- */

enum sl_json_kind sl_json_kind(struct sl_json v);

/* Absent if v is no object or has no such key. */
struct sl_json sl_json_field(struct sl_json v, const char *key);

/* Elements of an array, members of an object; 0 of anything else. */
int64_t sl_json_count(struct sl_json v);

/* Element i of an array; absent if there is none. */
struct sl_json sl_json_item(struct sl_json v, int64_t i);

/*
 * The members of an object in the file's order:
 *     struct sl_json_member m = { 0 };
 *     while (sl_json_next(v, &m)) ... m.key, m.value ...
 */
struct sl_json_member {
    const char *key; /* NUL-terminated; a key holds no NUL */
    struct sl_json value;
    void *at; /* private */
};
bool sl_json_next(struct sl_json v, struct sl_json_member *m);

/*
 * The value itself, if it is of that type; false (NULL) if not.  An integer is
 * a real, too.  A real is never an integer, except one without fraction whose
 * digits are too many for int64_t: it is clamped, because configurations say
 * "model_max_length": 1000000000000000019884624838656.
 */
bool sl_json_is_bool(struct sl_json v, bool *out);
bool sl_json_is_int(struct sl_json v, int64_t *out);
bool sl_json_is_real(struct sl_json v, double *out);

/* NUL-terminated UTF-8 of *len bytes (len may be NULL); may hold NULs, too. */
const char *sl_json_is_text(struct sl_json v, size_t *len);

/* ---- fields of an object, with errors ------------------------------------ */

/* E_FORMAT "<path>: '<key>': expected ...", if absent (need) or other. */
simlm_status sl_json_need_bool(struct sl_json obj, const char *key, bool *out,
                               simlm_error *err);
simlm_status sl_json_need_int(struct sl_json obj, const char *key, int64_t min,
                              int64_t max, int64_t *out, simlm_error *err);
simlm_status sl_json_need_real(struct sl_json obj, const char *key, double *out,
                               simlm_error *err);
simlm_status sl_json_need_text(struct sl_json obj, const char *key,
                               const char **out, size_t *len, simlm_error *err);
simlm_status sl_json_need(struct sl_json obj, const char *key,
                          enum sl_json_kind kind, struct sl_json *out,
                          simlm_error *err);

simlm_status sl_json_opt_bool(struct sl_json obj, const char *key, bool *out,
                              simlm_error *err);
simlm_status sl_json_opt_int(struct sl_json obj, const char *key, int64_t min,
                             int64_t max, int64_t *out, simlm_error *err);
simlm_status sl_json_opt_real(struct sl_json obj, const char *key, double *out,
                              simlm_error *err);
simlm_status sl_json_opt_text(struct sl_json obj, const char *key,
                              const char **out, size_t *len, simlm_error *err);

/*
 * E_FORMAT with "<path>[:<line>]: '<what>': expected <expected>", for rules of
 * the caller's own.  `what` may be NULL.
 */
simlm_status sl_json_fail(struct sl_json v, const char *what,
                          const char *expected, simlm_error *err);

/* ---- writing ------------------------------------------------------------- */

/*
 * Append a JSON string with its quotes.  UTF-8 stays as it is, invalid bytes
 * become U+FFFD, control characters are escaped: what is written can always be
 * read, and holds no line end.
 */
void sl_json_put_text(struct sl_str *s, const char *text, size_t len);

/* Append a number: the fewest digits that read back as the same double.  NaN
 * and infinities, for which JSON has no word, become null. */
void sl_json_put_real(struct sl_str *s, double x);

/*
 * Objects and arrays with the commas in the right places:
 *
 *     struct sl_json_writer w = { &str, 2 };
 *     sl_json_begin(&w, NULL, '{');
 *     sl_json_add_int(&w, "hidden_size", 768);
 *     sl_json_begin(&w, "architectures", '[');
 *     sl_json_add_text(&w, NULL, "BertModel");
 *     sl_json_end(&w);
 *     sl_json_end(&w);
 *
 * indent 0 writes one line without blanks; otherwise one value a line, each
 * level `indent` blanks further in.  key is NULL in arrays and at the top.
 * Nesting is at most 32.  Failures are the string's: check sl_str_ok().
 */
struct sl_json_writer {
    struct sl_str *s;
    int indent;
    int depth; /* private, start as 0, like the rest */
    char open[32];
    bool filled[32];
};
void sl_json_begin(struct sl_json_writer *w, const char *key, char bracket);
void sl_json_end(struct sl_json_writer *w);
void sl_json_add_text(struct sl_json_writer *w, const char *key,
                      const char *text); /* NULL writes null */
void sl_json_add_bytes(struct sl_json_writer *w, const char *key,
                       const char *text, size_t len);
void sl_json_add_int(struct sl_json_writer *w, const char *key, int64_t x);
void sl_json_add_real(struct sl_json_writer *w, const char *key, double x);
void sl_json_add_bool(struct sl_json_writer *w, const char *key, bool x);
void sl_json_add_null(struct sl_json_writer *w, const char *key);

/* Any value of a document, e.g. a configuration field kept as it was found. */
void sl_json_add_value(struct sl_json_writer *w, const char *key,
                       struct sl_json v);

#endif
