/* What the parts of the API server's model share.
 *
 * An object is a chain of states, each of one version; a state never changes, and lives as long as the object, an event
 * of the history or a list under way refers to it. */
#ifndef TESTS_SIM_API_PARTS_H
#define TESTS_SIM_API_PARTS_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "tests/sim/api.h"
#include "tests/sim/network.h"

struct schema;

enum { API_KINDS = 13, API_HOSTS_MAX = 8, API_RULES_MAX = 32, API_TELLS_MAX = 4 };

struct api_kind {
    const char *plural, *kind, *group, *api_version;
    bool namespaced;
    bool has_status;       /* a subresource of it */
    bool counts;           /* generations */
    bool shows_deleted;    /* DELETE answers with the object, not a Status */
    const char *type;      /* schema_of() */
    const char *head_text; /* how the text of an object begins */
};
extern const struct api_kind api_kinds[API_KINDS];
/* NULL: there is none. group: "" for core. */
const struct api_kind *api_kind_of(const char *group, const char *plural);
/* By its name alone, as the functions of api.h have it; it must be there. */
const struct api_kind *api_kind_named(const char *plural);
enum api_kind_name {
    API_RUNNERS,
    API_SECRETS,
    API_CONFIG_MAPS,
    API_ACCOUNTS,
    API_ROLE_BINDINGS,
    API_DEPLOYMENTS,
    API_BUDGETS,
    API_PODS,
    API_NAMESPACES,
    API_LEASES,
    API_EVENTS,
    API_SLICES,
    API_SERVICES
};

/* ------------------------------------------------------------------------------------------------------------------
 * Objects (api_store.c) */

struct api_state {
    unsigned refs;
    uint64_t version;
    const char *ns, *name; /* in root */
    struct json_object *root;
    char *text, *meta_text; /* made when they are asked for */
    size_t text_len, meta_len;
};

struct api_object {
    const struct api_kind *kind;
    char *ns, *name;
    char uid[40];
    char hash[16];                /* of a Deployment: the template that has the last revision */
    struct json_object *template; /* … and that which was looked at last; a reference */
    char template_hash[16];
    struct api_state *state;
};

/* Something that happened: before NULL: it was made; after NULL: it was removed, and gone is its last text. */
struct api_event {
    uint64_t version;
    struct api_state *before, *after, *gone;
};

struct api_shelf {
    struct api_object **objects; /* by namespace and name */
    size_t len, size;
    struct api_event *events;
    size_t events_len, events_size;
    struct list watches; /* struct api_watch */
};

struct api_host {
    struct api *api;
    const char *name;
    uint64_t lag[API_KINDS];
};

struct api_rule {
    char user[64], verb[16], resource[32];
};

struct api_token {
    char *token, *user;
};

/* What somebody wants to know of each write. */
struct api_ear {
    void (*told)(void *arg, const struct api_write *write);
    void *arg;
};

struct api {
    struct sim *sim;
    struct api_shelf shelves[API_KINDS];
    uint64_t version, oldest; /* given last; events since */
    uint64_t uids, names;
    struct api_host hosts[API_HOSTS_MAX];
    size_t hosts_len;
    bool lags; /* any host does */
    struct api_rule rules[API_RULES_MAX];
    size_t rules_len;
    struct api_token tokens[API_RULES_MAX];
    size_t tokens_len;
    bool asks_for_tokens;
    char refused[32], refusal[200];
    int refusal_status;
    struct api_trouble trouble;
    int64_t page_items; /* 0: as many as are asked for, and lists may be streams */
    struct api_page_ear {
        void (*told)(void *arg);
        void *arg;
    } page_ear;
    struct api_ear ears[API_TELLS_MAX];
    size_t ears_len;
    struct map by_uid; /* struct api_object, lent keys */
    struct controllers *controllers;
};

static inline struct api_shelf *api_shelf(const struct api *api, const struct api_kind *kind)
{
    return (struct api_shelf *)&api->shelves[kind - api_kinds];
}

struct api_object *api_find(const struct api *api, const struct api_kind *kind, const char *ns, const char *name);
struct api_object *api_find_by_uid(const struct api *api, const char *uid);

