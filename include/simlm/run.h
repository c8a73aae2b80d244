/*
 * simlm/run.h - the two forms of the run files that commands write.
 */
#ifndef SIMLM_RUN_H
#define SIMLM_RUN_H

typedef enum simlm_run_format {
    SIMLM_RUN_MSMARCO = 0, /* query \t passage \t rank \t score */
    SIMLM_RUN_TREC = 1     /* query Q0 passage rank score tag */
} simlm_run_format;

#endif /* SIMLM_RUN_H */
