/* Parts of rules: what is read first, what is doubted, whose runner it is that GitLab shows, and what an attempt has to
 * have heard. */
#include "golden.h"

#include "base/mem.h"
#include "runner/learn.h"
#include "runner/memory.h"
#include "runner/names.h"
#include "runner/observed.h"
#include "runner/rules.h"
#include "runner/spec.h"

#define PROJECT(note) "{'runner_type': 'project_type', 'projects': [{'id': 7}], 'maintenance_note': '" note "'}"

/* given: a user's own, which has no mark of ours. */
static void a_runner_is_taken_over_that_is_ours_or_nobodys(void **state)
{
    static const struct {
        const char *runner; /* NULL: it is not shown */
        bool has_secret, given;
        enum takeover expected;
    } cases[] = {
        {NULL, true, true, TAKEOVER_REFUSED},
        {PROJECT(MARK_PREFIX "u"), true, false, TAKEOVER_FITS},
        {PROJECT(MARK_PREFIX "u"), false, false, TAKEOVER_FITS},
        {PROJECT(MARK_PREFIX "other"), true, true, TAKEOVER_REFUSED},
        {PROJECT(MARK_PREFIX "other"), false, false, TAKEOVER_REFUSED},
        {PROJECT("note"), true, true, TAKEOVER_UNMARKED},
        {PROJECT("note"), false, false, TAKEOVER_UNMARKED},
        {PROJECT("note"), true, false, TAKEOVER_REFUSED},
        {"{'runner_type': 'project_type', 'projects': [{'id': 8}]}", true, true, TAKEOVER_REFUSED},
        {"{'runner_type': 'group_type', 'groups': [{'id': 7}]}", true, true, TAKEOVER_REFUSED},
    };
    const struct spec spec = {.scope = SCOPE_PROJECT, .scope_id = 7};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a cleanup_arena = {0};
        const struct observed o = {.owner.uid = "u",
                                   .spec = &spec,
                                   .children[CHILD_TOKEN_SECRET].exists = cases[i].has_secret,
                                   .registered.authentication =
                                       authentication_name(cases[i].given ? AUTH_RUNNER_TOKEN : AUTH_ACCESS_TOKEN)};
        struct json_object *runner = cases[i].runner ? quoted_json(cases[i].runner, &a) : NULL;
        assert_int_equal(takeover_of(&o, runner), cases[i].expected);
    }
}

