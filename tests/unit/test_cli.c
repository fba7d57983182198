/* render and validate, as they are called: what they print, and how they end. */
#include "files.h"

#include <getopt.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "base/yaml.h"
#include "runner/render.h"

/* Runs a command; its output is in out and err, which the arena owns. */
struct outcome {
    int code;
    char *out, *err;
};

static struct outcome run(int (*command)(int argc, char **argv), struct arena *a, ...)
{
    char *argv[16] = {"command"};
    int argc = 1;
    va_list args;

    va_start(args, a);
    for (char *arg; (arg = va_arg(args, char *));)
        argv[argc++] = arg;
    va_end(args);
    optind = 0; /* getopt begins anew */
    struct capture out = capture_begin(stdout), err = capture_begin(stderr);
    struct outcome outcome = {.code = command(argc, argv)};
    outcome.err = capture_end(&err, a);
    outcome.out = capture_end(&out, a);
    return outcome;
}

static const char *file_of(const char *text, struct arena *a)
{
    return make_file(text, strlen(text), a);
}

#define HEAD  "apiVersion: gitlab-runners.dev/v1beta1\nkind: GitLabRunner\nmetadata: {name: a, namespace: ns}\n"
#define SPEC  "spec:\n  url: https://x\n  authentication: {registrationTokenSecretRef: {name: s}}\n"
#define VALID HEAD SPEC

/* ---------------------------------------------------------------------------------------------------------------------
 * validate */

static void finds_the_samples_valid(void **state)
{
    static const char *const samples[] = {"hack/demo-runner.yaml", "manifests/samples/access-token-project.yaml",
                                          "tests/data/render/full.json", "tests/data/render/minimal.json"};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        struct outcome o = run(cli_validate, &a, "-f", samples[i], NULL);
        if (o.code != EXIT_OK || !strstr(o.out, ": valid\n") || *o.err)
            fail_msg("%s: %s%s", samples[i], o.out, o.err);
    }
}

/* Appended to a valid object: what must be said about it; "" that it is valid. */
static const struct {
    const char *more, *finding;
} cases[] = {
    {"", ""},
    {"  tags: [a, b]\n  manager: {affinity: {anything: {goes: here}}}\n", ""},

    /* Fields that are not known. */
    {"  nodeSelektor: {a: b}\n", "spec.nodeSelektor is not known: did you mean nodeSelector?"},
    {"  Image: x\n", "spec.Image is not known: did you mean image?"},
    {"  replicas: 3\n", "spec.replicas is not known: did you mean spec.manager.replicas?"},
    {"  frobnicate: 3\n", "spec.frobnicate is not known: take it out"},
    {"  manager: {concurrent: 2}\n", "spec.manager.concurrent is not known: did you mean spec.concurrent?"},
    {"  manager: {env: [{name: A, vale: b}]}\n", "spec.manager.env[0].vale is not known: did you mean value?"},
    {"  volumes: [{name: v, mountPath: /v, emptyDir: {}, readonly: true}]\n",
     "spec.volumes[0].readonly is not known: did you mean readOnly?"},
    {"specs: {}\n", "specs is not known: did you mean spec?"},
    {"url: https://x\n", "url is not known: did you mean spec.url?"},

    /* Values: what the operator says comes first, the schema knows the rest. */
    {"  tags: [yes]\n", "spec.tags[0] must be text: put it in quotes"},
    {"  concurrent: 0\n", "spec.concurrent must be from 1 to 100000, not 0"},
    {"  image: ''\n", "spec.image must be text that is not empty"},
    {"  image: null\n", "spec.image must be text"},
    {"  manager: {resources: {limits: {cpu: true}}}\n",
     "spec.manager.resources.limits.cpu must be a whole number or text"},
    {"  manager: {env: [{name: A, value: 3}]}\n", "spec.manager.env[0].value must be text: put it in quotes"},
    {"  manager: {tolerations: [{operator: Sometimes}]}\n",
     "spec.manager.tolerations[0].operator must be one of Equal, Exists, not \"Sometimes\""},
    {"  manager: {nodeSelector: [a]}\n", "spec.manager.nodeSelector must be a map"},
    {"  manager: {imagePullSecrets: [{}]}\n", "spec.manager.imagePullSecrets[0].name is missing"},
    {"  manager: {imagePullSecrets: [x]}\n", "spec.manager.imagePullSecrets[0] must be an object"},
    {"  manager: {resources: {limits: {cpu: abc}}}\n",
     "spec.manager.resources.limits.cpu must be a quantity such as 500m or 2Gi, not \"abc\""},
    {"  environment: [{name: A B, value: x}]\n",
     "spec.environment[0].name must be a variable's name, without '=' and blanks, not \"A B\""},
    {"  environment: [{name: sAs, value: x}]\n", ""},
    {"  tags: [a, b, a]\n", "spec.tags[2] is there twice: it has the key of spec.tags[0]"},
    {"  manager: {env: [{name: A, value: a}, {name: A, value: b}]}\n", "spec.manager.env[1] is there twice"},
    {"  manager: null\n", ""},
    {"  pullPolicy: [Always, IfNotPresent, Never]\n", ""},
    {"  manager: {replicas: 1000}\n", ""},
    {"  pullPolicy: [Always, Always, Always, Always]\n", "spec.pullPolicy must have at most 3 items, not 4"},
};

