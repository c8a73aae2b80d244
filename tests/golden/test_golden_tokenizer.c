/*
 * The tokenizer against Hugging Face's, on vectors made by tokenizers: the
 * small ones of tools/golden/tokenizer.py, and the shared ones if present.
 */
#include "check.h"

#include "base/alloc.h"
#include "base/file.h"
#include "format/json.h"
#include "format/lines.h"
#include "text/tokenizer.h"

struct example {
    struct sl_json root;
    const char *place; /* "file:line", for messages */
};
typedef void example_fn(const struct sl_tokenizer *t, const struct example *e);

static void each_example(const struct sl_tokenizer *t, const char *path,
                         example_fn *fn)
{
    struct sl_lines *in = NULL;
    struct sl_line line;
    char place[512];
    int64_t n = 0;

    check_ok(sl_lines_open(&in, path, &err));
    for (;;) {
        struct sl_json_doc *doc = NULL;
        struct example e = {.place = place};

        check_ok(sl_lines_next(in, &line, &err));
        if (!line.text)
            break;
        check_ok(
            sl_json_parse(&doc, line.text, line.len, path, line.number, &err));
        e.root = sl_json_root(doc);
        snprintf(place, sizeof place, "%s:%lld", path, (long long)line.number);
        fn(t, &e);
        sl_json_free(doc);
        n++;
    }
    sl_lines_close(in);
    check_msg(n > 0, "%s is empty", path);
}

static void check_ids(const struct example *e, const char *field,
                      const int32_t *got, int64_t n)
{
    struct sl_json want = sl_json_field(e->root, field);

    check_msg(sl_json_kind(want) == SL_JSON_ARRAY, "%s: no '%s'", e->place,
              field);
    check_msg(sl_json_count(want) == n, "%s: %lld %s, not %lld", e->place,
              (long long)n, field, (long long)sl_json_count(want));
    for (int64_t i = 0; i < n; i++) {
        int64_t x = -1;

        sl_json_is_int(sl_json_item(want, i), &x);
        check_msg(got[i] == x, "%s: %s[%lld] is %d, not %lld", e->place, field,
                  (long long)i, (int)got[i], (long long)x);
    }
}

static void encode_field(const struct sl_tokenizer *t, struct sl_id_list *out,
                         const struct example *e, const char *field)
{
    size_t len = 0;
    const char *text = sl_json_is_text(sl_json_field(e->root, field), &len);

    check_msg(text, "%s: no '%s'", e->place, field);
    assert_true(sl_tokenizer_encode(t, out, text, len));
}

static void check_text(const struct sl_tokenizer *t, const struct example *e)
{
    struct sl_id_list ids = {0};

    encode_field(t, &ids, e, "text");
    check_ids(e, "ids", ids.id, ids.n);
    sl_id_list_free(&ids);
}

/* {"a", "b"?, "max", "strategy", "ids", "type_ids"}, with special tokens. */
static void check_pair(const struct sl_tokenizer *t, const struct example *e)
{
    struct sl_id_list a = {0}, b = {0};
    struct sl_ids x, y;
    bool pair = sl_json_kind(sl_json_field(e->root, "b")) != SL_JSON_ABSENT;
    const char *strategy =
        sl_json_is_text(sl_json_field(e->root, "strategy"), NULL);
    int64_t max = 0, n;
    int32_t *ids, *types;

    assert_true(sl_json_is_int(sl_json_field(e->root, "max"), &max));
    encode_field(t, &a, e, "a");
    if (pair)
        encode_field(t, &b, e, "b");
    x = (struct sl_ids){a.id, a.n};
    y = (struct sl_ids){b.id, b.n};
    n = sl_tokenizer_packed_max(&x, pair ? &y : NULL, max);
    ids = sl_alloc((size_t)n, sizeof *ids);
    types = sl_alloc((size_t)n, sizeof *types);
    n = sl_tokenizer_pack(t, ids, types, &x, pair ? &y : NULL, max,
                          strcmp(strategy, "only_second")
                              ? SL_TRUNCATE_LONGEST_FIRST
                              : SL_TRUNCATE_ONLY_SECOND);
    check_ids(e, "ids", ids, n);
    check_ids(e, "type_ids", types, n);
    sl_free(ids);
    sl_free(types);
    sl_id_list_free(&a);
    sl_id_list_free(&b);
}

#define OURS   TEST_DATA "/golden/tokenizer/"
#define SHARED SHARED_DATA "/tokenizer/"

static void golden_file(const char *tokenizer, const char *examples,
                        example_fn *fn)
{
    struct sl_tokenizer *t = NULL;

    check_ok(sl_tokenizer_open(&t, tokenizer, &err));
    each_example(t, examples, fn);
    sl_tokenizer_close(t);
}

static void uncased_texts_have_no_difference(void **state)
{
    (void)state;
    golden_file(OURS "vocab.txt", OURS "uncased.jsonl", check_text);
}

/* Case, accents and ideographs kept, as cased.json says. */
static void cased_texts_have_no_difference(void **state)
{
    (void)state;
    golden_file(OURS "cased.json", OURS "cased.jsonl", check_text);
}

static void pairs_have_no_difference(void **state)
{
    (void)state;
    golden_file(OURS "vocab.txt", OURS "pairs.jsonl", check_pair);
}

static void need_shared(void)
{
    if (!sl_file_exists(SHARED "vocab.txt"))
        skip();
}

static void shared_texts_have_no_difference(void **state)
{
    (void)state;
    need_shared();
    golden_file(SHARED "vocab.txt", SHARED "bert-uncased-texts.jsonl",
                check_text);
}

static void shared_pairs_have_no_difference(void **state)
{
    (void)state;
    need_shared();
    golden_file(SHARED "tokenizer.json", SHARED "bert-uncased-pairs.jsonl",
                check_pair);
}

static void vocab_txt_and_tokenizer_json_are_one_tokenizer(void **state)
{
    struct sl_tokenizer *a = NULL, *b = NULL, *both = NULL;

    (void)state;
    need_shared();
    check_ok(sl_tokenizer_open(&a, SHARED "vocab.txt", &err));
    check_ok(sl_tokenizer_open(&b, SHARED "tokenizer.json", &err));
    check_ok(sl_tokenizer_open(&both, SHARED_DATA "/tokenizer", &err));
    assert_true(sl_tokenizer_same_vocab(a, b));
    assert_true(sl_tokenizer_hash(a) == sl_tokenizer_hash(b));
    assert_true(sl_tokenizer_hash(a) == sl_tokenizer_hash(both));
    assert_int_equal(sl_tokenizer_size(a), 30522);
    assert_int_equal(sl_tokenizer_pad(a), 0);
    assert_int_equal(sl_tokenizer_unk(a), 100);
    assert_int_equal(sl_tokenizer_cls(a), 101);
    assert_int_equal(sl_tokenizer_sep(a), 102);
    assert_int_equal(sl_tokenizer_mask(a), 103);
    sl_tokenizer_close(a);
    sl_tokenizer_close(b);
    sl_tokenizer_close(both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uncased_texts_have_no_difference),
        cmocka_unit_test(cased_texts_have_no_difference),
        cmocka_unit_test(pairs_have_no_difference),
        cmocka_unit_test(shared_texts_have_no_difference),
        cmocka_unit_test(shared_pairs_have_no_difference),
        cmocka_unit_test(vocab_txt_and_tokenizer_json_are_one_tokenizer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
