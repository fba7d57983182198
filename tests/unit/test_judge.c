/* What a spec cannot mean. tests/data/judge/refused.json has a spec for each rule that refuses one, with the words that
 * a person sees; a new case leaves `error` out, and UPDATE_GOLDEN=1 writes it. What is warned about is in
 * test_warnings.c. */
#include "golden.h"

#include "base/mem.h"
#include "runner/complaints.h"
#include "runner/glob.h"
#include "runner/go_syntax.h"
#include "runner/kube_names.h"
#include "runner/render.h"

static struct json_object *object_of(struct json_object *spec, struct arena *a)
{
    struct json_object *object = read_json(DATA "render/minimal.json", a);

    json_each (it, spec)
        json_object_object_add(json_get(object, "spec"), it.key, json_copy(it.value));
    return object;
}

static void refuses_each_case_with_its_remedy(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "judge/refused.json", &a);
    const char *text = "[\n";

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json_object *c = json_at(cases, i);
        struct err err = {0};
        struct spec spec;
        if (spec_parse(object_of(json_get(c, "spec"), &a), &spec, &a, &err))
            fail_msg("accepted: %s", json_text(c));
        assert_string_equal(err.reason, "InvalidSpec");
        assert_memory_equal(err.text, "spec.", 5);
        json_set_str(c, "error", err.text);
        text = arena_printf(&a, "%s  %s%s\n", text, json_text(c), i + 1 < json_len(cases) ? "," : "");
    }
    assert_golden(DATA "judge/refused.json", arena_printf(&a, "%s]\n", text));
}

/* Beside them: what is near to a case, and is let in. */
static void lets_in_what_works(void **state)
{
    static const char *const specs[] = {
        "{'tolerations': [{'key': 'a', 'effect': 'NoSchedule'}, {'key': 'b', 'effect': 'PreferNoSchedule'}, "
        "{'key': 'c', 'effect': 'NoExecute'}, {'key': 'd'}]}",
        "{'config': {'runners': {'kubernetes': {'dns_config': {'nameservers': ['1.1.1.1', '1.1.1.2', 'fd00::3']}}}}}",
        "{'config': {'runners': {'kubernetes': {'dns_config': {'searches': ['.', 'a.', 'a_b.c', 'a.b']}}}}}",
        "{'config': {'runners': {'kubernetes': {'autoscaler': {'policy': [{'idle_time': '0s'}]}}}}}",
        "{'config': {'runners': {'kubernetes': {'namespace_per_job': false}}}}",
        "{'config': {'runners': {'kubernetes': {'namespace_per_job': true}}}, 'manager': {'serviceAccountName': "
        "'mine'}}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct arena a cleanup_arena = {0};
        struct err err = {0};
        struct spec spec;
        if (!spec_parse(object_of(quoted_json(specs[i], &a), &a), &spec, &a, &err))
            fail_msg("%s: %s", specs[i], err.text);
    }
}

static bool is_told(const struct complaints *all, const char *text)
{
    size_t i = 0;

    while (i < all->len && strcmp(all->items[i].text, text) != 0)
        i++;
    return i < all->len;
}

/* Errors of another sort beside them are no reason to come again. */
static void what_else_is_wrong_hides_no_case(void **state)
{
    static const char *const others[] = {"{url: 'ftp://gitlab', tags: 12, nonsense: true}",
                                         "{accessLevel: Nobody, locked: x}"};
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "judge/refused.json", &a);
    size_t told = 0;

    (void)state;
    for (size_t i = 0; i < json_len(cases) * ARRAY_LEN(others); i++) {
        struct json_object *c = json_get(json_at(cases, i / ARRAY_LEN(others)), "spec");
        struct json_object *object = object_of(c, &a),
                           *other = arena_json(&a, json_build(others[i % ARRAY_LEN(others)]));
        struct err alone = {0}, all = {0};
        struct spec spec;
        assert_false(spec_parse(object, &spec, &a, &alone));
        json_each (it, other)
            json_object_object_add(json_get(object, "spec"), it.key, json_copy(it.value));
        assert_false(spec_parse(object, &spec, &a, &all));
        assert_true(all.all->len >= alone.all->len + 2);
        for (size_t n = 0; n < alone.all->len; n++, told++)
            if (!is_told(all.all, alone.all->items[n].text))
                fail_msg("hidden by %s: %s", json_text(other), alone.all->items[n].text);
    }
    print_message("%zu complaints of %zu objects, among others\n", told, json_len(cases) * ARRAY_LEN(others));
}

