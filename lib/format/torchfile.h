/*
 * format/torchfile.h - the tensors of a file that torch.save() wrote.
 *
 * What is read is a state_dict: a dictionary from names to tensors.  Two
 * formats exist.  Since torch 1.6 (zip.h):
 *
 *     <name>/data.pkl     the dictionary, pickled (pickle.h)
 *     <name>/data/<key>   the bytes of one storage each, from a multiple of 64
 *     <name>/byteorder    "little"; older files have none
 *
 * Before (and still, on request):
 *
 *     pickle   0x1950a86a20f9469cfc6c    pickle   1001
 *     pickle   {"little_endian": True, ...}
 *     pickle   the dictionary            pickle   [key, ...]
 *     for each key: 8 bytes n, n elements of that storage
 *
 * In both a tensor is the note of a call,
 *
 *     torch._utils._rebuild_tensor_v2(storage, offset, shape, stride, ...)
 *
 * and its storage a persistent id ("storage", torch.FloatStorage, key, device,
 * elements).  Several tensors may share a storage: tied weights do.
 *
 * Listed without more than a name, with the reason: values that are no tensors,
 * keys that are no names, complex, quantised, sparse and fp8 tensors and others
 * of types that are not read, negative and conjugate views, tensors of more
 * dimensions than SL_TENSOR_MAX_DIMS, and expanded ones, which have more
 * elements than are stored.  A file has at least one that can be read.
 *
 * Refused by name: functions other than torch's for tensors and Python's for
 * bytes, sets and complex numbers (pickle.h; none is called), TorchScript
 * archives, big-endian files, views of storages as torch 0.2 had them.
 *
 * Bounds: every view lies within its storage, every storage within the file, and
 * all tensors together are at most SL_TORCH_SHARING times the file, so that no
 * few bytes become many.
 */
#ifndef SL_FORMAT_TORCHFILE_H
#define SL_FORMAT_TORCHFILE_H

#include "base/file.h"
#include "format/tensor.h"

enum { SL_TORCH_SHARING = 8, SL_TORCH_ENTRIES = 1 << 16 };

struct sl_torchfile;

/* Does it begin like one? */
bool sl_torchfile_is(struct sl_map map);

simlm_status sl_torchfile_open(struct sl_torchfile **out, const char *path,
                               simlm_error *err);
void sl_torchfile_close(struct sl_torchfile *f); /* accepts NULL */

/* In the file's order; names differ.  They live as long as f. */
int64_t sl_torchfile_count(const struct sl_torchfile *f);
const struct sl_tensor *sl_torchfile_at(const struct sl_torchfile *f,
                                        int64_t i);

#endif
