/* From what the API server has answered to runners and operators. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/time.h"
#include "net/http.h"
#include "plugin/doctor.h"
#include "runner/names.h"
#include "runner/namespaces.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Runners */

static const char *later(const char *one, const char *other)
{
    return !one || (other && time_parse(other) > time_parse(one)) ? other : one;
}

void doctor_slim_runner(struct json_object *runner)
{
    struct json_object *entries = json_get(runner, "metadata.managedFields");
    const char *written = json_str(runner, "metadata.creationTimestamp"), *paused = NULL;

    for (size_t i = 0; i < json_len(entries); i++) {
        struct json_object *entry = json_at(entries, i), *spec = json_get(entry, "fieldsV1.f:spec");
        const char *time = json_str(entry, "time");
        if (spec && !*json_str_or(entry, "subresource", ""))
            written = later(written, time);
        if (json_get(spec, "f:paused"))
            paused = later(paused, time);
    }
    json_set_str(runner, "doctor.written", written);
    json_set_str(runner, "doctor.paused", paused);
    json_remove(runner, "metadata.managedFields");
}

static const char *host_of(const char *url, struct arena *a)
{
    char host[256] = "";
    struct err ignored;

    return http_url_is_valid(url, host, sizeof(host), &ignored) ? arena_strdup(a, host) : "no host";
}

static struct doctor_runner runner_of(struct json_object *object, struct arena *a)
{
    struct doctor_runner r = {.object = object,
                              .status = json_get(object, "status"),
                              .owner = owner_of(object),
                              .url = json_str_or(object, "spec.url", ""),
                              .deleting = json_str(object, "metadata.deletionTimestamp") != NULL,
                              .written_s = time_parse(json_str(object, "doctor.written"))};
    struct spec *spec = arena_alloc(a, sizeof(*spec));
    struct err ignored = {0};

    r.spec = spec_parse(object, spec, a, &ignored) ? spec : NULL;
    r.host = host_of(r.url, a);
    r.jobs_ns = json_str_or(object, "spec.namespace", r.owner.ns);
    r.key = arena_printf(a, "%s/%s", r.owner.ns, r.owner.name);
    return r;
}

void doctor_digest_runners(struct doctor_view *v)
{
    struct json_object *list = v->sources[SOURCE_RUNNERS].object;

    v->runners = arena_alloc(v->a, (json_len(list) + 1) * sizeof(*v->runners));
    v->runners_len = 0;
    for (size_t i = 0; i < json_len(list); i++)
        v->runners[v->runners_len++] = runner_of(json_at(list, i), v->a);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Operators */

/* The value of --NAME=VALUE or --NAME VALUE; NULL: it is not there. */
static const char *argument(struct json_object *args, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < json_len(args); i++) {
        const char *word = json_string(json_at(args, i));
        if (strncmp(word, name, len) == 0 && word[len] == '=')
            return word + len + 1;
        if (strcmp(word, name) == 0 && i + 1 < json_len(args))
            return json_string(json_at(args, i + 1));
    }
    return NULL;
}

/* The tag, without a v; "?": there is none. */
static const char *version_of_operator(const char *image, struct arena *a)
{
    const char *slash = strrchr(image, '/'), *tag = strchr(slash ? slash : image, ':');
    size_t len = tag ? strcspn(tag + 1, "@") : 0;

    if (!len || memchr(image, '@', (size_t)(tag - image)))
        return "?";
    return arena_strndup(a, tag + 1 + (tag[1] == 'v'), len - (tag[1] == 'v'));
}

static const char *checked_namespaces(const char *list)
{
    return list && namespaces_are_valid(list) ? list : NULL;
}

static struct doctor_operator operator_of(struct json_object *deployment, struct arena *a)
{
    struct json_object *pod = json_get(deployment, "spec.template.spec"),
                       *container = json_at(json_get(pod, "containers"), 0), *args = json_get(container, "args"),
                       *labels = json_get(deployment, "metadata.labels");
    const char *elects = argument(args, "--leader-elect"), *secrets = argument(args, "--secrets"),
               *version = version_of_operator(json_str_or(container, "image", ""), a),
               *label = json_string(json_member(labels, "app.kubernetes.io/version"));

    return (struct doctor_operator){
        .ns = json_str_or(deployment, "metadata.namespace", ""),
        .name = json_str_or(deployment, "metadata.name", ""),
        .version = *version == '?' && *label ? label : version,
        .namespaces = checked_namespaces(argument(args, "--namespace")),
        .secrets_by_name = secrets && strcmp(secrets, "referenced") == 0,
        .elects = !elects || strcmp(elects, "false") != 0,
        .wanted = json_int_or(deployment, "spec.replicas", 1),
        .ready = json_int_or(deployment, "status.readyReplicas", 0),
        .account = json_str_or(pod, "serviceAccountName", "default"),
    };
}

bool lease_is_stale(struct json_object *lease, int64_t now)
{
    enum { SLACK_S = 5 };
    int64_t renewed = time_parse(json_str(lease, "spec.renewTime"));

    return now - renewed - SLACK_S > json_int_or(lease, "spec.leaseDurationSeconds", 15);
}

static struct doctor_operator *operator_in(const struct doctor_view *v, const char *ns)
{
    for (size_t i = 0; i < v->operators_len; i++)
        if (strcmp(v->operators[i].ns, ns) == 0)
            return &v->operators[i];
    return NULL;
}

/* Where no Deployment is, a Lease that is being renewed tells of a process somewhere else. */
static void take_lease(struct doctor_view *v, struct json_object *lease)
{
    const char *ns = json_str_or(lease, "metadata.namespace", "");
    struct doctor_operator *o = operator_in(v, ns);

    if (o)
        o->lease = lease;
    else if (*json_str_or(lease, "spec.holderIdentity", "") && !lease_is_stale(lease, v->now))
        v->operators[v->operators_len++] = (struct doctor_operator){.ns = ns,
                                                                    .name = json_str_or(lease, "metadata.name", ""),
                                                                    .version = "?",
                                                                    .elects = true,
                                                                    .outside = true,
                                                                    .account = "",
                                                                    .lease = lease};
}

void doctor_digest_operators(struct doctor_view *v)
{
    struct json_object *list = v->sources[SOURCE_OPERATORS].object, *leases = v->sources[SOURCE_LEASES].object;

    v->operators = arena_alloc(v->a, (json_len(list) + json_len(leases) + 1) * sizeof(*v->operators));
    v->operators_len = 0;
    for (size_t i = 0; i < json_len(list); i++)
        v->operators[v->operators_len++] = operator_of(json_at(list, i), v->a);
    for (size_t i = 0; i < json_len(leases); i++)
        take_lease(v, json_at(leases, i));
}
