/* simlm run - a pipeline of commands, from a recipe. */
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "options.h"
#include "recipe.h"
#include "recipe_run.h"

static const char *const usage[] = {
    "simlm run [options] <recipe.yaml>",
    NULL,
};

static const char *const examples[] = {
    "All of SimLM's stages on SQuAD",
    "simlm run --set data=squad -o runs/squad recipes/squad.yaml",
    "With a base that was made before",
    "simlm run --set data=squad --given mlm=base recipes/squad.yaml",
    "What would be done",
    "simlm run --dry-run --set data=squad recipes/squad.yaml",
    NULL,
};

static const char *const files[] = {
    "<dir>/<stage>",
    "What a stage makes, called as it is unless it says "
    "otherwise.",
    "<dir>/report.html",
    "Measures, differences, curves, times and examples; "
    "report.json holds the same.",
    "<dir>/state/",
    "What is done, and what it was made of, as plain text.",
    NULL,
};

static const struct manual manual = {
    .usage = usage,
    .description =
        "Runs the stages of a recipe, one after another. A stage is a command "
        "of "
        "this program with its options; recipes/README.md has the form of the "
        "file.\n\n"
        "Everything is checked before anything is started: names, options, "
        "values, files. Then what is done already is passed over: a stage is "
        "done "
        "if it was made of the same inputs, by their contents, with the same "
        "options, and what it made is still there. The next stage that is not "
        "done is run, and so on; a stage that was interrupted or killed "
        "continues "
        "where it was, as its command does by itself. At the end a report is "
        "written, and its tables are printed.\n\n"
        "File names are relative to the directory in which the program is "
        "started, as on a command line. --threads, --quiet and --log-json go "
        "to "
        "all stages, --tensorboard to those that train.",
    .examples = examples,
    .files = files,
    .see = (const char *const[]){"report", "eval", NULL},
};

/* The folder as given, without slashes at its end; if it was not, for
 * "recipes/squad.yaml" it is "runs/squad". */
static const char *choose_folder(char *buf, size_t size, const char *given,
                                 const char *recipe)
{
    const char *name = strrchr(recipe, '/');
    size_t n;

    if (given) {
        for (n = strlen(given); n > 1 && given[n - 1] == '/';)
            n--;
        snprintf(buf, size, "%.*s", (int)n, given);
        return buf;
    }
    name = name ? name + 1 : recipe;
    n = strcspn(name, ".");
    snprintf(buf, size, "runs/%.*s", n ? (int)n : (int)strlen(name), name);
    return buf;
}

static simlm_status run_recipe(struct recipe *r, struct cli_run *run,
                               const struct recipe_options *o, bool dry)
{
    bool worked = false;
    simlm_status st = recipe_open(r, o, &run->err);

    if (st == SIMLM_OK)
        st =
            dry ? recipe_show(r, &run->err) : recipe_run(&worked, r, &run->err);
    if (st < 0 || dry || o->quiet)
        return st;
    if (!worked)
        fprintf(stderr, "nothing to do: all stages are done\n");
    fprintf(stderr, "the report: %s/report.html\n", o->folder);
    return st;
}

int cmd_run(int argc, char **argv)
{
    struct cli_run run = CLI_RUN_INIT;
    struct recipe_options o = {0};
    struct recipe r = {0};
    char folder[4000];
    bool dry = false;
    simlm_status st;

    run.threads = -1;
    const struct option_row options[] = {
        OPT_PATH('o', "output", &o.folder, "dir",
                 "the run's folder; without it runs/<name of the recipe>"),
        OPT_LIST(0, "set", &o.set, "name=value",
                 "give a variable of the recipe another value; may be given "
                 "several times"),
        OPT_LIST(0, "given", &o.given, "stage=path",
                 "a stage's result that is there already: it is not run, nor "
                 "what only it needs; may be given several times"),
        OPT_FLAG('n', "dry-run", &dry,
                 "check, print what is done and what is to do, and end"),
        OPT_CONTEXT(&run.line),
        OPT_GROUP("Running"),
        OPT_INT(
            't', "threads", &run.threads, -1, 1024, "n",
            "threads of every stage; 0: one a core; -1: as the recipe says"),
        OPT_FLAG('q', "quiet", &run.quiet, "no progress, no messages"),
        OPT_PATH(0, "log-json", &run.log_json, "file",
                 "append records of all stages, one JSON object a line; "
                 "-: standard output"),
        OPT_PATH(0, "tensorboard", &o.tensorboard, "dir",
                 "write TensorBoard's event files of all trainings, in "
                 "<dir>/<stage>"),
        OPT_END(),
    };

    argc = options_parse(argc, argv, options, &manual);
    if (argc < 0)
        return options_exit_code(argc);
    if (argc != 1)
        return options_usage(&manual, "expected a recipe");
    o.folder = choose_folder(folder, sizeof folder, o.folder, argv[0]);
    o.path = argv[0];
    o.threads = run.threads;
    o.quiet = run.quiet;
    o.log_json = run.log_json;
    run.brief = true; /* signals are the stage's; see recipe_run.c */
    if (!cli_run_begin(&run))
        return CLI_FAILED;
    st = run_recipe(&r, &run, &o, dry);
    recipe_close(&r);
    return cli_run_end(&run, st);
}
