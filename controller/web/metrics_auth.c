#include "web/metrics_auth.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/list.h"
#include "base/machine.h"
#include "base/mem.h"
#include "kube/client.h"
#include "net/loop.h"

enum {
    KNOWN_MAX = 64,      /* tokens                                               */
    WAITING_MAX = 8,     /* requests with one token, while the API server is asked */
    REVIEWS_MAX = 4,     /* at a time, of strangers                              */
    STRANGER_MS = 200,   /* between two of them                                  */
    GOOD_MS = 60 * 1000, /* so long an answer holds                              */
    BAD_MS = 10 * 1000,
    ANSWER_MS = 5 * 1000,
};

enum review_state {
    REVIEW_NONE,
    REVIEW_TOKEN,  /* whose it is, is asked                */
    REVIEW_ACCESS, /* … and whether that one may read it   */
};

/* A token and what was said of it. */
struct known {
    struct list node; /* the one asked for last at the end */
    struct metrics_auth *auth;
    char digest[65];
    int verdict; /* 200, 401, 403; 0: nothing yet */
    int64_t until_ms;
    enum review_state state;
    uint64_t request; /* of the review under way; 0 in NONE */
    uint64_t waiting[WAITING_MAX];
    size_t waiting_len;
};

struct metrics_auth {
    struct loop *loop;
    struct kube_client *client;
    struct serve *serve;
    struct list known;
    int64_t stranger_ms; /* the next one may be asked for from then on */
};

static const struct kube_resource token_review = {
    .kind = "TokenReview", .api_version = "authentication.k8s.io/v1", .plural = "tokenreviews"};
static const struct kube_resource access_review = {
    .kind = "SubjectAccessReview", .api_version = "authorization.k8s.io/v1", .plural = "subjectaccessreviews"};

static void review_enter(struct known *k, enum review_state to, uint64_t request)
{
    static const char *const names[] = {[REVIEW_NONE] = "none", [REVIEW_TOKEN] = "token", [REVIEW_ACCESS] = "access"};
    static const unsigned next[] = {
        [REVIEW_NONE] = MACHINE_TO(REVIEW_TOKEN),
        [REVIEW_TOKEN] = MACHINE_TO(REVIEW_ACCESS) | MACHINE_TO(REVIEW_NONE),
        [REVIEW_ACCESS] = MACHINE_TO(REVIEW_NONE),
    };
    static const struct machine machine = MACHINE("review", names, next);

    machine_step(&machine, k->state, to);
    assert((to == REVIEW_NONE) == (request == 0));
    k->state = to;
    k->request = request;
}

static void forget_verdict(struct known *k)
{
    if (k->state != REVIEW_NONE)
        kube_cancel(k->auth->client, k->request);
    list_remove(&k->node);
    free(k);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reviews */

/* Not fenced: who stands by is scraped, too, and a review changes nothing. */
static uint64_t review(struct known *k, const struct kube_resource *resource, struct json_object *object,
                       kube_done_fn *done)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "POST",
        .path = kube_path(resource, NULL, NULL, NULL, &a),
        .body = json_text(arena_json(&a, object)),
        .timeout_ms = ANSWER_MS,
        .urgent = true,
        .done = done,
        .arg = k,
    };

    return kube_start(k->auth->client, &request);
}

static void decide_for(struct known *k, int verdict)
{
    bool holds = verdict == 200 || verdict == 401 || verdict == 403;
    size_t len = k->waiting_len;
    uint64_t ids[WAITING_MAX];

    review_enter(k, REVIEW_NONE, 0);
    assert(len > 0 && len <= WAITING_MAX);
    memcpy(ids, k->waiting, sizeof(ids));
    k->waiting_len = 0;
    if (holds)
        k->verdict = verdict;
    k->until_ms = loop_now(k->auth->loop) + (!holds ? 0 : verdict == 200 ? GOOD_MS : BAD_MS);
    for (size_t i = 0; i < len; i++)
        serve_admit(k->auth->serve, ids[i], verdict);
}

static void on_access(void *arg, const struct kube_reply *reply)
{
    struct known *k = arg;
    bool allowed = json_bool_or(reply->object, "status.allowed", false);

    decide_for(k, reply->err.kind != ERR_NONE ? 503 : allowed ? 200 : 403);
}

/* The user as the API server tells of it, in the words of the other review. */
static struct json_object *access_of(struct json_object *user)
{
    struct json_object *review =
        json_build("{apiVersion: %s, kind: %s, spec: {user: %s, nonResourceAttributes: "
                   "{path: %s, verb: %s}}}",
                   access_review.api_version, access_review.kind, json_str_or(user, "username", ""), "/metrics", "get");
    struct json_object *spec = json_get(review, "spec");

    for (const char *const *name = (const char *const[]){"uid", "groups", "extra", NULL}; *name; name++)
        if (json_member(user, *name))
            json_set(spec, *name, json_ref(json_member(user, *name)));
    return review;
}

