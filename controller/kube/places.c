#include "kube/places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* What a namespace has. */
struct tenant {
    size_t len, memory;
    size_t by_priority[QUEUE_PRIORITIES];
    uint64_t stepped; /* when it last went on, in places->steps */
    char ns[];
};

void places_finish(struct places *places)
{
    assert(places->len == 0);
    map_finish(&places->tenants);
}

bool places_have_room(const struct places *places, enum queue_priority priority)
{
    return places->len < places->max && places->memory < places->memory_max &&
           (priority != QUEUE_ROUTINE || places->len - places->urgent < places->routine_max);
}

bool places_admit(const struct places *places, const char *ns, enum queue_priority priority)
{
    const struct tenant *tenant = map_get(&places->tenants, ns);

    return !tenant || (tenant->len < places->tenant_max && 2 * tenant->memory < places->memory_max - places->memory &&
                       (priority == QUEUE_ROUTINE || tenant->by_priority[priority] < places->max - places->len));
}

static struct tenant *tenant_with(struct places *places, const char *ns)
{
    struct tenant *tenant = map_get(&places->tenants, ns);

    if (tenant)
        return tenant;
    tenant = mem_alloc(sizeof(*tenant) + strlen(ns) + 1);
    strcpy(tenant->ns, ns);
    map_set(&places->tenants, ns, tenant);
    return tenant;
}

void places_take(struct places *places, struct place *place, const char *ns, size_t memory,
                 enum queue_priority priority)
{
    *place = (struct place){.tenant = tenant_with(places, ns), .memory = memory, .priority = priority};
    place->tenant->len++;
    place->tenant->by_priority[priority]++;
    place->tenant->memory += memory;
    places->len++;
    places->urgent += priority == QUEUE_URGENT;
    places->memory += memory;
}

void places_leave(struct places *places, struct place *place)
{
    struct tenant *tenant = place->tenant;

    assert(tenant && tenant->len > 0 && places->len > 0);
    places->len--;
    places->urgent -= place->priority == QUEUE_URGENT;
    places->memory -= place->memory;
    tenant->memory -= place->memory;
    tenant->by_priority[place->priority]--;
    if (--tenant->len == 0)
        free(map_remove(&places->tenants, tenant->ns));
    place->tenant = NULL;
}

bool place_is_before(const struct place *a, const struct place *b)
{
    return a->tenant->stepped < b->tenant->stepped;
}

void places_step(struct places *places, struct place *place)
{
    place->tenant->stepped = ++places->steps;
}
