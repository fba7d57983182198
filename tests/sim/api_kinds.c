/* The kinds that are served. */
#include <assert.h>
#include <string.h>

#include "tests/sim/api_parts.h"
#include "tests/sim/api_schema.h"

#define HEAD(kind, version) "{\"kind\":\"" kind "\",\"apiVersion\":\"" version "\","
#define CORE(plural, kind)  plural, kind, "", "v1"
#define GLR                 "gitlab-runners.dev"

const struct api_kind api_kinds[API_KINDS] = {
    [API_RUNNERS] = {"gitlabrunners", "GitLabRunner", GLR, GLR "/v1beta1", true, true, true, false, "crd",
                     HEAD("GitLabRunner", GLR "/v1beta1")},
    [API_SECRETS] = {CORE("secrets", "Secret"), true, false, false, false, "core.v1.Secret", HEAD("Secret", "v1")},
    [API_CONFIG_MAPS] = {CORE("configmaps", "ConfigMap"), true, false, false, false, "core.v1.ConfigMap",
                         HEAD("ConfigMap", "v1")},
    [API_ACCOUNTS] = {CORE("serviceaccounts", "ServiceAccount"), true, false, false, true, "core.v1.ServiceAccount",
                      HEAD("ServiceAccount", "v1")},
    [API_ROLE_BINDINGS] = {"rolebindings", "RoleBinding", "rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1",
                           true, false, false, false, "rbac.v1.RoleBinding",
                           HEAD("RoleBinding", "rbac.authorization.k8s.io/v1")},
    [API_DEPLOYMENTS] = {"deployments", "Deployment", "apps", "apps/v1", true, true, true, false, "apps.v1.Deployment",
                         HEAD("Deployment", "apps/v1")},
    [API_BUDGETS] = {"poddisruptionbudgets", "PodDisruptionBudget", "policy", "policy/v1", true, true, true, false,
                     "policy.v1.PodDisruptionBudget", HEAD("PodDisruptionBudget", "policy/v1")},
    [API_PODS] = {CORE("pods", "Pod"), true, true, true, true, "core.v1.Pod", HEAD("Pod", "v1")},
    [API_NAMESPACES] = {CORE("namespaces", "Namespace"), false, true, false, true, "core.v1.Namespace",
                        HEAD("Namespace", "v1")},
    [API_LEASES] = {"leases", "Lease", "coordination.k8s.io", "coordination.k8s.io/v1", true, false, false, false,
                    "coordination.v1.Lease", HEAD("Lease", "coordination.k8s.io/v1")},
    [API_EVENTS] = {"events", "Event", "events.k8s.io", "events.k8s.io/v1", true, false, false, false,
                    "events.v1.Event", HEAD("Event", "events.k8s.io/v1")},
    [API_SLICES] = {"endpointslices", "EndpointSlice", "discovery.k8s.io", "discovery.k8s.io/v1", true, false, true,
                    false, "discovery.v1.EndpointSlice", HEAD("EndpointSlice", "discovery.k8s.io/v1")},
    [API_SERVICES] = {CORE("services", "Service"), true, true, false, true, "core.v1.Service", HEAD("Service", "v1")},
};

const struct api_kind *api_kind_of(const char *group, const char *plural)
{
    for (size_t i = 0; i < API_KINDS; i++)
        if (strcmp(api_kinds[i].plural, plural) == 0 && strcmp(api_kinds[i].group, group) == 0)
            return &api_kinds[i];
    return NULL;
}

const struct api_kind *api_kind_named(const char *plural)
{
    const struct api_kind *kind = api_kinds;

    while (strcmp(kind->plural, plural) != 0) {
        kind++;
        assert(kind < api_kinds + API_KINDS);
    }
    return kind;
}

void api_prepare(void)
{
    for (size_t i = 0; i < API_KINDS; i++)
        schema_of(api_kinds[i].type);
}
