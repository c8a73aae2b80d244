/*
 * format/weightfiles.h - a model's tensors, whatever holds them.
 *
 *   a safetensors file        safetensors.h
 *   a file of torch.save()    torchfile.h
 *   an index of such files    {"weight_map": {"<tensor>": "<file>", ...}}, the
 *                             files beside it
 *
 * Which of the three a file is, is told by its content.
 */
#ifndef SL_FORMAT_WEIGHTFILES_H
#define SL_FORMAT_WEIGHTFILES_H

#include "base/status.h"
#include "format/tensor.h"

struct sl_weights;

/*
 *   E_FORMAT  none of these, or damaged; an index that names a file elsewhere,
 *             or a tensor that its file does not have; a tensor in two files
 *   E_IO, E_NOMEM
 */
simlm_status sl_weights_open(struct sl_weights **out, const char *path,
                             simlm_error *err);
void sl_weights_close(struct sl_weights *w); /* accepts NULL */

const char *sl_weights_path(const struct sl_weights *w); /* as it was opened */

int64_t sl_weights_count(const struct sl_weights *w);
const struct sl_tensor *sl_weights_at(const struct sl_weights *w, int64_t i);
int64_t sl_weights_find(const struct sl_weights *w,
                        const char *name); /* or -1 */

/* The files of tensors; tensor i is in file sl_weights_file_of(w, i). */
int64_t sl_weights_n_files(const struct sl_weights *w);
const char *sl_weights_file(const struct sl_weights *w, int64_t file);
int64_t sl_weights_file_of(const struct sl_weights *w, int64_t i);

/* How file i is written: "safetensors" or "torch". */
const char *sl_weights_format(const struct sl_weights *w, int64_t file);

#endif
