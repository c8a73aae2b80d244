/*
 * simlm/report.h - what a series of runs came to, as one page (experimental).
 *
 * A report is described by a JSON file; the files it names are relative to it.
 * Every member but the title may be left out:
 *
 *   {
 *     "title": "...", "subtitle": "...",
 *     "notes": ["a paragraph", ...],
 *     "facts": [{"name": "passages", "value": "33785"}, ...],
 *     "measures": ["MRR@10", ...],         columns; what `simlm eval --json` has
 *     "results": [{"name": "BM25", "eval": "bm25.json"},
 *                 {"name": "the paper's", "cells": {"MRR@10": 41.1,
 *                  "DL19": {"eval": "dl19.json", "measure": "nDCG@10"}}}, ...],
 *                                          a row of one evaluation, or cell by
 *                                          cell; a cell may be left out
 *     "comparisons": [{"name": "RLM against none", "eval": "compared.json",
 *                      "measure": "MRR@10"}, ...],
 *                                          what `simlm eval --json --compare` has
 *     "overlaps": [{"name": "ours and the published run",
 *                   "overlap": "overlap.json"}, ...],
 *                                          what `simlm overlap --json` has
 *     "curves": [{"chart": "Fine-tuning", "name": "RLM",
 *                 "log": "retriever/log.jsonl", "key": "loss"}, ...],
 *     "timings": [{"name": "fine-tuning", "seconds": 61, "processor": 118.2,
 *                  "note": "..."}, ...],
 *     "examples": {"corpus": ["passages.jsonl"], "queries": "test_queries.tsv",
 *                  "qrels": "test_qrels.txt", "count": 8, "hits": 5,
 *                  "runs": [{"name": "BM25", "run": "test.bm25.run"}, ...]}
 *   }
 *
 * Examples are `count` judged queries, evenly spaced over the file of queries:
 * nobody chose them.
 */
#ifndef SIMLM_REPORT_H
#define SIMLM_REPORT_H

#include <simlm/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Outputs that are NULL are not written; "-" is standard output. */
typedef struct simlm_report_options {
    const char *input; /* the description; required */
    const char
        *html; /* a page that needs nothing else: no script, no network */
    const char *json; /* the same, for programs */
    const char *text; /* results and comparisons, for a terminal */
} simlm_report_options;

SIMLM_API void simlm_report_options_init(simlm_report_options *options);

/*
 * All inputs are read before an output is written.
 *
 *   E_ARG     no input
 *   E_IO      a file is missing or cannot be read or written
 *   E_FORMAT  a file is malformed, or lacks a measure; msg names it
 */
SIMLM_API simlm_status simlm_report(const simlm_report_options *options,
                                    simlm_error *err);

#ifdef __cplusplus
}
#endif
#endif /* SIMLM_REPORT_H */
