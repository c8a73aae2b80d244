/*
 * json_check file|lines PATH KEY - is PATH, or each of its lines, a JSON object
 * with a member KEY?  Prints those members, a line each; exit 1 if one is not.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "format/json.h"

static simlm_status check(const char *text, size_t n, const char *path,
                          int64_t line, const char *key, simlm_error *err)
{
    struct sl_json_doc *doc = NULL;
    struct sl_str s = {0};
    struct sl_json_writer w = {.s = &s};
    struct sl_json v;
    simlm_status st = sl_json_parse(&doc, text, n, path, line, err);

    if (st == SIMLM_OK) {
        v = sl_json_field(sl_json_root(doc), key);
        if (sl_json_kind(v) == SL_JSON_ABSENT)
            st = sl_json_fail(sl_json_root(doc), key, "to be there", err);
        else
            sl_json_add_value(&w, NULL, v);
    }
    if (st == SIMLM_OK)
        puts(sl_str_c(&s));
    sl_str_free(&s);
    sl_json_free(doc);
    return st;
}

static simlm_status check_lines(const char *text, const char *path,
                                const char *key, simlm_error *err)
{
    for (int64_t line = 1; *text; line++) {
        size_t n = strcspn(text, "\n");

        if (!text[n])
            return sl_fail(err, SIMLM_E_FORMAT, "%s: a last line without end",
                           path);
        SL_TRY(check(text, n, path, line, key, err));
        text += n + 1;
    }
    return SIMLM_OK;
}

int main(int argc, char **argv)
{
    simlm_error err = {SIMLM_OK, ""};
    simlm_status st;
    char *text = NULL;
    size_t n;

    if (argc != 4)
        return 2;
    st = sl_file_read(&text, &n, argv[2], (size_t)1 << 26, &err);
    if (st == SIMLM_OK)
        st = strcmp(argv[1], "lines")
                 ? check(text, n, argv[2], 0, argv[3], &err)
                 : check_lines(text, argv[2], argv[3], &err);
    if (st < 0)
        fprintf(stderr, "%s\n", err.msg);
    sl_free(text);
    return st < 0;
}
