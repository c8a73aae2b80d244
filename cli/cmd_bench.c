/* simlm bench - time the library, per cent of the machine's own limits. */
#include <string.h>

#include <simlm/bench.h>

#include "cli.h"
#include "commands.h"
#include "options.h"

static const char *const usage[] = {
    "simlm bench [options] [gemm|ops|tokenize|encode|train|search]...",
    NULL,
};

static const char *const examples[] = {
    "Everything, on all cores",
    "simlm bench",
    "Encoding with another shape, on one core",
    "simlm bench encode --shape small --length 64 -t 1",
    "Kernels on a machine that is busy with other work",
    "simlm bench ops -t 1 --cpu-time",
    "Tokenizing a text of one's own",
    "simlm bench tokenize --text passages.txt --vocab retriever",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Measures how fast the library is, in per cent of what this machine "
        "can do. The machine's own limits are measured first, on one thread "
        "and on --threads: multiply-adds in registers, bf16 dot products if "
        "there are any, reading memory. Then come the parts that are named, "
        "or all of them: gemm, a model's matrix products; ops, every op of a "
        "training step; tokenize, text to ids on one thread; encode, many "
        "texts and one short query to vectors; train, steps of pre-training; "
        "search, one query and many in a flat index.\n\n"
        "Models have random weights and texts are generated. Arithmetic is "
        "counted from the model's shape, training as three times the forward "
        "pass. More than 100% of reading memory means that caches helped. "
        "'median ms' is a call: a product, a batch, a step.",
    .examples = examples,
    .see = (const char *const[]){"encode", "pretrain", "search", NULL},
};

