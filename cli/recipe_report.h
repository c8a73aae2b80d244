/* recipe_report.h - what a recipe's report holds, and its description. */
#ifndef CLI_RECIPE_REPORT_H
#define CLI_RECIPE_REPORT_H

#include "recipe.h"

enum { REPORT_MAX = 64 };

/* Queries with judgements: what runs are measured by. */
struct report_set {
    const char *name, *qrels; /* qrels NULL: judged by answers */
    const char *dataset;      /* its name in a model's card */
    long line;
    const struct node *node; /* its other members are options of eval */
};

struct report_column {
    const char *name, *measure; /* measure as `simlm eval --json` has it */
    int set;
};

struct report_row {
    const char *name;
    const char *run[REPORT_MAX], *eval[REPORT_MAX]; /* by set; NULL: none */
    const char *card; /* the model whose card gets its measures; NULL: none */
    double given[REPORT_MAX]; /* by column */
    bool is_given[REPORT_MAX];
    bool left_out; /* an optional row without its files */
};

struct report_difference {
    const char *name, *eval;
    int column;
};

struct report_overlap {
    const char *name, *file;
};

struct report_fact {
    const char *name, *text;
};

struct report_plan {
    struct report_set set[REPORT_MAX];
    struct report_column column[REPORT_MAX];
    struct report_row row[REPORT_MAX];
    struct report_difference difference[REPORT_MAX];
    struct report_overlap overlap[REPORT_MAX];
    const char *note[REPORT_MAX];
    struct report_fact fact[REPORT_MAX];
    int n_sets, n_columns, n_rows, n_differences, n_overlaps, n_notes, n_facts;
    const char *corpus, *queries, *count, *hits; /* corpus NULL: no examples */
};

/* Seconds that a stage has taken; false: not known. */
typedef bool stage_times(void *ctx, const struct stage *s, double *seconds,
                         double *processor);

/* The description of the report as JSON, in the recipe's memory.  Its file
 * names are relative to the run's folder, or absolute. */
const char *recipe_describe_report(struct recipe *r, stage_times *times,
                                   void *ctx);

/* The stage that makes the report of "report.in.json" in the run's folder. */
simlm_status recipe_add_report(struct stage **out, struct recipe *r,
                               simlm_error *err);

#endif
