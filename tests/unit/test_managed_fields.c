/* Who owns which field, by what a real API server has written down: tests/data/managed_fields/ (see `record` there). */
#include "golden.h"

#include "base/mem.h"
#include "kube/managed_fields.h"
#include "runner/names.h"

static const char *const files[] = {"serviceaccount", "rolebinding", "secret", "deployment", "odd"};

static void knows_ours_from_theirs(void **state)
{
    struct arena a cleanup_arena = {0};
    int wrong = 0;

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct json_object *file = read_json(arena_printf(&a, DATA "managed_fields/%s.json", files[f]), &a);
        struct json_object *cases = json_get(file, "cases");
        assert_true(json_len(cases) > 0);
        for (size_t i = 0; i < json_len(cases); i++) {
            struct json_object *c = json_at(cases, i);
            bool owned = managed_fields_have(json_get(c, "managedFields"), FIELD_MANAGER, json_get(file, "manifest"));
            if (owned == json_bool_or(c, "owned", !owned))
                continue;
            print_error("%s: %s: %s\n", files[f], json_str(c, "what"), owned ? "owned" : "not owned");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Takes the n-th leaf out, and what has become empty by it; false when there are not so many. */
static bool remove_leaf(struct json_object *fields, size_t *n)
{
    json_each (it, fields) {
        bool leaf = !json_first(it.value).key;
        if (strcmp(it.key, ".") == 0 || (leaf && (*n)-- > 0) || (!leaf && !remove_leaf(it.value, n)))
            continue;
        if (leaf || !json_first(it.value).key)
            json_object_object_del(fields, it.key);
        return true;
    }
    return false;
}

static void misses_every_single_field(void **state)
{
    size_t missed = 0;

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files) - 1; f++) {
        struct arena a cleanup_arena = {0};
        struct json_object *file = read_json(arena_printf(&a, DATA "managed_fields/%s.json", files[f]), &a);
        struct json_object *managed = json_get(json_at(json_get(file, "cases"), 0), "managedFields");
        for (size_t leaf = 0;; leaf++, missed++) {
            struct json_object *less = arena_json(&a, json_copy(managed));
            size_t n = leaf;
            if (!remove_leaf(json_get(json_at(less, 0), "fieldsV1"), &n))
                break;
            if (managed_fields_have(less, FIELD_MANAGER, json_get(file, "manifest")))
                fail_msg("%s: field %zu was not missed", files[f], leaf);
        }
    }
    assert_in_range(missed, 100, 1000);
}

/* Only what we have under our own name counts, and not through a subresource; by update, where nothing is by apply. */
static void looks_at_our_own_entry_only(void **state)
{
    static const struct {
        const char *entries;
        bool owned;
    } cases[] = {
        {"[{manager: us, operation: Apply, fieldsV1: {'f:data': {'f:a': {}}}}]", true},
        {"[{manager: us, operation: Apply, fieldsV1: {'f:data': {}}}]", true},
        {"[{manager: us, operation: Update, fieldsV1: {'f:data': {'f:a': {}}}}]", true},
        {"[{manager: us, operation: Update, subresource: status, fieldsV1: {'f:data': {'f:a': {}}}}]", false},
        {"[{manager: us, operation: Update, fieldsV1: {'f:data': {'f:a': {}}}},"
         " {manager: us, operation: Apply, fieldsV1: {'f:data': {'f:b': {}}}}]",
         false},
        {"[{manager: them, operation: Apply, fieldsV1: {'f:data': {'f:a': {}}}}]", false},
        {"[{manager: us, operation: Apply, subresource: status, fieldsV1: {'f:data': {'f:a': {}}}}]", false},
        {"[{manager: us, operation: Apply, subresource: status, fieldsV1: {'f:status': {}}},"
         " {manager: us, operation: Update, fieldsV1: {}},"
         " {manager: us, operation: Apply, fieldsV1: {'f:data': {'f:a': {}}}}]",
         true},
        {"[{manager: us, operation: Apply, fieldsV1: {'f:data': {'f:b': {}}}}]", false},
        {"[{manager: us, operation: Apply, fieldsV1: {'f:metadata': {}}}]", false},
        {"[{manager: us, operation: Apply}]", false},
        {"[]", false},
    };
    struct arena a cleanup_arena = {0};
    struct json_object *manifest =
        arena_json(&a, json_build("{apiVersion: v1, kind: Secret, metadata: {name: n}, data: {a: x}}"));

    (void)state;
    assert_false(managed_fields_have(NULL, "us", manifest));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *managed = arena_json(&a, json_build(cases[i].entries));
        if (managed_fields_have(managed, "us", manifest) != cases[i].owned)
            fail_msg("%s", cases[i].entries);
    }
}

/* Elements of sets are told by their value, which may be a number; an element may leave out a key that has a default.
 */
