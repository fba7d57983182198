/* Programs that hand out credentials: real ones, of a line of shell each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/config.h"
#include "kube/exec.h"
#include "net/loop.h"
#include "net/process.h"
#include "tls_fixture.h"

#define V1 "client.authentication.k8s.io/v1"

enum { GUARD_MS = 30000 };

struct world {
    struct loop *loop;
    struct loop_timer *guard;
    struct exec_spec spec;
    struct kube_config config;
    struct exec *exec;
    int ends;
    char out[2000];
    size_t len;
    struct err err;
};

static void on_guard(void *arg)
{
    (void)arg;
    fail_msg("nothing has ended within %d ms", GUARD_MS);
}

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    w->loop = loop_create();
    w->guard = loop_timer_create(w->loop, on_guard, w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    exec_destroy(w->exec);
    loop_timer_destroy(w->guard);
    loop_destroy(w->loop);
    free(w);
    return 0;
}

static void run(struct world *w)
{
    loop_timer_set(w->guard, GUARD_MS);
    loop_run(w->loop);
    loop_timer_set(w->guard, -1);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Processes */

static void on_end(void *arg, const struct process_end *end)
{
    struct world *w = arg;

    w->ends++;
    w->len = end->len;
    w->err = end->err;
    assert_int_equal(end->out[end->len], '\0');
    snprintf(w->out, sizeof(w->out), "%s", end->out);
    loop_stop(w->loop);
}

static struct process *start(struct world *w, const char *const *argv, int64_t timeout_ms)
{
    static const char *const env[] = {"PATH=/bin:/usr/bin", "COLOUR=blue", NULL};
    const struct process_request request = {
        .argv = argv, .env = env, .timeout_ms = timeout_ms, .out_max = 10000, .done = on_end, .arg = w};

    w->ends = 0;
    return process_start(w->loop, &request);
}

static void sh(struct world *w, const char *script, int64_t timeout_ms)
{
    start(w, (const char *const[]){"sh", "-c", script, NULL}, timeout_ms);
    assert_int_equal(w->ends, 0); /* never from within */
    run(w);
    assert_int_equal(w->ends, 1);
}

static void assert_failed(const struct world *w, const char *reason, const char *text)
{
    assert_int_equal(w->err.kind, ERR_RETRY);
    assert_string_equal(w->err.reason, reason);
    assert_string_equal(w->err.text, text);
}

static void what_it_prints_is_kept(void **state)
{
    struct world *w = *state;

    sh(w, "echo $COLOUR; echo noise >&2; echo ${HOME-homeless}", GUARD_MS);
    assert_int_equal(w->err.kind, ERR_NONE);
    assert_string_equal(w->out, "blue\nhomeless\n");
    start(w, (const char *const[]){"echo", "$COLOUR; *", "", NULL}, GUARD_MS); /* no shell looks at it */
    run(w);
    assert_string_equal(w->out, "$COLOUR; * \n");
}

static void there_is_nothing_to_read(void **state)
{
    struct world *w = *state;

    sh(w, "cat; echo end", GUARD_MS);
    assert_string_equal(w->out, "end\n");
}

static void what_goes_wrong_is_told(void **state)
{
    struct world *w = *state;

    sh(w, "echo out; echo 'first line' >&2; echo 'second line' >&2; exit 3", GUARD_MS);
    assert_failed(w, "ProgramFailed", "exit code 3: first line second line");
    sh(w, "kill -9 $$", GUARD_MS);
    assert_failed(w, "ProgramFailed", "killed by signal 9");
    start(w, (const char *const[]){"no-such-program", NULL}, GUARD_MS);
    run(w);
    assert_failed(w, "ProgramNotFound", "no such file or directory");
    start(w, (const char *const[]){"/", NULL}, GUARD_MS);
    run(w);
    assert_failed(w, "ProgramNotFound", "permission denied");
}

static void its_output_is_bounded(void **state)
{
    struct world *w = *state;

    sh(w, "yes", GUARD_MS);
    assert_failed(w, "OutputTooLarge", "it printed more than 10000 bytes");
    sh(w, "i=0; while [ $i -lt 3000 ]; do echo complaint $i; i=$((i+1)); done >&2; exit 1", GUARD_MS);
    assert_non_null(strstr(w->err.text, "complaint 2998 complaint 2999"));
    assert_null(strstr(w->err.text, "complaint 10 "));
}

