/* Times at which something may be asked, so that not too much is asked at once: a namespace has one in PACE_MS, and
 * does not wait for another namespace's. Whoever is given a time comes then, so nobody asks in vain. */
#ifndef KUBE_PACE_H
#define KUBE_PACE_H

#include <stdint.h>

#include "base/map.h"

enum { PACE_MS = 200 };

struct paces {
    struct map by_ns; /* the last time that was given, while it lies ahead */
};

/* The first free time that is not before at_ms, monotonic; it is taken. paces NULL: any time is free. */
int64_t pace_take(struct paces *paces, const char *ns, int64_t at_ms, int64_t now_ms);
void paces_finish(struct paces *paces);

#endif
