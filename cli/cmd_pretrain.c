/* simlm pretrain - masked or replaced language modelling on passages. */
#include "cli.h"
#include "commands.h"
#include "options.h"
#include "train_options.h"

static const char *const usage[] = {
    "simlm pretrain [options] --objective mlm --model <dir> -o <dir> <corpus>...",
    "simlm pretrain [options] --objective rlm --model <dir> --generator <dir> "
    "-o <dir> <corpus>...",
    NULL
};

int cmd_pretrain(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    simlm_pretrain_options o;
    int32_t mask_form = 0, generator_dropout = 1;
    int64_t seed;

    simlm_pretrain_options_init(&o);
    seed = (int64_t)o.train.seed;
    const struct option_row options[] = {
        OPT_CHOICE(0, "objective", &o.objective, "mlm|rlm",
                   "masked, or replaced through a bottleneck"),
        TRAIN_OPTIONS(&o.train, &seed),
        OPT_GROUP("Passages and masks"),
        OPT_INT(0, "max-length", &o.max_length, 3, 65536, "n",
                "tokens of a passage with its special ones"),
        OPT_REAL(0, "mask-rate", &o.mask_rate, 0, 1, "p",
                 "mlm: share of tokens hidden"),
        OPT_CHOICE(0, "mask-form", &mask_form, "auto|all|80-10-10",
                   "what hides a token; auto: all for rlm, 80-10-10 for mlm"),
        OPT_GROUP("Replaced language modelling"),
        OPT_STRING('g', "generator", &o.generator, "dir",
                   "the frozen masked LM that samples replacements"),
        OPT_CHOICE(0, "generator-dropout", &generator_dropout, "off|on",
                   "while training, as the reference has it"),
        OPT_REAL(0, "generator-head-eps", &o.generator_head_eps, 0, 0.1, "e",
                 "of its head's layer norm, 1e-5 as in transformers 4.15; 0: "
                 "its config's"),
        OPT_REAL(0, "encoder-rate", &o.encoder_rate, 0, 0.999, "p",
                 "share of tokens replaced for the encoder"),
        OPT_REAL(0, "decoder-rate", &o.decoder_rate, 0, 1, "p",
                 "share of tokens replaced for the decoder"),
        OPT_INT(0, "decoder-layers", &o.decoder_layers, 1, 64, "n",
                "copied from the encoder's last"),
        CLI_COMMON_OPTIONS(&run),
        OPT_END()
    };

    argc = options_parse(argc, argv, options, usage);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc < 1)
        return options_usage(usage, "expected a corpus");
    if (!o.train.model || !o.train.output)
        return options_usage(usage, "--%s is needed",
                             o.train.model ? "output" : "model");
    if (o.objective == SIMLM_OBJECTIVE_RLM && !o.generator)
        return options_usage(usage, "--objective rlm needs --generator");
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    o.corpus = (const char *const *)argv;
    o.n_corpus = argc;
    o.mask_form = mask_form - 1;
    o.generator_dropout = generator_dropout != 0;
    o.train.seed = (uint64_t)seed;
    o.train.threads = run.threads;
    return cli_run_end(&run, simlm_pretrain(&o, &run.observer, &run.err));
}
