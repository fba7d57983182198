#include "kube/credentials.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/mem.h"
#include "kube/config.h"
#include "net/loop.h"

struct credentials {
    struct loop *loop;
    struct http *http;
    struct kube_config *config;
    struct exec *exec; /* NULL: config is all there is */
    void (*changed)(void *arg);
    void *arg;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Renewal */

static void refresh(struct credentials *c, bool force)
{
    unsigned changed = kube_config_refresh(c->config, loop_now(c->loop), force);

    if (changed & (CONFIG_CA | CONFIG_CLIENT))
        http_close_idle(c->http);
}

static void on_plugin_end(void *arg)
{
    struct credentials *c = arg;

    if (exec_credential(c->exec)->cert)
        http_close_idle(c->http);
    c->changed(c->arg);
}

enum exec_state credentials_need(struct credentials *c)
{
    refresh(c, false);
    return c->exec ? exec_need(c->exec) : EXEC_HAVE;
}

const struct err *credentials_error(const struct credentials *c)
{
    assert(c->exec);
    return exec_error(c->exec);
}

void credentials_reread(struct credentials *c)
{
    refresh(c, true);
}

unsigned credentials_generation(const struct credentials *c)
{
    return c->config->generation + (c->exec ? exec_generation(c->exec) : 0);
}

bool credentials_renew(struct credentials *c, unsigned generation)
{
    if (generation != credentials_generation(c))
        return true;
    refresh(c, true);
    if (c->exec)
        exec_forget(c->exec);
    return c->exec || generation != credentials_generation(c);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a request carries */

/* The Authorization header, or NULL when a client certificate is the proof. */
static const char *authorization(const struct credentials *c, struct arena *a)
{
    const struct kube_config *config = c->config;
    const char *token = c->exec ? exec_credential(c->exec)->token : config->token;

    if (token)
        return arena_printf(a, "Authorization: Bearer %s", token);
    if (!config->username || !config->password)
        return NULL;
    const char *pair = arena_printf(a, "%s:%s", config->username, config->password);
    return arena_printf(a, "Authorization: Basic %s", base64_encode(pair, strlen(pair), a));
}

static size_t headers_len(const char *const *headers)
{
    size_t len = 0;

    while (headers && headers[len])
        len++;
    return len;
}

const char *const *credentials_headers(const struct credentials *c, const char *const *own, struct arena *a)
{
    const char *const proof[] = {authorization(c, a), NULL};
    const char *const *const parts[] = {own, proof, (const char *const *)c->config->impersonate};
    size_t len = 0, at = 0;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        len += headers_len(parts[i]);
    const char **headers = arena_alloc(a, (len + 1) * sizeof(*headers));
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        for (size_t n = 0; n < headers_len(parts[i]); n++)
            headers[at++] = parts[i][n];
    }
    return headers;
}

struct http_tls credentials_tls(const struct credentials *c)
{
    struct http_tls tls = kube_config_tls(c->config);
    const struct exec_credential *credential = c->exec ? exec_credential(c->exec) : NULL;

    if (credential && credential->cert) {
        tls.client_cert = credential->cert;
        tls.client_key = credential->key;
    }
    return tls;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

struct credentials *credentials_create(struct loop *loop, struct http *http, struct kube_config *config,
                                       void (*changed)(void *arg), void *arg)
{
    struct credentials *c = mem_alloc(sizeof(*c));

    *c = (struct credentials){.loop = loop, .http = http, .config = config, .changed = changed, .arg = arg};
    if (config->exec)
        c->exec = exec_create(loop, config, on_plugin_end, c);
    return c;
}

void credentials_destroy(struct credentials *c)
{
    if (!c)
        return;
    exec_destroy(c->exec);
    free(c);
}
