#include "runner/pod_security.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/extra_config.h"
#include "runner/job_pod.h"
#include "runner/names.h"
#include "runner/render.h"
#include "runner/spec_parts.h"

#define KUBERNETES "spec.config.runners.kubernetes"

struct trial {
    const struct spec *spec;
    struct json_object *kubernetes, *pod;
    bool restricted, patched;
    struct cures *cures;
    struct arena *a;
};

static bool has_cure(const struct cures *cures, const char *text)
{
    for (size_t i = 0; i < cures->len; i++)
        if (strcmp(cures->texts[i], text) == 0)
            return true;
    return false;
}

static void cure(const struct trial *t, const char *text)
{
    assert(t->cures->len <= POD_SECURITY_MAX);
    if (!has_cure(t->cures, text) && t->cures->len < POD_SECURITY_MAX)
        t->cures->texts[t->cures->len++] = text;
}

/* What is missing might be patched in. */
static void cure_missing(const struct trial *t, const char *text)
{
    if (!t->patched)
        cure(t, text);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The controls of one container.
 */
struct tried {
    const struct trial *t;
    struct json_object *security; /* of the container, as the API server would see it     */
    struct json_object *given;    /* the table that it is made from; NULL: there is none  */
    const char *table;            /* its path in the object                               */
};

static struct json_object *pod_security(const struct trial *t)
{
    return json_get(t->pod, "spec.securityContext");
}

static void try_privileged(const struct tried *c)
{
    if (!json_bool_or(c->security, "privileged", false))
        return;
    cure(c->t, json_member(c->given, "privileged") ? arena_printf(c->t->a, "take out %s.privileged", c->table)
                                                   : "take out spec.privileged");
}

static const char *added_by(const struct tried *c)
{
    return json_get(c->given, "capabilities.add") ? arena_printf(c->t->a, "%s.capabilities.add", c->table)
                                                  : KUBERNETES ".cap_add";
}

static void try_added(const struct tried *c)
{
    static const char baseline[] = "AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, "
                                   "SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT";
    struct json_object *add = json_get(c->security, "capabilities.add");

    for (size_t i = 0; i < json_len(add); i++)
        if (word_index(c->t->restricted ? "NET_BIND_SERVICE" : baseline, json_string(json_at(add, i))) < 0)
            cure(c->t,
                 arena_printf(c->t->a, "take %s out of %s", shown(json_string(json_at(add, i)), 40).text, added_by(c)));
}

static void try_dropped(const struct tried *c)
{
    struct json_object *drop = json_get(c->security, "capabilities.drop");

    for (size_t i = 0; i < json_len(drop); i++)
        if (strcmp(json_string(json_at(drop, i)), "ALL") == 0)
            return;
    cure_missing(c->t, json_get(c->given, "capabilities.drop")
                           ? arena_printf(c->t->a, "add ALL to %s.capabilities.drop", c->table)
                           : "add ALL to " KUBERNETES ".cap_drop");
}

static void try_escalation(const struct tried *c)
{
    if (json_member(c->security, "allowPrivilegeEscalation") &&
        !json_bool_or(c->security, "allowPrivilegeEscalation", true))
        return;
    cure_missing(c->t, json_member(c->given, "allow_privilege_escalation")
                           ? arena_printf(c->t->a, "set %s.allow_privilege_escalation to false", c->table)
                           : "set " KUBERNETES ".allow_privilege_escalation to false");
}

static void try_proc_mount(const struct tried *c)
{
    if (strcmp(json_str_or(c->security, "procMount", "Default"), "Default") != 0)
        cure(c->t, arena_printf(c->t->a, "take out %s.proc_mount", c->table));
}

static void try_selinux(const struct tried *c)
{
    static const char allowed[] = "container_t, container_init_t, container_kvm_t, container_engine_t";
    const char *type = json_str_or(c->security, "seLinuxOptions.type", "");

    if (*type && word_index(allowed, type) < 0)
        cure(c->t, arena_printf(c->t->a, "take out %s.selinux_type", c->table));
}

static bool is_unconfined(struct json_object *security, const char *profile_type)
{
    return strcmp(json_str_or(security, profile_type, ""), "Unconfined") == 0;
}

static void try_profiles(const struct tried *c)
{
    if (is_unconfined(c->security, "seccompProfile.type"))
        cure(c->t, arena_printf(c->t->a, "set %s.seccomp_profile.type to RuntimeDefault", c->table));
    if (is_unconfined(c->security, "appArmorProfile.type"))
        cure(c->t, arena_printf(c->t->a, "set %s.app_armor_profile.type to RuntimeDefault", c->table));
}

/* A container may say it, or else its pod. */
static void try_seccomp(const struct tried *c)
{
    if (!json_get(c->security, "seccompProfile") && !json_get(pod_security(c->t), "seccompProfile"))
        cure_missing(c->t, "set " KUBERNETES ".pod_security_context.seccomp_profile.type to RuntimeDefault");
}

static void try_user(const struct tried *c)
{
    struct json_object *own = json_member(c->security, "runAsNonRoot");
    bool pods = json_bool_or(pod_security(c->t), "runAsNonRoot", false);

    if (own && !json_object_get_boolean(own))
        cure(c->t, arena_printf(c->t->a, "set %s.run_as_non_root to true", c->table));
    else if (!own && !pods)
        cure_missing(c->t, "set " KUBERNETES ".pod_security_context.run_as_non_root to true, and run_as_user to 1000 "
                           "for images whose user is root");
    if (json_member(c->given, "run_as_user") && json_int_or(c->given, "run_as_user", 0) == 0)
        cure(c->t, arena_printf(c->t->a, "set %s.run_as_user to a user other than 0", c->table));
}

static const struct {
    bool restricted; /* by that level alone */
    void (*attempt)(const struct tried *c);
} controls[] = {
    {false, try_privileged}, {false, try_added},    {false, try_proc_mount},
    {false, try_selinux},    {false, try_profiles}, {true, try_dropped},
    {true, try_escalation},  {true, try_seccomp},   {true, try_user},
};

static void try_containers(const struct trial *t, const char *list)
{
    struct json_object *containers = json_get(t->pod, list);

    for (size_t i = 0; i < json_len(containers); i++) {
        const char *context = job_container_context(json_str_or(json_at(containers, i), "name", ""));
        const struct tried c = {.t = t,
                                .security = json_get(json_at(containers, i), "securityContext"),
                                .given = json_member(t->kubernetes, context),
                                .table = arena_printf(t->a, KUBERNETES ".%s", context)};
        for (size_t n = 0; n < ARRAY_LEN(controls); n++)
            if (t->restricted || !controls[n].restricted)
                controls[n].attempt(&c);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The controls of the pod.
 */
static void try_pod(const struct trial *t)
{
    const struct tried pod = {.t = t,
                              .security = pod_security(t),
                              .given = json_member(t->kubernetes, "pod_security_context"),
                              .table = KUBERNETES ".pod_security_context"};
    struct json_object *user = json_member(pod.security, "runAsUser");

    try_selinux(&pod);
    try_profiles(&pod);
    if (t->restricted && user && json_object_get_int64(user) == 0)
        cure(t, "set " KUBERNETES ".pod_security_context.run_as_user to a user other than 0");
}

/* Kinds of volumes, and whether only `restricted` forbids them. */
static void try_volumes(const struct trial *t)
{
    static const struct {
        const char *member, *table;
        bool restricted;
    } kinds[] = {{"hostPath", "host_path", false}, {"nfs", "nfs", true}};

    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        if (kinds[k].restricted && !t->restricted)
            continue;
        for (size_t i = 0; i < json_len(t->spec->volumes); i++)
            if (json_get(json_at(t->spec->volumes, i), kinds[k].member))
                cure(t, arena_printf(t->a, "take out spec.volumes[%zu].%s", i, kinds[k].member));
        if (json_len(json_get(t->spec->config, arena_printf(t->a, "runners.kubernetes.volumes.%s", kinds[k].table))))
            cure(t, arena_printf(t->a, "take out " KUBERNETES ".volumes.%s", kinds[k].table));
    }
}

static void try_hooks(const struct trial *t)
{
    static const char *const hooks[] = {"post_start.http_get", "post_start.tcp_socket", "pre_stop.http_get",
                                        "pre_stop.tcp_socket"};

    for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
        if (*json_str_or(t->kubernetes, arena_printf(t->a, "container_lifecycle.%s.host", hooks[i]), ""))
            cure(t, arena_printf(t->a, "take out " KUBERNETES ".container_lifecycle.%s.host", hooks[i]));
}

/* AppArmor by annotations, as it was before Kubernetes 1.30. */
static void try_annotations(const struct trial *t)
{
    static const char prefix[] = "container.apparmor.security.beta.kubernetes.io/";

    json_each (it, json_member(t->kubernetes, "pod_annotations")) {
        const char *value = json_string(it.value);
        bool allowed = !*value || strcmp(value, "runtime/default") == 0 || strncmp(value, "localhost/", 10) == 0;
        if (strncmp(it.key, prefix, sizeof(prefix) - 1) == 0 && !allowed && !strchr(value, '$'))
            cure(t, arena_printf(t->a, "take %s out of spec.podAnnotations", shown(it.key, 120).text));
    }
}

static bool lets_all_in(const char *level)
{
    return !level || !*level || strcasecmp(level, "privileged") == 0;
}

void pod_security_judge(const struct spec *spec, struct json_object *runner, const char *level, struct cures *ret,
                        struct arena *a)
{
    struct json_object *kubernetes = json_member(runner, "kubernetes");
    bool patches = json_len(json_member(kubernetes, "pod_spec")) > 0;
    const struct trial t = {.spec = spec,
                            .kubernetes = kubernetes,
                            .pod = job_pod(runner, a),
                            .restricted = level && strcasecmp(level, "baseline") != 0,
                            .patched = patches && job_flag(runner, "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION", false),
                            .cures = ret,
                            .a = a};

    *ret = (struct cures){.len = 0};
    if (lets_all_in(level))
        return;
    try_containers(&t, "spec.initContainers");
    try_containers(&t, "spec.containers");
    try_pod(&t);
    try_volumes(&t);
    try_hooks(&t);
    try_annotations(&t);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * spec.podSecurity.
 */

/* Tables are filled up, what is given stays. */
static void fill(struct json_object *into, struct json_object *from)
{
    json_each (it, from) {
        struct json_object *there = json_member(into, it.key);
        if (!there)
            json_object_object_add(into, it.key, json_ref(it.value));
        else if (json_object_is_type(there, json_type_object) && json_object_is_type(it.value, json_type_object))
            fill(there, it.value);
    }
}

/* An image's own user may be root, so another one is named, who may write what the helper has fetched. */
void pod_security_grant(struct json_object *kubernetes, const char *level)
{
    cleanup_json struct json_object *keys =
        json_build("{allow_privilege_escalation: %b, cap_drop: ['ALL'], pod_security_context: {run_as_non_root: %b, "
                   "run_as_user: %d, run_as_group: %d, fs_group: %d, seccomp_profile: {type: 'RuntimeDefault'}}}",
                   false, true, (int64_t)1000, (int64_t)1000, (int64_t)1000);

    assert(json_object_is_type(kubernetes, json_type_object));
    if (level && strcmp(level, "Restricted") == 0)
        fill(kubernetes, keys);
}

/* Those that are not among the `others`. */
static const char *joined(const struct cures *cures, const struct cures *others, struct arena *a)
{
    const char *text = "";

    for (size_t i = 0; i < cures->len; i++)
        if (!has_cure(others, cures->texts[i]))
            text = arena_printf(a, "%s%s%s", text, *text ? "; " : "", cures->texts[i]);
    return text;
}

static void judge_at(const struct owner *owner, const struct spec *spec, const char *level, struct cures *ret,
                     struct arena *a)
{
    struct json_object *tree = render_config_tree(owner, spec, &(struct config_inputs){0}, a);

    pod_security_judge(spec, json_at(json_member(tree, "runners"), 0), level, ret, a);
}

/* What one field does is done by it; the rest has to be taken out. */
static const char *by_one_field(const struct owner *owner, const struct spec *spec, const char *level,
                                const struct cures *cures, struct arena *a)
{
    static const struct cures none;
    struct spec granted = *spec;
    struct cures left;

    granted.pod_security = "Restricted";
    judge_at(owner, &granted, level, &left, a);
    const char *set = joined(cures, &left, a), *rest = joined(&left, &none, a);
    if (!*set || strcasecmp(level, "baseline") == 0)
        return joined(cures, &none, a);
    return arena_printf(a, "set spec.podSecurity to Restricted (or key by key: %s)%s%s", set, *rest ? "; " : "", rest);
}

const char *pod_security_forbids(const struct owner *owner, const struct spec *spec, const char *level, struct arena *a)
{
    struct cures cures;

    if (lets_all_in(level)) /* as most do: then nothing is rendered */
        return NULL;
    judge_at(owner, spec, level, &cures, a);
    if (!cures.len)
        return NULL;
    return arena_printf(
        a,
        "namespace %s enforces the Pod Security level %s, which refuses the pod of every job: %s; or name a "
        "namespace whose label %s lets it",
        spec->namespace, level, by_one_field(owner, spec, level, &cures, a), LABEL_POD_SECURITY);
}

const char *pod_security_level(const struct spec *spec, struct json_object *runner, struct arena *a)
{
    static const char *const levels[] = {"restricted", "baseline"};
    struct cures cures;

    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        pod_security_judge(spec, runner, levels[i], &cures, a);
        if (!cures.len)
            return levels[i];
    }
    return "privileged";
}