static void it_ends_in_time_and_so_do_its_children(void **state)
{
    struct world *w = *state;

    sh(w, "sleep 600 & echo started; wait", 200);
    assert_failed(w, "ProgramTimeout", "it had not ended after 200 ms");
    assert_string_equal(w->out, "started\n");
    sh(w, "setsid sleep 3 & sleep 600", 200); /* that one keeps our pipes */
    assert_failed(w, "ProgramTimeout", "it had not ended after 200 ms");
}

static void a_cancelled_one_is_silent_and_gone(void **state)
{
    struct world *w = *state;
    char file[] = "/tmp/test-exec-XXXXXX", script[100];
    int pid = 0;

    close(mkstemp(file));
    snprintf(script, sizeof(script), "echo $$ > %s; echo ready >&2; exec sleep 600", file);
    struct process *process = start(w, (const char *const[]){"sh", "-c", script, NULL}, GUARD_MS);
    while (pid == 0) { /* until it runs */
        FILE *f = fopen(file, "r");
        assert_true(f && (fscanf(f, "%d", &pid) == 1 || pid == 0));
        fclose(f);
    }
    process_cancel(process);
    assert_int_equal(kill(pid, 0), -1);
    start(w, (const char *const[]){"true", NULL}, GUARD_MS);
    run(w);
    assert_int_equal(w->ends, 1);
    process_cancel(start(w, (const char *const[]){"no-such-program", NULL}, GUARD_MS));
    process_cancel(NULL);
    unlink(file);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Credentials */

static void what_plugins_print(void **state)
{
    static const struct {
        const char *text, *saying; /* NULL: good */
    } cases[] = {
        {"{kind: ExecCredential, apiVersion: '" V1 "', status: {token: abc}}", NULL},
        {"{kind: ExecCredential, apiVersion: '" V1
         "', status: {token: abc, expirationTimestamp: '2026-11-25T02:03:04Z'}}",
         NULL},
        {"{kind: ExecCredential, apiVersion: '" V1 "', status: {token: abc, expirationTimestamp: tomorrow}}",
         "expirationTimestamp is no RFC 3339 time"},
        {"{kind: ExecCredential, apiVersion: '" V1 "beta1', status: {token: abc}}", "no ExecCredential of " V1},
        {"{kind: Secret, apiVersion: '" V1 "', status: {token: abc}}", "no ExecCredential of " V1},
        {"{kind: ExecCredential, apiVersion: '" V1 "'}", "neither a token nor a client certificate"},
        {"{kind: ExecCredential, apiVersion: '" V1 "', status: {token: 'a b'}}", "its token holds spaces"},
        {"{kind: ExecCredential, apiVersion: '" V1 "', status: {clientKeyData: x}}", "only one of"},
        {"{kind: ExecCredential, apiVersion: '" V1 "', status: {clientKeyData: x, clientCertificateData: y}}",
         "do not fit"},
        {NULL, "not JSON"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_json struct json_object *object = cases[i].text ? json_build(cases[i].text) : NULL;
        const char *text = object ? json_text(object) : "Logged in!";
        struct exec_credential c;
        struct err err = {0};
        bool ok = exec_credential_read(&c, V1, text, strlen(text), &err);
        if (!cases[i].saying)
            assert_string_equal(c.token, "abc");
        else if (!strstr(err.text, cases[i].saying))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].saying);
        assert_int_equal(ok, cases[i].saying == NULL);
        exec_credential_finish(&c);
    }
}

static void times_of_expiry(void **state)
{
    static const struct {
        const char *text;
        int64_t expires;
    } cases[] = {{"1970-01-01T00:01:00Z", 60},
                 {"1970-01-01T00:01:00.999999999Z", 60},
                 {"1970-01-01T02:01:00+02:00", 60},
                 {"1969-12-31T23:01:00-01:00", 60},
                 {"", INT64_MAX}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_json struct json_object *object = json_build(
            "{kind: ExecCredential, apiVersion: %s, status: {token: t, expirationTimestamp: %s}}", V1, cases[i].text);
        const char *text = json_text(object);
        struct exec_credential c;
        struct err err = {0};
        assert_true(exec_credential_read(&c, V1, text, strlen(text), &err));
        assert_int_equal(c.expires, cases[i].expires);
        exec_credential_finish(&c);
    }
}

