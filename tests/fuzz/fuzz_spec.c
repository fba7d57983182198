/* From a GitLabRunner's spec to all that is made of it: what is observed, decided, rendered, and told in its status.
 *
 * A text that is JSON is {"spec": …, "status": …, "annotations": …} itself. Any other is a list of changes to the
 * fullest spec of the tests' data, four bytes each: which value (two of them), what becomes of it, and a number. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "fuzz.h"
#include "operator/gather.h"
#include "runner/names.h"
#include "runner/status.h"

#define TOKEN "glrt-0123456789abcdefghij"

static struct json_object *fullest(struct arena *a)
{
    static char *text;
    static size_t len;
    struct err err;

    if (!text) {
        FILE *file = fopen("tests/data/render/full.json", "r");
        text = mem_alloc(1 << 20);
        len = fread(text, 1, 1 << 20, file);
        fclose(file);
    }
    return arena_json(a, json_parse(text, len, &err));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Changes */

static struct json_object *nested(size_t depth)
{
    struct json_object *value = json_build("{a: 1}");

    for (size_t i = 0; i < depth % 32; i++)
        value = json_build("{a: [%o]}", value);
    return value;
}

static struct json_object *long_text(size_t number)
{
    char text[8 * 1024];
    size_t len = 64 + number * 16;

    for (size_t i = 0; i < len; i++)
        text[i] = i % 2 ? '\xa4' : '\xc3';
    return json_object_new_string_len(text, (int)len);
}

static struct json_object *replacement(unsigned char what, unsigned char number)
{
    static const char *const texts[] = {
        "",
        "a",
        "\"",
        "\\",
        "'''",
        "\"\"\"",
        "a\nb",
        "\r\n\r\n",
        "\x7f",
        "\xff\xfe",
        "{}",
        "[[x]]",
        "=",
        "a=b",
        "%s",
        "${A}",
        "$(A)",
        "../..",
        "/",
        "*",
        "0x7f000001",
        "-1",
        "1e999",
        "99999999999999999999",
        "500m",
        "1Gi",
        "true",
        "null",
        "Always",
        "RefProtected",
        "glrt-x",
        "http://[::1",
        "https://a/b?c#d",
        "a.b.c",
        "-a",
        "A",
        "kubernetes.io/x",
        "IfNotPresent",
        "0",
        "1",
    };

    switch (what % 10) {
    case 0:
        return NULL;
    case 1:
        return json_object_new_boolean(number % 2);
    case 2:
        return json_object_new_int64((int64_t)((uint64_t)number << (number % 57)) * (number % 2 ? 1 : -1));
    case 3:
        return json_object_new_double(number / 7.0);
    case 4:
        return nested(number);
    case 5:
        return long_text(number);
    case 6:
        return json_build("[]");
    case 7:
        return json_build("{}");
    default:
        return json_object_new_string(texts[number % ARRAY_LEN(texts)]);
    }
}

struct walk {
    size_t wanted; /* the value that is to be changed, counted as they are met */
    struct json_object *value;
};

static struct json_object *with_change(struct walk *walk, struct json_object *value);

static struct json_object *with_change_within(struct walk *walk, struct json_object *value)
{
    struct json_object *copy = NULL;

    if (json_object_is_type(value, json_type_object)) {
        copy = json_object_new_object();
        json_object_object_foreach(value, key, member) json_object_object_add(copy, key, with_change(walk, member));
    } else if (json_is_array(value)) {
        copy = json_object_new_array();
        for (size_t i = 0; i < json_len(value); i++)
            json_append(copy, with_change(walk, json_at(value, i)));
    }
    return copy ? copy : json_ref(value);
}

static struct json_object *with_change(struct walk *walk, struct json_object *value)
{
    return walk->wanted-- == 0 ? json_ref(walk->value) : with_change_within(walk, value);
}

static struct json_object *changed(const char *text, size_t len, struct arena *a)
{
    struct json_object *spec = json_get(fullest(a), "spec");

    for (size_t i = 0; i + 3 < len && i < 4 * 16; i += 4) {
        const unsigned char *bytes = (const unsigned char *)text + i;
        struct walk walk = {1 + bytes[0] + 256 * (bytes[1] % 3), arena_json(a, replacement(bytes[2], bytes[3]))};
        spec = arena_json(a, with_change(&walk, spec));
    }
    return arena_json(a, json_build("{spec: %o}", json_ref(spec)));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is made of it */

static void render_all(const struct owner *owner, const struct spec *spec, const struct render_settings *settings,
                       struct arena *a)
{
    const struct config_inputs in = {.token = TOKEN, .ca_pem = "-----BEGIN CERTIFICATE-----", .inputs = "Secret/x=1"};
    const struct registration r = {.token = TOKEN,
                                   .url = spec->url,
                                   .authentication = authentication_name(spec->authentication),
                                   .scope = scope_text(spec, a),
                                   .told_hash = attributes_hash(&spec->attributes, a)};

    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++) {
        if (!child_wanted(child, spec))
            continue;
        manifest_hash(render_child(child, owner, spec, settings, a));
    }
    json_text(render_token_secret(owner, &r, a));
    json_text(render_config_secret(owner, spec, &in, a));
    selector_text(owner, a);
    const char *token = config_toml_token(render_config_toml(owner, spec, &in, a), spec->url, a);
    if (!token || strcmp(token, TOKEN) != 0)
        abort(); /* another text of the spec's was taken for it */
}

static void decide_all(const struct observed *observed, struct memory *m, struct arena *a)
{
    static const struct finding none, stuck = {.reason = "Conflict", .message = "no", .stalled = true};
    struct observed o = *observed;

    decide(&o, a);
    json_text(status_render(&o, &none, &stuck, a));
    memory_issue(m, &(struct registration){
                        .runner_id = 4, .token = TOKEN, .url = "", .authentication = "", .scope = "", .told_hash = ""});
    decide(&o, a);
    o.deleting = true;
    decide(&o, a);
    json_text(status_render(&o, &stuck, &none, a));
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct err err;
    const struct render_settings settings = {.manager_image = "manager"};
    struct json_object *input = arena_json(a, json_parse(text, len, &err));
    struct store *store = kinds_store_create();
    struct states states = {0};
    struct observed o;

    if (!json_get(input, "spec"))
        input = changed(text, len, a);
    struct json_object *object = arena_json(
        a, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: 'ci', name: 'builds', uid: 'uid-1', "
                      "resourceVersion: '1', generation: 1, finalizers: [%s], annotations: %o}, spec: %o, status: %o}",
                      API_VERSION, KIND, FINALIZER, json_ref(json_get(input, "annotations")),
                      json_ref(json_get(input, "spec")), json_ref(json_get(input, "status"))));
    const struct record record = kind_record(KIND_RUNNER, object, store, a);
    const struct gathering g = {.store = store, .settings = &settings, .now_ms = 5000, .now = 1700};
    store_put(store, KIND_RUNNER, &record);
    struct state *state = states_get(&states, "ci/builds");
    gather_object(&g, store_get(store, KIND_RUNNER, "ci", "builds"), &o, a);
    state_observe(state, &o, a);
    gather_again(&g, state, &o, a);
    decide_all(&o, &state->memory, a);
    if (o.spec)
        render_all(&o.owner, o.spec, &settings, a);
    if (o.spec && o.spec->steering.paused_until)
        steering_pause_text(&o.spec->steering, a);
    states_finish(&states);
    store_destroy(store);
}
