/* What Kubernetes says of a pod, without what is another one each time: names that are made up, ids, counts. Private to
 * trouble*.c; the arena owns the texts. */
#ifndef RUNNER_TROUBLE_WORDS_H
#define RUNNER_TROUBLE_WORDS_H

struct arena;

/* `pods "builds-runner-5d4c8-x2x9z" is forbidden: exceeded quota: q, requested: pods=1, used: pods=3, limited: pods=3`
 * as "exceeded quota: q, requested: pods=1, limited: pods=3". */
const char *words_of_refusal(const char *message, struct arena *a);
/* "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't match Pod's node affinity/selector. preemption: …" as
 * "Insufficient cpu, node(s) didn't match Pod's node affinity/selector". */
const char *words_of_scheduler(const char *message, struct arena *a);
/* Of the kubelet or the container runtime: ids of pods and containers become "…". */
const char *words_of_kubelet(const char *message, struct arena *a);

#endif
