/* `logs`: of a runner's managers, one after the other, or all of them as they come. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/command.h"
#include "plugin/log_lines.h"
#include "plugin/session.h"
#include "runner/names.h"
#include "runner/pod_spec.h"
#include "runner/render.h"

enum {
    MANAGERS_MAX = 50,
    TAIL_LINES = 100, /* of each, when nothing else is said */
    SILENCE_MS = 30 * 1000,
    FOLLOWED_SILENCE_MS = 3600 * 1000,
    LOOK_MS = 2000, /* between two looks for new pods */
};

struct logs_options {
    bool follow, previous, times;
    int64_t since_ms;
    const char *tail, *job;
};

/* A manager's pod whose log is read. */
struct manager_log {
    struct logs_run *run;
    char *pod;
    uint64_t restarts;
    struct log_lines lines;
    uint64_t stream; /* 0: none                                    */
    bool seen, over; /* in the last look; its container has ended */
};

struct logs_run {
    struct plugin_call *call;
    const struct logs_options *o;
    struct terminal terminal;
    const char *selector;
    struct manager_log logs[MANAGERS_MAX];
    size_t len;
    enum plugin_exit code;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Pods */

static const struct kube_resource pods = {"Pod", "v1", "pods", true, false, NULL, NULL, NULL};

/* A sum that is compared alone. */
static uint64_t restarts_of(struct json_object *pod)
{
    struct json_object *statuses = json_get(pod, "status.containerStatuses");
    uint64_t restarts = 0;

    for (size_t i = 0; i < json_len(statuses); i++)
        restarts += (uint64_t)json_int_or(json_at(statuses, i), "restartCount", 0);
    return restarts;
}

static struct manager_log *find_log(struct logs_run *r, const char *pod)
{
    for (size_t i = 0; i < r->len; i++)
        if (strcmp(r->logs[i].pod, pod) == 0)
            return &r->logs[i];
    return NULL;
}

static void look_at_pod(struct logs_run *r, struct json_object *pod)
{
    static const enum tone tones[] = {TONE_GOOD, TONE_WARN, TONE_STRONG, TONE_FAINT};
    const char *name = json_str_or(pod, "metadata.name", "");
    struct manager_log *log = find_log(r, name);
    uint64_t restarts = restarts_of(pod);

    if (!log && r->len < MANAGERS_MAX) {
        log = &r->logs[r->len];
        *log = (struct manager_log){.run = r, .pod = mem_strdup(name), .restarts = restarts};
        log->lines = (struct log_lines){.pod = log->pod,
                                        .job = r->o->job,
                                        .with_times = r->o->times,
                                        .tone = tones[r->len++ % ARRAY_LEN(tones)],
                                        .terminal = &r->terminal};
        log_lines_init(&log->lines);
    }
    if (!log)
        return;
    log->over &= log->restarts == restarts; /* a new container has a log of its own */
    log->restarts = restarts;
    log->seen = true;
}

/* False: they may not be listed, or nobody answers. */
static bool look_for_pods(struct logs_run *r, struct err *err)
{
    cleanup_arena struct arena a = {0};
    const char *path = kube_path(&pods, session_namespace(r->call->session), NULL, NULL, &a);
    struct json_object *items = session_list(
        r->call->session, arena_printf(&a, "%s?labelSelector=%s", path, percent_escaped(r->selector, &a)), &a, err);

    for (size_t i = 0; i < r->len && items; i++)
        r->logs[i].seen = false;
    for (size_t i = 0; i < json_len(items); i++)
        look_at_pod(r, json_at(items, i));
    return items != NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Logs */

static const char *log_path(const struct manager_log *log, struct arena *a)
{
    const struct logs_options *o = log->run->o;
    const char *path = kube_path(&pods, session_namespace(log->run->call->session), log->pod, "log", a);
    bool whole = o->since_ms || o->job;
    const char *tail = o->tail ? o->tail : whole ? NULL : arena_printf(a, "%d", TAIL_LINES);
    const char *from = *log->lines.last ? arena_printf(a, "&sinceTime=%s", percent_escaped(log->lines.last, a))
                       : o->since_ms    ? arena_printf(a, "&sinceSeconds=%lld", (long long)(o->since_ms + 999) / 1000)
                                        : "";

    return arena_printf(a, "%s?container=" MANAGER_CONTAINER "&timestamps=true%s%s%s%s%s", path,
                        o->follow ? "&follow=true" : "", o->previous ? "&previous=true" : "", from,
                        tail && !*log->lines.last ? "&tailLines=" : "", tail && !*log->lines.last ? tail : "");
}

static bool on_log_bytes(void *arg, const char *bytes, size_t len)
{
    struct manager_log *log = arg;

    log_lines_add(&log->lines, bytes, len);
    return !ferror(stdout);
}

/* A container that has not begun yet has no log; to those who follow it will have one. */
static void tell_log_error(struct logs_run *r, const struct manager_log *log, const struct err *err)
{
    if (is_forbidden(err))
        not_seen(r->call, "logs", "get pods/log");
    else if (err->code != 400 || !r->o->follow)
        r->code = failed(r->call, log->pod, err);
}

static void print_all(struct logs_run *r)
{
    for (size_t i = 0; i < r->len && !ferror(stdout); i++) {
        cleanup_arena struct arena a = {0};
        struct err err = {0};
        if (!session_stream(r->call->session, log_path(&r->logs[i], &a), SILENCE_MS, on_log_bytes, &r->logs[i], &err))
            tell_log_error(r, &r->logs[i], &err);
        log_lines_end(&r->logs[i].lines);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Following */

static void on_log_end(void *arg, const struct err *err)
{
    struct manager_log *log = arg;

    log->stream = 0;
    log->over = err->kind == ERR_NONE;
    log_lines_end(&log->lines);
    if (is_forbidden(err))
        not_seen(log->run->call, "logs", "get pods/log");
    session_wake(log->run->call->session);
}

static void follow_log(struct logs_run *r, struct manager_log *log)
{
    cleanup_arena struct arena a = {0};
    const struct kube_stream stream = {.path = log_path(log, &a),
                                       .accept = "*/*",
                                       .idle_timeout_ms = FOLLOWED_SILENCE_MS,
                                       .data = on_log_bytes,
                                       .end = on_log_end,
                                       .arg = log};

    log->stream = kube_stream(session_client(r->call->session), &stream);
}

/* Pods come and go, and so does the API server. */
static void follow_all(struct logs_run *r)
{
    struct err err = {0};

    while (!ferror(stdout) && !r->call->not_seen_len) {
        for (size_t i = 0; i < r->len; i++)
            if (r->logs[i].seen && !r->logs[i].over && !r->logs[i].stream)
                follow_log(r, &r->logs[i]);
        session_sleep(r->call->session, LOOK_MS);
        look_for_pods(r, &err);
    }
}

static void forget_logs(struct logs_run *r)
{
    for (size_t i = 0; i < r->len; i++) {
        kube_cancel(session_client(r->call->session), r->logs[i].stream);
        log_lines_finish(&r->logs[i].lines);
        free(r->logs[i].pod);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The command */

static enum plugin_exit run_logs(struct plugin_call *call)
{
    const struct owner owner = {.ns = session_namespace(call->session), .name = call->args[0]};
    struct logs_run *r = arena_alloc(call->a, sizeof(*r));
    struct err err = {0};

    *r = (struct logs_run){.call = call, .o = call->own, .terminal = terminal_of(stdout)};
    r->selector = selector_text(&owner, call->a);
    if (!look_for_pods(r, &err)) {
        if (!is_forbidden(&err))
            return failed(call, "logs", &err);
        not_seen(call, "managers", "list pods");
        return EXIT_GOOD;
    }
    if (!r->len && !r->o->follow) {
        fprintf(stderr, "%s/%s has no manager pods: %s explain -n %s %s tells why\n", harmless(owner.ns, call->a),
                harmless(owner.name, call->a), call->program, harmless(owner.ns, call->a),
                harmless(owner.name, call->a));
        return EXIT_FINDING;
    }
    if (r->o->follow)
        follow_all(r);
    else
        print_all(r);
    forget_logs(r);
    return r->code;
}

static bool parse_count(const char *value, void *field)
{
    return *value && strlen(value) < 10 && strspn(value, "0123456789") == strlen(value) && option_text(value, field);
}

#define AT(member) offsetof(struct logs_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {'f', "follow", NULL, "go on, also with managers that come later", option_flag, AT(follow), NULL},
    {0, "since", "TIME", "what is newer than this, such as 1h", option_duration, AT(since_ms), "a time, such as 1h"},
    {0, "tail", "N", "the last lines of each (default: 100; with --since or --job all)", parse_count, AT(tail), "a number"},
    {0, "job", "ID", "lines about this job alone, by its number", parse_count, AT(job), "the number of a job"},
    {'p', "previous", NULL, "of the container before the last restart", option_flag, AT(previous), NULL},
    {0, "timestamps", NULL, "with the time of each line", option_flag, AT(times), NULL},
};
/* clang-format on */

const struct plugin_command logs_command = {
    .name = "logs",
    .args = "NAME",
    .summary = "what a runner's managers say",
    .about =
        "Prints the logs of a runner's managers, each line with the name of its pod. What a job says is at GitLab.",
    .example = "logs -n ci builds -f\nlogs -n ci builds --since 1h --job 8812",
    .rights = "list pods, get pods/log",
    .rows = rows,
    .rows_len = ARRAY_LEN(rows),
    .own_size = sizeof(struct logs_options),
    .args_min = 1,
    .args_max = 1,
    .run = run_logs,
};
