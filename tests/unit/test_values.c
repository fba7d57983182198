/* What is read of Secrets and ConfigMaps that a spec names, and what is refused of it. Certificates are judged here by
 * how they begin: how they are really judged is in test_http.c. */
#include "golden.h"

#include "base/digest.h"
#include "base/mem.h"
#include "net/http.h"
#include "operator/values.h"
#include "runner/names.h"
#include "runner/spec.h"

static const char *refuse_unless(const char *good, const char *text, const char *complaint)
{
    return strncmp(text, good, strlen(good)) == 0 ? NULL : complaint;
}

const char *http_ca_refuses(const char *pem)
{
    return refuse_unless("CA", pem, "is no CA");
}

const char *http_client_cert_refuses(const char *pem, int64_t now, struct arena *a)
{
    (void)a;
    return now == 7 ? refuse_unless("CERT", pem, "is no certificate") : "of another time";
}

const char *http_client_key_refuses(const char *pem, const char *cert_pem)
{
    return refuse_unless("KEY", pem, strcmp(cert_pem, "CERT") == 0 ? "is no key of it" : "of another certificate");
}

static const struct spec spec = {
    .url = "https://gitlab.example.com",
    .authentication = AUTH_ACCESS_TOKEN,
    .credential = {"cred", "access-token"},
    .ca = {"ca", "ca.crt"},
    .client_cert = {"pair", "tls.crt"},
    .client_key = {"pair", "tls.key"},
    .manager.service_account_name = "robot",
};

#define TEXT(key, value) "{'metadata': {'resourceVersion': '5'}, 'data': {'" key "': '" value "'}}"
#define HOSTS(hosts)                                                                                                   \
    "{'metadata': {'resourceVersion': '5', 'annotations': {'" ANNOTATION_ALLOWED_HOSTS "': '" hosts                    \
    "'}}, 'data': {'access-token': 'Z2xwYXQteA=='}}"

#define PAIR(hosts)                                                                                                    \
    "{'metadata': {'resourceVersion': '5', 'annotations': {'" ANNOTATION_ALLOWED_HOSTS "': '" hosts                    \
    "'}}, 'data': {'tls.crt': 'Q0VSVCBh', 'tls.key': 'S0VZIGE='}}"

/* url = "https://gitlab.example.com", token = "glrt-x" */
#define CONFIG "eApbW3J1bm5lcnNdXQogIHVybCA9ICJodHRwczovL2dpdGxhYi5leGFtcGxlLmNvbSIKICB0b2tlbiA9ICJnbHJ0LXgiCg=="

