/* An API server that says anything (peer.h) to one of those who ask it: the first character chooses whom.
 *
 *   a b who may see a guarded page: reviews of a token, and of what its owner may list, or get
 *   e   where the API server is: EndpointSlice
 *   g   whoever reads an object
 *   l   the Lease
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "fuzz.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/lease.h"
#include "kube/object_text.h"
#include "net/serve.h"
#include "operator/api_servers.h"
#include "operator/kinds.h"
#include "peer.h"
#include "web/auth.h"

enum { STEPS_MAX = 60 };

struct peer {
    struct loop *loop;
    struct kube_client *client;
    const struct kube_config *config;
    unsigned steps; /* after which it is time for something else */
};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pages: of net/serve.c what web/auth.c tells */

static int verdicts;

void serve_admit(struct serve *serve, uint64_t id, int status)
{
    (void)serve, (void)id;
    expect(status == 200 || status == 401 || status == 403 || status == 429 || status == 503);
    verdicts++;
}

static void each_namespace(void *arg, void (*each)(void *each_arg, const char *ns), void *each_arg)
{
    (void)arg;
    each(each_arg, "ci");
    each(each_arg, "ops");
}

static void changed(void *arg, struct auth_user *user)
{
    (void)arg;
    auth_may_see(user, "ci");
}

static void refuse_in_words(struct auth *auth, const struct serve_request *request)
{
    static const int statuses[] = {401, 403, 429, 503};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        cleanup_buf struct buf words;
        buf_init(&words, 1 << 16);
        auth_refuse(auth, request, statuses[i], &words);
        expect(words.len > 2 && words.data[words.len - 1] == '\n');
    }
}

static void ask_about(const struct peer *peer, const struct auth_question *question)
{
    const struct serve_request request = {.query = "", .authorization = "Bearer some-token"};
    const struct serve_request none = {.query = ""}, other = {.query = "", .authorization = "bearer another"};
    struct auth *auth = auth_create(peer->loop, peer->client, question);

    auth_serves(auth, NULL);
    verdicts = 0;
    auth_ask(auth, 1, &request);
    auth_ask(auth, 2, &none);
    peer_run(8);
    struct auth_user *user = auth_hold(auth, &request);
    auth_ask(auth, 3, &other);
    auth_ask(auth, 4, &request);
    peer_run(STEPS_MAX);
    refuse_in_words(auth, &request);
    if (user) {
        const char *const *names;
        expect(auth_may_see_all(user) ? auth_may_see(user, "ops") : auth_namespaces(user, &names) <= 2);
        auth_may(user);
        auth_user_name(user);
        auth_release(user);
    }
    expect(verdicts <= 4);
    auth_destroy(auth);
}

static void ask_who_may_list(const struct peer *peer)
{
    ask_about(peer, &(struct auth_question){.group = "gitlab-runners.dev",
                                            .plural = "gitlabrunners",
                                            .namespaces = each_namespace,
                                            .changed = changed});
}

static void ask_who_may_get(const struct peer *peer)
{
    ask_about(peer, &(struct auth_question){.path = "/metrics", .changed = changed});
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void ask_where_it_is(const struct peer *peer)
{
    struct api_servers *servers = api_servers_create(peer->loop, peer->config);

    api_servers_follow(servers, peer->client);
    peer_run(STEPS_MAX);
    for (const char *const *url = api_servers_urls(servers); *url; url++)
        expect(strncmp(*url, "https://", 8) == 0);
    api_servers_destroy(servers);
}

static void on_object(void *arg, const struct kube_reply *reply)
{
    expect(reply->err.kind == ERR_NONE || (*reply->err.reason && *reply->err.text));
    object_too_large(reply->object);
    ++*(int *)arg;
}

static void ask_for_an_object(const struct peer *peer)
{
    const struct kube_resource *secret = kind_resource(KIND_SECRET);
    struct json_object *patch = json_build("{metadata: {namespace: 'ci', name: 'a', uid: 'u'}}");
    int ends = 0;
    const uint64_t ids[] = {
        kube_get(peer->client, secret, "ci", "a", on_object, &ends),
        kube_get_data(peer->client, secret, "ci", "a", "token", on_object, &ends),
        kube_apply(peer->client, secret, NULL, patch, "manager", on_object, &ends),
        kube_create(peer->client, secret, "ci", patch, on_object, &ends),
        kube_delete(peer->client, secret, "ci", "a", "u", true, on_object, &ends),
    };

    peer_run(STEPS_MAX);
    expect(ends <= (int)ARRAY_LEN(ids));
    for (size_t i = 0; i < ARRAY_LEN(ids); i++)
        kube_cancel(peer->client, ids[i]);
    json_put_ptr(&patch);
}

static void on_released(void *arg)
{
    *(bool *)arg = true;
}

static void hold_the_lease(const struct peer *peer)
{
    const struct lease_config config = {
        .ns = "ops", .name = "leader", .identity = "me", .timing = {15000, 10000, 2000}};
    struct lease *lease = lease_create(peer->loop, peer->client, &config);
    bool released = false;
    struct err err;

    expect(lease_timing_is_valid(&config.timing, &err));
    lease_start(lease);
    peer_run(peer->steps);
    expect(lease_is_leading(lease) == (lease_term(lease) != 0));
    expect(!lease_is_leading(lease) || !lease_renewal_overdue(lease));
    lease_slow_paths(lease);
    lease_holder(lease);
    lease_release(lease, on_released, &released);
    peer_run(STEPS_MAX);
    lease_destroy(lease);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    static const struct {
        char letter;
        void (*ask)(const struct peer *peer);
    } askers[] = {{'a', ask_who_may_list},
                  {'b', ask_who_may_get},
                  {'e', ask_where_it_is},
                  {'g', ask_for_an_object},
                  {'l', hold_the_lease}};
    struct kube_config config = {.server = (char *)"https://api", .token = (char *)"t", .namespace = (char *)"ops"};
    struct peer peer = {.config = &config, .steps = (unsigned)len % STEPS_MAX};

    (void)a;
    log_setup(LOG_ERROR, true);
    for (size_t i = 0; len > 0 && i < ARRAY_LEN(askers); i++)
        if (askers[i].letter == *text) {
            peer.loop = peer_begin(text + 1);
            peer.client = kube_client_create(peer.loop, peer_http(), &config);
            askers[i].ask(&peer);
            kube_client_destroy(peer.client);
            peer_end();
        }
}
