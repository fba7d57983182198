/* What of an object is kept as text: the fields of managedFields, of what a real API server has written down
 * (tests/data/managed_fields/); and a status. */
#include "golden.h"

#include "base/mem.h"
#include "kube/object_text.h"

static const char *const files[] = {"serviceaccount", "rolebinding", "secret", "deployment", "odd"};

static const struct kube_resource children = {"Secret", "v1", "secrets", true,
                                              true,     NULL, NULL,      "metadata.managedFields[].fieldsV1"},
                                  others = {"Pod", "v1", "pods", true, false, NULL, NULL, NULL};

static struct json_object *parse(const struct kube_resource *resource, bool is_event, struct json_object *what,
                                 struct arena *a)
{
    const char *text = json_text(what);
    struct object_text t;
    struct err err = {0};

    object_text_init(&t, resource, is_event, 0);
    object_text_add(&t, text, strlen(text));
    struct json_object *ret = arena_json(a, object_text_parse(&t, &err));
    object_text_finish(&t);
    assert_int_equal(err.kind, ERR_NONE);
    return ret;
}

static struct json_object *object_with(struct json_object *managed, struct arena *a)
{
    return arena_json(a,
                      json_build("{kind: Secret, metadata: {labels: {a: b}, managedFields: %o, name: n}, data: {c: d}}",
                                 json_ref(managed)));
}

/* What has come back is what was sent, but for the fields, whose text is the very bytes. */
static void expect_text(struct json_object *object, struct json_object *sent)
{
    struct json_object *entries = json_get(object, "metadata.managedFields");

    for (size_t i = 0; i < json_len(entries); i++) {
        struct json_object *fields = json_get(json_at(json_get(sent, "metadata.managedFields"), i), "fieldsV1");
        assert_int_equal(json_get(json_at(entries, i), "fieldsV1") != NULL, fields != NULL);
        if (!fields)
            continue;
        assert_string_equal(json_str_or(json_at(entries, i), "fieldsV1", ""), json_text(fields));
        json_set(json_at(entries, i), "fieldsV1", json_ref(fields));
    }
    assert_true(json_same(object, sent));
}

static void expect_fields_as_text(struct json_object *managed, struct arena *a)
{
    struct json_object *sent = object_with(managed, a),
                       *event = arena_json(a, json_build("{type: ADDED, object: %o}", json_ref(sent)));

    expect_text(parse(&children, false, sent, a), sent);
    expect_text(json_get(parse(&children, true, event, a), "object"), sent);
    assert_true(json_same(parse(&others, false, sent, a), sent));
    assert_true(json_same(parse(&others, true, event, a), event));
    assert_true(json_same(parse(NULL, false, sent, a), sent));
}

static void fields_of_real_objects_are_text(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct json_object *cases =
            json_get(read_json(arena_printf(&a, DATA "managed_fields/%s.json", files[f]), &a), "cases");
        assert_true(json_len(cases) > 0);
        for (size_t i = 0; i < json_len(cases); i++)
            expect_fields_as_text(json_get(json_at(cases, i), "managedFields"), &a);
    }
}

static void odd_entries_are_left_as_they_are(void **state)
{
    static const char *const managed[] = {
        "[]",
        "[{}]",
        "[{manager: us}, {fieldsV1: {}}, {manager: them, fieldsV1: {'f:\"]}': {}}, time: t}]",
        "[1, [], 'x', {fieldsV1: {'f:a': {}}}]",
        "[{a: [{fieldsV1: 1}], fieldsV1: {'f:a': {}}}]",
        "{fieldsV1: {}}",
        "'text'",
        "7",
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(managed); i++)
        expect_fields_as_text(arena_json(&a, json_build(managed[i])), &a);
}

static void a_member_is_text(void **state)
{
    static const struct kube_resource runners = {"R", "v1", "rs", true, false, NULL, NULL, "status"};
    struct arena a cleanup_arena = {0};
    struct json_object *sent = arena_json(
                           &a, json_build("{metadata: {name: n}, spec: {status: {a: b}}, status: {c: [1, {}]}}")),
                       *without = arena_json(&a, json_build("{metadata: {name: n}, spec: {status: {a: b}}}")),
                       *event = arena_json(&a, json_build("{type: ADDED, object: %o}", json_ref(sent)));
    struct json_object *object = parse(&runners, false, sent, &a), *told = parse(&runners, true, event, &a);

    (void)state;
    assert_string_equal(json_str_or(object, "status", ""), "{\"c\":[1,{}]}");
    assert_string_equal(json_str_or(told, "object.status", ""), "{\"c\":[1,{}]}");
    json_set(object, "status", json_ref(json_get(sent, "status")));
    assert_true(json_same(object, sent));
    assert_true(json_same(parse(&runners, false, without, &a), without));
}

/* It takes as much when somebody reads it. */
static void what_is_text_has_its_cost(void **state)
{
    static const struct kube_resource runners = {"R", "v1", "rs", true, false, NULL, NULL, "status"};
    struct arena a cleanup_arena = {0};
    struct json_object *list = json_object_new_array();

    (void)state;
    for (size_t i = 0; i < 20000; i++)
        json_append(list, json_object_new_object());
    struct json_object *sent = arena_json(&a, json_build("{metadata: {name: n}, status: {c: %o}}", list));
    assert_non_null(object_too_large(parse(&runners, false, sent, &a)));
}

static void what_is_too_long_says_so(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *sent =
        arena_json(&a, json_build("{metadata: {name: n}, data: %s}", arena_printf(&a, "%0*d", 200 << 10, 0)));
    struct object_text t;
    struct err err = {0};

    (void)state;
    object_text_init(&t, &others, false, 100 << 10);
    object_text_add(&t, json_text(sent), strlen(json_text(sent)));
    struct json_object *object = arena_json(&a, object_text_parse(&t, &err));
    object_text_finish(&t);
    assert_string_equal(json_str(object, "metadata.name"), "n");
    assert_string_equal(object_too_large(object), "200 KiB of JSON; at most 100 KiB are read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_real_objects_are_text),
        cmocka_unit_test(odd_entries_are_left_as_they_are),
        cmocka_unit_test(a_member_is_text),
        cmocka_unit_test(what_is_text_has_its_cost),
        cmocka_unit_test(what_is_too_long_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
