/* Is the API server still there? When nothing has come from it for 30 s, although streams are open, a small request
 * asks. What gets no answer within LIVENESS_ANSWER_MS puts the connections in doubt (kube/client.c), so that silent
 * streams go on by other ones after some 40 s. Answers to anything else, a Lease's renewals for example, make the
 * question needless.
 *
 * Go's clients send a HTTP/2 PING for this; libcurl 7.88 cannot. */
#ifndef KUBE_LIVENESS_H
#define KUBE_LIVENESS_H

struct liveness;
struct loop;

enum { LIVENESS_ANSWER_MS = 10 * 1000 };

/* Idle until liveness_begin(). ask(arg) is called from the loop, to send the small request. */
struct liveness *liveness_create(struct loop *loop, void (*ask)(void *arg), void *arg);
void liveness_destroy(struct liveness *liveness);

/* A stream begins; may be called each time. */
void liveness_begin(struct liveness *liveness);
/* Something has come. */
void liveness_heard(struct liveness *liveness);

#endif