struct api_state *api_state_hold(struct api_state *state);
void api_state_drop(struct api_state *state);
const char *api_state_text(const struct api_kind *kind, struct api_state *state, size_t *ret_len);
/* As PartialObjectMetadata. */
const char *api_state_meta(struct api_state *state, size_t *ret_len);

/* The states of a kind as they were at a version, by namespace and name; the caller drops each and frees the array. */
struct api_state **api_view(const struct api *api, const struct api_kind *kind, uint64_t version, size_t *ret_len);

/* Who writes, and how. */
struct api_call {
    const char *user, *manager, *verb, *subresource;
    int replica;
    bool force;
};

/* Puts a new version of an object (NULL: a new one) on its shelf, tells of it and shows it to watches. Takes root over;
 * its metadata is its own, has name, namespace and uid, and gets the version. */
struct api_object *api_put(struct api *api, const struct api_call *call, const struct api_kind *kind,
                           struct api_object *object, struct json_object *root);
/* Takes the object away. Returns its last state, of a version of its own: a reference of the caller's. */
struct api_state *api_take(struct api *api, const struct api_call *call, struct api_object *object);

/* ------------------------------------------------------------------------------------------------------------------
 * Answers (api_status.c). What is answered is a state, a tree or a text. */

struct api_reply {
    int status;
    struct api_state *state; /* a reference */
    struct json_object *tree;
    struct buf text; /* of a list; data NULL: none */
};
void api_reply_finish(struct api_reply *reply);
struct api_reply api_reply_state(int status, struct api_state *state);
/* A Status that says no. kind NULL: of nothing special. causes: taken over, may be NULL. */
struct api_reply api_refuse_with(int status, const char *reason, const struct api_kind *kind, const char *name,
                                 struct json_object *causes, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
struct json_object *api_status(int status, const char *reason, const struct api_kind *kind, const char *name,
                               struct json_object *causes, const char *message);
struct api_reply api_not_found(const struct api_kind *kind, const char *name);
struct api_reply api_conflict(const struct api_kind *kind, const char *name, const char *why);
/* "secrets", "gitlabrunners.gitlab-runners.dev" */
const char *api_qualified(const struct api_kind *kind);

/* ------------------------------------------------------------------------------------------------------------------
 * Content (api_content.c): an object without kind, names, uid, versions, times and managedFields. What is returned is a
 * reference of the caller's. */

/* MAIN: without the status, where that has a subresource; STATUS: it alone. */
enum api_part { API_ALL, API_MAIN, API_STATUS };
enum api_part api_part_of(const struct api_call *call, const struct api_kind *kind);
struct json_object *api_content_of(struct json_object *root, enum api_part part);
struct json_object *api_manifest_of(const struct api_call *call, const struct api_kind *kind, struct json_object *body);
/* What is sent, and what there is of the part that is not written. */
struct json_object *api_content_laid_over(const struct api_call *call, const struct api_kind *kind,
                                          struct json_object *body, struct json_object *live);
/* A Secret's stringData becomes data. */
struct json_object *api_secret_body(const struct api_kind *kind, struct json_object *body);

struct api_system_fields {
    struct json_object *name, *generate_name, *ns, *uid, *created, *deleted, *grace; /* lent, or NULL */
    int64_t generation;                                                              /* 0: none       */
};
struct api_system_fields api_system_fields_of(struct json_object *root);
/* A whole object, whose version is still to be set. */
struct json_object *api_assembled(const struct api_kind *kind, const struct api_system_fields *system,
                                  struct json_object *content, struct json_object *fields);

/* ------------------------------------------------------------------------------------------------------------------
 * Writes (api_write.c). Bodies are lent. */

struct api_reply api_create_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                   const char *ns, struct json_object *body);
struct api_reply api_apply_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                  const char *ns, const char *name, struct json_object *body);
struct api_reply api_replace_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                    const char *ns, const char *name, struct json_object *body);
struct api_reply api_patch_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                  const char *ns, const char *name, const char *patch_type, struct json_object *patch);
struct api_reply api_delete_object(struct api *api, const struct api_call *call, const struct api_kind *kind,
                                   const char *ns, const char *name, struct json_object *options);

