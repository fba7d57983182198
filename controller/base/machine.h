/* State machines: which state may follow which, and a check of each step.
 *
 * What comes from outside never leads to a step that is not drawn; if one is taken all the same, this program is wrong
 * about what it does, and it aborts rather than go on from there: a restart begins with what is true. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include "base/mem.h"

struct machine {
    const char *name;          /* "watch" */
    const char *const *states; /* what its states are called, by number */
    const unsigned *next;      /* by number, the bits of those that may follow: MACHINE_TO() */
    unsigned len;
};

#define MACHINE(of, names, follow)                                                                                     \
    {                                                                                                                  \
        .name = (of), .states = (names), .next = (follow), .len = ARRAY_LEN(follow)                                    \
    }
#define MACHINE_TO(state) (1u << (state))

/* Logs both states and aborts, unless `to` may follow `from`. */
void machine_step(const struct machine *machine, unsigned from, unsigned to);

#endif
