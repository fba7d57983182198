/* `explain NAME`: what is true of a runner, what comes next and why, and what to do. */
#include "plugin/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/command.h"
#include "plugin/field_owner.h"
#include "plugin/output.h"
#include "plugin/session.h"
#include "plugin/terminal.h"

enum { LOOK_AGAIN_MS = 2000 };

struct explain_options {
    const char *until; /* "ready"; NULL: once */
    int64_t timeout_ms;
};

static bool option_until(const char *value, void *field)
{
    return strcmp(value, "ready") == 0 && option_text(value, field);
}

#define AT(member) offsetof(struct explain_options, member)

static const struct option_row explain_rows[] = {
    {0, "until", "ready", "look again until it is ready", option_until, AT(until), "ready"},
    {0, "timeout", "TIME", "… for so long (default: 10m)", option_duration, AT(timeout_ms), "a time, such as 10m"},
};

/* The operators that serve it are those that lead; most clusters have one. */
static const char *operator_version(const struct survey *s)
{
    return s->installations.len ? s->installations.items[0].version : NULL;
}

static void explain_survey(const struct survey *s, struct explained *ret, struct arena *a)
{
    *ret = (struct explained){.survey = s, .version = operator_version(s)};
    explain(&s->observed, &ret->says, a);
    if (!ret->says.advice.text && ret->says.decisive && s->installations.len && !s->installations.items[0].ready)
        ret->says.advice = (struct advice){.text = "no operator runs, so nothing is done: see why",
                                           .commands = {"kubectl glr doctor"}};
    if (ret->says.advice.field)
        ret->tool = field_tool(s->object, ret->says.advice.field);
}

static void print_explained(struct plugin_call *call, const struct explained *e)
{
    enum plugin_output output = (enum plugin_output)call->options->output;

    if (output == OUTPUT_NAME) {
        printf("gitlabrunner.gitlab-runners.dev/%s\n", harmless(e->survey->observed.owner.name, call->a));
    } else if (output == OUTPUT_JSON || output == OUTPUT_YAML) {
        cleanup_json struct json_object *tree = explained_json(call, e);
        output_tree(tree, output);
    } else {
        call->not_seen_told = true;
        explain_print(call, e, output == OUTPUT_WIDE);
    }
}

static bool stands_well(const struct explained *e)
{
    return e->says.headline.standing >= STANDING_LEAVES && (e->says.same || !e->says.reason);
}

static enum plugin_exit explain_once(struct plugin_call *call)
{
    struct explained *e = arena_alloc(call->a, sizeof(*e));
    struct survey *s = arena_alloc(call->a, sizeof(*s));
    struct err err = {0};
    enum plugin_exit code = EXIT_GOOD;

    if (survey(call, session_namespace(call->session), call->args[0], s, &err)) {
        explain_survey(s, e, call->a);
        print_explained(call, e);
        code = stands_well(e) ? EXIT_GOOD : EXIT_FINDING;
    } else {
        code = failed(call, call->args[0], &err);
    }
    survey_finish(s);
    return code;
}

/* False: it is not ready yet; *err: it cannot be read. */
static bool is_ready_now(struct plugin_call *call, struct err *err)
{
    const char *path =
        kube_path(kind_resource(KIND_RUNNER), session_namespace(call->session), call->args[0], NULL, call->a);
    cleanup_arena struct arena a = {0};
    struct json_object *object = session_get(call->session, path, &a, err);
    struct json_object *status = json_get(object, "status");
    int64_t generation = json_int_or(object, "metadata.generation", 0);
    struct headline h = explain_headline(status, generation, session_now(call->session), &a);

    return object && h.standing >= STANDING_WARNS && json_int_or(status, "observedGeneration", -1) == generation;
}

/* False: the time is over. */
static bool wait_until_ready(struct plugin_call *call, int64_t timeout_ms)
{
    int64_t end = session_now(call->session) + timeout_ms / 1000;
    struct err err = {0};

    while (!is_ready_now(call, &err)) {
        if (session_now(call->session) >= end || !session_sleep(call->session, LOOK_AGAIN_MS))
            return false;
        if (err.kind == ERR_NOT_FOUND || err.kind == ERR_DENIED)
            break; /* explain_once() says so */
        err = (struct err){0};
    }
    return true;
}

static enum plugin_exit explain_run(struct plugin_call *call)
{
    const struct explain_options *o = call->own;
    bool in_time = !o->until || wait_until_ready(call, o->timeout_ms ? o->timeout_ms : 600 * 1000);
    enum plugin_exit code = explain_once(call);

    return in_time || code != EXIT_FINDING ? code : EXIT_DEADLINE;
}

const struct plugin_command explain_command = {
    .name = "explain",
    .args = "NAME",
    .summary = "say how a runner stands, rule by rule, and what to do",
    .about =
        "Looks at a runner as the operator does, with your rights, and goes through the same rules: what is true of "
        "it,\n"
        "what would be done next and why, the managers' pods, conditions with remedies, the last Events, and what the\n"
        "operator says of it. It ends with the one thing to do. Nothing is changed, and no token is shown.",
    .example = "explain builds -n ci\nexplain builds -o json\nexplain builds --until ready --timeout 5m",
    .exits = "1 it is not ready, and nobody wants it so; 3 it was not ready in time",
    .rights = "get gitlabrunners; and, for what is told beside: get secrets, configmaps, namespaces, serviceaccounts,\n"
              "rolebindings, deployments, poddisruptionbudgets; list pods, events; list deployments and leases of the "
              "operator",
    .rows = explain_rows,
    .rows_len = ARRAY_LEN(explain_rows),
    .own_size = sizeof(struct explain_options),
    .takes = TAKES_OUTPUT,
    .args_min = 1,
    .args_max = 1,
    .run = explain_run,
};
