/* What an object's status says of it, in a line. */
#include "runner/explain.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "runner/reasons.h"
#include "runner/status.h"

const char *standing_name(enum standing standing)
{
    static const char *const names[STANDINGS] = {
        [STANDING_STOPPED] = "stopped", [STANDING_RETRIES] = "retries", [STANDING_UNSERVED] = "unserved",
        [STANDING_WORKS] = "works",     [STANDING_LEAVES] = "leaves",   [STANDING_RESTS] = "rests",
        [STANDING_WARNS] = "warns",     [STANDING_GOOD] = "good",
    };

    assert(standing < STANDINGS);
    return names[standing];
}

bool standing_needs_somebody(enum standing standing)
{
    return standing == STANDING_STOPPED || standing == STANDING_UNSERVED;
}

const char *remedy_of(const char *reason)
{
    const struct reason *known = reason_of(reason);

    return known ? known->remedy : NULL;
}

static bool is_condition_true(struct json_object *status, const char *type)
{
    const char *value = condition_get(status, type, "status");

    return value && strcmp(value, "True") == 0;
}

static enum standing standing_of_unready(struct json_object *status, const char *reason)
{
    const struct reason *known = reason_of(reason);

    if (is_condition_true(status, "Stalled"))
        return STANDING_STOPPED;
    if (strcmp(reason, "Suspended") == 0)
        return STANDING_RESTS;
    if (strcmp(reason, "Draining") == 0)
        return STANDING_LEAVES;
    return known && known->group == REASON_WORK ? STANDING_WORKS : STANDING_RETRIES;
}

/* The API server gives each new object a status that says so. */
static bool is_unserved(struct json_object *status)
{
    const char *ready = condition_get(status, "Ready", "status");

    return !ready || strcmp(ready, "Unknown") == 0;
}

static enum standing standing_of(struct json_object *status, const char *reason)
{
    if (is_unserved(status))
        return STANDING_UNSERVED;
    if (!is_condition_true(status, "Ready"))
        return standing_of_unready(status, reason);
    return strcmp(reason, "ReadyWithWarnings") == 0 ? STANDING_WARNS : STANDING_GOOD;
}

static const char *headline_text(const struct headline *h, const char *lasting, struct arena *a)
{
    switch (h->standing) {
    case STANDING_UNSERVED:
        return "no operator has taken it up";
    case STANDING_RESTS:
        return arena_printf(a, "suspended%s", lasting);
    case STANDING_LEAVES:
        return arena_printf(a, "being deleted%s, its managers finish their jobs", lasting);
    case STANDING_GOOD:
        return arena_printf(a, "ready%s", lasting);
    case STANDING_WARNS:
        return arena_printf(a, "ready%s, with warnings", lasting);
    case STANDING_RETRIES:
        return arena_printf(a, "not ready%s, %s; it is tried again", lasting, h->reason);
    case STANDING_STOPPED:
    case STANDING_WORKS:
    case STANDINGS:
        break;
    }
    return arena_printf(a, "not ready%s, %s", lasting, h->reason);
}

static const char *text_or_nothing(const char *text)
{
    return text ? text : "";
}

struct headline explain_headline(struct json_object *status, int64_t generation, int64_t now, struct arena *a)
{
    int64_t since = time_parse(condition_get(status, "Ready", "lastTransitionTime"));
    struct headline ret = {.reason = text_or_nothing(condition_get(status, "Ready", "reason")),
                           .message = text_or_nothing(condition_get(status, "Ready", "message")),
                           .since = since > 0 ? since : 0};
    bool edited = generation && json_int_or(status, "observedGeneration", generation) != generation;

    ret.standing = standing_of(status, ret.reason);
    ret.text = headline_text(&ret, ret.since ? arena_printf(a, " for %s", age_text(now - ret.since, a)) : "", a);
    if (edited && ret.standing != STANDING_UNSERVED)
        ret.text = arena_printf(a, "edited, and not looked at since; %s", ret.text);
    return ret;
}
