#include "kube/pace.h"

#include <stdlib.h>

#include "base/mem.h"

enum { SWEEP_AT = 64 };

static void forget_past(struct paces *paces, int64_t now_ms)
{
    const char *ns;
    void *last;

    for (size_t i = 0; map_iter(&paces->by_ns, &i, &ns, &last);)
        if (*(int64_t *)last < now_ms)
            free(map_remove(&paces->by_ns, ns));
}

int64_t pace_take(struct paces *paces, const char *ns, int64_t at_ms, int64_t now_ms)
{
    int64_t *last = paces ? map_get(&paces->by_ns, ns) : NULL;

    if (!paces)
        return at_ms;
    if (!last) {
        if (paces->by_ns.len >= SWEEP_AT)
            forget_past(paces, now_ms);
        last = mem_alloc(sizeof(*last));
        *last = at_ms - PACE_MS;
        map_set(&paces->by_ns, ns, last);
    }
    *last = *last + PACE_MS > at_ms ? *last + PACE_MS : at_ms;
    return *last;
}

void paces_finish(struct paces *paces)
{
    const char *ns;
    void *last;

    for (size_t i = 0; map_iter(&paces->by_ns, &i, &ns, &last);)
        free(last);
    map_finish(&paces->by_ns);
}
