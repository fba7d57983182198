/* What people and tools do to the children of a GitLabRunner. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "tests/sim/deeds.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

#define THEIR_FINALIZER "example.com/wait"

static const struct {
    const char *resource, *suffix;
} children[] = {
    {"deployments", "-runner"},     {"secrets", "-runner-token"},        {"secrets", "-runner-config"},
    {"serviceaccounts", "-runner"}, {"poddisruptionbudgets", "-runner"}, {"rolebindings", ""},
};

static void child_path(const struct wish *wish, uint32_t number, char *ret_name, size_t size, const char **ret_resource)
{
    number %= ARRAY_LEN(children);
    *ret_resource = children[number].resource;
    if (strcmp(*ret_resource, "rolebindings") == 0)
        snprintf(ret_name, size, "%s.%s-runner", wish->ns, wish->name);
    else
        snprintf(ret_name, size, "%s%s", wish->name, children[number].suffix);
}

static void patch(struct story *story, const char *path, struct json_object *body)
{
    user_request(story, "bob", "PATCH", path, "application/merge-patch+json", body);
}

/* Some field that the operator has set. */
static struct json_object *other_content(const char *resource, uint32_t chance)
{
    if (strcmp(resource, "deployments") == 0)
        return chance % 2 ? json_build("{spec: {replicas: 5}}")
                          : json_build("{spec: {template: {metadata: {labels: {'app.kubernetes.io/name': 'x'}}}}}");
    if (strcmp(resource, "secrets") == 0)
        return json_build("{data: {'runner-token': 'eA==', 'config.toml': 'eA=='}}");
    if (strcmp(resource, "poddisruptionbudgets") == 0)
        return json_build("{spec: {maxUnavailable: 3}}");
    if (strcmp(resource, "rolebindings") == 0)
        return json_build("{subjects: []}");
    return json_build("{metadata: {labels: {'app.kubernetes.io/name': 'x'}}}");
}

/* Without some of the annotations that the operator knows it by. */
static struct json_object *stripped(void)
{
    static const char text[] = "{\"metadata\":{\"annotations\":{\"gitlab-runners.dev/owner\":null,"
                               "\"gitlab-runners.dev/url\":null,\"gitlab-runners.dev/applied-hash\":null}}}";
    struct err err;

    return json_parse(text, strlen(text), &err);
}

static bool is_token_secret(const char *name)
{
    size_t len = strlen(name);

    return len > 13 && strcmp(name + len - 13, "-runner-token") == 0;
}

/* Without its token nobody can tell GitLab whose a runner is, but by the mark. */
static void lose_token(struct story *story, struct wish *wish)
{
    for (int g = 0; g < GITLABS; g++)
        story->seen.disowned[g]++;
    wish->disowned = story->seen.waits = true;
}

static void damage(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);
    const char *resource;
    char name[128];

    child_path(wish, step->b, name, sizeof(name), &resource);
    struct json_object *child = api_object(story->api, resource, wish->ns, name);
    if (!child)
        return;
    const char *path = object_path(resource, wish->ns, name);
    wish->may_roll = true;
    if (is_token_secret(name))
        lose_token(story, wish);
    sim_tell(story->sim, "somebody: %s %s %s/%s",
             (const char *const[]){"deletes", "edits", "strips", "forces away"}[step->c % 4], resource, wish->ns, name);
    switch (step->c % 4) {
    case 0:
        user_request(story, "bob", "DELETE", path, "application/json", NULL);
        break;
    case 1:
        patch(story, path, other_content(resource, step->c / 4));
        break;
    case 2:
        patch(story, path, stripped());
        break;
    default:
        patch(story, path, json_build("{metadata: {finalizers: []}}"));
        user_request(story, "bob", "DELETE", path, "application/json", NULL);
    }
}

/* The watch finds a token Secret by its label alone; without it, and without its object, nobody reads it by name. */
static void note_unseen_token(struct story *story, const struct wish *wish)
{
    struct json_object *secret = wish_child(story, wish, "secrets", "-runner-token"),
                       *object = wish_object(story, wish);
    const char *by = json_string(json_member(json_get(secret, "metadata.labels"), LABEL_MANAGED_BY)),
               *owner = json_string(json_member(json_get(secret, "metadata.annotations"), ANNOTATION_OWNER_UID));
    bool owned = strcmp(owner, json_str_or(object, "metadata.uid", "")) == 0;

    for (int g = 0; g < GITLABS; g++)
        story->seen.disowned[g] += secret && !owned && strcmp(by, FIELD_MANAGER) != 0;
}

static void label(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);
    const char *resource;
    char name[128];

    child_path(wish, step->b, name, sizeof(name), &resource);
    if (!api_object(story->api, resource, wish->ns, name))
        return;
    sim_tell(story->sim, "somebody: labels %s %s/%s", resource, wish->ns, name);
    patch(story, object_path(resource, wish->ns, name),
          step->c % 2 ? json_build("{metadata: {labels: {team: 'a'}}}")
                      : json_build("{metadata: {labels: {'app.kubernetes.io/managed-by': 'helm'}}}"));
    if (is_token_secret(name))
        note_unseen_token(story, wish);
    wish->may_roll = true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Somebody else's */

static struct json_object *foreign_content(const char *resource, const char *ns, const char *name)
{
    struct json_object *object = json_build("{metadata: {namespace: %s, name: %s, labels: {team: 'b'}}}", ns, name);

