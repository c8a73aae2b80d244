/* provenance/provenance.h - the record beside an output; see the public header. */
#ifndef SL_PROVENANCE_PROVENANCE_H
#define SL_PROVENANCE_PROVENANCE_H

#include <simlm/provenance.h>

simlm_status sl_provenance_write(const char *output, const simlm_provenance *p,
                                 simlm_error *err);

#endif
