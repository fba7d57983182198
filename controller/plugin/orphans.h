/* Runners at GitLab that have our mark, and no GitLabRunner: found, judged, removed. Private to plugin/orphans*.c.
 *
 *   orphans_cluster.c   what this cluster has, and ever had as far as it still knows: uids of objects, and traces
 *   orphans_gitlab.c    the access tokens that GitLabRunners name, and what each of them sees at GitLab
 *   orphans_rule.c      whether one of them may be removed; pure
 *   orphans_command.c   the command */
#ifndef PLUGIN_ORPHANS_H
#define PLUGIN_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "gitlab/api.h"

struct arena;
struct json_object;
struct plugin_call;

/* What is known of a runner, for the rule. */
struct orphan_facts {
    const char *object; /* "ci/builds", whose uid its mark has; NULL: no object has it                          */
    bool all_seen;      /* GitLabRunners of all namespaces were looked at                                       */
    const char *trace;  /* of the uid in this cluster: "Secret ci/builds-runner-token"; NULL: none               */
    bool vouched;       /* the caller says that the uid was one of this cluster: --uid                           */
    bool in_ledger;     /* the operator is at it                                                                 */
    int jobs;           /* that run on it: 0: none; 1: at least one; -1: not known                               */
    int64_t contacted;  /* when it asked for a job last, seconds since 1970; 0: never                            */
    int64_t created;    /* … when it was made; 0: not known                                                      */
    int64_t now;        /* by GitLab's clock, where it tells it                                                  */
};

enum { ORPHAN_QUIET_S = 24 * 3600 };

/* NULL: it may be removed; else why it is kept, a constant or the arena's. */
const char *orphan_is_kept(const struct orphan_facts *facts, struct arena *a);

/* ------------------------------------------------------------------------------------------------------------------ */

struct cluster_uids {
    struct map objects; /* of GitLabRunners: uid → "ci/builds"                        */
    struct map traces;  /* uids that something here still tells of → what             */
    struct map in_use;  /* "HOST ID" of runners that objects say are theirs → the key */
    bool all_seen;
    struct json_object *runners; /* the objects; NULL: they may not be listed, and *err was told */
    struct json_object *ledger;  /* an array of entries, each with its token taken out            */
};

/* Asks for all of it; what may not be seen is told with not_seen(). */
void cluster_uids_read(struct plugin_call *call, struct cluster_uids *ret);
void cluster_uids_finish(struct cluster_uids *uids);
/* "gitlab.example.com 12" */
const char *runner_at_host(const char *url, int64_t id, struct arena *a);

/* ------------------------------------------------------------------------------------------------------------------ */

/* An access token, and where it goes. The texts are the arena's, which is cleansed. */
struct orphan_credential {
    const char *ns, *secret, *key, *url, *address, *host;
    const char *ca_ref_kind, *ca_ref_name, *ca_ref_key; /* of spec.caSecretRef or caConfigMapRef; NULL: none */
    const char *client_secret;                          /* of spec.clientCertificateSecretRef; NULL         */
    const char *token, *ca_pem, *client_cert, *client_key;
};

struct orphan_credentials {
    struct orphan_credential *items;
    size_t len;
};

/* Those that the objects of namespace ns (NULL: all) name, each once, with what their Secrets hold. What may not be
 * read, or may not go to its host, is told and left out. */
void orphan_credentials_of(struct plugin_call *call, const struct cluster_uids *uids, const char *ns,
                           struct orphan_credentials *ret);
/* The one that the command line names: "NAMESPACE/SECRET[/KEY]". False: it is no such name, or cannot be read, as was
 * told. */
bool orphan_credential_named(struct plugin_call *call, const char *name, const char *url,
                             struct orphan_credentials *ret);

/* A runner at GitLab that has our mark, and no object of this cluster, or another one than its object uses. */
struct orphan_runner {
    const struct orphan_credential *credential; /* that sees it; NULL: it is in the ledger alone */
    const char *host, *url;
    int64_t id;
    const char *uid, *description;
    struct orphan_facts facts;
    const char *kept; /* orphan_is_kept() */
};

struct orphan_audit {
    struct orphan_runner *runners;
    size_t len, size;
    size_t looked_at; /* runners at GitLab                                    */
    bool cut;         /* not all were looked at: the time was over, or too many */
};

struct audit;

/* vouched: "UID,UID" of the command line; NULL. */
struct audit *audit_create(struct plugin_call *call, int64_t timeout_ms);
void audit_destroy(struct audit *audit);
/* Looks through what each token sees; what is refused is told on stderr. */
void audit_look(struct audit *audit, const struct cluster_uids *uids, const struct orphan_credentials *credentials,
                const char *vouched, struct orphan_audit *ret);
/* Looks at it once more, and removes it if it may be removed still. NULL: it is gone; else why not. */
const char *audit_remove(struct audit *audit, struct orphan_runner *runner);

#endif
