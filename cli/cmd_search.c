/* simlm search - find the nearest passages of each query. */
#include <stdlib.h>
#include <string.h>

#include <simlm/corpus.h>
#include <simlm/jobs.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm search [options] --model <dir> --index <index> -o <run> <queries>",
    "simlm search [options] --encoded <dir> --index <index> -o <run>",
    "simlm search [options] --model <dir> --index <index> --interactive", NULL};

static const char *const examples[] = {
    "A run of a query file",
    "simlm search --model retriever --index flat --top 1000 -o dev.run dev.tsv",
    "Ask",
    "simlm search --model retriever --index flat --interactive --corpus "
    "passages.jsonl",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Finds for each query the passages whose vectors have the largest "
        "inner product with its own: exactly, all vectors are looked at. "
        "Queries are texts that --model encodes, or were encoded before "
        "(--encoded). With --interactive queries are read from standard "
        "input, a line each, and what is found is shown at once, with title "
        "and text if --corpus names the passages.\n\n"
        "Ties go to the passage that comes first in the index.",
    .examples = examples,
    .see = (const char *const[]){"encode", "index", "fuse", "eval", NULL},
};

/* Between words; control characters, too, which a terminal might act upon. */
#define BLANKS                                                                 \
    " \1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\21\22\23\24\25\26\27\30\31\32" \
    "\33"                                                                      \
    "\34\35\36\37\177"

/* ---- a terminal ---------------------------------------------------------- */

struct session {
    simlm_model *model;
    simlm_encoder *encoder;
    simlm_index *index;
    simlm_searcher *searcher;
    simlm_corpus *corpus; /* NULL: ids alone are shown */
    float *vec;
    simlm_hit *hit;
};

static void session_close(struct session *s)
{
    simlm_searcher_free(s->searcher);
    simlm_index_close(s->index);
    simlm_encoder_free(s->encoder);
    simlm_model_close(s->model);
    simlm_corpus_close(s->corpus);
    free(s->vec);
    free(s->hit);
}

static simlm_status session_open(struct session *s,
                                 const simlm_search_options *o,
                                 const struct option_list *corpus,
                                 simlm_error *err)
{
    simlm_status st = simlm_index_open(&s->index, o->index, err);

    if (st == SIMLM_OK)
        st = simlm_model_open_in(&s->model, o->model,
                                 (simlm_precision)o->precision, err);
    if (st == SIMLM_OK &&
        simlm_model_dim(s->model) != simlm_index_dim(s->index)) {
        snprintf(err->msg, sizeof err->msg,
                 "'%.200s' makes vectors of %d numbers, the index '%.200s' has "
                 "%d",
                 o->model, (int)simlm_model_dim(s->model), o->index,
                 (int)simlm_index_dim(s->index));
        st = err->code = SIMLM_E_FORMAT;
    }
    if (st == SIMLM_OK)
        st = simlm_encoder_new(&s->encoder, s->model, 1, err);
    if (st == SIMLM_OK)
        st = simlm_searcher_new(&s->searcher, s->index, 1, o->top, err);
    if (st == SIMLM_OK && corpus->n)
        st = simlm_corpus_open(&s->corpus, corpus->item, corpus->n, err);
    if (st < 0)
        return st;
    s->vec = calloc((size_t)simlm_model_dim(s->model), sizeof *s->vec);
    s->hit = calloc((size_t)o->top, sizeof *s->hit);
    if (!s->vec || !s->hit) {
        snprintf(err->msg, sizeof err->msg, "out of memory");
        return err->code = SIMLM_E_NOMEM;
    }
    return SIMLM_OK;
}

/* Up to two lines of the text's beginning, indented. */
static void print_start(const char *text)
{
    enum { COLUMNS = 72, LINES = 2 };
    int column = COLUMNS, line = 0;

    for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
        int word = (int)strcspn(text, BLANKS);

        if (column + word >= COLUMNS) {
            if (line++ == LINES) {
                fputs(" ...", stdout);
                break;
            }
            fputs(line > 1 ? "\n      " : "      ", stdout);
            column = 0;
        }
        column += printf(" %.*s", word, text);
        text += word;
    }
    if (line)
        putchar('\n');
}

static void print_hit(const struct session *s, int rank, const simlm_hit *hit)
{
    const char *id = simlm_index_id(s->index, hit->row);
    simlm_text passage;

    printf("%3d  %.4f  %s\n", rank, (double)hit->score, id);
    if (!simlm_corpus_find(s->corpus, id, &passage))
        return;
    if (passage.title && strcmp(passage.title, id) != 0)
        print_start(passage.title);
    print_start(passage.text);
}

