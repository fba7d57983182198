#include "kube/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "kube/config_file.h"
#include "kube/config_user.h"
#include "kube/exec.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"

enum { TOKEN_MS = 60 * 1000, PEM_MS = 5 * 60 * 1000, KUBECONFIGS_MAX = 16 };

static bool load_home(struct kube_config *ret, const struct kube_choice *choice, struct arena *a, struct err *err)
{
    const char *home = getenv("HOME");
    const char *path = arena_printf(a, "%s/.kube/config", home ? home : "");

    if (access(path, F_OK) != 0)
        return err_set(err, ERR_INVALID, "NoKubeconfig",
                       "no way to the API server is known: run in a cluster, set KUBECONFIG or give --kubeconfig FILE");
    return config_from_files(ret, &path, 1, choice, err);
}

/* Files of the list that do not exist are passed over, as kubectl does. */
static bool load_list(struct kube_config *ret, const char *list, const struct kube_choice *choice, struct arena *a,
                      struct err *err)
{
    const char *paths[KUBECONFIGS_MAX];
    size_t len = 0;

    for (const char *at = list; *at && len < KUBECONFIGS_MAX; at += strspn(at, ":")) {
        size_t n = strcspn(at, ":");
        const char *path = arena_strndup(a, at, n);
        if (n && access(path, F_OK) == 0)
            paths[len++] = path;
        at += n;
    }
    if (len == 0)
        return err_set(err, ERR_INVALID, "NoKubeconfig", "KUBECONFIG=%s: there is no such file", list);
    return config_from_files(ret, paths, len, choice, err);
}

static bool load_pod(struct kube_config *ret, const struct kube_choice *choice, struct err *err)
{
    const char *chosen = choice->context ? choice->context : choice->cluster ? choice->cluster : choice->user;

    if (chosen)
        return err_set(err, ERR_INVALID, "NoKubeconfig",
                       "%s: there is no kubeconfig to choose from: set KUBECONFIG or give --kubeconfig FILE", chosen);
    return kube_config_load_in_cluster(ret, NULL, err) && config_impersonate(ret, choice, err);
}

static bool load(struct kube_config *ret, const struct kube_choice *choice, struct arena *a, struct err *err)
{
    const char *list = getenv("KUBECONFIG");

    if (choice->path)
        return config_from_files(ret, &choice->path, 1, choice, err);
    if (list && *list)
        return load_list(ret, list, choice, a, err);
    if (getenv("KUBERNETES_SERVICE_HOST"))
        return load_pod(ret, choice, err);
    return load_home(ret, choice, a, err);
}

bool kube_config_choose(struct kube_config *ret, const struct kube_choice *choice, struct err *err)
{
    cleanup_arena struct arena a = {0};

    *ret = (struct kube_config){0};
    return load(ret, choice, &a, err);
}

bool kube_config_load(struct kube_config *ret, const char *path, const char *context, struct err *err)
{
    return kube_config_choose(ret, &(struct kube_choice){.path = path, .context = context}, err);
}

static bool read_service_account(struct kube_config *ret, const char *folder, struct arena *a, struct err *err)
{
    struct err ignored;

    ret->token_file = mem_strdup(arena_printf(a, "%s/token", folder));
    ret->ca_file = mem_strdup(arena_printf(a, "%s/ca.crt", folder));
    ret->token = config_read_value(ret->token_file, err);
    ret->ca_pem = ret->token ? config_read_value(ret->ca_file, err) : NULL;
    if (!ret->ca_pem)
        return err_wrap(err, "in a cluster without a service account (automountServiceAccountToken?)");
    if (!config_is_token(ret->token))
        return err_set(err, ERR_INVALID, "InvalidToken", "%s does not hold a token", ret->token_file);
    ret->namespace = config_read_value(arena_printf(a, "%s/namespace", folder), &ignored);
    if (!ret->namespace)
        ret->namespace = mem_strdup("default");
    return true;
}

