/* Running stories: one, in a process of its own, and as many as are asked for; and making one short. */
#ifndef TESTS_SIM_DRIVER_H
#define TESTS_SIM_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/plan.h"
#include "tests/sim/sim_parts.h"

/* How a story has ended. property "": all held; "crash": its process has died. */
struct outcome {
    char property[64], text[1024];
    struct figures figures;
    int64_t lasted_ms; /* of virtual time */
    unsigned writes;   /* story.h */
};

/* In this process. telling: 0: nothing is told, 1: what changes something, 2: all. */
void outcome_here(const struct plan *plan, int telling, struct outcome *ret);
/* In a process of its own. */
void outcome_apart(const struct plan *plan, int telling, struct outcome *ret);

/* A shorter plan that ends the same way; *ret_tried: how many were tried. */
void plan_shrink(struct plan *plan, const char *property, unsigned *ret_tried);

void figures_add(struct figures *sum, const struct figures *more);

#endif
