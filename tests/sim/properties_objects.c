/* The status tells the truth, and the children are as the spec says. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/render.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

static struct json_object *condition(struct json_object *object, const char *type)
{
    struct json_object *conditions = json_get(object, "status.conditions");

    for (size_t i = 0; i < json_len(conditions); i++)
        if (strcmp(json_str_or(json_at(conditions, i), "type", ""), type) == 0)
            return json_at(conditions, i);
    return NULL;
}

static const char *reason_of_ready(struct json_object *object)
{
    return json_str_or(condition(object, "Ready"), "reason", "none");
}

bool object_is_ready(struct json_object *object)
{
    return strcmp(json_str_or(condition(object, "Ready"), "status", ""), "True") == 0;
}

static const char *annotation_of(struct json_object *object, const char *key)
{
    return json_string(json_member(json_get(object, "metadata.annotations"), key));
}

bool is_name_taken(const struct story *story, const struct wish *wish, const char *resource, const char *suffix)
{
    struct json_object *child = wish_child(story, wish, resource, suffix);

    return child && !*annotation_of(child, ANNOTATION_OWNER) && !*annotation_of(child, ANNOTATION_OWNER_UID);
}

/* What Ready must say; NULL: nothing that is certain. A token that could not be saved is told of whatever the spec
 * says. */
static const char *expected_reason(const struct story *story, const struct wish *wish, struct json_object *spec)
{
    bool is_taken = is_name_taken(story, wish, "secrets", "-runner-token");

    if (spec_is_invalid(spec))
        return is_taken ? NULL : "InvalidSpec";
    if (story->plan.setup[SETUP_WRONG] && is_taken)
        return NULL;
    if (json_bool_or(spec, "suspend", false))
        return "Suspended";
    if (story->plan.setup[SETUP_WRONG] || wish->disowned)
        return NULL;
    if (spec_mode(spec) == MODE_RUNNER && story->plan.setup[SETUP_EXPIRY] && !has_runner_token(story, wish))
        return NULL; /* its user has not replaced it within the hour */
    if (spec_mode(spec) == MODE_REGISTRATION && wish->edited_there)
        return NULL;
    return json_bool_or(spec, "paused", false) ? "Paused" : "Ready";
}

/* It goes on, and something is to be told. */
static bool is_reason(const char *reason, const char *expected)
{
    return strcmp(reason, expected) == 0 ||
           (strcmp(expected, "Ready") == 0 && strcmp(reason, "ReadyWithWarnings") == 0);
}

/* Something else has the name of what the managers need. */
static bool is_in_the_way(const struct story *story, const struct wish *wish)
{
    return is_name_taken(story, wish, "secrets", "-runner-config") ||
           is_name_taken(story, wish, "deployments", "-runner");
}

/* Ready tells first what is wrong with the registration: a credential that nobody has put back, or an edit that a
 * registration token cannot push. */
static bool tells_conflict(const struct story *story, const struct wish *wish, struct json_object *object)
{
    static const char *const managers[] = {"ConfigApplied", "ManagerAvailable"};
    bool untold = wish->edited_there && spec_mode(json_get(object, "spec")) == MODE_REGISTRATION,
         other_first = (story->plan.setup[SETUP_WRONG] || untold) && !object_is_ready(object), told = false;

    for (size_t i = 0; i < ARRAY_LEN(managers); i++)
        told |= strcmp(json_str_or(condition(object, managers[i]), "reason", ""), "NameConflict") == 0;
    return told && (other_first || strcmp(reason_of_ready(object), "NameConflict") == 0);
}

/* With a registration, and a namespace for jobs, nothing else holds the managers up. */
static void check_conflict(struct story *story, const struct wish *wish, struct json_object *object)
{
    const char *registered = json_str_or(condition(object, "Registered"), "status", "");

    if (is_in_the_way(story, wish) && strcmp(registered, "True") == 0 && !json_get(object, "spec.suspend") &&
        !json_get(object, "spec.namespace") && !tells_conflict(story, wish, object))
        sim_broken(story->sim, PROPERTY_STATUS, "%s/%s: an object is in the way, and Ready says %s", wish->ns,
                   wish->name, reason_of_ready(object));
}

