/* Whether a child may be where it is: its owner, its owner's wish, and the consent of the namespace's owner. */
#include "golden.h"

#include "base/mem.h"
#include "operator/records.h"
#include "operator/claim.h"
#include "runner/names.h"

static const struct {
    const char *what;
    const char *kind, *ns, *name, *owner, *uid; /* the child; of ci/builds, whose uid is uid-1, if not said otherwise */
    const char *spec_namespace;                 /* of ci/builds; NULL: its own                                       */
    const char *allowed_from;                   /* of the namespace jobs; NULL: no annotation                        */
    const char *held;                           /* "deleted": it is; "held": and hangs on our finalizer              */
    const char *expected;
} cases[] = {
    {"a binding in its owner's namespace", "RoleBinding", "ci", NULL, NULL, NULL, NULL, NULL, "", NULL},
    {"… also while the spec names another, which is its owner's turn's business", "RoleBinding", "ci", NULL, NULL, NULL,
     "jobs", "ci", "", NULL},
    {"consent", "RoleBinding", "jobs", NULL, NULL, NULL, "jobs", "ci", "", NULL},
    {"consent by a pattern", "RoleBinding", "jobs", NULL, NULL, NULL, "jobs", "team-*, c?", "", NULL},
    {"no consent", "RoleBinding", "jobs", NULL, NULL, NULL, "jobs", NULL, "", "NamespaceNotAllowed"},
    {"consent to others", "RoleBinding", "jobs", NULL, NULL, NULL, "jobs", "ci2,other", "", "NamespaceNotAllowed"},
    {"no consent, and nobody to ask", "RoleBinding", "jobs", "ci.gone-runner", "ci/gone", "x", NULL, "", "",
     "NamespaceNotAllowed"},
    {"no consent, and the owner has moved", "RoleBinding", "jobs", NULL, NULL, NULL, "third", "", "",
     "NamespaceNotAllowed"},
    {"the owner has moved", "RoleBinding", "jobs", NULL, NULL, NULL, "third", "ci", "", "NamespaceChanged"},
    {"the owner has moved home", "RoleBinding", "jobs", NULL, NULL, NULL, NULL, "ci", "", "NamespaceChanged"},
    {"a namespace that nobody sees", "RoleBinding", "third", NULL, NULL, NULL, "third", NULL, "", NULL},
    {"no owner", "RoleBinding", "jobs", "ci.gone-runner", "ci/gone", "x", NULL, "ci", "", "OwnerGone"},
    {"another owner of that name", "RoleBinding", "jobs", NULL, NULL, "uid-0", "jobs", "ci", "", "OwnerGone"},
    {"it is being deleted already", "RoleBinding", "jobs", NULL, NULL, NULL, "jobs", NULL, "deleted", NULL},
    {"a child without an owner", "Deployment", "ci", "gone-runner", "ci/gone", "x", NULL, NULL, "", "OwnerGone"},
    {"a config Secret", "Secret", "ci", "gone-runner-config", "ci/gone", "x", NULL, NULL, "", "OwnerGone"},
    {"a former object's", "ServiceAccount", "ci", "builds-runner", "ci/builds", "uid-0", NULL, NULL, "", "OwnerGone"},
    {"a token Secret, which somebody may inherit", "Secret", "ci", "gone-runner-token", "ci/gone", "x", NULL, NULL, "",
     NULL},
    {"… deleted by the garbage collector", "Secret", "ci", "gone-runner-token", "ci/gone", "x", NULL, NULL, "held",
     "OwnerGone"},
    {"… on somebody else's finalizer", "Secret", "ci", "gone-runner-token", "ci/gone", "x", NULL, NULL, "deleted",
     NULL},
    {"… whose owner has a successor", "Secret", "ci", "builds-runner-token", "ci/builds", "uid-0", NULL, NULL, "held",
     NULL},
    {"of another name than ours", "Secret", "ci", "passwords", "ci/gone", "x", NULL, NULL, "", NULL},
    {"of another name than its owner's", "RoleBinding", "jobs", "ci.x-runner", "ci/gone", "x", NULL, NULL, "", NULL},
    {"of a kind that is never elsewhere", "Deployment", "jobs", "gone-runner", "ci/gone", "x", NULL, NULL, "", NULL},
    {"of a namespace that is not served", "RoleBinding", "jobs", "else.x-runner", "else/x", "x", NULL, NULL, "", NULL},
    {"nobody's", "RoleBinding", "jobs", "ci.x-runner", "", "", NULL, NULL, "", NULL},
};

static void put(struct store *store, enum kind kind, struct json_object *object, struct arena *a)
{
    struct record record = kind_record(kind, arena_json(a, object), store, a);

    store_put(store, kind, &record);
}

static struct store *scene(size_t i, struct arena *a)
{
    struct store *store = kinds_store_create();
    struct json_object *ns = json_build("{metadata: {name: 'jobs', uid: 'n', resourceVersion: '1', annotations: {}}}");

    json_put_member(json_get(ns, "metadata.annotations"), ANNOTATION_ALLOWED_FROM, cases[i].allowed_from);
    put(store, KIND_NAMESPACE, ns, a);
    put(store, KIND_RUNNER,
        json_build("{metadata: {namespace: 'ci', name: 'builds', uid: 'uid-1', resourceVersion: '1'}, spec: "
                   "{namespace: %s}}",
                   cases[i].spec_namespace),
        a);
    store_reach(store, KIND_RUNNER, "ci", "1");
    return store;
}

static struct json_object *child(size_t i)
{
    const char *owner = cases[i].owner ? cases[i].owner : "ci/builds", *uid = cases[i].uid ? cases[i].uid : "uid-1";
    bool deleted = *cases[i].held;
    struct json_object *object = json_build(
        "{metadata: {namespace: %s, name: %s, uid: 'u', resourceVersion: '2', annotations: {}, deletionTimestamp: %s, "
        "finalizers: [%s]}}",
        cases[i].ns, cases[i].name ? cases[i].name : "ci.builds-runner", deleted ? "2026-01-01T00:00:00Z" : NULL,
        strcmp(cases[i].held, "held") == 0 ? FINALIZER : "another");

    if (*owner) {
        json_put_member(json_get(object, "metadata.annotations"), ANNOTATION_OWNER, owner);
        json_put_member(json_get(object, "metadata.annotations"), ANNOTATION_OWNER_UID, uid);
    }
    return object;
}

static void a_child_needs_an_owner_a_wish_and_consent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a cleanup_arena = {0};
        struct store *store = scene(i, &a);
        enum kind kind = kind_by_name(cases[i].kind);
        const struct record record = kind_record(kind, arena_json(&a, child(i)), store, &a);
        const char *name = claim_name(claim_of(store, kind, &record)), *expected = cases[i].expected;

        if ((name == NULL) != (expected == NULL) || (name && strcmp(name, expected) != 0))
            fail_msg("%s: %s", cases[i].what, name ? name : "good");
        store_destroy(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_needs_an_owner_a_wish_and_consent),
    };

    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
