#include "tests/sim/choice.h"

#include <assert.h>

/* splitmix64: each number depends on the seed and its place alone. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t choices_next(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(*state);
}

void choices_init(struct choices *ret, uint64_t seed)
{
    *ret = (struct choices){.seed = seed, .until = UINT64_MAX};
}

uint32_t choices_draw(struct choices *c, uint32_t n)
{
    uint64_t place = c->drawn++;

    assert(n > 0);
    if (place < c->from || place >= c->until)
        return 0;
    return (uint32_t)(mix(c->seed + (place + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 16) % n;
}
