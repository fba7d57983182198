/* Specs as they were read, one turn after another: of whose key each byte counts, and of what is kept there is a bound.
 * A status goes with each, the last one. */
#include "golden.h"

#include "base/digest.h"
#include "base/mem.h"
#include "operator/spec_cache.h"
#include "runner/complaints.h"

#define SPEC(url) "{\"url\":\"" url "\",\"authentication\":{\"registrationTokenSecretRef\":{\"name\":\"gitlab\"}}}"

enum { MANY = 2 * SPEC_CACHE_LEN };

/* A GitLabRunner's record. */
struct runner {
    struct kept_runner kept;
    struct record record;
};

static struct runner runner_of(const char *uid, const char *spec)
{
    return (struct runner){.kept = {.spec = spec, .generation = 1},
                           .record = {.ns = "ci", .name = "builds", .uid = uid, .version = "7"}};
}

/* As a turn of it. */
static struct runner_reading reading_of(struct spec_cache *cache, struct runner r, struct arena *a)
{
    struct runner_reading reading;

    r.record.kept = &r.kept;
    spec_cache_read(cache, &r.record, &reading, a);
    return reading;
}

static const struct spec *read_it(struct spec_cache *cache, struct runner r, struct arena *a)
{
    const struct runner_reading reading = reading_of(cache, r, a);

    if (!reading.spec)
        fail_msg("%s", reading.err.text);
    return reading.spec;
}

/* In a turn that has ended; where it was, and no more. */
static const void *place_of(struct spec_cache *cache, struct runner r)
{
    cleanup_arena struct arena a = {0};

    return read_it(cache, r, &a);
}

static int setup(void **state)
{
    *state = spec_cache_create();
    return 0;
}

static int teardown(void **state)
{
    spec_cache_destroy(*state);
    return 0;
}

static void the_next_turn_finds_what_the_last_has_read(void **state)
{
    cleanup_arena struct arena first = {0}, next = {0};
    char text[] = SPEC("https://one.example.com");
    const struct spec *spec = read_it(*state, runner_of("u", text), &first);

    assert_string_equal(spec->url, "https://one.example.com");
    text[0] = '\0'; /* nothing is lent */
    assert_ptr_equal(read_it(*state, runner_of("u", SPEC("https://one.example.com")), &next), spec);
    arena_finish(&first);
    assert_string_equal(spec->url, "https://one.example.com");
    arena_finish(&next);
    assert_true(spec_cache_bytes(*state) > 0);
    assert_ptr_equal(read_it(*state, runner_of("u", SPEC("https://one.example.com")), &next), spec);
    assert_int_equal(spec_cache_bytes(*state), 0);
}

/* Neither its uid nor its generation says that it is the same: an etcd that was restored shows both again. */
static void all_that_is_read_is_the_key(void **state)
{
    cleanup_arena struct arena a = {0};
    struct runner those[6];
    struct record *last = &those[ARRAY_LEN(those) - 1].record;

    for (size_t i = 0; i < ARRAY_LEN(those); i++)
        those[i] = runner_of("u", SPEC("https://one.example.com"));
    those[1].kept.spec = SPEC("https://two.example.com");
    those[2].kept.annotations = "{\"gitlab-runners.dev/restart\":\"now\"}";
    those[3].record.ns = "other";
    those[4].record.name = "other";
    last->uid = "v";
    for (size_t i = 0; i < ARRAY_LEN(those); i++)
        for (size_t n = 0; n < ARRAY_LEN(those); n++)
            assert_int_equal(read_it(*state, those[i], &a) == read_it(*state, those[n], &a), i == n);
    assert_string_equal(read_it(*state, those[1], &a)->url, "https://two.example.com");
    assert_string_equal(read_it(*state, those[2], &a)->steering.restart, "now");
    assert_string_equal(read_it(*state, those[3], &a)->namespace, "other");
    assert_string_equal(read_it(*state, those[4], &a)->attributes.description, "ci/other");
    assert_non_null(strstr(read_it(*state, those[5], &a)->attributes.maintenance_note, "v"));
}