/* So it is where the object has no name. */
static void who_has_no_name_is_judged_all_the_same(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "judge/refused.json", &a);

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json_object *object = object_of(json_get(json_at(cases, i), "spec"), &a);
        struct err alone = {0}, all = {0};
        struct spec spec;
        assert_false(spec_parse(object, &spec, &a, &alone));
        json_remove(object, "metadata.name");
        assert_false(spec_parse(object, &spec, &a, &all));
        assert_int_equal(all.all->len, alone.all->len + 1);
        for (size_t n = 0; n < alone.all->len; n++)
            if (!is_told(all.all, alone.all->items[n].text))
                fail_msg("hidden: %s", alone.all->items[n].text);
    }
}

/* Keys are the user's, and may be of any length. */
static void a_complaint_about_a_long_key_ends_nothing(void **state)
{
    struct arena a cleanup_arena = {0};
    char key[300];

    (void)state;
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    for (size_t i = 0; i < 3; i++) {
        const char *path = i == 0 ? key : arena_printf(&a, i == 1 ? "%s.x" : "x.%s.y", key);
        struct complaints *all = arena_alloc(&a, sizeof(*all));
        struct spec spec;
        *all = (struct complaints){.a = &a};
        complaints_add(all, arena_printf(&a, "spec.podLabels.%s is wrong", path));
        assert_false(spec_judge_all(object_of(NULL, &a), &spec, all, &a));
        assert_int_equal(all->len, 1);
    }
}

