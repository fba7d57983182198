/* Specs that turns have read lately. */
#include "golden.h"

#include "base/json.h"
#include "base/mem.h"
#include "operator/kept.h"
#include "operator/specs.h"
#include "runner/names.h"

struct scene {
    struct specs specs;
    struct arena mem;
};

static struct kept_runner kept;

static struct record record_named(const char *name, const char *spec)
{
    kept = (struct kept_runner){.spec = spec};
    return (struct record){
        .ns = "ci", .name = name, .uid = "one", .version = "7", .owner = "", .owner_uid = "", .kept = &kept};
}

#define SPEC(url)                                                                                                      \
    "{\"url\":\"https://" url "\",\"authentication\":{\"registrationTokenSecretRef\":{\"name\":\"gitlab\"}}}"

static const struct spec *read_of(struct scene *s, const char *name, const char *text)
{
    const struct record record = record_named(name, text);
    struct err err = {0};

    return specs_read(&s->specs, &record, &s->mem, &err);
}

static int setup(void **state)
{
    static struct scene scene;

    scene = (struct scene){.specs = {.next = 0}};
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    arena_finish(&s->mem);
    specs_finish(&s->specs);
    return 0;
}

static void what_was_read_is_not_read_again(void **state)
{
    const struct spec *spec = read_of(*state, "builds", SPEC("one.example"));

    assert_string_equal(spec->url, "https://one.example");
    assert_ptr_equal(spec, read_of(*state, "builds", SPEC("one.example")));
}

static void another_text_or_name_is_another_spec(void **state)
{
    const struct spec *spec = read_of(*state, "builds", SPEC("one.example"));

    assert_string_equal(read_of(*state, "builds", SPEC("two.example"))->url, "https://two.example");
    assert_string_equal(read_of(*state, "tests", SPEC("one.example"))->attributes.description, "ci/tests");
    assert_ptr_equal(spec, read_of(*state, "builds", SPEC("one.example")));
}

static void another_uid_namespace_or_annotation_is_another_spec(void **state)
{
    struct scene *s = *state;
    const struct spec *spec = read_of(s, "builds", SPEC("one.example"));
    struct record records[] = {record_named("builds", SPEC("one.example")), record_named("builds", SPEC("one.example")),
                               record_named("builds", SPEC("one.example"))};
    struct kept_runner annotated = {.spec = SPEC("one.example"),
                                    .annotations = "{\"" ANNOTATION_RESTART "\":\"true\"}"};
    struct err err = {0};

    records[0].uid = "two";
    records[1].ns = "ops";
    records[2].kept = &annotated;
    for (size_t i = 0; i < ARRAY_LEN(records); i++)
        assert_ptr_not_equal(spec, specs_read(&s->specs, &records[i], &s->mem, &err));
}

static void what_is_wrong_is_told_each_time(void **state)
{
    struct scene *s = *state;
    const struct record record = record_named("builds", "{}");

    for (int i = 0; i < 2; i++) {
        struct err err = {0};
        assert_null(specs_read(&s->specs, &record, &s->mem, &err));
        assert_string_equal(err.reason, "InvalidSpec");
        assert_non_null(err.all);
    }
}

static void who_reads_has_it_as_long_as_the_arena(void **state)
{
    struct scene *s = *state;
    const struct spec *spec = read_of(s, "builds", SPEC("one.example"));
    char name[16];

    for (int i = 0; i < 2 * SPECS_MAX; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        read_of(s, name, SPEC("two.example"));
    }
    specs_finish(&s->specs);
    assert_string_equal(spec->url, "https://one.example");
}

/* Those that are kept do not need the reader's memory. */
static void what_is_kept_outlives_its_reader(void **state)
{
    struct scene *s = *state;
    const struct spec *spec = read_of(s, "builds", SPEC("one.example"));

    arena_finish(&s->mem);
    assert_ptr_equal(spec, read_of(s, "builds", SPEC("one.example")));
    assert_string_equal(spec->url, "https://one.example");
}

static void without_a_place_for_it_it_is_the_readers_alone(void **state)
{
    struct scene *s = *state;
    const struct record record = record_named("builds", SPEC("one.example"));
    struct err err = {0};
    const struct spec *spec = specs_read(NULL, &record, &s->mem, &err);

    assert_string_equal(spec->url, "https://one.example");
    assert_ptr_not_equal(spec, specs_read(NULL, &record, &s->mem, &err));
}

static struct json_object *status_of(struct scene *s, struct specs *specs, const char *spec, const char *text)
{
    const struct record record = record_named("builds", spec);

    kept.status = text;
    return specs_read_status(specs, &record, &s->mem);
}

static void a_status_is_parsed_once_as_long_as_it_stays(void **state)
{
    struct scene *s = *state;
    const char *spec = SPEC("one.example");

    read_of(s, "builds", spec);
    struct json_object *first = status_of(s, &s->specs, spec, "{\"runnerId\":5}");
    assert_ptr_equal(first, status_of(s, &s->specs, spec, "{\"runnerId\":5}"));
    assert_int_equal(json_int_or(status_of(s, &s->specs, spec, "{\"runnerId\":6}"), "runnerId", 0), 6);
    assert_int_equal(json_int_or(first, "runnerId", 0), 5);
    assert_null(status_of(s, &s->specs, spec, NULL));
}

static void of_a_spec_that_was_not_read_the_status_is_the_readers_alone(void **state)
{
    struct scene *s = *state;

    for (int i = 0; i < 2; i++) {
        struct json_object *first = status_of(s, i ? NULL : &s->specs, "{}", "{\"runnerId\":5}");
        assert_int_equal(json_int_or(first, "runnerId", 0), 5);
        assert_ptr_not_equal(first, status_of(s, i ? NULL : &s->specs, "{}", "{\"runnerId\":5}"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_read_is_not_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(another_text_or_name_is_another_spec, setup, teardown),
        cmocka_unit_test_setup_teardown(another_uid_namespace_or_annotation_is_another_spec, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_told_each_time, setup, teardown),
        cmocka_unit_test_setup_teardown(who_reads_has_it_as_long_as_the_arena, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_kept_outlives_its_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_place_for_it_it_is_the_readers_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_status_is_parsed_once_as_long_as_it_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_spec_that_was_not_read_the_status_is_the_readers_alone, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