static void a_pair_is_taken(void **state)
{
    struct identity me = identity_make("me", "DNS:me", NULL, -DAY, DAY);
    cleanup_json struct json_object *object =
        json_build("{kind: ExecCredential, apiVersion: %s, status: {clientCertificateData: %s, clientKeyData: %s}}", V1,
                   me.cert_pem, me.key_pem);
    const char *text = json_text(object);
    struct exec_credential c;
    struct err err = {0};

    (void)state;
    assert_true(exec_credential_read(&c, V1, text, strlen(text), &err));
    assert_string_equal(c.cert, me.cert_pem);
    assert_string_equal(c.key, me.key_pem);
    assert_null(c.token);
    exec_credential_finish(&c);
    identity_free(&me);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A plugin */

static void on_changed(void *arg)
{
    struct world *w = arg;

    w->ends++;
    loop_stop(w->loop);
}

static void with_plugin(struct world *w, char **argv, char **env)
{
    w->spec = (struct exec_spec){
        .api_version = (char *)V1, .argv = argv, .env = env, .install_hint = (char *)"apt install it"};
    w->config.exec = &w->spec;
    w->exec = exec_create(w->loop, &w->config, on_changed, w);
}

#define PRINT(status) "printf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":{%s}}' \"" status "\""

static void its_credential_is_kept_until_it_is_refused(void **state)
{
    struct world *w = *state;
    char *argv[] = {
        (char *)"sh", (char *)"-c",
        (char *)PRINT("\\\"token\\\":\\\"$USER_NAME-$(echo $KUBERNETES_EXEC_INFO | wc -w)-${HOME:+home}\\\""), NULL};
    char *env[] = {(char *)"USER_NAME=me", NULL};

    setenv("USER_NAME", "not-me", 1);
    setenv("HOME", "/", 1);
    with_plugin(w, argv, env);
    assert_int_equal(exec_need(w->exec), EXEC_RUNNING);
    assert_int_equal(exec_need(w->exec), EXEC_RUNNING);
    run(w);
    assert_int_equal(exec_need(w->exec), EXEC_HAVE);
    assert_string_equal(exec_credential(w->exec)->token, "me-1-home");
    assert_int_equal(exec_generation(w->exec), 1);
    exec_forget(w->exec);
    assert_int_equal(exec_need(w->exec), EXEC_RUNNING);
    exec_forget(w->exec); /* no second one at the same time */
    run(w);
    assert_int_equal(exec_need(w->exec), EXEC_HAVE);
    assert_int_equal(exec_generation(w->exec), 2);
    assert_int_equal(w->ends, 2);
}

static void an_expired_credential_is_no_credential(void **state)
{
    struct world *w = *state;
    char *argv[] = {(char *)"sh", (char *)"-c",
                    (char *)PRINT("\\\"token\\\":\\\"t\\\",\\\"expirationTimestamp\\\":\\\"2001-01-01T00:00:00Z\\\""),
                    NULL};
    char *env[] = {NULL};

    with_plugin(w, argv, env);
    exec_need(w->exec);
    run(w);
    assert_int_equal(exec_generation(w->exec), 1);
    assert_int_equal(exec_need(w->exec), EXEC_RUNNING); /* tear_down() destroys it meanwhile */
}

static void a_failure_is_told_and_not_repeated_at_once(void **state)
{
    struct world *w = *state;
    char *argv[] = {(char *)"no-such-plugin", NULL};
    char *env[] = {NULL};

    with_plugin(w, argv, env);
    exec_need(w->exec);
    run(w);
    assert_int_equal(exec_need(w->exec), EXEC_FAILED);
    assert_int_equal(exec_error(w->exec)->kind, ERR_RETRY);
    assert_string_equal(exec_error(w->exec)->reason, "ExecPluginFailed");
    assert_string_equal(exec_error(w->exec)->text,
                        "the kubeconfig's exec plugin no-such-plugin: no such file or directory. apt install it");
    exec_destroy(w->exec);

    char *wordy[] = {(char *)"sh", (char *)"-c", (char *)"echo please log in >&2; exit 1", NULL};
    with_plugin(w, wordy, env);
    exec_need(w->exec);
    run(w);
    assert_string_equal(exec_error(w->exec)->text, "the kubeconfig's exec plugin sh: exit code 1: please log in");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_prints_is_kept),
        TEST(there_is_nothing_to_read),
        TEST(what_goes_wrong_is_told),
        TEST(its_output_is_bounded),
        TEST(it_ends_in_time_and_so_do_its_children),
        TEST(a_cancelled_one_is_silent_and_gone),
        cmocka_unit_test(what_plugins_print),
        cmocka_unit_test(times_of_expiry),
        cmocka_unit_test(a_pair_is_taken),
        TEST(its_credential_is_kept_until_it_is_refused),
        TEST(an_expired_credential_is_no_credential),
        TEST(a_failure_is_told_and_not_repeated_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