static void nothing_else_is(void **state)
{
    cleanup_arena struct arena a = {0};
    struct runner other = runner_of("u", SPEC("https://one.example.com"));
    const struct spec *spec = read_it(*state, other, &a);

    other.record.version = "8";
    other.kept.generation = 2;
    other.kept.status = "{}";
    assert_ptr_equal(read_it(*state, other, &a), spec);
}

static void what_is_wrong_is_kept_as_well(void **state)
{
    cleanup_arena struct arena a = {0};
    struct runner wrong = runner_of("u", "{\"url\":7,\"tags\":[\"a,b\"]}");
    const struct runner_reading alone = reading_of(NULL, wrong, &a), first = reading_of(*state, wrong, &a),
                                next = reading_of(*state, wrong, &a);

    assert_null(alone.spec);
    assert_null(first.spec);
    assert_null(next.spec);
    assert_ptr_equal(first.err.all, next.err.all);
    assert_string_equal(first.err.text, alone.err.text);
    assert_string_equal(first.err.reason, "InvalidSpec");
    assert_string_equal(complaints_message(first.err.all, &a), complaints_message(alone.err.all, &a));
}

static struct runner with_status(const char *status)
{
    struct runner runner = runner_of("u", SPEC("https://one.example.com"));

    runner.kept.status = status;
    return runner;
}

static void a_status_is_read_when_it_is_another(void **state)
{
    cleanup_arena struct arena a = {0}, next = {0};
    char text[] = "{\"runnerId\":7}";
    const struct runner_reading first = reading_of(*state, with_status(text), &a);

    text[0] = '\0'; /* nothing is lent */
    assert_int_equal(json_int_or(first.status, "runnerId", 0), 7);
    assert_ptr_equal(reading_of(*state, with_status("{\"runnerId\":7}"), &next).status, first.status);
    assert_null(reading_of(*state, with_status(NULL), &next).status);
    assert_int_equal(json_int_or(reading_of(*state, with_status("{\"runnerId\":8}"), &next).status, "runnerId", 0), 8);
    assert_int_equal(json_int_or(first.status, "runnerId", 0), 7);
    assert_null(reading_of(*state, with_status("broken"), &next).status);
}

/* Most turns write one; only the last takes memory. */
static void a_status_takes_the_place_of_the_former(void **state)
{
    cleanup_arena struct arena a = {0};
    size_t first = 0;

    for (int i = 10; i < 60; i++) {
        cleanup_arena struct arena turn = {0};
        reading_of(*state, with_status(arena_printf(&a, "{\"runnerId\":%d}", i)), &turn);
        arena_finish(&turn);
        first = first ? first : spec_cache_bytes(*state);
        assert_int_equal(spec_cache_bytes(*state), first);
    }
}

static void what_both_take_is_told(void **state)
{
    cleanup_arena struct arena a = {0};
    const char *spec = SPEC("https://one.example.com");
    size_t cost = json_cost(spec, strlen(spec));

    assert_int_equal(reading_of(*state, with_status(NULL), &a).cost, cost);
    assert_int_equal(reading_of(*state, with_status("{\"x\":1}"), &a).cost, cost + json_cost("{\"x\":1}", 7));
    assert_int_equal(reading_of(NULL, with_status("{\"x\":1}"), &a).cost, cost + json_cost("{\"x\":1}", 7));
    assert_int_equal(reading_of(NULL, runner_of("u", NULL), &a).cost, 0);
}

static void a_digest_is_of_the_text_of_the_spec(void **state)
{
    cleanup_arena struct arena a = {0};
    const char *spec = SPEC("https://one.example.com");

    assert_string_equal(reading_of(*state, with_status(NULL), &a).digest, digest_short(spec, strlen(spec), &a));
    assert_null(reading_of(*state, runner_of("u", NULL), &a).digest);
}