static void check_status(struct story *story, const struct wish *wish, struct json_object *object)
{
    const char *expected = expected_reason(story, wish, json_get(object, "spec")), *reason = reason_of_ready(object);
    int64_t generation = json_int_or(object, "metadata.generation", -1);

    if (json_int_or(object, "status.observedGeneration", -1) != generation)
        sim_broken(story->sim, PROPERTY_EDITS, "%s/%s: generation %lld is not observed: %s", wish->ns, wish->name,
                   (long long)generation, json_text(json_get(object, "status")));
    else if (expected && !is_reason(reason, expected))
        sim_broken(story->sim, PROPERTY_STATUS, "%s/%s: %s, and not %s: %s", wish->ns, wish->name, reason, expected,
                   json_str_or(condition(object, "Ready"), "message", ""));
}

static struct json_object *child_object(struct story *story, enum child child, const struct owner *owner,
                                        const struct spec *spec, struct arena *a)
{
    static const char *const resources[][2] = {{"Secret", "secrets"},
                                               {"ServiceAccount", "serviceaccounts"},
                                               {"Deployment", "deployments"},
                                               {"RoleBinding", "rolebindings"},
                                               {"PodDisruptionBudget", "poddisruptionbudgets"}};

    for (size_t i = 0; i < ARRAY_LEN(resources); i++)
        if (strcmp(resources[i][0], child_kind(child)) == 0)
            return api_object(story->api, resources[i][1], child_namespace(child, owner, spec),
                              child_name(child, owner, a));
    return NULL;
}

/* What has another's label is none of the operator's, and not shown to it. */
static bool is_managed(struct json_object *object)
{
    const char *by = json_string(json_member(json_get(object, "metadata.labels"), "app.kubernetes.io/managed-by"));

    return strcmp(by, "gitlab-runner-controller") == 0;
}

/* "" of the token Secret: of it only the operator knows what is in it. */
static const char *rendered_hash(struct rendered *rendered, enum child child, const struct owner *owner,
                                 const struct spec *spec, struct arena *a)
{
    static const struct render_settings settings = {.manager_image = DEFAULT_MANAGER_IMAGE};
    char *hash = rendered->hashes[child];

    if (!*hash && child != CHILD_TOKEN_SECRET)
        snprintf(hash, sizeof(rendered->hashes[0]), "%s",
                 manifest_hash(render_child(child, owner, spec, &settings, a)));
    return hash;
}

static void check_child(struct story *story, struct wish *wish, enum child child, const struct owner *owner,
                        const struct spec *spec, struct arena *a)
{
    struct json_object *object = child_object(story, child, owner, spec, a);

    if (!child_wanted(child, spec)) {
        if (is_managed(object) && strcmp(annotation_of(object, ANNOTATION_OWNER_UID), owner->uid) == 0)
            sim_broken(story->sim, PROPERTY_CHILDREN, "%s/%s: there is a %s", wish->ns, wish->name, child_kind(child));
        return;
    }
    const char *hash = rendered_hash(&wish->rendered, child, owner, spec, a);
    if (!object)
        sim_broken(story->sim, PROPERTY_CHILDREN, "%s/%s: there is no %s", wish->ns, wish->name, child_kind(child));
    else if (*hash && strcmp(annotation_of(object, ANNOTATION_APPLIED_HASH), hash) != 0)
        sim_broken(story->sim, PROPERTY_EDITS, "%s/%s: the %s is another: %s", wish->ns, wish->name, child_kind(child),
                   json_text(object));
}

struct ended {
    const char *token;
    int64_t since_s; /* not before that */
    bool is;
};

static void find_ended(void *arg, const struct gitlab_runner *runner)
{
    struct ended *ended = arg;

    ended->is |= runner->expires_s >= ended->since_s && strcmp(runner->token, ended->token) == 0;
}

/* It has ended by itself: its user's own, or one that was written down at a wrong time. And GitLab was not asked since,
 * twice, as it is before that is believed; of a token each third time. */