static void assert_each(bool (*is)(const char *text), const char *const *texts, size_t len, bool expected)
{
    for (size_t i = 0; i < len; i++)
        if (is(texts[i]) != expected)
            fail_msg("%s: %s", expected ? "is none" : "is one", texts[i]);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Syntax. What Go itself says of many more is in e2e/means/test_lint.py.
 */
static void knows_regular_expressions(void **state)
{
    static const char *const good[] = {
        "",         "a*",      "^ci-.*$",      "a|",         "(?i)x",          "(?P<name>a)", "(?<name>a)", "[]a]",
        "[^]a]",    "[a-]",    "[[:alpha:]_]", "\\p{Greek}", "\\pL",           "[\\d\\-x]",   "\\Qa*(\\E",  "a{2}{",
        "a{,3}",    "x{1000}", "\\x{10FFFF}",  "\\012",      "(?:a{10}){100}", "a(?i)*",      "a{01}",      "\xc3\xa4+",
        "\\p{^lu}", "\\_",     "(?i-s:a)",     "^*",         "\\Q\\E",
    };
    static const char *const bad[] = {
        "*",       "a**",          "a*+",  "(",           ")",          "a)",          "(a",
        "[a",      "[z-a]",        "[]",   "[[:word]:]]", "[[:nope:]]", "\\",          "\\1",
        "\\C",     "\\p{Klingon}", "\\p{", "a{3,2}",      "x{1001}",    "(x{500}){3}", "([xy]{500}){3}",
        "(?P<>a)", "(?P<a b>c)",   "(?z)", "(?i",         "(?-)",       "\\x{110000}", "\\xg0",
        "(?=a)",   "a{2}{3}",      "x|*",  "\\q",         "\xc3",       "(*)",         "(?i)*",
        "\\x{}",   "[\\",
    };

    (void)state;
    assert_each(go_regexp_compiles, good, ARRAY_LEN(good), true);
    assert_each(go_regexp_compiles, bad, ARRAY_LEN(bad), false);
}

/* tests/data/go_regexp.txt: what Go itself has said. */
static void says_of_patterns_what_go_says(void **state)
{
    FILE *file = fopen(DATA "go_regexp.txt", "r");
    size_t len = 0;

    (void)state;
    assert_non_null(file);
    for (char line[128]; fgets(line, sizeof(line), file); len++) {
        line[strcspn(line, "\n")] = '\0';
        const char *pattern = strchr(line, ' ') + 1;
        if (line[0] != '#' && go_regexp_compiles(pattern) != (line[0] == 'g'))
            fail_msg("%s", line);
    }
    fclose(file);
    assert_true(len > 200);
}

/* As many as Go takes; it ends at 1000. */
static bool compiles_groups(int depth)
{
    cleanup_arena struct arena a = {0};
    char *pattern = arena_alloc(&a, 2 * (size_t)depth + 2);

    memset(pattern, '(', (size_t)depth);
    pattern[depth] = 'a';
    memset(pattern + depth + 1, ')', (size_t)depth);
    return go_regexp_compiles(pattern);
}

static void groups_within_groups_have_an_end(void **state)
{
    (void)state;
    assert_true(compiles_groups(999));
    assert_false(compiles_groups(1001));
    assert_false(compiles_groups(100000));
}

/* The first and the last of each field, of steps and of names; and what is one beside them. */
static void knows_where_fields_of_cron_end(void **state)
{
    static const char *const good[] = {
        "0 0 1 1 0",
        "59 23 31 12 7",
        "0 0 0 1 1 0 1970",
        "59 59 23 31 12 7 2099",
        "* * * january,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,december sunday,mon,tue,wed,thu,fri,saturday",
        "*/1 * * * *",
        "*/59 * * * *",
        "* */23 * * *",
        "* * */31 * *",
        "* * * */12 *",
        "* * * * */6",
        "* * * * * */1970",
        "* * * * * */2099",
        "* * * * mon#1",
        "* * * * 7#5",
        "* * 1W,31w * *",
        "* * * * 0L,7l",
        "@yearly",
        "@annually",
        "@monthly",
        "@weekly",
        "@hourly",
    };
    static const char *const bad[] = {
        "60 * * * * * *",   "* 60 * * * * *",   "* * 24 * * * *", "* * 32 * *",    "* * * 0 *",  "* * * * * 2100",
        "* * * * * 02026",  "* * * * * 99",     "* * * janu *",   "* * * ja *",    "* * * * su", "* */24 * * *",
        "* * */32 * *",     "* * * */13 *",     "* * * * */7",    "*/001 * * * *", "*/ * * * *", "*/a * * * *",
        "* * * * * */1969", "* * * * * */2100", "* * * * mon#0",  "* * * * mon#",  "* * * * #2", "* * 0W * *",
        "* * 32W * *",      "* * 5W/2 * *",     "* * * * 8L",     "* * W * *",     "@yearl",     "@yearlyy",
    };

    (void)state;
    assert_each(go_cron_parses, good, ARRAY_LEN(good), true);
    assert_each(go_cron_parses, bad, ARRAY_LEN(bad), false);
}

static void knows_cron_expressions_and_zones(void **state)
{
    static const char *const good[] = {
        "* * * * *",           "*/5 8-18 * jan-mar mon-fri",
        "0 0 L * *",           "0 0 lw * ?",
        "0 0 15W * *",         "0 0 * * 5L",
        "0 0 * * mon#2",       "* * * * * 2026",
        "* * 10 * * * *",      "@daily",
        "0,15,30,,45 * * * *", " 1 2 3 4 5 ",
        "5-1 * * * *",         "* * * * * * * * *",
    };
    static const char *const bad[] = {
        "",           "* * * *",        "60 * * * *",    "* 24 * * *",   "* * 0 * *",   "* * * 13 *",
        "* * * * 8",  "* * * * * 1969", "*/0 * * * *",   "*/60 * * * *", "a * * * *",   ", * * * *",
        "1- * * * *", "001 * * * *",    "* * * * mon#6", "5L * * * *",   "?/2 * * * *",
    };

    (void)state;
    assert_each(go_cron_parses, good, ARRAY_LEN(good), true);
    assert_each(go_cron_parses, bad, ARRAY_LEN(bad), false);
    assert_true(go_time_zone_exists("") && go_time_zone_exists("Local") && go_time_zone_exists("UTC"));
    assert_true(go_time_zone_exists("Europe/Berlin") && !go_time_zone_exists("europe/berlin"));
    assert_string_equal(go_time_zone_near("Europe/Berln"), "Europe/Berlin");
}

static void knows_patterns_of_images(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"ruby:*", "ruby:3.3", true},
        {"ruby:*", "ruby", false},
        {"*", "a/b", false},
        {"**", "a/b:c", true},
        {"reg.example.com/**", "reg.example.com/a/b:1", true},
        {"a/**/b", "a/b", true},
        {"a/**/b", "a/x/y/b", true},
        {"a/**/b", "a/x/y/c", false},
        {"*a/b", "xa/b", true},
        {"*a/b", "x/ya/b", false},
        {"*a/b", "b", false},
        {"{ruby,node}:*", "node:20", true},
        {"{ruby,node}:*", "go:1", false},
        {"a{b{c,d},e}f", "abdf", true},
        {"a{b{c,d},e}f", "aef", true},
        {"a{b{c,d},e}f", "abf", false},
        {"v[0-9].[!a]", "v1.b", true},
        {"v[0-9].[!a]", "v1.a", false},
        {"a\\*", "a*", true},
        {"a?c", "a/c", false},
        {"x{,y}", "x", true},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (glob_matches(cases[i].pattern, cases[i].text) != cases[i].fits)
            fail_msg("%s, %s: not %d", cases[i].pattern, cases[i].text, cases[i].fits);
    assert_true(glob_is_valid("a{b,[}]}\\{") && !glob_is_valid("{a") && !glob_is_valid("[a") && !glob_is_valid("a\\"));
    /* Some that would take for ever. */
    assert_true(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void knows_quantities(void **state)
{
    static const struct {
        const char *text;
        double value; /* -1: it is none */
    } cases[] = {
        {"500m", 0.5}, {"2Gi", 2147483648.0}, {"1.5", 1.5},  {".5k", 500},
        {"1e3", 1000}, {"1E", 1e18},          {"1E+2", 100}, {"", -1},
        {"GB", -1},    {"1GB", -1},           {"1 Gi", -1},  {"1e", -1},
        {"0x10", -1},  {"1,5", -1},           {"1ki", -1},   {"1.", 1},
        {"--1", -1},   {"1e 2", -1},          {"1e1x", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = -1;
        bool is = quantity_parse(cases[i].text, &value);
        if (is != (cases[i].value >= 0) || (is && (value < cases[i].value * 0.999 || value > cases[i].value * 1.001)))
            fail_msg("%s: %d, %f", cases[i].text, is, value);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests for jobs: as many as are right, and the user's own number.
 */
static int64_t requests_of(const char *spec_text, struct arena *a)
{
    struct json_object *object = object_of(quoted_json(spec_text, a), a);
    const struct owner owner = owner_of(object);
    struct err err = {0};
    struct spec spec;

    if (!spec_parse(object, &spec, a, &err))
        fail_msg("%s: %s", spec_text, err.text);
    struct json_object *tree = render_config_tree(&owner, &spec, &(struct config_inputs){0}, a);
    return json_int_or(json_at(json_member(tree, "runners"), 0), "request_concurrency", 0);
}

static void asks_for_jobs_by_some_requests_at_a_time(void **state)
{
    static const struct {
        const char *spec;
        int64_t requests;
    } cases[] = {
        {"{}", 4},
        {"{'concurrent': 1}", 2},
        {"{'concurrent': 3}", 3},
        {"{'concurrent': 100}", 4},
        {"{'config': {'runners': {'limit': 1}}}", 2},
        {"{'config': {'runners': {'limit': 3}}}", 3},
        {"{'config': {'runners': {'feature_flags': {'FF_USE_ADAPTIVE_REQUEST_CONCURRENCY': false}}}}", 2},
        {"{'config': {'runners': {'request_concurrency': 1}}}", 1},
        {"{'config': {'runners': {'request_concurrency': 20}}}", 20},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (requests_of(cases[i].spec, &a) != cases[i].requests)
            fail_msg("%s: %lld", cases[i].spec, (long long)requests_of(cases[i].spec, &a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_each_case_with_its_remedy),
        cmocka_unit_test(lets_in_what_works),
        cmocka_unit_test(what_else_is_wrong_hides_no_case),
        cmocka_unit_test(who_has_no_name_is_judged_all_the_same),
        cmocka_unit_test(a_complaint_about_a_long_key_ends_nothing),
        cmocka_unit_test(knows_regular_expressions),
        cmocka_unit_test(says_of_patterns_what_go_says),
        cmocka_unit_test(groups_within_groups_have_an_end),
        cmocka_unit_test(knows_cron_expressions_and_zones),
        cmocka_unit_test(knows_where_fields_of_cron_end),
        cmocka_unit_test(knows_patterns_of_images),
        cmocka_unit_test(knows_quantities),
        cmocka_unit_test(asks_for_jobs_by_some_requests_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
