/* What GitLab is asked for, and what it answers. */
#ifndef RUNNER_GITLAB_CALL_H
#define RUNNER_GITLAB_CALL_H

#include <json-c/json.h>

#include "base/err.h"

enum gitlab_call {
    GITLAB_REGISTER, /* POST /runners with a registration token      → issued       */
    GITLAB_CREATE,   /* POST /user/runners                           → issued       */
    GITLAB_VERIFY,   /* POST /runners/verify                         → issued       */
    GITLAB_RESTORE,  /* the same with the token of the config Secret → issued, or config_token_dead when it is refused
                        or of another runner */
    GITLAB_FIND,     /* the runner that carries our mark             → found_id     */
    GITLAB_RESET,    /* POST /runners/:id/reset_authentication_token → issued       */
    GITLAB_UPDATE,   /* PUT /runners/:id                             → issued, with the new told_hash */
    GITLAB_SHOW,     /* GET /runners/:id                             → server check */
    GITLAB_TRY,      /* POST /runners/verify with the runner's token → server check */
    GITLAB_VERSION,  /* GET /version                                 → server check */
    GITLAB_SELF,     /* GET /personal_access_tokens/self             → server check */
    GITLAB_ROTATE,   /* POST /runners/reset_authentication_token with the runner's token → issued */
    GITLAB_INSPECT,  /* GET /runners/:id with another credential than it was made by     → takeover */
    GITLAB_CLAIM,    /* PUT /runners/:id of a runner that is to be adopted, with our mark            → takeover */
    GITLAB_KEEP,     /* POST /runners/verify with the runner's token → issued as the spec says now, or takeover */
    GITLAB_INHERIT,  /* the same with the token of a former object of this name → issued, or not_inherited */
    GITLAB_DEREGISTER, /* DELETE /runners with the runner's own token  → deregistered */
    GITLAB_REMOVE,     /* DELETE /runners/:id with an access token     → deregistered */
};

/* All that it points at is lent. */
struct call_answer {
    struct err err;
    bool unknown;             /* DEREGISTER, REMOVE: GitLab did not know it, which is success, too     */
    bool ambiguous;           /* with err: GitLab may have done it all the same                        */
    bool proven;              /* a 403 or 404 in GitLab's own words, from a server that lets us in     */
    int64_t id;               /* of the runner; 0: none                                                */
    const char *token;        /* what the runner's own is from now on; NULL: the answer has none       */
    const char *expiration;   /* of the token, RFC 3339; of GITLAB_SELF a day; NULL: never             */
    struct json_object *body; /* the whole answer; NULL: none                                        */
};

const char *gitlab_call_name(enum gitlab_call call);

#endif
