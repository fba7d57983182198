#include "plugin/options.h"

#include "base/mem.h"

enum { REQUEST_MS = 30 * 1000 };

#define AT(member) offsetof(struct plugin_options, member)

/* clang-format off */
static const struct option_row all_namespaces_rows[] = {
    {'A', "all-namespaces", NULL, "of all namespaces", option_flag, AT(all_namespaces), NULL},
};
static const struct option_row output_rows[] = {
    {'o', "output", "table|wide|json|yaml|name", "how it is printed (default: table)", NULL, AT(output), NULL},
    {0, "no-headers", NULL, "no line with the columns' names", option_flag, AT(no_headers), NULL},
};
static const struct option_row selector_rows[] = {
    {'l', "selector", "LABELS", "those alone with these labels: a=b,c!=d", option_text, AT(selector), NULL},
};
static const struct option_row cluster_rows[] = {
    {'n', "namespace", "NAME", "in this namespace (default: the context's)", option_text, AT(namespace), NULL},
    {0, "context", "NAME", "a context of the kubeconfig", option_text, AT(context), NULL},
    {0, "kubeconfig", "FILE", "how to reach the cluster (default: $KUBECONFIG, ~/.kube/config)",
     option_text, AT(kubeconfig), NULL},
    {0, "cluster", "NAME", "a cluster of the kubeconfig, in the place of the context's", option_text, AT(cluster), NULL},
    {0, "user", "NAME", "a user of the kubeconfig, in the place of the context's", option_text, AT(user), NULL},
    {0, "as", "NAME", "act for this user", option_text, AT(as), NULL},
    {0, "as-group", "NAME", "… in this group; may be given several times", option_append, AT(groups), "64 at most"},
    {0, "request-timeout", "TIME", "for one answer of the API server (default: 30s)",
     option_duration, AT(timeout_ms), "a time, such as 30s"},
};
/* clang-format on */

#define TABLE(rows, o)                                                                                                 \
    (struct option_table)                                                                                              \
    {                                                                                                                  \
        rows, ARRAY_LEN(rows), o                                                                                       \
    }

size_t plugin_option_tables(struct option_table *ret, unsigned takes, struct plugin_options *o)
{
    size_t len = 0;

    *o = (struct plugin_options){.timeout_ms = REQUEST_MS};
    if (takes & TAKES_ALL_NAMESPACES)
        ret[len++] = TABLE(all_namespaces_rows, o);
    if (takes & TAKES_SELECTOR)
        ret[len++] = TABLE(selector_rows, o);
    if (takes & TAKES_OUTPUT)
        ret[len++] = TABLE(output_rows, o);
    if (!(takes & TAKES_NO_CLUSTER))
        ret[len++] = TABLE(cluster_rows, o);
    return len;
}
