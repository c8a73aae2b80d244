/* <simlm/text.h> as a program uses it, and what it refuses. */
#include "check.h"

#include <simlm/text.h>

#define OURS TEST_DATA "/golden/tokenizer/"

static simlm_tokenizer *open_ours(void)
{
    simlm_tokenizer *t = NULL;

    check_ok(simlm_tokenizer_open(&t, OURS "vocab.txt", &err));
    return t;
}

static void a_text_and_a_pair_are_encoded(void **state)
{
    simlm_tokenizer *t = open_ours();
    simlm_encode_text_options o;
    simlm_encoding e;

    (void)state;
    check_ok(simlm_tokenizer_encode(t, &e, "the tree", 8, NULL, 0, NULL, &err));
    assert_int_equal(e.n, 4);
    assert_string_equal(simlm_tokenizer_token(t, e.ids[0]), "[CLS]");
    assert_string_equal(simlm_tokenizer_token(t, e.ids[1]), "the");
    assert_string_equal(simlm_tokenizer_token(t, e.ids[2]), "tree");
    assert_string_equal(simlm_tokenizer_token(t, e.ids[3]), "[SEP]");
    simlm_encoding_free(&e);
    assert_null(e.ids);

    simlm_encode_text_options_init(&o);
    o.max_length = 5;
    check_ok(
        simlm_tokenizer_encode(t, &e, "the", 3, "the the the", 11, &o, &err));
    assert_int_equal(e.n, 5);
    assert_int_equal(e.type_ids[2], 0);
    assert_int_equal(e.type_ids[3], 1);
    simlm_encoding_free(&e);

    o.special = false;
    o.max_length = 0;
    check_ok(simlm_tokenizer_encode(t, &e, "", 0, NULL, 0, &o, &err));
    assert_int_equal(e.n, 0);
    simlm_encoding_free(&e);
    simlm_tokenizer_close(t);
}

static void broken_contracts_are_told(void **state)
{
    simlm_tokenizer *t = open_ours(), *none = NULL;
    simlm_encode_text_options o;
    simlm_vocab_options v;
    simlm_tokenize_options f;
    simlm_encoding e = {0};
    const char *corpus[] = {NULL};

    (void)state;
    check_fails(SIMLM_E_ARG, "NULL", simlm_tokenizer_open(NULL, "x", &err));
    check_fails(SIMLM_E_ARG, "NULL", simlm_tokenizer_open(&none, NULL, &err));
    check_fails(SIMLM_E_ARG, "NULL",
                simlm_tokenizer_encode(t, &e, NULL, 0, NULL, 0, NULL, &err));
    simlm_encode_text_options_init(&o);
    o.max_length = -1;
    check_fails(SIMLM_E_ARG, "max_length",
                simlm_tokenizer_encode(t, &e, "a", 1, NULL, 0, &o, &err));
    o.max_length = 1;
    check_fails(SIMLM_E_RANGE, "special tokens",
                simlm_tokenizer_encode(t, &e, "a", 1, NULL, 0, &o, &err));
    o.truncation = (simlm_truncation)7;
    check_fails(SIMLM_E_ARG, "truncation",
                simlm_tokenizer_encode(t, &e, "a", 1, NULL, 0, &o, &err));
    assert_null(e.ids);

    simlm_tokenize_options_init(&f);
    check_fails(SIMLM_E_ARG, "model", simlm_tokenize_file(&f, NULL, &err));
    simlm_vocab_options_init(&v);
    check_fails(SIMLM_E_ARG, "no output", simlm_vocab_train(&v, NULL, &err));
    v.output = test_path("never.txt");
    v.corpus = corpus;
    v.n_corpora = 1;
    check_fails(SIMLM_E_ARG, "NULL", simlm_vocab_train(&v, NULL, &err));
    corpus[0] = "x";
    v.size = 3;
    check_fails(SIMLM_E_ARG, "16 to", simlm_vocab_train(&v, NULL, &err));

    assert_null(simlm_tokenizer_token(t, -1));
    assert_null(simlm_tokenizer_token(t, simlm_tokenizer_size(t)));
    assert_null(simlm_tokenizer_token(NULL, 0));
    simlm_tokenizer_close(t);
    simlm_tokenizer_close(NULL);
    simlm_encoding_free(NULL);
}

static bool stop(void *ctx)
{
    (void)ctx;
    return true;
}

static void a_cancelled_job_writes_nothing(void **state)
{
    const simlm_observer obs = {.cancelled = stop};
    const char *corpus[] = {
        test_file("c.jsonl", "{\"id\":\"1\",\"contents\":\"a b\"}\n")};
    simlm_vocab_options v;
    FILE *f;

    (void)state;
    simlm_vocab_options_init(&v);
    v.output = test_path("cancelled.txt");
    v.corpus = corpus;
    v.n_corpora = 1;
    check_fails(SIMLM_E_CANCELLED, "", simlm_vocab_train(&v, &obs, &err));
    f = fopen(v.output, "r");
    assert_null(f);
}

static int remove_files(void **state)
{
    (void)state;
    test_tmpdir_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_and_a_pair_are_encoded),
        cmocka_unit_test(broken_contracts_are_told),
        cmocka_unit_test(a_cancelled_job_writes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, remove_files);
}
