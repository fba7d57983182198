/* Chance, so that many who begin together do not go on in step. The program seeds rand() at its start. */
#ifndef BASE_JITTER_H
#define BASE_JITTER_H

#include <stdint.h>
#include <stdlib.h>

/* From least to least + more, both included, in whatever unit; neither is negative. */
static inline int64_t jitter(int64_t least, int64_t more)
{
    return least + rand() % (more + 1);
}

/* What to wait for after so many failures in a row (1: the first): `first`, doubling to `longest`; three quarters to
 * five quarters of it. */
static inline int64_t backoff(int64_t first, int64_t longest, unsigned failures)
{
    int64_t pause = first;

    for (unsigned i = 1; i < failures && pause < longest; i++)
        pause *= 2;
    if (pause > longest)
        pause = longest;
    return jitter(pause * 3 / 4, pause / 2);
}

#endif
