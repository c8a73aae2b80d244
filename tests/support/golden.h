/*
 * golden.h - expected numbers of models from a JSON file, and every CPU variant
 * measured against them.
 */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include "backend/backend.h"
#include "format/json.h"
#include "model/bert.h"

struct CMUnitTest;

/* Run the tests, of which each asks for sections of this file: what main()
 * returns. */
int golden_main(const char *path, const struct CMUnitTest *tests, size_t n);

struct sl_json golden_section(const char *section);
double golden_real_at(struct sl_json list, int64_t i);
double golden_real(struct sl_json v, const char *key);
/* The integers of a list; sl_free() them. */
int32_t *golden_ints(struct sl_json v, const char *key, int64_t *n);

/* A section's "batch". */
struct golden_inputs {
    int32_t *start, *ids, *types;
    struct sl_tokens t;
};

struct golden_inputs golden_inputs_of(struct sl_json v);
void golden_inputs_free(struct golden_inputs *in);

struct golden_variant {
    const char *name;
    enum sl_compute compute;
    unsigned cpu;
    double tol, loss_tol; /* relative */
};

/* The check on each of them that this machine has. */
void golden_each_variant(void (*check)(const struct golden_variant *v,
                                       struct sl_backend *be));

/* A model directory, with room for gradients. */
struct sl_bert *golden_model(struct sl_backend *be, const char *dir,
                             struct sl_bert_parts parts);

/* |difference| within tolerance of the larger of want and size. */
void golden_check_number(const struct golden_variant *v, const char *what,
                         int64_t i, double got, double want, double size);
void golden_check_loss(const struct golden_variant *v, const char *what,
                       int64_t step, double got, double want);
/* |difference| within tolerance of the larger of the number and 1. */
void golden_check_floats(const struct golden_variant *v, const char *what,
                         const float *got, struct sl_json want, int64_t n);

/* What is trained: loss() computes the loss and adds its gradient to m's. */
struct golden_problem {
    const struct golden_variant *v;
    struct sl_bert *m;
    double (*loss)(void *self);
    void *self;
};

/* The loss before each of ten steps of AdamW is the section's "curve", the norms
 * of the first step's gradients its "grad_norms". */
void golden_check_training(const struct golden_problem *p, struct sl_json want);

#endif