static simlm_status answer(struct session *s, const char *line, int32_t top,
                           simlm_error *err)
{
    simlm_text q = {line, NULL};
    simlm_status st = simlm_encode(s->encoder, SIMLM_QUERY, &q, 1, s->vec, err);

    if (st == SIMLM_OK)
        st = simlm_search(s->searcher, s->hit, s->vec, 1, top, err);
    for (int32_t i = 0; st == SIMLM_OK && i < top && s->hit[i].row >= 0; i++)
        print_hit(s, (int)i + 1, &s->hit[i]);
    fflush(stdout);
    return st;
}

/* A question a line until the end of standard input. */
static simlm_status converse(const simlm_search_options *o,
                             const struct option_list *corpus, bool prompt,
                             simlm_error *err)
{
    struct session s = {0};
    char line[4096];
    simlm_status st = session_open(&s, o, corpus, err);

    simlm_encoder_set_threads(s.encoder, o->threads);
    simlm_searcher_set_threads(s.searcher, o->threads);
    while (st == SIMLM_OK) {
        if (prompt)
            fputs("? ", stderr);
        if (!fgets(line, sizeof line, stdin)) {
            if (prompt)
                fputc('\n', stderr);
            break;
        }
        line[strcspn(line, "\r\n")] = '\0';
        if (*line)
            st = answer(&s, line, o->top, err);
    }
    session_close(&s);
    return st;
}

/* ---- the command --------------------------------------------------------- */

static int check_operands(const simlm_search_options *o, bool interactive,
                          int argc)
{
    if (!o->index)
        return options_usage(&manual, "--index is needed");
    if (!o->model && !o->encoded)
        return options_usage(&manual, "--model or --encoded is needed");
    if (interactive)
        return !o->model || argc
                   ? options_usage(&manual, "--interactive wants --model and "
                                            "no file of queries")
                   : CLI_OK;
    if (!o->output)
        return options_usage(&manual, "-o is needed ('-': standard output)");
    if (o->encoded && argc)
        return options_usage(&manual, "--encoded stands for a file of queries");
    if (!o->encoded && argc != 1)
        return options_usage(&manual, "one file of queries is needed");
    return CLI_OK;
}

int cmd_search(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_search_options o;
    struct option_list corpus = {.n = 0};
    bool interactive = false;
    int32_t top = 0;
    int bad;

    simlm_search_options_init(&o);
    const struct option_row options[] = {
        OPT_MODEL('m', "model", &o.model, "encodes the queries"),
        OPT_INPUT('e', "encoded", &o.encoded, "dir",
                  "queries that 'simlm encode --side query' encoded"),
        OPT_INPUT('x', "index", &o.index, "file", "made by 'simlm index'"),
        OPT_OUTPUT('o', "output", &o.output, "file",
                   "the run to write; -: standard output"),
        OPT_FLAG('i', "interactive", &interactive,
                 "read queries from standard input and show what is found"),
        OPT_LIST('c', "corpus", &corpus, "file",
                 "show titles and texts from here, if interactive; may be "
                 "given several times"),
        OPT_CONFLICT("encoded", "model|interactive"),
        OPT_CONFLICT("interactive", "output"),
        OPT_GROUP("Ranking"),
        OPT_INT('k', "top", &top, 0, SIMLM_MAX_TOP, "n",
                "passages a query; 0: 1000, or 10 if interactive"),
        OPT_CHOICE(0, "format", &o.format, "msmarco|trec", "form of the run"),
        OPT_STRING(0, "tag", &o.tag, "name", "sixth column of a TREC run"),
        OPT_GROUP("Encoding"),
        OPT_INT('l', "max-length", &o.max_length, 0, 32768, "n",
                "tokens of a query; 0: as the model says"),
        OPT_INT('b', "batch", &o.batch, 1, SIMLM_MAX_BATCH, "n",
                "queries searched together; changes no result"),
        OPT_INT(0, "batch-tokens", &o.batch_tokens, 1, 4194304, "n",
                "tokens encoded together; changes no result"),
        OPT_PRECISION(&o.precision),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    bad = check_operands(&o, interactive, argc);
    if (bad)
        return bad;
    top = o.top = top ? top : interactive ? 10 : 1000;
    o.queries = argc ? argv[0] : NULL;
    run.brief = interactive; /* nothing is to be saved: one signal ends it */
    run.ranks = !interactive;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.threads = run.threads;
    return cli_run_end(
        &run, interactive ? converse(&o, &corpus, run.bar, &run.err)
                          : simlm_search_files(&o, &run.observer, &run.err));
}
