/* The options of `run`: what each sets, what it must be, and that the help knows them all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <getopt.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/run_options.h"
#include "files.h"

enum { ARGS_MAX = 24 };

/* words: separated by blanks. Returns what run_options_parse() does; *said: what went to the stream. */
static int parse(struct run_options *ret, const char *words, FILE *stream, const char **said, struct arena *a)
{
    char *argv[ARGS_MAX] = {"run"}, *rest = arena_strdup(a, words), *word;
    int argc = 1;

    while ((word = strsep(&rest, " ")))
        if (*word)
            argv[argc++] = word;
    optind = 0; /* from the beginning, once more */
    struct capture c = capture_begin(stream);
    int code = run_options_parse(ret, argc, argv);
    *said = capture_end(&c, a);
    return code;
}

static void defaults_are_safe(void **state)
{
    cleanup_arena struct arena a = {0};
    struct run_options o;
    const char *said;

    (void)state;
    assert_int_equal(parse(&o, "", stderr, &said, &a), -1);
    assert_string_equal(said, "");
    assert_int_equal(o.port, 8080);
    assert_string_equal(o.address, "");
    assert_int_equal(o.levels.others, LOG_INFO);
    assert_true(o.json);
    assert_null(o.gitlab.policy.allowed_hosts);
    assert_false(o.gitlab.policy.require_https);
    assert_false(o.gitlab.policy.allow_loopback);
    assert_false(o.secrets_by_name);
    assert_int_equal(o.gitlab.concurrency, 0); /* gitlab/api.h: GATE_CONCURRENCY */
}

static void each_option_sets_what_it_says(void **state)
{
    cleanup_arena struct arena a = {0};
    struct run_options o;
    const char *said;

    (void)state;
    assert_int_equal(
        parse(&o,
              "--memory-for-objects 80 --gitlab-concurrency 3 --allowed-gitlab-hosts a.test,*.b.test:8443 "
              "--require-https "
              "--allow-loopback --listen [::1]:9090 --log-level debug --log-format text --secrets referenced",
              stderr, &said, &a),
        -1);
    assert_int_equal(o.gitlab.concurrency, 3);
    assert_int_equal(o.kept_mib, 80);
    assert_string_equal(o.gitlab.policy.allowed_hosts, "a.test,*.b.test:8443");
    assert_true(o.gitlab.policy.require_https);
    assert_true(o.gitlab.policy.allow_loopback);
    assert_string_equal(o.address, "::1");
    assert_int_equal(o.port, 9090);
    assert_int_equal(o.levels.others, LOG_DEBUG);
    assert_false(o.json);
    assert_true(o.secrets_by_name);
}

static void a_wrong_value_is_named_with_what_it_must_be(void **state)
{
    static const struct {
        const char *words, *said;
    } cases[] = {
        {"--memory-for-objects 7", "run: --memory-for-objects 7: must be a number from 8 to 2000\n"},
        {"--memory-for-objects 2001", "run: --memory-for-objects 2001: must be a number from 8 to 2000\n"},
        {"--memory-for-objects 64MiB", "run: --memory-for-objects 64MiB: must be a number from 8 to 2000\n"},
        {"--gitlab-concurrency 0", "run: --gitlab-concurrency 0: must be a number from 1 to 1000\n"},
        {"--gitlab-concurrency -1", "run: --gitlab-concurrency -1: must be a number from 1 to 1000\n"},
        {"--gitlab-concurrency 1001", "run: --gitlab-concurrency 1001: must be a number from 1 to 1000\n"},
        {"--gitlab-concurrency 8x", "run: --gitlab-concurrency 8x: must be a number from 1 to 1000\n"},
        {"--gitlab-concurrency 99999999999999999999",
         "run: --gitlab-concurrency 99999999999999999999: must be a number from 1 to 1000\n"},
        {"--gitlab-proxy socks5://p.test", "run: --gitlab-proxy socks5://p.test: must be http://HOST:PORT"},
        {"--gitlab-no-proxy 10.0.0.0/99", "run: --gitlab-no-proxy 10.0.0.0/99: must be names, addresses and ranges"},
        {"--gitlab-proxy-auth-file /nowhere",
         "run: --gitlab-proxy-auth-file /nowhere: must be a file that can be read"},
        {"--gitlab-proxy-ca-file /dev/null", "run: --gitlab-proxy-ca-file /dev/null: must be a file that can be read"},
        {"--log-level loud", "run: --log-level loud: must be error, warn, info or debug, for one part COMPONENT=LEVEL; "
                             "components: " LOG_COMPONENTS "\n"},
        {"--secrets none", "run: --secrets none: must be all or referenced\n"},
        {"--require-https true", "run: true is not an option\n"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        struct run_options o;
        const char *said;
        assert_int_equal(parse(&o, cases[i].words, stderr, &said, &a), EXIT_USAGE);
        assert_ptr_equal(strstr(said, cases[i].said), said);
        assert_non_null(strstr(said, "Usage: ")); /* and then all of them */
    }
}

static void a_proxy_with_credentials(void **state)
{
    cleanup_arena struct arena a = {0};
    const char *good = make_file("me:pass word\n", 13, &a), *bad = make_file("hunter2", 7, &a), *said;
    struct run_options o;

    (void)state;
    assert_int_equal(parse(&o,
                           arena_printf(&a,
                                        "--gitlab-proxy http://p.test:3128 --gitlab-no-proxy .svc,10.0.0.0/8 "
                                        "--gitlab-proxy-auth-file %s",
                                        good),
                           stderr, &said, &a),
                     -1);
    assert_string_equal(o.gitlab.egress.proxy, "http://p.test:3128");
    assert_string_equal(o.gitlab.egress.no_proxy, ".svc,10.0.0.0/8");
    assert_string_equal(o.gitlab.egress.auth_file, good);
    assert_int_equal(parse(&o, arena_printf(&a, "--gitlab-proxy-auth-file %s", bad), stderr, &said, &a), EXIT_USAGE);
    assert_null(strstr(said, "hunter2"));
    assert_int_equal(parse(&o, "--gitlab-proxy http://me:hunter2@p.test", stderr, &said, &a), EXIT_USAGE);
    assert_null(strstr(said, "hunter2"));
}

static void the_help_has_a_line_for_each(void **state)
{
    static const char *const lines[] = {"\n  --gitlab-concurrency N ", "\n  --allowed-gitlab-hosts LIST ",
                                        "\n  --require-https ",        "\n  --allow-loopback ",
                                        "\n  --kubeconfig FILE ",      "\n  --secrets all|referenced "};
    cleanup_arena struct arena a = {0};
    struct run_options o;
    const char *said;

    (void)state;
    assert_int_equal(parse(&o, "--help", stdout, &said, &a), EXIT_OK);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_non_null(strstr(said, lines[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_safe),
        cmocka_unit_test(each_option_sets_what_it_says),
        cmocka_unit_test(a_wrong_value_is_named_with_what_it_must_be),
        cmocka_unit_test(a_proxy_with_credentials),
        cmocka_unit_test(the_help_has_a_line_for_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
