/* The model of GitLab inside: what it keeps, and how a call is answered. Its shape follows GitLab's own API: a guard
 * (whose token, which scopes), parameters (all complaints at once), then the endpoint. */
#ifndef TESTS_SIM_GITLAB_PARTS_H
#define TESTS_SIM_GITLAB_PARTS_H

#include "base/buf.h"
#include "base/map.h"
#include "tests/sim/gitlab.h"
#include "tests/sim/network.h"

enum lab_type { LAB_INSTANCE, LAB_GROUP, LAB_PROJECT };
extern const char *const lab_types[3]; /* "instance_type", … */

/* What somebody sets of a runner, and nothing else does. Texts are owned; NULL: none. */
struct lab_attributes {
    char *description, *note, *name;
    struct json_object *tags; /* never NULL */
    bool paused, locked, run_untagged, ref_protected;
    int64_t maximum_timeout; /* -1: none */
};

/* A gitlab-runner process that has used the token; strings are owned, "" but for the first: it did not say. */
struct lab_manager {
    uint64_t id;
    char *system_id, *version, *revision, *platform, *architecture;
    int64_t created_ms, contacted_ms;
};

/* Times are milliseconds since 1970; 0: never. Tokens are the server's. */
struct lab_runner {
    uint64_t id, owner, creator; /* creator: a user; 0: a registration token */
    enum lab_type type;
    bool shared; /* by several projects */
    const char *token;
    int64_t expires_ms, created_ms, updated_ms, contacted_ms;
    struct lab_attributes is;
    struct lab_manager *managers;
    size_t n_managers;
    unsigned running; /* jobs */
};

struct lab_access {
    uint64_t id, user;
    const char *token;
    char *name, *scopes; /* scopes: with a blank before and behind each */
    int64_t created_ms, used_ms, ends_s;
    bool revoked;
    unsigned count; /* requests in this minute */
};

struct lab_user {
    uint64_t id;
    char *username, *name;
    bool admin, blocked;
};

/* A group or a project. */
struct lab_owner {
    uint64_t id, parent; /* the group above; 0: none */
    char *name, *path;
    const char *registration;
    bool tokens_off;     /* allow_runner_registration_token is not; of a group on top */
    bool registrars_off; /* runner_registration_enabled is not */
    bool gone;
    bool no_shared;        /* a project without the instance's runners */
    int64_t expiry_s;      /* -1: none */
    unsigned char *levels; /* by user id: 50 owner, 40 maintainer, … */
    size_t n_levels;
};

struct lab_owners {
    struct lab_owner *at; /* in the order of ids, without gaps: from 1 on */
    size_t len;
};

/* What a backup holds: runners in the order of their ids, and the ids given last. */
struct lab_rows {
    struct lab_runner **runners;
    size_t len, size;
    uint64_t last_runner, last_manager;
};

struct gitlab_server {
    struct sim *sim;
    const char *host;
    struct lab_rows rows, backup;
    bool has_backup;
    struct map by_token; /* struct lab_runner */
    struct lab_access **accesses;
    size_t n_accesses;
    struct lab_user *users;
    size_t n_users;
    struct lab_owners groups, projects;
    const char *registration;
    char *version, *url; /* url: external_url; "": as the client wrote it */
    bool tokens_off, group_registrars_off, project_registrars_off, migrating, blocked;
    bool no_self_reset, too_late, orphans_told, strangers; /* strangers: whoever asks is of a refused address */
    unsigned runner_limit;
    int64_t expiry_s; /* of the instance; -1: none */
    char **tokens;    /* all there ever were: whoever was lent one may keep it */
    size_t n_tokens, tokens_size;
    unsigned throttle, throttle_others, others_count; /* a minute; 0: none */
    int64_t throttle_minute;
    struct gitlab_trouble trouble;
    struct buf answer;
    void (*told)(void *arg, const struct gitlab_asked *asked);
    void *told_arg;
};

/* ------------------------------------------------------------------------------------------------------------------
 * Rows: gitlab_rows.c, gitlab_owners.c */

