#include "plugin/steer.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/loop.h"
#include "operator/kinds.h"
#include "plugin/installation.h"
#include "plugin/output.h"
#include "plugin/session.h"
#include "plugin/terminal.h"
#include "runner/names.h"
#include "runner/status.h"

enum { LOOK_EVERY_MS = 1000, REPEAT_MS = 30 * 1000, STAMP_WIDTH = 7 };

/* ---------------------------------------------------------------------------------------------------------------------
 * What objects tell */

const char *steer_annotation(struct json_object *object, const char *name)
{
    struct json_object *value = json_member(json_get(object, "metadata.annotations"), name);

    return value ? json_string(value) : NULL;
}

const char *steer_condition(struct json_object *object, const char *type, const char *member)
{
    return condition_get(json_get(object, "status"), type, member);
}

/* Who types a command is not asked twice: these leave no file behind that says otherwise. */
static bool is_by_hand(const char *manager)
{
    static const char *const hands[] = {PLUGIN_FIELD_MANAGER, "kubectl-annotate", "kubectl-edit",
                                        "kubectl-patch",      "kubectl-create",   "kubectl-replace"};

    for (size_t i = 0; i < ARRAY_LEN(hands); i++)
        if (strcmp(manager, hands[i]) == 0)
            return true;
    return false;
}

/* Whose the field is, when it is no person's by kubectl: a path of FieldsV1 and a member there. NULL: nobody's else. */
static const char *steer_owner(struct json_object *object, const char *path, const char *member)
{
    struct json_object *entries = json_get(object, "metadata.managedFields");

    for (size_t i = 0; i < json_len(entries); i++) {
        struct json_object *fields = json_get(json_member(json_at(entries, i), "fieldsV1"), path);
        const char *manager = json_str_or(json_at(entries, i), "manager", "");
        if (fields && json_object_object_get_ex(fields, member, NULL) && !is_by_hand(manager))
            return manager;
    }
    return NULL;
}

