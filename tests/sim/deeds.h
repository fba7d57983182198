/* What a step of a plan does: users, GitLab's people, and misfortune. */
#ifndef TESTS_SIM_DEEDS_H
#define TESTS_SIM_DEEDS_H

#include <stdint.h>

struct step;
struct story;

struct deed {
    const char *name;
    unsigned weight; /* how often it is drawn, beside the others */
    void (*perform)(struct story *story, const struct step *step);
};

/* deeds_users.c, deeds_objects.c, deeds_gitlab.c, deeds_faults.c, deeds_operator.c; each ended by a NULL name. */
extern const struct deed deeds_users[], deeds_objects[], deeds_gitlab[], deeds_faults[], deeds_operator[];

/* All of them, with one number each. */
const struct deed *deed_of(unsigned deed);
unsigned deeds_weight(void);
/* The one at that place among all weights. */
unsigned deed_drawn(uint32_t place);
/* It must be there. */
unsigned deed_named(const char *name);

#endif
