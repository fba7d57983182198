/* The program, broken on purpose: each property must see it. What the program does is bent on its way: an open fence, a
 * write that is lost, a watch that tells less than there is. */
#ifndef TESTS_SIM_SABOTAGE_H
#define TESTS_SIM_SABOTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim.h"

struct exchange;

enum sabotage {
    SABOTAGE_NONE,
    SABOTAGE_FENCE,     /* it is never closed                                   */
    SABOTAGE_MARK,      /* runners are made without it                          */
    SABOTAGE_DELETION,  /* GitLab is never asked to delete, and says that it has */
    SABOTAGE_STATUS,    /* statuses are not written, and answered as if         */
    SABOTAGE_WATCH,     /* now and then a watch leaves out an edit              */
    SABOTAGE_LOG,       /* tokens are logged                                    */
    SABOTAGE_EVENT,     /* … and told in Events                                 */
    SABOTAGE_ENCODED,   /* … in base64, in statuses                             */
    SABOTAGE_CONTENT,   /* config.toml has another key                          */
    SABOTAGE_TEMPLATE,  /* pods' templates change                               */
    SABOTAGE_FOREIGN,   /* a user's Secret is written                           */
    SABOTAGE_FINALIZER, /* it is never taken off                               */
    SABOTAGE_SLOW,      /* edits are told after half a minute                   */
    SABOTAGE_CHATTER,   /* what is read at GitLab is written, too               */
    SABOTAGE_UNTOLD,    /* Events of what is left behind are of something else */
    SABOTAGE_LEAK,      /* watches do not tell what is deleted, so its record stays */
    SABOTAGE_BLIND,     /* Deployments cannot be listed                         */
    SABOTAGE_LEADERS,   /* the Lease is never renewed, and answered as if       */
    SABOTAGE_TOKEN,     /* resets are not done, and answered with a token       */
    SABOTAGE_MANAGERS,  /* config.toml is made once, and answered as if changed */
    SABOTAGE_PAGE,      /* only the first page of a list has items              */
    SABOTAGE_ROOM,      /* nobody is told that there is no room for him          */
    SABOTAGE_HASTE,     /* who is asked to stop does so at once                 */
    SABOTAGE_SPIN,      /* loops turn when there is nothing to do               */
    SABOTAGES
};

struct sabotage_row {
    const char *name;
    enum property property; /* that sees it; each has one at least */
};
const struct sabotage_row *sabotage_row(enum sabotage sabotage);

/* Of all stories of this process from now on. */
void sabotage_begin(enum sabotage sabotage);
bool sabotage_is(enum sabotage sabotage);

/* Bends a request as it is sent. */
void sabotage_sending(struct exchange *x);
/* … before it is served. True: the server does not get it, and *ret_status and *ret_body are the answer.
 */
bool sabotage_request(struct exchange *x, long *ret_status, const char **ret_body);
/* So much later comes what is sent to the client. */
int64_t sabotage_delay_ms(const struct exchange *x);
/* Whether this piece of a stream does not come. */
bool sabotage_swallows(struct exchange *x, const char *data, size_t len);

#endif
