/*
 * Documents are jansson's; this file only asks it questions.  See json_write.c
 * for the other direction.
 */
#include "format/json.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/file.h"

enum { FILE_MAX = 1 << 30 };

struct sl_json_doc {
    json_t *root;
    char *path;
    int64_t line; /* 0: the document is a file */
    bool wide;    /* integers were read as reals: some had too many digits */
};

/* jansson quotes what stands "near", which may hold a line's end: cut there.
 * Without memory it may say nothing at all. */
static simlm_status not_json(const char *path, int64_t line,
                             const json_error_t *e, simlm_error *err)
{
    if (json_error_code(e) == json_error_out_of_memory || !*e->text)
        return sl_fail_nomem(err, path);
    if (line)
        return sl_fail(err, SIMLM_E_FORMAT,
                       "%s:%lld: expected JSON, but at column %d: %.*s", path,
                       (long long)line, e->column,
                       (int)strcspn(e->text, "\r\n"), e->text);
    return sl_fail(err, SIMLM_E_FORMAT,
                   "%s:%d: expected JSON, but at column %d: %.*s", path,
                   e->line, e->column, (int)strcspn(e->text, "\r\n"), e->text);
}

simlm_status sl_json_parse(struct sl_json_doc **out, const char *text, size_t n,
                           const char *path, int64_t line, simlm_error *err)
{
    const size_t flags =
        JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY;
    struct sl_json_doc *doc = SL_NEW(struct sl_json_doc);
    json_error_t e;
    simlm_status st;

    if (!doc || !(doc->path = sl_strdup(path))) {
        sl_json_free(doc);
        return sl_fail_nomem(err, path);
    }
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        n -= 3;
    }
    doc->line = line;
    doc->root = json_loadb(text, n, flags, &e);
    if (!doc->root && json_error_code(&e) == json_error_numeric_overflow) {
        doc->wide = true;
        doc->root = json_loadb(text, n, flags | JSON_DECODE_INT_AS_REAL, &e);
    }
    if (!doc->root) {
        st = not_json(path, line, &e, err);
        sl_json_free(doc);
        return st;
    }
    *out = doc;
    return SIMLM_OK;
}

simlm_status sl_json_load(struct sl_json_doc **out, const char *path,
                          simlm_error *err)
{
    simlm_status st;
    char *text = NULL;
    size_t n;

    SL_TRY(sl_file_read(&text, &n, path, FILE_MAX, err));
    st = sl_json_parse(out, text, n, path, 0, err);
    sl_free(text);
    return st;
}

void sl_json_free(struct sl_json_doc *doc)
{
    if (!doc)
        return;
    json_decref(doc->root);
    sl_free(doc->path);
    sl_free(doc);
}

/* ---- looking ------------------------------------------------------------- */

static const json_t *js(struct sl_json v)
{
    return v.value;
}

static struct sl_json value(const struct sl_json_doc *doc, const json_t *j)
{
    return (struct sl_json){j, doc};
}

struct sl_json sl_json_root(const struct sl_json_doc *doc)
{
    return value(doc, doc->root);
}

enum sl_json_kind sl_json_kind(struct sl_json v)
{
    int64_t ignored;

    if (!v.value)
        return SL_JSON_ABSENT;
    switch (json_typeof(js(v))) {
    case JSON_OBJECT:
        return SL_JSON_OBJECT;
    case JSON_ARRAY:
        return SL_JSON_ARRAY;
    case JSON_STRING:
        return SL_JSON_STRING;
    case JSON_INTEGER:
        return SL_JSON_INT;
    case JSON_REAL:
        return sl_json_is_int(v, &ignored) ? SL_JSON_INT : SL_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return SL_JSON_BOOL;
    default:
        return SL_JSON_NULL;
    }
}

struct sl_json sl_json_field(struct sl_json v, const char *key)
{
    return value(v.doc, json_object_get(js(v), key));
}

int64_t sl_json_count(struct sl_json v)
{
    return (int64_t)(json_is_array(js(v)) ? json_array_size(js(v))
                                          : json_object_size(js(v)));
}

struct sl_json sl_json_item(struct sl_json v, int64_t i)
{
    return value(v.doc, i < 0 ? NULL : json_array_get(js(v), (size_t)i));
}

/* jansson's iterators want a json_t they do not change. */
static json_t *loose(struct sl_json v)
{
    return (json_t *)(uintptr_t)v.value;
}

bool sl_json_next(struct sl_json v, struct sl_json_member *m)
{
    m->at = m->at ? json_object_iter_next(loose(v), m->at)
                  : json_object_iter(loose(v));
    if (!m->at)
        return false;
    m->key = json_object_iter_key(m->at);
    m->value = value(v.doc, json_object_iter_value(m->at));
    return true;
}

