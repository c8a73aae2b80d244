/*
 * faults.h - make the n-th allocation, or the n-th use of a file, fail.
 *
 * The product has no hooks for this: the linker's --wrap hands the library's
 * calls of malloc(), fopen(), fsync() and so on to faults.c, in test_faults
 * alone.  Streams are opened with fopencookie(), so that a failing read or
 * write is stdio's own: its error flag, its short counts, its failing fclose().
 * What libraries allocate for themselves does not fail; jansson 2.14 would not
 * survive it (json_loadb() then frees what it has freed).
 *
 *     faults_begin(FAULT_WRITE, 3, false);
 *     ... the third write of what is called here fails ...
 *     n = faults_end();
 *
 * For one thread.  While nothing has begun nothing fails, but what is held is
 * always counted.
 */
#ifndef TEST_FAULTS_H
#define TEST_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum fault {
    FAULT_MEMORY, /* malloc and its kin: ENOMEM */
    FAULT_OPEN,   /* fopen, open, opendir and their kin, mmap: EMFILE */
    FAULT_READ,   /* EIO */
    FAULT_WRITE,  /* of bytes, mkdir, ftruncate: ENOSPC */
    FAULT_SYNC,   /* fsync: EIO */
    FAULT_RENAME, /* ENOSPC */
    N_FAULTS
};

const char *fault_name(enum fault kind);

/* From now on the n-th operation of this kind fails (0: none), or with
 * `lasting` all from the n-th. */
void faults_begin(enum fault kind, int64_t n, bool lasting);

/* Nothing fails any more.  Returns how many operations there were. */
int64_t faults_end(void);

/* What was taken and not given back so far. */
struct held {
    int64_t blocks, files, maps;
};
struct held faults_held(void);

#endif
