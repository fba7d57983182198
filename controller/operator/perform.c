/* Actions become requests, answers become facts. */
#include <string.h>

#include "base/buf.h"
#include "base/charset.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "gitlab/policy.h"
#include "kube/object_text.h"
#include "kube/version.h"
#include "operator/ledger.h"
#include "net/http.h"
#include "net/loop.h"
#include "operator/perform.h"
#include "operator/pods.h"
#include "operator/report.h"
#include "runner/cache.h"
#include "runner/names.h"
#include "runner/status.h"
#include "runner/token_kind.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Failures */

void perform_failed(struct turn *turn, const struct err *err)
{
    state_fail(turn->state, turn->asked.rule, err, loop_now(turn->shop->loop));
    turn_log(turn, LOG_WARN, "failed", "rule", turn->asked.rule, "kind", err_kind_name(err->kind), "reason",
             err->reason, "error", err->text, NULL);
}

static void kube_failed(struct turn *turn, const struct err *err)
{
    perform_failed(turn, err);
    turn_ready(turn);
}

static void kube_succeeded(struct turn *turn)
{
    state_succeed(turn->state, turn->asked.rule);
    turn_ready(turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A conflict or a missing object: what the store shows is out of date, so look. */

static struct stray subject(const struct turn *turn)
{
    const struct action *act = &turn->asked;
    struct json_object *manifest = act->apply.manifest;

    if (act->kind == ACT_DELETE)
        return act->delete;
    if (act->kind == ACT_APPLY)
        return (struct stray){.kind = child_kind(act->apply.child),
                              .ns = json_str_or(manifest, "metadata.namespace", ""),
                              .name = json_str_or(manifest, "metadata.name", "")};
    return (struct stray){.kind = KIND, .ns = turn->observed.owner.ns, .name = turn->observed.owner.name};
}

/* As the store would have it. */
static bool is_ours(struct turn *turn, enum kind kind, struct json_object *object)
{
    const struct workshop *shop = turn->shop;
    const struct record record = kind_record(kind, object, shop->store, &turn->mem);

    return strcmp(record.owner_uid, turn->observed.owner.uid) == 0;
}

/* Somebody else's object that the watch does not show is not kept: nobody would tell of its end. */
static bool is_worth_keeping(struct turn *turn, enum kind kind, struct json_object *object)
{
    return object && (kind_shows(kind, object) || is_ours(turn, kind, object));
}

/* The object is not as was thought, so the turn begins anew. If what is shown is no newer, whoever shows it is behind,
 * too: the call failed, and is made again later. */
static void begin_anew(struct turn *turn, struct json_object *object)
{
    struct err err;

    turn->stale =
        !object || kube_version_newer(json_str_or(object, "metadata.resourceVersion", ""), turn->observed.version);
    if (turn->stale)
        return;
    err_set(&err, ERR_CONFLICT, "Conflict", "the API server knows a newer version of the object than it shows");
    perform_failed(turn, &err);
}

static void on_looked(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const struct stray s = subject(turn);
    enum kind kind = kind_by_name(s.kind);

    turn->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        kube_failed(turn, &reply->err);
        return;
    }
    if (is_worth_keeping(turn, kind, reply->object))
        turn_learn_presence(turn, kind, reply->object);
    else
        turn_learn_absence(turn, kind, s.ns, s.name);
    if (turn->asked.kind == ACT_APPLY)
        turn->state->foreign[turn->asked.apply.child] = reply->object && !is_ours(turn, kind, reply->object);
    if (kind == KIND_RUNNER)
        begin_anew(turn, reply->object);
    turn_ready(turn);
}

static void look(struct turn *turn)
{
    const struct stray s = subject(turn);

    turn_get(turn, kind_by_name(s.kind), s.ns, s.name, NULL, on_looked);
}

/* True when the answer is good; else the failure is dealt with. */
static bool expect_success(struct turn *turn, const struct kube_reply *reply)
{
    turn->request = 0;
    if (reply->err.kind == ERR_NONE)
        return true;
    if (reply->err.kind == ERR_CONFLICT || reply->err.kind == ERR_NOT_FOUND)
        look(turn);
    else
        kube_failed(turn, &reply->err);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_READ */

struct source {
    enum kind kind;
    const char *name;
    const char *key; /* NULL: all of them, see READ_CACHE */
};

static struct source source_of(struct turn *turn, enum readable what)
{
    const struct observed *o = &turn->observed;

    switch (what) {
    case READ_CREDENTIAL:
        return (struct source){KIND_SECRET, o->spec->credential.name, o->spec->credential.key};
    case READ_CA:
        return (struct source){o->spec->ca_in_config_map ? KIND_CONFIG_MAP : KIND_SECRET, o->spec->ca.name,
                               o->spec->ca.key};
    case READ_CLIENT_CERT:
        return (struct source){KIND_SECRET, o->spec->client_cert.name, o->spec->client_cert.key};
    case READ_CLIENT_KEY:
        return (struct source){KIND_SECRET, o->spec->client_key.name, o->spec->client_key.key};
    case READ_CONFIG:
        return (struct source){KIND_SECRET, child_name(CHILD_CONFIG_SECRET, &o->owner, &turn->mem), KEY_CONFIG};
    case READ_CACHE:
        return (struct source){KIND_SECRET, cache_secret_name(o->spec->cache), NULL};
    case READ_ACCOUNT:
        return (struct source){KIND_SERVICE_ACCOUNT, o->spec->manager.service_account_name, NULL};
    case READ_TOKEN:
    case READ_COUNT:
        break;
    }
    return (struct source){KIND_SECRET, child_name(CHILD_TOKEN_SECRET, &o->owner, &turn->mem), KEY_RUNNER_TOKEN};
}

/* A Secret's value is bytes. A NUL among them must not hide what follows: it becomes another control character. */
static char *decoded(const char *data, struct arena *a)
{
    size_t len = 0;
    char *text = base64_decode(data, &len, a);

    for (char *nul; text && (nul = memchr(text, '\0', len));)
        *nul = '\001';
    return text;
}

/* Of an object that is too large as a whole nothing was read. */
static void refuse_large_ca(struct observed_value *v, bool too_large)
{
    const char *complaint = too_large                   ? "is in an object that is too large to be read"
                            : v->lookup == LOOKUP_FOUND ? http_ca_refuses(v->value)
                                                        : NULL;

    if (complaint)
        *v = (struct observed_value){.lookup = LOOKUP_INVALID, .complaint = complaint, .version = v->version};
}

/* What GitLab would not take, or could not be shown to it. The certificate was read first. */
static void refuse_bad_pair(struct turn *turn, struct observed_value *v, enum readable what)
{
    bool cert = what == READ_CLIENT_CERT;

    if (v->lookup != LOOKUP_FOUND || (!cert && what != READ_CLIENT_KEY))
        return;
    v->complaint = cert ? http_client_cert_refuses(v->value, loop_wall(turn->shop->loop), &turn->mem)
                        : http_client_key_refuses(v->value, turn->observed.values[READ_CLIENT_CERT].value);
    if (v->complaint)
        *v = (struct observed_value){.lookup = LOOKUP_INVALID, .complaint = v->complaint, .version = v->version};
}

/* Credentials go into headers, bodies and config.toml. */
static void refuse_what_is_no_token(struct observed_value *v, enum readable what)
{
    bool token = what == READ_CREDENTIAL || what == READ_TOKEN || what == READ_CONFIG;

    if (v->lookup != LOOKUP_FOUND || !token)
        return;
    v->complaint = charset_refuses(CHARSET_TOKEN, v->value, strlen(v->value));
    if (v->complaint)
        *v = (struct observed_value){.lookup = LOOKUP_INVALID, .complaint = v->complaint, .version = v->version};
}

static struct observed_value value_of(struct turn *turn, const struct source *source, struct json_object *object)
{
    struct json_object *data = json_get(object, "data"), *member = source->key ? json_member(data, source->key) : data;
    struct observed_value v = {.lookup = LOOKUP_NO_KEY,
                               .version =
                                   arena_strdup(&turn->mem, json_str_or(object, "metadata.resourceVersion", ""))};

    if (source->kind == KIND_SERVICE_ACCOUNT) {
        v.value = arena_strdup(&turn->mem, json_str_or(object, "metadata.uid", ""));
        v.lookup = LOOKUP_FOUND;
        return v;
    }
    if (!member)
        return v;
    if (!source->key) {
        v.value = arena_strdup(&turn->mem, json_text(data));
        v.lookup = LOOKUP_FOUND;
        return v;
    }
    char *text = source->kind == KIND_SECRET ? decoded(json_string(member), &turn->mem)
                                             : arena_strdup(&turn->mem, json_string(member));
    v.value = text ? charset_trim(text) : "";
    v.lookup = *v.value ? LOOKUP_FOUND : LOOKUP_EMPTY;
    return v;
}

/* What belongs elsewhere is told by how it begins, and goes nowhere. */
static void refuse_another_kind(struct turn *turn, struct observed_value *v)
{
    const struct spec *spec = turn->observed.spec;
    const char *complaint = v->lookup != LOOKUP_FOUND
                                ? NULL
                                : token_complaint(spec->authentication, &spec->credential, v->value, &turn->mem);

    if (complaint)
        *v = (struct observed_value){.lookup = LOOKUP_WRONG_KIND, .complaint = complaint, .version = v->version};
}

/* Who may write the spec may not be who may say where the Secret goes. False: it goes nowhere. */
static bool keep_to_hosts(struct turn *turn, struct json_object *hosts, struct observed_value *value)
{
    const struct spec *spec = turn->observed.spec;

    if (!hosts || policy_lists(json_string(hosts), spec->url, spec_address_of(spec, spec->url, &turn->mem)))
        return true;
    *value = (struct observed_value){.lookup = LOOKUP_NOT_FOR_HOST, .version = value->version};
    return false;
}

/* Nor who may say who is trusted with it. */
static void bind_value(struct turn *turn, enum readable what, struct json_object *secret, struct observed_value *value)
{
    struct json_object *hosts = json_member(json_get(secret, "metadata.annotations"), ANNOTATION_ALLOWED_HOSTS);
    struct json_object *ca = json_member(json_get(secret, "data"), KEY_CA);
    bool client = what == READ_CLIENT_CERT || what == READ_CLIENT_KEY;

    if ((!client && what != READ_CREDENTIAL) || !keep_to_hosts(turn, hosts, value) || !hosts || client)
        return;
    value->bound = true;
    value->ca_pem = ca ? base64_decode(json_string(ca), NULL, &turn->mem) : NULL;
    if (value->ca_pem && http_ca_refuses(value->ca_pem))
        value->ca_pem = ""; /* no certificate: InvalidCA */
}

/* Nobody would tell of the end of an account that the watch does not show. */
static void learn_what_was_read(struct turn *turn, const struct source *source, struct json_object *object)
{
    if (source->kind == KIND_SERVICE_ACCOUNT)
        return;
    if (object)
        turn_learn_presence(turn, source->kind, object);
    else
        turn_learn_absence(turn, source->kind, turn->observed.owner.ns, source->name);
}

static void on_read(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum readable what = turn->asked.read;
    const struct source source = source_of(turn, what);
    struct observed_value *value = &turn->observed.values[what];

    turn->request = 0;
    if (reply->err.kind == ERR_NOT_FOUND) {
        learn_what_was_read(turn, &source, NULL);
        *value = (struct observed_value){.lookup = LOOKUP_NO_OBJECT};
    } else if (reply->err.kind != ERR_NONE) {
        kube_failed(turn, &reply->err);
        return;
    } else {
        learn_what_was_read(turn, &source, reply->object);
        *value = value_of(turn, &source, reply->object);
        bind_value(turn, what, reply->object, value);
        if (what == READ_CONFIG && value->lookup == LOOKUP_FOUND) {
            value->value = config_toml_token(value->value, &turn->mem);
            value->lookup = value->value ? LOOKUP_FOUND : LOOKUP_EMPTY;
        }
    }
    refuse_what_is_no_token(value, what);
    if (what == READ_CREDENTIAL)
        refuse_another_kind(turn, value);
    refuse_bad_pair(turn, value, what);
    if (what == READ_CA)
        refuse_large_ca(value, object_too_large(reply->object));
    if (what == READ_TOKEN && !(reply->object && is_ours(turn, source.kind, reply->object)))
        state_token_is_absent(turn->state);
    kube_succeeded(turn);
}

static void perform_read(struct turn *turn)
{
    const struct source source = source_of(turn, turn->asked.read);

    const char *all = source.kind == KIND_SERVICE_ACCOUNT ? NULL : "*";

    turn_get(turn, source.kind, turn->observed.owner.ns, source.name, source.key ? source.key : all, on_read);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_FINALIZER, ACT_STATUS: the object itself. With the uid in the manifest a deleted object is never made again. */

static struct json_object *runner_patch(struct turn *turn)
{
    const struct owner *owner = &turn->observed.owner;

    return arena_json(&turn->step,
                      json_build("{apiVersion: %s, kind: %s, metadata: {namespace: %s, name: %s, uid: %s}}",
                                 API_VERSION, KIND, owner->ns, owner->name, owner->uid));
}

/* The answer is the object as it is now. If its spec is another one, or it is being deleted, then the watch will have
 * no news for anybody when it comes to tell of that. */
static void learn_runner(struct turn *turn, struct json_object *object)
{
    workshop_learn_written(turn->shop, KIND_RUNNER, object);
    turn->stale = object && json_int_or(object, "metadata.generation", 0) != turn->observed.generation;
}

/* What GitLab answers later is applied to the object as it is from now on: with our finalizer. */
static void follow_the_hold(struct turn *turn, struct json_object *object)
{
    const struct record held = kind_record(KIND_RUNNER, object, turn->shop->store, &turn->mem);

    turn->record = record_copy(&held, &turn->mem);
}

static void on_finalizer(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (!expect_success(turn, reply))
        return;
    learn_runner(turn, reply->object);
    if (reply->object && turn->asked.hold_finalizer && !turn->stale)
        follow_the_hold(turn, reply->object);
    turn->observed.finalizer = turn->state->judged = turn->asked.hold_finalizer;
    if (turn->state->doubt == DOUBT_SUSPECTED)
        turn->state->doubt = DOUBT_UNREAD;
    kube_succeeded(turn);
}

/* What follows cannot be repeated, so nothing of the object may have escaped us when the finalizer is put on it: the
 * write carries the version that is known, and is refused when there is a newer one. */
static void perform_finalizer(struct turn *turn)
{
    struct json_object *patch = runner_patch(turn);

    if (turn->asked.hold_finalizer) {
        json_set(patch, "metadata.finalizers", json_build("[%s]", FINALIZER));
        json_set_str(patch, "metadata.resourceVersion", turn->observed.version);
    }
    turn->request = kube_apply(turn->shop->client, kind_resource(KIND_RUNNER), NULL, patch, FIELD_MANAGER, false,
                               on_finalizer, turn);
}

/* An Event for each change that a person would want to know: registered, ready, or what is in the way. */
static void tell_changes(const struct turn *turn, struct json_object *before, struct json_object *now)
{
    static const char *const types[] = {"Registered", "Ready"};
    bool stalled = condition_get(now, "Stalled", "status") != NULL;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        const char *status = condition_get(now, types[i], "status"), *was = condition_get(before, types[i], "status");
        const char *reason = condition_get(now, types[i], "reason"),
                   *because = condition_get(before, types[i], "reason");
        const char *message = condition_get(now, types[i], "message");
        bool good = status && strcmp(status, "True") == 0;
        bool changed = status && (!was || strcmp(was, status) != 0 || (!good && strcmp(because, reason) != 0));
        bool failing = strcmp(types[i], "Ready") == 0 && (stalled || last_failed(&turn->observed));

        if (changed && (good || failing))
            turn_event(turn, !good, reason, message);
    }
}

/* Once: not again while it stays so, nor by another process where the status tells of a registration at this URL. */
static void warn_of_clear_text(const struct turn *turn, struct json_object *before)
{
    const struct spec *spec = turn->observed.spec;
    struct state *state = turn->state;
    bool was_told = state->insecure_told, insecure = spec && strncmp(spec->url, "http://", 7) == 0;

    state->insecure_told = insecure;
    if (insecure && !was_told && strcmp(json_str_or(before, "url", ""), spec->url) != 0)
        turn_event(turn, true, "InsecureURL",
                   "spec.url is not https, so tokens travel in clear text; give GitLab a certificate and an https URL");
}

/* Once for each set of them: the status says whether it has been seen. */
static void tell_warnings(struct turn *turn, struct json_object *before, struct json_object *now)
{
    const struct spec *spec = turn->observed.spec;
    const char *expected = spec ? spec->warnings.reason : NULL, *reason = condition_get(now, "ConfigApplied", "reason"),
               *message = condition_get(now, "ConfigApplied", "message"),
               *former = condition_get(before, "ConfigApplied", "message");

    if (expected && reason && strcmp(reason, expected) == 0 && (!former || strcmp(former, message) != 0))
        turn_event(turn, true, reason, warnings_text(&spec->warnings, WARNINGS_NOTE_MAX, &turn->mem));
}

/* Once for each token: the status says whether it has been told. */
static void tell_expiry(const struct turn *turn, struct json_object *before, struct json_object *now)
{
    if (condition_get(now, "TokenExpiring", "status") && !condition_get(before, "TokenExpiring", "status"))
        turn_event(turn, true, condition_get(now, "TokenExpiring", "reason"),
                   condition_get(now, "TokenExpiring", "message"));
}

static void on_status(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (!expect_success(turn, reply))
        return;
    tell_changes(turn, turn->observed.status, turn->asked.status);
    warn_of_clear_text(turn, turn->observed.status);
    tell_warnings(turn, turn->observed.status, turn->asked.status);
    tell_expiry(turn, turn->observed.status, turn->asked.status);
    learn_runner(turn, reply->object);
    turn->observed.status = arena_json(&turn->mem, json_ref(turn->asked.status));
    kube_succeeded(turn);
}

/* The newest version that is known; where the store shows another object of that name, or none, the last of this one.
 */
static const char *newest_version(const struct turn *turn)
{
    const struct observed *o = &turn->observed;
    const struct record *record = store_get(turn->shop->store, KIND_RUNNER, o->owner.ns, o->owner.name);

    return record && strcmp(record->uid, o->owner.uid) == 0 ? record->version : o->version;
}

/* With the version, because the API server does not compare the uid where only the status is written: an object that
 * was made anew under this name would get the status of the former one. */
static void perform_status(struct turn *turn)
{
    struct json_object *patch = runner_patch(turn);

    json_set_str(patch, "metadata.resourceVersion", newest_version(turn));
    json_set(patch, "status", json_ref(turn->asked.status));
    turn->request = kube_apply(turn->shop->client, kind_resource(KIND_RUNNER), "status", patch, FIELD_MANAGER, false,
                               on_status, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_APPLY, ACT_DELETE: the children */

/* Only the token Secret goes, and not the runner. */
static bool runner_stays(const struct observed *o)
{
    return !o->deleting && !o->deregistered;
}

/* The token Secret is about to be let go. If only it was deleted its token goes into the next one; it is kept before
 * the request, because the answer may be lost. */
static void keep_token_to_release(struct turn *turn)
{
    struct observed *o = &turn->observed;
    struct registration r = o->registered;

    r.token = o->values[READ_TOKEN].lookup == LOOKUP_FOUND ? o->values[READ_TOKEN].value : NULL;
    if (runner_stays(o) && r.token && registration_fits(o, &turn->mem))
        state_issue(turn->state, &r);
}

/* The token Secret was let go. */
static void note_released_token(struct turn *turn)
{
    const struct observed *o = &turn->observed;
    bool users_own = strcmp(o->registered.authentication, authentication_name(AUTH_RUNNER_TOKEN)) == 0;

    turn->state->had_secret = runner_stays(o) && !users_own;
}

/* The token Secret is written. */
static void keep_saved_token(struct turn *turn, struct json_object *secret)
{
    const struct registration *issued = turn->state->issued;

    turn->state->config_token_dead = turn->state->deregistered = false;
    turn->state->had_secret = true;
    turn->observed.values[READ_TOKEN] = (struct observed_value){
        .lookup = LOOKUP_FOUND,
        .value = issued ? arena_strdup(&turn->mem, issued->token) : turn->observed.values[READ_TOKEN].value,
        .version = arena_strdup(&turn->mem, json_str_or(secret, "metadata.resourceVersion", ""))};
    state_forget_issued(turn->state);
}

static void on_applied(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum child child = turn->asked.apply.child;

    if (!expect_success(turn, reply))
        return;
    workshop_learn_written(turn->shop, kind_of_child(child), reply->object);
    turn->state->foreign[child] = false;
    if (turn->asked.apply.release)
        note_released_token(turn);
    else if (child == CHILD_TOKEN_SECRET)
        keep_saved_token(turn, reply->object);
    turn_log(turn, LOG_INFO, "applied", "rule", turn->asked.rule, "kind", child_kind(child), NULL);
    kube_succeeded(turn);
}

static void perform_apply(struct turn *turn)
{
    struct action *act = &turn->asked;

    if (act->apply.uid) {
        act->apply.manifest = arena_json(&turn->step, json_copy(act->apply.manifest));
        json_set_str(act->apply.manifest, "metadata.uid", act->apply.uid);
    }
    if (act->apply.release) {
        json_set(act->apply.manifest, "metadata.finalizers", json_build("[]"));
        keep_token_to_release(turn);
    }
    turn->request = kube_apply(turn->shop->client, kind_resource(kind_of_child(act->apply.child)), NULL,
                               act->apply.manifest, FIELD_MANAGER, act->apply.uid == NULL, on_applied, turn);
}

static void on_deleted(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const struct stray *s = &turn->asked.delete;
    enum kind kind = kind_by_name(s->kind);

    if (!expect_success(turn, reply))
        return;
    if (json_len(json_get(reply->object, "metadata.finalizers")) > 0)
        workshop_learn_written(turn->shop, kind, reply->object);
    else
        store_bury(turn->shop->store, kind, s->ns, s->name, s->uid); /* a Status, or the object as it was at its end */
    turn_log(turn, LOG_INFO, "deleted", "rule", turn->asked.rule, "kind", s->kind, "object", s->name, NULL);
    kube_succeeded(turn);
}

static void perform_delete(struct turn *turn)
{
    const struct stray *s = &turn->asked.delete;

    turn->request = kube_delete(turn->shop->client, kind_resource(kind_by_name(s->kind)), s->ns, s->name, s->uid,
                                s->foreground, on_deleted, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

void perform(struct turn *turn, const struct action *act)
{
    static void (*const performers[])(struct turn * turn) = {
        [ACT_READ] = perform_read,     [ACT_FINALIZER] = perform_finalizer, [ACT_APPLY] = perform_apply,
        [ACT_DELETE] = perform_delete, [ACT_GITLAB] = perform_gitlab,       [ACT_STATUS] = perform_status,
        [ACT_RECORD] = ledger_perform, [ACT_REPORT] = report_perform,       [ACT_LOOK] = pods_perform,
    };

    turn->asked = *act;
    turn->asked_us = clock_us();
    performers[act->kind](turn);
}
