#include "runner/proxy.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/spec_parts.h"

/* What is in the cluster is reached without a proxy: the API server above all, and services. */
static const char in_cluster[] = "localhost,127.0.0.1,::1,kubernetes.default.svc,.svc,.cluster.local";

/* ------------------------------------------------------------------------------------------------------------------
 * The check. What gitlab-runner or the kubelet would expand ($), or what would end an entry (,), has no place here; nor
 * has a password, for everybody may read a spec.
 */
static bool check_proxy_url(const char *url, const char *member, struct err *err)
{
    static const char *const schemes[] = {"http://", "https://", "socks5://"};
    const char *host = NULL;

    for (size_t i = 0; url && i < ARRAY_LEN(schemes); i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            host = url + strlen(schemes[i]);
    if (!url)
        return true;
    if (!host || !*host || strchr("/:", *host))
        return spec_invalid(err, "spec.proxy.%s must be http://, https:// or socks5://, and a host and port", member);
    if (strchr(host, '@'))
        return spec_invalid(err,
                            "spec.proxy.%s must have neither user nor password, which everybody could read here: "
                            "set the proxy's variables from a Secret by manager.envFrom, and for the jobs by "
                            "GitLab's CI/CD variables",
                            member);
    if (*spec_skip_address(host))
        return spec_invalid(err, "spec.proxy.%s must be scheme, host and port only", member);
    return true;
}

static bool check_no_proxy(struct json_object *list, struct err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/*-";

    bool ok = true;

    for (size_t i = 0; i < json_len(list); i++) {
        const char *entry = json_string(json_at(list, i));
        if (!*entry || entry[strspn(entry, allowed)])
            ok = spec_invalid(err,
                              "spec.proxy.noProxy[%zu] must be a host, a domain (.example.com), an address or a range "
                              "(10.0.0.0/8), one an item",
                              i);
    }
    return ok;
}

bool proxy_check(const struct proxy *proxy, struct err *err)
{
    bool http = check_proxy_url(proxy->http, "httpProxy", err),
         https = check_proxy_url(proxy->https, "httpsProxy", err);
    bool named = json_member(proxy->whole, "httpProxy") || json_member(proxy->whole, "httpsProxy");

    if (proxy->whole && !named)
        return spec_invalid(err, "spec.proxy is missing httpProxy or httpsProxy: give one of them, or both");
    return check_no_proxy(proxy->no_proxy, err) && http && https;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The variables.
 */
static const char *no_proxy_text(const struct proxy *proxy, const char *also, struct arena *a)
{
    const char *text = also ? arena_printf(a, "%s,%s", in_cluster, also) : in_cluster;

    for (size_t i = 0; i < json_len(proxy->no_proxy); i++)
        text = arena_printf(a, "%s,%s", text, json_string(json_at(proxy->no_proxy, i)));
    return text;
}

bool variable_is_given(struct json_object *list, const char *name)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_str_or(json_at(list, i), "name", ""), name) == 0)
            return true;
    return false;
}

struct json_object *proxy_variables(const struct proxy *proxy, const char *also, struct json_object *users,
                                    struct arena *a)
{
    const struct {
        const char *name, *value;
    } variables[] = {
        {"HTTP_PROXY", proxy->http}, {"HTTPS_PROXY", proxy->https}, {"NO_PROXY", no_proxy_text(proxy, also, a)},
        {"http_proxy", proxy->http}, {"https_proxy", proxy->https}, {"no_proxy", no_proxy_text(proxy, also, a)},
    };
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < ARRAY_LEN(variables) && (proxy->http || proxy->https); i++)
        if (variables[i].value && !variable_is_given(users, variables[i].name))
            json_append(list, json_build("{name: %s, value: %s}", variables[i].name, variables[i].value));
    return list;
}
