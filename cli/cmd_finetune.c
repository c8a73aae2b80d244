/* simlm finetune - contrastive training of a bi-encoder. */
#include "cli.h"
#include "commands.h"
#include "options.h"
#include "train_options.h"

static const char *const usage[] = {
    "simlm finetune [options] --model <dir> --corpus <file> --queries <file> "
    "--qrels <file> --negatives <run> -o <dir>",
    "simlm finetune [options] --model <dir> --corpus <file> --train "
    "<train.jsonl> -o <dir>",
    "simlm finetune [options] --model <dir> --corpus <file> --teacher "
    "<kd_train.jsonl> -o <dir>",
    NULL};

static const char *const examples[] = {
    "With BM25's hits as negatives",
    "simlm bm25 search --index bm25 --top 200 -o train.bm25 train.tsv\n"
    "simlm finetune --model rlm --corpus passages.jsonl.gz --queries train.tsv "
    "\\\n"
    "      --qrels train.qrels --negatives train.bm25 -o retriever",
    "From SimLM's published lists",
    "simlm finetune --model rlm --corpus passages.jsonl.gz --train train.jsonl "
    "\\\n"
    "      -o retriever",
    "From a re-ranker's scores, as SimLM's last stage",
    "simlm finetune --model rlm --corpus passages.jsonl.gz --teacher "
    "kd_train.jsonl \\\n"
    "      --passages 24 --epochs 6 --lr 3e-5 -o retriever",
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
    "The trained model, with the other files of its directory; of two encoders "
    "(--untied) <dir>/query_model/ and <dir>/passage_model/.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Trains a bi-encoder: queries and passages become vectors whose "
        "inner product says how well they fit. A step takes --batch "
        "queries, for each a positive passage and hard negatives, and "
        "every other query's passages are negatives, too.\n\n"
        "Positives are the judged passages of --qrels; negatives are hits "
        "of the run --negatives (from bm25 search or search) that are not "
        "positives. --train gives lists made before, in the form of "
        "SimLM's own train.jsonl, instead.\n\n"
        "With --teacher the lists' scores are a re-ranker's: the softmax over "
        "the similarities of a query's own passages is drawn to the softmax "
        "over "
        "their scores (KL divergence), and --contrastive-weight times the "
        "contrastive loss is added.\n\n"
        "A run that is stopped continues when the same command is given "
        "again, as with simlm pretrain.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"pretrain", "bm25 search", "encode", NULL},
};

int cmd_finetune(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_finetune_options o;
    const char *missing, *teacher = NULL;
    int32_t full = 1, scaled = 1;
    int64_t seed;

    simlm_finetune_options_init(&o);
    seed = (int64_t)o.train.seed;
    const struct option_row options[] = {
        GROUP_OPTIONS(&o.groups),
        OPT_INPUT(0, "teacher", &teacher, "file",
                  "the same with a teacher's scores to learn from"),
        OPT_CONFLICT("teacher", "train|queries|qrels|negatives"),
        TRAIN_OPTIONS(&o.train, &seed),
        NEGATIVE_OPTIONS(&o.groups),
        OPT_CHOICE(0, "false-negatives", &o.false_negatives, "keep|mask",
                   "known answers among other queries' passages"),
        OPT_GROUP("Bi-encoder"),
        OPT_INT(0, "query-max-length", &o.query_length, 3, 65536, "n",
                "tokens of a query with its special ones"),
        OPT_INT(0, "passage-max-length", &o.passage_length, 3, 65536, "n",
                "tokens of a passage with its special ones"),
        OPT_FLAG(0, "untied", &o.untied,
                 "an encoder for queries, one for passages"),
        OPT_INT(0, "pooler", &o.pooler, 0, 65536, "n",
                "width of a linear layer behind them; 0: as the model has it"),
        OPT_CHOICE(0, "normalize", &o.normalize, "model|no|yes",
                   "vectors to unit length; model: as its directory says"),
        OPT_REAL(0, "temperature", &o.temperature, 1e-4, 100, "t",
                 "of the softmax over similarities of unit vectors"),
        OPT_FLAG(0, "temperature-warmup", &o.temperature_warmup,
                 "reach it when the learning rate's warm-up ends"),
        OPT_CHOICE(0, "full-contrastive", &full, "no|yes",
                   "four blocks of similarities, or query-passage alone"),
        OPT_CHOICE(
            0, "scaled-loss", &scaled, "no|yes",
            "over all processes' queries, by --loss-scale; or one's own"),
        OPT_INT(0, "grad-cache", &o.grad_cache, 0, 1 << 20, "n",
                "gradient caching: texts computed at once, whatever the batch; "
                "0: as many as --batch-tokens allows"),
        OPT_REAL(0, "loss-scale", &o.loss_scale, -1, 1e6, "x",
                 "factor of the contrastive loss; 0 or less: 1"),
        OPT_GROUP("Distillation"),
        OPT_REAL(0, "contrastive-weight", &o.contrastive_weight, 0, 1e6, "x",
                 "of the contrastive loss beside --teacher's"),
        OPT_FLAG(0, "mask-own-negatives", &o.mask_own_negatives,
                 "without a query's hard ones; needs --scaled-loss no"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc > 0)
        return options_usage(&manual, "unexpected operand '%s'", argv[0]);
    if (teacher) {
        o.groups.examples = teacher;
        o.distill = true;
    }
    missing = train_missing(&o.train, &o.groups);
    if (missing)
        return options_usage(&manual, "%s", missing);
    o.full_contrastive = full != 0;
    o.scaled_loss = scaled != 0;
    o.train.seed = (uint64_t)seed;
    o.train.threads = run.threads;
    run.ranks = true;
    run.refused = simlm_finetune_check(&o, &run.err);
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    return cli_run_end(&run, simlm_finetune(&o, &run.observer, &run.err));
}