/* A server that has no time has not said anything of it, nor has one whose certificate is not trusted. */
static void what_was_not_heard_is_no_refusal(void **state)
{
    static const struct {
        enum err_kind kind;
        int code;
        bool refused;
    } cases[] = {
        {ERR_RETRY, 0, false},   {ERR_RETRY, 429, false}, {ERR_RETRY, 428, true},  {ERR_RETRY, 430, true},
        {ERR_RETRY, 500, true},  {ERR_RETRY, 501, true},  {ERR_RETRY, 502, false}, {ERR_RETRY, 503, false},
        {ERR_RETRY, 504, false}, {ERR_RETRY, 505, true},  {ERR_DENIED, 0, false},  {ERR_DENIED, 403, true},
        {ERR_INVALID, 0, true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct memory memory = {0};
        const struct observed o = {.memory = &memory};
        struct err err;
        err_set(&err, cases[i].kind, "Reason", "text");
        err.code = cases[i].code;
        memory_fail(&memory, "moved", &err, 1000, 0);
        assert_int_equal(refused_attempt(&o, "moved") != NULL, cases[i].refused);
        assert_null(refused_attempt(&o, "another"));
        memory_finish(&memory);
    }
}

/* A key is of use only with its certificate; nothing is read twice, or that the spec does not name. */
static void what_tls_needs_is_read_in_its_order(void **state)
{
    static const struct {
        bool ca, client;
        enum lookup found_ca, found_cert, found_key;
        enum readable read; /* READ_COUNT: nothing */
    } cases[] = {
        {.read = READ_COUNT},
        {.ca = true, .client = true, .read = READ_CA},
        {.ca = true, .found_ca = LOOKUP_FOUND, .read = READ_COUNT},
        {.ca = true, .client = true, .found_ca = LOOKUP_NO_KEY, .read = READ_CLIENT_CERT},
        {.client = true, .read = READ_CLIENT_CERT},
        {.client = true, .found_cert = LOOKUP_NO_OBJECT, .read = READ_COUNT},
        {.client = true, .found_cert = LOOKUP_NOT_FOR_HOST, .read = READ_COUNT},
        {.client = true, .found_cert = LOOKUP_FOUND, .read = READ_CLIENT_KEY},
        {.client = true, .found_cert = LOOKUP_FOUND, .found_key = LOOKUP_FOUND, .read = READ_COUNT},
        {.client = true, .found_cert = LOOKUP_FOUND, .found_key = LOOKUP_NO_KEY, .read = READ_COUNT},
    };

    (void)state;
    assert_int_equal(try_tls(&(struct observed){.spec = NULL}).kind, ACT_PASS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct spec spec = {.ca.name = cases[i].ca ? "ca" : NULL,
                                  .client_cert.name = cases[i].client ? "client" : NULL};
        const struct observed o = {.spec = &spec,
                                   .values[READ_CA].lookup = cases[i].found_ca,
                                   .values[READ_CLIENT_CERT].lookup = cases[i].found_cert,
                                   .values[READ_CLIENT_KEY].lookup = cases[i].found_key};
        const struct action act = try_tls(&o);
        assert_int_equal(act.kind == ACT_READ ? act.read : READ_COUNT, cases[i].read);
    }
}

/* What a finalizer promises is lost, as long as no token Secret shows, unless something was found out already. */
static void a_token_that_shows_again_was_not_lost(void **state)
{
    static const struct {
        bool finalizer, secret, unseen;
        enum doubt before, after;
    } cases[] = {
        {true, false, false, DOUBT_NONE, DOUBT_SUSPECTED},    {false, false, false, DOUBT_NONE, DOUBT_NONE},
        {true, false, true, DOUBT_NONE, DOUBT_NONE},          {true, true, false, DOUBT_SUSPECTED, DOUBT_NONE},
        {true, true, true, DOUBT_SUSPECTED, DOUBT_SUSPECTED}, {true, true, false, DOUBT_UNREAD, DOUBT_NONE},
        {true, true, false, DOUBT_LOST, DOUBT_LOST},          {true, true, false, DOUBT_SEARCHED, DOUBT_SEARCHED},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct memory memory = {.doubt = cases[i].before};
        const struct observed o = {.memory = &memory,
                                   .finalizer = cases[i].finalizer,
                                   .values[READ_TOKEN].unseen = cases[i].unseen,
                                   .children[CHILD_TOKEN_SECRET].exists = cases[i].secret};
        learn_sight(&memory, &o);
        assert_int_equal(memory.doubt, cases[i].after);
    }
}

/* When one of these changes, config.toml is written anew. */
static void what_config_toml_is_made_of_is_told_by_versions(void **state)
{
    const struct spec all = {.ca.name = "ca", .client_cert.name = "client"}, none = {.ca.name = NULL};
    struct observed o = {.spec = &all,
                         .values[READ_TOKEN].version = "1",
                         .values[READ_CA].version = "2",
                         .values[READ_CLIENT_CERT].version = "3"};
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_string_equal(config_inputs_text(&o, &a), "token=1 ca=2 client=3");
    o.values[READ_CLIENT_CERT].version = NULL;
    assert_string_equal(config_inputs_text(&o, &a), "token=1 ca=2 client=");
    o.spec = &none;
    o.values[READ_TOKEN].version = NULL;
    assert_string_equal(config_inputs_text(&o, &a), "token=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_runner_is_taken_over_that_is_ours_or_nobodys),
        cmocka_unit_test(what_tls_needs_is_read_in_its_order),
        cmocka_unit_test(a_token_that_shows_again_was_not_lost),
        cmocka_unit_test(what_config_toml_is_made_of_is_told_by_versions),
        cmocka_unit_test(what_was_not_heard_is_no_refusal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
