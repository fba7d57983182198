/* A world to begin with, ways to break one thing in it, and what is decided then. */
#ifndef TESTS_BROKEN_H
#define TESTS_BROKEN_H

#include "world.h"

/* ------------------------------------------------------------------------------------------------------------------
 * The beginning: at rest, or fresh, with nothing done yet.
 */
struct stage {
    struct scenario scenario;
    struct world world;
};

void stage_init(struct stage *stage, const int options[OPTIONS], bool fresh);
void stage_finish(struct stage *stage);
#define cleanup_stage __attribute__((cleanup(stage_finish)))

/* The object that the child of the present spec has, in the API server. */
struct object *child_of(struct world *w, enum child child);

/* ------------------------------------------------------------------------------------------------------------------
 * What is decided: the first action of all; or the first that is neither a read nor the showing of a status nor a
 * finalizer that is there already, which are done on the way there.
 */
struct action decided(struct world *w, bool first);
/* "rule: action details" */
const char *in_a_line(const struct action *act, struct arena *a);

/* ------------------------------------------------------------------------------------------------------------------
 * What is broken.
 */
typedef void broken_fn(struct world *w, int how);

/* The last call of this rule failed; the next may be made in a while. */
enum { RETRY_MS = 4000 };
void failed(struct world *w, const char *rule, enum err_kind kind);

broken_fn nothing, token_secret_and_trust_lost, token_secret_touched, emptied, bare, bare_and_deleted, issued,
    issued_and_token_secret_lost, issued_and_replaced, issued_and_pinned, edited, edited_and_issued, edited_and_emptied,
    edited_and_deregistered, starting, promised, promise_lost, never_shown, never_shown_and_issued,
    never_shown_and_taken_over, never_shown_and_lost, never_shown_and_unmanned, place_missing, place_not_served,
    place_closed, edited_and_drifted, unregistered_and_drifted, calling_and_drifted, place_baseline, deleted,
    deleted_with_its_manager, deleted_by_force, deleted_by_force_and_draining, deleted_by_force_and_given_up,
    deleted_by_force_and_tried, deleted_elsewhere_in_vain, deleted_and_left_elsewhere, deleted_while_suspended,
    deleted_long_ago, deleted_and_deregistered, deleted_and_forgotten, deleted_and_released, deleted_and_tried,
    edited_and_tried, deleted_and_issued, deleted_and_emptied, deleted_and_bare, deleted_and_let_go_by_hand, gone,
    gone_with_its_manager, gone_and_tried, deleted_elsewhere_and_untrusted, deleted_and_recorded_untrusted;
/* how: which child */
broken_fn edited_and_lost_in_line;
broken_fn lost, edited_and_lost, replaced, drifted, rewritten, terminating, pinned;
/* how: enum doubt */
broken_fn both_secrets_lost, deleted_and_untold, deleted_and_lost, deleted_long_ago_and_lost, deleted_invalid_and_lost,
    deleted_without_credential, deleted_long_ago_and_looked, deleted_long_ago_without_credential;
/* how: enum err_kind */
broken_fn deleted_and_recorded_in_vain;
/* how: enum found, by checks */
enum found {
    DUE,            /* nothing yet: a check is due                        */
    DUE_BY_TOKEN,   /* … and the id is not enough                         */
    ABSENT_ONCE,    /* no runner of this id, said once                    */
    ABSENT,         /* said twice                                         */
    REFUSED_ONCE,   /* the token, once                                    */
    REFUSED,        /* twice; nothing is known of the id                  */
    REFUSED_OFTEN,  /* … and more often                                   */
    RESET,          /* the token is refused, but the runner is ours       */
    REPLACED,       /* … and the runner of the id is not                  */
    NOT_TO_BE_SEEN, /* … and the access token may not look               */
    NOT_TO_BE_USED, /* … and the access token is refused                 */
    EDITED,         /* tags                                               */
    VERSION_DUE,
    UNSEEN,
    OURS,
    UNMARKED,
};
broken_fn checked, edited_and_checked, deleted_and_checked, deleted_too_late_and_checked;
/* how: seconds that are left of a token's life of 1000 */
broken_fn expiring;
broken_fn access_expiring;
broken_fn given_long_ago, given_and_refused;
broken_fn inherited_terminating_and_deregistered;
broken_fn edited_and_given_our_token;
broken_fn adopting;
broken_fn told_to_adopt_too_late;
broken_fn account_made_anew, account_made_anew_long_ago;
broken_fn given_and_expiring;
broken_fn edited_and_set_at_gitlab;
broken_fn paused; /* enum pause */
broken_fn restarted;
broken_fn asked_for_a_token, inherited, inherited_and_terminating, inherited_and_deleted,
    inherited_deregistered_and_deleted, inspected, inspected_long_ago, reset_long_ago;
broken_fn edited_and_not_to_be_seen, edited_and_told_in_vain;
/* how: for how many seconds */
broken_fn deleted_and_draining, deleted_and_not_to_be_stopped;
/* how: seconds since the status says that its managers are gone; 0: it does not */
broken_fn deleted_drained_and_tried;
/* how: whose credential */
broken_fn credential_changed;
/* how: 0 in a Secret, 1 in a ConfigMap */
broken_fn ca_changed;
/* how: where */
broken_fn stray;

#endif
