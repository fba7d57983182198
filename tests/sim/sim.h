/* The simulation: the real operator, unchanged, in a world with a time, a network and servers of its own.
 *
 * Everything happens in events, one after the other, at a virtual time. Whatever is chosen at random is drawn from one
 * stream of choices (choice.h), so a story comes back from its seed, and a choice of 0 is always the harmless one,
 * which is how a story that goes wrong is made short. */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;

/* ------------------------------------------------------------------------------------------------------------------
 * Time: milliseconds since the simulation began. */

int64_t sim_now(const struct sim *sim);
/* Seconds since 1970, as everybody's clock has it who has not been given another one. */
int64_t sim_wall(const struct sim *sim);
/* Calls event(arg) after delay_ms; what was asked for first goes first where times are the same. Returns an id, never
 * 0. */
uint64_t sim_later(struct sim *sim, int64_t delay_ms, void (*event)(void *arg), void *arg);
/* Nothing when it has happened. */
void sim_forget(struct sim *sim, uint64_t id);

/* ------------------------------------------------------------------------------------------------------------------
 * Chance: one of 0 … n - 1; 0 is harmless. */

uint32_t sim_choose(struct sim *sim, uint32_t n);
/* True once in n times; never when all choices are 0. */
bool sim_happens(struct sim *sim, uint32_t n);

/* ------------------------------------------------------------------------------------------------------------------
 * What is told, and what must not be. */

/* A line of the story, with the time before it; nothing unless the story is told. */
void sim_tell(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What must hold, whatever happens; sabotage.h has for each how the program is broken so that it does not. */
enum property {
    PROPERTY_LEASE,
    PROPERTY_LEADER,
    PROPERTY_HEALTH,
    PROPERTY_SPINNING,
    PROPERTY_REST,
    PROPERTY_MEMORY,
    PROPERTY_TOKENS,
    PROPERTY_SAVED,
    PROPERTY_FOREIGN,
    PROPERTY_ROLLS,
    PROPERTY_EDITS,
    PROPERTY_STATUS,
    PROPERTY_CHILDREN,
    PROPERTY_MANAGERS,
    PROPERTY_RUNNERS,
    PROPERTY_DELETIONS,
    PROPERTY_FAIRNESS,
    PROPERTY_VIEW,
    PROPERTY_ROOM,
    PROPERTIES
};
/* "no write without the Lease" */
const char *property_name(enum property property);
/* A property does not hold: remembers the first of a story, and what was told. The simulation goes on to its end. */
void sim_broken(struct sim *sim, enum property property, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Whether what check(arg) checks holds now; nothing is remembered or told of what does not. */
bool sim_try(struct sim *sim, void (*check)(void *arg), void *arg);

#endif