const char *clock_text(int64_t time, int64_t now, struct arena *a)
{
    char text[32];
    struct tm then, today;
    time_t at = (time_t)time, at_now = (time_t)now;

    localtime_r(&at, &then);
    localtime_r(&at_now, &today);
    bool same_day = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    strftime(text, sizeof(text), same_day ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
    return arena_strdup(a, text);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is said */

/* Where -o says what stdout is for, all talk goes to stderr. */
static FILE *steer_out(const struct steer *s)
{
    return s->call->options->output <= OUTPUT_WIDE ? stdout : stderr;
}

static int64_t steer_now_ms(const struct steer *s)
{
    return loop_now(session_loop(s->call->session));
}

/* A change is said at once, and the same again only where it stays for long and nobody sees the last line. */
static void steer_say(struct steer *s, struct steered *r, const char *text)
{
    const char *key = s->redraws || !s->key ? text : s->key;
    bool same = r->said_key && strcmp(r->said_key, key) == 0, goes_on = s->redraws && !r->over;
    struct arena a cleanup_arena = {0};
    const char *line = harmless(text, &a);

    if (same && !r->over && (s->redraws || steer_now_ms(s) - r->said_ms < REPEAT_MS))
        return;
    int64_t now = session_now(s->call->session);
    fprintf(
        steer_out(s), "%s%s%s%s%s%s%s", s->redraws ? "\r\033[K" : "", s->verb->stamped ? clock_text(now, now, &a) : "",
        s->verb->stamped ? " " : "", s->len > 1 ? r->who : "", s->len > 1 ? ": " : "",
        goes_on && s->width > STAMP_WIDTH ? display_cut(line, s->width - STAMP_WIDTH, &a) : line, goes_on ? "" : "\n");
    fflush(steer_out(s));
    free(r->said);
    free(r->said_key);
    r->said = mem_strdup(text);
    r->said_key = mem_strdup(key);
    r->said_ms = steer_now_ms(s);
}

struct json_object *steer_refuse(struct steer *s, struct steered *r, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "%s: %s\n", r->who, harmless(text, s->call->a));
    steer_over(r, EXIT_FINDING, NULL);
    return NULL;
}

const char *steer_over(struct steered *r, enum plugin_exit code, const char *text)
{
    r->over = true;
    r->code = code;
    return text;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Which runners */

static void add_steered(struct steer *s, struct json_object *object)
{
    struct arena *a = s->call->a;
    struct steered *r = &s->runners[s->len++];

    assert(s->len <= STEERED_MAX);
    *r = (struct steered){.before = object,
                          .ns = json_str_or(object, "metadata.namespace", ""),
                          .name = json_str_or(object, "metadata.name", ""),
                          .uid = json_str_or(object, "metadata.uid", "")};
    r->who = harmless(arena_printf(a, "%s/%s", r->ns, r->name), a);
    r->path = kube_path(kind_resource(KIND_RUNNER), r->ns, r->name, NULL, a);
    int64_t id = json_int_or(object, "status.runnerId", 0);
    fprintf(stderr, "%s, %s at %s\n", r->who, id ? arena_printf(a, "runner %lld", (long long)id) : "not registered",
            harmless(json_str_or(object, "spec.url", "?"), a));
}

/* True, or *ret_code. */
static bool find_named(struct steer *s, enum plugin_exit *ret_code)
{
    struct plugin_call *call = s->call;
    const char *ns = session_namespace(call->session);

    for (size_t i = 0; i < call->args_len; i++) {
        struct err err = {0};
        struct json_object *object = session_get(
            call->session, kube_path(kind_resource(KIND_RUNNER), ns, call->args[i], NULL, call->a), call->a, &err);
        if (!object) {
            *ret_code = failed(call, arena_printf(call->a, "%s/%s", ns, call->args[i]), &err);
            return false;
        }
        add_steered(s, object);
    }
    return true;
}

static bool find_labelled(struct steer *s, enum plugin_exit *ret_code)
{
    struct plugin_call *call = s->call;
    const char *ns = session_namespace(call->session);
    struct err err = {0};
    struct json_object *items = session_list(
        call->session,
        arena_printf(call->a, "%s?labelSelector=%s", kube_path(kind_resource(KIND_RUNNER), ns, NULL, NULL, call->a),
                     percent_escaped(call->options->selector, call->a)),
        call->a, &err);

    *ret_code = items ? EXIT_FINDING : failed(call, "gitlabrunners", &err);
    if (items && json_len(items) == 0)
        fprintf(stderr, "no GitLabRunner in %s has these labels\n", ns);
    if (json_len(items) > STEERED_MAX)
        fprintf(stderr, "%zu are too many at once: %d at most\n", json_len(items), STEERED_MAX);
    if (json_len(items) == 0 || json_len(items) > STEERED_MAX)
        return false;
    for (size_t i = 0; i < json_len(items); i++)
        add_steered(s, json_at(items, i));
    return true;
}

static bool find_steered(struct steer *s, enum plugin_exit *ret_code)
{
    struct plugin_call *call = s->call;
    bool labels = call->options->selector;

    if (labels == (call->args_len > 0)) {
        fprintf(stderr, "%s: give names, or labels with -l\n", call->command->name);
        *ret_code = EXIT_COULD_NOT;
        return false;
    }
    return labels ? find_labelled(s, ret_code) : find_named(s, ret_code);
}

/* As the API server calls who asks. */
static const char *caller_name(struct plugin_call *call)
{
    struct json_object *body =
        arena_json(call->a, json_build("{apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview'}"));
    struct err ignored = {0};
    struct json_object *answer = session_write(
        call->session, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", NULL, body, call->a, &ignored);
    const char *name = json_str(answer, "status.userInfo.username"), *user = getenv("USER");

    return name ? name : user && *user ? user : "somebody";
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Writing */

static bool is_fought_over(struct steer *s, struct steered *r, const char *path, const char *member, const char *line)
{
    const char *owner = steer_owner(r->before, path, member);

    if (!owner || s->options->anyway)
        return false;
    steer_refuse(
        s, r, "%s is %s's, which may set it back. Where that has it from, such as git, %s; or do it here with --anyway",
        member + 2, owner, line);
    return true;
}

/* Whether another tool has said what this patch would change. */
static bool would_fight(struct steer *s, struct steered *r, struct json_object *patch)
{
    struct json_object *annotations = json_get(patch, "metadata.annotations");
    struct arena *a = s->call->a;

    json_each (it, annotations) {
        const char *line =
            it.value ? arena_printf(a, "write metadata: {annotations: {%s: \"%s\"}}", it.key, json_string(it.value))
                     : "take it out";
        if (is_fought_over(s, r, "f:metadata.f:annotations", arena_printf(a, "f:%s", it.key), line))
            return true;
    }
    return json_get(patch, "spec") && is_fought_over(s, r, "f:spec", "f:paused", "write spec: {paused: false}");
}

static void write_steered(struct steer *s, struct steered *r)
{
    struct plugin_call *call = s->call;
    struct json_object *patch = s->verb->plan(s, r);
    struct err err = {0};

    if (r->over || !patch || would_fight(s, r, patch))
        return;
    json_set_str(patch, "metadata.uid", r->uid);
    if (!session_write(call->session, "PATCH", arena_printf(call->a, "%s?fieldManager=" PLUGIN_FIELD_MANAGER, r->path),
                       "application/merge-patch+json", patch, call->a, &err))
        steer_over(r, failed(call, r->who, &err), NULL);
    r->written_ms = steer_now_ms(s);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Waiting */

static void look_at(struct steer *s, struct steered *r)
{
    struct arena round cleanup_arena = {0};
    struct err err = {0};
    struct json_object *now = session_get(s->call->session, r->path, &round, &err);

    if (err.kind == ERR_NOT_FOUND || (now && strcmp(json_str_or(now, "metadata.uid", ""), r->uid) != 0)) {
        fprintf(stderr, "%s: it was deleted meanwhile\n", r->who);
        steer_over(r, EXIT_FINDING, NULL);
    }
    if (!now || r->over)
        return; /* what fails for a moment is asked again */
    s->key = NULL;
    const char *text = s->verb->look(s, r, now, &round);
    if (text)
        steer_say(s, r, text);
}

static bool look_at_all(struct steer *s)
{
    bool over = true;

    for (size_t i = 0; i < s->len && !session_interrupted(s->call->session); i++) {
        if (!s->runners[i].over)
            look_at(s, &s->runners[i]);
        over = over && s->runners[i].over;
    }
    return over;
}

/* A line of progress that stands there is left behind. */
static void end_line(struct steer *s)
{
    if (s->redraws && s->runners[0].said && !s->runners[0].over)
        fputc('\n', steer_out(s));
}

/* True: nothing in the status tells why. */
static bool tell_why_late(struct steer *s, struct steered *r)
{
    struct arena round cleanup_arena = {0};
    struct err ignored = {0};
    struct json_object *now = session_get(s->call->session, r->path, &round, &ignored);
    const char *ready = steer_condition(now, "Ready", "status");

    fprintf(stderr, "%s: not done in time%s%s\n", r->who, r->said ? ": " : "",
            r->said ? harmless(r->said, &round) : "");
    if (ready && strcmp(ready, "True") != 0)
        fprintf(stderr, "%s: %s: %s\n", r->who, harmless(steer_condition(now, "Ready", "reason"), &round),
                harmless(steer_condition(now, "Ready", "message"), &round));
    return !r->said && (!ready || strcmp(ready, "True") == 0);
}

/* Of before these words, or none at all. */
static void tell_who_runs(struct steer *s)
{
    struct installations found;

    installations_find(s->call, &found);
    for (size_t i = 0; i < found.len; i++)
        fprintf(stderr, "operator %s/%s: version %s, %lld of %lld ready\n", harmless(found.items[i].ns, s->call->a),
                harmless(found.items[i].name, s->call->a),
                *found.items[i].version ? harmless(found.items[i].version, s->call->a) : "?",
                (long long)found.items[i].ready, (long long)found.items[i].wanted);
    if (found.len == 0 && s->call->not_seen_len == 0)
        fputs("no Deployment of an operator is to be found in this cluster\n", stderr);
}

static void end_late(struct steer *s)
{
    bool untouched = false;

    end_line(s);
    for (size_t i = 0; i < s->len; i++) {
        struct steered *r = &s->runners[i];
        if (r->over)
            continue;
        untouched = tell_why_late(s, r) || untouched;
        steer_over(r, EXIT_DEADLINE, NULL);
    }
    if (!untouched)
        return;
    fprintf(stderr, "Nobody has taken it up. %s\n", s->verb->unheard);
    tell_who_runs(s);
}

static void end_interrupted(struct steer *s)
{
    end_line(s);
    for (size_t i = 0; i < s->len; i++)
        if (!s->runners[i].over) {
            fprintf(stderr, "%s: interrupted; %s\n", s->runners[i].who, s->verb->interrupted);
            steer_over(&s->runners[i], EXIT_DEADLINE, NULL);
        }
}

static void wait_for_steered(struct steer *s)
{
    struct session *session = s->call->session;
    int64_t timeout = s->options->timeout ? s->options->timeout : s->verb->timeout, end = steer_now_ms(s) + timeout;

    while (!look_at_all(s)) {
        if (session_interrupted(session) || !session_sleep(session, LOOK_EVERY_MS)) {
            end_interrupted(s);
            return;
        }
        if (steer_now_ms(s) >= end) {
            end_late(s);
            return;
        }
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

/* The worst of them: what could not be done at all, what is missing, then what is not done yet. */
static enum plugin_exit end_steering(struct steer *s)
{
    static const int ranks[] = {
        [EXIT_GOOD] = 0, [EXIT_INCOMPLETE] = 1, [EXIT_DEADLINE] = 2, [EXIT_FINDING] = 3, [EXIT_COULD_NOT] = 4};
    enum plugin_exit ret = EXIT_GOOD;

    for (size_t i = 0; i < s->len; i++) {
        if (ranks[s->runners[i].code] > ranks[ret])
            ret = s->runners[i].code;
        free(s->runners[i].said);
        free(s->runners[i].said_key);
    }
    return ret;
}

/* As -o says, the objects as they are now. */
static void print_steered(struct steer *s)
{
    struct json_object *items = arena_json(s->call->a, json_object_new_array());
    struct err ignored = {0};

    if (steer_out(s) == stdout || session_interrupted(s->call->session))
        return;
    for (size_t i = 0; i < s->len; i++) {
        struct json_object *now = session_get(s->call->session, s->runners[i].path, s->call->a, &ignored);
        if (now)
            json_append(items, json_ref(now));
    }
    output_objects(items, s->len == 1, (enum plugin_output)s->call->options->output);
}

enum plugin_exit steer_run(struct plugin_call *call, const struct steer_verb *verb)
{
    struct steer *s = arena_alloc(call->a, sizeof(*s));
    enum plugin_exit code = EXIT_COULD_NOT;

    *s = (struct steer){.call = call, .options = call->own, .verb = verb};
    if (!find_steered(s, &code))
        return code;
    s->by = caller_name(call);
    s->width = terminal_of(steer_out(s)).width;
    s->redraws = s->len == 1 && terminal_of(steer_out(s)).colour;
    for (size_t i = 0; i < s->len; i++)
        write_steered(s, &s->runners[i]);
    session_catch_interrupt(call->session);
    wait_for_steered(s);
    print_steered(s);
    return end_steering(s);
}
