#include "jobs.h"

#include <zlib.h>

#include <simlm/bm25.h>
#include <simlm/card.h>
#include <simlm/cases.h>
#include <simlm/eval.h>
#include <simlm/init.h>
#include <simlm/jobs.h>
#include <simlm/mine.h>
#include <simlm/prepare.h>
#include <simlm/report.h>
#include <simlm/text.h>
#include <simlm/train.h>

#include "check.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/str.h"

enum { PASSAGES = 40, HITS = 6 };

/* ---- the world ----------------------------------------------------------- */

static const char *const syllables[] = {"ba", "be", "bi", "bo", "da", "de",
                                        "di", "la", "le", "li", "lo", "lu"};

/* Words of two syllables, the first of seven, the second of the rest. */
static void put_text(struct sl_str *s, int i)
{
    for (int j = 0; j < 4 + i % 5; j++) {
        int k = i + j * j;

        sl_str_printf(s, j ? " %s%s" : "%s%s", syllables[k % 7],
                      syllables[7 + k / 2 % 5]);
    }
}

static void make_vocabulary(void)
{
    struct sl_str s = {0};

    sl_str_puts(&s, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n-\n");
    for (size_t i = 0; i < SL_LEN(syllables); i++)
        sl_str_printf(&s, "%s\n##%s\n", syllables[i], syllables[i]);
    for (char c = 'a'; c <= 'z'; c++)
        sl_str_printf(&s, "%c\n##%c\n", c, c);
    test_bytes("vocab.txt", s.s, s.len);
    sl_str_free(&s);
}

static void make_collection(void)
{
    struct sl_str corpus = {0}, queries = {0}, qrels = {0}, run = {0};
    gzFile gz;

    for (int i = 0; i < PASSAGES; i++) {
        sl_str_printf(&corpus, "{\"id\": \"p%d\", \"contents\": \"", i);
        put_text(&corpus, i);
        sl_str_puts(&corpus, i % 3 ? "\"}\n" : "\", \"title\": \"bale\"}\n");
        if (i % 5)
            continue;
        sl_str_printf(&queries, "q%d\t", i);
        put_text(&queries, i);
        sl_str_puts(&queries, "\n");
        sl_str_printf(&qrels, "q%d 0 p%d 1\n", i, i);
        for (int r = 1; r <= HITS; r++)
            sl_str_printf(&run, "q%d\tp%d\t%d\t%d\n", i, (i + r) % PASSAGES, r,
                          100 - r);
    }
    test_bytes("corpus.jsonl", corpus.s, corpus.len);
    test_bytes("queries.tsv", queries.s, queries.len);
    test_bytes("qrels.txt", qrels.s, qrels.len);
    test_bytes("run.tsv", run.s, run.len);
    gz = gzopen(test_path("corpus.jsonl.gz"), "wb");
    check_msg(gz && gzwrite(gz, corpus.s, (unsigned)corpus.len) > 0 &&
                  gzclose(gz) == Z_OK,
              "cannot write %s", test_path("corpus.jsonl.gz"));
    sl_str_free(&corpus);
    sl_str_free(&queries);
    sl_str_free(&qrels);
    sl_str_free(&run);
}

static void make_examples(void)
{
    test_file("train.jsonl",
              "{\"query_id\": \"q0\", \"query\": \"bale\", \"positives\":"
              " {\"doc_id\": [\"p0\"], \"score\": [1]}, \"negatives\":"
              " {\"doc_id\": [\"p1\", \"p2\", \"p3\"]}}\n"
              "{\"query\": \"dela\", \"positives\": {\"doc_id\": [\"p5\"]},"
              " \"negatives\": {\"doc_id\": []}}\n");
    test_file("kd.jsonl",
              "{\"query\": \"bale\", \"positives\": {\"doc_id\": [\"p0\"],"
              " \"score\": [3]}, \"negatives\": {\"doc_id\": [\"p1\", \"p2\"],"
              " \"score\": [1, -2]}}\n"
              "{\"query\": \"dela\", \"positives\": {\"doc_id\": [\"p5\"],"
              " \"score\": [2]}, \"negatives\": {\"doc_id\": [\"p7\"],"
              " \"score\": [0.5]}}\n");
}

static void make_report(void)
{
    test_file("train.log", "{\"event\":\"step\",\"step\":1,\"loss\":5.0}\n"
                           "{\"event\":\"step\",\"step\":2,\"loss\":4.0}\n");
    test_file(
        "report.json",
        "{\"title\": \"t\", \"notes\": [\"n\"], \"measures\": [\"mrr@10\"],"
        " \"results\": [{\"name\": \"a\", \"eval\": \"eval.json\"}],"
        " \"comparisons\": [{\"name\": \"ab\", \"eval\": \"eval.json\","
        "  \"measure\": \"mrr@10\"}],"
        " \"overlaps\": [{\"name\": \"ab\", \"overlap\": \"overlap.json\"}],"
        " \"curves\": [{\"chart\": \"c\", \"name\": \"a\","
        "  \"log\": \"train.log\"}],"
        " \"timings\": [{\"name\": \"s\", \"seconds\": 1}],"
        " \"examples\": {\"corpus\": [\"corpus.jsonl.gz\"],"
        "  \"queries\": \"queries.tsv\", \"qrels\": \"qrels.txt\","
        "  \"count\": 3, \"hits\": 2,"
        "  \"runs\": [{\"name\": \"a\", \"run\": \"run.tsv\"}]}}");
}

static void make_marco(void)
{
    check_ok(sl_dir_make(test_path("marco"), &err));
    test_file("marco/collection.tsv", "0\tbale\n1\tdela\n2\tbila\n");
    test_file("marco/para.title.txt", "0\tA\n1\t-\n2\tC\n");
    test_file("marco/queries.train.tsv", "q\tba\nr\tde\n");
    test_file("marco/qrels.train.tsv", "q 0 1 1\n");
    test_file("marco/queries.dev.small.tsv", "d\tla\n");
    test_file("marco/qrels.dev.small.tsv", "d 0 2 1\n");
    test_file("marco/queries.eval.small.tsv", "e\tlo\n");
    test_file("marco/train.msmarco.txt", "q\t1\t1\nq\t0\t2\n");
    test_file("marco/top1000.dev", "d\t0\tla\tbale\nd\t1\tla\tdela\n");
}

static void make_dpr(void)
{
    check_ok(sl_dir_make(test_path("dpr"), &err));
    test_file("dpr/psgs_w100.tsv",
              "id\ttext\ttitle\n1\t\"ba \"\"le\"\tA\n2\tdela\tB\n");
    test_file("dpr/biencoder-nq-train.json",
              "[{\"question\": \"ba\", \"answers\": [\"x\", \"y\"],"
              " \"positive_ctxs\": [{\"passage_id\": \"1\", \"score\": 1}],"
              " \"hard_negative_ctxs\": [{\"passage_id\": \"2\"}]}]");
    test_file("dpr/biencoder-nq-dev.json", "[]");
    test_file("dpr/nq-test.qa.csv", "de\t['x']\n");
}

static void make_answers(void)
{
    test_file("answers.tsv", "q0\t['bale', \"x\"]\nq5\t['zz', 'dela']\n");
}

static void make_beir(void)
{
    check_ok(sl_dir_make(test_path("beir/qrels"), &err));
    test_file("beir/corpus.jsonl", "{\"_id\": \"a\", \"text\": \"bale\"}\n"
                                   "{\"_id\": \"b\", \"text\": \"dela\"}\n");
    test_file("beir/queries.jsonl", "{\"_id\": \"q\", \"text\": \"ba\"}\n");
    test_file("beir/qrels/test.tsv", "q\tb\t1\n");
}

/* ---- the jobs ------------------------------------------------------------ */

static simlm_status train_vocabulary(const char *out, simlm_error *err)
{
    const char *corpus = test_path("corpus.jsonl");
    simlm_vocab_options o;

    simlm_vocab_options_init(&o);
    o.corpus = &corpus;
    o.n_corpora = 1;
    o.output = out;
    o.size = 60;
    o.threads = 1;
    return simlm_vocab_train(&o, NULL, err);
}

static simlm_status tokenize(const char *out, simlm_error *err)
{
    simlm_tokenize_options o;

    simlm_tokenize_options_init(&o);
    o.model = test_path("base");
    o.input = test_path("queries.tsv");
    o.output = out;
    return simlm_tokenize_file(&o, NULL, err);
}

static simlm_status init_model(const char *out, bool generator,
                               simlm_error *err)
{
    simlm_init_options o;

    simlm_init_options_init(&o);
    o.vocab = test_path("vocab.txt");
    o.output = out;
    o.layers = 2; /* Condenser needs two */
    o.hidden = 8;
    o.heads = 2;
    o.ffn = 12;
    o.embedding = generator ? 12 : 0;
    o.generator = generator;
    o.positions = 24;
    o.passage_max_length = 20;
    o.query_max_length = 10;
    return simlm_init(&o, err);
}

static simlm_status init(const char *out, simlm_error *err)
{
    return init_model(out, false, err);
}

static void two_steps(simlm_train_options *t, const char *out)
{
    t->model = test_path("base");
    t->output = out;
    t->steps = 2;
    t->batch = 4;
    t->batch_tokens = 64; /* several micro-batches a step */
    t->lr = 1e-3;
    t->warmup = 0;
    t->log_every = 1;
    t->eval_every = 1;
    t->save_every = 1;
    t->threads = 1;
}

static simlm_status pretrain(const char *out, int32_t objective,
                             simlm_error *err)
{
    const char *corpus = test_path("corpus.jsonl");
    simlm_pretrain_options o;

    simlm_pretrain_options_init(&o);
    two_steps(&o.train, out);
    o.corpus = &corpus;
    o.n_corpus = 1;
    o.objective = objective;
    o.max_length = 20;
    if (objective != SIMLM_OBJECTIVE_MLM)
        o.decoder_layers = 1;
    if (objective == SIMLM_OBJECTIVE_RLM ||
        objective == SIMLM_OBJECTIVE_ENCDEC_RTD)
        o.generator = test_path("generator");
    o.generator_joint = objective == SIMLM_OBJECTIVE_ENCDEC_RTD;
    if (objective == SIMLM_OBJECTIVE_MLM)
        o.train.tensorboard = test_path("tensorboard");
    return simlm_pretrain(&o, NULL, err);
}

static simlm_status pretrain_mlm(const char *out, simlm_error *err)
{
    return pretrain(out, SIMLM_OBJECTIVE_MLM, err);
}

static simlm_status pretrain_rlm(const char *out, simlm_error *err)
{
    return pretrain(out, SIMLM_OBJECTIVE_RLM, err);
}

static simlm_status pretrain_joint_rtd(const char *out, simlm_error *err)
{
    return pretrain(out, SIMLM_OBJECTIVE_ENCDEC_RTD, err);
}

static simlm_status pretrain_cocondenser(const char *out, simlm_error *err)
{
    return pretrain(out, SIMLM_OBJECTIVE_COCONDENSER, err);
}

/* Of three passages. */
static void set_groups(simlm_group_options *o)
{
    o->corpus = test_path("corpus.jsonl");
    o->queries = test_path("queries.tsv");
    o->qrels = test_path("qrels.txt");
    o->negatives = test_path("run.tsv");
    o->passages = 3;
}

static simlm_status mine(const char *out, simlm_error *err)
{
    simlm_mine_options o;

    simlm_mine_options_init(&o);
    o.corpus = test_path("corpus.jsonl");
    o.queries = test_path("queries.tsv");
    o.qrels = test_path("qrels.txt");
    o.run = test_path("run.tsv");
    o.output = out;
    o.threads = 1;
    return simlm_mine(&o, NULL, err);
}

static void set_finetune(simlm_finetune_options *o, const char *out)
{
    simlm_finetune_options_init(o);
    two_steps(&o->train, out);
    o->train.batch = 2;
    set_groups(&o->groups);
    o->query_length = 10;
    o->passage_length = 20;
}

static simlm_status finetune_fp32(const char *out, simlm_error *err)
{
    simlm_finetune_options o;

    set_finetune(&o, out);
    o.train.eval_samples = 2;
    o.train.keep_last = 1;
    o.train.keep_best = "loss";
    return simlm_finetune(&o, NULL, err);
}

static simlm_status finetune_bf16(const char *out, simlm_error *err)
{
    simlm_finetune_options o;

    set_finetune(&o, out);
    o.train.precision = SIMLM_BF16;
    return simlm_finetune(&o, NULL, err);
}

/* Two encoders and a pooler, from the scores of a file. */
static simlm_status finetune_towers(const char *out, simlm_error *err)
{
    simlm_finetune_options o;

    set_finetune(&o, out);
    o.groups.queries = o.groups.qrels = o.groups.negatives = NULL;
    o.groups.examples = o.groups.dev = test_path("kd.jsonl");
    o.distill = o.untied = true;
    o.pooler = 5;
    return simlm_finetune(&o, NULL, err);
}

static simlm_status train_reranker(const char *out, simlm_error *err)
{
    simlm_train_reranker_options o;

    simlm_train_reranker_options_init(&o);
    two_steps(&o.train, out);
    o.train.batch = 2;
    set_groups(&o.groups);
    o.groups.passages = 4;
    o.forward_factor = 2;
    o.max_length = 24;
    return simlm_train_reranker(&o, NULL, err);
}

static simlm_status encode(const char *out, simlm_error *err)
{
    const char *corpus = test_path("corpus.jsonl.gz");
    simlm_encode_options o;

    simlm_encode_options_init(&o);
    o.model = test_path("base");
    o.input = &corpus;
    o.n_inputs = 1;
    o.output = out;
    o.shard_size = 25;
    o.save_every = 10;
    o.threads = 1;
    return simlm_encode_files(&o, NULL, err);
}

static simlm_status index_vectors(const char *out, simlm_error *err)
{
    const char *encoded = test_path("vectors");
    simlm_index_options o;

    simlm_index_options_init(&o);
    o.encoded = &encoded;
    o.n_encoded = 1;
    o.output = out;
    return simlm_index_build(&o, NULL, err);
}

static simlm_status search(const char *out, simlm_error *err)
{
    simlm_search_options o;

    simlm_search_options_init(&o);
    o.index = test_path("flat");
    o.queries = test_path("queries.tsv");
    o.model = test_path("base");
    o.output = out;
    o.top = HITS;
    o.threads = 1;
    return simlm_search_files(&o, NULL, err);
}

static simlm_status bm25_index(const char *out, simlm_error *err)
{
    const char *corpus = test_path("corpus.jsonl.gz");
    simlm_bm25_index_options o;

    simlm_bm25_index_options_init(&o);
    o.corpus = &corpus;
    o.n_corpora = 1;
    o.output = out;
    o.threads = 1;
    return simlm_bm25_index(&o, NULL, err);
}

static simlm_status bm25_search(const char *out, simlm_error *err)
{
    simlm_bm25_search_options o;

    simlm_bm25_search_options_init(&o);
    o.index = test_path("bm25");
    o.queries = test_path("queries.tsv");
    o.output = out;
    o.top = HITS;
    o.threads = 1;
    return simlm_bm25_search(&o, NULL, err);
}

static simlm_status fuse(const char *out, simlm_error *err)
{
    const char *runs[] = {test_path("run.tsv"), test_path("bm25.run")};
    simlm_fuse_options o;

    simlm_fuse_options_init(&o);
    o.runs = runs;
    o.n_runs = 2;
    o.output = out;
    o.threads = 1;
    return simlm_fuse(&o, err);
}

static simlm_status rerank(const char *out, simlm_error *err)
{
    simlm_rerank_options o;

    simlm_rerank_options_init(&o);
    o.model = test_path("reranker");
    o.run = test_path("run.tsv");
    o.queries = test_path("queries.tsv");
    o.corpus = test_path("corpus.jsonl.gz");
    o.output = out;
    o.depth = HITS - 2;
    o.threads = 1;
    return simlm_rerank_files(&o, NULL, err);
}

static simlm_status score(const char *out, simlm_error *err)
{
    simlm_score_options o;

    simlm_score_options_init(&o);
    o.model = test_path("reranker");
    o.input = test_path("train.jsonl");
    o.corpus = test_path("corpus.jsonl.gz");
    o.output = out;
    o.negatives = 2;
    o.threads = 1;
    return simlm_score_files(&o, NULL, err);
}

static simlm_status compare(simlm_comparison *c, simlm_eval *a, simlm_eval *b,
                            const char *out, simlm_error *err)
{
    const simlm_eval_report report = {a, b, c, true, true};
    simlm_compare_options o;
    simlm_status st;

    simlm_compare_options_init(&o);
    o.resamples = 50;
    o.threads = 1;
    st = simlm_compare(c, a, b, &o, err);
    return st < 0 ? st : simlm_eval_write(&report, out, err);
}

static simlm_status evaluate(const char *out, simlm_error *err)
{
    const char *qrels = test_path("qrels.txt");
    simlm_eval *a = NULL, *b = NULL;
    simlm_comparison c[64];
    simlm_eval_options o;
    simlm_status st;

    simlm_eval_options_init(&o);
    o.threads = 1;
    st = simlm_eval_open(&a, qrels, test_path("run.tsv"), &o, err);
    if (st == SIMLM_OK)
        st = simlm_eval_open(&b, qrels, test_path("bm25.run"), &o, err);
    if (st == SIMLM_OK)
        st = compare(c, a, b, out, err);
    simlm_eval_close(a);
    simlm_eval_close(b);
    return st;
}

static simlm_status overlap(const char *out, simlm_error *err)
{
    simlm_overlap o;
    simlm_status st = simlm_overlap_measure(&o, test_path("run.tsv"),
                                            test_path("bm25.run"), err);

    return st < 0 ? st : simlm_overlap_write(&o, true, out, err);
}

static simlm_status report(const char *out, simlm_error *err)
{
    simlm_report_options o;

    simlm_report_options_init(&o);
    o.input = test_path("report.json");
    o.html = out;
    return simlm_report(&o, err);
}

static simlm_status mine_answers(const char *out, simlm_error *err)
{
    simlm_mine_options o;

    simlm_mine_options_init(&o);
    o.corpus = test_path("corpus.jsonl.gz");
    o.answers = test_path("answers.tsv");
    o.qrels = test_path("qrels.txt");
    o.run = test_path("run.tsv");
    o.output = out;
    o.threads = 1;
    return simlm_mine(&o, NULL, err);
}

static simlm_status evaluate_answers(const char *out, simlm_error *err)
{
    simlm_eval_report report = {.json = true};
    simlm_eval *e = NULL;
    simlm_eval_options o;
    simlm_status st;

    simlm_eval_options_init(&o);
    o.answers = test_path("answers.tsv");
    o.corpus = test_path("corpus.jsonl");
    o.threads = 1;
    st = simlm_eval_open(&e, NULL, test_path("run.tsv"), &o, err);
    report.eval = e;
    if (st == SIMLM_OK)
        st = simlm_eval_write(&report, out, err);
    simlm_eval_close(e);
    return st;
}

/* A model's directory, as much of it as matters. */
static simlm_status make_card(const char *dir, simlm_error *err)
{
    static const char card[] = "---\ntags: [a]\n---\n\n# A model\n";
    char path[300];
    simlm_status st = sl_dir_make(dir, err);

    snprintf(path, sizeof path, "%s/config.json", dir);
    if (st == SIMLM_OK)
        st = sl_file_write(path, "{}", 2, err);
    snprintf(path, sizeof path, "%s/README.md", dir);
    return st < 0 ? st : sl_file_write(path, card, strlen(card), err);
}

static simlm_status put_into_card(const char *out, simlm_error *err)
{
    simlm_card_options o;
    simlm_eval_options how;
    simlm_eval *e = NULL;
    simlm_status st = make_card(out, err);

    simlm_card_options_init(&o);
    o.model = out;
    o.judged = test_path("qrels.txt");
    simlm_eval_options_init(&how);
    how.threads = 1;
    if (st == SIMLM_OK)
        st = simlm_card_check(&o, err);
    if (st == SIMLM_OK)
        st = simlm_eval_open(&e, o.judged, test_path("run.tsv"), &how, err);
    if (st == SIMLM_OK)
        st = simlm_card_put(&o, e, err);
    simlm_eval_close(e);
    return st;
}

static simlm_status show_cases(const char *out, simlm_error *err)
{
    simlm_cases_options o;

    simlm_cases_options_init(&o);
    o.corpus = test_path("corpus.jsonl");
    o.input = test_path("kd.jsonl");
    o.output = out;
    o.threads = 1;
    return simlm_cases(&o, NULL, err);
}

static simlm_status show_run(const char *out, simlm_error *err)
{
    simlm_cases_options o;

    simlm_cases_options_init(&o);
    o.corpus = test_path("corpus.jsonl.gz");
    o.input = test_path("run.tsv");
    o.queries = test_path("queries.tsv");
    o.qrels = test_path("qrels.txt");
    o.output = out;
    o.threads = 1;
    return simlm_cases(&o, NULL, err);
}

typedef simlm_status prepare_fn(const simlm_prepare_options *,
                                const simlm_observer *, simlm_error *);

static simlm_status prepare(prepare_fn *job, const char *raw, const char *out,
                            simlm_error *err)
{
    simlm_prepare_options o;

    simlm_prepare_options_init(&o);
    o.raw = &raw;
    o.n_raw = 1;
    o.output = out;
    o.threads = 1;
    o.negative_count = 4;
    o.negative_random = 1;
    return job(&o, NULL, err);
}

static simlm_status prepare_beir(const char *out, simlm_error *err)
{
    return prepare(simlm_prepare_beir, test_path("beir"), out, err);
}

static simlm_status prepare_msmarco(const char *out, simlm_error *err)
{
    return prepare(simlm_prepare_msmarco, test_path("marco"), out, err);
}

static simlm_status prepare_nq(const char *out, simlm_error *err)
{
    return prepare(simlm_prepare_nq, test_path("dpr"), out, err);
}

const struct job jobs[] = {
    {"vocab", OUT_FILE, train_vocabulary},
    {"tokenize", OUT_FILE, tokenize},
    {"init", OUT_DIRECTORY, init},
    {"pretrain mlm", OUT_RUN, pretrain_mlm},
    {"pretrain rlm", OUT_RUN, pretrain_rlm},
    {"pretrain encdec-rtd, joint", OUT_RUN, pretrain_joint_rtd},
    {"pretrain cocondenser", OUT_RUN, pretrain_cocondenser},
    {"mine", OUT_FILE, mine},
    {"finetune", OUT_RUN, finetune_fp32},
    {"finetune bf16", OUT_RUN, finetune_bf16},
    {"finetune towers", OUT_RUN, finetune_towers},
    {"train-reranker", OUT_RUN, train_reranker},
    {"encode", OUT_RUN, encode},
    {"index", OUT_FILE, index_vectors},
    {"search", OUT_FILE, search},
    {"bm25 index", OUT_DIRECTORY, bm25_index},
    {"bm25 search", OUT_FILE, bm25_search},
    {"fuse", OUT_FILE, fuse},
    {"rerank", OUT_FILE, rerank},
    {"score", OUT_FILE, score},
    {"eval", OUT_FILE, evaluate},
    {"overlap", OUT_FILE, overlap},
    {"report", OUT_FILE, report},
    {"mine by answers", OUT_FILE, mine_answers},
    {"eval by answers", OUT_FILE, evaluate_answers},
    {"eval into a card", OUT_RUN, put_into_card},
    {"cases", OUT_FILE, show_cases},
    {"cases of a run", OUT_FILE, show_run},
    {"prepare beir", OUT_DIRECTORY, prepare_beir},
    {"prepare msmarco", OUT_DIRECTORY, prepare_msmarco},
    {"prepare nq", OUT_DIRECTORY, prepare_nq},
};
const int n_jobs = (int)(sizeof jobs / sizeof *jobs);

void jobs_set_up(void)
{
    make_vocabulary();
    make_collection();
    check_ok(init_model(test_path("base"), false, &err));
    check_ok(init_model(test_path("generator"), true, &err));
    check_ok(train_reranker(test_path("reranker"), &err));
    check_ok(encode(test_path("vectors"), &err));
    check_ok(index_vectors(test_path("flat"), &err));
    check_ok(bm25_index(test_path("bm25"), &err));
    check_ok(bm25_search(test_path("bm25.run"), &err));
    check_ok(evaluate(test_path("eval.json"), &err));
    check_ok(overlap(test_path("overlap.json"), &err));
    make_examples();
    make_report();
    make_beir();
    make_answers();
    make_marco();
    make_dpr();
}
