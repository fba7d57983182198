#include "runner/reasons.h"

#include <string.h>

#include "base/mem.h"

static const struct reason all_reasons[] = {
    {"SecretNotFound", REASON_PERSON, REASON_OF_VALUE, "create the object with the key that the message names", NULL},
    {"ConfigMapNotFound", REASON_PERSON, REASON_OF_VALUE, "create the object with the key that the message names",
     NULL},
    {"KeyNotFound", REASON_PERSON, REASON_OF_VALUE,
     "add the key, or name another one in the spec (the keys of a cache have their names for good)", NULL},
    {"CredentialNotForHost", REASON_PERSON, REASON_OF_VALUE,
     "the credential's Secret says which hosts it may be sent to, and that of spec.url, or the address that "
     "spec.hostAliases gives it, is not among them",
     NULL},
    {"ValueEmpty", REASON_PERSON, REASON_OF_VALUE, "put the value there", NULL},
    {"ValueInvalid", REASON_PERSON, REASON_OF_VALUE,
     "the key holds white space, a control character or what is not ASCII, or is in quotation marks, so it is no "
     "token, and nothing is sent; put the token there alone. White space of any kind around it does no harm",
     NULL},
    {"WrongKindOfToken", REASON_PERSON, REASON_OF_VALUE,
     "the key holds a token of another kind, told by how it begins (glrt-, glpat-, GR1348941, …), and nothing was "
     "sent; the message says what it is and in which reference it belongs",
     NULL},
    {"InvalidSpec", REASON_PERSON, REASON_OF_RULE,
     "correct the fields that the message names: as many as fit into it; validate names them all", NULL},
    {"TooLarge", REASON_PERSON, REASON_OF_RULE,
     "the object is larger than what is read of one: make it smaller. Its children stay as they are, and it can be "
     "deleted",
     NULL},
    {"NamespaceOverShare", REASON_PERSON, REASON_OF_RULE,
     "the GitLabRunners of the namespace take more of the operator's memory than its share, so this one is not served, "
     "and its managers go on as they are. Make others smaller, delete some, or give the operator more (run "
     "--memory-for-objects); within a minute it is looked at again. A Warning Event says so, too, of two in a second "
     "at most",
     NULL},
    {"Suspended", REASON_PERSON, REASON_OF_RULE,
     "set spec.suspend to false when the operator may work again. A deletion is carried out all the same",
     "spec.suspend"},
    {"NameConflict", REASON_PERSON, REASON_OF_RULE,
     "an object has the name that a child needs and was not made for this GitLabRunner; delete or rename one. It is "
     "never touched",
     NULL},
    {"NamespaceNotFound", REASON_PERSON, REASON_OF_RULE, "create the namespace of spec.namespace", NULL},
    {"NamespaceNotServed", REASON_PERSON, REASON_OF_RULE,
     "the operator serves only the namespaces that its option --namespace lists: use one of them for the jobs, or have "
     "it added",
     "spec.namespace"},
    {"NamespaceNotAllowed", REASON_PERSON, REASON_OF_RULE,
     "its owner annotates it: gitlab-runners.dev/allowed-from: \"ci, team-*\"", NULL},
    {"PodSecurityForbids", REASON_PERSON, REASON_OF_RULE,
     "the label pod-security.kubernetes.io/enforce of the jobs' namespace refuses the pods that gitlab-runner would "
     "make: set spec.podSecurity to Restricted, or each of the keys that the message names, take out what it names "
     "besides, or use another namespace. Until then the managers go on as they are",
     "spec.podSecurity"},
    {"UpdateNeedsAccessToken", REASON_PERSON, REASON_OF_RULE,
     "attributes kept at GitLab were edited, but a registration token gives no right to push them: use "
     "accessTokenSecretRef, which keeps the runner; or undo the edit; or change them at GitLab and say so",
     "spec.authentication.accessTokenSecretRef"},
    {"TokenSecretDamaged", REASON_PERSON, REASON_OF_RULE, "delete the token Secret to have the runner registered again",
     NULL},
    {"TokenMissing", REASON_PERSON, REASON_OF_VALUE, "delete the token Secret to have the runner registered again",
     NULL},
    {"RegistrationTokenRejected", REASON_PERSON, REASON_OF_CALL, "403: put a valid registration token into the Secret",
     NULL},
    {"RegistrationTokensDisabled", REASON_PERSON, REASON_OF_CALL,
     "410: use accessTokenSecretRef, or have registration tokens allowed at GitLab",
     "spec.authentication.accessTokenSecretRef"},
    {"AccessTokenRejected", REASON_PERSON, REASON_OF_CALL,
     "401: wrong, expired or revoked; put a valid access token into the Secret", NULL},
    {"InsufficientScope", REASON_PERSON, REASON_OF_CALL,
     "403: the access token needs create_runner, manage_runner and read_api", NULL},
    {"InsufficientPermissions", REASON_PERSON, REASON_OF_CALL,
     "403: Owner of the group, Maintainer of the project, or administrator", NULL},
    {"RunnerTokenRejected", REASON_PERSON, REASON_OF_CALL,
     "403: the runner token is wrong, was reset or has expired, or the runner was deleted", NULL},
    {"RunnerNotFound", REASON_PERSON, REASON_OF_CALL, "404: the runner was deleted at GitLab", NULL},
    {"RunnerNotAdopted", REASON_PERSON, REASON_OF_RULE,
     "the runner of authentication.adoptRunnerId is not where spec.scope says, or is another GitLabRunner's, by the "
     "mark in its maintenance note; or this object has another runner already",
     "spec.authentication.adoptRunnerId"},
    {"RejectedByGitLab", REASON_PERSON, REASON_OF_CALL, "400, 422: correct the field that GitLab names", NULL},
    {"RunnerLimitReached", REASON_PERSON, REASON_OF_CALL,
     "400: the group or project may have no more runners; delete some, or have the limit raised", NULL},
    {"NotGitLab", REASON_PERSON, REASON_OF_CALL,
     "404, 405: no GitLab ≥ 9.0 at this URL; check spec.url and GitLab's relative URL root", "spec.url"},
    {"UnsupportedGitLab", REASON_PERSON, REASON_OF_CALL,
     "404 from GitLab's own API: it is too old or too new for the call (access tokens make runners from 16.0 on, "
     "registration tokens are to go with 20.0), or spec.url has a path too much",
     "spec.url"},
    {"Redirected", REASON_PERSON, REASON_OF_CALL,
     "3xx: put the final address into spec.url; a credential never follows a redirect", "spec.url"},
    {"InvalidURL", REASON_PERSON, REASON_OF_CALL, "correct spec.url", "spec.url"},
    {"InvalidRequest", REASON_PERSON, REASON_OF_CALL,
     "the message says which part of the request holds what may not be in one; nothing was sent", NULL},
    {"HTTPSRequired", REASON_PERSON, REASON_OF_CALL,
     "the operator runs with --require-https: use an https address in spec.url", "spec.url"},
    {"HostNotAllowed", REASON_PERSON, REASON_OF_CALL,
     "the host of spec.url, or the address that spec.hostAliases gives it, is not in the operator's "
     "--allowed-gitlab-hosts",
     "spec.url"},
    {"AddressNotAllowed", REASON_PERSON, REASON_OF_CALL,
     "spec.url, DNS or spec.hostAliases leads to an address that is never called: loopback, link-local, metadata, "
     "multicast, the API server",
     "spec.url"},
    {"ProxyRefused", REASON_PERSON, REASON_OF_CALL,
     "the proxy of the operator's --gitlab-proxy does not let it through to this host, or wants other credentials: the "
     "administrator of either has to put it right",
     NULL},
    {"UntrustedCertificate", REASON_PERSON, REASON_OF_CALL,
     "name the CA in caSecretRef or caConfigMapRef; for a credential that is bound to hosts put it as ca.crt into the "
     "same Secret",
     "spec.caSecretRef"},
    {"InvalidCA", REASON_PERSON, REASON_OF_VALUE,
     "what caSecretRef or caConfigMapRef leads to is no PEM, is longer than 256 KiB or has more than 200 certificates; "
     "GitLab's own authority is enough",
     NULL},
    {"ClientCertificateRequired", REASON_PERSON, REASON_OF_CALL,
     "GitLab, or a proxy before it, lets in only who shows a client certificate: name its Secret in "
     "clientCertificateSecretRef",
     "spec.clientCertificateSecretRef"},
    {"ClientCertificateRefused", REASON_PERSON, REASON_OF_CALL,
     "GitLab, or a proxy before it, does not take the one that is shown: put another one into that Secret", NULL},
    {"InvalidClientCertificate", REASON_PERSON, REASON_OF_VALUE,
     "tls.crt or tls.key of that Secret is no PEM, is longer than 64 KiB, has expired, is encrypted, or the two do not "
     "belong together; the message says which",
     NULL},
    {"CertificateExpired", REASON_PERSON, REASON_OF_CALL, "have the certificate renewed; use a name that it has", NULL},
    {"CertificateHostMismatch", REASON_PERSON, REASON_OF_CALL, "have the certificate renewed; use a name that it has",
     "spec.url"},
    {"Forbidden", REASON_KUBERNETES, REASON_OF_CALL, "the API server's own reason; the message is its sentence", NULL},
    {"Invalid", REASON_KUBERNETES, REASON_OF_CALL, "the API server's own reason; the message is its sentence", NULL},
    {"HostNotFound", REASON_AGAIN, REASON_OF_CALL,
     "a name that DNS does not know goes into spec.hostAliases: for the operator, the managers and the job pods, whose "
     "Could not resolve host when they clone is the same thing. Behind an egress proxy the operator needs "
     "--gitlab-proxy: spec.proxy is none of its own",
     "spec.hostAliases"},
    {"ProxyUnreachable", REASON_AGAIN, REASON_OF_CALL,
     "the proxy of the operator's --gitlab-proxy cannot be reached, or its certificate is not to be trusted; all "
     "GitLabs behind it are as they were",
     NULL},
    {"LedgerUnread", REASON_AGAIN, REASON_OF_CALL,
     "the runner is to go into the ledger, which has not been read yet, or whose entries that would have to make room "
     "are just being tried",
     NULL},
    {"LedgerFull", REASON_AGAIN, REASON_OF_CALL,
     "the runner is to go into the ledger, which has not been read yet, or whose entries that would have to make room "
     "are just being tried",
     NULL},
    {"TooManyServers", REASON_AGAIN, REASON_OF_CALL,
     "the GitLabRunners of the namespace call more than 32 URLs of GitLab at the same time; the others wait until some "
     "have answered",
     NULL},
    {"ConnectionRefused", REASON_AGAIN, REASON_OF_CALL,
     "no answer from GitLab, or from the API server. After five failures in a row, of connections to a host, or of "
     "what a credential is answered when it asks a URL for the same (no answer, a 5xx), one call in a while looks "
     "whether it is better, a second at first and five minutes at last, and nobody else whom it concerns calls; each "
     "goes on saying what that call said, and there is one Event",
     NULL},
    {"NetworkUnreachable", REASON_AGAIN, REASON_OF_CALL,
     "no answer from GitLab, or from the API server. After five failures in a row, of connections to a host, or of "
     "what a credential is answered when it asks a URL for the same (no answer, a 5xx), one call in a while looks "
     "whether it is better, a second at first and five minutes at last, and nobody else whom it concerns calls; each "
     "goes on saying what that call said, and there is one Event",
     NULL},
    {"ConnectTimeout", REASON_AGAIN, REASON_OF_CALL,
     "no answer from GitLab, or from the API server. After five failures in a row, of connections to a host, or of "
     "what a credential is answered when it asks a URL for the same (no answer, a 5xx), one call in a while looks "
     "whether it is better, a second at first and five minutes at last, and nobody else whom it concerns calls; each "
     "goes on saying what that call said, and there is one Event",
     NULL},
    {"Timeout", REASON_AGAIN, REASON_OF_CALL,
     "no answer from GitLab, or from the API server. After five failures in a row, of connections to a host, or of "
     "what a credential is answered when it asks a URL for the same (no answer, a 5xx), one call in a while looks "
     "whether it is better, a second at first and five minutes at last, and nobody else whom it concerns calls; each "
     "goes on saying what that call said, and there is one Event",
     NULL},
    {"ConnectionLost", REASON_AGAIN, REASON_OF_CALL,
     "no answer from GitLab, or from the API server. After five failures in a row, of connections to a host, or of "
     "what a credential is answered when it asks a URL for the same (no answer, a 5xx), one call in a while looks "
     "whether it is better, a second at first and five minutes at last, and nobody else whom it concerns calls; each "
     "goes on saying what that call said, and there is one Event",
     NULL},
    {"TLSError", REASON_AGAIN, REASON_OF_CALL,
     "no answer from GitLab, or from the API server. After five failures in a row, of connections to a host, or of "
     "what a credential is answered when it asks a URL for the same (no answer, a 5xx), one call in a while looks "
     "whether it is better, a second at first and five minutes at last, and nobody else whom it concerns calls; each "
     "goes on saying what that call said, and there is one Event",
     NULL},
    {"Busy", REASON_AGAIN, REASON_OF_CALL,
     "an object went by force while all places at its GitLab were taken: nobody waits for it, and its runner goes into "
     "the ledger",
     NULL},
    {"RateLimited", REASON_AGAIN, REASON_OF_CALL,
     "429; Retry-After is kept, by all of the namespace that would ask this URL for the same with the same credential",
     NULL},
    {"ResourceLocked", REASON_AGAIN, REASON_OF_CALL, "409: somebody else changes the runner at the same time", NULL},
    {"ServerError", REASON_AGAIN, REASON_OF_CALL,
     "5xx, or something that is not GitLab's JSON: a refusal that GitLab did not put into JSON is that of a proxy or "
     "firewall, and proves nothing",
     NULL},
    {"UnexpectedAnswer", REASON_AGAIN, REASON_OF_CALL,
     "5xx, or something that is not GitLab's JSON: a refusal that GitLab did not put into JSON is that of a proxy or "
     "firewall, and proves nothing",
     NULL},
    {"ResponseTooLarge", REASON_AGAIN, REASON_OF_CALL,
     "5xx, or something that is not GitLab's JSON: a refusal that GitLab did not put into JSON is that of a proxy or "
     "firewall, and proves nothing",
     NULL},
    {"Unconfirmed", REASON_AGAIN, REASON_OF_CALL,
     "GitLab, or what stands before it, says that it does not know the runner, or its token; but the same server "
     "refuses what GitLab refuses nobody, so nothing is concluded: an IP restriction or a firewall may be in the way. "
     "(What GitLab itself says is asked once more, some seconds later, before it is believed; the log and the metrics "
     "call that Confirming)",
     NULL},
    {"SearchTooLong", REASON_AGAIN, REASON_OF_CALL,
     "a lost runner is looked for among those that never asked for a job, one by one, for ten minutes at most: delete "
     "those that nobody needs",
     NULL},
    {"NotConverging", REASON_AGAIN, REASON_OF_RULE, "a rule asked for the same again and again; please report it",
     NULL},
    {"ServiceAccountNotFound", REASON_PERSON, REASON_OF_PODS,
     "create the account of spec.manager.serviceAccountName, or name another one", "spec.manager.serviceAccountName"},
    {"QuotaExceeded", REASON_PERSON, REASON_OF_PODS,
     "raise the namespace's ResourceQuota or LimitRange, or change spec.manager.resources", NULL},
    {"LimitRangeForbids", REASON_PERSON, REASON_OF_PODS,
     "raise the namespace's ResourceQuota or LimitRange, or change spec.manager.resources", NULL},
    {"PriorityClassNotFound", REASON_PERSON, REASON_OF_PODS,
     "create it, or correct spec.manager.priorityClassName, spec.manager.podSpec.runtimeClassName",
     "spec.manager.priorityClassName"},
    {"RuntimeClassNotFound", REASON_PERSON, REASON_OF_PODS,
     "create it, or correct spec.manager.priorityClassName, spec.manager.podSpec.runtimeClassName",
     "spec.manager.podSpec.runtimeClassName"},
    {"AdmissionDenied", REASON_PERSON, REASON_OF_PODS, "change what a webhook, a policy or the API server itself names",
     NULL},
    {"PodInvalid", REASON_PERSON, REASON_OF_PODS, "change what a webhook, a policy or the API server itself names",
     NULL},
    {"ReplicaFailure", REASON_WORK, REASON_OF_PODS, "it is tried again; the message is the API server's", NULL},
    {"AdmissionUnavailable", REASON_WORK, REASON_OF_PODS, "it is tried again; the message is the API server's", NULL},
    {"ImagePullBackOff", REASON_PERSON, REASON_OF_PODS,
     "correct spec.manager.image, or name Secrets with the registry's credentials in spec.manager.imagePullSecrets. "
     "When the registry cannot be reached the kubelet tries again",
     "spec.manager.image"},
    {"InvalidImageName", REASON_PERSON, REASON_OF_PODS,
     "correct spec.manager.image, or name Secrets with the registry's credentials in spec.manager.imagePullSecrets. "
     "When the registry cannot be reached the kubelet tries again",
     "spec.manager.image"},
    {"ErrImageNeverPull", REASON_PERSON, REASON_OF_PODS,
     "correct spec.manager.image, or name Secrets with the registry's credentials in spec.manager.imagePullSecrets. "
     "When the registry cannot be reached the kubelet tries again",
     "spec.manager.imagePullPolicy"},
    {"CreateContainerConfigError", REASON_PERSON, REASON_OF_PODS,
     "make the Secret or ConfigMap that the message names, or correct spec.manager.env, envFrom or podSpec", NULL},
    {"CreateContainerError", REASON_PERSON, REASON_OF_PODS, "the container runtime's own words are in the message",
     NULL},
    {"RunContainerError", REASON_PERSON, REASON_OF_PODS, "the container runtime's own words are in the message", NULL},
    {"CrashLoopBackOff", REASON_PERSON, REASON_OF_PODS,
     "the message has the exit code, and the command that shows what the process said last", NULL},
    {"OOMKilled", REASON_PERSON, REASON_OF_PODS, "raise limits.memory in spec.manager.resources",
     "spec.manager.resources"},
    {"Unschedulable", REASON_PERSON, REASON_OF_PODS,
     "the scheduler's own words: a node that fits, or another nodeSelector, tolerations, affinity, resources; a "
     "PersistentVolumeClaim that is not bound",
     NULL},
    {"SchedulingGated", REASON_WORK, REASON_OF_PODS,
     "the scheduler's own words: a node that fits, or another nodeSelector, tolerations, affinity, resources; a "
     "PersistentVolumeClaim that is not bound",
     NULL},
    {"ContainerCreating", REASON_WORK, REASON_OF_PODS,
     "after a minute: an image that is long in coming, a volume (Secret, ConfigMap, claim) that is not there, a "
     "process that does not answer. The message has the command that shows more",
     NULL},
    {"ContainerWaiting", REASON_WORK, REASON_OF_PODS,
     "after a minute: an image that is long in coming, a volume (Secret, ConfigMap, claim) that is not there, a "
     "process that does not answer. The message has the command that shows more",
     NULL},
    {"ManagerNotReady", REASON_WORK, REASON_OF_PODS,
     "after a minute: an image that is long in coming, a volume (Secret, ConfigMap, claim) that is not there, a "
     "process that does not answer. The message has the command that shows more",
     NULL},
    {"RolloutFailed", REASON_PERSON, REASON_OF_PODS, "the Deployment has given up, and nothing else is known", NULL},
    {"Registering", REASON_WORK, REASON_OF_RULE, NULL, NULL},
    {"NotRegistered", REASON_WORK, REASON_OF_RULE, NULL, NULL},
    {"Pending", REASON_WORK, REASON_OF_RULE, NULL, NULL},
    {"Recreating", REASON_WORK, REASON_OF_RULE, NULL, NULL},
    {"ManagerStarting", REASON_WORK, REASON_OF_RULE, NULL, NULL},
    {"Draining", REASON_WORK, REASON_OF_RULE, NULL, NULL},
    {"NotContacted", REASON_WORK, REASON_OF_RULE, NULL, NULL},
    {"WaitingForOperator", REASON_WORK, REASON_OF_RULE,
     "no operator runs, or none serves this namespace: run --namespace, or its share is used up", NULL},
    {"Ready", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"Registered", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"Applied", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"UnknownConfigKeys", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"Warnings", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"ReadyWithWarnings", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"TokenExpiring", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"Available", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"ScaledToZero", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"Reachable", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"Paused", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"Drained", REASON_GOOD, REASON_OF_RULE, NULL, NULL},
    {"InvalidJSON", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"Unauthorized", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"NotFound", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"AlreadyExists", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"Conflict", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"Gone", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"ServerTimeout", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"StoreReadError", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"TooManyRequests", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"BadRequest", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"MethodNotAllowed", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"NotAcceptable", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"RequestEntityTooLarge", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"UnsupportedMediaType", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"InternalError", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"Expired", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
    {"ServiceUnavailable", REASON_KUBERNETES, REASON_OF_CALL, NULL, NULL},
};

const struct reason *reason_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(all_reasons); i++)
        if (strcmp(all_reasons[i].name, name) == 0)
            return &all_reasons[i];
    return NULL;
}

const struct reason *reason_at(size_t i)
{
    return i < ARRAY_LEN(all_reasons) ? &all_reasons[i] : NULL;
}
