#include "operator/status_events.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/learn.h"
#include "runner/status.h"

/* An Event for each change that a person would want to know: registered, ready, or what is in the way. */
static void tell_changes(const struct turn *turn, struct json_object *before, struct json_object *now)
{
    static const char *const types[] = {"Registered", "Ready"};
    bool stalled = condition_get(now, "Stalled", "status") != NULL;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const char *status = condition_get(now, types[i], "status"), *was = condition_get(before, types[i], "status");
        const char *reason = condition_get(now, types[i], "reason"),
                   *because = condition_get(before, types[i], "reason");
        const char *message = condition_get(now, types[i], "message");
        bool good = status && strcmp(status, "True") == 0;
        bool changed = status && (!was || strcmp(was, status) != 0 || (!good && strcmp(because, reason) != 0));
        bool failing = strcmp(types[i], "Ready") == 0 && (stalled || last_failed(&turn->observed));

        if (changed && (good || failing))
            turn_event(turn, !good, reason, message);
    }
}

/* Once: not again while it stays so, nor by another process where the status tells of a registration at this URL. */
static void warn_of_clear_text(const struct turn *turn, struct json_object *before)
{
    const struct spec *spec = turn->observed.spec;
    bool insecure = spec && strncmp(spec->url, "http://", 7) == 0;

    if (learn_clear_text(&turn->state->memory, insecure) && strcmp(json_str_or(before, "url", ""), spec->url) != 0)
        turn_event(turn, true, "InsecureURL",
                   "spec.url is not https, so tokens travel in clear text; give GitLab a certificate and an https URL");
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
    tell_changes(turn, before, now);
    warn_of_clear_text(turn, before);
    tell_warnings(turn, before, now);
    tell_expiry(turn, before, now);
}
