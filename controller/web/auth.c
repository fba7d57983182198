#include "web/auth.h"

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
    USERS_MAX = 64,      /* tokens                                               */
    WAITING_MAX = 8,     /* requests with one token, while the API server is asked */
    REVIEWS_MAX = 4,     /* at a time, of strangers                              */
    STRANGER_MS = 200,   /* between two of them                                  */
    GOOD_MS = 60 * 1000, /* so long an answer holds                              */
    BAD_MS = 10 * 1000,
    AGAIN_MS = 20 * 1000, /* then who is held is reviewed again                   */
    LOOK_MS = 5 * 1000,
    ANSWER_MS = 5 * 1000,
    ASKED_MAX = 4, /* namespaces at a time, of one user                    */
};

enum review_state {
    REVIEW_NONE,
    REVIEW_TOKEN,  /* whose it is, is asked                                   */
    REVIEW_ACCESS, /* … and whether that one may                              */
    REVIEW_SOME,   /* … or at least in some namespaces, one after another     */
};

/* Whether a user may in one namespace is asked. */
struct asked {
    struct auth_user *user;
    uint64_t request; /* 0: none */
    const char *ns;   /* of those that the user's review is about */
};

struct names {
    const char **items; /* owned, in order */
    size_t len;
};

/* A token and what was said of it. */
struct auth_user {
    struct list node; /* the one asked for last at the end */
    struct auth *auth;
    char digest[65];
    int verdict;             /* 200, 401, 403; 0: nothing yet */
    struct json_object *who; /* as a TokenReview has it; NULL: nobody */
    bool all;
    struct names seen; /* the namespaces that it may see, when not all */
    int64_t until_ms, again_ms;
    int64_t token_ms; /* until then the token itself need not be asked about again */
    unsigned held;
    enum review_state state;
    uint64_t request;    /* of the review under way, in TOKEN and ACCESS */
    struct names wanted; /* in SOME */
    size_t next;         /* … the next one of them to be asked for */
    struct names granted;
    struct asked asked[ASKED_MAX];
    uint64_t waiting[WAITING_MAX];
    size_t waiting_len;
};

struct auth {
    struct loop *loop;
    struct kube_client *client;
    struct serve *serve;
    struct auth_question question;
    struct list users;
    struct loop_timer *look; /* at who is held */
    int64_t stranger_ms;     /* the next one may be asked for from then on */
};

static const struct kube_resource token_review = {
    .kind = "TokenReview", .api_version = "authentication.k8s.io/v1", .plural = "tokenreviews"};
static const struct kube_resource access_review = {
    .kind = "SubjectAccessReview", .api_version = "authorization.k8s.io/v1", .plural = "subjectaccessreviews"};

