/* What `doctor` finds, in a world that is well, and in one where one thing is not. */
#include "golden.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "plugin/doctor.h"
#include "plugin/doctor_print.h"

enum { NOW = 1800000000 };

static struct world {
    struct arena a;
    struct doctor_view view;
    struct doctor doctor;
} w;

static int set_up(void **state)
{
    (void)state;
    w = (struct world){.view = {.now = NOW, .program = "0.1.0", .answered = true}};
    w.view.a = &w.a;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_finish(&w.a);
    return 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A world that is well */

#define TIME   "2027-01-15T07:00:00Z" /* an hour before NOW */
#define WELL   "2027-01-15T07:59:55Z"
#define DEPLOY "/apis/apps/v1/deployments"

static struct json_object *from_yaml_file(const char *path)
{
    const char *text = read_file(path, &w.a);
    struct err err = {0};
    struct json_object *documents = text ? yaml_read(path, text, strlen(text), YAML_TYPED, &err) : NULL;

    if (!documents)
        fail_msg("%s: %s", path, text ? err.text : "run the test from the project's folder");
    return arena_json(&w.a, documents);
}

static void give(enum doctor_source source, struct json_object *object)
{
    w.view.sources[source] =
        (struct doctor_answer){.state = SOURCE_READ, .needs = "list things", .object = arena_json(&w.a, object)};
}

static void give_text(enum doctor_source source, const char *text)
{
    give(source, json_copy(quoted_json(text, &w.a)));
}

/* The roles are those of the manifests; others of the file are passed over. */
static void give_roles(void)
{
    struct json_object *documents = from_yaml_file("manifests/base/executor.yaml"), *roles = json_object_new_array();

    for (size_t i = 0; i < json_len(documents); i++)
        json_append(roles, json_ref(json_at(documents, i)));
    give(SOURCE_ROLES, roles);
}

#define RUNNER                                                                                                         \
    "[{'apiVersion':'gitlab-runners.dev/v1beta1','kind':'GitLabRunner','metadata':{'name':'builds','namespace':'ci',"  \
    "'uid':'u-1','generation':2,'creationTimestamp':'" TIME "','finalizers':['gitlab-runners.dev/deregister']},"       \
    "'doctor':{'written':'" TIME "'},'spec':{'url':'https://gitlab.example','namespace':'ci-jobs','tags':['a'],"       \
    "'authentication':{'accessTokenSecretRef':{'name':'my-gitlab'}},'scope':{'type':'Project','projectId':1}},"        \
    "'status':{'observedGeneration':2,'runnerId':7,'conditions':["                                                     \
    "{'type':'Ready','status':'True','reason':'Ready','message':'m','lastTransitionTime':'" TIME "'},"                 \
    "{'type':'GitLabReachable','status':'True','reason':'Reachable','message':'m','lastTransitionTime':'" TIME         \
    "'}]}}]"

static void make_well(void)
{
    cleanup_json struct json_object *kinds = json_ref(json_at(from_yaml_file("crds/gitlabrunners.yaml"), 0));

    give(SOURCE_KIND, json_copy(kinds));
    give_text(SOURCE_RUNNERS, RUNNER);
    give_text(SOURCE_OPERATORS,
              "[{'metadata':{'namespace':'glr','name':'gitlab-runner-controller'},'spec':{'replicas':1,'template':{"
              "'spec':{'serviceAccountName':'op','containers':[{'image':'r:5000/op:0.1.0@sha256:00','args':['run']}]"
              "}}},'status':{'readyReplicas':1}}]");
    give_text(SOURCE_OPERATOR_PODS, "[]");
    give_text(SOURCE_LEASES, "[{'metadata':{'namespace':'glr','name':'gitlab-runner-controller'},'spec':{"
                             "'holderIdentity':'pod_1','renewTime':'" WELL "','leaseDurationSeconds':15}}]");
    give_roles();
    give_text(SOURCE_NAMESPACES,
              "[{'metadata':{'name':'ci'}},{'metadata':{'name':'ci-jobs','annotations':"
              "{'gitlab-runners.dev/allowed-from':'ci'},'labels':{'pod-security.kubernetes.io/enforce':'baseline'}}}]");
    give_text(SOURCE_CHILD_DEPLOYMENTS,
              "[{'metadata':{'namespace':'ci','name':'builds-runner','creationTimestamp':'" TIME "',"
              "'annotations':{'gitlab-runners.dev/owner-uid':'u-1','gitlab-runners.dev/owner':'GitLabRunner/ci/builds'"
              "}}}]");
    give_text(SOURCE_CHILD_BINDINGS, "[]");
    give_text(SOURCE_LEDGER, "[{'data':{}}]");
    give_text(SOURCE_OWN_RIGHTS, "['yes','yes','yes','yes','yes','yes','yes','yes']");
    give_text(SOURCE_OPERATOR_RIGHTS, "[]");
}

static const struct doctor *examine(const char *ignored)
{
    doctor_digest_runners(&w.view);
    doctor_digest_operators(&w.view);
    w.doctor = (struct doctor){.view = &w.view, .a = &w.a};
    doctor_examine(&w.doctor, ignored);
    return &w.doctor;
}

static const char *all_codes(const struct doctor *d)
{
    const char *all = "";

    for (size_t i = 0; i < d->found_len; i++)
        all = arena_printf(&w.a, "%s%s%s", all, *all ? " " : "", d->found[i].check->code);
    return all;
}

static void finds_nothing_where_all_is_well(void **state)
{
    (void)state;
    make_well();
    const struct doctor *d = examine(NULL);
    if (d->found_len)
        fail_msg("%s %s: %s", d->found[0].check->code, d->found[0].object, d->found[0].text);
    assert_true(d->facts_len > 5);
    assert_false(d->incomplete || d->late);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One thing that is not */

#define CONDITION(type, status, reason, message)                                                                       \
    "{'type':'" type "','status':'" status "','reason':'" reason "','message':'" message                               \
    "','lastTransitionTime':'2027-01-15T06:00:00Z'}"
#define ACCESS "the access token expires at 2027-01-1"
#define OTHER_OPERATOR                                                                                                 \
    "{'metadata':{'namespace':'other','name':'op'},'spec':{'template':{'spec':{'containers':[{'args':["

static const struct wrong {
    enum doctor_source source;
    const char *path, *value; /* what is otherwise in it; "…/N/…": of a list; path "": all of it; value NULL: out */
    const char *codes;        /* that are found, in this order */
    enum doctor_level level;  /* of the first                  */
    const char *says;         /* in the first one's text       */
} wrongs[] = {
    {SOURCE_KIND, "spec/versions/0/served", "false", "GLR002", LEVEL_ERROR, "is not served"},
    {SOURCE_KIND, "status", "{'conditions':[{'type':'NamesAccepted','status':'False'}]}", "GLR002", LEVEL_ERROR,
     "established"},
    {SOURCE_KIND, "status", "{'storedVersions':['v1alpha1','v1beta1']}", "GLR002", LEVEL_WARNING, "v1alpha1"},
    {SOURCE_KIND, "spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/tags", NULL, "GLR003",
     LEVEL_WARNING, "older than this program"},
    {SOURCE_KIND, "spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/hue", "{'type':'string'}",
     "GLR003", LEVEL_WARNING, "spec.hue"},
    {SOURCE_OPERATORS, "", "[]", "", 0, ""}, /* its Lease is held: it is a process outside of the cluster */
    {SOURCE_OPERATORS, "0/status", "{}", "GLR005", LEVEL_ERROR, "0 of 1"},
    {SOURCE_OPERATORS, "0/spec/replicas", "2", "GLR005", LEVEL_WARNING, "1 of 2"},
    {SOURCE_OPERATORS, "0/spec/replicas", "0", "GLR005", LEVEL_ERROR, "scaled to no pods"},
    {SOURCE_OPERATORS, "1", OTHER_OPERATOR "'--leader-elect=false']}]}}},'status':{'readyReplicas':1}}", "GLR006",
     LEVEL_ERROR, "same namespaces"},
    {SOURCE_OPERATORS, "1",
     OTHER_OPERATOR "'--namespace','a,ci','--leader-elect=false']}]}}},'status':{'readyReplicas':1}}", "GLR006",
     LEVEL_ERROR, "same namespaces"},
    {SOURCE_LEASES, "0/spec/holderIdentity", "''", "GLR007", LEVEL_ERROR, "nobody holds"},
    {SOURCE_LEASES, "0/spec/renewTime", "'2027-01-15T07:59:30Z'", "GLR007", LEVEL_ERROR, "30 seconds ago"},
    {SOURCE_OPERATORS, "0/spec/template/spec/containers/0/image", "'r/op:0.9.0'", "GLR008", LEVEL_WARNING, "0.9.0"},
    {SOURCE_OPERATOR_PODS, "",
     "[{'metadata':{'namespace':'glr','creationTimestamp':'" TIME "'},'spec':{'containers':[{'image':'a'}]}},"
     "{'metadata':{'namespace':'glr','creationTimestamp':'" TIME "'},'spec':{'containers':[{'image':'b'}]}}]",
     "GLR008", LEVEL_WARNING, "different images"},
    {SOURCE_OPERATOR_RIGHTS, "", "['list secrets','patch rolebindings in ci']", "GLR009", LEVEL_ERROR,
     "list secrets; patch rolebindings in ci"},
    {SOURCE_RUNNERS, "0/status/conditions/1", CONDITION("GitLabReachable", "False", "ConnectionRefused", "no way"),
     "GLR010", LEVEL_ERROR, "seen by the operator since 2027-01-15T06:00:00Z: ConnectionRefused: no way"},
    {SOURCE_RUNNERS, "0/status/conditions/1", CONDITION("GitLabReachable", "True", "AccessTokenRejected", "bad"),
     "GLR011", LEVEL_ERROR, "AccessTokenRejected, of ci/builds: bad"},
    {SOURCE_RUNNERS, "0/status/conditions/2",
     CONDITION("TokenExpiring", "True", "TokenExpiring", ACCESS "6T00:00:00Z: put another one"), "GLR012", LEVEL_ERROR,
     "1 runner uses it; the access token"},
    {SOURCE_RUNNERS, "0/status/conditions/2",
     CONDITION("TokenExpiring", "True", "TokenExpiring", ACCESS "9T00:00:00Z: put another one"), "GLR012",
     LEVEL_WARNING, "1 runner uses it; the access token"},
    {SOURCE_RUNNERS, "0/status/conditions/2",
     CONDITION("TokenExpiring", "True", "TokenExpiring", "the runner token expires"), "GLR013", LEVEL_WARNING,
     "expires"},
    {SOURCE_RUNNERS, "0/status/tokenExpirationTime", "'" TIME "'", "GLR013", LEVEL_ERROR, "has ended"},
    {SOURCE_RUNNERS, "0/status/conditions/2", CONDITION("VersionSkew", "True", "RunnerNewerThanGitLab", "newer"),
     "GLR014", LEVEL_WARNING, "RunnerNewerThanGitLab: newer"},
    {SOURCE_RUNNERS, "0/spec/url", "'http://gitlab.example'", "GLR015", LEVEL_NOTE, "not https"},
    {SOURCE_FROM_HERE, "", "[{'url':'https://g','host':'g','reason':'HostNotFound','text':'no such name'}]", "GLR016",
     LEVEL_NOTE, "seen from here: HostNotFound: no such name"},
    {SOURCE_FROM_HERE, "", "[{'url':'https://g','host':'g','status':401,'date':1799999940}]", "GLR017", LEVEL_WARNING,
     "60 seconds behind"},
    {SOURCE_FROM_HERE, "", "[{'url':'https://g','host':'g','status':401,'date':1800000001}]", "", 0, ""},
    {SOURCE_ROLES, "0/metadata/name", "'x'", "GLR020", LEVEL_ERROR, "no job can run"},
    {SOURCE_ROLES, "0/rules/3/verbs", "['create','get']", "GLR021", LEVEL_WARNING, "delete,patch pods/exec"},
    {SOURCE_LEDGER, "0/data/k", NULL, "", 0, ""}, /* with an entry: below */
    {SOURCE_OWN_RIGHTS, "3", "'no'", "GLR023", LEVEL_NOTE, "get pods/log (logs)"},
    {SOURCE_RUNNERS, "0/spec/privileged", "true", "GLR030", LEVEL_ERROR, ""},
    {SOURCE_NAMESPACES, "1/metadata/name", "'x'", "GLR031", LEVEL_ERROR, "does not exist"},
    {SOURCE_NAMESPACES, "1/metadata/deletionTimestamp", "'" TIME "'", "GLR031", LEVEL_ERROR, "is being deleted"},
    {SOURCE_NAMESPACES, "1/metadata/annotations", "{'gitlab-runners.dev/allowed-from':'cx, x*'}", "GLR032", LEVEL_ERROR,
     "not open"},
    {SOURCE_RUNNERS, "0/status/conditions",
     "[" CONDITION("Ready", "False", "NamespaceNotFound", "m") "," CONDITION("Stalled", "True", "NamespaceNotFound",
                                                                             "m") "]",
     "GLR040", LEVEL_ERROR, "NamespaceNotFound: m"},
    {SOURCE_RUNNERS, "0/metadata/generation", "3", "GLR041", LEVEL_ERROR, "60 minutes ago"},
    {SOURCE_OPERATORS, "0/spec/template/spec/containers/0/args", "['run','--namespace=other']", "GLR041", LEVEL_ERROR,
     "no operator serves namespace ci"},
    {SOURCE_RUNNERS, "0/spec/suspend", "true", "GLR042", LEVEL_NOTE, ""},
    {SOURCE_RUNNERS, "0/metadata/annotations",
     "{'gitlab-runners.dev/paused-until':'resumed','gitlab-runners.dev/paused-at':'2027-01-01T00:00:00Z',"
     "'gitlab-runners.dev/paused-by':'anna'}",
     "GLR043", LEVEL_WARNING, "paused for 14 days by anna"},
    {SOURCE_RUNNERS, "0/metadata/deletionTimestamp", "'2027-01-15T03:00:00Z'", "GLR044", LEVEL_ERROR,
     "for 300 minutes; the operator is waited for"},
    {SOURCE_CHILD_DEPLOYMENTS, "0/metadata/annotations/gitlab-runners.dev~owner-uid", "'u-2'", "GLR045", LEVEL_WARNING,
     "made for ci/builds"},
    {SOURCE_RUNNERS, "0/status/conditions/2", CONDITION("ManagerAvailable", "False", "NameConflict", "taken"), "GLR046",
     LEVEL_ERROR, "taken"},
    {SOURCE_RUNNERS, "0/status/conditions/0", CONDITION("Ready", "False", "ManagerStarting", "0 of 1"), "GLR047",
     LEVEL_WARNING, "not ready since 2027-01-15T06:00:00Z, ManagerStarting: 0 of 1"},
    {SOURCE_RUNNERS, "0/status/conditions/2", CONDITION("ConfigApplied", "True", "Warnings", "odd"), "GLR048",
     LEVEL_WARNING, "odd"},
};

static struct json_object *child_of(struct json_object *in, const char *name)
{
    return json_is_array(in) ? json_at(in, (size_t)atoi(name)) : json_member(in, name);
}

static void set_child(struct json_object *in, const char *name, struct json_object *value)
{
    if (json_is_array(in))
        json_object_array_put_idx(in, (size_t)atoi(name), value);
    else if (value)
        json_object_object_add(in, name, value);
    else
        json_object_object_del(in, name);
}

/* "~" in a name stands for a slash. */
static void set_wrong(const struct wrong *wrong)
{
    struct json_object *in = w.view.sources[wrong->source].object,
                       *value = wrong->value ? json_copy(quoted_json(wrong->value, &w.a)) : NULL;
    char *path = arena_strdup(&w.a, wrong->path), *name = strtok(path, "/");

    if (!name) {
        give(wrong->source, value);
        return;
    }
    for (char *next; (next = strtok(NULL, "/")); name = next)
        in = child_of(in, name);
    for (char *tilde = strchr(name, '~'); tilde; tilde = strchr(name, '~'))
        *tilde = '/';
    set_child(in, name, value);
}

static void finds_what_is_wrong(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
        const struct wrong *wrong = &wrongs[i];
        make_well();
        set_wrong(wrong);
        const struct doctor *d = examine(NULL);
        if (strcmp(all_codes(d), wrong->codes) != 0)
            fail_msg("%zu, %s: found %s, not %s: %s", i, wrong->path, all_codes(d), wrong->codes,
                     d->found_len ? d->found[0].text : "");
        if (d->found_len) {
            assert_int_equal(d->found[0].level, wrong->level);
            if (!strstr(d->found[0].text, wrong->says))
                fail_msg("%zu: not \"%s\", but \"%s\"", i, wrong->says, d->found[0].text);
            assert_true(strlen(d->found[0].remedy) > 10);
        }
        tear_down(state);
        set_up(state);
    }
}

static void tells_of_runners_left_behind(void **state)
{
    static const char entry[] = "{\"url\":\"https://gitlab.example\",\"runnerId\":7,\"uid\":\"u\",\"namespace\":\"ci\","
                                "\"name\":\"old\",\"reason\":\"no answer\",\"time\":\"" TIME "\",\"token\":\"glrt-x\"}";
    (void)state;

    make_well();
    struct json_object *ledger = json_build("[{data: {'u.7': %s}}]", base64_encode(entry, strlen(entry), &w.a));
    give(SOURCE_LEDGER, ledger);
    const struct doctor *d = examine(NULL);
    assert_string_equal(all_codes(d), "GLR022");
    assert_string_equal(d->found[0].object, "runner 7 at https://gitlab.example, of ci/old");
    assert_null(strstr(d->found[0].text, "glrt-"));
}

static void says_that_there_is_no_operator_once(void **state)
{
    (void)state;
    make_well();
    give_text(SOURCE_OPERATORS, "[]");
    give_text(SOURCE_LEASES, "[]");
    assert_string_equal(all_codes(examine(NULL)), "GLR004");
    make_well();
    w.view.sources[SOURCE_KIND] = (struct doctor_answer){.state = SOURCE_ABSENT};
    assert_string_equal(all_codes(examine(NULL)), "GLR001");
}

static void tells_once_what_is_the_same_with_many(void **state)
{
    (void)state;
    make_well();
    struct json_object *list = w.view.sources[SOURCE_RUNNERS].object;
    json_object_array_put_idx(json_get(json_at(list, 0), "status.conditions"), 1,
                              json_copy(quoted_json(CONDITION("GitLabReachable", "False", "Timeout", "m"), &w.a)));
    for (int i = 0; i < 20; i++) {
        struct json_object *more = json_copy(json_at(list, 0));
        json_set_str(more, "metadata.name", arena_printf(&w.a, "r%d", i));
        json_append(list, more);
    }
    const struct doctor *d = examine(NULL);
    assert_string_equal(all_codes(d), "GLR010");
    assert_string_equal(d->found[0].object, "ci/builds and 20 more");
}

static void skips_what_may_not_be_seen(void **state)
{
    (void)state;
    make_well();
    w.view.sources[SOURCE_NAMESPACES] = (struct doctor_answer){.state = SOURCE_DENIED, .needs = "list namespaces"};
    const struct doctor *d = examine(NULL);
    assert_string_equal(all_codes(d), "GLR030 GLR031 GLR032");
    assert_int_equal(d->found[0].level, LEVEL_SKIP);
    assert_string_equal(d->found[0].text, "you may not list namespaces");
    assert_true(d->incomplete && !d->late);
    assert_int_equal(examine("GLR031,GLR030")->found_len, 1);
    w.view.sources[SOURCE_NAMESPACES].state = SOURCE_FAILED;
    assert_true(examine(NULL)->late);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The tables */

static const char *row_of(const struct doctor_check *check)
{
    static const char *const levels[] = {"note", "warning", "error"};

    return arena_printf(&w.a, "\n| `%s` | %s | %s | %s | %s |\n", check->code, levels[check->level], check->name,
                        check->means, check->remedy);
}

static void is_documented(void **state)
{
    const char *page = read_file("docs/doctor.md", &w.a);
    size_t rows = 0, checks = 0;

    (void)state;
    assert_non_null(page);
    for (const struct doctor_check *check = doctor_checks; check->code; check++, checks++) {
        assert_ptr_equal(doctor_check_named(check->code), check); /* each code once */
        assert_true(strlen(check->code) == 6 && strncmp(check->code, "GLR0", 4) == 0);
        if (!strstr(page, row_of(check)))
            fail_msg("docs/doctor.md lacks:%s", row_of(check));
    }
    for (const char *at = page; (at = strstr(at, "\n| `GLR")); at++)
        rows++;
    assert_int_equal(rows, checks);
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; (at = strstr(at, word)); at += len)
        if ((at == words || at[-1] == ',') && (!at[len] || at[len] == ','))
            return true;
    return false;
}

static bool table_has(const struct doctor_right *rights, const char *group, const char *resource, const char *verb,
                      const char *name)
{
    for (; rights->group; rights++)
        if (strcmp(rights->group, group) == 0 && strcmp(rights->resource, resource) == 0 &&
            has_word(rights->verbs, verb) && strcmp(rights->name ? rights->name : "", name) == 0)
            return true;
    return false;
}

/* Each triple of the rule; returns how many. */
static size_t compare_rule(struct json_object *rule, const struct doctor_right *rights)
{
    struct json_object *groups = json_get(rule, "apiGroups"), *resources = json_get(rule, "resources"),
                       *verbs = json_get(rule, "verbs"), *names = json_get(rule, "resourceNames");
    size_t n = 0, names_len = names ? json_len(names) : 1;

    for (size_t g = 0; g < json_len(groups); g++)
        for (size_t r = 0; r < json_len(resources); r++)
            for (size_t v = 0; v < json_len(verbs); v++)
                for (size_t m = 0; m < names_len; m++, n++) {
                    const char *name = names ? json_string(json_at(names, m)) : "";
                    if (!table_has(rights, json_string(json_at(groups, g)), json_string(json_at(resources, r)),
                                   json_string(json_at(verbs, v)), name))
                        fail_msg("not in the table: %s %s %s", json_string(json_at(verbs, v)),
                                 json_string(json_at(resources, r)), name);
                }
    return n;
}

static size_t compare_roles(const char *path, const char *only, const struct doctor_right *rights)
{
    struct json_object *documents = from_yaml_file(path);
    size_t n = 0;

    for (size_t i = 0; i < json_len(documents); i++) {
        struct json_object *role = json_at(documents, i), *rules = json_get(role, "rules");
        if (only && strcmp(json_str_or(role, "metadata.name", ""), only) != 0)
            continue;
        for (size_t k = 0; k < json_len(rules); k++)
            n += compare_rule(json_at(rules, k), rights);
    }
    return n;
}

static size_t triples(const struct doctor_right *rights)
{
    size_t n = 0;

    for (; rights->group; rights++) {
        n++;
        for (const char *at = rights->verbs; (at = strchr(at, ',')); at++)
            n++;
    }
    return n;
}

static void knows_the_rights_of_the_manifests(void **state)
{
    size_t of_operator =
        compare_roles("manifests/base/rbac.yaml", NULL, doctor_operator_rights) +
        compare_roles("manifests/base/lease.yaml", "gitlab-runner-controller-lease", doctor_operator_rights) +
        compare_roles("manifests/base/orphans.yaml", NULL, doctor_operator_rights);

    (void)state;
    assert_int_equal(of_operator - 1, triples(doctor_operator_rights)); /* events are in two files */
    assert_int_equal(compare_roles("manifests/base/executor.yaml", "gitlab-runner-executor", doctor_executor_rights),
                     triples(doctor_executor_rights));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is kept of an object */

static void knows_when_a_spec_was_written(void **state)
{
    static const char text[] = "{'metadata':{'creationTimestamp':'2027-01-01T00:00:00Z','managedFields':["
                               "{'time':'2027-01-03T00:00:00Z','fieldsV1':{'f:spec':{'f:paused':{}}}},"
                               "{'time':'2027-01-02T00:00:00Z','fieldsV1':{'f:spec':{'f:tags':{}}}},"
                               "{'time':'2027-01-09T00:00:00Z','subresource':'status','fieldsV1':{'f:status':{}}}]}}";
    struct json_object *runner = quoted_json(text, &w.a);

    (void)state;
    doctor_slim_runner(runner);
    assert_string_equal(json_str(runner, "doctor.written"), "2027-01-03T00:00:00Z");
    assert_string_equal(json_str(runner, "doctor.paused"), "2027-01-03T00:00:00Z");
    assert_null(json_get(runner, "metadata.managedFields"));
}

int main(void)
{
#define doctor_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        doctor_test(finds_nothing_where_all_is_well),
        doctor_test(finds_what_is_wrong),
        doctor_test(tells_of_runners_left_behind),
        doctor_test(tells_once_what_is_the_same_with_many),
        doctor_test(says_that_there_is_no_operator_once),
        doctor_test(skips_what_may_not_be_seen),
        doctor_test(is_documented),
        doctor_test(knows_the_rights_of_the_manifests),
        doctor_test(knows_when_a_spec_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
