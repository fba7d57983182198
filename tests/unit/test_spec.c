#include "golden.h"

#include "base/mem.h"
#include "runner/complaints.h"
#include "runner/spec.h"

/* RFC 7396: what a case changes in the least valid object; null takes a member out. */
static void merge(struct json_object *into, struct json_object *change)
{
    json_each (it, change) {
        struct json_object *there = json_member(into, it.key);
        bool both = json_object_is_type(it.value, json_type_object) && json_object_is_type(there, json_type_object);
        if (both)
            merge(there, it.value);
        else if (it.value)
            json_object_object_add(into, it.key, json_copy(it.value));
        else
            json_object_object_del(into, it.key);
    }
}

static struct json_object *minimal_with(struct json_object *change, struct arena *a)
{
    struct json_object *object = read_json(DATA "render/minimal.json", a);

    merge(object, change);
    return object;
}

/* The spec of the least object with a change, written as JSON with single quotes. */
static struct spec parse(const char *change, struct arena *a)
{
    struct err err = {0};
    struct spec spec;

    if (!spec_parse(minimal_with(quoted_json(change, a), a), &spec, a, &err))
        fail_msg("%s: %s", change, err.text);
    return spec;
}

/* tests/data/spec/invalid.json: [{change, error}]; a new case may leave error out and have UPDATE_GOLDEN=1 write it. */
static void refuses_each_invalid_case(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "spec/invalid.json", &a);

    (void)state;
    const char *text = "[\n";
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json_object *entry = json_at(cases, i), *change = json_member(entry, "change");
        struct spec spec;
        struct err err = {0};
        if (spec_parse(minimal_with(change, &a), &spec, &a, &err))
            fail_msg("accepted: %s", json_text(change));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.reason, "InvalidSpec");
        if (err.all->len != 1)
            fail_msg("%s: %s", json_text(change), complaints_message(err.all, &a));
        assert_true(strlen(err.text) < sizeof(err.text) - 1);
        json_set_str(entry, "error", err.text);
        text = arena_printf(&a, "%s  %s%s\n", text, json_text(entry), i + 1 < json_len(cases) ? "," : "");
    }
    assert_golden(DATA "spec/invalid.json", arena_printf(&a, "%s]\n", text));
}

static void accepts_each_valid_case(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "spec/valid.json", &a);

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        struct spec spec;
        struct err err = {0};
        if (!spec_parse(minimal_with(json_at(cases, i), &a), &spec, &a, &err))
            fail_msg("refused: %s: %s", json_text(json_at(cases, i)), err.text);
    }
}

static void fills_in_defaults(void **state)
{
    struct arena a cleanup_arena = {0};
    struct spec s = parse("{}", &a);

    (void)state;
    assert_string_equal(s.url, "https://gitlab.example.com");
    assert_string_equal(s.credential.key, "runner-registration-token");
    assert_string_equal(s.namespace, "ci");
    assert_int_equal(s.concurrent, 10);
    assert_int_equal(s.check_interval, 3);
    assert_int_equal(s.manager.replicas, 1);
    assert_int_equal(s.manager.termination_grace_period, 3600);
    assert_int_equal(s.deregistration_deadline, 900);
    assert_int_equal(s.deletion_policy, DELETION_DELETE);
    assert_string_equal(s.attributes.description, "ci/builds");
    assert_true(s.attributes.run_untagged);
    assert_string_equal(s.attributes.access_level, "not_protected");
    assert_false(s.privileged || s.suspend || s.attributes.locked || s.attributes.paused);
    assert_null(s.ca.name);
    assert_null(s.image);
    assert_null(s.node_selector);
}

static void reads_what_is_given(void **state)
{
    struct arena a cleanup_arena = {0};
    struct err err = {0};
    struct spec s;

    (void)state;
    assert_true(spec_parse(read_json(DATA "render/full.json", &a), &s, &a, &err));
    assert_string_equal(s.url, "https://gitlab.example.com/gitlab");
    assert_string_equal(s.ca.name, "corp-ca");
    assert_string_equal(s.ca.key, "bundle.pem");
    assert_true(s.ca_in_config_map);
    assert_int_equal(s.concurrent, 4);
    assert_string_equal(s.namespace, "jobs");
    assert_true(s.privileged && s.suspend && s.attributes.locked);
    assert_string_equal(s.attributes.access_level, "ref_protected");
    assert_int_equal(s.attributes.maximum_timeout, 3600);
    assert_int_equal(s.manager.replicas, 3);
    assert_string_equal(s.manager.service_account_name, "runner");
    assert_int_equal(s.deletion_policy, DELETION_ORPHAN);
    assert_int_equal(s.deregistration_deadline, 60);
}

