/*
 * simlm/provenance.h - how an output came about, in a file beside it.
 *
 *   simlm_provenance p = { .command = "index", .inputs = dirs, .n_inputs = 2 };
 *
 *   st = simlm_provenance_write("flat", &p, &err);      -> flat.command.json
 *
 * Experimental: members may be added.  Zero means "not known" for each of them.
 */
#ifndef SIMLM_PROVENANCE_H
#define SIMLM_PROVENANCE_H

#include <stdbool.h>
#include <stdint.h>

#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simlm_provenance {
    const char *command; /* what was done, e.g. "bm25 index"; required */
    const char *const *argument; /* [n_arguments] what stood behind it */
    int32_t n_arguments;
    const char *options;       /* a JSON object: every option, resolved */
    const char *const *inputs; /* [n_inputs] files and directories read; what
                                  * is neither ("-", a pipe) gets no hash */
    int32_t n_inputs;
    int32_t threads; /* 0: one a core */
    double seconds;  /* the work took */
    bool keep;       /* leave a record that is there already as it is */
} simlm_provenance;

/*
 * Write <output>/command.json if output is a directory, <output>.command.json
 * if it is a file, nothing if it is neither ("-", a device).
 *
 *   command, arguments, options    as given
 *   inputs                         [{path, bytes, xxh64}] of files, [{path, files:
 *                                  {name: xxh64}}] of directories; names that
 *                                  start with a dot and command.json itself are
 *                                  left out
 *   simlm                          the library's version
 *   machine                        {backend, threads}
 *   finished, seconds              when, and how long it took
 *
 *   E_ARG     no command, or options that are no object
 *   E_FORMAT  options that are no JSON
 *   E_IO, E_NOMEM
 */
SIMLM_API simlm_status simlm_provenance_write(
    const char *output, const simlm_provenance *provenance, simlm_error *err);

/* *hash <- XXH64 of the file's bytes, as records have it.  E_IO, E_NOMEM. */
SIMLM_API simlm_status simlm_file_hash(uint64_t *hash, const char *path,
                                       simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_PROVENANCE_H */
