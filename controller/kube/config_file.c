/* Kubeconfigs: a few files, each with lists of named clusters, users and contexts. As kubectl merges them, an entry
 * counts as the first file has it, as a whole, and the first file that names a current-context decides. So nothing
 * needs to be merged: whatever is wanted is looked for in the files, in order. */
#include "kube/config_file.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/config_entry.h"
#include "kube/config_user.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Entries become the configuration. */

/* Base64, which may stand in several lines. */
static char *decode(const char *text, struct arena *a)
{
    char *packed = arena_strdup(a, text), *to = packed;

    for (const char *c = text; *c; c++) {
        if (!strchr(" \t\r\n", *c))
            *to++ = *c;
    }
    *to = '\0';
    char *decoded = base64_decode(packed, NULL, a);
    return decoded ? mem_strdup(decoded) : NULL;
}

/* PEM, in "KEY-data" or in the file that KEY names; the former counts more. */
static bool take_pem(const struct reader *r, const struct entry *entry, const char *key, char **ret, char **ret_file)
{
    const char *data_key = arena_printf(r->a, "%s-data", key);
    const char *data = config_field(entry, data_key), *path = config_field(entry, key);

    if (data) {
        *ret = decode(data, r->a);
    } else if (path) {
        *ret_file = mem_strdup(config_beside(entry, path, r->a));
        *ret = config_read_value(*ret_file, r->err);
        if (!*ret)
            return err_wrap(r->err, "%s, %s %s: %s", entry->file->path, entry->what, entry->name, key);
    } else {
        return true;
    }
    if (!*ret || !strstr(*ret, "-----BEGIN "))
        return config_refuse(r, entry, data ? data_key : key,
                             data ? "is not PEM in base64" : "names a file that is not PEM");
    return true;
}

static bool take_bool(const struct reader *r, const struct entry *entry, const char *key, bool *ret)
{
    const char *text = config_field(entry, key);

    *ret = text && strcasecmp(text, "true") == 0;
    if (text && !*ret && strcasecmp(text, "false") != 0)
        return config_refuse(r, entry, key, "must be true or false");
    return true;
}

static bool take_server(const struct reader *r, const struct entry *cluster)
{
    char *server = r->ret->server = config_copy(cluster, "server");

    if (!server)
        return config_refuse(r, cluster, "server", "is missing");
    if (!http_url_is_valid(server, NULL, 0, r->err))
        return err_wrap(r->err, "%s, cluster %s: server", cluster->file->path, cluster->name);
    for (size_t len = strlen(server); server[len - 1] == '/'; len--)
        server[len - 1] = '\0';
    return true;
}

/* As kubectl has it, what is behind a SOCKS proxy is looked up there. */
static bool take_proxy(const struct reader *r, const struct entry *cluster)
{
    static const char *const schemes[][2] = {
        {"http://", "http://"}, {"https://", "https://"}, {"socks5://", "socks5h://"}};
    const char *url = config_field(cluster, "proxy-url");

    for (size_t i = 0; url && i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i][0]);
        if (strncasecmp(url, schemes[i][0], len) == 0 && url[len])
            r->ret->proxy_url = mem_strdup(arena_printf(r->a, "%s%s", schemes[i][1], url + len));
    }
    return !url || r->ret->proxy_url ||
           config_refuse(r, cluster, "proxy-url", "must begin with http://, https:// or socks5:// and name a host");
}

static bool take_cluster(const struct reader *r, const struct entry *cluster)
{
    struct kube_config *ret = r->ret;

    ret->tls_server_name = config_copy(cluster, "tls-server-name");
    if (!take_server(r, cluster) || !take_proxy(r, cluster) ||
        !take_bool(r, cluster, "insecure-skip-tls-verify", &ret->insecure) ||
        !take_pem(r, cluster, "certificate-authority", &ret->ca_pem, &ret->ca_file))
        return false;
    if (ret->insecure && ret->ca_pem)
        return config_refuse(r, cluster, "insecure-skip-tls-verify",
                             "contradicts certificate-authority: remove one of them");
    return true;
}

