/*
 * train/meters.h - named running averages (spec 1.2.6, 2.4).
 *
 * A meter is a weighted mean: a loss by tokens, a rank measure by queries.
 */
#ifndef SL_TRAIN_METERS_H
#define SL_TRAIN_METERS_H

#include "format/json.h"

enum { SL_MAX_METERS = 8 };

struct sl_meters {
    struct sl_meter {
        char name[24];
        double sum, weight;
    } meter[SL_MAX_METERS];
    int32_t n;
};

/* sum and weight are added to the meter, which is made at its first use. */
void sl_meters_add(struct sl_meters *m, const char *name, double sum,
                   double weight);

/* "mrr", "acc1", "acc3" in per cent, of the positives' ranks [n], from 1. */
void sl_meters_add_ranks(struct sl_meters *m, const int32_t *rank, int64_t n);

/* Every meter of b, to a. */
void sl_meters_add_all(struct sl_meters *a, const struct sl_meters *b);
void sl_meters_reset(struct sl_meters *m);

/* NaN if nothing was added. */
double sl_meters_mean(const struct sl_meters *m, const char *name);

/* "<name>": mean of each, in order. */
void sl_meters_report(const struct sl_meters *m, struct sl_json_writer *w);

/* Sums and weights, to the last bit; and back.  E_FORMAT. */
void sl_meters_save(const struct sl_meters *m, const char *key,
                    struct sl_json_writer *w);
simlm_status sl_meters_load(struct sl_meters *m, struct sl_json object,
                            const char *key, simlm_error *err);

#endif
