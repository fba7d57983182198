/* What the namespace of the jobs forbids, level by level, and what is to be done about it.
 * tests/data/pod_security/cases.json has specs, and beside each what is said; UPDATE_GOLDEN=1 writes it. That the API
 * server says the same of the same pods is tested in e2e/means/test_pod_security.py. */
#include "golden.h"

#include <string.h>

#include "base/mem.h"
#include "runner/pod_security.h"
#include "runner/spec.h"

static struct json_object *object_of(struct json_object *spec, struct arena *a)
{
    struct json_object *object = read_json(DATA "render/minimal.json", a);

    json_each (it, spec)
        json_object_object_add(json_get(object, "spec"), it.key, json_copy(it.value));
    return object;
}

static const char *said(struct json_object *given, const char *level, struct arena *a)
{
    struct json_object *object = object_of(given, a);
    const struct owner owner = owner_of(object);
    struct err err = {0};
    struct spec spec;

    if (!spec_parse(object, &spec, a, &err))
        return arena_printf(a, "InvalidSpec: %s", err.text);
    return pod_security_forbids(&owner, &spec, level, a);
}

static void each_level_forbids_what_it_forbids(void **state)
{
    static const char *const levels[] = {"baseline", "restricted"};
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "pod_security/cases.json", &a);
    const char *text = "[\n";

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json_object *c = json_at(cases, i), *spec = json_get(c, "spec");
        for (size_t l = 0; l < ARRAY_LEN(levels); l++) {
            const char *found = said(spec, levels[l], &a);
            json_object_object_del(c, levels[l]);
            json_set_str(c, levels[l], found);
        }
        text = arena_printf(&a, "%s  %s%s\n", text, json_text(c), i + 1 < json_len(cases) ? "," : "");
    }
    assert_golden(DATA "pod_security/cases.json", arena_printf(&a, "%s]\n", text));
}

static void a_namespace_without_a_level_lets_everything(void **state)
{
    static const char *const levels[] = {NULL, "", "privileged", "Privileged"};
    struct arena a cleanup_arena = {0};
    struct json_object *privileged = quoted_json("{'privileged': true}", &a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        assert_null(said(privileged, levels[i], &a));
}

/* As the API server does with one that it does not know. */
static void an_unknown_level_is_taken_for_the_strictest(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_non_null(said(quoted_json("{}", &a), "another", &a));
    assert_null(said(quoted_json("{'podSecurity': 'Restricted'}", &a), "another", &a));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_forbids_what_it_forbids),
        cmocka_unit_test(a_namespace_without_a_level_lets_everything),
        cmocka_unit_test(an_unknown_level_is_taken_for_the_strictest),
    };

    return cmocka_run_group_tests_name("pod_security", tests, NULL, NULL);
}