static void says_what_is_wrong_with_each_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena a cleanup_arena = {0};
        const char *file = file_of(arena_printf(&a, "%s%s", VALID, cases[i].more), &a);
        struct outcome o = run(cli_validate, &a, "-f", file, NULL);
        bool valid = !*cases[i].finding;
        const char *expected =
            arena_printf(&a, "%s: GitLabRunner ns/a: %s", file, valid ? "valid\n" : cases[i].finding);
        if (o.code != (valid ? EXIT_OK : EXIT_INVALID) || strncmp(o.out, expected, strlen(expected)) != 0)
            fail_msg("%s: code %d, %s%s", cases[i].more, o.code, o.out, o.err);
        assert_ptr_equal(strchr(o.out, '\n'), o.out + strlen(o.out) - 1); /* one finding, one line */
    }
}

/* In YAML 1.1, `n` is false. */
static void wants_names_to_be_text(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *file = file_of(
        "apiVersion: gitlab-runners.dev/v1beta1\nkind: GitLabRunner\nmetadata: {name: a, namespace: n}\n" SPEC, &a);
    const char *expected =
        arena_printf(&a, "%s: GitLabRunner default/a: metadata.namespace must be text: put it in quotes\n", file);

    (void)state;
    assert_string_equal(run(cli_validate, &a, "-f", file, NULL).out, expected);
    assert_string_equal(run(cli_render, &a, "-f", file, NULL).err, expected);
}

