/* The plan of a story: what kind of world it is, and what people and misfortune do in it, one step after the other. All
 * of it is drawn from the seed, or from bytes that somebody has chosen, before anything happens, so a story that goes
 * wrong is made short by leaving out steps and setting the rest to 0, which is the simple case. */
#ifndef TESTS_SIM_PLAN_H
#define TESTS_SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/choice.h"

enum setup {
    SETUP_RUNNERS,  /* more than one       */
    SETUP_REPLICAS, /* more than one       */
    SETUP_ELECTION, /* also of one alone   */
    SETUP_LEASE,    /* the usual timing, not the slow one */
    SETUP_SCOPE,    /* some namespaces alone */
    SETUP_SECRETS,  /* by name             */
    SETUP_HOSTS,    /* replicas ask API servers of their own */
    SETUP_CHECK,    /* GitLab is asked often */
    SETUP_WEATHER,  /* of so many requests some are lost */
    SETUP_WRONG,    /* what people have done wrong stays so */
    SETUP_DELETED,  /* in the end all is deleted */
    SETUP_EXPIRY,   /* tokens live for an hour */
    SETUP_TOKEN,    /* the operator reads its token from a file */
    SETUP_FIRST,    /* the first spec */
    SETUP_PAGES,    /* lists come in pages of so many items */
    SETUP_ROOM,     /* little memory for objects, and a team that wants all of it */
    SETUPS
};

struct step {
    int64_t after_ms; /* the one before */
    unsigned deed;    /* deeds.h */
    uint32_t a, b, c; /* what exactly: the deed knows */
    bool left_out;
};

enum { STEPS_MAX = 24 };

struct plan {
    uint64_t seed;
    const uint8_t *input; /* what it was drawn from, lent; NULL: from the seed */
    size_t input_len;
    struct stream rest; /* what the input has left for all that happens while the story goes on (choice.h) */
    uint32_t setup[SETUPS];
    struct step steps[STEPS_MAX];
    size_t len;
    uint64_t noise_from, noise_until; /* choice.h */
    unsigned pattern, place;          /* patterns.h; place: after so many writes */
};

void plan_draw(struct plan *ret, uint64_t seed);
/* The seed is in the bytes, too; where they end it goes on. */
void plan_draw_input(struct plan *ret, const uint8_t *input, size_t len);
/* What differs from the seed's or the input's own plan, as words that plan_read() takes: "runners=0 without=3,4
 * noise=0-120". Lent until the next call. */
const char *plan_text(const struct plan *plan);
/* False: these are no such words. */
bool plan_read(struct plan *plan, const char *words);
const char *setup_name(enum setup setup);

#endif
