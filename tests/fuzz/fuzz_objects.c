/* What the API server has of an object, as each reader takes it: the first character says who reads the rest.
 *
 *   0 … 7   a record for the store, of the kind of that number, which is told twice, and what its runner's turn sees
 *   e o     an event or an object of a kind, whose number is one digit more, read with a member as text
 *   p r     why managers do not start: a pod, or a refusal's words
 *   s       a refusal, a Status: two digits more, of the HTTP status, stand before it
 *   t       an object that is too large to be held, whole and in pieces
 *   v       what is read of a Secret, ConfigMap or ServiceAccount by its key: a digit more says which (enum readable)
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "fuzz.h"
#include "kube/client.h"
#include "kube/object_text.h"
#include "operator/drift.h"
#include "operator/finalizer.h"
#include "operator/gather.h"
#include "operator/kept.h"
#include "operator/records.h"
#include "operator/values.h"
#include "runner/cache.h"
#include "runner/names.h"
#include "runner/trouble.h"

static const struct owner owner = {.ns = "ci", .name = "builds", .uid = "uid-1"};
static const struct render_settings settings = {.manager_image = "manager"};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* A runner that names all that one can name. */
static struct json_object *a_runner(struct arena *a)
{
    return arena_json(
        a,
        json_build("{apiVersion: %s, kind: %s, metadata: {namespace: 'ci', name: 'builds', uid: 'uid-1', "
                   "resourceVersion: '7'}, spec: {url: 'https://gitlab.test', authentication: {accessTokenSecretRef: "
                   "{name: 'gitlab', key: 'token'}}, scope: {type: 'Project', projectId: 1}, caSecretRef: {name: "
                   "'gitlab', key: 'ca'}, clientCertificateSecretRef: {name: 'gitlab'}, manager: {serviceAccountName: "
                   "'mine'}, cache: {type: 's3', s3: {bucketName: 'b', credentialsSecretRef: {name: 'cache'}}}}, "
                   "status: {appliedFields: '2=01234567'}}",
                   API_VERSION, KIND));
}

/* What has come before is as it was. */
static void tell(struct store *store, enum kind kind, struct json_object *object, struct arena *a)
{
    const struct drift_view view = {store, &settings};
    struct record record = kind_record(kind, object, store, a), applied = kind_record(kind, object, store, a);

    drift_judge(&view, kind, object, &record, a);
    drift_none(kind, object, &applied, a);
    json_text(arena_json(a, kept_json(kind, &record)));
    kept_child(&record);
    if (*record.uid && *record.version && *record.name)
        store_put(store, kind, &record);
}

static void see(struct store *store, struct arena *a)
{
    const struct gathering g = {.store = store, .settings = &settings, .now_ms = 5000, .now = 1800000000};
    const struct record *record = store_get(store, KIND_RUNNER, "ci", "builds");
    struct states states = {0};
    struct observed o;

    if (record) {
        struct state *state = states_get(&states, "ci/builds");
        gather_object(&g, record, &o, a);
        state_observe(state, &o, a);
        gather_again(&g, state, &o, a);
    }
    states_finish(&states);
}

static void read_record(enum kind kind, struct json_object *object, struct arena *a)
{
    struct store *store = kinds_store_create();
    struct reference to[REFERENCES_MAX];
    const struct record runner = kind_record(KIND_RUNNER, a_runner(a), store, a);

    store_put(store, KIND_RUNNER, &runner);
    store_refer(store, key_text(KIND, "ci", "builds").text, to, kind_references(a_runner(a), true, to, a));
    tell(store, kind, object, a);
    tell(store, kind, object, a);
    see(store, a);
    kind_references(object, false, to, a);
    kind_concerns(kind, json_str_or(object, "metadata.namespace", ""), json_str_or(object, "metadata.name", ""), store);
    kind_shows(kind, object);
    kind_is_made_by_us(object);
    arena_json(a, finalizer_off(object));
    store_destroy(store);
}

static void read_trouble(struct json_object *pod, const char *refusal, struct arena *a)
{
    struct spec spec;
    struct err err;
    const struct trouble_context in = {.owner = &owner, .spec = &spec};

    expect(spec_parse(a_runner(a), &spec, a, &err));
    const struct trouble trouble = pod ? trouble_of_pod(pod, &in, a) : trouble_of_refusal(refusal, &in, a);
    expect(!trouble.reason || *trouble.message);
}

static void read_status(const char *text, size_t len)
{
    static const long statuses[] = {200, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 0};
    struct err err = kube_classify(statuses[(unsigned char)*text % 12], text + 1, len - 1, 0);

    expect((err.kind == ERR_NONE) == (statuses[(unsigned char)*text % 12] == 200));
}

