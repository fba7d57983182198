#include "kube/exec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/time.h"
#include "kube/config.h"
#include "kube/config_file.h"
#include "net/loop.h"
#include "net/process.h"

enum { RUN_MS = 60 * 1000, OUTPUT_MAX = 1 << 20, RETRY_MS = 10 * 1000 };

struct exec {
    struct loop *loop;
    const struct kube_config *config;
    void (*changed)(void *arg);
    void *arg;
    enum exec_state state;
    struct process *process; /* in RUNNING */
    struct exec_credential credential;
    struct err err;
    int64_t failed_ms;
    unsigned generation;
};

static void exec_enter(struct exec *exec, enum exec_state to)
{
    static const char *const names[] = {
        [EXEC_NONE] = "none", [EXEC_RUNNING] = "running", [EXEC_HAVE] = "have", [EXEC_FAILED] = "failed"};
    static const unsigned next[] = {
        [EXEC_NONE] = MACHINE_TO(EXEC_RUNNING),
        [EXEC_RUNNING] = MACHINE_TO(EXEC_HAVE) | MACHINE_TO(EXEC_FAILED),
        [EXEC_HAVE] = MACHINE_TO(EXEC_NONE) | MACHINE_TO(EXEC_RUNNING),
        [EXEC_FAILED] = MACHINE_TO(EXEC_RUNNING),
    };
    static const struct machine machine = MACHINE("exec", names, next);

    machine_step(&machine, exec->state, to);
    assert((to == EXEC_RUNNING) == (exec->process != NULL));
    exec->state = to;
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts && texts[i]; i++)
        free(texts[i]);
    free(texts);
}