static bool has_just_ended(const struct story *story, struct json_object *spec, const char *token)
{
    enum { USUAL_CHECK_S = 600, ONCE_MORE_S = 30, TOKEN_ONCE_IN = 3 };
    int64_t check_s = json_int_or(spec, "serverCheckPeriodSeconds", USUAL_CHECK_S),
            known_s = (check_s + check_s / 10) * (story->seen.misdated ? TOKEN_ONCE_IN : 1) + ONCE_MORE_S;
    struct ended ended = {token, sim_wall(story->sim) - known_s, false};

    if (spec_mode(spec) == MODE_RUNNER || story->seen.misdated)
        gitlab_each(story->gitlabs[spec_gitlab(spec)], find_ended, &ended);
    return ended.is;
}

/* The managers have the token that works. */
static void check_token(struct story *story, const struct wish *wish)
{
    cleanup_arena struct arena a = {0};
    struct json_object *secret = wish_child(story, wish, "secrets", "-runner-token"),
                       *config = wish_child(story, wish, "secrets", "-runner-config"),
                       *spec = json_get(wish_object(story, wish), "spec");
    const char *token = base64_decode(json_string(json_member(json_get(secret, "data"), KEY_RUNNER_TOKEN)), NULL, &a);
    const char *toml = base64_decode(json_string(json_member(json_get(config, "data"), KEY_CONFIG)), NULL, &a);
    const char *used = toml ? config_toml_token(toml, json_str_or(spec, "url", ""), &a) : NULL;

    if (!token || !used || strcmp(token, used) != 0)
        sim_broken(story->sim, PROPERTY_MANAGERS, "%s/%s: %s, %s", wish->ns, wish->name, token ? token : "none",
                   used ? used : "none");
    else if (!gitlab_runner_of(story->gitlabs[spec_gitlab(spec)], token) && !has_just_ended(story, spec, token))
        sim_broken(story->sim, PROPERTY_STATUS, "%s/%s is Ready, and its token is not GitLab's", wish->ns, wish->name);
}

static void check_children(struct story *story, struct wish *wish, struct json_object *object)
{
    cleanup_arena struct arena a = {0};
    const struct owner owner = owner_of(object);
    const char *version = json_str_or(object, "metadata.resourceVersion", "");
    struct spec spec;
    struct err err;

    if (!spec_parse(object, &spec, &a, &err))
        return;
    if (strcmp(wish->rendered.version, version) != 0)
        wish->rendered = (struct rendered){.version = ""};
    snprintf(wish->rendered.version, sizeof(wish->rendered.version), "%s", version);
    for (enum child child = 0; child < CHILD_COUNT; child++)
        check_child(story, wish, child, &owner, &spec, &a);
    if (spec.manager.replicas > 0) /* GitLab takes it for a sign of life when it is asked about a token */
        check_token(story, wish);
}

void objects_check(struct story *story)
{
    for (int i = 0; i < story->wishes_len; i++) {
        struct wish *wish = &story->wishes[i];
        struct json_object *object = wish_object(story, wish);
        if (!object || greed_is_in(story, wish->ns))
            continue;
        if (json_get(object, "metadata.deletionTimestamp")) {
            sim_broken(story->sim, PROPERTY_DELETIONS, "%s/%s: %s", wish->ns, wish->name, json_text(object));
            continue;
        }
        check_status(story, wish, object);
        check_conflict(story, wish, object);
        if (!is_reason(reason_of_ready(object), "Ready") && !is_reason(reason_of_ready(object), "Paused"))
            continue;
        check_children(story, wish, object);
        contents_check(story, wish, object);
    }
}

void objects_check_served(struct story *story, const struct wish *wish)
{
    struct json_object *object = wish_object(story, wish);
    int64_t generation = json_int_or(object, "metadata.generation", -1);

    if (json_int_or(object, "status.observedGeneration", -1) != generation)
        sim_broken(story->sim, PROPERTY_FAIRNESS, "%s/%s: generation %lld is not seen to: %s", wish->ns, wish->name,
                   (long long)generation, json_text(json_get(object, "status")));
}