static void on_token(void *arg, const struct kube_reply *reply)
{
    struct known *k = arg;
    bool known = json_bool_or(reply->object, "status.authenticated", false);

    if (reply->err.kind != ERR_NONE) {
        decide_for(k, 503);
    } else if (!known) {
        decide_for(k, 401);
    } else {
        struct json_object *access = access_of(json_get(reply->object, "status.user"));
        review_enter(k, REVIEW_ACCESS, review(k, &access_review, access, on_access));
    }
}

static void begin_review(struct known *k, const char *token)
{
    struct json_object *object =
        json_build("{apiVersion: %s, kind: %s, spec: {token: %s}}", token_review.api_version, token_review.kind, token);

    review_enter(k, REVIEW_TOKEN, review(k, &token_review, object, on_token));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Tokens */

static struct known *find_known(struct metrics_auth *auth, const char *digest)
{
    list_each (node, &auth->known) {
        struct known *k = container_of(node, struct known, node);
        if (strcmp(k->digest, digest) == 0)
            return k;
    }
    return NULL;
}

/* The one that was asked for longest ago among those that nobody waits for, good ones last. False: there is none. */
static bool make_room_for_verdict(struct metrics_auth *auth)
{
    if (list_len(&auth->known) < KNOWN_MAX)
        return true;
    for (int good = 0; good < 2; good++)
        list_each (node, &auth->known) {
            struct known *k = container_of(node, struct known, node);
            if (k->state == REVIEW_NONE && (k->verdict == 200) == good) {
                forget_verdict(k);
                return true;
            }
        }
    return false;
}

static size_t count_strangers(const struct metrics_auth *auth)
{
    size_t len = 0;

    list_each (node, &auth->known) {
        const struct known *k = container_of(node, struct known, node);
        len += k->state != REVIEW_NONE && k->verdict != 200;
    }
    return len;
}

static bool may_ask_for_a_stranger(struct metrics_auth *auth)
{
    int64_t now = loop_now(auth->loop);

    if (now < auth->stranger_ms || count_strangers(auth) >= REVIEWS_MAX)
        return false;
    auth->stranger_ms = now + STRANGER_MS;
    return true;
}

static struct known *add_known(struct metrics_auth *auth, const char *digest)
{
    if (!make_room_for_verdict(auth))
        return NULL;
    struct known *k = mem_alloc(sizeof(*k));
    *k = (struct known){.auth = auth};
    memcpy(k->digest, digest, sizeof(k->digest) - 1);
    list_init(&k->node);
    list_append(&auth->known, &k->node);
    return k;
}

/* NULL without one. */
static const char *bearer_token(const struct serve_request *request)
{
    static const char scheme[] = "Bearer ";
    const char *field = request->authorization;

    if (!field || strncasecmp(field, scheme, strlen(scheme)) != 0)
        return NULL;
    field += strlen(scheme);
    field += strspn(field, " ");
    return charset_admits(CHARSET_TOKEN, field) ? field : NULL;
}

/* The answer at once, or 0 when the request waits for the API server. */
static int ask_for(struct metrics_auth *auth, uint64_t id, const char *token)
{
    cleanup_arena struct arena a = {0};
    const char *digest = digest_sha256(token, strlen(token), &a);
    struct known *k = find_known(auth, digest);

    if (k && loop_now(auth->loop) < k->until_ms)
        return k->verdict;
    if (k && k->waiting_len == WAITING_MAX)
        return 429;
    if (!(k && (k->state != REVIEW_NONE || k->verdict == 200)) && !may_ask_for_a_stranger(auth))
        return 429;
    if (!k && !(k = add_known(auth, digest)))
        return 429;
    list_remove(&k->node);
    list_append(&auth->known, &k->node);
    k->waiting[k->waiting_len++] = id;
    if (k->state == REVIEW_NONE)
        begin_review(k, token);
    return 0;
}

void metrics_auth_ask(void *arg, uint64_t id, const struct serve_request *request)
{
    struct metrics_auth *auth = arg;
    const char *token = bearer_token(request);
    int status = token ? ask_for(auth, id, token) : 401;

    if (status)
        serve_admit(auth->serve, id, status);
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct metrics_auth *metrics_auth_create(struct loop *loop, struct kube_client *client)
{
    struct metrics_auth *auth = mem_alloc(sizeof(*auth));

    *auth = (struct metrics_auth){.loop = loop, .client = client};
    list_init(&auth->known);
    return auth;
}

void metrics_auth_serves(struct metrics_auth *auth, struct serve *serve)
{
    auth->serve = serve;
}

void metrics_auth_destroy(struct metrics_auth *auth)
{
    if (!auth)
        return;
    list_each_safe (node, after, &auth->known)
        forget_verdict(container_of(node, struct known, node));
    free(auth);
}
