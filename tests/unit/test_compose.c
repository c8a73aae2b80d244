/* A query or passage becomes the ids that the model was trained on (spec 10.5),
 * or those that sentence-transformers would give it. */
#include "check.h"

#include "base/alloc.h"
#include "retrieve/compose.h"

static struct sl_retriever r;

static int set_up(void **state)
{
    (void)state;
    check_ok(sl_tokenizer_from_vocab(
        &r.tokenizer,
        test_file("vocab.txt",
                  "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n-\na\nb\nc\n"
                  "query\n:\nx\ny\n"),
        &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sl_tokenizer_close(r.tokenizer);
    test_tmpdir_remove();
    return 0;
}

/* want: the tokens, then '|' and the types, each with blanks between. */
static void check_ids(enum sl_side side, const char *title, const char *text,
                      int64_t max_length, const char *want)
{
    struct sl_compose_scratch s = {0};
    struct sl_text t = {text, title, strlen(text), title ? strlen(title) : 0};
    int32_t ids[32], types[32];
    char got[256] = "";
    int64_t n = sl_compose(&r, side, &t, max_length, ids, types, &s);

    check_msg(n >= 0 && n <= max_length, "%d ids", (int)n);
    for (int64_t i = 0; i < n; i++) {
        strcat(got, sl_tokenizer_token(r.tokenizer, ids[i]));
        strcat(got, " ");
    }
    strcat(got, "|");
    for (int64_t i = 0; i < n; i++)
        strcat(got, types[i] ? " 1" : " 0");
    check_msg(!strcmp(got, want), "'%s' / '%s' gives '%s', not '%s'",
              title ? title : "", text, got, want);
    sl_compose_free(&s);
}

static void profile(enum sl_passage_form form, const char *missing_title,
                    const char *query_prompt, const char *passage_prompt)
{
    sl_profile_free(&r.profile);
    check_ok(sl_profile_default(&r.profile, &err));
    r.profile.form = form;
    sl_free(r.profile.missing_title);
    r.profile.missing_title = missing_title ? sl_strdup(missing_title) : NULL;
    r.profile.query_prompt = query_prompt ? sl_strdup(query_prompt) : NULL;
    r.profile.passage_prompt =
        passage_prompt ? sl_strdup(passage_prompt) : NULL;
}

static void simlm_takes_a_pair_and_a_dash(void **state)
{
    (void)state;
    profile(SL_PASSAGE_PAIR, "-", NULL, NULL);
    check_ids(SL_SIDE_QUERY, NULL, "a b", 32, "[CLS] a b [SEP] | 0 0 0 0");
    check_ids(SL_SIDE_QUERY, "x", "a b", 32, "[CLS] a b [SEP] | 0 0 0 0");
    check_ids(SL_SIDE_PASSAGE, "x", "a b", 32,
              "[CLS] x [SEP] a b [SEP] | 0 0 0 1 1 1");
    check_ids(SL_SIDE_PASSAGE, NULL, "a", 32,
              "[CLS] - [SEP] a [SEP] | 0 0 0 1 1");
    check_ids(SL_SIDE_PASSAGE, "", "", 32, "[CLS] - [SEP] [SEP] | 0 0 0 1");
    check_ids(SL_SIDE_QUERY, NULL, "", 32, "[CLS] [SEP] | 0 0");
}

static void the_longer_of_a_pair_is_cut(void **state)
{
    (void)state;
    profile(SL_PASSAGE_PAIR, "-", NULL, NULL);
    check_ids(SL_SIDE_PASSAGE, "x y", "a b c a b c", 8,
              "[CLS] x y [SEP] a b c [SEP] | 0 0 0 0 1 1 1 1");
    check_ids(SL_SIDE_PASSAGE, "x y", "a b c", 3, "[CLS] [SEP] [SEP] | 0 0 1");
    check_ids(SL_SIDE_QUERY, NULL, "a b c", 4, "[CLS] a b [SEP] | 0 0 0 0");
}

static void without_a_stand_in_the_text_is_alone(void **state)
{
    (void)state;
    profile(SL_PASSAGE_PAIR, NULL, NULL, NULL);
    check_ids(SL_SIDE_PASSAGE, NULL, "a b", 32, "[CLS] a b [SEP] | 0 0 0 0");
    check_ids(SL_SIDE_PASSAGE, "x", "a b", 32,
              "[CLS] x [SEP] a b [SEP] | 0 0 0 1 1 1");
}

static void joined_is_one_sequence(void **state)
{
    (void)state;
    profile(SL_PASSAGE_JOINED, NULL, NULL, NULL);
    check_ids(SL_SIDE_PASSAGE, "x y", "a b", 32,
              "[CLS] x y a b [SEP] | 0 0 0 0 0 0");
    check_ids(SL_SIDE_PASSAGE, NULL, "a b", 32, "[CLS] a b [SEP] | 0 0 0 0");
}

static void prompts_come_first(void **state)
{
    (void)state;
    profile(SL_PASSAGE_PAIR, "-", "query: ", "c: ");
    check_ids(SL_SIDE_QUERY, NULL, "a", 32,
              "[CLS] query : a [SEP] | 0 0 0 0 0");
    check_ids(SL_SIDE_PASSAGE, "x", "a", 32,
              "[CLS] c : x [SEP] a [SEP] | 0 0 0 0 0 1 1");
    profile(SL_PASSAGE_JOINED, NULL, NULL, "c: ");
    check_ids(SL_SIDE_PASSAGE, "x", "a", 32,
              "[CLS] c : x a [SEP] | 0 0 0 0 0 0");
    check_ids(SL_SIDE_PASSAGE, NULL, "a", 32, "[CLS] c : a [SEP] | 0 0 0 0 0");
    sl_profile_free(&r.profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simlm_takes_a_pair_and_a_dash),
        cmocka_unit_test(the_longer_of_a_pair_is_cut),
        cmocka_unit_test(without_a_stand_in_the_text_is_alone),
        cmocka_unit_test(joined_is_one_sequence),
        cmocka_unit_test(prompts_come_first),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
