/* A member that is null is as one that is not there where the kind's schema has an object or a list, or keeps fields
 * that are not known: server-side apply leaves it of what it has emptied. In place of one value, in a file, it is what
 * somebody has forgotten. The cases are generated from the schema. */
#include "mistakes.h"

#include "cli/load.h"
#include "runner/render.h"
#include "runner/spec.h"

struct counts {
    size_t members, below, values, wrong;
};

static struct counts counts;

static const char *children_of(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    static const struct render_settings settings = {.manager_image = "gitlab/gitlab-runner:alpine-v19.4.0"};
    const char *warnings = warnings_text(&spec->warnings, SIZE_MAX, a), *text = warnings ? warnings : "";

    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        if (child_wanted(child, spec))
            text = arena_printf(a, "%s%s\n", text, json_text(render_child(child, owner, spec, &settings, a)));
    return text;
}

/* What is said of the object; or, when nothing is, what is made of it. */
static const char *outcome_of(struct json_object *object, struct arena *a)
{
    const struct loaded item = {"file", object};
    const struct owner owner = owner_of(object);
    struct complaints all = {.a = a};
    const char *text = "";
    struct spec spec;

    if (loaded_validate(&item, &spec, &all))
        return children_of(&owner, &spec, a);
    for (size_t i = 0; i < all.len; i++)
        text = arena_printf(a, "%s%s\n", text, all.items[i].text);
    return text;
}

static void check(const char *path, const char *found, const char *expected)
{
    if (strcmp(found, expected) == 0)
        return;
    counts.wrong++;
    print_message("%s = null:\n  %.300s\n  instead of:\n  %.300s\n", path, found, expected);
}

static const char *outcome_of_null(struct json_object *object, struct json_object *schema, const char *path,
                                   struct arena *a)
{
    make_room(object, schema, path, a);
    put(object, path, NULL);
    return outcome_of(object, a);
}

/* Null at the path, held against no member there. */
static void try_member(struct json_object *schema, const char *path)
{
    struct arena a cleanup_arena = {0};
    struct json_object *object = base_for(path, &a);

    counts.members++;
    const char *found = outcome_of_null(object, schema, path, &a);
    take_out(object, path);
    check(path, found, outcome_of(object, &a));
}

/* The same two levels below a path at which fields that are not known may be. */
static void try_below(struct json_object *schema, const char *path)
{
    struct arena a cleanup_arena = {0};
    const char *unknown = arena_printf(&a, "%s.unknown", path), *inner = arena_printf(&a, "%s.inner", unknown);
    struct json_object *object = base_for(path, &a);

    counts.below++;
    try_member(schema, unknown);
    make_room(object, schema, unknown, &a);
    put(object, inner, NULL);
    const char *found = outcome_of(object, &a);
    put(object, unknown, json_object_new_object());
    check(inner, found, outcome_of(object, &a));
}

/* A value that somebody has forgotten; nor is it no entry of a list. */
static void try_value(struct json_object *schema, const char *path)
{
    struct arena a cleanup_arena = {0};
    struct json_object *object = base_for(path, &a);

    counts.values++;
    const char *found = outcome_of_null(object, schema, path, &a);
    if (!strstr(found, path))
        check(path, found, "a complaint of it");
}

static void try_null(struct json_object *whole, struct json_object *in, struct json_object *schema, const char *path)
{
    const char *type = json_str_or(schema, "type", "");
    bool open = json_bool_or(in, "x-kubernetes-preserve-unknown-fields", false);

    if (open || json_get(schema, "default") || strcmp(type, "object") == 0 || strcmp(type, "array") == 0)
        try_member(whole, path);
    else
        try_value(whole, path);
}

static void try_in(struct json_object *whole, struct json_object *schema, const char *path, struct arena *a)
{
    struct json_object *items = json_get(schema, "items"), *each = json_get(schema, "additionalProperties");
    bool open = json_bool_or(schema, "x-kubernetes-preserve-unknown-fields", false);
    const char *entry = arena_printf(a, "%s[0]", path), *key = arena_printf(a, "%s.key", path);

    json_each (it, json_get(schema, "properties")) {
        const char *inner = arena_printf(a, "%s.%s", path, it.key);
        try_null(whole, schema, it.value, inner);
        try_in(whole, it.value, inner, a);
    }
    if (open && strcmp(path, "spec.config") != 0) /* whose settings must have values (test_extra_config.c) */
        try_below(whole, path);
    if (json_object_is_type(each, json_type_object)) {
        try_null(whole, schema, each, key);
        try_in(whole, each, key, a);
    }
    if (items) {
        try_value(whole, entry);
        try_in(whole, items, entry, a);
    }
}

static void what_is_null_is_absent_or_forgotten(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *schema = schema_read(&a);

    (void)state;
    try_in(schema, json_get(schema, "properties.spec"), "spec", &a);
    print_message("members: %zu, below what is open: %zu, values: %zu\n", counts.members, counts.below, counts.values);
    assert_int_equal(counts.wrong, 0);
    assert_true(counts.members > 100 && counts.below >= 10 && counts.values > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_null_is_absent_or_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