    if (strcmp(resource, "secrets") == 0)
        json_set(object, "data", json_build("{theirs: 'eA=='}"));
    else if (strcmp(resource, "rolebindings") == 0)
        json_set(object, "roleRef",
                 json_build("{apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view'}"));
    else if (strcmp(resource, "deployments") == 0)
        json_set(
            object, "spec",
            json_build("{selector: {matchLabels: {app: 'theirs'}}, template: {metadata: {labels: {app: 'theirs'}}, "
                       "spec: {containers: [{name: 'a', image: 'busybox'}]}}}"));
    else if (strcmp(resource, "poddisruptionbudgets") == 0)
        json_set(object, "spec", json_build("{maxUnavailable: 2, selector: {matchLabels: {app: 'theirs'}}}"));
    return object;
}

/* It has the name that a child has, or will have. */
static void foreign(struct story *story, const struct step *step)
{
    const struct wish *wish = story_wish(story, step->a);
    const char *resource;
    char name[128];

    child_path(wish, step->b, name, sizeof(name), &resource);
    int status = user_request(story, "bob", "POST", object_path(resource, wish->ns, ""), "application/json",
                              foreign_content(resource, wish->ns, name));
    story->seen.taken |= status == 201;
    sim_tell(story->sim, "somebody: makes %s %s/%s (%d)", resource, wish->ns, name, status);
}

static struct json_object *finalizers(struct json_object *object, bool theirs)
{
    struct json_object *list = json_build("[]"), *all = json_get(object, "metadata.finalizers");

    for (size_t i = 0; i < json_len(all); i++)
        if (strcmp(json_string(json_at(all, i)), THEIR_FINALIZER) != 0)
            json_append(list, json_ref(json_at(all, i)));
    if (theirs)
        json_append(list, json_build("%s", THEIR_FINALIZER));
    return json_build("{metadata: {finalizers: %o}}", list);
}

static void put_finalizer(struct story *story, const struct wish *wish, bool theirs)
{
    struct json_object *object = wish_object(story, wish);

    if (object && (!theirs || !json_get(object, "metadata.deletionTimestamp")))
        patch(story, object_path(RUNNERS, wish->ns, wish->name), finalizers(object, theirs));
}

/* Another controller waits for something, too, before the object goes. */
static void their_finalizer(struct story *story, const struct step *step)
{
    sim_tell(story->sim, "somebody: has a finalizer on %s", story_wish(story, step->a)->name);
    put_finalizer(story, story_wish(story, step->a), true);
}

/* Somebody does not want to wait for a deletion, and takes all finalizers off. Who may not list Secrets does not see
 * the token Secret that stays. */
static void let_go(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);
    const char *path = object_path(RUNNERS, wish->ns, wish->name);

    if (!wish_object(story, wish))
        return;
    wish->may_roll = true;
    story->seen.forced++;
    for (int g = 0; g < GITLABS; g++)
        story->seen.disowned[g] += story->plan.setup[SETUP_SECRETS] != 0;
    sim_tell(story->sim, "user: deletes %s/%s, and takes its finalizers off", wish->ns, wish->name);
    runners_note_lost(story, wish, wish_object(story, wish), LOST_ALONE);
    user_request(story, "alice", "DELETE", path, "application/json", NULL);
    patch(story, path, json_build("{metadata: {finalizers: []}}"));
    story->seen.waits |= story->plan.setup[SETUP_WRONG] && wish_object(story, wish); /* the API server let it not go */
    note_unseen_token(story, wish);
    for (int g = 0; g < GITLABS && story->plan.setup[SETUP_SECRETS]; g++)
        story->seen.disowned[g]++; /* a process that begins now lists no Secrets, and does not know of the token's */
}

/* What is no entry of the ledger. */
static void spoil_ledger(struct story *story, const struct step *step)
{
    static const char *const values[] = {"eA==", "e30=", "eyJ1cmwiOiAxfQ=="};

    if (!api_object(story->api, "secrets", OPERATOR_NAMESPACE, LEDGER_NAME))
        return;
    sim_tell(story->sim, "somebody: writes into the ledger");
    patch(story, object_path("secrets", OPERATOR_NAMESPACE, LEDGER_NAME),
          json_build("{data: {theirs: %s}}", values[step->a % ARRAY_LEN(values)]));
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

void finalizers_mend(struct story *story)
{
    for (int i = 0; i < story->wishes_len; i++)
        put_finalizer(story, &story->wishes[i], false);
}

static void mend_child(struct story *story, const struct wish *wish, uint32_t number)
{
    const char *resource;
    char name[128];

    child_path(wish, number, name, sizeof(name), &resource);
    struct json_object *child = api_object(story->api, resource, wish->ns, name);
    if (!child || json_member(json_get(child, "metadata.annotations"), "gitlab-runners.dev/owner"))
        return;
    sim_tell(story->sim, "user: deletes %s %s/%s, which is in the way", resource, wish->ns, name);
    const char *path = object_path(resource, wish->ns, name);
    patch(story, path, json_build("{metadata: {finalizers: []}}"));
    user_request(story, "alice", "DELETE", path, "application/json", NULL);
}

void children_mend(struct story *story)
{
    for (int i = 0; i < story->wishes_len; i++)
        for (uint32_t child = 0; child < ARRAY_LEN(children); child++)
            mend_child(story, &story->wishes[i], child);
}

const struct deed deeds_objects[] = {
    {"damage a child", 10, damage},
    {"label a child", 4, label},
    {"another's object", 4, foreign},
    {"another's finalizer", 2, their_finalizer},
    {"finalizers off", 2, let_go},
    {"the ledger", 1, spoil_ledger},
    {NULL, 0, NULL},
};