bool sl_json_is_bool(struct sl_json v, bool *out)
{
    if (!json_is_boolean(js(v)))
        return false;
    *out = json_is_true(js(v));
    return true;
}

bool sl_json_is_int(struct sl_json v, int64_t *out)
{
    double x;

    if (json_is_integer(js(v))) {
        *out = json_integer_value(js(v));
        return true;
    }
    if (!v.value || !v.doc->wide || !json_is_real(js(v)))
        return false;
    x = json_real_value(js(v));
    if (x != floor(x))
        return false;
    *out = x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
    return true;
}

bool sl_json_is_real(struct sl_json v, double *out)
{
    if (!json_is_number(js(v)))
        return false;
    *out = json_number_value(js(v));
    return true;
}

const char *sl_json_is_text(struct sl_json v, size_t *len)
{
    if (!json_is_string(js(v)))
        return NULL;
    if (len)
        *len = json_string_length(js(v));
    return json_string_value(js(v));
}

/* ---- fields with errors -------------------------------------------------- */

simlm_status sl_json_fail(struct sl_json v, const char *what,
                          const char *expected, simlm_error *err)
{
    char place[24] = "";

    if (v.doc->line)
        snprintf(place, sizeof place, ":%lld", (long long)v.doc->line);
    return sl_fail(err, SIMLM_E_FORMAT, "%s%s: %s%s%sexpected %s", v.doc->path,
                   place, what ? "'" : "", what ? what : "", what ? "': " : "",
                   expected);
}

static const char *const kind_name[] = {
    "nothing",  "null",     "true or false", "an integer",
    "a number", "a string", "an array",      "an object",
};

static bool is_missing(struct sl_json v)
{
    enum sl_json_kind kind = sl_json_kind(v);

    return kind == SL_JSON_ABSENT || kind == SL_JSON_NULL;
}

simlm_status sl_json_need(struct sl_json obj, const char *key,
                          enum sl_json_kind kind, struct sl_json *out,
                          simlm_error *err)
{
    struct sl_json v = sl_json_field(obj, key);

    if (sl_json_kind(v) != kind)
        return sl_json_fail(obj, key, kind_name[kind], err);
    *out = v;
    return SIMLM_OK;
}

simlm_status sl_json_need_bool(struct sl_json obj, const char *key, bool *out,
                               simlm_error *err)
{
    if (!sl_json_is_bool(sl_json_field(obj, key), out))
        return sl_json_fail(obj, key, kind_name[SL_JSON_BOOL], err);
    return SIMLM_OK;
}

simlm_status sl_json_need_int(struct sl_json obj, const char *key, int64_t min,
                              int64_t max, int64_t *out, simlm_error *err)
{
    char expected[80];
    int64_t x;

    if (sl_json_is_int(sl_json_field(obj, key), &x) && x >= min && x <= max) {
        *out = x;
        return SIMLM_OK;
    }
    snprintf(expected, sizeof expected, "an integer from %lld to %lld",
             (long long)min, (long long)max);
    return sl_json_fail(obj, key, expected, err);
}

simlm_status sl_json_need_real(struct sl_json obj, const char *key, double *out,
                               simlm_error *err)
{
    if (!sl_json_is_real(sl_json_field(obj, key), out))
        return sl_json_fail(obj, key, kind_name[SL_JSON_REAL], err);
    return SIMLM_OK;
}

simlm_status sl_json_need_text(struct sl_json obj, const char *key,
                               const char **out, size_t *len, simlm_error *err)
{
    const char *text = sl_json_is_text(sl_json_field(obj, key), len);

    if (!text)
        return sl_json_fail(obj, key, kind_name[SL_JSON_STRING], err);
    *out = text;
    return SIMLM_OK;
}

simlm_status sl_json_opt_bool(struct sl_json obj, const char *key, bool *out,
                              simlm_error *err)
{
    return is_missing(sl_json_field(obj, key))
               ? SIMLM_OK
               : sl_json_need_bool(obj, key, out, err);
}

simlm_status sl_json_opt_int(struct sl_json obj, const char *key, int64_t min,
                             int64_t max, int64_t *out, simlm_error *err)
{
    return is_missing(sl_json_field(obj, key))
               ? SIMLM_OK
               : sl_json_need_int(obj, key, min, max, out, err);
}

simlm_status sl_json_opt_real(struct sl_json obj, const char *key, double *out,
                              simlm_error *err)
{
    return is_missing(sl_json_field(obj, key))
               ? SIMLM_OK
               : sl_json_need_real(obj, key, out, err);
}

simlm_status sl_json_opt_text(struct sl_json obj, const char *key,
                              const char **out, size_t *len, simlm_error *err)
{
    return is_missing(sl_json_field(obj, key))
               ? SIMLM_OK
               : sl_json_need_text(obj, key, out, len, err);
}