static const struct {
    const char *name;
    simlm_bench_part part;
} parts[] = {
    {"gemm", SIMLM_BENCH_GEMM},         {"ops", SIMLM_BENCH_OPS},
    {"tokenize", SIMLM_BENCH_TOKENIZE}, {"encode", SIMLM_BENCH_ENCODE},
    {"train", SIMLM_BENCH_TRAIN},       {"search", SIMLM_BENCH_SEARCH},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

/* False: one of the names is no part; *unknown <- which. */
static bool choose_parts(uint32_t *chosen, int n, char **names,
                         const char **unknown)
{
    *chosen = n ? 0 : SIMLM_BENCH_ALL;
    for (int i = 0; i < n; i++) {
        int k = 0;

        while (k < N_PARTS && strcmp(parts[k].name, names[i]) != 0)
            k++;
        if (k == N_PARTS) {
            *unknown = names[i];
            return false;
        }
        *chosen |= (uint32_t)parts[k].part;
    }
    return true;
}

/* ---- one figure a line ----------------------------------------------------
 */

static void print_head(void)
{
    printf("%-8s %-31s %-15s %7s %11s %8s %-9s %7s %6s  %s\n", "part", "figure",
           "backend", "threads", "median ms", "rate", "", "GFLOP/s", "GB/s",
           "per cent");
}

static void print_count(double x, int width)
{
    if (x > 0)
        printf(" %*.*f", width, x < 100 ? 1 : 0, x);
    else
        printf(" %*s", width, "");
}

static void print_row(void *ctx, const simlm_bench_figure *f)
{
    (void)ctx;
    printf("%-8s %-31s %-15s %7d %11.3f %8.*f %-9s", f->part, f->name,
           f->backend, (int)f->threads, 1e3 * f->median, f->rate < 100 ? 2 : 0,
           f->rate, f->unit);
    print_count(f->gflops, 7);
    print_count(f->gbytes, 6);
    if (f->peak)
        printf("  %.1f of %s", f->percent, f->peak);
    if (f->share > 0)
        printf(", %.1f of a step", f->share);
    putchar('\n');
    fflush(stdout);
}

/* Names are ours: nothing in them needs an escape. */
static void print_json(void *ctx, const simlm_bench_figure *f)
{
    (void)ctx;
    printf("{\"part\":\"%s\",\"name\":\"%s\",\"backend\":\"%s\","
           "\"threads\":%d,\"calls\":%lld,\"median_s\":%.9g,\"best_s\":%.9g,"
           "\"rate\":%.6g,\"unit\":\"%s\"",
           f->part, f->name, f->backend, (int)f->threads, (long long)f->calls,
           f->median, f->best, f->rate, f->unit);
    if (f->gflops > 0)
        printf(",\"gflops\":%.6g", f->gflops);
    if (f->gbytes > 0)
        printf(",\"gbytes\":%.6g", f->gbytes);
    if (f->peak)
        printf(",\"percent\":%.4g,\"peak\":\"%s\"", f->percent, f->peak);
    if (f->share > 0)
        printf(",\"step_percent\":%.4g", f->share);
    printf("}\n");
    fflush(stdout);
}

int cmd_bench(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_bench_options o;
    const char *unknown = NULL;
    bool json = false;

    simlm_bench_options_init(&o);
    const struct option_row options[] = {
        OPT_REAL('s', "seconds", &o.seconds, 0, 1e6, "x",
                 "for each figure, and at least three calls"),
        OPT_FLAG('c', "cpu-time", &o.cpu_time,
                 "count the processor's time, not the clock's: for a busy "
                 "machine"),
        OPT_STRING(0, "only", &o.only, "name",
                   "figures with this in their names"),
        OPT_FLAG(0, "json", &json, "one JSON object a line"),
        OPT_PRECISION(&o.precision),
        OPT_GROUP("Shape of the model"),
        OPT_CHOICE(0, "shape", &o.shape, "auto|base|small|mini",
                   "12 x 768, 4 x 256 or 3 x 128; auto: small to train, mini "
                   "for ops, base for the rest"),
        OPT_INT64(0, "layers", &o.layers, 0, 256, "n", "0: the shape's"),
        OPT_INT64(0, "hidden", &o.hidden, 0, 65536, "n", "0: the shape's"),
        OPT_INT64(0, "heads", &o.heads, 0, 1000, "n", "0: the shape's"),
        OPT_INT64(0, "ffn", &o.ffn, 0, 262144, "n", "0: the shape's"),
        OPT_INT64(0, "vocab-size", &o.vocab, 0, 1 << 24, "n", "0: the shape's"),
        OPT_GROUP("Batches"),
        OPT_INT64('b', "batch-tokens", &o.tokens, 1, 1 << 22, "n",
                  "tokens computed at once"),
        OPT_INT64('l', "length", &o.length, 1, 32768, "n",
                  "tokens of a text, where all are of one length"),
        OPT_INT64(0, "min-length", &o.min_length, 1, 32768, "n",
                  "of texts of mixed lengths, drawn evenly"),
        OPT_INT64(0, "max-length", &o.max_length, 1, 32768, "n",
                  "of texts of mixed lengths"),
        OPT_REAL(0, "dropout", &o.dropout, 0, 0.9, "p", "in training"),
        OPT_GROUP("Ops"),
        OPT_FLAG(0, "variants", &o.variants,
                 "ops: each instruction set in turn, not the best alone"),
        OPT_GROUP("Tokenization"),
        OPT_INPUT(0, "text", &o.text, "file", "the text; default: generated"),
        OPT_INPUT(0, "vocab", &o.vocabulary, "path",
                  "a model directory or vocab.txt; default: trained on the "
                  "text"),
        OPT_GROUP("Search"),
        OPT_INT64(0, "rows", &o.rows, 1, 1e9, "n", "vectors in the index"),
        OPT_INT64(0, "dim", &o.dim, 1, 65536, "n", "numbers of a vector"),
        OPT_GROUP("Running"),
        OPT_INT('t', "threads", &o.threads, 0, 1024, "n",
                "threads; 0: one a core"),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (!choose_parts(&o.parts, argc, argv, &unknown))
        return options_usage(&manual, "'%s' is nothing to measure", unknown);
    run.brief = true;
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    if (!json)
        print_head();
    return cli_run_end(
        &run, simlm_bench(&o, json ? print_json : print_row, NULL, &run.err));
}
