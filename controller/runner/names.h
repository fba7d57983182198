/* Every name that the product writes into objects, in one place. */
#ifndef RUNNER_NAMES_H
#define RUNNER_NAMES_H

#define GROUP           "gitlab-runners.dev"
#define VERSION_V1BETA1 "v1beta1"
#define API_VERSION     GROUP "/" VERSION_V1BETA1
#define KIND            "GitLabRunner"
#define PLURAL          "gitlabrunners"

#define FIELD_MANAGER "gitlab-runner-controller"
#define FINALIZER                                                                                                      \
    GROUP "/deregister" /* on the object, and on its token Secret: without the token nobody can deregister */

#define APP_NAME "gitlab-runner" /* what we make, as the label app.kubernetes.io/name has it */

/* Labels of everything that we make. */
#define LABEL_MANAGED_BY "app.kubernetes.io/managed-by" /* FIELD_MANAGER                                      */
#define LABEL_NAME       "app.kubernetes.io/name"       /* APP_NAME                                           */
#define LABEL_INSTANCE   "app.kubernetes.io/instance"   /* name of the GitLabRunner, cut to a label's length  */
#define LABEL_RUNNER     GROUP "/runner"                /* the same                                           */

/* Annotations of everything that we make. */
#define ANNOTATION_OWNER        GROUP "/owner" /* key of the GitLabRunner (base/key.h), uncut           */
#define ANNOTATION_OWNER_UID    GROUP "/owner-uid"
#define ANNOTATION_APPLIED_HASH GROUP "/applied-hash" /* fingerprint of the manifest as it was rendered        */
#define ANNOTATION_INPUTS       GROUP "/inputs"       /* what went into it: versions of Secrets, an account's uid */

/* Annotation of the manager's pods: fingerprint of what gitlab-runner reads at its start only (runner/extra_config.h).
 */
#define ANNOTATION_START_CONFIG GROUP "/start-config"

/* Annotation of the manager's pods: the uid of the ServiceAccount whose token they have. */
#define ANNOTATION_ACCOUNT_UID GROUP "/service-account-uid"

/* Annotations of the token Secret. */
#define ANNOTATION_RUNNER_ID        GROUP "/runner-id"
#define ANNOTATION_URL              GROUP "/url"
#define ANNOTATION_AUTHENTICATION   GROUP "/authentication" /* the mode it was registered by                     */
#define ANNOTATION_SCOPE            GROUP "/scope"
#define ANNOTATION_TOLD_HASH        GROUP "/told-hash" /* fingerprint of what GitLab was told: tags, …      */
#define ANNOTATION_TOKEN_EXPIRATION GROUP "/token-expiration-time"
#define ANNOTATION_TOKEN_OBTAINED   GROUP "/token-obtained-time" /* with an expiration: since when it lives      */

/* Annotation of a GitLabRunner: another value than before asks for a new token. The token Secret's annotation of this
 * name has the value that was honoured. */
#define ANNOTATION_ROTATE_TOKEN GROUP "/rotate-token"

/* Annotations of a GitLabRunner by which people pause it for a while (runner/steering.h): until a time as RFC 3339
 * writes it, or until somebody takes the annotation away; and who has done so, when and why, for people. */
#define ANNOTATION_PAUSED_UNTIL GROUP "/paused-until"
#define ANNOTATION_PAUSED_BY    GROUP "/paused-by"
#define ANNOTATION_PAUSED_AT    GROUP "/paused-at"
#define ANNOTATION_PAUSE_REASON GROUP "/pause-reason"
#define UNTIL_RESUMED           "resumed"

/* Annotation of a GitLabRunner: another value than before replaces its managers' pods, one after the other. These have
 * it, too. */
#define ANNOTATION_RESTART GROUP "/restart"

/* Annotation of a GitLabRunner that was registered with a registration token: somebody says that GitLab has the
 * attributes of this fingerprint by now. They cannot be told, nor seen, by what the operator holds. */
#define ANNOTATION_SET_AT_GITLAB GROUP "/set-at-gitlab"

/* Annotation of a GitLabRunner that is being deleted, with the value "true": nobody waits any longer for its managers
 * or for GitLab. */
#define ANNOTATION_FORCE_DELETE GROUP "/force-delete"

/* Annotation of a Secret that spec.authentication names: the hosts that it may be sent to, names or shell patterns,
 * each with a port or for all ports ("gitlab.example.com, *.example.org:8443"). Without it, any. With it the credential
 * is bound: what spec.hostAliases leads to has to be listed as well, and whom to trust beside the system's authorities
 * is said by the Secret (KEY_CA), not by the spec. */
#define ANNOTATION_ALLOWED_HOSTS GROUP "/allowed-hosts"

/* Annotation of a Namespace: which namespaces' runners may run their jobs in it ("ci, team-*"). */
#define ANNOTATION_ALLOWED_FROM GROUP "/allowed-from"

/* Label of a Namespace, Kubernetes' own: the level of the Pod Security Standards that its pods must keep to. */
#define LABEL_POD_SECURITY "pod-security.kubernetes.io/enforce"

/* The mark by which a runner at GitLab is known to be ours, in its maintenance note: MARK_PREFIX and the object's uid.
 */
#define MARK_PREFIX GROUP "/uid="

#define LEDGER_NAME "gitlab-runner-orphans" /* ledger.h */

#define EXECUTOR_CLUSTER_ROLE "gitlab-runner-executor"

#define KEY_RUNNER_TOKEN "runner-token"
#define KEY_CONFIG       "config.toml"
#define KEY_CA           "ca.crt"
#define KEY_CLIENT_CERT  "tls.crt" /* as Secrets of the type kubernetes.io/tls have it */
#define KEY_CLIENT_KEY   "tls.key"

#endif
