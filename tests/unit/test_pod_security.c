/* What the namespace of the jobs forbids, field by field and level by level; and what is said then. */
#include "golden.h"

#include <string.h>

#include "base/mem.h"
#include "runner/names.h"
#include "runner/pod_security.h"

static const struct {
    const char *what, *spec, *baseline, *restricted;
} cases[] = {
    {"nothing", "{}", NULL, NULL},
    {"not privileged", "{\"privileged\": false}", NULL, NULL},
    {"privileged", "{\"privileged\": true}", "spec.privileged", "spec.privileged"},
    {"the node's files",
     "{\"volumes\": [{\"name\": \"a\", \"mountPath\": \"/a\", \"emptyDir\": {}},"
     " {\"name\": \"b\", \"mountPath\": \"/b\", \"hostPath\": {\"path\": \"/b\"}}]}",
     "spec.volumes[1].hostPath", "spec.volumes[1].hostPath"},
    {"NFS", "{\"volumes\": [{\"name\": \"a\", \"mountPath\": \"/a\", \"nfs\": {\"server\": \"s\", \"path\": \"/\"}}]}",
     NULL, "spec.volumes[0].nfs"},
    {"harmless volumes",
     "{\"volumes\": [{\"name\": \"a\", \"mountPath\": \"/a\", \"secret\": {\"secretName\": \"s\"}},"
     " {\"name\": \"b\", \"mountPath\": \"/b\", \"configMap\": {\"name\": \"c\"}},"
     " {\"name\": \"c\", \"mountPath\": \"/c\", \"persistentVolumeClaim\": {\"claimName\": \"p\"}},"
     " {\"name\": \"d\", \"mountPath\": \"/d\", \"csi\": {\"driver\": \"d\"}}]}",
     NULL, NULL},
    {"both", "{\"privileged\": true, \"volumes\": [{\"name\": \"b\", \"mountPath\": \"/b\", \"hostPath\": {}}]}",
     "spec.privileged", "spec.privileged"},
};

static const char *forbidden(const char *text, const char *level, struct arena *a)
{
    struct err err = {0};
    struct json_object *given = arena_json(a, json_parse(text, strlen(text), &err));
    struct spec spec = {.privileged = json_bool_or(given, "privileged", false), .volumes = json_get(given, "volumes")};

    assert_non_null(given);
    return pod_security_forbids(&spec, level, a);
}

static void assert_same(const char *found, const char *expected, const char *what)
{
    if (!found || !expected ? found != expected : strcmp(found, expected) != 0)
        fail_msg("%s: %s instead of %s", what, found ? found : "nothing", expected ? expected : "nothing");
}

static void each_level_forbids_what_it_forbids(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_same(forbidden(cases[i].spec, NULL, &a), NULL, cases[i].what);
        assert_same(forbidden(cases[i].spec, "", &a), NULL, cases[i].what);
        assert_same(forbidden(cases[i].spec, "privileged", &a), NULL, cases[i].what);
        assert_same(forbidden(cases[i].spec, "baseline", &a), cases[i].baseline, cases[i].what);
        assert_same(forbidden(cases[i].spec, "restricted", &a), cases[i].restricted, cases[i].what);
    }
}

/* As the API server does with one that it does not know. */
static void an_unknown_level_is_taken_for_the_strictest(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_same(forbidden(cases[i].spec, "another", &a), cases[i].restricted, cases[i].what);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_forbids_what_it_forbids),
        cmocka_unit_test(an_unknown_level_is_taken_for_the_strictest),
    };

    return cmocka_run_group_tests_name("pod_security", tests, NULL, NULL);
}
