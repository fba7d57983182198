/* Chance, so that many who begin together do not go on in step. Nothing secret is made of it. */
#ifndef BASE_JITTER_H
#define BASE_JITTER_H

#include <stdint.h>

/* Once, when the program starts; until then each process draws the same. */
void jitter_seed(void);
/* Any number up to INT32_MAX. */
uint32_t jitter_random(void);
/* From least to least + more, both included, in whatever unit; neither is negative. */
int64_t jitter(int64_t least, int64_t more);

#endif