static struct runner numbered(int i, struct arena *a)
{
    return runner_of(arena_printf(a, "u%d", i), SPEC("https://one.example.com"));
}

static void the_newest_stay(void **state)
{
    cleanup_arena struct arena a = {0};
    const void *places[MANY];

    for (int i = 0; i < MANY; i++) {
        places[i] = place_of(*state, numbered(i, &a));
        assert_true(spec_cache_bytes(*state) <= SPEC_CACHE_BYTES);
    }
    for (int i = MANY - 1; i > MANY - SPEC_CACHE_LEN / 4; i--)
        assert_ptr_equal(place_of(*state, numbered(i, &a)), places[i]);
    assert_true(spec_cache_bytes(*state) > 0);
}

static void at_rest_fewer_do(void **state)
{
    cleanup_arena struct arena a = {0};
    const void *places[SPEC_CACHE_LEN];

    for (int i = 0; i < SPEC_CACHE_LEN; i++)
        places[i] = place_of(*state, numbered(i, &a));
    size_t before = spec_cache_bytes(*state);
    spec_cache_rest(*state);
    assert_in_range(spec_cache_bytes(*state), before / SPEC_CACHE_REST / 2, SPEC_CACHE_BYTES / SPEC_CACHE_REST);
    assert_ptr_equal(place_of(*state, numbered(SPEC_CACHE_LEN - 1, &a)), places[SPEC_CACHE_LEN - 1]);
    before = spec_cache_bytes(*state);
    spec_cache_rest(*state);
    assert_int_equal(spec_cache_bytes(*state), before);
}

/* … and it is newer than the others when it is left. */
static void what_is_used_stays(void **state)
{
    cleanup_arena struct arena a = {0}, user = {0};
    const struct spec *spec = read_it(*state, numbered(-1, &a), &user);

    for (int i = 0; i < MANY; i++)
        place_of(*state, numbered(i, &a));
    spec_cache_forget(*state, "ci", "builds");
    spec_cache_clear(*state);
    assert_int_equal(spec_cache_bytes(*state), 0);
    assert_string_equal(spec->url, "https://one.example.com");
    arena_finish(&user);
    assert_ptr_equal(place_of(*state, numbered(-1, &a)), spec);
}

/* Somebody's objects may be as large as they like. */
static void what_is_large_takes_no_others_place(void **state)
{
    cleanup_arena struct arena a = {0};
    struct json_object *spec = arena_json(&a, json_build("{url: 'https://one.example.com', authentication: "
                                                         "{registrationTokenSecretRef: {name: 'gitlab'}}, tags: []}"));
    const void *small = place_of(*state, runner_of("small", SPEC("https://one.example.com")));
    size_t before = spec_cache_bytes(*state);

    for (int i = 0; i < 500; i++)
        json_append(json_get(spec, "tags"), json_build("%s", arena_printf(&a, "%0200d", i)));
    for (int i = 0; i < 10; i++) {
        cleanup_arena struct arena turn = {0};
        struct runner large = runner_of(arena_printf(&a, "large%d", i), json_text(spec));
        assert_null(reading_of(*state, large, &turn).spec); /* it has too many tags */
    }
    assert_int_equal(spec_cache_bytes(*state), before);
    assert_ptr_equal(place_of(*state, runner_of("small", SPEC("https://one.example.com"))), small);
}

