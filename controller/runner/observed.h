/* Everything that a decision about one GitLabRunner may look at, and nothing else.
 *
 * Filled by the reconciler at the start of a turn (from the store, which holds no token) and completed by the answers
 * that come in during the turn (contents of Secrets, what GitLab said). All pointers are lent and live as long as
 * the turn. Facts about the registration and facts about the manager are kept apart: a manager can be shared one day.
 */
#ifndef RUNNER_OBSERVED_H
#define RUNNER_OBSERVED_H

#include "runner/memory.h"
#include "runner/render.h"

/* A value that lives in a Secret or ConfigMap, read by name when a rule asks for it. */
enum lookup {
    LOOKUP_UNKNOWN,
    LOOKUP_NO_OBJECT,
    LOOKUP_NO_KEY,
    LOOKUP_EMPTY,
    LOOKUP_INVALID,      /* it holds what no token may, or is too large: see complaint */
    LOOKUP_WRONG_KIND,   /* it is a token of another kind than the spec says: see complaint            */
    LOOKUP_NOT_FOR_HOST, /* ANNOTATION_ALLOWED_HOSTS does not list the host of spec.url, or its address */
    LOOKUP_FOUND,
};

struct observed_value {
    enum lookup lookup;
    const char *value;     /* LOOKUP_FOUND only                                                   */
    const char *complaint; /* LOOKUP_INVALID, LOOKUP_WRONG_KIND: "holds a blank", "is longer than 256 KiB" */
    const char *version;   /* resource version of the object; known from the watch without reading */
    bool bound;            /* READ_CREDENTIAL: ANNOTATION_ALLOWED_HOSTS says where it may go       */
    const char *ca_pem;    /* … and this is trusted beside the system's, not READ_CA; NULL: none   */
    bool unseen;           /* nobody has looked yet whether the object is there                    */
};

/* What may be read, ACT_READ. */
enum readable {
    READ_CREDENTIAL,  /* what spec.authentication names                                              */
    READ_CA,          /* what spec.caSecretRef or caConfigMapRef names                               */
    READ_CLIENT_CERT, /* what spec.clientCertificateSecretRef names: the certificate, …             */
    READ_CLIENT_KEY,  /* … and its key, read after it                                               */
    READ_TOKEN,       /* the runner's token in our token Secret                                      */
    READ_CACHE,       /* the whole data of the Secret that spec.cache names, as JSON                 */
    READ_CONFIG,      /* the runner's token as the config Secret still has it                        */
    READ_ACCOUNT,     /* the uid of the ServiceAccount that spec.manager names                       */
    READ_COUNT,
};

struct observed_child {
    bool exists;      /* an object of that kind and name is there and is ours                        */
    bool foreign;     /* an object of that kind and name is there and is not ours: never touched     */
    bool inherited;   /* foreign, but a token Secret of a former object of our name: see takeover    */
    bool terminating; /* being deleted                                                               */
    bool drifted;     /* somebody changed or took a field that we applied                            */
    bool held;        /* our finalizer is on it: the token Secret, until its runner is deregistered  */
    const char *uid, *hash, *inputs;
    const char *fields; /* a digest of the fields that are ours by apply; NULL: it is not judged */
};

/* An object of ours that the spec does not lead to (any more). */
struct stray {
    const char *kind, *ns, *name, *uid; /* kind NULL: none */
    bool foreground;                    /* deleted, it stays until all that it owns has ended */
};

enum { FINGERPRINT_SIZE = 17 }; /* of manifest_hash() */

struct trace;

struct observed {
    int64_t now_ms; /* monotonic           */
    int64_t now;    /* seconds since 1970  */
    struct render_settings settings;
    const struct memory *memory; /* of this process, about this runner; never NULL */
    bool bystander; /* by a process that does not act: what was tried is told by the object's status alone */
    /* A failure that the object's status tells of, and that this process does not remember; NULL: none. */
    const struct attempt *supposed;
    struct trace *trace; /* is told what each rule says (trace.h); NULL: nobody wants to know */

    /* The object itself. */
    struct owner owner;
    const char *version; /* resource version of the object as the turn began    */
    int64_t generation;
    const char *spec_digest; /* of its text; NULL: nothing is known of the text */
    bool finalizer;          /* ours is on it                                        */
    bool deleting;
    bool gone;               /* by force, or succeeded, while it is worked on: it cannot be written */
    int64_t deletion_time;   /* seconds since 1970                                   */
    bool force_delete;       /* ANNOTATION_FORCE_DELETE says so, or it is gone       */
    const struct spec *spec; /* NULL: invalid, see spec_err                         */
    struct err spec_err;
    struct attributes attributes; /* what GitLab is to keep: the spec's, and paused while annotations say so … */
    bool paused_for_a_while;      /* … which they did as the turn began. Filled by observe_attributes()       */
    struct json_object *status;   /* as last written; NULL: none                      */

