/* spec.cache: its table in config.toml, the Secret behind it, and what is done about it; and about the client
 * certificate, which is in a Secret of that kind. */
#include "golden.h"

#include "base/mem.h"
#include "runner/cache.h"
#include "runner/names.h"
#include "runner/rules.h"
#include "world_broken.h"

#define S3    "{'type': 's3', 's3': {'bucketName': 'b', 'credentialsSecretRef': {'name': 'keys'}}}"
#define GCS   "{'type': 'gcs', 'gcs': {'bucketName': 'b', 'credentialsSecretRef': {'name': 'keys'}}}"
#define AZURE "{'type': 'azure', 'azure': {'containerName': 'c', 'credentialsSecretRef': {'name': 'keys'}}}"

/* "one", "two" with a newline; {"client_email": "me", "private_key": "pem"}; {}; "" */
#define ONE   "'b25l'"
#define TWO   "'dHdvCg=='"
#define FILE_ "'eyJjbGllbnRfZW1haWwiOiAibWUiLCAicHJpdmF0ZV9rZXkiOiAicGVtIn0='"
#define BRACE "'e30='"

static void each_type_has_its_table(void **state)
{
    static const struct {
        const char *cache, *data, *table;
    } cases[] = {
        {S3, NULL,
         "{\"Type\":\"s3\",\"s3\":{\"BucketName\":\"b\",\"AuthenticationType\":\"access-key\",\"AccessKey\":"
         "\"<accesskey>\",\"SecretKey\":\"<secretkey>\"}}"},
        {S3, "{'accesskey': " ONE ", 'secretkey': " TWO ", 'more': " ONE "}",
         "{\"Type\":\"s3\",\"s3\":{\"BucketName\":\"b\",\"AuthenticationType\":\"access-key\",\"AccessKey\":\"one\","
         "\"SecretKey\":\"two\"}}"},
        {S3, "{'accesskey': " ONE ", 'secretkey': " TWO ", 'sessiontoken': " TWO "}",
         "{\"Type\":\"s3\",\"s3\":{\"BucketName\":\"b\",\"AuthenticationType\":\"access-key\",\"AccessKey\":\"one\","
         "\"SecretKey\":\"two\",\"SessionToken\":\"two\"}}"},
        {"{'type': 's3', 'maxUploadedArchiveSize': 5368709120, 'redactURL': false, 's3': {'bucketName': 'b', "
         "'roleARN': "
         "'r', 'uploadRoleARN': 'u', 'serverSideEncryptionKeyID': 'k', 'pathStyle': false}}",
         NULL,
         "{\"Type\":\"s3\",\"MaxUploadedArchiveSize\":5368709120,\"RedactURL\":false,\"s3\":{\"BucketName\":\"b\","
         "\"RoleARN\":\"r\",\"UploadRoleARN\":\"u\",\"ServerSideEncryptionKeyID\":\"k\",\"PathStyle\":false,"
         "\"AuthenticationType\":\"iam\"}}"},
        {"{'type': 's3', 'path': 'p', 'shared': true, 's3': {'bucketName': 'b', 'bucketLocation': 'l', "
         "'serverAddress': "
         "'s:9000', 'insecure': true}}",
         NULL,
         "{\"Type\":\"s3\",\"Path\":\"p\",\"Shared\":true,\"s3\":{\"ServerAddress\":\"s:9000\",\"BucketName\":\"b\","
         "\"BucketLocation\":\"l\",\"Insecure\":true,\"AuthenticationType\":\"iam\"}}"},
        /* a blank before it, a byte order mark and a no-break space around it */
        {S3, "{'accesskey': 'IG9uZQ==', 'secretkey': '77u/dHdvwqA='}",
         "{\"Type\":\"s3\",\"s3\":{\"BucketName\":\"b\",\"AuthenticationType\":\"access-key\",\"AccessKey\":\"one\","
         "\"SecretKey\":\"two\"}}"},
        {GCS, "{'gcs-access-id': " ONE ", 'gcs-private-key': " TWO "}",
         "{\"Type\":\"gcs\",\"gcs\":{\"BucketName\":\"b\",\"AccessID\":\"one\",\"PrivateKey\":\"two\"}}"},
        {GCS, "{'gcs-application-credentials-file': " FILE_ "}",
         "{\"Type\":\"gcs\",\"gcs\":{\"BucketName\":\"b\",\"AccessID\":\"me\",\"PrivateKey\":\"pem\"}}"},
        {"{'type': 'gcs', 'gcs': {'bucketName': 'b'}}", NULL, "{\"Type\":\"gcs\",\"gcs\":{\"BucketName\":\"b\"}}"},
        {AZURE, "{'azure-account-name': " ONE ", 'azure-account-key': " TWO "}",
         "{\"Type\":\"azure\",\"azure\":{\"ContainerName\":\"c\",\"AccountName\":\"one\",\"AccountKey\":\"two\"}}"},
        {"{'type': 'azure', 'azure': {'containerName': 'c', 'storageDomain': 'd', 'accountName': 'n'}}", NULL,
         "{\"Type\":\"azure\",\"azure\":{\"ContainerName\":\"c\",\"StorageDomain\":\"d\",\"AccountName\":\"n\"}}"},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *cache = quoted_json(cases[i].cache, &a),
                           *data = cases[i].data ? quoted_json(cases[i].data, &a) : NULL;
        struct err err = {0};
        if (!cache_validate(cache, &err))
            fail_msg("%s", err.text);
        assert_string_equal(json_text(arena_json(&a, cache_table(cache, data, &a))), cases[i].table);
    }
    assert_null(cache_table(NULL, NULL, &a));
}

