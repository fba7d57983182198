#include "tests/sim/choice.h"

#include <assert.h>
#include <stdbool.h>

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

/* False: there are not enough bytes. */
static bool take_two(struct stream *s, uint32_t *ret)
{
    if (s->len < 2)
        return false;
    *ret = s->bytes[0] | (uint32_t)s->bytes[1] << 8;
    s->bytes += 2;
    s->len -= 2;
    return true;
}

uint64_t stream_next(struct stream *s)
{
    uint32_t given;

    if (take_two(s, &given))
        return given ? mix(given) : 0;
    return choices_next(&s->state);
}

void choices_init(struct choices *ret, uint64_t seed)
{
    *ret = (struct choices){.seed = seed, .until = UINT64_MAX};
}

uint32_t choices_draw(struct choices *c, uint32_t n)
{
    uint64_t place = c->drawn++;
    uint32_t given;
    bool is_given = take_two(&c->first, &given);

    assert(n > 0);
    if (place < c->from || place >= c->until)
        return 0;
    if (is_given)
        return given % n;
    return (uint32_t)(mix(c->seed + (place + 1) * UINT64_C(0x9e3779b97f4a7c15)) >> 16) % n;
}
