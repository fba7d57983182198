/* Time, chance, and what is told. */
#include "tests/sim/sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/sim_parts.h"

enum { BROKEN_TEXT_MAX = 64 << 10 };

static struct sim *current;
static int current_replica = -1;

struct sim *sim_current(void)
{
    return current;
}

int sim_current_replica(void)
{
    return current_replica;
}

void sim_enter(struct sim *sim, int replica)
{
    current = sim;
    current_replica = replica;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The heap: each event's two successors are not before it. */

static bool is_before(const struct sim *sim, uint32_t a, uint32_t b)
{
    const struct sim_event *x = &sim->slots[a], *y = &sim->slots[b];

    return x->at != y->at ? x->at < y->at : x->order < y->order;
}

static void put_at(struct sim *sim, uint32_t place, uint32_t slot)
{
    sim->heap[place] = slot;
    sim->slots[slot].place = place;
}

static void rise(struct sim *sim, uint32_t place)
{
    uint32_t slot = sim->heap[place];

    for (; place > 1 && is_before(sim, slot, sim->heap[place / 2]); place /= 2)
        put_at(sim, place, sim->heap[place / 2]);
    put_at(sim, place, slot);
}

static void sink(struct sim *sim, uint32_t place)
{
    uint32_t slot = sim->heap[place];

    for (uint32_t next; (next = place * 2) <= sim->heap_len; place = next) {
        if (next < sim->heap_len && is_before(sim, sim->heap[next + 1], sim->heap[next]))
            next++;
        if (!is_before(sim, sim->heap[next], slot))
            break;
        put_at(sim, place, sim->heap[next]);
    }
    put_at(sim, place, slot);
}

static void take_out(struct sim *sim, uint32_t slot)
{
    uint32_t place = sim->slots[slot].place, last = sim->heap[sim->heap_len--];

    assert(place > 0);
    if (last != slot) {
        put_at(sim, place, last);
        rise(sim, place);
        sink(sim, sim->slots[last].place);
    }
    sim->slots[slot].place = 0;
    sim->slots[slot].generation++;
    sim->free[sim->free_len++] = slot;
}

static void grow(struct sim *sim)
{
    uint32_t size = sim->slots_size ? sim->slots_size * 2 : 256;

    sim->slots = mem_resize(sim->slots, size * sizeof(*sim->slots));
    sim->heap = mem_resize(sim->heap, (size + 1) * sizeof(*sim->heap));
    sim->free = mem_resize(sim->free, size * sizeof(*sim->free));
    sim->slots_size = size;
}

static uint32_t free_slot(struct sim *sim)
{
    if (sim->free_len > 0)
        return sim->free[--sim->free_len];
    if (sim->slots_len == sim->slots_size)
        grow(sim);
    sim->slots[sim->slots_len] = (struct sim_event){.generation = 1};
    return sim->slots_len++;
}

uint64_t sim_later(struct sim *sim, int64_t delay_ms, void (*event)(void *arg), void *arg)
{
    assert(delay_ms >= 0 && event);
    uint32_t slot = free_slot(sim);
    struct sim_event *e = &sim->slots[slot];

    e->at = sim->now + delay_ms;
    e->order = ++sim->order;
    e->happen = event;
    e->arg = arg;
    put_at(sim, ++sim->heap_len, slot);
    rise(sim, sim->heap_len);
    return (uint64_t)e->generation << 32 | slot;
}

void sim_forget(struct sim *sim, uint64_t id)
{
    uint32_t slot = (uint32_t)id;

    if (!id)
        return;
    assert(slot < sim->slots_len);
    if (sim->slots[slot].place && sim->slots[slot].generation == id >> 32)
        take_out(sim, slot);
}

void sim_run(struct sim *sim, int64_t until)
{
    while (sim->heap_len > 0) {
        uint32_t slot = sim->heap[1];
        const struct sim_event e = sim->slots[slot];
        if (e.at > until)
            break;
        take_out(sim, slot);
        assert(e.at >= sim->now);
        sim->now = e.at;
        sim->figures.events++;
        e.happen(e.arg);
    }
    if (until > sim->now)
        sim->now = until;
}

int64_t sim_now(const struct sim *sim)
{
    return sim->now;
}

int64_t sim_wall(const struct sim *sim)
{
    return SIM_EPOCH + sim->now / 1000;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Chance */

uint32_t sim_choose(struct sim *sim, uint32_t n)
{
    return choices_draw(&sim->choices, n);
}

bool sim_happens(struct sim *sim, uint32_t n)
{
    return choices_draw(&sim->choices, n) == n - 1 && n > 1;
}

uint64_t sim_random(struct sim *sim)
{
    return choices_next(&sim->random);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is told */

static void tell_time(const struct sim *sim)
{
    printf("%5lld:%02d.%03d  ", (long long)(sim->now / 60000), (int)(sim->now / 1000 % 60), (int)(sim->now % 1000));
}

void sim_tell(struct sim *sim, const char *format, ...)
{
    va_list args;

    if (!sim->telling)
        return;
    tell_time(sim);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

const char *property_name(enum property property)
{
    static const char *const names[PROPERTIES] = {
        [PROPERTY_LEASE] = "no write without the Lease",
        [PROPERTY_LEADER] = "one leads",
        [PROPERTY_HEALTH] = "replicas are well",
        [PROPERTY_SPINNING] = "no spinning",
        [PROPERTY_REST] = "no write at rest",
        [PROPERTY_MEMORY] = "memory returns",
        [PROPERTY_TOKENS] = "no token elsewhere",
        [PROPERTY_SAVED] = "who stops saves its tokens",
        [PROPERTY_FOREIGN] = "nobody's object touched",
        [PROPERTY_ROLLS] = "pods roll for documented causes",
        [PROPERTY_EDITS] = "no edit lost",
        [PROPERTY_STATUS] = "the status tells the truth",
        [PROPERTY_CHILDREN] = "children are as the spec says",
        [PROPERTY_MANAGERS] = "the managers' token is the runner's",
        [PROPERTY_RUNNERS] = "no runner left behind",
        [PROPERTY_DELETIONS] = "deletions end",
        [PROPERTY_FAIRNESS] = "nobody waits for others",
        [PROPERTY_ROOM] = "who fits is served",
        [PROPERTY_VIEW] = "replicas know what there is",
    };

    assert(property < PROPERTIES && names[property]);
    return names[property];
}

void sim_broken(struct sim *sim, enum property property, const char *format, ...)
{
    va_list args;
    char text[2048];

    sim->failed = true;
    if (sim->trying)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sim_tell(sim, "BROKEN: %s: %s", property_name(property), text);
    if (*sim->broken)
        return;
    snprintf(sim->broken, sizeof(sim->broken), "%s", property_name(property));
    buf_addf(&sim->broken_text, "%lld.%03lld s: %s", (long long)(sim->now / 1000), (long long)(sim->now % 1000), text);
}

bool sim_try(struct sim *sim, void (*check)(void *arg), void *arg)
{
    assert(!sim->trying);
    sim->trying = true;
    sim->failed = false;
    check(arg);
    sim->trying = false;
    return !sim->failed;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct sim *sim_create(const struct choices *choices)
{
    struct sim *sim = mem_alloc(sizeof(*sim));

    sim->choices = *choices;
    sim->random = ~choices->seed;
    buf_init(&sim->broken_text, BROKEN_TEXT_MAX);
    return sim;
}

void sim_destroy(struct sim *sim)
{
    buf_finish(&sim->broken_text);
    free(sim->slots);
    free(sim->heap);
    free(sim->free);
    free(sim);
    sim_enter(NULL, -1);
}
