/* run_record.h - the record beside each output: see simlm/provenance.h. */
#ifndef CLI_RUN_RECORD_H
#define CLI_RUN_RECORD_H

#include <simlm/provenance.h>

#include "options.h"

/*
 * Of the command line come command, arguments, options and inputs; the rest of
 * `known` (threads, seconds, keep) is the caller's.
 */
simlm_status run_record_write(const struct option_line *line,
                              const simlm_provenance *known, simlm_error *err);

#endif
