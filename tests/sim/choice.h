/* What is drawn where something may happen so or so: numbers that come from bytes that somebody has chosen, as long as
 * there are any, then from a seed; or 0, which is harmless.
 *
 * The story's steps are drawn first, from a stream of their own (story.h); this one is for all that happens while it
 * goes on. Only what lies in the window is drawn, so that a story that goes wrong can be made quiet piece by piece. */
#ifndef TESTS_SIM_CHOICE_H
#define TESTS_SIM_CHOICE_H

#include <stddef.h>
#include <stdint.h>

/* Numbers one after the other: two bytes each, then those of a generator. */
struct stream {
    const uint8_t *bytes; /* lent */
    size_t len;
    uint64_t state;
};

struct choices {
    uint64_t seed;
    struct stream first;  /* its bytes alone */
    uint64_t from, until; /* the window: numbers of draws; from 0 on */
    uint64_t drawn;
};

/* The window is all of it. */
void choices_init(struct choices *ret, uint64_t seed);
/* One of 0 … n - 1. */
uint32_t choices_draw(struct choices *choices, uint32_t n);
/* The next number of a generator whose state is *state. */
uint64_t choices_next(uint64_t *state);
/* Of 64 bits; of bytes that are 0 it is 0. */
uint64_t stream_next(struct stream *stream);

#endif