static const struct {
    enum readable what;
    const char *object;
    enum lookup lookup;
    const char *value, *complaint; /* as it begins */
} cases[] = {
    {READ_CREDENTIAL, NULL, LOOKUP_NO_OBJECT, NULL, NULL},
    {READ_CREDENTIAL, TEXT("another", "eA=="), LOOKUP_NO_KEY, NULL, NULL},
    {READ_CREDENTIAL, TEXT("access-token", ""), LOOKUP_EMPTY, NULL, NULL},
    {READ_CREDENTIAL, TEXT("access-token", "IAo="), LOOKUP_EMPTY, NULL, NULL},              /* " \n"        */
    {READ_CREDENTIAL, TEXT("access-token", "Z2xwYXQteAo="), LOOKUP_FOUND, "glpat-x", NULL}, /* "glpat-x\n"  */
    {READ_CREDENTIAL, TEXT("access-token", "YSBi"), LOOKUP_INVALID, NULL, "holds a "},      /* "a b"        */
    {READ_CREDENTIAL, TEXT("access-token", "eABi"), LOOKUP_INVALID, NULL, "holds a "},      /* "x", NUL, "b" */
    {READ_CREDENTIAL, TEXT("access-token", "Z2xydC14"), LOOKUP_WRONG_KIND, NULL, "holds a runner authentication token"},
    {READ_CREDENTIAL, HOSTS("another.example.com"), LOOKUP_NOT_FOR_HOST, NULL, NULL},
    {READ_CREDENTIAL, HOSTS("gitlab.example.com"), LOOKUP_FOUND, "glpat-x", NULL},
    {READ_TOKEN, TEXT("runner-token", "Z2xydC14"), LOOKUP_FOUND, "glrt-x", NULL},
    {READ_TOKEN, TEXT("runner-token", "YSBi"), LOOKUP_INVALID, NULL, "holds a "},
    {READ_CA, TEXT("ca.crt", "Q0EgYQ=="), LOOKUP_FOUND, "CA a", NULL},
    {READ_CA, TEXT("ca.crt", "eA=="), LOOKUP_INVALID, NULL, "is no CA"},
    {READ_CA, TEXT("another", "eA=="), LOOKUP_NO_KEY, NULL, NULL},
    {READ_CLIENT_CERT, TEXT("tls.crt", "Q0VSVCBh"), LOOKUP_FOUND, "CERT a", NULL},
    {READ_CLIENT_CERT, TEXT("tls.crt", "eA=="), LOOKUP_INVALID, NULL, "is no certificate"},
    {READ_CLIENT_CERT, TEXT("tls.key", "eA=="), LOOKUP_NO_KEY, NULL, NULL},
    {READ_CLIENT_KEY, TEXT("tls.key", "S0VZIGE="), LOOKUP_FOUND, "KEY a", NULL},
    {READ_CLIENT_KEY, TEXT("tls.key", "eA=="), LOOKUP_INVALID, NULL, "is no key of it"},
    {READ_CLIENT_CERT, PAIR("another.example.com"), LOOKUP_NOT_FOR_HOST, NULL, NULL},
    {READ_CLIENT_KEY, PAIR("another.example.com"), LOOKUP_NOT_FOR_HOST, NULL, NULL},
    {READ_CLIENT_CERT, PAIR("gitlab.example.com"), LOOKUP_FOUND, "CERT a", NULL},
    {READ_CLIENT_KEY, PAIR("gitlab.example.com"), LOOKUP_FOUND, "KEY a", NULL},
    {READ_CACHE, TEXT("a", "eA=="), LOOKUP_FOUND, "{\"a\":\"eA==\"}", NULL},
    {READ_CACHE, "{'metadata': {'resourceVersion': '5'}}", LOOKUP_NO_KEY, NULL, NULL},
    {READ_ACCOUNT, "{'metadata': {'resourceVersion': '5', 'uid': 'u-1'}}", LOOKUP_FOUND, "u-1", NULL},
    {READ_CONFIG, TEXT("config.toml", CONFIG), LOOKUP_FOUND, "glrt-x", NULL},
    {READ_CONFIG,
     TEXT("config.toml",
          "eApbW3J1bm5lcnNdXQogIHVybCA9ICJodHRwczovL2Fub3RoZXIuZXhhbXBsZSIKICB0b2tlbiA9ICJnbHJ0LXgiCg=="),
     LOOKUP_EMPTY, NULL, NULL}, /* of https://another.example */
    {READ_CONFIG, TEXT("config.toml", "eApbW3J1bm5lcnNdXQogIHRva2VuID0gImdscnQteCIK"), LOOKUP_EMPTY, NULL,
     NULL}, /* of none */
    {READ_CONFIG, TEXT("config.toml", "eA=="), LOOKUP_EMPTY, NULL, NULL},
};

static void what_is_read_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        struct observed o = {.owner = {.ns = "ci", .name = "builds", .uid = "u"}, .spec = &spec, .now = 7};
        o.values[READ_CLIENT_CERT].value = "CERT";
        value_learn(&o, cases[i].what, cases[i].object ? quoted_json(cases[i].object, &a) : NULL, &a);
        const struct observed_value *v = &o.values[cases[i].what];
        if (v->lookup != cases[i].lookup || (v->value != NULL) != (cases[i].value != NULL) ||
            (v->complaint != NULL) != (cases[i].complaint != NULL))
            fail_msg("%zu: %d, %s, %s", i, v->lookup, v->value, v->complaint);
        if (cases[i].value)
            assert_string_equal(v->value, cases[i].value);
        if (cases[i].complaint)
            assert_int_equal(strncmp(v->complaint, cases[i].complaint, strlen(cases[i].complaint)), 0);
        if (cases[i].object)
            assert_string_equal(v->version, "5");
    }
}

/* Where Secrets are read by name they are looked at first, whatever is wrong with the spec. */
static void a_config_is_of_no_gitlab_while_the_spec_is_invalid(void **state)
{
    cleanup_arena struct arena a = {0};
    struct observed o = {.owner = {.ns = "ci", .name = "builds"}};

    (void)state;
    value_learn(&o, READ_CONFIG, quoted_json(TEXT("config.toml", CONFIG), &a), &a);
    assert_int_equal(o.values[READ_CONFIG].lookup, LOOKUP_EMPTY);
    assert_null(o.values[READ_CONFIG].value);
}