static void the_key_that_is_missing_is_named(void **state)
{
    static const struct {
        const char *cache, *data, *key;
    } cases[] = {
        {S3, "{}", "accesskey"},
        {S3, "{'accesskey': " ONE "}", "secretkey"},
        {S3, "{'accesskey': " ONE ", 'secretkey': ''}", "secretkey"},
        {S3, "{'accesskey': '?', 'secretkey': " ONE "}", "accesskey"},
        {GCS, "{'gcs-access-id': " ONE "}", "gcs-private-key"},
        {GCS, "{'gcs-application-credentials-file': " BRACE "}", "gcs-application-credentials-file"},
        {GCS, "{'gcs-application-credentials-file': " ONE "}", "gcs-application-credentials-file"},
        {AZURE, "{'azure-account-key': " ONE "}", "azure-account-name"},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(cache_missing_key(quoted_json(cases[i].cache, &a), quoted_json(cases[i].data, &a), &a),
                            cases[i].key);
    assert_string_equal(cache_missing_key(quoted_json(S3, &a), NULL, &a), "accesskey");
    assert_string_equal(cache_secret_name(quoted_json(S3, &a)), "keys");
    assert_null(cache_secret_name(quoted_json("{'type': 'gcs', 'gcs': {'bucketName': 'b'}}", &a)));
    assert_null(cache_secret_name(NULL));
}

/* ------------------------------------------------------------------------------------------------------------------
 * What is done about it.
 */

/* A world at rest, to whose spec the cache comes; and what is known of its Secret. */
static struct action next(struct stage *stage, struct spec *spec, const struct observed_value *value)
{
    static const int plain[OPTIONS];
    struct observed *o = &stage->world.observed;

    stage_init(stage, plain, false);
    world_observe(&stage->world);
    *spec = *o->spec;
    spec->cache = quoted_json(S3, &stage->world.mem);
    o->spec = spec;
    o->values[READ_TOKEN] = (struct observed_value){.lookup = LOOKUP_FOUND, .value = "glrt-x", .version = "3"};
    o->values[READ_CACHE] = *value;
    o->wanted[CHILD_CONFIG_SECRET].hash = "with a cache";
    return need_cache(o, &stage->world.mem);
}

static void a_secret_that_cannot_be_used_is_waited_for(void **state)
{
    static const struct {
        struct observed_value value;
        const char *reason, *message;
    } cases[] = {
        {{.lookup = LOOKUP_NO_OBJECT},
         "SecretNotFound",
         "Secret ci/keys does not exist; create it with the key accesskey"},
        {{.lookup = LOOKUP_NO_KEY},
         "KeyNotFound",
         "Secret ci/keys has no key accesskey, which the cache needs; add it"},
        {{.lookup = LOOKUP_FOUND, .value = "{\"accesskey\": \"b25l\"}"},
         "KeyNotFound",
         "Secret ci/keys has no key secretkey, which the cache needs; add it"},
        {{.lookup = LOOKUP_FOUND, .value = "{\"accesskey\": \"b25l\", \"secretkey\": \"\"}"},
         "ValueEmpty",
         "key secretkey of Secret ci/keys has nothing that the cache could use; put the value there"},
        {{.lookup = LOOKUP_FOUND, .value = "{\"accesskey\": \"b25l\", \"secretkey\": \"Im9uZSI=\"}"},
         "ValueInvalid",
         "key secretkey of Secret ci/keys has quotation marks around its content; put it there without"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stage stage cleanup_stage;
        struct spec spec;
        struct action act = next(&stage, &spec, &cases[i].value);
        assert_int_equal(act.kind, ACT_WAIT);
        assert_true(act.wait.stalled);
        assert_string_equal(act.wait.reason, cases[i].reason);
        assert_string_equal(act.wait.message, cases[i].message);
    }
}

static void it_is_read_and_goes_into_config_toml_alone(void **state)
{
    const struct observed_value unknown = {.version = "7"};
    const struct observed_value known = {
        .lookup = LOOKUP_FOUND, .value = "{\"accesskey\": \"b25l\", \"secretkey\": \"dHdv\"}", .version = "7"};
    struct stage stage cleanup_stage, other cleanup_stage;
    struct spec spec, same;

    (void)state;
    struct action act = next(&stage, &spec, &unknown);
    assert_int_equal(act.kind, ACT_READ);
    assert_int_equal(act.read, READ_CACHE);
    assert_string_equal(act.rule, "read-cache");

    assert_int_equal(next(&other, &same, &known).kind, ACT_PASS);
    act = decide(&other.world.observed, &other.world.mem);
    assert_int_equal(act.kind, ACT_APPLY);
    assert_int_equal(act.apply.child, CHILD_CONFIG_SECRET);
    struct json_object *annotations = json_get(act.apply.manifest, "metadata.annotations");
    assert_string_equal(json_string(json_member(annotations, "gitlab-runners.dev/inputs")), "token=3 cache=7");
    assert_true(child_is_right(&other.world.observed, CHILD_DEPLOYMENT, &other.world.mem));
}

/* ------------------------------------------------------------------------------------------------------------------
 * The client certificate, which is in a Secret of the same kind.
 */
static struct action next_of_client(struct stage *stage, struct spec *spec, const struct observed_value *cert,
                                    const struct observed_value *key)
{
    static const int plain[OPTIONS];
    struct observed *o = &stage->world.observed;

    stage_init(stage, plain, false);
    world_observe(&stage->world);
    *spec = *o->spec;
    spec->client_cert = (struct key_ref){.name = "client", .key = KEY_CLIENT_CERT};
    spec->client_key = (struct key_ref){.name = "client", .key = KEY_CLIENT_KEY};
    o->spec = spec;
    o->values[READ_CLIENT_CERT] = *cert;
    o->values[READ_CLIENT_KEY] = *key;
    return need_tls(o, &stage->world.mem);
}

static void a_certificate_that_cannot_be_used_is_waited_for(void **state)
{
    const struct observed_value good = {.lookup = LOOKUP_FOUND, .value = "PEM"};
    const struct {
        struct observed_value cert, key;
        const char *reason, *message;
    } cases[] = {
        {{.lookup = LOOKUP_NO_OBJECT},
         good,
         "SecretNotFound",
         "Secret ci/client does not exist; create it with the key tls.crt"},
        {good,
         {.lookup = LOOKUP_NO_KEY},
         "KeyNotFound",
         "Secret ci/client has no key tls.key; spec.clientCertificateSecretRef names a Secret with tls.crt and "
         "tls.key, "
         "such as one of the type kubernetes.io/tls"},
        {good,
         {.lookup = LOOKUP_INVALID, .complaint = "is encrypted: do not"},
         "InvalidClientCertificate",
         "key tls.key of Secret ci/client, which spec.clientCertificateSecretRef names, is encrypted: do not"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stage stage cleanup_stage;
        struct spec spec;
        struct action act = next_of_client(&stage, &spec, &cases[i].cert, &cases[i].key);
        assert_int_equal(act.kind, ACT_WAIT);
        assert_true(act.wait.stalled);
        assert_string_equal(act.wait.reason, cases[i].reason);
        assert_string_equal(act.wait.message, cases[i].message);
    }
}

/* The certificate first, since the key is held against it. */
static void both_are_read(void **state)
{
    const struct observed_value good = {.lookup = LOOKUP_FOUND, .value = "PEM"}, unknown = {.value = NULL};
    struct stage one cleanup_stage, two cleanup_stage, three cleanup_stage;
    struct spec spec;

    (void)state;
    struct action act = next_of_client(&one, &spec, &unknown, &unknown);
    assert_int_equal(act.kind, ACT_READ);
    assert_int_equal(act.read, READ_CLIENT_CERT);
    act = next_of_client(&two, &spec, &good, &unknown);
    assert_int_equal(act.read, READ_CLIENT_KEY);
    assert_string_equal(act.rule, "read-client-key");
    assert_int_equal(next_of_client(&three, &spec, &good, &good).kind, ACT_PASS);
}

/* Nothing is called with it at the moment; but when the runner is looked at, what has become of it is told. */
static void a_certificate_that_expires_later_is_told(void **state)
{
    const struct observed_value bad = {.lookup = LOOKUP_INVALID, .complaint = "has a certificate that expired"};
    struct stage stage cleanup_stage;
    struct observed *o = &stage.world.observed;
    struct spec spec;

    (void)state;
    next_of_client(&stage, &spec, &bad, &bad);
    stage.world.process.memory.check.due_ms = o->now_ms;
    struct action act = ask_gitlab(o, &stage.world.mem);
    assert_int_equal(act.kind, ACT_WAIT);
    assert_string_equal(act.wait.reason, "InvalidClientCertificate");
    stage.world.process.memory.check.due_ms = o->now_ms + 1;
    assert_int_equal(ask_gitlab(o, &stage.world.mem).kind, ACT_PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_table),
        cmocka_unit_test(the_key_that_is_missing_is_named),
        cmocka_unit_test(a_secret_that_cannot_be_used_is_waited_for),
        cmocka_unit_test(it_is_read_and_goes_into_config_toml_alone),
        cmocka_unit_test(a_certificate_that_cannot_be_used_is_waited_for),
        cmocka_unit_test(both_are_read),
        cmocka_unit_test(a_certificate_that_expires_later_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
