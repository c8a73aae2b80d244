/* index/bm25_jobs.h - what is behind <simlm/bm25.h>: files in, files out. */
#ifndef SL_INDEX_BM25_JOBS_H
#define SL_INDEX_BM25_JOBS_H

#include <simlm/bm25.h>

simlm_status sl_bm25_index_files(const simlm_bm25_index_options *o,
                                 const simlm_observer *obs, simlm_error *err);
simlm_status sl_bm25_search_file(const simlm_bm25_search_options *o,
                                 const simlm_observer *obs, simlm_error *err);

#endif
