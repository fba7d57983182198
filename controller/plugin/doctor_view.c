/* What is asked of the API server, in two rounds: all that needs nothing else, then what depends on where the operators
 * are, and what takes the place of lists that the caller may not read. */
#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "net/loop.h"
#include "plugin/command.h"
#include "plugin/doctor.h"
#include "plugin/fetch.h"
#include "plugin/installation.h"
#include "plugin/session.h"
#include "runner/names.h"
#include "runner/namespaces.h"
#include "runner/rights.h"
#include "version.h"

enum { ASKS_MAX = 400, OPERATORS_ASKED = 2, NAMESPACES_ASKED = 3, NAMESPACES_BY_NAME = 32 };

#define MADE_BY_US "labelSelector=app.kubernetes.io%2Fmanaged-by%3D" FIELD_MANAGER

static const struct kube_resource runners = {
    .kind = KIND, .api_version = API_VERSION, .plural = PLURAL, .namespaced = true};
static const struct kube_resource deployments = {
    .kind = "Deployment", .api_version = "apps/v1", .plural = "deployments", .namespaced = true};
static const struct kube_resource bindings = {
    .kind = "RoleBinding", .api_version = "rbac.authorization.k8s.io/v1", .plural = "rolebindings", .namespaced = true};
static const struct kube_resource namespaces = {.kind = "Namespace", .api_version = "v1", .plural = "namespaces"};
static const struct kube_resource secrets = {
    .kind = "Secret", .api_version = "v1", .plural = "secrets", .namespaced = true};
static const struct kube_resource roles = {
    .kind = "ClusterRole", .api_version = "rbac.authorization.k8s.io/v1", .plural = "clusterroles"};

/* A round of requests. */
struct round {
    struct doctor_view *v;
    struct session *session;
    struct fetch asks[ASKS_MAX];
    size_t len;
};

/* The number of the ask. What does not fit is not asked: whoever reads it finds that it has no answer. */
static struct fetch *ask(struct round *r, const char *path)
{
    static struct fetch dropped;
    struct fetch *f = r->len < ASKS_MAX ? &r->asks[r->len++] : &dropped;

    *f = (struct fetch){.path = path};
    return f;
}

static struct fetch *ask_list(struct round *r, const char *path, bool metadata)
{
    struct fetch *f = ask(r, path);

    f->list = true;
    f->accept = metadata ? KUBE_AS_METADATA("List") : NULL;
    return f;
}