static void knows_the_three_ways_to_authenticate(void **state)
{
    static const struct {
        const char *change, *name, *key, *scope;
    } cases[] = {
        {"{}", "RegistrationToken", "runner-registration-token", ""},
        {"{'spec': {'authentication': {'registrationTokenSecretRef': null, 'runnerTokenSecretRef': {'name': 'n'}}}}",
         "RunnerToken", "runner-token", ""},
        {"{'spec': {'scope': {'type': 'Instance'}, 'authentication': {'registrationTokenSecretRef': null, "
         "'accessTokenSecretRef': {'name': 'n'}}}}",
         "AccessToken", "access-token", "Instance"},
        {"{'spec': {'scope': {'type': 'Group', 'groupId': 12}, 'authentication': {'registrationTokenSecretRef': null, "
         "'accessTokenSecretRef': {'name': 'n', 'key': 'k'}}}}",
         "AccessToken", "k", "Group/12"},
        {"{'spec': {'scope': {'type': 'Project', 'projectId': 7}, 'authentication': {'registrationTokenSecretRef': "
         "null, 'accessTokenSecretRef': {'name': 'n'}}}}",
         "AccessToken", "access-token", "Project/7"},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct spec s = parse(cases[i].change, &a);
        assert_string_equal(authentication_name(s.authentication), cases[i].name);
        assert_string_equal(s.credential.key, cases[i].key);
        assert_string_equal(scope_text(&s, &a), cases[i].scope);
    }
}

static const char *hash_with(const char *change, struct arena *a)
{
    struct spec s = parse(change, a);

    return attributes_hash(&s.attributes, a);
}

static void tags_are_a_set(void **state)
{
    struct arena a cleanup_arena = {0};
    struct spec s = parse("{'spec': {'tags': ['linux', 'arm']}}", &a);
    const char *hash = attributes_hash(&s.attributes, &a);

    (void)state;
    assert_int_equal(s.attributes.tags.len, 2);
    assert_string_equal(s.attributes.tags.items[0], "arm");
    assert_false(s.attributes.run_untagged);
    assert_string_equal(hash, hash_with("{'spec': {'tags': ['arm', 'linux']}}", &a));
    assert_string_not_equal(hash, hash_with("{'spec': {'tags': ['arm']}}", &a));
    assert_string_not_equal(hash, hash_with("{'spec': {'tags': ['arm', 'linux'], 'paused': true}}", &a));
}

static void tells_gitlab_in_its_words(void **state)
{
    struct arena a cleanup_arena = {0};
    struct err err = {0};
    struct spec s;

    (void)state;
    assert_true(spec_parse(read_json(DATA "render/full.json", &a), &s, &a, &err));
    assert_golden(DATA "render/full/attributes.json", pretty(attributes_json(&s.attributes, &a), &a));
    s = parse("{}", &a);
    assert_golden(DATA "render/minimal/attributes.json", pretty(attributes_json(&s.attributes, &a), &a));
}

/* Without a uid there is nothing by which GitLab's runner could be known again. */
static void marks_the_note_when_there_is_a_uid(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *mark = "gitlab-runners.dev/uid=254f1bd7-8283-46d5-8096-eb8e2a026429";

    (void)state;
    assert_string_equal(parse("{}", &a).attributes.maintenance_note, mark);
    assert_string_equal(parse("{'spec': {'maintenanceNote': 'Hi.'}}", &a).attributes.maintenance_note,
                        arena_printf(&a, "Hi.\n%s", mark));
    assert_null(parse("{'metadata': {'uid': null}}", &a).attributes.maintenance_note);
}

static void finds_the_address_of_the_host(void **state)
{
    static const struct {
        const char *url, *address;
    } cases[] = {
        {"http://my.gitlab.com", "10.0.0.2"},       {"https://My.GitLab.com:8443/x", "10.0.0.2"},
        {"https://second.example.com", "10.0.0.2"}, {"https://other.example.com", "fe80::1"},
        {"https://gitlab.example.com", NULL},       {"https://my.gitlab.com.example.com", NULL},
        {"https://[fe80::2]:8443", NULL},           {"https://10.0.0.2", NULL},
    };
    struct arena a cleanup_arena = {0};
    struct spec s = parse("{'spec': {'hostAliases': [{'ip': '10.0.0.2', 'hostnames': ['my.gitlab.com', "
                          "'second.example.com']}, {'ip': 'fe80::1', 'hostnames': ['other.example.com']}]}}",
                          &a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *address = spec_address_of(&s, cases[i].url, &a);
        assert_string_equal(address ? address : "(DNS)", cases[i].address ? cases[i].address : "(DNS)");
    }
}

static void knows_the_owner(void **state)
{
    struct arena a cleanup_arena = {0};
    struct owner owner = owner_of(read_json(DATA "render/minimal.json", &a));

    (void)state;
    assert_string_equal(owner.ns, "ci");
    assert_string_equal(owner.name, "builds");
    assert_string_equal(owner.uid, "254f1bd7-8283-46d5-8096-eb8e2a026429");
    owner = owner_of(NULL);
    assert_string_equal(owner.ns, "default");
    assert_string_equal(owner.name, "");
    assert_null(owner.uid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_each_invalid_case),
        cmocka_unit_test(accepts_each_valid_case),
        cmocka_unit_test(fills_in_defaults),
        cmocka_unit_test(reads_what_is_given),
        cmocka_unit_test(knows_the_three_ways_to_authenticate),
        cmocka_unit_test(tags_are_a_set),
        cmocka_unit_test(tells_gitlab_in_its_words),
        cmocka_unit_test(marks_the_note_when_there_is_a_uid),
        cmocka_unit_test(finds_the_address_of_the_host),
        cmocka_unit_test(knows_the_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
