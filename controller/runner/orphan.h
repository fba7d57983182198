/* A runner that was left behind at GitLab, as the ledger keeps it: what it takes to deregister it later, and what
 * people want to know of it. Its own token is the only one that is kept; a user's access token never leaves its
 * namespace. */
#ifndef RUNNER_ORPHAN_H
#define RUNNER_ORPHAN_H

#include "runner/render.h"

struct orphan {
    int64_t runner_id;
    const char *url, *token;
    const char *ca_pem;  /* trusted beside the system's; NULL                */
    const char *address; /* connect there instead of asking DNS; NULL        */
    const char *why;     /* it could not be deregistered                     */
    int64_t since_s;     /* it is in the ledger, since 1970; set by orphan_parse() */
};

/* Its name in the ledger: the uid of its GitLabRunner, which is its mark at GitLab as well, and its number there. */
const char *orphan_key(const struct owner *owner, const struct orphan *orphan, struct arena *a);
enum {
    ORPHAN_CA_MAX = 16 * 1024,   /* a bundle that is longer is left out: then the system's CAs have to do */
    ORPHAN_TEXT_MAX = 24 * 1024, /* what is longer has no place in the ledger                             */
};

/* Its entry, as text; NULL when it would be too long. now: seconds since 1970. */
const char *orphan_text(const struct owner *owner, const struct orphan *orphan, int64_t now, struct arena *a);
/* For people: "runner 7 at https://gitlab.example.com, of ci/builds", cut where it is long. */
const char *orphan_name(const struct owner *owner, const struct orphan *orphan, struct arena *a);
/* False when the text is not an entry. All in *ret lives as long as the arena. */
bool orphan_parse(const char *text, struct orphan *ret, struct arena *a);
/* Whose it was; what an entry does not say is "". */
struct owner orphan_owner(const char *text, struct arena *a);

#endif
