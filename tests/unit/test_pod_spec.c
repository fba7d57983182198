/* spec.manager.podSpec: how it is merged. What is refused is in tests/data/spec/invalid.json. */
#include "golden.h"

#include "base/mem.h"
#include "runner/pod_spec.h"

static void merges_as_kubectl_patches(void **state)
{
    static const struct {
        const char *pod, *patch, *merged;
    } cases[] = {
        /* objects, member by member */
        {"{'a': 1, 'b': {'c': 2, 'd': 3}}", "{'b': {'d': 4, 'e': 5}, 'f': 6}",
         "{'a': 1, 'b': {'c': 2, 'd': 4, 'e': 5}, 'f': 6}"},
        {"{'a': {'b': 1}}", "{'a': 'x'}", "{'a': 'x'}"},
        /* lists without keys, as a whole */
        {"{'tolerations': [{'key': 'a'}, {'key': 'b'}]}", "{'tolerations': [{'key': 'c'}]}",
         "{'tolerations': [{'key': 'c'}]}"},
        {"{'containers': [{'name': 'm', 'args': ['a', 'b']}]}", "{'containers': [{'name': 'm', 'args': ['c']}]}",
         "{'containers': [{'name': 'm', 'args': ['c']}]}"},
        /* containers, by name */
        {"{'containers': [{'name': 'm', 'image': 'i', 'tty': true}]}",
         "{'containers': [{'name': 'n'}, {'name': 'm', 'image': 'j'}]}",
         "{'containers': [{'name': 'm', 'image': 'j', 'tty': true}, {'name': 'n'}]}"},
        {"{}", "{'initContainers': [{'name': 'n'}]}", "{'initContainers': [{'name': 'n'}]}"},
        /* an entry of another list, as a whole: no two sources in one volume, no value beside a valueFrom */
        {"{'volumes': [{'name': 'v', 'emptyDir': {}}, {'name': 'w'}]}", "{'volumes': [{'name': 'v', 'hostPath': {}}]}",
         "{'volumes': [{'name': 'v', 'hostPath': {}}, {'name': 'w'}]}"},
        {"{'containers': [{'name': 'm', 'env': [{'name': 'A', 'value': 'a'}]}]}",
         "{'containers': [{'name': 'm', 'env': [{'name': 'B', 'value': 'b'}, {'name': 'A', 'valueFrom': {}}]}]}",
         "{'containers': [{'name': 'm', 'env': [{'name': 'A', 'valueFrom': {}}, {'name': 'B', 'value': 'b'}]}]}"},
        {"{'containers': [{'name': 'm', 'ports': [{'containerPort': 1}, {'containerPort': 2}]}]}",
         "{'containers': [{'name': 'm', 'ports': [{'containerPort': 2, 'name': 'x'}]}]}",
         "{'containers': [{'name': 'm', 'ports': [{'containerPort': 1}, {'containerPort': 2, 'name': 'x'}]}]}"},
        /* null says nothing */
        {"{'a': 1, 'b': {'c': null}, 'd': [1, null]}",
         "{'a': null, 'e': null, 'f': {'g': null, 'h': [null, {'i': null}]}}",
         "{'a': 1, 'b': {}, 'd': [1], 'f': {'h': [{}]}}"},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *pod = quoted_json(cases[i].pod, &a), *patch = quoted_json(cases[i].patch, &a);
        struct json_object *merged = arena_json(&a, pod_spec_merged(pod, patch));
        assert_string_equal(json_text(merged), json_text(quoted_json(cases[i].merged, &a)));
        assert_true(json_same(quoted_json(cases[i].pod, &a), pod));
        assert_true(json_same(arena_json(&a, pod_spec_merged(merged, patch)), merged));
    }
}

static void without_a_patch_it_stays_what_it_is(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *pod = quoted_json("{'a': [1, {'b': 'c'}], 'containers': [{'name': 'm'}]}", &a);

    (void)state;
    assert_string_equal(json_text(arena_json(&a, pod_spec_merged(pod, NULL))), json_text(pod));
    assert_string_equal(json_text(arena_json(&a, pod_spec_merged(pod, quoted_json("{}", &a)))), json_text(pod));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_as_kubectl_patches),
        cmocka_unit_test(without_a_patch_it_stays_what_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
