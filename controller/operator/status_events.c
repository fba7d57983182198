#include "operator/status_events.h"

#include <string.h>

#include "base/json.h"
#include "runner/learn.h"
#include "runner/reasons.h"
#include "runner/status.h"

static bool shows_ready(struct json_object *status)
{
    const char *ready = condition_get(status, "Ready", "status");

    return ready && strcmp(ready, "True") == 0;
}

/* Neither at work nor as somebody wants it to be. */
static bool tells_failure(struct json_object *status)
{
    const char *why = condition_get(status, "Ready", "reason");
    const struct reason *reason = why ? reason_of(why) : NULL;
    bool meant = why && strcmp(why, "Suspended") == 0;

    return why && !shows_ready(status) && !meant && !(reason && reason->group == REASON_WORK);
}

/* What is in the way, once for each reason; and that all is well again. That a new object is on its way and arrives is
 * told by the status alone. */
static void tell_readiness(const struct turn *turn, struct json_object *before, struct json_object *now)
{
    const char *was = condition_get(before, "Ready", "reason"), *reason = condition_get(now, "Ready", "reason"),
               *message = condition_get(now, "Ready", "message");
    bool ready = shows_ready(now), failing = condition_get(now, "Stalled", "status") || last_failed(&turn->observed);
    bool healed = learn_readiness(&turn->state->memory, tells_failure(before), ready);

    if (healed || (!ready && failing && (!was || shows_ready(before) || strcmp(was, reason) != 0)))
        turn_event(turn, !ready, reason, message);
}

static bool names_same_runner(struct json_object *before, struct json_object *now)
{
    return json_get(before, "tokenSecretRef") &&
           json_int_or(before, "runnerId", 0) == json_int_or(now, "runnerId", 0) &&
           strcmp(json_str_or(before, "url", ""), json_str_or(now, "url", "")) == 0;
}

/* What was done at GitLab outlives the object, so it is told: the one Event of an object with which all goes well. In
 * clear text it is a warning. */
static void tell_registration(const struct turn *turn, struct json_object *before, struct json_object *now)
{
    const char *status = condition_get(now, "Registered", "status"),
               *message = condition_get(now, "Registered", "message");

    if (!status || strcmp(status, "True") != 0 || names_same_runner(before, now))
        return;
    if (strncmp(json_str_or(now, "url", ""), "http://", 7) == 0)
        turn_event(turn, true, "InsecureURL", message);
    else
        turn_event(turn, false, "Registered", message);
}

/* Once for each set of them: the status says whether it has been seen. */
static void tell_warnings(struct turn *turn, struct json_object *before, struct json_object *now)
{
    const struct spec *spec = turn->observed.spec;
    const char *expected = spec ? spec->warnings.reason : NULL, *reason = condition_get(now, "ConfigApplied", "reason"),
               *message = condition_get(now, "ConfigApplied", "message"),
               *former = condition_get(before, "ConfigApplied", "message");

    if (expected && reason && strcmp(reason, expected) == 0 && (!former || strcmp(former, message) != 0))
        turn_event(turn, true, reason, warnings_text(&spec->warnings, WARNINGS_NOTE_MAX, &turn->mem));
}

/* Once for each token: the status says whether it has been told. */
static void tell_expiry(const struct turn *turn, struct json_object *before, struct json_object *now)
{
    if (condition_get(now, "TokenExpiring", "status") && !condition_get(before, "TokenExpiring", "status"))
        turn_event(turn, true, condition_get(now, "TokenExpiring", "reason"),
                   condition_get(now, "TokenExpiring", "message"));
}

void status_events_tell(struct turn *turn, struct json_object *before, struct json_object *now)
{
    tell_registration(turn, before, now);
    tell_readiness(turn, before, now);
    tell_warnings(turn, before, now);
    tell_expiry(turn, before, now);
}
