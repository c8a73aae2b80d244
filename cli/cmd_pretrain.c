/* simlm pretrain - masked or replaced language modelling on passages. */
#include "cli.h"
#include "commands.h"
#include "options.h"
#include "train_options.h"

static const char *const usage[] = {
    "simlm pretrain [options] --objective <name> --model <dir> -o <dir> "
    "<corpus>...",
    "simlm pretrain [options] --objective rlm|encdec-rtd --model <dir> "
    "--generator <dir> -o <dir> <corpus>...",
    NULL};

static const char *const examples[] = {
    "A masked LM",
    "simlm pretrain --objective mlm --model base0 -o mlm passages.jsonl.gz",
    "SimLM's pre-training, the masked LM being its generator, too",
    "simlm pretrain --objective rlm --model mlm --generator mlm -o rlm \\\n"
    "      passages.jsonl.gz",
    "The same with a small generator that learns alongside",
    "simlm init --generator -o gen0 --vocab vocab.txt --layers 3 --hidden 64\n"
    "simlm pretrain --objective rlm --model mlm --generator gen0 \\\n"
    "      --generator-training joint -o rlm passages.jsonl.gz",
    "Condenser, then coCondenser from it",
    "simlm pretrain --objective condenser --model mlm -o con "
    "passages.jsonl.gz\n"
    "simlm pretrain --objective cocondenser --model con -o cocon \\\n"
    "      passages.jsonl.gz",
    "A short run of a small model",
    "simlm pretrain --objective mlm --model base0 -o mlm --steps 4000 \\\n"
    "      --batch 16 --lr 1e-3 --max-length 128 passages.jsonl.gz",
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
    "<dir>/decoder.safetensors",
    "The decoder, if the objective has one.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Trains a model on passages, with one of these objectives:\n\n"
        "mlm: tokens are hidden and must be told from their neighbours, as "
        "BERT and ELECTRA's generator are trained.\n\n"
        "rlm: SimLM's own. A --generator replaces tokens, and the encoder must "
        "restore the passage together with a shallow decoder that sees the "
        "encoder only through its [CLS] vector: so that one vector comes to "
        "hold the passage.\n\n"
        "encdec-mlm: the same with [MASK] in place of replaced tokens, and "
        "only those count.\n\n"
        "encdec-rtd: the same as rlm, but both are asked which tokens were "
        "replaced.\n\n"
        "autoencoder: the decoder must write the passage from the [CLS] vector "
        "alone.\n\n"
        "condenser: the decoder sees the last layer's [CLS] and an early "
        "layer's other tokens.\n\n"
        "cocondenser: condenser, with two spans of each passage, whose vectors "
        "must find each other among all of the step's.\n\n"
        "A run that is stopped (by a signal, a crash, kill -9) continues "
        "when the same command is given again, from its last checkpoint; "
        "the result is, bit for bit, that of a run that was not stopped. A "
        "directory that holds another run is refused unless --overwrite is "
        "given.\n\n"
        "Defaults that define the method are SimLM's; batch, learning rate "
        "and length are those of a full-size run and need choosing for "
        "small ones.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"init", "finetune", NULL},
};

int cmd_pretrain(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_pretrain_options o;
    int32_t mask_form = 0, generator_dropout = 1;
    int32_t generator_training = 0, generator_init = 0;
    int64_t seed;

    simlm_pretrain_options_init(&o);
    seed = (int64_t)o.train.seed;
    const struct option_row options[] = {
        OPT_CHOICE(0, "objective", &o.objective,
                   "mlm|rlm|encdec-mlm|condenser|encdec-rtd|autoencoder|"
                   "cocondenser",
                   "see above"),
        TRAIN_OPTIONS(&o.train, &seed),
        OPT_GROUP("Passages and what is hidden of them"),
        OPT_INT(0, "max-length", &o.max_length, 3, 65536, "n",
                "tokens of a passage, or span, with its special ones"),
        OPT_CHOICE(0, "loss-mean", &o.loss_mean, "step|micro",
                   "average over a step's tokens, or over its micro-batches"),
        OPT_REAL(0, "mask-rate", &o.mask_rate, 0, 1, "p",
                 "mlm, condenser, cocondenser: share of tokens hidden"),
        OPT_REAL(0, "encoder-rate", &o.encoder_rate, 0, 1, "p",
                 "rlm, encdec-mlm, encdec-rtd: share of tokens hidden or "
                 "replaced for the encoder"),
        OPT_REAL(0, "decoder-rate", &o.decoder_rate, 0, 1, "p",
                 "and for the decoder, the encoder's among them; no larger: "
                 "the same tokens"),
        OPT_CHOICE(0, "mask-form", &mask_form, "auto|all|80-10-10",
                   "what hides a token; auto: 80-10-10 for mlm and condensers, "
                   "else [MASK] for all"),
        OPT_GROUP("Decoder (all objectives but mlm)"),
        OPT_INT(0, "decoder-layers", &o.decoder_layers, 1, 64, "n",
                "its layers"),
        OPT_CHOICE(0, "decoder-init", &o.decoder_init, "auto|copy|random",
                   "copies of the encoder's last layers or random; auto: the "
                   "model's own decoder, else random for condensers, copies "
                   "for the others"),
        OPT_INT(0, "early-layers", &o.early_layers, 0, 255, "n",
                "condenser, cocondenser: layers below the skip; 0: half"),
        OPT_GROUP("Generator (rlm, encdec-rtd)"),
        OPT_MODEL('g', "generator", &o.generator,
                  "the masked LM that samples replacements"),
        OPT_CHOICE(0, "generator-training", &generator_training, "frozen|joint",
                   "joint: it learns from the same masks"),
        OPT_CHOICE(0, "generator-init", &generator_init, "given|random",
                   "random: of its shape, with new weights"),
        OPT_REAL(0, "generator-weight", &o.generator_weight, 0, 1e6, "w",
                 "of a joint generator's loss"),
        OPT_CHOICE(0, "generator-dropout", &generator_dropout, "off|on",
                   "while training, as the reference has it"),
        OPT_REAL(0, "generator-head-eps", &o.generator_head_eps, 0, 0.1, "e",
                 "of its head's layer norm, 1e-5 as in transformers 4.15; 0: "
                 "its config's"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()};

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc < 1)
        return options_usage(&manual, "expected a corpus");
    if (!o.train.model || !o.train.output)
        return options_usage(&manual, "--%s is needed",
                             o.train.model ? "output" : "model");
    if (!o.generator && (o.objective == SIMLM_OBJECTIVE_RLM ||
                         o.objective == SIMLM_OBJECTIVE_ENCDEC_RTD))
        return options_usage(&manual, "this objective needs --generator");
    o.corpus = (const char *const *)argv;
    o.n_corpus = argc;
    o.mask_form = mask_form - 1;
    o.generator_joint = generator_training == 1;
    o.generator_random = generator_init == 1;
    o.generator_dropout = generator_dropout != 0;
    o.train.seed = (uint64_t)seed;
    o.train.threads = run.threads;
    run.ranks = true;
    run.refused = simlm_pretrain_check(&o, &run.err);
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    return cli_run_end(&run, simlm_pretrain(&o, &run.observer, &run.err));
}
