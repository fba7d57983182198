/* `pause`, `resume`, `drain`: whether a runner takes new jobs. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "net/loop.h"
#include "plugin/session.h"
#include "plugin/steer.h"
#include "runner/names.h"

enum {
    TAKEN_UP_MS = 60 * 1000,
    DRAIN_MS = 3600 * 1000,
    QUIET_MS = 10 * 1000, /* a job that GitLab gave out just before may have no pod yet */
};

static bool is_paused_by_spec(struct json_object *object)
{
    return json_object_get_boolean(json_get(object, "spec.paused"));
}

/* GitLab was told. An operator from before the condition tells it of spec.paused alone, before it says Ready. */
static bool is_paused_now(struct json_object *object)
{
    const char *paused = steer_condition(object, "Paused", "status"),
               *ready = steer_condition(object, "Ready", "status");
    bool seen = json_int_or(object, "status.observedGeneration", -1) == json_int_or(object, "metadata.generation", 0);

    if (paused)
        return strcmp(paused, "True") == 0;
    return is_paused_by_spec(object) && seen && ready && strcmp(ready, "True") == 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is written */

/* Whom the word would not reach. */
static bool cannot_pause(struct steer *s, struct steered *r)
{
    struct json_object *o = r->before;

    if (json_get(o, "metadata.deletionTimestamp"))
        steer_refuse(s, r, "it is being deleted: its managers take no more jobs");
    else if (json_object_get_boolean(json_get(o, "spec.suspend")))
        steer_refuse(s, r, "spec.suspend is true, so the operator changes nothing: set it to false");
    else if (!json_get(o, "spec.authentication.accessTokenSecretRef"))
        steer_refuse(
            s, r,
            "only an access token gives a right to pause a runner, and it has none: pause it at GitLab, or let its "
            "managers end their jobs and go: kubectl scale glr -n %s %s --replicas=0",
            r->ns, r->name);
    return r->over;
}

/* until: seconds since 1970; 0: until it is resumed. */
static struct json_object *pause_patch(struct steer *s, int64_t until, const char *reason)
{
    struct arena *a = s->call->a;
    struct json_object *annotations = json_object_new_object();

    json_put_member(annotations, ANNOTATION_PAUSED_UNTIL, until ? time_format(until, a) : UNTIL_RESUMED);
    json_put_member(annotations, ANNOTATION_PAUSED_BY, s->by);
    json_put_member(annotations, ANNOTATION_PAUSED_AT, time_format(session_now(s->call->session), a));
    json_object_object_add(annotations, ANNOTATION_PAUSE_REASON, reason ? json_object_new_string(reason) : NULL);
    return arena_json(a, json_build("{metadata: {annotations: %o}}", annotations));
}

static struct json_object *plan_pause(struct steer *s, struct steered *r)
{
    int64_t span = s->options->span;

    if (cannot_pause(s, r))
        return NULL;
    if (is_paused_by_spec(r->before))
        return NULL;
    int64_t until = span ? session_now(s->call->session) + span / 1000 : 0;
    r->value = until ? time_format(until, s->call->a) : "";
    return pause_patch(s, until, s->options->reason);
}

static struct json_object *plan_drain(struct steer *s, struct steered *r)
{
    const char *until = steer_annotation(r->before, ANNOTATION_PAUSED_UNTIL);

    if (cannot_pause(s, r))
        return NULL;
    if (is_paused_by_spec(r->before) || (until && strcmp(until, UNTIL_RESUMED) == 0))
        return NULL;
    return pause_patch(s, 0, s->options->reason ? s->options->reason : "drain");
}

/* The annotations go, and the field if it is true. */
static struct json_object *plan_resume(struct steer *s, struct steered *r)
{
    static const char *const names[] = {ANNOTATION_PAUSED_UNTIL, ANNOTATION_PAUSED_BY, ANNOTATION_PAUSED_AT,
                                        ANNOTATION_PAUSE_REASON};
    struct json_object *annotations = json_object_new_object(),
                       *patch = arena_json(s->call->a, json_build("{metadata: {annotations: %o}}", annotations));

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (steer_annotation(r->before, names[i]))
            json_object_object_add(annotations, names[i], NULL);
    if (is_paused_by_spec(r->before))
        json_set_bool(patch, "spec.paused", false);
    return json_object_object_length(annotations) || is_paused_by_spec(r->before) ? patch : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What comes of it */

/* The condition may still be of a former pause, which ends at another time. */
static bool is_this_pause(const struct steered *r, struct json_object *now)
{
    const char *message = steer_condition(now, "Paused", "message");

    return is_paused_now(now) && (!r->value || !*r->value || (message && strstr(message, r->value)));
}

static const char *look_paused(struct steer *s, struct steered *r, struct json_object *now, struct arena *a)
{
    const char *until = steer_annotation(now, ANNOTATION_PAUSED_UNTIL),
               *by = steer_annotation(now, ANNOTATION_PAUSED_BY);
    int64_t end = time_parse(until), count;

    if (!is_this_pause(r, now))
        return NULL;
    const char *jobs = steer_jobs(s, r, &count, a);
    if (is_paused_by_spec(now))
        return steer_over(r, EXIT_GOOD, arena_printf(a, "paused by spec.paused, which stays; %s", jobs));
    return steer_over(r, EXIT_GOOD,
                      arena_printf(a, "paused by %s until %s; %s", by ? by : "?",
                                   end > 0 ? clock_text(end, session_now(s->call->session), a) : "it is resumed",
                                   count == 0 ? "no jobs run" : jobs));
}

static const char *look_resumed(struct steer *s, struct steered *r, struct json_object *now, struct arena *a)
{
    (void)s, (void)a;
    if (is_paused_now(now) || steer_annotation(now, ANNOTATION_PAUSED_UNTIL) || is_paused_by_spec(now))
        return NULL;
    return steer_over(r, EXIT_GOOD, r->written_ms ? "resumed: takes jobs again" : "is not paused");
}

static const char *look_drained(struct steer *s, struct steered *r, struct json_object *now, struct arena *a)
{
    int64_t count, now_ms = loop_now(session_loop(s->call->session));

    if (!is_paused_now(now))
        return NULL;
    const char *jobs = steer_jobs(s, r, &count, a);
    if (count < 0 && s->call->not_seen_len)
        return steer_over(r, EXIT_INCOMPLETE, "intake paused at GitLab; whether jobs run cannot be seen");
    if (count != 0) {
        r->quiet_ms = 0;
        return arena_printf(a, "intake paused at GitLab; %s", jobs);
    }
    r->quiet_ms = r->quiet_ms ? r->quiet_ms : now_ms;
    if (now_ms - r->quiet_ms < QUIET_MS)
        return "intake paused at GitLab; no jobs";
    return steer_over(r, EXIT_GOOD, "drained. Undo: the same with --undo");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The commands */

#define UNHEARD                                                                                                        \
    "An operator of version 0.1.0 passes over the annotation: set spec.paused there, which it pushes to GitLab."

static enum plugin_exit run_pause(struct plugin_call *call)
{
    static const struct steer_verb verb = {
        .plan = plan_pause,
        .look = look_paused,
        .interrupted = "the annotation is there, and pauses it when the operator sees it",
        .unheard = UNHEARD,
        .timeout = TAKEN_UP_MS,
    };

    return steer_run(call, &verb);
}

static enum plugin_exit run_resume(struct plugin_call *call)
{
    static const struct steer_verb verb = {
        .plan = plan_resume,
        .look = look_resumed,
        .interrupted = "the annotation is gone, and it is resumed when the operator sees it",
        .unheard = UNHEARD,
        .timeout = TAKEN_UP_MS,
    };

    return steer_run(call, &verb);
}

static enum plugin_exit run_drain(struct plugin_call *call)
{
    static const struct steer_verb verb = {
        .plan = plan_drain,
        .look = look_drained,
        .interrupted = "intake stays paused; jobs go on. Undo: the same with --undo",
        .unheard = UNHEARD,
        .timeout = DRAIN_MS,
        .stamped = true,
    };
    const struct steer_options *o = call->own;

    return o->undo ? run_resume(call) : steer_run(call, &verb);
}

#define FIELD(member) offsetof(struct steer_options, member)
#define STEER_RIGHTS                                                                                                   \
    "get and patch gitlabrunners; list gitlabrunners for -l; list pods where jobs run, else they are \"?\""

static const struct option_row pause_rows[] = {
    {0, "for", "TIME", "resumed by itself after this time (default: somebody resumes it)", option_duration, FIELD(span),
     "a time, such as 2h"},
    {0, "reason", "TEXT", "why, for people", option_text, FIELD(reason), NULL},
    STEER_TIMEOUT("how long it is waited for (default: 1m)"),
    STEER_ANYWAY,
};
static const struct option_row resume_rows[] = {STEER_TIMEOUT("how long it is waited for (default: 1m)"), STEER_ANYWAY};
static const struct option_row drain_rows[] = {
    {0, "undo", NULL, "take jobs again, as resume does", option_flag, FIELD(undo), NULL},
    {0, "reason", "TEXT", "why, for people (default: drain)", option_text, FIELD(reason), NULL},
    STEER_TIMEOUT("how long jobs are waited for (default: 1h)"),
    STEER_ANYWAY,
};

const struct plugin_command pause_command = {
    .name = "pause",
    .args = "NAME...",
    .summary = "no new jobs for a while",
    .about = "Pauses runners at GitLab by an annotation of the GitLabRunner, and waits until GitLab was told. Jobs "
             "that run go\n"
             "on. Who, when and why is on the object. It takes an access token; spec.paused in git is left alone.",
    .example = "pause -n ci builds --for 2h --reason disk\npause -n ci -l team=a",
    .exits = "1 it cannot be paused, or another tool owns the annotation; 3 the operator has not told GitLab in time",
    .rights = STEER_RIGHTS,
    .rows = pause_rows,
    .rows_len = ARRAY_LEN(pause_rows),
    .own_size = sizeof(struct steer_options),
    .takes = TAKES_SELECTOR | TAKES_OUTPUT,
    .args_max = STEERED_MAX,
    .run = run_pause,
};

const struct plugin_command resume_command = {
    .name = "resume",
    .args = "NAME...",
    .summary = "takes jobs again",
    .about = "Ends a pause: takes its annotations off the GitLabRunner, sets spec.paused to false where that is true "
             "and no other\n"
             "tool's, and waits until GitLab was told.",
    .example = "resume -n ci builds",
    .exits = "1 another tool owns what pauses it; 3 the operator has not told GitLab in time",
    .rights = "get and patch gitlabrunners; list gitlabrunners for -l",
    .rows = resume_rows,
    .rows_len = ARRAY_LEN(resume_rows),
    .own_size = sizeof(struct steer_options),
    .takes = TAKES_SELECTOR | TAKES_OUTPUT,
    .args_max = STEERED_MAX,
    .run = run_resume,
};

const struct plugin_command drain_command = {
    .name = "drain",
    .args = "NAME...",
    .summary = "no new jobs, and wait until those that run have ended",
    .about =
        "Pauses runners at GitLab, and waits until no job's pod is left. Ctrl-c ends the waiting: intake stays paused.",
    .example = "drain -n ci builds --timeout 30m\ndrain -n ci builds --undo",
    .exits = "1 refused, as for pause; 3 jobs are left, which are named; 4 jobs may not be seen",
    .rights = STEER_RIGHTS,
    .rows = drain_rows,
    .rows_len = ARRAY_LEN(drain_rows),
    .own_size = sizeof(struct steer_options),
    .takes = TAKES_SELECTOR | TAKES_OUTPUT,
    .args_max = STEERED_MAX,
    .run = run_drain,
};