static void review_enter(struct auth_user *u, enum review_state to, uint64_t request)
{
    static const char *const names[] = {
        [REVIEW_NONE] = "none", [REVIEW_TOKEN] = "token", [REVIEW_ACCESS] = "access", [REVIEW_SOME] = "some"};
    static const unsigned next[] = {
        [REVIEW_NONE] = MACHINE_TO(REVIEW_TOKEN) | MACHINE_TO(REVIEW_ACCESS),
        [REVIEW_TOKEN] = MACHINE_TO(REVIEW_ACCESS) | MACHINE_TO(REVIEW_NONE),
        [REVIEW_ACCESS] = MACHINE_TO(REVIEW_SOME) | MACHINE_TO(REVIEW_NONE),
        [REVIEW_SOME] = MACHINE_TO(REVIEW_NONE),
    };
    static const struct machine machine = MACHINE("review", names, next);

    machine_step(&machine, u->state, to);
    assert((to == REVIEW_TOKEN || to == REVIEW_ACCESS) == (request != 0));
    u->state = to;
    u->request = request;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Names of namespaces */

static void names_add(struct names *names, const char *name)
{
    names->items = mem_resize(names->items, (names->len + 1) * sizeof(names->items[0]));
    names->items[names->len++] = mem_strdup(name);
}

static void names_finish(struct names *names)
{
    for (size_t i = 0; i < names->len; i++)
        free((char *)names->items[i]);
    free(names->items);
    *names = (struct names){.len = 0};
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool names_same(const struct names *a, const struct names *b)
{
    bool same = a->len == b->len;

    for (size_t i = 0; same && i < a->len; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static void forget_user(struct auth_user *u)
{
    struct kube_client *client = u->auth->client;

    assert(!u->held);
    if (u->request)
        kube_cancel(client, u->request);
    for (size_t i = 0; i < ASKED_MAX; i++)
        if (u->asked[i].request)
            kube_cancel(client, u->asked[i].request);
    list_remove(&u->node);
    json_put_ptr(&u->who);
    names_finish(&u->seen);
    names_finish(&u->wanted);
    names_finish(&u->granted);
    free(u);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reviews */

/* Not fenced: who stands by is looked at, too, and a review changes nothing. */
static uint64_t review(struct auth *auth, const struct kube_resource *resource, struct json_object *object,
                       kube_done_fn *done, void *arg)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "POST",
        .path = kube_path(resource, NULL, NULL, NULL, &a),
        .body = json_text(arena_json(&a, object)),
        .timeout_ms = ANSWER_MS,
        .urgent = true,
        .done = done,
        .arg = arg,
    };

    return kube_start(auth->client, &request);
}

/* verdict: 200, 401, 403; or 503, of which nothing is kept. */
static void decide_for(struct auth_user *u, int verdict)
{
    bool holds = verdict != 503;
    int64_t now = loop_now(u->auth->loop);
    int former = u->verdict;
    size_t len = u->waiting_len;
    uint64_t ids[WAITING_MAX];
    bool news = holds && (verdict != former || !names_same(&u->seen, &u->granted));

    review_enter(u, REVIEW_NONE, 0);
    assert(len <= WAITING_MAX);
    memcpy(ids, u->waiting, sizeof(ids));
    u->waiting_len = 0;
    names_finish(&u->wanted);
    if (holds) {
        names_finish(&u->seen);
        u->seen = u->granted;
        u->granted = (struct names){.len = 0};
        u->all = verdict == 200 && u->seen.len == 0;
        u->verdict = verdict;
        u->until_ms = now + (verdict == 200 ? GOOD_MS : BAD_MS);
    }
    names_finish(&u->granted);
    u->again_ms = holds ? now + AGAIN_MS : now + LOOK_MS;
    for (size_t i = 0; i < len; i++)
        serve_admit(u->auth->serve, ids[i], verdict);
    if (news && u->held)
        u->auth->question.changed(u->auth->question.arg, u);
}

/* ns NULL: all. The user as the API server tells of it, in the words of the other review. */
static struct json_object *access_of(const struct auth_user *u, const char *ns)
{
    const struct auth_question *q = &u->auth->question;
    struct json_object *object = json_build("{apiVersion: %s, kind: %s, spec: {user: %s}}", access_review.api_version,
                                            access_review.kind, json_str_or(u->who, "username", ""));
    struct json_object *spec = json_get(object, "spec");

    if (q->path)
        json_set(spec, "nonResourceAttributes", json_build("{path: %s, verb: 'get'}", q->path));
    else
        json_set(spec, "resourceAttributes",
                 json_build("{namespace: %s, verb: 'list', group: %s, resource: %s}", ns, q->group, q->plural));
    for (const char *const *name = (const char *const[]){"uid", "groups", "extra", NULL}; *name; name++)
        if (json_member(u->who, *name))
            json_set(spec, *name, json_ref(json_member(u->who, *name)));
    return object;
}

static void go_on_asking(struct auth_user *u);

static void on_some(void *arg, const struct kube_reply *reply)
{
    struct asked *asked = arg;
    struct auth_user *u = asked->user;

    asked->request = 0;
    if (reply->err.kind != ERR_NONE)
        u->next = u->wanted.len + 1; /* what is not known of one is not known of all */
    else if (json_bool_or(reply->object, "status.allowed", false))
        names_add(&u->granted, asked->ns);
    go_on_asking(u);
}

static void go_on_asking(struct auth_user *u)
{
    bool asking = false;

    for (size_t i = 0; i < ASKED_MAX; i++) {
        struct asked *asked = &u->asked[i];
        if (!asked->request && u->next < u->wanted.len) {
            *asked = (struct asked){.user = u, .ns = u->wanted.items[u->next++]};
            asked->request = review(u->auth, &access_review, access_of(u, asked->ns), on_some, asked);
        }
        asking |= asked->request != 0;
    }
    if (asking)
        return;
    if (u->granted.len)
        qsort(u->granted.items, u->granted.len, sizeof(u->granted.items[0]), compare_names);
    decide_for(u, u->next > u->wanted.len ? 503 : u->granted.len ? 200 : 403);
}

static void want_namespace(void *arg, const char *ns)
{
    struct auth_user *u = arg;

    if (u->wanted.len < AUTH_NAMESPACES_MAX)
        names_add(&u->wanted, ns);
}

static void on_access(void *arg, const struct kube_reply *reply)
{
    struct auth_user *u = arg;
    const struct auth_question *q = &u->auth->question;
    bool allowed = json_bool_or(reply->object, "status.allowed", false);

    if (reply->err.kind != ERR_NONE || allowed || !q->namespaces) {
        decide_for(u, reply->err.kind != ERR_NONE ? 503 : allowed ? 200 : 403);
        return;
    }
    review_enter(u, REVIEW_SOME, 0);
    u->next = 0;
    q->namespaces(q->arg, want_namespace, u);
    go_on_asking(u);
}

static void ask_for_access(struct auth_user *u)
{
    review_enter(u, REVIEW_ACCESS, review(u->auth, &access_review, access_of(u, NULL), on_access, u));
}

static void on_token(void *arg, const struct kube_reply *reply)
{
    struct auth_user *u = arg;
    bool known = json_bool_or(reply->object, "status.authenticated", false);

    if (reply->err.kind != ERR_NONE) {
        decide_for(u, 503);
    } else if (!known) {
        decide_for(u, 401);
    } else {
        json_put_ptr(&u->who);
        u->who = json_copy(json_get(reply->object, "status.user"));
        u->token_ms = loop_now(u->auth->loop) + GOOD_MS;
        ask_for_access(u);
    }
}

static void begin_review(struct auth_user *u, const char *token)
{
    struct json_object *object =
        json_build("{apiVersion: %s, kind: %s, spec: {token: %s}}", token_review.api_version, token_review.kind, token);

    review_enter(u, REVIEW_TOKEN, review(u->auth, &token_review, object, on_token, u));
}

/* An answer that is too old is none: who cannot be asked about has to go. */
static void look_at_held(void *arg)
{
    struct auth *auth = arg;
    int64_t now = loop_now(auth->loop);

    list_each (node, &auth->users) {
        struct auth_user *u = container_of(node, struct auth_user, node);
        if (!u->held)
            continue;
        loop_timer_set(auth->look, LOOK_MS);
        if (u->verdict == 200 && now >= u->until_ms) {
            u->verdict = 503;
            auth->question.changed(auth->question.arg, u);
        }
        if (u->state == REVIEW_NONE && now >= u->again_ms && u->verdict == 200)
            ask_for_access(u);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Tokens */

static struct auth_user *find_user(const struct auth *auth, const char *digest)
{
    list_each (node, &auth->users) {
        struct auth_user *u = container_of(node, struct auth_user, node);
        if (strcmp(u->digest, digest) == 0)
            return u;
    }
    return NULL;
}

/* The one that was asked for longest ago among those that nobody holds or waits for, good ones last. False: there is
 * none. */
static bool make_room_for_user(struct auth *auth)
{
    if (list_len(&auth->users) < USERS_MAX)
        return true;
    for (int good = 0; good < 2; good++)
        list_each (node, &auth->users) {
            struct auth_user *u = container_of(node, struct auth_user, node);
            if (u->state == REVIEW_NONE && !u->held && (u->verdict == 200) == good) {
                forget_user(u);
                return true;
            }
        }
    return false;
}

static size_t count_strangers(const struct auth *auth)
{
    size_t len = 0;

    list_each (node, &auth->users) {
        const struct auth_user *u = container_of(node, struct auth_user, node);
        len += u->state != REVIEW_NONE && u->verdict != 200;
    }
    return len;
}

static bool may_ask_for_a_stranger(struct auth *auth)
{
    int64_t now = loop_now(auth->loop);

    if (now < auth->stranger_ms || count_strangers(auth) >= REVIEWS_MAX)
        return false;
    auth->stranger_ms = now + STRANGER_MS;
    return true;
}

static struct auth_user *add_user(struct auth *auth, const char *digest)
{
    if (!make_room_for_user(auth))
        return NULL;
    struct auth_user *u = mem_alloc(sizeof(*u));
    *u = (struct auth_user){.auth = auth};
    memcpy(u->digest, digest, sizeof(u->digest) - 1);
    list_init(&u->node);
    list_append(&auth->users, &u->node);
    return u;
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

/* NULL: no token, or one that is not known. */
static struct auth_user *user_of(const struct auth *auth, const struct serve_request *request)
{
    cleanup_arena struct arena a = {0};
    const char *token = bearer_token(request);

    return token ? find_user(auth, digest_sha256(token, strlen(token), &a)) : NULL;
}

/* The answer at once, or 0 when the request waits for the API server. */
static int ask_for(struct auth *auth, uint64_t id, const char *token)
{
    cleanup_arena struct arena a = {0};
    const char *digest = digest_sha256(token, strlen(token), &a);
    struct auth_user *u = find_user(auth, digest);
    int64_t now = loop_now(auth->loop);

    if (u && now < u->until_ms && (u->verdict != 200 || now < u->token_ms))
        return u->verdict;
    if (u && u->waiting_len == WAITING_MAX)
        return 429;
    if (!(u && (u->state != REVIEW_NONE || u->verdict == 200)) && !may_ask_for_a_stranger(auth))
        return 429;
    if (!u && !(u = add_user(auth, digest)))
        return 429;
    list_remove(&u->node);
    list_append(&auth->users, &u->node);
    u->waiting[u->waiting_len++] = id;
    if (u->state == REVIEW_NONE)
        begin_review(u, token);
    return 0;
}

void auth_ask(void *arg, uint64_t id, const struct serve_request *request)
{
    struct auth *auth = arg;
    const char *token = bearer_token(request);
    int status = token ? ask_for(auth, id, token) : 401;

    if (status)
        serve_admit(auth->serve, id, status);
}

void auth_refuse(void *arg, const struct serve_request *request, int status, struct buf *words)
{
    static const struct {
        int status;
        const char *message;
    } messages[] = {{401, "a bearer token is needed that the API server knows"},
                    {403, "this user may not see it"},
                    {429, "too many ask who are not known yet: try again"},
                    {503, "the API server does not say who this is: try again"}};
    const struct auth *auth = arg;
    const struct auth_question *q = &auth->question;
    const struct auth_user *u = user_of(auth, request);
    cleanup_arena struct arena a = {0};
    struct json_object *json = arena_json(&a, json_build("{}"));

    for (size_t i = 0; i < ARRAY_LEN(messages); i++)
        if (messages[i].status == status)
            json_set_str(json, "message", messages[i].message);
    json_set_str(json, "user", status == 403 ? auth_user_name(u) : NULL);
    json_set_str(json, "need",
                 q->path ? arena_printf(&a, "get %s", q->path) : arena_printf(&a, "list %s.%s", q->plural, q->group));
    buf_addf(words, "%s\n", json_text(json));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Who is held */

struct auth_user *auth_hold(struct auth *auth, const struct serve_request *request)
{
    struct auth_user *u = user_of(auth, request);

    if (!u || u->verdict != 200)
        return NULL;
    u->held++;
    loop_timer_set(auth->look, LOOK_MS);
    return u;
}

void auth_release(struct auth_user *u)
{
    assert(!u || u->held > 0);
    if (u)
        u->held--;
}

bool auth_may(const struct auth_user *u)
{
    return !u || u->verdict == 200;
}

bool auth_may_see_all(const struct auth_user *u)
{
    return !u || (u->verdict == 200 && u->all);
}

bool auth_may_see(const struct auth_user *u, const char *ns)
{
    if (auth_may_see_all(u))
        return true;
    return u->verdict == 200 && bsearch(&ns, u->seen.items, u->seen.len, sizeof(u->seen.items[0]), compare_names);
}

const char *auth_user_name(const struct auth_user *u)
{
    return u ? json_str(u->who, "username") : NULL;
}

size_t auth_namespaces(const struct auth_user *u, const char *const **ret)
{
    *ret = u->seen.items;
    return u->seen.len;
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct auth *auth_create(struct loop *loop, struct kube_client *client, const struct auth_question *question)
{
    struct auth *auth = mem_alloc(sizeof(*auth));

    assert(!question->path == (question->plural != NULL));
    *auth = (struct auth){.loop = loop, .client = client, .question = *question};
    auth->look = loop_timer_create(loop, look_at_held, auth);
    list_init(&auth->users);
    return auth;
}

void auth_serves(struct auth *auth, struct serve *serve)
{
    auth->serve = serve;
}

void auth_destroy(struct auth *auth)
{
    if (!auth)
        return;
    list_each_safe (node, after, &auth->users)
        forget_user(container_of(node, struct auth_user, node));
    loop_timer_destroy(auth->look);
    free(auth);
}
