/* GitLabRunner files: what of them is taken, what is refused, and where. */
#include "files.h"

#include "base/buf.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/load.h"

static const char *names(const struct load *load, struct arena *a)
{
    const char *all = "";

    for (size_t i = 0; i < load->len; i++)
        all = arena_printf(a, "%s%s ", all, strchr(loaded_name(&load->items[i], a), ' ') + 1);
    return all;
}

#define RUNNER(name)                                                                                                   \
    "{apiVersion: gitlab-runners.dev/v1beta1, kind: GitLabRunner, metadata: {name: " name ", namespace: ns}}"

static void picks_the_runners_out_of_a_file(void **state)
{
    static const char text[] = RUNNER(
        "a") "\n--- # a comment\n"
             "{apiVersion: v1, kind: Secret, metadata: {name: s}}\n---\n"
             "{apiVersion: v1, kind: List, items: [" RUNNER("b") ", {apiVersion: v1, kind: Pod}, " RUNNER(
                 "c") "]}\n---\n"
                      "{apiVersion: gitlab-runners.dev/v1beta1, kind: GitLabRunnerList, items: [" RUNNER(
                          "d") "]}\n---\n"
                               "{apiVersion: v1, kind: List}\n---\n"
                               "{apiVersion: gitlab-runners.dev/v1, kind: GitlabRunner, metadata: {name: typo}}\n---\n"
                               "{apiVersion: example.com/v1, kind: GitLabRunner, metadata: {name: other}}\n";
    struct arena a cleanup_arena = {0};
    struct load load cleanup_load = {0};
    struct err err = {0};

    (void)state;
    assert_true(load_file(&load, make_file(text, strlen(text), &a), &a, &err));
    assert_string_equal(names(&load, &a), "GitLabRunner ns/a GitLabRunner ns/b GitLabRunner ns/c GitLabRunner ns/d "
                                          "GitLabRunner default/typo GitLabRunner default/other ");
    assert_int_equal(load.skipped, 2);
}

/* JSON has what YAML has not: surrogate pairs and some control characters. */
static void reads_json_that_is_no_yaml(void **state)
{
    static const char text[] =
        " {\"apiVersion\": \"gitlab-runners.dev/v1beta1\", \"kind\": \"GitLabRunner\", \"metadata\": "
        "{\"name\": \"\\ud83d\\udc33\x7f\"}}\n";
    struct arena a cleanup_arena = {0};
    struct load load cleanup_load = {0};
    struct err err = {0};

    (void)state;
    assert_true(load_file(&load, make_file(text, strlen(text), &a), &a, &err));
    assert_string_equal(json_str(load.items[0].object, "metadata.name"), "\xf0\x9f\x90\xb3\x7f");
    static const char broken[] = "{\"a\": 1,\n\"b\" \"c\"}";
    assert_false(load_file(&load, make_file(broken, strlen(broken), &a), &a, &err));
    assert_non_null(strstr(err.text, ":2:5: not YAML"));
}

static void adds_file_after_file(void **state)
{
    struct arena a cleanup_arena = {0};
    struct load load cleanup_load = {0};
    struct err err = {0};

    (void)state;
    for (int i = 0; i < 40; i++) {
        const char *path = make_file(RUNNER("x"), strlen(RUNNER("x")), &a);
        assert_true(load_file(&load, path, &a, &err));
        assert_int_equal(load.len, i + 1);
        assert_string_equal(load.items[i].file, path);
    }
}

static void refuses_what_is_no_object(void **state)
{
    static const char *const texts[] = {"just text",
                                        "[1]",
                                        "a: 1",
                                        "kind: GitLabRunner",
                                        "apiVersion: v1",
                                        "kind: 1\napiVersion: v1",
                                        "{apiVersion: v1, kind: List, items: [1]}"};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct load load cleanup_load = {0};
        struct err err = {0};
        const char *path = make_file(texts[i], strlen(texts[i]), &a);
        assert_false(load_file(&load, path, &a, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_int_equal(strncmp(err.text, path, strlen(path)), 0);
        assert_non_null(strstr(err.text, "give it an apiVersion and a kind"));
    }
}

/* Files of the same purpose that people have at hand. */
static void says_what_a_file_is_instead(void **state)
{
    static const struct {
        const char *text, *what;
    } files[] = {
        {"concurrent = 1\ncheck_interval = 0\n\n[[runners]]\n  name = \"x\"\n", ": this is a config.toml, no object: "},
        {"# from a ConfigMap\n\n[[runners]]\n  executor = \"kubernetes\"\n", ": this is a config.toml, no object: "},
        {"log_level = \"warn\"\n", ": this is a config.toml, no object: "},
        {"gitlabUrl: https://x\nrunners:\n  config: |\n    [[runners]]\n      limit = 1\n",
         ": these are values of GitLab's Helm chart, no object: "},
        {"gitlab-runner:\n  rbac: {create: true}\n", ": these are values of GitLab's Helm chart, no object: "},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct load load cleanup_load = {0};
        struct err err = {0};
        const char *path = make_file(files[i].text, strlen(files[i].text), &a);
        assert_false(load_file(&load, path, &a, &err));
        if (strncmp(err.text + strlen(path), files[i].what, strlen(files[i].what)) != 0)
            fail_msg("%s: %s", files[i].text, err.text);
        assert_non_null(strstr(err.text, "`import "));
    }
}

static void says_why_a_file_cannot_be_read(void **state)
{
    struct arena a cleanup_arena = {0};
    struct load load cleanup_load = {0};
    struct err err = {0};
    const char *giant = repeated("", "# much too long ", 300000, "\n", &a);

    (void)state;
    assert_false(load_file(&load, "/nowhere/x.yaml", &a, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_string_equal(err.text, "/nowhere/x.yaml: No such file or directory");
    assert_false(load_file(&load, "/tmp", &a, &err));
    assert_string_equal(err.text, "/tmp: Is a directory");
    assert_false(load_file(&load, make_file(giant, strlen(giant), &a), &a, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_non_null(strstr(err.text, "larger than 4 MiB: split it"));
}

static void reads_standard_input(void **state)
{
    struct arena a cleanup_arena = {0};
    struct load load cleanup_load = {0};
    struct err err = {0};

    (void)state;
    assert_non_null(freopen(make_file(RUNNER("piped"), strlen(RUNNER("piped")), &a), "r", stdin));
    assert_true(load_file(&load, "-", &a, &err));
    assert_string_equal(loaded_name(&load.items[0], &a), "standard input: GitLabRunner ns/piped");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(picks_the_runners_out_of_a_file),
        cmocka_unit_test(reads_json_that_is_no_yaml),
        cmocka_unit_test(adds_file_after_file),
        cmocka_unit_test(refuses_what_is_no_object),
        cmocka_unit_test(says_what_a_file_is_instead),
        cmocka_unit_test(says_why_a_file_cannot_be_read),
        cmocka_unit_test(reads_standard_input),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
