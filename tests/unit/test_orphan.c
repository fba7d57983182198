/* A runner that was left behind, as an entry of the ledger. */
#include "golden.h"

#include "base/json.h"
#include "base/mem.h"
#include "runner/orphan.h"

static const struct owner owner = {.ns = "ci", .name = "builds", .uid = "uid-1"};
static const struct orphan orphan = {.runner_id = 7,
                                     .url = "https://gitlab.example.com",
                                     .token = "glrt-7",
                                     .ca_pem = "PEM",
                                     .address = "10.0.0.2",
                                     .why = "it is down"};

static char *text_of(size_t len, struct arena *a)
{
    char *text = arena_alloc(a, len + 1);

    memset(text, 'x', len);
    return text;
}

static void what_is_written_can_be_read(void **state)
{
    struct arena a cleanup_arena = {0};
    struct orphan read;

    (void)state;
    const char *text = orphan_text(&owner, &orphan, 1700000000, &a);
    assert_true(orphan_parse(text, &read, &a));
    assert_int_equal(read.runner_id, 7);
    assert_string_equal(read.url, orphan.url);
    assert_string_equal(read.token, orphan.token);
    assert_string_equal(read.ca_pem, orphan.ca_pem);
    assert_string_equal(read.address, orphan.address);
    assert_string_equal(read.why, orphan.why);
    assert_int_equal(read.since_s, 1700000000);
    assert_string_equal(orphan_owner(text, &a).ns, "ci");
    assert_string_equal(orphan_name(&owner, &read, &a), "runner 7 at https://gitlab.example.com, of ci/builds");
}

/* Somebody may write into the Secret by hand. */
static void what_is_no_entry_is_said_to_be_none(void **state)
{
    static const char *const texts[] = {
        "", "no JSON", "[]", "{\"url\": \"https://x\"}", "{\"token\": \"glrt-7\"}", "{\"url\": 1, \"token\": {}}"};
    struct arena a cleanup_arena = {0};
    struct orphan read;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (orphan_parse(texts[i], &read, &a))
            fail_msg("%s", texts[i]);
    assert_string_equal(orphan_owner("no JSON", &a).ns, "");
}

static void a_bundle_that_is_too_long_is_left_out(void **state)
{
    struct arena a cleanup_arena = {0};
    struct orphan large = orphan, read;

    (void)state;
    large.ca_pem = text_of(ORPHAN_CA_MAX, &a);
    assert_true(orphan_parse(orphan_text(&owner, &large, 0, &a), &read, &a));
    assert_non_null(read.ca_pem);
    large.ca_pem = text_of(ORPHAN_CA_MAX + 1, &a);
    assert_true(orphan_parse(orphan_text(&owner, &large, 0, &a), &read, &a));
    assert_null(read.ca_pem);
    assert_string_equal(read.token, orphan.token);
}

/* The URL stands in an annotation that anybody in the namespace may write, and the token in a Secret. */
static void an_entry_has_an_end(void **state)
{
    struct arena a cleanup_arena = {0};
    struct orphan large = orphan;

    (void)state;
    large.url = text_of(ORPHAN_TEXT_MAX, &a);
    assert_null(orphan_text(&owner, &large, 0, &a));
    assert_true(strlen(orphan_name(&owner, &large, &a)) < 600);
    large = orphan;
    large.token = text_of(ORPHAN_TEXT_MAX, &a);
    assert_null(orphan_text(&owner, &large, 0, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(what_is_no_entry_is_said_to_be_none),
        cmocka_unit_test(a_bundle_that_is_too_long_is_left_out),
        cmocka_unit_test(an_entry_has_an_end),
    };

    return cmocka_run_group_tests_name("orphan", tests, NULL, NULL);
}