/* What is counted is no less than what it takes of the heap. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static void check_counted_of(struct spec_cache *cache, struct runner r)
{
    place_of(cache, r);
    spec_cache_clear(cache);
    size_t before = __sanitizer_get_current_allocated_bytes();
    place_of(cache, r);
    size_t taken = __sanitizer_get_current_allocated_bytes() - before;
    assert_true(taken > 0);
    assert_in_range(spec_cache_bytes(cache), taken, 3 * taken);
}

static void check_counted(struct spec_cache *cache, struct json_object *spec)
{
    struct runner r = runner_of("u", json_text(spec));

    r.kept.status = "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}],\"runnerId\":7,\"tags\":\"a,b\"}";
    check_counted_of(cache, r);
}

/* Each text is there as it is, and as a tree. */
static void long_texts_are_counted(void **state)
{
    cleanup_arena struct arena a = {0};
    const char *text = arena_printf(&a, "{\"text\":\"%020000d\"}", 0);
    struct runner r = runner_of("u", SPEC("https://one.example.com"));

    if (!__sanitizer_get_current_allocated_bytes)
        return;
    r.kept.annotations = text;
    check_counted_of(*state, r);
    r.kept.annotations = NULL;
    r.kept.status = text;
    check_counted_of(*state, r);
    r.kept.status = NULL;
    r.kept.spec =
        arena_printf(&a,
                     "{\"url\":\"https://one.example.com\",\"authentication\":{\"registrationTokenSecretRef\":"
                     "{\"name\":\"gitlab\"}},\"podAnnotations\":{\"text\":\"%020000d\"}}",
                     0);
    check_counted_of(*state, r);
}

/* Of `config` there are copies: one in the order of names, one without what is empty, and one without what says nothing
 * new. */
static void what_is_kept_is_counted(void **state)
{
    cleanup_arena struct arena a = {0};
    struct json_object *spec = json_get(read_json(DATA "render/minimal.json", &a), "spec"), *volumes, *images;

    if (!__sanitizer_get_current_allocated_bytes)
        return;
    check_counted(*state, spec);
    json_set(spec, "volumes", volumes = json_object_new_array());
    for (int i = 0; i < 20; i++)
        json_append(volumes, json_build("{name: %s, mountPath: '/a', emptyDir: {}}", arena_printf(&a, "v%d", i)));
    check_counted(*state, spec);
    json_object_object_del(spec, "volumes");
    json_set(spec, "config.runners.kubernetes.allowed_images", images = json_object_new_array());
    for (int i = 0; i < 40; i++)
        json_append(images, json_build("%s", arena_printf(&a, "image%d", i)));
    check_counted(*state, spec);
    json_set(spec, "config.runners.executor", json_object_new_string("kubernetes"));
    json_object_object_add(json_get(spec, "config"), "session_server", NULL);
    check_counted(*state, spec);
}

/* Another object of its name has another uid. */
static void an_object_that_is_gone_is_forgotten(void **state)
{
    struct runner other = runner_of("u", SPEC("https://one.example.com"));
    const void *place;

    other.record.name = "other";
    place = place_of(*state, other);
    size_t before = spec_cache_bytes(*state);
    place_of(*state, runner_of("gone", SPEC("https://one.example.com")));
    place_of(*state, runner_of("new", SPEC("https://two.example.com")));
    spec_cache_forget(*state, "ci", "builds");
    assert_int_equal(spec_cache_bytes(*state), before);
    spec_cache_forget(*state, "elsewhere", "other");
    assert_ptr_equal(place_of(*state, other), place);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_next_turn_finds_what_the_last_has_read),
        TEST(all_that_is_read_is_the_key),
        TEST(nothing_else_is),
        TEST(what_is_wrong_is_kept_as_well),
        TEST(a_status_is_read_when_it_is_another),
        TEST(a_status_takes_the_place_of_the_former),
        TEST(what_both_take_is_told),
        TEST(a_digest_is_of_the_text_of_the_spec),
        TEST(the_newest_stay),
        TEST(at_rest_fewer_do),
        TEST(what_is_used_stays),
        TEST(what_is_large_takes_no_others_place),
        TEST(what_is_kept_is_counted),
        TEST(long_texts_are_counted),
        TEST(an_object_that_is_gone_is_forgotten),
    };

    return cmocka_run_group_tests_name("spec_cache", tests, NULL, NULL);
}
