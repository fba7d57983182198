#include "base/jitter.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/random.h>

void jitter_seed(void)
{
    unsigned seed = 0;

    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
        srand(seed);
}

uint32_t jitter_random(void)
{
    return (uint32_t)rand();
}

int64_t jitter(int64_t least, int64_t more)
{
    assert(least >= 0 && more >= 0);
    return least + jitter_random() % (more + 1);
}
