/* For learn*.c: one answer of GitLab's, and what is learned from it. */
#ifndef RUNNER_LEARN_PARTS_H
#define RUNNER_LEARN_PARTS_H

#include "runner/learn.h"

struct lesson {
    struct memory *m;
    const struct observed *o;
    const struct action *asked;
    const struct call_answer *answer;
    uint32_t chance;
    struct arena *a;
    struct learned ret;
};

/* GitLab says so of the runner, or of its token. */
static inline bool is_refusal(const struct call_answer *answer, int status)
{
    return answer->err.code == status && answer->proven;
}

static inline bool is_good(const struct call_answer *answer)
{
    return answer->err.kind == ERR_NONE;
}

static inline bool has_token_secret(const struct lesson *l)
{
    return l->o->children[CHILD_TOKEN_SECRET].exists;
}

/* An Event. The note is a constant, or the arena's. */
static inline void learn_tells(struct lesson *l, bool warning, const char *reason, const char *note)
{
    l->ret.warning = warning;
    l->ret.reason = reason;
    l->ret.note = note;
}

/* learn_existing.c: what an answer says of a runner that exists. True when that is all there is to it: it neither
 * issues a token nor counts as a failure that is tried again. */
bool learn_existing(struct lesson *l);
/* Whether the runner whose token GitLab does not know is done with; else it is to be looked for by its id. */
bool learn_unknown(struct lesson *l);
/* A token was issued, or attributes were told: what was found about the former ones is void. */
void learn_renewed(struct lesson *l);
/* The token that was tried is one that GitLab does not know, or knows as another runner's. */
bool is_another_token(const struct lesson *l);
/* The spec names another credential, and the runner may stay with that. */
bool is_taking_over(const struct lesson *l);

/* learn_twice.c: false: the answer would lose a runner, or make a second one, and GitLab has not said it before, some
 * seconds ago; *ret_err, ERR_RETRY, says when it is to be asked again. */
bool learn_believes(struct lesson *l, struct err *ret_err);

/* learn_issued.c: the answer makes, finds or changes the runner that the token Secret is to tell of. */
void learn_issued(struct lesson *l);

#endif
