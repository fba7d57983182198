#include "kube/pulse.h"

#include "base/mem.h"
#include "kube/client.h"
#include "net/loop.h"

enum { QUIET_MS = 30 * 1000, ANSWER_MS = 10 * 1000 };

struct pulse {
    struct loop *loop;
    struct kube_client *client;
    struct loop_timer *timer;
    int64_t heard_ms;
    bool begun;
};

/* Whatever it is, it came; what did not come is the client's affair. */
static void on_pulse_answer(void *arg, const struct kube_reply *reply)
{
    (void)arg, (void)reply;
}

static void ask(struct pulse *pulse)
{
    const struct kube_request request = {
        .method = "GET", .path = "/version", .timeout_ms = ANSWER_MS, .urgent = true, .done = on_pulse_answer};

    kube_start(pulse->client, &request);
}

static void on_pulse_timer(void *arg)
{
    struct pulse *pulse = arg;
    int64_t quiet = loop_now(pulse->loop) - pulse->heard_ms;

    if (quiet >= QUIET_MS)
        ask(pulse);
    loop_timer_set(pulse->timer, quiet >= QUIET_MS ? QUIET_MS : QUIET_MS - quiet);
}

struct pulse *pulse_create(struct loop *loop, struct kube_client *client)
{
    struct pulse *pulse = mem_alloc(sizeof(*pulse));

    *pulse = (struct pulse){.loop = loop, .client = client};
    pulse->timer = loop_timer_create(loop, on_pulse_timer, pulse);
    return pulse;
}

void pulse_destroy(struct pulse *pulse)
{
    loop_timer_destroy(pulse->timer);
    free(pulse);
}

void pulse_begin(struct pulse *pulse)
{
    if (!pulse->begun)
        loop_timer_set(pulse->timer, QUIET_MS);
    pulse->begun = true;
}

void pulse_heard(struct pulse *pulse)
{
    pulse->heard_ms = loop_now(pulse->loop);
}