void exec_spec_free(struct exec_spec *spec)
{
    if (!spec)
        return;
    free(spec->api_version);
    free_texts(spec->argv);
    free_texts(spec->env);
    free(spec->install_hint);
    free(spec);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a plugin prints */

void exec_credential_finish(struct exec_credential *c)
{
    mem_free_secret(c->token);
    mem_free_secret(c->cert);
    mem_free_secret(c->key);
    *c = (struct exec_credential){0};
}

static char *copy_of_text(const char *text)
{
    return text && *text ? mem_strdup(text) : NULL;
}

/* What is wrong with it; NULL: nothing. */
static const char *flaw(const struct exec_credential *c)
{
    const struct http_tls pair = {.client_cert = c->cert, .client_key = c->key};

    if (c->expires < 0)
        return "its expirationTimestamp is no RFC 3339 time";
    if (!c->cert != !c->key)
        return "it has only one of clientCertificateData and clientKeyData";
    if (!c->token && !c->cert)
        return "it has neither a token nor a client certificate";
    if (c->token && !config_is_token(c->token))
        return "its token holds spaces or other characters that no token has";
    return http_tls_is_valid(&pair) ? NULL : "its client certificate and key do not fit";
}

bool exec_credential_read(struct exec_credential *ret, const char *api_version, const char *text, size_t len,
                          struct err *err)
{
    cleanup_json struct json_object *object = json_parse(text, len, err);
    const char *version = json_str_or(object, "apiVersion", "");
    const char *expires = json_str_or(object, "status.expirationTimestamp", "");

    *ret = (struct exec_credential){
        .token = copy_of_text(json_str(object, "status.token")),
        .cert = copy_of_text(json_str(object, "status.clientCertificateData")),
        .key = copy_of_text(json_str(object, "status.clientKeyData")),
        .expires = *expires ? time_parse(expires) : INT64_MAX,
    };
    if (!object)
        return err_set(err, ERR_INVALID, "InvalidExecCredential", "what it printed is not JSON");
    if (strcmp(json_str_or(object, "kind", ""), "ExecCredential") != 0 || strcmp(version, api_version) != 0)
        return err_set(err, ERR_INVALID, "InvalidExecCredential", "what it printed is no ExecCredential of %s",
                       api_version);
    const char *why = flaw(ret);
    return !why || err_set(err, ERR_INVALID, "InvalidExecCredential", "what it printed cannot be used: %s", why);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What it is told */

static struct json_object *cluster_info(const struct kube_config *config, struct arena *a)
{
    const char *ca = config->ca_pem ? base64_encode(config->ca_pem, strlen(config->ca_pem), a) : NULL;
    struct json_object *cluster =
        json_build("{server: %s, 'tls-server-name': %s, 'certificate-authority-data': %s, 'proxy-url': %s}",
                   config->server, config->tls_server_name, ca, config->proxy_url);

    if (config->insecure)
        json_set_bool(cluster, "insecure-skip-tls-verify", true);
    return cluster;
}

char *exec_info(const struct kube_config *config)
{
    cleanup_arena struct arena a = {0};
    const struct exec_spec *spec = config->exec;
    struct json_object *cluster = spec->provide_cluster_info ? cluster_info(config, &a) : NULL;
    cleanup_json struct json_object *info = json_build("{kind: ExecCredential, apiVersion: %s, spec: {cluster: %o, "
                                                       "interactive: %b}}",
                                                       spec->api_version, cluster, 0);

    return mem_strdup(json_text(info));
}

static bool same_name(const char *one, const char *other)
{
    size_t len = strcspn(one, "=");

    return strncmp(one, other, len + 1) == 0;
}

static bool is_in_list(const char *variable, char *const *list)
{
    for (; *list; list++) {
        if (same_name(variable, *list))
            return true;
    }
    return false;
}

/* Ours, but for what the kubeconfig sets anew. */
static const char *const *exec_environment(const struct kube_config *config, struct arena *a)
{
    size_t len = 2, n = 0;

    for (char **v = environ; *v; v++)
        len++;
    for (char **v = config->exec->env; *v; v++)
        len++;
    const char **env = arena_alloc(a, len * sizeof(*env));
    for (char **v = environ; *v; v++) {
        if (!is_in_list(*v, config->exec->env) && !same_name("KUBERNETES_EXEC_INFO=", *v))
            env[n++] = *v;
    }
    for (char **v = config->exec->env; *v; v++)
        env[n++] = *v;
    cleanup_free char *info = exec_info(config);
    env[n++] = arena_printf(a, "KUBERNETES_EXEC_INFO=%s", info);
    return env;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Running it */

static void fail(struct exec *exec, const struct err *err)
{
    const struct exec_spec *spec = exec->config->exec;
    bool missing = strcmp(err->reason, "ProgramNotFound") == 0 && spec->install_hint;

    exec_enter(exec, EXEC_FAILED);
    exec->failed_ms = loop_now(exec->loop);
    exec->err = *err;
    err_set(&exec->err, ERR_RETRY, "ExecPluginFailed", "the kubeconfig's exec plugin %s: %s%s%s", spec->argv[0],
            err->text, missing ? ". " : "", missing ? spec->install_hint : "");
}

static void on_exec_done(void *arg, const struct process_end *end)
{
    struct exec *exec = arg;
    struct exec_credential now = {0};
    struct err err = end->err;

    exec->process = NULL;
    if (err.kind == ERR_NONE && exec_credential_read(&now, exec->config->exec->api_version, end->out, end->len, &err)) {
        exec_credential_finish(&exec->credential);
        exec->credential = now;
        exec->generation++;
        exec_enter(exec, EXEC_HAVE);
    } else {
        exec_credential_finish(&now);
        fail(exec, &err);
    }
    exec->changed(exec->arg);
}

static void run_exec(struct exec *exec)
{
    cleanup_arena struct arena a = {0};
    const struct process_request request = {
        .argv = (const char *const *)exec->config->exec->argv,
        .env = exec_environment(exec->config, &a),
        .timeout_ms = RUN_MS,
        .out_max = OUTPUT_MAX,
        .done = on_exec_done,
        .arg = exec,
    };

    exec->process = process_start(exec->loop, &request);
    exec_enter(exec, EXEC_RUNNING);
}

struct exec *exec_create(struct loop *loop, const struct kube_config *config, void (*changed)(void *arg), void *arg)
{
    struct exec *exec = mem_alloc(sizeof(*exec));

    *exec = (struct exec){.loop = loop, .config = config, .changed = changed, .arg = arg};
    return exec;
}

void exec_destroy(struct exec *exec)
{
    if (!exec)
        return;
    process_cancel(exec->process);
    exec_credential_finish(&exec->credential);
    free(exec);
}

enum exec_state exec_need(struct exec *exec)
{
    bool expired = exec->state == EXEC_HAVE && loop_wall(exec->loop) >= exec->credential.expires;
    bool again = exec->state == EXEC_FAILED && loop_now(exec->loop) - exec->failed_ms >= RETRY_MS;

    if (exec->state == EXEC_NONE || expired || again)
        run_exec(exec);
    return exec->state;
}

void exec_forget(struct exec *exec)
{
    if (exec->state == EXEC_HAVE)
        exec_enter(exec, EXEC_NONE);
}

const struct exec_credential *exec_credential(const struct exec *exec)
{
    return &exec->credential;
}

const struct err *exec_error(const struct exec *exec)
{
    assert(exec->state == EXEC_FAILED);
    return &exec->err;
}

unsigned exec_generation(const struct exec *exec)
{
    return exec->generation;
}