/* Both return NULL and *ret_why when it cannot be done (api_patch.c). */
struct json_object *api_merge_patch(struct json_object *target, struct json_object *patch);
struct json_object *api_json_patch(struct json_object *target, struct json_object *patch, char ret_why[static 200]);

/* What a kind's values are when nobody has said (api_default.c): content with defaults, and of a CRD without unknown
 * fields; before: what it was, NULL: nothing. A reference of the caller's. */
struct json_object *api_defaulted(const struct api_kind *kind, struct json_object *content, struct json_object *before);
/* The field for which a Deployment is refused; "": none (api_valid.c). */
const char *api_deployment_fault(struct json_object *content);
/* Why a CRD's value is refused, which has that name; "" when it is not. */
void api_judge(const struct schema *schema, struct json_object *value, const char *name, char ret[static 300]);

/* ------------------------------------------------------------------------------------------------------------------
 * managedFields (api_managed.c): of content, which is an object without what the system sets */

struct api_managed {
    struct json_object *fields;  /* the array; NULL: none */
    struct json_object *content; /* after an apply        */
    struct json_object *causes;  /* of conflicts; NULL: there are none */
    char first[300];             /* what the first conflict is */
};
/* live NULL: there is no object yet. */
struct api_managed api_managed_apply(const struct api *api, const struct api_call *call, const struct api_kind *kind,
                                     struct json_object *fields, struct json_object *live,
                                     struct json_object *manifest);
struct json_object *api_managed_update(const struct api *api, const struct api_call *call, const struct api_kind *kind,
                                       struct json_object *fields, struct json_object *live, struct json_object *after);
/* Whether both say the same but for times. */
bool api_managed_same(struct json_object *a, struct json_object *b);

/* ------------------------------------------------------------------------------------------------------------------
 * Reads (api_read.c, api_watch.c) */

struct api_query {
    const char *label_selector, *field_selector, *version, *match, *cont;
    int64_t limit, timeout_s;
    bool watch, bookmarks, initial_events, meta, by_error;
};
bool api_selected(const char *labels, const char *fields, const struct api_state *state);
struct api_reply api_list(struct api *api, const struct api_host *host, const struct api_kind *kind, const char *ns,
                          const struct api_query *query);
void api_watch_begin(struct api_host *host, const struct api_kind *kind, const char *ns, const struct api_query *query,
                     struct exchange *exchange);
/* The exchange is gone: nobody listens. */
void api_watch_gone(struct api *api, struct exchange *exchange);
/* There is something new of that kind (NULL: of any). */
void api_watches_advance(struct api *api, const struct api_kind *kind);
void api_watches_finish(struct api *api);
/* What the host shows of a kind. */
uint64_t api_horizon(const struct api_host *host, const struct api_kind *kind);

/* A copy of the state's tree that may be changed at its root and in its metadata. */
struct json_object *api_state_edit(const struct api_state *state);

/* ------------------------------------------------------------------------------------------------------------------
 * The controllers' parts. Each acts when its time has come, and says whether it has to come again. */

struct controllers {
    struct api *api;
    bool held, postponed;
    uint64_t gc, deployments, namespaces; /* events that are to come; 0: none */
    struct list kubelets;                 /* what pods wait for               */
};
extern const struct api_call api_kcm_call, api_gc_call, api_kubelet_call;
bool gc_run(struct api *api);
bool namespaces_run(struct api *api);
bool deployments_run(struct api *api);
/* What becomes of a pod that has been made, or is to end. */
void kubelet_saw(struct api *api, const struct api_write *write);
void kubelet_finish(struct api *api);
/* Writes an edited tree of that object, or of a new one. */
void controllers_put(struct api *api, const struct api_call *call, const struct api_kind *kind,
                     struct api_object *object, struct json_object *root);
/* Whether the object has its like among its owners. */
bool controllers_owns(const struct api_object *owner, struct json_object *root);

void api_new_uid(struct api *api, char ret[static 40]);
/* "2026-11-30T03:50:00Z" */
const char *api_time(const struct api *api, char ret[static 24]);

#endif
