/* Who owns which field, by what a real API server has written down: tests/data/managed_fields/ (see `record` there). */
#include "golden.h"

#include "base/mem.h"
#include "kube/managed_fields.h"
#include "runner/names.h"

static const char *const files[] = {"serviceaccount", "rolebinding", "secret", "deployment", "odd"};

/* As an object of the API server has them: fieldsV1 as text. */
static struct json_object *as_text(struct json_object *managed, struct arena *a)
{
    struct json_object *ret = arena_json(a, json_copy(managed));

    for (size_t i = 0; i < json_len(ret); i++) {
        struct json_object *fields = json_get(json_at(ret, i), "fieldsV1");
        if (fields)
            json_set_str(json_at(ret, i), "fieldsV1", arena_strdup(a, json_text(fields)));
    }
    return ret;
}

/* As trees and as text they say the same. */
static bool we_have(struct json_object *managed, const char *manager, struct json_object *manifest, struct arena *a)
{
    bool ret = managed_fields_have(managed, manager, manifest);

    assert_int_equal(managed_fields_have(as_text(managed, a), manager, manifest), ret);
    return ret;
}

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
            bool owned = we_have(json_get(c, "managedFields"), FIELD_MANAGER, json_get(file, "manifest"), &a);
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
            if (we_have(less, FIELD_MANAGER, json_get(file, "manifest"), &a))
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
        if (we_have(managed, "us", manifest, &a) != cases[i].owned)
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
        if (we_have(arena_json(&a, managed), "us", arena_json(&a, manifest), &a) != cases[i].owned)
            fail_msg("%s of %s", cases[i].list, cases[i].fields);
    }
}

static void hands_over(struct json_object *before, struct json_object *after)
{
    cleanup_json struct json_object *handed_over = managed_fields_handed_over(before, "us");

    assert_true(managed_fields_by_update(before, "us"));
    if (!json_same(handed_over, after))
        fail_msg("%s: %s", json_text(before), json_text(handed_over));
    assert_false(managed_fields_by_update(handed_over, "us"));
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
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *before = arena_json(&a, json_build(cases[i].before)),
                           *after = arena_json(&a, json_build(cases[i].after));
        hands_over(before, after);
        hands_over(as_text(before, &a), after);
    }
}

/* What is no JSON is nothing of ours. */
static void text_that_is_no_json_owns_nothing(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *manifest = arena_json(&a, json_build("{data: {a: x}}"));
    struct json_object *managed =
        arena_json(&a, json_build("[{manager: us, operation: Update, fieldsV1: %s}]", "{\"f:"));

    (void)state;
    assert_false(managed_fields_have(managed, "us", manifest));
    assert_false(fields_have_annotation(managed_fields_of(managed, "us"), "a"));
    hands_over(managed, arena_json(&a, json_build("[{manager: us, operation: Apply, fieldsV1: %s}]", "{\"f:")));
}

static void is_text_however_it_came(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *managed = arena_json(
        &a, json_build("[{manager: us, operation: Apply, fieldsV1: {'f:metadata': {'f:annotations': {'f:a': {}}}}}]"));

    (void)state;
    assert_string_equal(managed_fields_of(managed, "us"), managed_fields_of(as_text(managed, &a), "us"));
    assert_true(fields_have_annotation(managed_fields_of(managed, "us"), "a"));
    assert_false(fields_have_annotation(managed_fields_of(managed, "us"), "b"));
    assert_null(managed_fields_of(managed, "them"));
    assert_false(fields_have_annotation(NULL, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_ours_from_theirs),
        cmocka_unit_test(misses_every_single_field),
        cmocka_unit_test(looks_at_our_own_entry_only),
        cmocka_unit_test(finds_elements_of_lists),
        cmocka_unit_test(hands_over_what_is_ours_by_update),
        cmocka_unit_test(text_that_is_no_json_owns_nothing),
        cmocka_unit_test(is_text_however_it_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