/* As text, or why it is none. */
static const char *object_in_pieces(const char *text, size_t len, size_t piece, struct arena *a)
{
    enum { HELD = 64 };
    struct object_text t;
    struct err err = {0};

    object_text_init(&t, kind_resource(KIND_SECRET), false, HELD);
    object_text_keep(&t, "data", "token", HELD);
    for (size_t at = 0; at < len; at += piece)
        object_text_add(&t, text + at, piece < len - at ? piece : len - at);
    struct json_object *object = arena_json(a, object_text_parse(&t, &err));
    object_text_finish(&t);
    object_too_large(object);
    return object ? arena_strdup(a, json_text(object)) : "none";
}

static struct json_object *object_of(const struct kube_resource *resource, bool is_event, const char *text, size_t len,
                                     struct arena *a)
{
    struct object_text t;
    struct err err = {0};

    object_text_init(&t, resource, is_event, 0);
    object_text_add(&t, text, len);
    struct json_object *object = arena_json(a, object_text_parse(&t, &err));
    object_text_finish(&t);
    expect(object || *err.text);
    return object;
}

static void unfold_member(struct json_object *object, const char *member, struct arena *a)
{
    struct err err;
    const char *text = json_str(object, member);

    if (text)
        json_set(object, member, json_ref(arena_json(a, json_parse(text, strlen(text), &err))));
}

/* The text becomes a tree again. */
static void unfold(struct json_object *object, const char *path, struct arena *a)
{
    const char *in_list = strstr(path, "[].");
    struct json_object *list = in_list ? json_get(object, arena_strndup(a, path, (size_t)(in_list - path))) : NULL;

    if (!in_list)
        unfold_member(object, path, a);
    for (size_t i = 0; i < json_len(list); i++)
        unfold_member(json_at(list, i), in_list + 3, a);
}

/* Of JSON that names no member twice, it is the same tree in the end. */
static void read_as_text(enum kind kind, bool is_event, const char *text, size_t len, struct arena *a)
{
    struct err err;
    struct kube_resource as_tree = *kind_resource(kind);
    struct json_object *plain = arena_json(a, json_parse(text, len, &err)),
                       *part = object_of(kind_resource(kind), is_event, text, len, a);

    as_tree.as_text = NULL;
    struct json_object *tree = object_of(&as_tree, is_event, text, len, a);
    if (!plain || strcmp(json_text(plain), text) != 0 || !kind_resource(kind)->as_text)
        return;
    expect(part && tree);
    unfold(is_event ? json_get(part, "object") : part, kind_resource(kind)->as_text, a);
    expect(json_same(part, tree));
}

static void read_cache(struct json_object *data, struct arena *a)
{
    static const char *const types[] = {"s3", "gcs", "azure"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct json_object *cache = arena_json(a, json_build("{type: %s}", types[i]));
        cache_missing_key(cache, data, a);
        cache_quoted_key(cache, data, a);
    }
}

static void read_value(enum readable what, struct json_object *object, struct arena *a)
{
    struct spec spec;
    struct err err;
    struct observed o = {.owner = owner, .spec = &spec, .now = 1800000000};

    expect(spec_parse(a_runner(a), &spec, a, &err));
    value_learn(&o, READ_CLIENT_CERT, object, a);
    value_learn(&o, what, object, a);
    const struct observed_value *v = &o.values[what];
    if (v->lookup == LOOKUP_FOUND && (what == READ_CREDENTIAL || what == READ_TOKEN || what == READ_CONFIG))
        expect(charset_admits(CHARSET_TOKEN, v->value));
    if (what == READ_CACHE && v->value)
        read_cache(arena_json(a, json_parse_text(v->value)), a);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct err err;

    if (len < 2)
        return;
    char what = *text;
    size_t skipped = strchr("eov", what) ? 2 : 1;
    struct json_object *object = arena_json(a, json_parse(text + skipped, len - skipped, &err));
    if (what >= '0' && what < '0' + KIND_COUNT && object)
        read_record((enum kind)(what - '0'), object, a);
    if ((what == 'e' || what == 'o') && text[1] >= '0' && text[1] < '0' + KIND_COUNT)
        read_as_text((enum kind)(text[1] - '0'), what == 'e', text + 2, len - 2, a);
    if (what == 'p' || what == 'r')
        read_trouble(what == 'p' ? object : NULL, text + 1, a);
    if (what == 's')
        read_status(text + 1, len - 1);
    if (what == 't')
        expect(strcmp(object_in_pieces(text + 1, len - 1, 3, a), object_in_pieces(text + 1, len - 1, len, a)) == 0);
    if (what == 'v' && text[1] >= '0' && text[1] < '0' + READ_COUNT)
        read_value((enum readable)(text[1] - '0'), object, a);
}