static void a_config_map_has_its_ca_as_it_is(void **state)
{
    cleanup_arena struct arena a = {0};
    struct spec of_map = spec;
    struct observed o = {.owner = {.ns = "ci", .name = "builds"}, .spec = &of_map};

    (void)state;
    of_map.ca_in_config_map = true;
    value_learn(&o, READ_CA, quoted_json(TEXT("ca.crt", "CA as it is"), &a), &a);
    assert_string_equal(o.values[READ_CA].value, "CA as it is");
}

static void what_is_too_large_is_refused(void **state)
{
    cleanup_arena struct arena a = {0};
    struct observed o = {.owner = {.ns = "ci", .name = "builds"}, .spec = &spec};
    struct json_object *object = quoted_json("{'metadata': {'resourceVersion': '5'}, 'tooLarge': 'x'}", &a);

    (void)state;
    value_learn(&o, READ_CA, object, &a);
    assert_int_equal(o.values[READ_CA].lookup, LOOKUP_INVALID);
    assert_string_equal(o.values[READ_CA].complaint, "is in an object that is too large to be read");
    assert_string_equal(o.values[READ_CA].version, "5");
}

/* A Secret that says where it may go is bound to that, and says who is trusted there. */
static void a_bound_credential_brings_its_ca(void **state)
{
    static const struct {
        enum readable what;
        const char *ca; /* in base64; NULL: none */
        bool bound;
        const char *trusted;
    } bound[] = {
        {READ_CREDENTIAL, NULL, true, NULL},
        {READ_CREDENTIAL, "Q0EgYQ==", true, "CA a"},
        {READ_CREDENTIAL, "eA==", true, ""},
        {READ_CLIENT_CERT, "Q0EgYQ==", false, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bound); i++) {
        cleanup_arena struct arena a = {0};
        struct observed o = {.owner = {.ns = "ci", .name = "builds"}, .spec = &spec, .now = 7};
        struct json_object *object = quoted_json(HOSTS("gitlab.example.com"), &a);
        if (bound[i].ca)
            json_put_member(json_get(object, "data"), KEY_CA, bound[i].ca);
        value_learn(&o, bound[i].what, object, &a);
        assert_int_equal(o.values[bound[i].what].bound, bound[i].bound);
        const char *trusted = o.values[bound[i].what].ca_pem;
        assert_int_equal(trusted != NULL, bound[i].trusted != NULL);
        if (trusted)
            assert_string_equal(trusted, bound[i].trusted);
    }
}

static void each_has_its_source(void **state)
{
    static const struct {
        enum readable what;
        enum kind kind;
        const char *name, *key;
    } sources[] = {
        {READ_CREDENTIAL, KIND_SECRET, "cred", "access-token"},
        {READ_CA, KIND_SECRET, "ca", "ca.crt"},
        {READ_CLIENT_CERT, KIND_SECRET, "pair", "tls.crt"},
        {READ_CLIENT_KEY, KIND_SECRET, "pair", "tls.key"},
        {READ_TOKEN, KIND_SECRET, "builds-runner-token", KEY_RUNNER_TOKEN},
        {READ_CONFIG, KIND_SECRET, "builds-runner-config", KEY_CONFIG},
        {READ_ACCOUNT, KIND_SERVICE_ACCOUNT, "robot", NULL},
    };
    cleanup_arena struct arena a = {0};
    struct spec of_map = spec;
    const struct observed o = {.owner = {.ns = "ci", .name = "builds"}, .spec = &of_map};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
        struct value_source s = value_source_of(&o, sources[i].what, &a);
        assert_int_equal(s.kind, sources[i].kind);
        assert_string_equal(s.name, sources[i].name);
        assert_int_equal(s.key != NULL, sources[i].key != NULL);
        if (s.key)
            assert_string_equal(s.key, sources[i].key);
    }
    of_map.ca_in_config_map = true;
    assert_int_equal(value_source_of(&o, READ_CA, &a).kind, KIND_CONFIG_MAP);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_judged),
        cmocka_unit_test(a_config_map_has_its_ca_as_it_is),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(a_bound_credential_brings_its_ca),
        cmocka_unit_test(each_has_its_source),
        cmocka_unit_test(a_config_is_of_no_gitlab_while_the_spec_is_invalid),
    };

    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