static bool refuse_unsupported(const struct reader *r, const struct entry *user)
{
    struct json_object *provider = json_member(user->node, "auth-provider");
    bool empty = !provider || (json_object_is_type(provider, json_type_string) && !*json_string(provider));

    return empty ||
           config_refuse(r, user, "auth-provider",
                         "is not supported: use exec, a client certificate or a token (kubectl create token NAME)");
}

/* tokenFile counts more than token, which then is what to start with should the file not be there yet. */
static bool take_token(const struct reader *r, const struct entry *user)
{
    struct kube_config *ret = r->ret;
    const char *path = config_field(user, "tokenFile");
    struct err unreadable = {0};

    if (path) {
        ret->token_file = mem_strdup(config_beside(user, path, r->a));
        ret->token = config_read_value(ret->token_file, &unreadable);
    }
    if (!ret->token)
        ret->token = config_copy(user, "token");
    if (path && !ret->token)
        return config_refuse(r, user, "tokenFile", unreadable.text);
    if (ret->token && !config_is_token(ret->token))
        return config_refuse(r, user, "token", "holds spaces or other characters that no token has");
    return true;
}

static bool take_user(const struct reader *r, const struct entry *user)
{
    struct kube_config *ret = r->ret;

    ret->username = config_copy(user, "username");
    ret->password = config_copy(user, "password");
    if (!refuse_unsupported(r, user) || !take_token(r, user) || !config_take_exec(r, user) ||
        !config_take_impersonation(r, user) ||
        !take_pem(r, user, "client-certificate", &ret->client_cert, &ret->client_cert_file) ||
        !take_pem(r, user, "client-key", &ret->client_key, &ret->client_key_file))
        return false;
    if (!ret->client_cert != !ret->client_key)
        return config_refuse(r, user, ret->client_cert ? "client-key" : "client-certificate", "is missing");
    return true;
}

/* What is chosen, else what a context refers to; without a name, nothing (a user may be left out). */
static bool follow(const struct reader *r, const struct entry *context, const char *what, const char *chosen,
                   struct entry *ret)
{
    const char *name = chosen ? chosen : config_field(context, what);

    *ret = name ? config_find(r, what, name) : (struct entry){.file = context->file, .what = what, .name = ""};
    if (name && !ret->node)
        return config_refuse(r, context, what, arena_printf(r->a, "is %s, which is not there", name));
    return true;
}

static bool take_context(const struct reader *r, const struct entry *context, const struct kube_choice *choice)
{
    struct entry cluster, user;

    if (!follow(r, context, "cluster", choice->cluster, &cluster) || !follow(r, context, "user", choice->user, &user))
        return false;
    if (!cluster.node)
        return config_refuse(r, context, "cluster", "is missing");
    r->ret->namespace = config_copy(context, "namespace");
    if (!r->ret->namespace)
        r->ret->namespace = mem_strdup("default");
    return take_cluster(r, &cluster) && take_user(r, &user);
}

static bool read_context(const struct reader *r, const struct kube_choice *choice)
{
    const char *wanted = choice->context ? choice->context : config_current_context(r);

    if (!wanted)
        return err_set(r->err, ERR_INVALID, "InvalidKubeconfig",
                       "%s: there is no current-context: give --context NAME or run kubectl config use-context NAME",
                       r->files[0].path);
    struct entry context = config_find(r, "context", wanted);
    if (!context.node)
        return err_set(r->err, ERR_INVALID, "InvalidKubeconfig",
                       "%s: there is no context %s (kubectl config get-contexts lists them)", r->files[0].path, wanted);
    return take_context(r, &context, choice) && config_impersonate(r->ret, choice, r->err);
}

bool config_from_files(struct kube_config *ret, const char *const *paths, size_t len, const struct kube_choice *choice,
                       struct err *err)
{
    cleanup_arena struct arena a = {0};
    struct reader r = {.ret = ret, .len = len, .a = &a, .err = err};

    r.files = arena_alloc(&a, len * sizeof(*r.files));
    for (size_t i = 0; i < len; i++) {
        r.files[i].path = paths[i];
        if (!config_load_file(&r.files[i], &a, err))
            return false;
    }
    return read_context(&r, choice);
}
