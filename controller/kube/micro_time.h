/* Times as Kubernetes writes them into Events and Leases. */
#ifndef KUBE_MICRO_TIME_H
#define KUBE_MICRO_TIME_H

struct arena;

/* The wall clock's time of this moment as MicroTime: RFC 3339 in UTC with six digits ("2026-01-02T03:04:05.000006Z").
 */
const char *kube_micro_time(struct arena *a);

#endif
