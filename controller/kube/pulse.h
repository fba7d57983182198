/* Is the API server still there? When nothing has come from it for 30 s, although streams are open, a small request
 * asks. What gets no answer within 10 s puts the connections in doubt (kube/client.c), so that silent streams go on by
 * other ones after some 40 s. Answers to anything else, a Lease's renewals for example, make the question needless.
 *
 * Go's clients send a HTTP/2 PING for this; libcurl 7.88 cannot. */
#ifndef KUBE_PULSE_H
#define KUBE_PULSE_H

struct kube_client;
struct loop;
struct pulse;

/* Idle until pulse_begin(). */
struct pulse *pulse_create(struct loop *loop, struct kube_client *client);
void pulse_destroy(struct pulse *pulse);

/* A stream begins; may be called each time. */
void pulse_begin(struct pulse *pulse);
/* Something has come. */
void pulse_heard(struct pulse *pulse);

#endif