/* What is said of it is in one line all the same, without a code that a terminal takes for more than text. */
static void wants_names_that_an_api_server_takes(void **state)
{
    static const struct {
        const char *given, *shown, *finding;
    } names[] = {
        {"name: A_b, namespace: ns", "ns/A_b", "metadata.name: \"A_b\" is a name that no API server takes"},
        {"name: a, namespace: c.d", "c.d/a", "metadata.namespace: \"c.d\" is a name that no API server takes"},
        {"name: \"a\\nb\\e[31m\", namespace: ns", "ns/a b [31m", "metadata.name: \"a b [31m\" is a name that no"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arena a cleanup_arena = {0};
        const char *file = file_of(arena_printf(&a,
                                                "apiVersion: gitlab-runners.dev/v1beta1\nkind: GitLabRunner\n"
                                                "metadata: {%s}\n" SPEC,
                                                names[i].given),
                                   &a);
        const char *expected = arena_printf(&a, "%s: GitLabRunner %s: %s", file, names[i].shown, names[i].finding);
        const struct outcome o = run(cli_validate, &a, "-f", file, NULL);
        assert_int_equal(o.code, EXIT_INVALID);
        assert_string_equal(arena_strndup(&a, o.out, strlen(expected)), expected);
        assert_ptr_equal(strchr(o.out, '\n'), o.out + strlen(o.out) - 1);
        assert_string_equal(run(cli_render, &a, "-f", file, NULL).err, o.out);
    }
}

static void names_every_unknown_field_beside_the_error(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *file = file_of(HEAD "spec: {urll: https://x, other: 1, url: ftp://x}\n", &a);
    struct outcome o = run(cli_validate, &a, "-f", file, NULL);

    (void)state;
    assert_int_equal(o.code, EXIT_INVALID);
    assert_non_null(strstr(o.out, ": spec.url must be http:// or https://, a host"));
    assert_non_null(strstr(o.out, ": spec.urll is not known: did you mean url?\n"));
    assert_non_null(strstr(o.out, ": spec.other is not known: take it out\n"));
}

static void checks_all_files_whatever_is_in_the_others(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *broken = file_of("a: [\n", &a), *good = file_of(VALID "---\n{apiVersion: v1, kind: Pod}\n", &a);
    struct outcome o = run(cli_validate, &a, "-f", broken, good, NULL);

    (void)state;
    assert_int_equal(o.code, EXIT_INVALID);
    assert_int_equal(strncmp(o.err, broken, strlen(broken)), 0);
    assert_string_equal(o.out,
                        arena_printf(&a, "%s: GitLabRunner ns/a: valid\nnot checked, being of other kinds: 1\n", good));
    o = run(cli_validate, &a, "-f", good, "--filename", "/nowhere.yaml", NULL);
    assert_int_equal(o.code, EXIT_FAILED);
    assert_string_equal(o.err, "/nowhere.yaml: No such file or directory\n");
    assert_non_null(strstr(o.out, "valid\n"));
}

static void does_not_call_nothing_valid(void **state)
{
    struct arena a cleanup_arena = {0};
    struct outcome o = run(cli_validate, &a, "-f", file_of("{apiVersion: v1, kind: Pod}", &a), NULL);

    (void)state;
    assert_int_equal(o.code, EXIT_FAILED);
    assert_string_equal(o.err, "no GitLabRunner was found; objects of other kinds: 1\n");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * render */

static void prints_the_same_as_yaml_and_as_json(void **state)
{
    static const char *const files[] = {DATA "render/minimal.json", DATA "render/full.json"};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct arena a cleanup_arena = {0};
        struct outcome yaml = run(cli_render, &a, "-f", files[i], NULL),
                       json = run(cli_render, &a, "-f", files[i], "-o", "json", NULL);
        struct json_object *documents = arena_json(&a, yaml_read("yaml", yaml.out, strlen(yaml.out), YAML_TYPED, &err));
        struct json_object *list = arena_json(&a, json_parse(json.out, strlen(json.out), &err));
        assert_int_equal(yaml.code, EXIT_OK);
        assert_int_equal(json.code, EXIT_OK);
        assert_string_equal(json_str(list, "kind"), "List");
        assert_int_equal(json_len(documents), 5); /* the full one has no ServiceAccount, but a PodDisruptionBudget */
        assert_true(json_same(documents, json_get(list, "items")));
    }
}

static void shows_secrets_to_be_read_and_no_token(void **state)
{
    struct arena a cleanup_arena = {0};
    struct outcome yaml = run(cli_render, &a, "-f", DATA "render/minimal.json", NULL);
    struct outcome toml = run(cli_render, &a, "-f", DATA "render/minimal.json", "--output", "toml", NULL);

    (void)state;
    assert_non_null(strstr(yaml.out, "stringData:\n  runner-token: <token>\n"));
    assert_non_null(strstr(yaml.out, "gitlab-runners.dev/runner-id: <runner id>\n"));
    assert_non_null(strstr(yaml.out, "stringData:\n  config.toml: |\n    concurrent = 10\n"));
    assert_null(strstr(yaml.out, "\ndata:"));
    assert_non_null(strstr(toml.out, "\n  token = \"<token>\"\n"));
    assert_non_null(strstr(yaml.out, "    [[runners]]\n      name = \"ci/builds\"\n"));
    assert_non_null(strstr(toml.out, "\n[[runners]]\n  name = \"ci/builds\"\n"));
}

static void takes_the_managers_image_from_the_command_line(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *file = file_of(VALID, &a);

    (void)state;
    assert_non_null(strstr(run(cli_render, &a, "-f", file, NULL).out, "image: " DEFAULT_MANAGER_IMAGE "\n"));
    assert_non_null(strstr(run(cli_render, &a, "-f", file, "--manager-image", "x:1", NULL).out, "image: x:1\n"));
}

static void renders_the_valid_ones_and_names_the_others(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *file = file_of(VALID "---\n" HEAD "spec: {}\n---\n" VALID, &a);
    struct outcome o = run(cli_render, &a, "-f", file, "-o", "toml", NULL);

    (void)state;
    assert_int_equal(o.code, EXIT_INVALID);
    assert_int_equal(strncmp(o.out, "# ns/a\nconcurrent = 10\n", 23), 0);
    assert_non_null(strstr(o.out + 1, "\n# ns/a\nconcurrent"));
    assert_non_null(strstr(o.err, arena_printf(&a, "%s: GitLabRunner ns/a: spec.url is missing", file)));
}

static void prints_nothing_when_a_file_is_broken(void **state)
{
    struct arena a cleanup_arena = {0};
    struct outcome o = run(cli_render, &a, "-f", file_of(VALID, &a), "-f", file_of("a: [", &a), NULL);

    (void)state;
    assert_int_equal(o.code, EXIT_INVALID);
    assert_string_equal(o.out, "");
    assert_non_null(strstr(o.err, ":1:"));
    assert_int_equal(run(cli_render, &a, "-f", "/nowhere", NULL).code, EXIT_FAILED);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void explains_itself(void **state)
{
    int (*const commands[])(int argc, char **argv) = {cli_render, cli_validate};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        struct outcome o = run(commands[i], &a, "--help", NULL);
        assert_int_equal(o.code, EXIT_OK);
        assert_int_equal(strncmp(o.out, "Usage: gitlab-runner-controller ", 32), 0);
        assert_string_equal(o.err, "");
        assert_int_equal(run(commands[i], &a, NULL).code, EXIT_USAGE);
        o = run(commands[i], &a, "--unknown", NULL);
        assert_int_equal(o.code, EXIT_USAGE);
        assert_string_equal(o.out, "");
        assert_non_null(strstr(o.err, "Usage: "));
    }
    assert_int_equal(run(cli_render, &a, "-f", "x", "-o", "xml", NULL).code, EXIT_USAGE);
    assert_int_equal(run(cli_render, &a, "-f", "x", "y", NULL).code, EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_samples_valid),
        cmocka_unit_test(says_what_is_wrong_with_each_field),
        cmocka_unit_test(wants_names_to_be_text),
        cmocka_unit_test(wants_names_that_an_api_server_takes),
        cmocka_unit_test(names_every_unknown_field_beside_the_error),
        cmocka_unit_test(checks_all_files_whatever_is_in_the_others),
        cmocka_unit_test(does_not_call_nothing_valid),
        cmocka_unit_test(prints_the_same_as_yaml_and_as_json),
        cmocka_unit_test(shows_secrets_to_be_read_and_no_token),
        cmocka_unit_test(takes_the_managers_image_from_the_command_line),
        cmocka_unit_test(renders_the_valid_ones_and_names_the_others),
        cmocka_unit_test(prints_nothing_when_a_file_is_broken),
        cmocka_unit_test(explains_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
