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

#endif
