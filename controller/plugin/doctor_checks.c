/* The table of checks. docs/doctor.md has a row for each; tests/unit/test_doctor.c holds the two against each other. */
#include <string.h>

#include "plugin/doctor.h"

#define ASK "kubectl glr explain -n NAMESPACE NAME tells more"

/* clang-format off */
const struct doctor_check doctor_checks[] = {
    {"GLR001", GROUP_INSTALLATION, LEVEL_ERROR, "kind", NEEDS(KIND), check_kind_is_there,
     "the kind GitLabRunner is not in the cluster", "kubectl apply -k crds, or install.yaml of a release"},
    {"GLR002", GROUP_INSTALLATION, LEVEL_ERROR, "versions of the kind", NEEDS(KIND), check_kind_is_served,
     "the kind is not served in the version that operator and plugin speak, or not established",
     "apply the kind of the operator's release: kubectl apply -k crds"},
    {"GLR003", GROUP_INSTALLATION, LEVEL_WARNING, "fields of the kind", NEEDS(KIND), check_kind_fields,
     "the kind is of another release than the plugin: fields that one of them knows the other does not",
     "apply the kind of the operator's release, and use the plugin of that release"},
    {"GLR004", GROUP_INSTALLATION, LEVEL_ERROR, "operator", NEEDS(OPERATORS), check_operator_is_there,
     "no operator is there: nobody serves GitLabRunners", "kubectl apply -k manifests/default, or install.yaml of a release"},
    {"GLR005", GROUP_INSTALLATION, LEVEL_ERROR, "operator's pods", NEEDS(OPERATORS), check_operator_is_ready,
     "no pod of the operator is ready, or (a warning) fewer than are asked for",
     "kubectl describe pods -n NAMESPACE -l app.kubernetes.io/name=gitlab-runner-controller, and their logs"},
    {"GLR006", GROUP_INSTALLATION, LEVEL_ERROR, "installations", NEEDS(OPERATORS), check_operators_agree,
     "two operators serve the same namespaces, each with a Lease of its own: they undo each other's work",
     "take one away, or have each serve namespaces of its own: run --namespace"},
    {"GLR007", GROUP_INSTALLATION, LEVEL_ERROR, "Lease", NEEDS(OPERATORS) | NEEDS(LEASES), check_lease,
     "nobody holds the operator's Lease, or whoever does has not renewed it: nothing is acted on",
     "look at the logs of the operator's pods; who cannot reach the API server does not lead"},
    {"GLR008", GROUP_INSTALLATION, LEVEL_WARNING, "versions", NEEDS(OPERATORS) | NEEDS(OPERATOR_PODS), check_versions,
     "the operator's pods are of different versions for long, or the plugin is of another than them by more than one",
     "use the plugin of the operator's release: its image has it, too"},
    {"GLR009", GROUP_INSTALLATION, LEVEL_ERROR, "operator's rights", NEEDS(OPERATORS) | NEEDS(OPERATOR_RIGHTS), check_operator_rights,
     "the operator's ServiceAccount lacks rights that it needs", "apply manifests/base/rbac.yaml, lease.yaml and orphans.yaml of its release"},
    {"GLR020", GROUP_INSTALLATION, LEVEL_ERROR, "roles of jobs", NEEDS(ROLES), check_executor_roles,
     "a ClusterRole is missing to which managers are bound: their jobs' pods cannot be made", "apply manifests/base/executor.yaml of the operator's release"},
    {"GLR021", GROUP_INSTALLATION, LEVEL_WARNING, "rights of jobs", NEEDS(ROLES), check_executor_rights,
     "the ClusterRole gitlab-runner-executor lacks rights that gitlab-runner needs", "apply manifests/base/executor.yaml of the operator's release"},
    {"GLR022", GROUP_INSTALLATION, LEVEL_WARNING, "runners left behind", NEEDS(OPERATORS) | NEEDS(LEDGER), check_ledger,
     "runners could not be deregistered, and are in the ledger: the operator tries again until GitLab lets them go",
     "have their GitLab answer again, or take the entry out of the Secret gitlab-runner-orphans"},
    {"GLR023", GROUP_INSTALLATION, LEVEL_NOTE, "your rights", NEEDS(OWN_RIGHTS), check_own_rights,
     "what you may not do, and which commands of kubectl glr need it", "ask for the right, if you need the command"},

    {"GLR010", GROUP_HOSTS, LEVEL_ERROR, "GitLab is reached", NEEDS(RUNNERS), check_host_is_reached,
     "the operator does not reach the host, or gets no answer of GitLab's from it", "the message tells; " ASK},
    {"GLR011", GROUP_HOSTS, LEVEL_ERROR, "credentials", NEEDS(RUNNERS), check_credentials,
     "a credential is missing, or GitLab does not take it", "put a valid one into the Secret"},
    {"GLR012", GROUP_HOSTS, LEVEL_WARNING, "access tokens that end", NEEDS(RUNNERS), check_access_tokens_end,
     "an access token ends within a week; within two days, or when it has ended, that is an error", "make a new one at GitLab, and put it into the Secret"},
    {"GLR013", GROUP_HOSTS, LEVEL_WARNING, "runner tokens that end", NEEDS(RUNNERS), check_runner_tokens_end,
     "a runner's token ends soon, and the operator may not replace it, or (an error) has ended",
     "reset it at GitLab and put it into the Secret, or let the operator do it: accessTokenSecretRef, tokenRotation"},
    {"GLR014", GROUP_HOSTS, LEVEL_WARNING, "versions of GitLab and managers", NEEDS(RUNNERS), check_version_skew,
     "GitLab, the manager's image and the helper image are of versions that do not go together", "use images of GitLab's version: spec.manager.image, spec.helperImage"},
    {"GLR015", GROUP_HOSTS, LEVEL_NOTE, "https", NEEDS(RUNNERS), check_plain_http,
     "the URL is not https: tokens travel in clear text", "use an https address in spec.url"},
    {"GLR016", GROUP_HOSTS, LEVEL_NOTE, "GitLab from here", NEEDS(RUNNERS), check_from_here,
     "with --from-here: this machine does not reach the host; a hint only, since the operator's DNS, proxies and trust are others",
     "look at what the operator sees of it: GLR010"},
    {"GLR017", GROUP_HOSTS, LEVEL_WARNING, "clocks", NEEDS(RUNNERS), check_clocks,
     "with --from-here: GitLab's clock and the API server's are more than half a minute apart: tokens end too early, or too late",
     "have both follow a time server"},

    {"GLR030", GROUP_NAMESPACES, LEVEL_ERROR, "Pod Security", NEEDS(RUNNERS) | NEEDS(NAMESPACES), check_pod_security,
     "the namespace's Pod Security level refuses the pods of every job", "the message names what to set; spec.podSecurity does most of it"},
    {"GLR031", GROUP_NAMESPACES, LEVEL_ERROR, "namespaces of jobs", NEEDS(RUNNERS) | NEEDS(NAMESPACES), check_namespaces_are_there,
     "the namespace of spec.namespace does not exist, or is being deleted", "create it, or use another one"},
    {"GLR032", GROUP_NAMESPACES, LEVEL_ERROR, "consent", NEEDS(RUNNERS) | NEEDS(NAMESPACES), check_consent,
     "the namespace of the jobs is not open to the runner's namespace", "its owner annotates it: gitlab-runners.dev/allowed-from"},

    {"GLR040", GROUP_RUNNERS, LEVEL_ERROR, "runners that need a person", NEEDS(RUNNERS), check_needs_a_person,
     "a runner is not ready, and the operator cannot help it", ASK},
    {"GLR041", GROUP_RUNNERS, LEVEL_ERROR, "runners that nobody serves", NEEDS(RUNNERS) | NEEDS(OPERATORS), check_is_served,
     "no operator has looked at the object's present spec", "start the operator, or have it serve the namespace: run --namespace"},
    {"GLR042", GROUP_RUNNERS, LEVEL_NOTE, "suspended runners", NEEDS(RUNNERS), check_suspended,
     "spec.suspend is true: the operator leaves the runner as it is", "set spec.suspend to false when it may work again"},
    {"GLR043", GROUP_RUNNERS, LEVEL_WARNING, "runners paused for long", NEEDS(RUNNERS), check_paused_long,
     "a runner has been paused for more than a week: nobody's jobs run on it", "kubectl glr resume -n NAMESPACE NAME, or set spec.paused to false"},
    {"GLR044", GROUP_RUNNERS, LEVEL_ERROR, "deletions that do not end", NEEDS(RUNNERS), check_deletion_ends,
     "an object is being deleted for longer than its own deadlines", "the operator has to run; kubectl annotate glr -n NAMESPACE NAME gitlab-runners.dev/force-delete=true"},
    {"GLR045", GROUP_RUNNERS, LEVEL_WARNING, "children left behind", NEEDS(RUNNERS) | NEEDS(CHILD_DEPLOYMENTS) | NEEDS(CHILD_BINDINGS), check_children_left,
     "an object that was made for a GitLabRunner is there, and its GitLabRunner is not", "delete it, or start the operator, which does"},
    {"GLR046", GROUP_RUNNERS, LEVEL_ERROR, "names that are taken", NEEDS(RUNNERS), check_name_conflicts,
     "somebody else's object has the name that a child needs", "delete or rename one of the two"},
    {"GLR047", GROUP_RUNNERS, LEVEL_WARNING, "runners not ready for long", NEEDS(RUNNERS), check_not_ready_long,
     "a runner has not been ready for more than ten minutes, though the operator goes on trying", ASK},
    {"GLR048", GROUP_RUNNERS, LEVEL_WARNING, "warnings of specs", NEEDS(RUNNERS), check_warnings,
     "something in the spec will not work as it is meant", "the message names the field and the cure"},
    {.code = NULL},
};
/* clang-format on */

const struct doctor_check *doctor_check_named(const char *code)
{
    for (const struct doctor_check *check = doctor_checks; check->code; check++)
        if (strcmp(check->code, code) == 0)
            return check;
    return NULL;
}