static void ask_all(struct round *r, int64_t timeout_ms)
{
    fetch_all(session_loop(r->session), session_client(r->session), r->asks, r->len, timeout_ms, r->v->a);
    for (size_t i = 0; i < r->len; i++) {
        const struct fetch *f = &r->asks[i];
        r->v->calls += f->calls;
        r->v->answered |= f->ended && (f->object || f->err.code);
        if (f->date_s > r->v->now)
            r->v->now = f->date_s;
        if (r->v->first.kind == ERR_NONE && !f->object)
            r->v->first = f->err;
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Answers become sources */

static enum source_state state_of_answer(const struct fetch *f)
{
    if (f->ended && f->object)
        return SOURCE_READ;
    if (f->err.kind == ERR_NOT_FOUND)
        return SOURCE_ABSENT;
    return is_forbidden(&f->err) ? SOURCE_DENIED : SOURCE_FAILED;
}

static void take_source(struct doctor_view *v, enum doctor_source source, const struct fetch *f, const char *needs)
{
    v->sources[source] = (struct doctor_answer){
        .state = state_of_answer(f), .needs = needs, .object = f->object, .cut = f->cut && f->object, .err = f->err};
}

/* A source that many answers make: denied when one is, failed when one has. */
static void begin_source(struct doctor_view *v, enum doctor_source source, const char *needs)
{
    v->sources[source] = (struct doctor_answer){
        .state = SOURCE_READ, .needs = needs, .object = arena_json(v->a, json_object_new_array())};
}

static void join_source(struct doctor_view *v, enum doctor_source source, const struct fetch *f)
{
    struct doctor_answer *answer = &v->sources[source];
    enum source_state state = state_of_answer(f);

    if (state == SOURCE_READ)
        json_append(answer->object, json_ref(f->object));
    else if (state != SOURCE_ABSENT && answer->state == SOURCE_READ) {
        answer->state = state;
        answer->err = f->err;
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Rights, as reviews */

static struct json_object *attributes_of(const struct doctor_right *right, const char *verb, const char *ns,
                                         struct arena *a)
{
    const char *slash = strchr(right->resource, '/');
    size_t len = slash ? (size_t)(slash - right->resource) : strlen(right->resource);

    return json_build("{namespace: %s, verb: %s, group: %s, resource: %s, subresource: %s, name: %s}", ns, verb,
                      right->group, arena_strndup(a, right->resource, len), slash ? slash + 1 : NULL, right->name);
}

static struct fetch *ask_review(struct round *r, struct json_object *review)
{
    bool own = strncmp(json_str_or(review, "kind", ""), "Self", 4) == 0;
    struct fetch *f = ask(r, own ? "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
                                 : "/apis/authorization.k8s.io/v1/subjectaccessreviews");

    f->method = "POST";
    f->body = arena_json(r->v->a, review);
    return f;
}

static void ask_own_right(struct round *r, const struct doctor_right *right)
{
    ask_review(r, json_build("{apiVersion: 'authorization.k8s.io/v1', kind: SelfSubjectAccessReview, "
                             "spec: {resourceAttributes: %o}}",
                             attributes_of(right, right->verbs, r->v->ns, r->v->a)));
}

static void ask_operator_right(struct round *r, const struct doctor_operator *o, const struct doctor_right *right,
                               const char *verb, const char *ns)
{
    struct arena *a = r->v->a;
    struct json_object *groups = json_build("['system:serviceaccounts', %s, 'system:authenticated']",
                                            arena_printf(a, "system:serviceaccounts:%s", o->ns));

    ask_review(r, json_build("{apiVersion: 'authorization.k8s.io/v1', kind: SubjectAccessReview, "
                             "spec: {user: %s, groups: %o, resourceAttributes: %o}}",
                             arena_printf(a, "system:serviceaccount:%s:%s", o->ns, o->account), groups,
                             attributes_of(right, verb, ns, a)));
}

static void ask_operator_verbs(struct round *r, const struct doctor_operator *o, const struct doctor_right *right,
                               const char *ns)
{
    for (const char *at = right->verbs; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ','))
        ask_operator_right(r, o, right, arena_strndup(r->v->a, at, strcspn(at, ",")), ns);
}

/* Of an operator for some namespaces alone its rights in the first of them stand for the others. */
static void ask_operator_rights(struct round *r, const struct doctor_operator *o)
{
    for (const struct doctor_right *right = doctor_operator_rights; right->group; right++) {
        const char *at = o->namespaces;
        char ns[NAMESPACE_SIZE];
        bool moot = right->of == RIGHT_OF_PAGE || (right->of == RIGHT_CLUSTER && o->namespaces) ||
                    (right->of == RIGHT_LISTED && o->secrets_by_name) ||
                    (right->of == RIGHT_HOME && strcmp(right->resource, "leases") == 0 && !o->elects);
        if (moot)
            continue;
        if (right->of == RIGHT_HOME)
            ask_operator_verbs(r, o, right, o->ns);
        else if (!at)
            ask_operator_verbs(r, o, right, NULL);
        for (int n = 0; right->of != RIGHT_HOME && at && n < NAMESPACES_ASKED && namespaces_next(&at, ns); n++)
            ask_operator_verbs(r, o, right, arena_strdup(r->v->a, ns));
    }
}

/* "list secrets in namespace ci" */
static const char *right_text(struct json_object *attributes, struct arena *a)
{
    const char *sub = json_str_or(attributes, "subresource", ""), *name = json_str_or(attributes, "name", ""),
               *ns = json_str_or(attributes, "namespace", "");

    return arena_printf(a, "%s %s%s%s%s%s%s%s", json_str_or(attributes, "verb", ""),
                        json_str_or(attributes, "resource", ""), *sub ? "/" : "", sub, *name ? " " : "", name,
                        *ns ? " in " : "", ns);
}

static void take_operator_rights(struct round *r, size_t first, size_t end)
{
    struct doctor_view *v = r->v;
    struct json_object *lacks = json_object_new_array();

    begin_source(v, SOURCE_OPERATOR_RIGHTS, "create subjectaccessreviews");
    for (size_t i = first; i < end; i++) {
        join_source(v, SOURCE_OPERATOR_RIGHTS, &r->asks[i]);
        if (r->asks[i].object && !json_bool_or(r->asks[i].object, "status.allowed", false))
            json_append(lacks,
                        json_object_new_string(right_text(json_get(r->asks[i].body, "spec.resourceAttributes"), v->a)));
    }
    v->sources[SOURCE_OPERATOR_RIGHTS].object = arena_json(v->a, lacks);
}

static void take_own_rights(struct round *r, size_t first, size_t end)
{
    struct doctor_view *v = r->v;
    struct json_object *answers = json_object_new_array();

    begin_source(v, SOURCE_OWN_RIGHTS, "create selfsubjectaccessreviews");
    for (size_t i = first; i < end; i++) {
        join_source(v, SOURCE_OWN_RIGHTS, &r->asks[i]);
        bool allowed = json_bool_or(r->asks[i].object, "status.allowed", true);
        json_append(answers, json_object_new_string(allowed ? "yes" : "no"));
    }
    v->sources[SOURCE_OWN_RIGHTS].object = arena_json(v->a, answers);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The first round */

static const char *with_query(const char *path, const char *query, struct arena *a)
{
    return arena_printf(a, "%s?%s", path, query);
}

static void ask_roles(struct round *r)
{
    struct arena *a = r->v->a;

    ask(r, kube_path(&roles, NULL, EXECUTOR_CLUSTER_ROLE, NULL, a));
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++)
        ask(r, kube_path(&roles, NULL, feature_role(feature, a), NULL, a));
}

/* What is asked of one namespace, or of all. */
struct namespaced {
    const struct fetch *runners, *deployments, *bindings;
    size_t first_right, end; /* the caller's own rights there */
};

static struct namespaced ask_namespaced(struct round *r)
{
    const char *ns = r->v->ns;
    struct arena *a = r->v->a;
    struct fetch *objects = ask_list(r, kube_path(&runners, ns, NULL, NULL, a), false);
    struct namespaced asked = {
        .runners = objects,
        .deployments = ask_list(r, with_query(kube_path(&deployments, ns, NULL, NULL, a), MADE_BY_US, a), true),
        .bindings = ask_list(r, with_query(kube_path(&bindings, ns, NULL, NULL, a), MADE_BY_US, a), true),
        .first_right = r->len};

    objects->slim = doctor_slim_runner;
    for (const struct doctor_own_right *own = doctor_own_rights; own->right.group; own++)
        ask_own_right(r, &own->right);
    asked.end = r->len;
    return asked;
}

static void take_namespaced(struct round *r, const struct namespaced *asked)
{
    struct doctor_view *v = r->v;

    take_source(v, SOURCE_RUNNERS, asked->runners,
                v->ns ? "list gitlabrunners" : "list gitlabrunners in all namespaces");
    take_source(v, SOURCE_CHILD_DEPLOYMENTS, asked->deployments, "list deployments");
    take_source(v, SOURCE_CHILD_BINDINGS, asked->bindings, "list rolebindings");
    take_own_rights(r, asked->first_right, asked->end);
}

static void first_round(struct round *r, int64_t timeout_ms)
{
    struct doctor_view *v = r->v;
    struct fetch *kind = ask(r, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/" PLURAL "." GROUP),
                 *operators = ask_list(r, "/apis/apps/v1/deployments?labelSelector=" OPERATOR_SELECTOR, false),
                 *pods = ask_list(r, "/api/v1/pods?labelSelector=" OPERATOR_SELECTOR, false),
                 *leases = ask_list(
                     r, "/apis/coordination.k8s.io/v1/leases?fieldSelector=metadata.name%3D" FIELD_MANAGER, false),
                 *all_namespaces = ask_list(r, kube_path(&namespaces, NULL, NULL, NULL, v->a), true);
    const struct namespaced asked = ask_namespaced(r);
    size_t first_role = r->len;

    ask_roles(r);
    ask_all(r, timeout_ms);
    take_source(v, SOURCE_KIND, kind, "get customresourcedefinitions");
    take_source(v, SOURCE_OPERATORS, operators, "list deployments in all namespaces");
    take_source(v, SOURCE_OPERATOR_PODS, pods, "list pods in all namespaces");
    take_source(v, SOURCE_LEASES, leases, "list leases in all namespaces");
    take_source(v, SOURCE_NAMESPACES, all_namespaces, "list namespaces");
    take_namespaced(r, &asked);
    begin_source(v, SOURCE_ROLES, "get clusterroles");
    for (size_t i = first_role; i < r->len; i++)
        join_source(v, SOURCE_ROLES, &r->asks[i]);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The second */

/* By name, where the caller may see those that are theirs; NULL-terminated. */
static void ask_namespaces_by_name(struct round *r)
{
    struct doctor_view *v = r->v;

    for (size_t i = 0, asked = 0; i < v->runners_len && asked < NAMESPACES_BY_NAME; i++) {
        bool known = false;
        for (size_t j = 0; j < i && !known; j++)
            known = strcmp(v->runners[j].jobs_ns, v->runners[i].jobs_ns) == 0;
        if (known)
            continue;
        struct fetch *f = ask(r, kube_path(&namespaces, NULL, v->runners[i].jobs_ns, NULL, v->a));
        f->accept = KUBE_AS_METADATA("");
        asked++;
    }
}

static void ask_ledgers(struct round *r)
{
    for (size_t i = 0; i < r->v->operators_len && i < OPERATORS_ASKED; i++)
        ask(r, kube_path(&secrets, r->v->operators[i].ns, LEDGER_NAME, NULL, r->v->a));
}

static void take_ledgers(struct round *r, size_t first, size_t end)
{
    struct doctor_view *v = r->v;

    begin_source(v, SOURCE_LEDGER, "get secret " LEDGER_NAME);
    for (size_t i = first; i < end; i++)
        join_source(v, SOURCE_LEDGER, &r->asks[i]);
}

static void take_namespaces(struct round *r, size_t first, size_t end)
{
    if (first == end)
        return;
    begin_source(r->v, SOURCE_NAMESPACES, "list namespaces");
    for (size_t i = first; i < end; i++)
        join_source(r->v, SOURCE_NAMESPACES, &r->asks[i]);
}

static void second_round(struct round *r, int64_t timeout_ms)
{
    struct doctor_view *v = r->v;
    size_t ledgers, by_name, rights;

    r->len = 0;
    ledgers = r->len;
    ask_ledgers(r);
    by_name = r->len;
    if (v->sources[SOURCE_NAMESPACES].state == SOURCE_DENIED)
        ask_namespaces_by_name(r);
    rights = r->len;
    for (size_t i = 0; i < v->operators_len && i < OPERATORS_ASKED; i++)
        if (!v->operators[i].outside)
            ask_operator_rights(r, &v->operators[i]);
    ask_all(r, timeout_ms);
    take_ledgers(r, ledgers, by_name);
    take_namespaces(r, by_name, rights);
    take_operator_rights(r, rights, r->len);
}

/* Who may not list all of them sees those of the context's namespace. */
static void look_at_one_namespace(struct round *r, const char *ns, int64_t timeout_ms)
{
    struct doctor_view *v = r->v;
    struct doctor_answer former = v->sources[SOURCE_RUNNERS];

    if (former.state != SOURCE_DENIED || v->ns || !ns)
        return;
    r->len = 0;
    v->ns = ns;
    const struct namespaced asked = ask_namespaced(r);
    ask_all(r, timeout_ms);
    take_namespaced(r, &asked);
    v->others_unseen = v->sources[SOURCE_RUNNERS].state == SOURCE_READ;
    if (!v->others_unseen)
        v->sources[SOURCE_RUNNERS] = former;
}

void doctor_look(struct doctor_view *v, struct session *session, const char *ns, int64_t timeout_ms, struct arena *a)
{
    struct round *r = mem_alloc(sizeof(*r));
    int64_t ends = loop_boottime(session_loop(session)) + timeout_ms;

    *v = (struct doctor_view){.a = a, .program = version_number(), .ns = ns};
    *r = (struct round){.v = v, .session = session};
    first_round(r, timeout_ms * 2 / 3);
    if (!v->now)
        v->now = session_now(session);
    look_at_one_namespace(r, session_namespace(session), timeout_ms / 6);
    doctor_digest_runners(v);
    doctor_digest_operators(v);
    int64_t left = ends - loop_boottime(session_loop(session));
    second_round(r, left > 1000 ? left : 1000);
    assert(v->now > 0 && v->operators && v->runners);
    free(r);
}
