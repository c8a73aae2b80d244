/*
 * fake_ranks.h - one process plays all ranks of a step, one after the other, and
 * twice: the first time what a rank has to share is noted and the rest taken
 * away, the second time it is given all.
 *
 *     fake_ranks_begin(size);
 *     while (fake_ranks_next(&known))
 *         ... the step of one rank, whose results count if known ...
 *     fake_ranks_end();
 *
 * A step gathers once, up to some kilobytes, and the same both times.
 */
#ifndef TEST_FAKE_RANKS_H
#define TEST_FAKE_RANKS_H

#include <stdbool.h>
#include <stdint.h>

void fake_ranks_begin(int32_t size);
bool fake_ranks_next(bool *known);

/* Alone again; every rank must have gathered both times. */
void fake_ranks_end(void);

/* Alone again, after a test that failed in between. */
int fake_ranks_teardown(void **state);

#endif
