/*
 * report/report.h - a report in memory: read once, then shown in any form.
 *
 * <simlm/report.h> has the form of the description.  Names and texts that come
 * from it live in the JSON document that the report keeps; what comes from runs
 * and corpora is copied.
 */
#ifndef SL_REPORT_REPORT_H
#define SL_REPORT_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/report.h>

#include "base/status.h"
#include "base/str.h"
#include "format/json.h"

struct sl_report_fact {
    const char *name, *value;
};

struct sl_report_result {
    const char *name;
    double *value; /* [n_measures]; NaN: the row has none */
};

struct sl_report_comparison {
    const char *name, *measure;
    double difference, low, high, p; /* p of the t test */
};

/* Two runs: what they share of the heads of these lengths. */
enum { SL_REPORT_HEADS = 5 };
extern const int sl_report_head[SL_REPORT_HEADS];
struct sl_report_overlap {
    const char *name;
    int64_t n_queries, n_alone; /* in both runs; in one alone */
    double rbo;
    double overlap[SL_REPORT_HEADS], tied[SL_REPORT_HEADS];
};

struct sl_report_point {
    double step, value;
};

/* What a log has of one key: the training steps', and the held-out examples'.
 */
struct sl_report_curve {
    const char *chart, *name;
    struct sl_report_point *train, *held_out;
    int64_t n_train, n_held_out, train_cap, held_out_cap;
};

struct sl_report_timing {
    const char *name, *note;   /* note may be NULL */
    double seconds, processor; /* processor negative: not known */
};

struct sl_report_passage {
    char *id, *title, *text; /* title and text may be NULL: not in the corpus */
};

struct sl_report_hit {
    struct sl_report_passage passage;
    double score;
    bool relevant;
};

struct sl_report_ranking {
    const char *name;
    struct sl_report_hit *hit;
    int64_t n;
    int64_t relevant_rank; /* of the first relevant one; 0: not found */
};

struct sl_report_example {
    char *id, *query;
    struct sl_report_passage relevant; /* the first relevant passage */
    struct sl_report_ranking *ranking; /* [n_runs] */
};

struct sl_report {
    const char *title, *subtitle; /* subtitle may be NULL */
    const char **note;
    const char **measure;
    struct sl_report_fact *fact;
    struct sl_report_result *result;
    struct sl_report_comparison *comparison;
    struct sl_report_overlap *overlap;
    struct sl_report_curve *curve;
    struct sl_report_timing *timing;
    struct sl_report_example *example;
    int64_t n_notes, n_measures, n_facts, n_results, n_comparisons, n_overlaps,
        n_curves, n_timings, n_examples, n_runs;

    struct sl_json_doc *doc; /* private: the names live here */
};

simlm_status sl_report_read(struct sl_report **out, const char *path,
                            simlm_error *err);
void sl_report_free(struct sl_report *r);

/* The forms.  Failures are the string's: check sl_str_ok(). */
void sl_report_html(struct sl_str *s, const struct sl_report *r);
void sl_report_json(struct sl_str *s, const struct sl_report *r);
void sl_report_text(struct sl_str *s, const struct sl_report *r);

/* simlm_report(), its options checked. */
simlm_status sl_report_make(const simlm_report_options *o, simlm_error *err);

/* Decimals that a measure is shown with: 2 for per cent, 4 for shares. */
int sl_report_decimals(const struct sl_report *r, int64_t measure);

/* The same for a measure by name; 4 for one that is no column. */
int sl_report_decimals_of(const struct sl_report *r, const char *measure);

/* Is result i the best of a measure?  (Never if there is only one.) */
bool sl_report_is_best(const struct sl_report *r, int64_t result,
                       int64_t measure);

#endif