    /* The registration, towards GitLab. */
    struct observed_value values[READ_COUNT];
    struct registration registered; /* what the token Secret's annotations say; its token is values[READ_TOKEN] */
    bool in_line;                   /* a call to GitLab waits for its place */
    bool
        calling; /* GitLab is being asked: what is known of the registration may be out of date before it is acted on */

    /* The manager, towards Kubernetes. */
    struct observed_child children[CHILD_COUNT];
    struct wanted {
        bool wanted;
        const char *hash;             /* what ANNOTATION_APPLIED_HASH should be                       */
        struct json_object *manifest; /* with placeholders; NULL: rendered when it is asked for      */
    } wanted[CHILD_COUNT];            /* filled by observe_fingerprints()                             */
    int64_t replicas, ready_replicas, available_replicas, updated_replicas; /* of the Deployment      */
    bool rollout_observed;       /* the Deployment controller has seen its newest generation     */
    const char *rollout_problem; /* what its Progressing condition says when it failed; or NULL  */
    const char *replica_failure; /* … its condition ReplicaFailure; or NULL                      */
    bool job_namespace_served, job_namespace_exists, job_namespace_open;
    const char *job_namespace_level; /* of Pod Security that it enforces; NULL: none                */
    struct stray stray;
};

/* The rule's call that failed, or the one of any rule that is due last; NULL when there is none. */
const struct attempt *failed_attempt(const struct observed *o, const char *rule);
const struct attempt *last_failed(const struct observed *o);
/* Monotonic: when to look at the managers' pods; 0: not at all. */
int64_t pods_due(const struct observed *o);

/* The fingerprints of what a spec leads to, which remain as they are until the spec does not; "": not wanted. */
struct fingerprints {
    bool known;
    char spec[FINGERPRINT_SIZE]; /* observed.spec_digest */
    char of[CHILD_COUNT][FINGERPRINT_SIZE];
};

/* What is learned of a runner that could stay, or be adopted, from how GitLab shows it; NULL: it refuses to. */
enum takeover takeover_of(const struct observed *o, struct json_object *runner);

/* From the spec and the time of now; nothing when the spec is invalid. What is paused stays so for the turn. */
void observe_attributes(struct observed *o);
/* GitLab was told last that the runner, with all else as it is to be, is paused. */
bool is_paused_at_gitlab(const struct observed *o, struct arena *a);

/* What the spec leads to: by the fingerprints of this very spec, without manifests; while they are not known, it is
 * rendered, and they are found out. Nothing when the spec is invalid. */
void observe_fingerprints(struct observed *o, struct fingerprints *of_spec, struct arena *a);
/* What the spec leads to, with placeholders, not for the token Secret. The caller may change it. */
struct json_object *wanted_manifest(const struct observed *o, enum child child, struct arena *a);

/* As many managers as asked for run what the spec says now, and no others. */
bool managers_are_available(const struct observed *o);
/* The Deployment is as it is to be, its controller has begun, and yet they are not; nobody has refused their pods. */
bool managers_are_waited_for(const struct observed *o, struct arena *a);
/* Why they do not start; reason NULL: they do, or nothing is known. */
struct trouble managers_trouble(const struct observed *o, struct arena *a);

/* What the token Secret's annotations say is the url, mode and scope that the spec asks for. */
bool registration_fits(const struct observed *o, struct arena *a);
/* It fits, and the token Secret is there to stay. */
bool is_registered(const struct observed *o, struct arena *a);
/* Managers of a former spec may still be at work under a ServiceAccount that the spec does not lead to any more: it
 * stays until those of now are available, or the edit is undone. */
bool account_is_in_use(const struct observed *o, const char *kind);
/* The child is there as the spec wants it; the config Secret also with the token and CA of now. */
bool child_is_right(const struct observed *o, enum child child, struct arena *a);
/* The registration is also up to date: GitLab was told the attributes, and the token is the one that the user gave. */
bool registration_is_right(const struct observed *o, struct arena *a);
/* ANNOTATION_INPUTS of the config Secret as it should be ("token=VERSION ca=VERSION"), and of the token Secret (the
 * version of the Secret that a runner token was copied from; NULL in the other modes). */
const char *config_inputs_text(const struct observed *o, struct arena *a);
const char *token_inputs_text(const struct observed *o, struct arena *a);
/* The same of the Deployment ("account=UID restart=WORD"); NULL: nothing. A Deployment that does not say of which
 * account it was made is taken as it is, and where nobody asks for a restart the last one counts. */
const char *deployment_inputs_text(const struct observed *o, struct arena *a);

/* The token Secret was written: what is issued, or the token that is known already, stands in this version of it. */
void observe_saved_token(struct observed *o, const char *version, struct arena *a);

#endif
