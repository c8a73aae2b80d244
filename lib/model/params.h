/*
 * model/params.h - the parameters of a model as one list.
 *
 * A component (embeddings, one layer, the LM head, ...) is a const table of
 * rows: the field of the component's struct, the checkpoint's name, shape,
 * whether AdamW decays it, how it starts.  A model strings components together
 * with prefixes ("bert.encoder.layer.3."); the result is one list that the
 * loader, saver, initialiser and optimiser walk.
 *
 * Weights, gradients and the optimiser's moments are flat blocks of sl_real in
 * the backend's memory with the same offsets, so element i of each speaks of
 * the same parameter: the optimiser and the gradient norm are loops over flat
 * arrays.  Gaps (rows start on 64 bytes) hold zeros in every block and stay so.
 */
#ifndef SL_MODEL_PARAMS_H
#define SL_MODEL_PARAMS_H

#include "backend/ops.h"
#include "base/strmap.h"
#include "format/weightfiles.h"
#include "model/config.h"

enum sl_dim {
    SL_DIM_VECTOR,
    SL_DIM_D,
    SL_DIM_E,
    SL_DIM_F,
    SL_DIM_V,
    SL_DIM_P,
    SL_DIM_T,
    SL_DIM_O,
    SL_DIM_ONE
};
enum sl_init { SL_INIT_NORMAL, SL_INIT_ZEROS, SL_INIT_ONES };

/* One row of a component's table. */
struct sl_param_row {
    const char *name;       /* after the prefix */
    size_t field;           /* offsetof the sl_real * in the component */
    enum sl_dim rows, cols; /* rows SL_DIM_VECTOR: one dimension */
    enum sl_init init;
    bool decay;
    bool joined; /* lies right behind the row before, without a gap */
};

struct sl_param {
    char name[112]; /* with prefix, as a checkpoint with a head has it */
    int64_t rows, cols, n;
    int64_t offset; /* elements from the start of a block */
    int32_t n_dims; /* 1 or 2 */
    enum sl_init init;
    bool decay;
    size_t field;
};

struct sl_params {
    struct sl_param *list;
    int64_t count, cap;
    int64_t size; /* elements of a block */
};

/*
 * Append a component's rows; *first <- index of its first parameter.
 * A name that does not fit is our bug.
 */
simlm_status sl_params_add(struct sl_params *ps, int64_t *first,
                           const struct sl_param_row *rows, int64_t n_rows,
                           const char *prefix, const struct sl_config *c,
                           simlm_error *err);
void sl_params_free(struct sl_params *ps);

/*
 * Append another model's list, with a prefix to its names, behind this one's;
 * *offset <- where its block begins in this one's, which has grown by it.
 */
simlm_status sl_params_join(struct sl_params *ps, int64_t *offset,
                            const struct sl_params *other, const char *prefix,
                            simlm_error *err);

/* The index of a name, or -1. */
int64_t sl_params_find(const struct sl_params *ps, const char *name);

/* Point the fields of a component (parameters first .. first + n - 1) into
 * `block`. */
void sl_params_bind(void *component, const struct sl_params *ps, int64_t first,
                    int64_t n, const struct sl_backend *be, sl_real *block);

/*
 * block <- initial values: normal of standard deviation std (Philox, a stream
 * for each parameter's place in the list), zeros, ones.
 */
simlm_status sl_params_init(const struct sl_params *ps, int64_t first,
                            int64_t n, struct sl_backend *be, sl_real *block,
                            float std, uint64_t seed, simlm_error *err);

/*
 * The tensor of w that parameter i is read from, or -1.  Names are tried as they
 * are, without their "bert." or "electra." prefix, with old checkpoints' gamma
 * and beta, and as the tied copy that stands for it (sl_tied_names).  `strip` is
 * cut from the front of the list's names first (NULL: nothing).
 */
int64_t sl_params_match(const struct sl_params *ps, int64_t i,
                        const struct sl_weights *w, const char *strip);

/* Has the tensor the parameter's shape, and floats? */
bool sl_param_fits(const struct sl_param *p, const struct sl_tensor *t);

/* Is tensor i of w a copy of one that a model shares, and that is there, too? */
bool sl_params_is_copy(const struct sl_weights *w, int64_t i);

/*
 * Read parameters first .. first + n - 1 from w into block.  A missing tensor,
 * another shape, or a NaN or infinity is an error that names it; tensors of the
 * file that nothing asked for are added to `ignored` (may be NULL), names -> 0.
 */
simlm_status sl_params_load(const struct sl_params *ps, int64_t first,
                            int64_t n, struct sl_backend *be, sl_real *block,
                            const struct sl_weights *w, const char *strip,
                            struct sl_strmap *ignored, simlm_error *err);

/*
 * Only see whether w has them all, in these shapes: asked before a block is
 * allocated whose size a config.json alone vouches for.
 */
simlm_status sl_params_check(const struct sl_params *ps, int64_t first,
                             int64_t n, const struct sl_weights *w,
                             const char *strip, simlm_error *err);

/*
 * A model has one embedding matrix for its inputs and outputs.  E_FORMAT if w
 * has both, and they differ.
 */
simlm_status sl_params_check_tied(const struct sl_weights *w, simlm_error *err);

/* Write them, `strip` cut from the front of the names.  Whole or absent. */
simlm_status sl_params_save(const struct sl_params *ps, int64_t first,
                            int64_t n, struct sl_backend *be,
                            const sl_real *block, const char *path,
                            const char *strip, simlm_error *err);

/* The first parameter in which block holds a NaN or infinity, or -1.  (For
 * E_NUMERIC messages that name a tensor.) */
int64_t sl_params_nonfinite(const struct sl_params *ps, struct sl_backend *be,
                            const sl_real *block);

#endif