bool kube_config_load_in_cluster(struct kube_config *ret, const char *folder, struct err *err)
{
    cleanup_arena struct arena a = {0};
    const char *host = getenv("KUBERNETES_SERVICE_HOST"), *port = getenv("KUBERNETES_SERVICE_PORT");

    *ret = (struct kube_config){0};
    if (!host || !port)
        return err_set(err, ERR_INVALID, "NotInCluster",
                       "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must both be set in a cluster");
    ret->server = mem_strdup(arena_printf(&a, strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host, port));
    if (!http_url_is_valid(ret->server, NULL, 0, err))
        return err_wrap(err, "KUBERNETES_SERVICE_HOST=%s, KUBERNETES_SERVICE_PORT=%s", host, port);
    return read_service_account(ret, folder ? folder : SERVICE_ACCOUNT, &a, err);
}

void kube_config_finish(struct kube_config *config)
{
    char *const texts[] = {
        config->server,  config->namespace,        config->ca_pem,          config->client_cert,     config->client_key,
        config->token,   config->username,         config->password,        config->tls_server_name, config->proxy_url,
        config->ca_file, config->client_cert_file, config->client_key_file, config->token_file,
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        mem_free_secret(texts[i]);
    for (size_t i = 0; config->impersonate && config->impersonate[i]; i++)
        free(config->impersonate[i]);
    free(config->impersonate);
    exec_spec_free(config->exec);
    *config = (struct kube_config){0};
}

/* What the file says now, when it says something else than *value; NULL: nothing new. The caller frees it. */
static char *news(const char *path, const char *value)
{
    struct err ignored;
    char *now = path ? config_read_value(path, &ignored) : NULL;

    if (now && value && strcmp(now, value) == 0) {
        mem_free_secret(now);
        return NULL;
    }
    return now;
}

/* Takes over what is new, if it is good. */
static bool take_over(char **value, char *now, bool good)
{
    if (now && good) {
        mem_free_secret(*value);
        *value = now;
        return true;
    }
    mem_free_secret(now);
    return false;
}

static bool reread_token(struct kube_config *config)
{
    char *now = news(config->token_file, config->token);

    return take_over(&config->token, now, now && config_is_token(now));
}

static bool reread_ca(struct kube_config *config)
{
    char *now = news(config->ca_file, config->ca_pem);

    return take_over(&config->ca_pem, now, http_tls_is_valid(&(struct http_tls){.ca_pem = now}));
}

/* Certificate and key change one after the other: until they fit, the old pair stays. */
static bool reread_client(struct kube_config *config)
{
    char *cert = news(config->client_cert_file, config->client_cert);
    char *key = news(config->client_key_file, config->client_key);
    const struct http_tls pair = {.client_cert = cert ? cert : config->client_cert,
                                  .client_key = key ? key : config->client_key};
    bool good = http_tls_is_valid(&pair);
    bool new_cert = take_over(&config->client_cert, cert, good);

    return take_over(&config->client_key, key, good) || new_cert;
}

unsigned kube_config_refresh(struct kube_config *config, int64_t now_ms, bool force)
{
    unsigned changed = 0;

    if (force || now_ms - config->token_ms >= TOKEN_MS) {
        config->token_ms = now_ms;
        changed |= reread_token(config) ? CONFIG_TOKEN : 0;
    }
    if (force || now_ms - config->pem_ms >= PEM_MS) {
        config->pem_ms = now_ms;
        changed |= reread_ca(config) ? CONFIG_CA : 0;
        changed |= reread_client(config) ? CONFIG_CLIENT : 0;
    }
    config->ca_reloads += (changed & CONFIG_CA) != 0;
    config->generation += (changed & (CONFIG_TOKEN | CONFIG_CLIENT)) != 0;
    return changed;
}

struct http_tls kube_config_tls(const struct kube_config *config)
{
    return (struct http_tls){
        .ca_pem = config->ca_pem,
        .ca_only = config->ca_pem != NULL,
        .client_cert = config->client_cert,
        .client_key = config->client_key,
        .server_name = config->tls_server_name,
        .insecure = config->insecure,
    };
}