int64_t lab_now_ms(const struct gitlab_server *lab);
/* NULL: there is none. */
struct lab_runner *lab_runner(const struct gitlab_server *lab, uint64_t id);
/* The runner of a token that lives. */
struct lab_runner *lab_runner_of(const struct gitlab_server *lab, const char *token);
/* Takes over what is in *is. */
struct lab_runner *lab_add_runner(struct gitlab_server *lab, enum lab_type type, uint64_t owner, uint64_t creator,
                                  struct lab_attributes *is);
void lab_delete_runner(struct gitlab_server *lab, struct lab_runner *runner);
/* Another one; the old is dead from here on. */
void lab_renew_token(struct gitlab_server *lab, struct lab_runner *runner);
/* A sign of life of that manager ("": <legacy>); info: version, revision, …, or NULL. */
void lab_heartbeat(struct gitlab_server *lab, struct lab_runner *runner, const char *system_id,
                   struct json_object *info);
/* False: it has no such manager. */
bool lab_forget_manager(struct lab_runner *runner, const char *system_id);
void lab_attributes_copy(struct lab_attributes *to, const struct lab_attributes *from);
void lab_attributes_finish(struct lab_attributes *is);
struct lab_rows lab_rows_copy(const struct lab_rows *rows);
void lab_rows_finish(struct lab_rows *rows);
/* Rows are others now: tokens are looked up among them. */
void lab_index_tokens(struct gitlab_server *lab);
/* A token of that beginning, unlike all others of this server; and one that is given. The server owns it. */
const char *lab_make_token(struct gitlab_server *lab, const char *beginning);
const char *lab_keep_token(struct gitlab_server *lab, char *token);

struct lab_owner *lab_owner(const struct lab_owners *owners, uint64_t id);
/* By its number, or its path. */
struct lab_owner *lab_owner_by_key(const struct lab_owners *owners, const char *key);
struct lab_owner *lab_add_owner(struct gitlab_server *lab, struct lab_owners *owners, const char *name,
                                const char *path, uint64_t parent);
/* With all that is below a group; its runners stay, and are nobody's. */
void lab_delete_owner(struct gitlab_server *lab, enum lab_type type, uint64_t id);
bool lab_is_orphaned(const struct lab_runner *runner);
struct lab_user *lab_add_user(struct gitlab_server *lab, const char *username, bool admin);
struct lab_user *lab_user(const struct gitlab_server *lab, uint64_t id);
void lab_set_level(struct lab_owner *owner, uint64_t user, unsigned level);
struct lab_access *lab_add_access(struct gitlab_server *lab, const char *token, const char *scopes, uint64_t user);
char *lab_scopes(const char *text); /* as struct lab_access has them */
struct lab_access *lab_access_of(const struct gitlab_server *lab, const char *token);
unsigned lab_group_level(const struct gitlab_server *lab, const struct lab_user *user, uint64_t group);
unsigned lab_project_level(const struct gitlab_server *lab, const struct lab_user *user, uint64_t project);
bool lab_is_within(const struct gitlab_server *lab, uint64_t group, uint64_t above); /* or it is that one */
bool lab_may_update(const struct gitlab_server *lab, const struct lab_user *user, const struct lab_runner *runner);
bool lab_may_read(const struct gitlab_server *lab, const struct lab_user *user, const struct lab_runner *runner);
/* In seconds, for tokens of this runner; -1: for ever. */
int64_t lab_token_lifetime(const struct gitlab_server *lab, enum lab_type type, uint64_t owner);
/* How many runners of its own it has. */
size_t lab_count_of(const struct gitlab_server *lab, enum lab_type type, uint64_t owner);

/* ------------------------------------------------------------------------------------------------------------------
 * A call */

struct lab_route;
struct lab_call {
    struct gitlab_server *lab;
    const struct exchange_request *request;
    struct json_object *raw, *params; /* owned; params: checked, and of their types */
    char key[256];                    /* the :id of the path, as it was written */
    struct lab_access *access;        /* NULL: an endpoint that asks for a runner's token */
    struct lab_user *user;
    const struct lab_route *route; /* NULL: none */
    bool other_method;             /* … but another one would do */
    const char *verb;
    uint64_t told_id;
    struct exchange_head head; /* the answer; its body: lab->answer */
    char next_page[24];
};

typedef void lab_endpoint(struct lab_call *call);

