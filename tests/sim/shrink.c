/* Making a story short: whatever it goes wrong without is left out. */
#include <string.h>

#include "tests/sim/driver.h"

enum { TRIES_MAX = 1500 };

struct shrinking {
    struct plan *best;
    const char *property;
    unsigned tried;
};

/* Takes it over if it ends the same way. */
static bool try_plan(struct shrinking *s, const struct plan *plan)
{
    struct outcome outcome;

    if (s->tried++ >= TRIES_MAX)
        return false;
    outcome_apart(plan, 0, &outcome);
    if (strcmp(outcome.property, s->property) != 0)
        return false;
    *s->best = *plan;
    return true;
}

static bool leave_out(struct shrinking *s, size_t from, size_t len)
{
    struct plan plan = *s->best;
    bool any = false;

    for (size_t i = from; i < from + len && i < plan.len; i++) {
        any |= !plan.steps[i].left_out;
        if (i + 1 < plan.len)
            plan.steps[i + 1].after_ms += plan.steps[i].left_out ? 0 : plan.steps[i].after_ms;
        plan.steps[i].left_out = true;
    }
    return any && try_plan(s, &plan);
}

static bool shrink_steps(struct shrinking *s)
{
    bool changed = false;

    for (size_t len = s->best->len; len > 0; len /= 2)
        for (size_t from = 0; from < s->best->len; from += len)
            changed |= leave_out(s, from, len);
    return changed;
}

static bool shrink_setup(struct shrinking *s)
{
    bool changed = false;

    for (int i = 0; i < SETUPS; i++) {
        struct plan plan = *s->best;
        plan.setup[i] = 0;
        changed |= s->best->setup[i] && try_plan(s, &plan);
    }
    return changed;
}

static bool shrink_number(struct shrinking *s, size_t step, uint32_t *(*member)(struct step *step))
{
    static const uint32_t simple[] = {0, 1, 2, 3, 4, 5, 6, 7};

    for (size_t i = 0; i < sizeof(simple) / sizeof(*simple); i++) {
        struct plan plan = *s->best;
        uint32_t *number = member(&plan.steps[step]);
        if (*number <= simple[i])
            return false;
        *number = simple[i];
        if (try_plan(s, &plan))
            return true;
    }
    return false;
}

static uint32_t *member_a(struct step *step)
{
    return &step->a;
}

static uint32_t *member_b(struct step *step)
{
    return &step->b;
}

static uint32_t *member_c(struct step *step)
{
    return &step->c;
}

static bool shrink_pause(struct shrinking *s, size_t step)
{
    static const int64_t simple[] = {0, 1000, 60000};

    for (size_t i = 0; i < sizeof(simple) / sizeof(*simple); i++) {
        struct plan plan = *s->best;
        if (plan.steps[step].after_ms == simple[i])
            return false;
        plan.steps[step].after_ms = simple[i];
        if (try_plan(s, &plan))
            return true;
    }
    return false;
}

static bool shrink_numbers(struct shrinking *s)
{
    bool changed = false;

    for (size_t i = 0; i < s->best->len; i++) {
        if (s->best->steps[i].left_out)
            continue;
        changed |= shrink_pause(s, i);
        changed |= shrink_number(s, i, member_a);
        changed |= shrink_number(s, i, member_b);
        changed |= shrink_number(s, i, member_c);
    }
    return changed;
}

/* None at all, or as little as possible of its end and its beginning. */
static bool shrink_noise(struct shrinking *s)
{
    struct plan plan = *s->best;
    uint64_t from = plan.noise_from;
    bool changed = false;

    if (plan.noise_until == 0)
        return false;
    plan.noise_until = 0;
    if (try_plan(s, &plan))
        return true;
    for (uint64_t step = 1 << 14; step > 0; step /= 2) {
        plan = *s->best;
        plan.noise_until = plan.noise_until == UINT64_MAX ? step * 2 : plan.noise_until - step;
        changed |= plan.noise_until < s->best->noise_until && try_plan(s, &plan);
    }
    for (uint64_t step = 1 << 13; step > 0; step /= 2) {
        plan = *s->best;
        plan.noise_from += step;
        changed |= plan.noise_from < plan.noise_until && try_plan(s, &plan);
    }
    return changed && s->best->noise_from != from;
}

void plan_shrink(struct plan *plan, const char *property, unsigned *ret_tried)
{
    struct shrinking s = {.best = plan, .property = property};
    bool changed = true;

    shrink_noise(&s);
    while (changed && s.tried < TRIES_MAX) {
        changed = shrink_steps(&s);
        changed |= shrink_setup(&s);
        changed |= shrink_numbers(&s);
        changed |= shrink_noise(&s);
    }
    *ret_tried = s.tried;
}
