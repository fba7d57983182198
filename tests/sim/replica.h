/* One operator process of several, as the program makes it (operator/instance.h): it starts, is killed at any moment,
 * is asked to stop, stands still, and starts again with nothing in its memory. */
#ifndef TESTS_SIM_REPLICA_H
#define TESTS_SIM_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kube/lease.h"

struct replica;
struct sim;
struct store;

/* Where the operator is. */
#define OPERATOR_NAMESPACE "gitlab-runners"
#define OPERATOR_USER      "system:serviceaccount:gitlab-runners:gitlab-runner-controller"

struct replica_settings {
    const char *host;  /* of the API server, lent */
    const char *token; /* lent */
    bool token_file;   /* it is read from a file, as in a cluster */
    bool election;
    struct lease_timing lease;
    const char *namespaces; /* served; NULL: all */
    bool secrets_by_name;
    size_t kept_budget; /* bytes of what is kept of objects; 0: the usual */
};

/* It does not run yet. */
struct replica *replica_create(struct sim *sim, int number, const struct replica_settings *settings);
void replica_destroy(struct replica *replica);

void replica_start(struct replica *replica);
/* Its network is cut off first; then all is gone. It starts again after that time; negative: when it is told to. */
void replica_kill(struct replica *replica, int64_t again_ms);
/* As the kubelet stops a pod. It ends when it has finished, or is killed after 30 s, and starts again. */
void replica_terminate(struct replica *replica, int64_t again_ms);
/* It stands still for so long; asleep: with its machine. */
void replica_freeze(struct replica *replica, int64_t for_ms, bool asleep);
/* Its file has another token from now on; nothing without a file. */
void replica_give_token(struct replica *replica, const char *token);
void replica_set_wall(struct replica *replica, int64_t offset_s);

bool replica_runs(const struct replica *replica);
bool replica_stands_still(const struct replica *replica);
/* By its own word. */
bool replica_leads(const struct replica *replica);
/* Another one whenever it has begun to lead, and knows nothing of what it, or another process, knew before; 0: it does
 * not lead. */
uint64_t replica_term(const struct replica *replica);
/* How often it has started. */
unsigned replica_starts(const struct replica *replica);
/* When it will ask GitLab next about the runner of that object, by its own clock; 0: that is not planned, or
 * it will look into something again by itself before. */
int64_t replica_asks_at(const struct replica *replica, const char *ns, const char *name);
/* What GitLab has told about its version when it was asked; 0.0: nothing. False: it was not asked yet. */
bool replica_heard_version(const struct replica *replica, const char *ns, const char *name, int *major, int *minor);
/* Of its /healthz, or its /readyz: 200, or why not, in why. */
int replica_health(const struct replica *replica, bool ready, char *why, size_t size);
/* What it keeps: records of objects, but for Namespaces and the ledger, and states of runners. Returns how many, and
 * says which. */
size_t replica_keeps(const struct replica *replica, char *ret_what, size_t size);
/* What its watches have told it; it must run. */
const struct store *replica_store(const struct replica *replica);
/* Whether a child without a claim is to be removed, now or after a while. */
bool replica_removes(const struct replica *replica);
/* Its pod's name. */
const char *replica_name(const struct replica *replica);

#endif