/* gitlab_answers.c: an answer, or a refusal in GitLab's words. */
struct buf *lab_reply(struct lab_call *call, int status); /* JSON: what is added to it */
void lab_no_content(struct lab_call *call);
void lab_error(struct lab_call *call, int status, const char *text);   /* {"error": …} */
void lab_message(struct lab_call *call, int status, const char *text); /* {"message": …} */
void lab_page(struct lab_call *call, int status, const char *type, const char *text);
void lab_refuse_token(struct lab_call *call, const char *description);
void lab_add_text(struct buf *b, const char *text); /* a JSON string; NULL: null */
void lab_add_time(struct buf *b, int64_t ms);       /* 0: null */
void lab_add_credentials(struct lab_call *call, const struct lab_runner *runner, bool with_id);
void lab_add_short(struct lab_call *call, const struct lab_runner *runner);
void lab_add_detailed(struct lab_call *call, const struct lab_runner *runner, bool with_projects);
void lab_add_manager(struct lab_call *call, const struct lab_manager *manager, bool busy);
void lab_add_user_entity(struct lab_call *call, const struct lab_user *user);
bool lab_is_online(const struct lab_runner *runner, int64_t now_ms);
const char *lab_status(const struct lab_runner *runner, int64_t now_ms);

/* gitlab_params.c. What an endpoint takes, in the order of its declaration; the list ends with a name of NULL. */
enum lab_kind { LAB_STRING, LAB_INTEGER, LAB_BOOLEAN, LAB_TABLE, LAB_NAMES, LAB_EXCLUSIVE, LAB_AT_LEAST_ONE };
struct lab_param {
    const char *name; /* of LAB_EXCLUSIVE and LAB_AT_LEAST_ONE: names, with commas */
    enum lab_kind kind;
    bool required;
    const char *const *values;       /* ended by NULL; NULL: any */
    const char *given, *given_value; /* counts only when that other parameter has that value */
    const char *otherwise;           /* a default; NULL: none */
    bool not_zero;
};
/* All that was sent: the query, over it the body, over it the path. False: the body is none, and refused. */
bool lab_gather(struct lab_call *call, const char *query);
/* call->params; false: it is refused, with all that is wrong. */
bool lab_check(struct lab_call *call, const struct lab_param *params);
void lab_unescape(char *plain);                                     /* %XX and +, in place */
const char *lab_text(struct json_object *params, const char *name); /* NULL: none */
bool lab_has(struct json_object *params, const char *name);         /* also null */

/* gitlab_attributes.c: the rules that a runner's attributes obey. */
extern const char *const lab_access_levels[3];
/* Those of params over those of *is. */
void lab_attributes_take(struct lab_attributes *is, struct json_object *params);
/* False: they are refused, as an object of texts, or as one sentence. So they are when the group or project has too
 * many runners of its own already; an update says LAB_INSTANCE, which has room. */
bool lab_attributes_are_good(struct lab_call *call, const struct lab_attributes *is, enum lab_type type, uint64_t owner,
                             bool in_one_sentence);

/* The endpoints: gitlab_own.c (a runner's or a registration token), gitlab_user.c (an access token), gitlab_lists.c. */
lab_endpoint lab_register, lab_unregister, lab_unregister_manager, lab_verify, lab_rotate;
lab_endpoint lab_create, lab_show, lab_managers, lab_update, lab_remove, lab_reset, lab_version, lab_self, lab_whoami;
lab_endpoint lab_list_own, lab_list_all, lab_list_group, lab_list_project, lab_list_jobs;
/* The runner of the path, if the user may; else NULL, and it is refused. */
struct lab_runner *lab_find(struct lab_call *call, bool (*may)(const struct gitlab_server *, const struct lab_user *,
                                                               const struct lab_runner *));

/* The time in which its token may be replaced has passed, which is refused (gitlab_user.c). */
bool lab_is_too_late(struct lab_call *call);

/* gitlab_server.c: as freshly installed: an administrator, and no groups or projects. */
struct gitlab_server *lab_install(struct sim *sim, const char *host);

/* gitlab_routes.c: which endpoint it is for; and its answer, in call->head and lab->answer. */
void lab_find_route(struct lab_call *call);
void lab_run(struct lab_call *call);

#endif
