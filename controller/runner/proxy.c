#include "runner/proxy.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/complaints.h"

/* What is in the cluster is reached without a proxy: the API server above all, and services. */
static const char in_cluster[] = "localhost,127.0.0.1,::1,kubernetes.default.svc,.svc,.cluster.local";

bool proxy_validate(const struct proxy *proxy, struct err *err)
{
    bool named = json_member(proxy->whole, "httpProxy") || json_member(proxy->whole, "httpsProxy");

    return !proxy->whole || named ||
           spec_invalid(err, "spec.proxy is missing httpProxy or httpsProxy: give one of them, or both");
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