static void finds_elements_of_lists(void **state)
{
    static const struct {
        const char *fields, *list;
        bool owned;
    } cases[] = {
        {"{'v:\"a\"': {}, 'v:\"b\"': {}}", "['b', 'a']", true},
        {"{'v:\"a\"': {}}", "['b']", false},
        {"{'v:1': {}, 'v:20': {}}", "[20, 1]", true},
        {"{'v:1': {}}", "[2]", false},
        {"{'v:true': {}}", "[true]", true},
        {"{'v:\"1\"': {}}", "[1]", false},
        {"{'k:{\"port\":1,\"protocol\":\"TCP\"}': {'.': {}, 'f:port': {}}}", "[{port: 1}]", true},
        {"{'k:{\"port\":1,\"protocol\":\"UDP\"}': {'.': {}, 'f:port': {}}}", "[{port: 1, protocol: TCP}]", false},
        {"{'k:{\"port\":1}': {'.': {}, 'f:port': {}}}", "[{port: 1, name: x}]", false},
        {"{'k:{\"port\":1}': {'.': {}, 'f:port': {}}, 'k:{\"port\":2}': {}}", "[{port: 2}, {port: 1}]", true},
        {"{'k:nonsense': {}}", "[{port: 2}]", false},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *managed =
            json_build("[{manager: us, operation: Apply, fieldsV1: {'f:list': %o}}]", json_build(cases[i].fields));
        struct json_object *manifest = json_build("{list: %o}", json_build(cases[i].list));
        if (managed_fields_have(arena_json(&a, managed), "us", arena_json(&a, manifest)) != cases[i].owned)
            fail_msg("%s of %s", cases[i].list, cases[i].fields);
    }
}

/* All that is ours by either becomes ours by apply; what is others' stays as it is. */
static void hands_over_what_is_ours_by_update(void **state)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"[{manager: us, operation: Update, fieldsV1: {'f:data': {'f:a': {}}}}]",
         "[{manager: us, operation: Apply, fieldsV1: {'f:data': {'f:a': {}}}}]"},
        {"[{manager: them, operation: Update, fieldsV1: {'f:b': {}}}, {manager: us, operation: Update, time: t,"
         " fieldsV1: {'f:a': {}}}, {manager: us, operation: Update, subresource: status, fieldsV1: {'f:s': {}}}]",
         "[{manager: them, operation: Update, fieldsV1: {'f:b': {}}}, {manager: us, operation: Apply, time: t,"
         " fieldsV1: {'f:a': {}}}, {manager: us, operation: Update, subresource: status, fieldsV1: {'f:s': {}}}]"},
        {"[{manager: us, operation: Apply, fieldsV1: {'f:m': {'f:a': {}}, 'f:l': {'k:{}': {'f:x': {}}}, 'f:n': {}}},"
         " {manager: us, operation: Update, fieldsV1: {'f:m': {'.': {}, 'f:b': {}}, 'f:l': {}, 'f:n': {'f:y': {}}}}]",
         "[{manager: us, operation: Apply, fieldsV1: {'f:m': {'f:a': {}, 'f:b': {}},"
         " 'f:l': {'k:{}': {'f:x': {}}}, 'f:n': {'f:y': {}}}}]"},
        /* of what has members nothing remains when somebody takes them; an element is one without any, too */
        {"[{manager: us, operation: Update, fieldsV1: {'f:d': {'.': {}, 'f:a': {}}, 'f:l': {'.': {}, 'k:{}': {'.': {},"
         " 'f:e': {'.': {}, 'f:x': {}}}, 'v:1': {}}, 'f:w': {}}}]",
         "[{manager: us, operation: Apply, fieldsV1: {'f:d': {'f:a': {}}, 'f:l': {'k:{}': {'.': {}, 'f:e': {'f:x': "
         "{}}},"
         " 'v:1': {}}, 'f:w': {}}}]"},
        /* what no API server says is left as it is */
        {"[{manager: us, operation: Update, fieldsV1: {'f:d': {'.': {}, 'f:a': 1, 'f:b': [{}]}}},"
         " {manager: us, operation: Update, fieldsV1: 7}]",
         "[{manager: us, operation: Apply, fieldsV1: {'f:d': {'f:a': 1, 'f:b': [{}]}}}]"},
        /* what others have taken all members of is not all of it */
        {"[{manager: us, operation: Update, fieldsV1: {'f:t': {}, 'f:d': {}}},"
         " {manager: bob, operation: Update, fieldsV1: {'f:d': {'f:c': {}}}}]",
         "[{manager: us, operation: Apply, fieldsV1: {'f:t': {}}},"
         " {manager: bob, operation: Update, fieldsV1: {'f:d': {'f:c': {}}}}]"},
        {"[{manager: us, operation: Update, fieldsV1: {'f:t': {}, 'f:s': {'f:d': {}}}},"
         " {manager: bob, operation: Update, fieldsV1: {'f:s': {'f:d': {'f:c': {}}}}}]",
         "[{manager: us, operation: Apply, fieldsV1: {'f:t': {}}},"
         " {manager: bob, operation: Update, fieldsV1: {'f:s': {'f:d': {'f:c': {}}}}}]"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_json struct json_object *before = json_build(cases[i].before), *after = json_build(cases[i].after);
        assert_true(managed_fields_by_update(before, "us"));
        cleanup_json struct json_object *handed_over = managed_fields_handed_over(before, "us");
        if (!json_same(handed_over, after))
            fail_msg("%s: %s", cases[i].before, json_text(handed_over));
        assert_false(managed_fields_by_update(handed_over, "us"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_ours_from_theirs),
        cmocka_unit_test(misses_every_single_field),
        cmocka_unit_test(looks_at_our_own_entry_only),
        cmocka_unit_test(finds_elements_of_lists),
        cmocka_unit_test(hands_over_what_is_ours_by_update),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
