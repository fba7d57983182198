#include "runner/trouble.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/names.h"
#include "runner/pod_spec.h"
#include "runner/render.h"
#include "runner/trouble_words.h"

enum { IMAGE_MAX = 200, USUAL_MS = 60 * 1000 }; /* so long an image may be in coming, and a volume */

/* ---------------------------------------------------------------------------------------------------------------------
 * Where more is told */

static const char *describe_pods(const struct trouble_context *in, struct arena *a)
{
    return arena_printf(a, "more is told by: kubectl -n %s describe pods -l %s", in->owner->ns,
                        selector_text(in->owner, a));
}

static const char *logs_of(const struct trouble_context *in, const char *container, bool ended, struct arena *a)
{
    return arena_printf(a, "its last lines: kubectl -n %s logs deployment/%s -c %s%s", in->owner->ns,
                        child_name(CHILD_DEPLOYMENT, in->owner, a), container, ended ? " --previous" : "");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Images */

/* What the kubelet's sentence holds; all of it in small letters. */
static const struct pull_cause {
    const char *says[4];
    const char *what, *remedy;
    bool stalled;
} pull_causes[] = {
    {{"no such host", "i/o timeout", "connection refused", "deadline exceeded"},
     "the registry cannot be reached from the node",
     "it is tried again",
     false},
    {{"no route to host", "network is unreachable", "connection reset", "tls handshake timeout"},
     "the registry cannot be reached from the node",
     "it is tried again",
     false},
    {{"certificate", "x509"},
     "the node does not trust the registry's certificate",
     "have the authority added to the nodes",
     true},
    {{"http response to https", "malformed http response"},
     "the registry does not speak https",
     "correct the image's name, or have the nodes told",
     true},
    {{"toomanyrequests", "too many requests", "rate limit"},
     "the registry has asked to wait",
     "it is tried again",
     false},
    {{"no match for platform", "no matching manifest"},
     "it has nothing for the node's kind of processor",
     "name another image, or other nodes",
     true},
    {{"unauthorized", "authorization failed", "denied", "forbidden"},
     "the registry refuses it, or does not have it",
     "correct the name, or name Secrets with its credentials in spec.manager.imagePullSecrets",
     true},
    {{"not found", "manifest unknown", "does not exist", "name unknown"},
     "the registry does not have it",
     "correct the name",
     true},
    {{""}, "the kubelet does not say why", "", false},
};

static bool says_one(const char *text, const char *const words[static 4])
{
    for (size_t i = 0; i < 4 && words[i]; i++)
        if (strcasestr(text, words[i]))
            return true;
    return false;
}

static const struct pull_cause *pull_cause_of(const char *words)
{
    const struct pull_cause *cause = pull_causes;

    while (!says_one(words, cause->says))
        cause++;
    return cause;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Containers */

struct container {
    const struct trouble_context *in;
    struct json_object *status; /* v1 ContainerStatus */
    const char *name, *image, *words;
    struct json_object *ended; /* how its process ended last; NULL: none has */
};

static struct container container_of_status(struct json_object *status, const struct trouble_context *in)
{
    struct json_object *now = json_get(status, "state.terminated"), *last = json_get(status, "lastState.terminated");

    return (struct container){.in = in,
                              .status = status,
                              .name = json_str_or(status, "name", "?"),
                              .image = json_str_or(status, "image", ""),
                              .words = json_str_or(status, "state.waiting.message", ""),
                              .ended = now ? now : last};
}

static const char *image_of(const struct container *c, struct arena *a)
{
    return shorten(arena_strdup(a, *c->image ? c->image : "?"), IMAGE_MAX);
}

static const char *image_field(const struct container *c)
{
    return strcmp(c->name, MANAGER_CONTAINER) == 0 ? "spec.manager.image" : "spec.manager.podSpec";
}

static void tell_pull(const struct container *c, struct trouble *t, struct arena *a)
{
    const struct pull_cause *cause = pull_cause_of(c->words);

    t->vague = !*cause->says[0];
    t->stalled = cause->stalled;
    t->message = arena_printf(a, "image %s of the manager's container %s (%s) cannot be pulled: %s; %s", image_of(c, a),
                              c->name, image_field(c), cause->what, t->vague ? describe_pods(c->in, a) : cause->remedy);
}

static void tell_image_name(const struct container *c, struct trouble *t, struct arena *a)
{
    t->message = arena_printf(a, "\"%s\" of the manager's container %s is no image's name; correct %s", image_of(c, a),
                              c->name, image_field(c));
}

static void tell_never_pulled(const struct container *c, struct trouble *t, struct arena *a)
{
    t->message = arena_printf(a,
                              "image %s of the manager's container %s is not on the node, and is never to be pulled; "
                              "correct spec.manager.imagePullPolicy, or put it there",
                              image_of(c, a), c->name);
}

static void tell_config(const struct container *c, struct trouble *t, struct arena *a)
{
    t->message = arena_printf(a,
                              "the manager's container %s cannot be made: %s; make it, or correct spec.manager.env, "
                              "envFrom or podSpec",
                              c->name, words_of_kubelet(c->words, a));
}

static void tell_start(const struct container *c, struct trouble *t, struct arena *a)
{
    const char *words = c->ended ? json_str_or(c->ended, "message", c->words) : c->words;

    t->message =
        arena_printf(a, "the manager's container %s cannot be started: %s; correct its image, or spec.manager.podSpec",
                     c->name, words_of_kubelet(words, a));
}

static void tell_memory(const struct container *c, struct trouble *t, struct arena *a)
{
    t->message = arena_printf(a,
                              "the manager's container %s needs more memory than it may have and is ended; raise "
                              "limits.memory in spec.manager.resources",
                              c->name);
}

static void tell_crash(const struct container *c, struct trouble *t, struct arena *a)
{
    t->message = arena_printf(a, "the manager's container %s ends again and again, with exit code %lld; %s", c->name,
                              (long long)json_int_or(c->ended, "exitCode", 0), logs_of(c->in, c->name, true, a));
}

static void tell_other(const struct container *c, struct trouble *t, struct arena *a)
{
    t->message = arena_printf(a, "the manager's container %s waits: %s; %s", c->name, words_of_kubelet(c->words, a),
                              describe_pods(c->in, a));
}

/* Secrets and the like that its volumes name, for one of which it may be waiting. */
static const char *volumes_text(const struct spec *spec, struct arena *a)
{
    static const struct {
        const char *path, *kind;
    } sources[] = {{"secret.secretName", "Secret"},
                   {"configMap.name", "ConfigMap"},
                   {"persistentVolumeClaim.claimName", "PersistentVolumeClaim"}};
    struct json_object *volumes = json_get(spec->manager.pod_spec, "volumes");
    const char *text = "";

    for (size_t i = 0; i < json_len(volumes); i++)
        for (size_t k = 0; k < ARRAY_LEN(sources); k++) {
            const char *name = json_str(json_at(volumes, i), sources[k].path);
            text = name ? arena_printf(a, "%s%s%s %s", text, *text ? ", " : "", sources[k].kind, name) : text;
        }
    return shorten(arena_strdup(a, text), IMAGE_MAX);
}

static void tell_creation(const struct container *c, struct trouble *t, struct arena *a)
{
    const char *volumes = volumes_text(c->in->spec, a);

    t->message =
        arena_printf(a,
                     "the manager's pod is on its node, and its containers are not made yet: an image may be long in "
                     "coming%s%s; %s",
                     *volumes ? ", or these are not there: " : ", or a volume", volumes, describe_pods(c->in, a));
}

static void tell_silence(const struct container *c, struct trouble *t, struct arena *a)
{
    t->message = arena_printf(a, "the manager's container %s runs, and is not ready; %s", c->name,
                              logs_of(c->in, c->name, false, a));
}

/* What a container's state is called, by the kubelet (pkg/kubelet/images/types.go, kuberuntime,
 * container/sync_result.go): those that take turns are one. The first stands for all that are not here; the later, the
 * sooner it is told. */
static const struct kubelet_word {
    const char *word, *reason;
    bool stalled;
    int64_t patience_ms;
    void (*tell)(const struct container *c, struct trouble *t, struct arena *a);
} kubelet_words[] = {
    {NULL, "ContainerWaiting", false, USUAL_MS, tell_other},
    {"", "ManagerNotReady", false, USUAL_MS, tell_silence},
    {"PodInitializing", "ContainerCreating", false, USUAL_MS, tell_creation},
    {"ContainerCreating", "ContainerCreating", false, USUAL_MS, tell_creation},
    {"CreateContainerError", "CreateContainerError", false, 0, tell_start},
    {"ImageInspectError", "ImagePullBackOff", false, 0, tell_pull},
    {"RegistryUnavailable", "ImagePullBackOff", false, 0, tell_pull},
    {"SignatureValidationFailed", "ImagePullBackOff", true, 0, tell_pull},
    {"ErrImagePull", "ImagePullBackOff", false, 0, tell_pull},
    {"ImagePullBackOff", "ImagePullBackOff", false, 0, tell_pull},
    {"ErrImageNeverPull", "ErrImageNeverPull", true, 0, tell_never_pulled},
    {"InvalidImageName", "InvalidImageName", true, 0, tell_image_name},
    {"CreateContainerConfigError", "CreateContainerConfigError", true, 0, tell_config},
    {"CrashLoopBackOff", "CrashLoopBackOff", true, 0, tell_crash},
    {"RunContainerError", "RunContainerError", true, 0, tell_start},
    {"OOMKilled", "OOMKilled", true, 0, tell_memory},
};

/* A process that has ended is started again, and waits for that longer and longer: all of it is one. */
static const char *word_of_end(const struct container *c)
{
    const char *reason = json_str_or(c->ended, "reason", "");

    if (strcmp(reason, "OOMKilled") == 0)
        return "OOMKilled";
    return strcmp(reason, "StartError") == 0 || strcmp(reason, "ContainerCannotRun") == 0 ? "RunContainerError"
                                                                                          : "CrashLoopBackOff";
}

/* What a container that is not ready is at. */
static const char *word_of(const struct container *c)
{
    const char *waiting = json_str(c->status, "state.waiting.reason");

    if (c->ended && (!waiting || strcmp(waiting, "CrashLoopBackOff") == 0 || strcmp(waiting, "RunContainerError") == 0))
        return word_of_end(c);
    return waiting ? waiting : "";
}

static struct trouble trouble_of_word(const struct container *c, const char *word, struct arena *a)
{
    size_t i = ARRAY_LEN(kubelet_words) - 1;

    while (i > 0 && strcmp(kubelet_words[i].word, word) != 0)
        i--;
    struct trouble t = {.reason = kubelet_words[i].reason,
                        .stalled = kubelet_words[i].stalled,
                        .patience_ms = kubelet_words[i].patience_ms,
                        .rank = (unsigned)i + 1};
    kubelet_words[i].tell(c, &t, a);
    assert(t.reason && t.message);
    return t;
}

/* Init containers end, and that is well. */
static bool is_well(struct json_object *status, bool init)
{
    bool ended_well = json_get(status, "state.terminated") && json_int_or(status, "state.terminated.exitCode", 1) == 0;

    return json_bool_or(status, "ready", false) || (init && ended_well);
}

static struct trouble trouble_of_containers(struct json_object *statuses, bool init, const struct trouble_context *in,
                                            struct arena *a)
{
    struct trouble worst = {.reason = NULL};

    for (size_t i = 0; i < json_len(statuses); i++) {
        const struct container c = container_of_status(json_at(statuses, i), in);
        if (is_well(c.status, init))
            continue;
        struct trouble t = trouble_of_word(&c, word_of(&c), a);
        worst = t.rank > worst.rank ? t : worst;
    }
    return worst;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pods */

static struct json_object *condition_of(struct json_object *pod, const char *type)
{
    struct json_object *conditions = json_get(pod, "status.conditions");

    for (size_t i = 0; i < json_len(conditions); i++)
        if (strcmp(json_str_or(json_at(conditions, i), "type", ""), type) == 0)
            return json_at(conditions, i);
    return NULL;
}

static struct trouble trouble_of_scheduling(struct json_object *scheduled, const struct trouble_context *in,
                                            struct arena *a)
{
    const char *reason = json_str_or(scheduled, "reason", ""), *words = json_str_or(scheduled, "message", "");
    bool gated = strcmp(reason, "SchedulingGated") == 0;

    if (gated)
        return (struct trouble){.reason = "SchedulingGated",
                                .rank = 1,
                                .message =
                                    arena_printf(a, "something holds the manager's pod back with a scheduling gate; %s",
                                                 describe_pods(in, a))};
    return (struct trouble){
        .reason = "Unschedulable",
        .rank = 1,
        .message = arena_printf(a,
                                "no node takes the manager's pod: %s; correct spec.manager's nodeSelector, affinity, "
                                "tolerations, resources or volumes, or have such a node added",
                                words_of_scheduler(words, a))};
}

struct trouble trouble_of_pod(struct json_object *pod, const struct trouble_context *in, struct arena *a)
{
    struct json_object *scheduled = condition_of(pod, "PodScheduled");
    const char *phase = json_str_or(pod, "status.phase", "");

    if (json_get(pod, "metadata.deletionTimestamp") || strcmp(phase, "Failed") == 0 || strcmp(phase, "Succeeded") == 0)
        return (struct trouble){.reason = NULL}; /* another one comes in its place */
    if (scheduled && strcmp(json_str_or(scheduled, "status", ""), "False") == 0)
        return trouble_of_scheduling(scheduled, in, a);
    struct trouble init = trouble_of_containers(json_get(pod, "status.initContainerStatuses"), true, in, a);
    struct trouble main = trouble_of_containers(json_get(pod, "status.containerStatuses"), false, in, a);
    return init.rank >= main.rank ? init : main;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pods that the API server does not let be made */

/* By what its sentence holds. */
static const struct refused_pod {
    const char *says, *reason;
    bool stalled;
    const char *remedy;
} refused_pods[] = {
    {"error looking up service account", "ServiceAccountNotFound", true,
     "create the ServiceAccount, or name another one in spec.manager.serviceAccountName"},
    {"exceeded quota", "QuotaExceeded", true,
     "have the ResourceQuota raised, make room, or lower spec.manager.resources or replicas"},
    {"failed quota", "QuotaExceeded", true, "give spec.manager.resources what the ResourceQuota asks for"},
    {"violates PodSecurity", "PodSecurityForbids", true,
     "take what is forbidden out of spec.manager.podSpec, or have the namespace's label " LABEL_POD_SECURITY
     " changed"},
    {"no PriorityClass with name", "PriorityClassNotFound", true,
     "correct spec.manager.priorityClassName, or create the PriorityClass"},
    {"RuntimeClass", "RuntimeClassNotFound", true,
     "correct spec.manager.podSpec.runtimeClassName, or create the RuntimeClass"},
    {" usage per ", "LimitRangeForbids", true, "keep spec.manager.resources within the namespace's LimitRange"},
    {"failed calling webhook", "AdmissionUnavailable", false, "it is tried again; the webhook has to answer"},
    {"admission webhook", "AdmissionDenied", true, "change what it names, or have it let the pod"},
    {"ValidatingAdmissionPolicy", "AdmissionDenied", true, "change what it names, or have it let the pod"},
    {" is invalid", "PodInvalid", true, "correct what it names in spec.manager"},
    {"", "ReplicaFailure", false, "it is tried again"},
};

struct trouble trouble_of_refusal(const char *message, const struct trouble_context *in, struct arena *a)
{
    const struct refused_pod *row = refused_pods;

    while (!strstr(message, row->says))
        row++;
    bool is_made_anew = strcmp(row->reason, "ServiceAccountNotFound") == 0 && !in->spec->manager.service_account_name;
    return (struct trouble){.reason = row->reason,
                            .stalled = row->stalled && !is_made_anew,
                            .message = arena_printf(a, "the manager's pods may not be made: %s; %s",
                                                    words_of_refusal(message, a),
                                                    is_made_anew ? "the account is made anew" : row->remedy)};
}
