/* simlm train-reranker - listwise training of a cross-encoder. */
#include "cli.h"
#include "commands.h"
#include "options.h"
#include "train_options.h"

static const char *const usage[] = {
    "simlm train-reranker [options] --model <dir> --corpus <file> --queries "
    "<file> --qrels <file> --negatives <run> -o <dir>",
    "simlm train-reranker [options] --model <dir> --corpus <file> --train "
    "<train.jsonl> -o <dir>",
    NULL};

static const char *const examples[] = {
    "With the retriever's own hits as negatives",
    "simlm search --model retriever --index flat --top 200 -o train.run "
    "train.tsv\n"
    "simlm train-reranker --model rlm --corpus passages.jsonl.gz \\\n"
    "      --queries train.tsv --qrels train.qrels --negatives train.run \\\n"
    "      -o reranker",
    "Less memory: fewer passages, each query's all trained with",
    "simlm train-reranker --model rlm --corpus passages.jsonl.gz --train \\\n"
    "      train.jsonl --passages 16 --forward-factor 1 -o reranker",
    NULL,
};

static const char *const files[] = {
    "<dir>/train.json",
    "Everything that decides the result: options, seed, hashes of the "
    "data.",
    "<dir>/log.jsonl",
    "Records of the run: steps, evaluations, messages.",
    "<dir>/checkpoint-<step>/",
    "The last two states to continue from, gone when the run is over; and the "
    "models of --keep-last and --keep-best.",
    "<dir>/model.safetensors",
    "The trained model, with the other files of its directory.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Trains a re-ranker: a cross-encoder that reads a query and a passage "
        "together and gives the pair a score. A step takes --batch queries "
        "and for each --passages passages, a positive and hard negatives, and "
        "raises the positive's score among them.\n\n"
        "With a --forward-factor f above 1 all of them are scored first, and "
        "only the positive and the negatives with the highest scores, one in "
        "f, are trained with. With --rdrop yes each of these is seen twice "
        "under different dropout, and the two predictions are drawn "
        "together. (A model that tells nothing apart yet stays at guessing "
        "with a factor above 1: train it with --forward-factor 1 first.)\n\n"
        "--model is a re-ranker, or any BERT or ELECTRA model: what it lacks "
        "of "
        "the head starts from random weights. The data are those of simlm "
        "finetune, the negatives best from the retriever whose hits will be "
        "re-ranked. The trained directory loads in transformers as "
        "AutoModelForSequenceClassification.\n\n"
        "A run that is stopped continues when the same command is given "
        "again.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"rerank", "score", "finetune", "search", NULL},
};

int cmd_train_reranker(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_train_reranker_options o;
    const char *missing;
    int32_t rdrop = 1;
    int64_t seed;

    simlm_train_reranker_options_init(&o);
    seed = (int64_t)o.train.seed;
    const struct option_row options[] = {
        GROUP_OPTIONS(&o.groups),
        TRAIN_OPTIONS(&o.train, &seed),
        NEGATIVE_OPTIONS(&o.groups),
        OPT_GROUP("Cross-encoder"),
        OPT_INT('l', "max-length", &o.max_length, 3, 65536, "n",
                "tokens of query and passage with their special ones"),
        OPT_INT(0, "forward-factor", &o.forward_factor, 1, 4096, "f",
                "one passage in f is trained with; 1: all"),
        OPT_CHOICE(0, "rdrop", &rdrop, "no|yes",
                   "two passes under different dropout"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc > 0)
        return options_usage(&manual, "unexpected operand '%s'", argv[0]);
    missing = train_missing(&o.train, &o.groups);
    if (missing)
        return options_usage(&manual, "%s", missing);
    o.rdrop = rdrop != 0;
    o.train.seed = (uint64_t)seed;
    o.train.threads = run.threads;
    run.ranks = true;
    run.refused = simlm_train_reranker_check(&o, &run.err);
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    return cli_run_end(&run, simlm_train_reranker(&o, &run.observer, &run.err));
}
