/* Who owns which field, by what a real API server has written down: tests/data/managed_fields/ (see `record` there). */
#include "golden.h"

#include "base/mem.h"
#include "kube/managed_fields.h"
#include "runner/names.h"

static const char *const files[] = {"serviceaccount", "rolebinding", "secret", "deployment", "odd"};

static const char *entry_text(struct json_object *a_case)
{
    struct json_object *fields = managed_fields_of(json_get(a_case, "managedFields"), FIELD_MANAGER);

    return fields ? json_text(fields) : "";
}

/* The first case of each file is as it was after the apply. */
static void ours_stays_the_same_until_somebody_takes_of_it(void **state)
{
    struct arena a cleanup_arena = {0};
    int wrong = 0;

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct json_object *file = read_json(arena_printf(&a, DATA "managed_fields/%s.json", files[f]), &a);
        struct json_object *cases = json_get(file, "cases");
        assert_true(json_len(cases) > 0);
        const char *applied = arena_strdup(&a, entry_text(json_at(cases, 0)));
        for (size_t i = 0; i < json_len(cases); i++) {
            struct json_object *c = json_at(cases, i);
            bool same = strcmp(entry_text(c), applied) == 0;
            if (same == json_bool_or(c, "owned", !same))
                continue;
            print_error("%s: %s: %s\n", files[f], json_str(c, "what"), same ? "the same" : "changed");
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

/* Only what was applied, under our own name, and not through a subresource, counts. */
static void looks_at_our_own_entry_only(void **state)
{
    static const char ours[] = "{'f:metadata': {'f:annotations': {'f:g/a': {}}}}", none[] = "{'f:metadata': {}}";
    static const struct {
        const char *entries, *fields;
        bool owned;
    } cases[] = {
        {"[{manager: us, operation: Apply, fieldsV1: %o}]", ours, true},
        {"[{manager: us, operation: Update, fieldsV1: %o}]", ours, false},
        {"[{manager: them, operation: Apply, fieldsV1: %o}]", ours, false},
        {"[{manager: us, operation: Apply, subresource: status, fieldsV1: %o}]", ours, false},
        {"[{manager: us, operation: Apply, subresource: status, fieldsV1: {}}, {manager: us, operation: Apply, "
         "fieldsV1: %o}]",
         ours, true},
        {"[{manager: us, operation: Apply, fieldsV1: %o}]", none, false},
        {"[{manager: us, operation: Apply, is: %o}]", ours, false},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_false(fields_have_annotation(NULL, "g/a"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *fields = arena_json(&a, json_build(cases[i].fields));
        struct json_object *managed = arena_json(&a, json_build(cases[i].entries, json_ref(fields)));
        if (fields_have_annotation(managed_fields_of(managed, "us"), "g/a") != cases[i].owned)
            fail_msg("%s %s", cases[i].entries, cases[i].fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_stays_the_same_until_somebody_takes_of_it),
        cmocka_unit_test(looks_at_our_own_entry_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
