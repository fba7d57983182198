/* The simulation from inside: for its loop, its network, its replicas and its stories. */
#ifndef TESTS_SIM_SIM_PARTS_H
#define TESTS_SIM_SIM_PARTS_H

#include "tests/sim/choice.h"
#include "tests/sim/sim.h"

#include "base/buf.h"

struct network;
struct replica;

enum { REPLICAS_MAX = 3 };

/* When a story begins: 2026-01-05 09:00:00 UTC, a Monday. */
#define SIM_EPOCH INT64_C(1767603600)

/* Something that will happen. Its place in the heap is known, so that it can be taken back. */
struct sim_event {
    int64_t at;
    uint64_t order; /* of those at the same time */
    void (*happen)(void *arg);
    void *arg;
    uint32_t place;      /* in the heap, from 1 on; 0: it is free    */
    uint32_t generation; /* of the slot; half of the id              */
};

/* What has happened in a story, for the closing line. */
struct figures {
    uint64_t events, iterations, requests, kills, stops, jumps, steps;
    uint64_t refused, lost_before, lost_after, muted, cut, slow; /* faults of the network */
    uint64_t api_faults, gitlab_faults;
    uint64_t pages; /* of lists, but for the last */
};

struct sim {
    int64_t now;
    struct sim_event *slots;
    uint32_t *heap, *free; /* numbers of slots */
    uint32_t slots_len, slots_size, heap_len, free_len;
    uint64_t order;
    int64_t spun_at; /* how often loops have turned in this second */
    unsigned spun;
    struct choices choices;
    uint64_t random; /* state of sim_random() */
    struct network *network;
    struct replica *replicas[REPLICAS_MAX];
    int telling;     /* 0: nothing, 1: what changes something, 2: all */
    char broken[48]; /* the property; "": all hold */
    struct buf broken_text;
    bool trying, failed; /* sim_try() */
    struct figures figures;
    void (*log)(void *arg, int replica, const char *line);
    void *log_arg;
};

struct sim *sim_create(const struct choices *choices);
/* What others have made with it must be destroyed before. */
void sim_destroy(struct sim *sim);
/* Lets happen what happens until that time. */
void sim_run(struct sim *sim, int64_t until);

/* Chance that is no choice: names, jitter. */
uint64_t sim_random(struct sim *sim);

/* Whose code runs: the simulation, and the replica's number, -1 for nobody's. What has no argument for it (clocks,
 * logs, jitter) asks here. */
struct sim *sim_current(void);
int sim_current_replica(void);
void sim_enter(struct sim *sim, int replica);

#endif
