/* Actions become requests, answers become facts. */
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "checks.h"
#include "kube/version.h"
#include "ledger.h"
#include "net/loop.h"
#include "perform.h"
#include "runner/names.h"
#include "runner/status.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Failures */

static void note_failure(struct turn *turn, const struct err *err)
{
    state_fail(turn->state, turn->asked.rule, err, loop_now(turn->shop->loop));
    turn_log(turn, LOG_WARN, "failed", "rule", turn->asked.rule, "kind", err_kind_name(err->kind), "reason",
             err->reason, "error", err->text, NULL);
}

static void kube_failed(struct turn *turn, const struct err *err)
{
    note_failure(turn, err);
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

static bool is_ours(const struct turn *turn, struct json_object *object)
{
    struct json_object *uid = json_member(json_get(object, "metadata.annotations"), ANNOTATION_OWNER_UID);

    return uid && strcmp(json_string(uid), turn->observed.owner.uid) == 0;
}

/* Somebody else's object that the watch does not show is not kept: nobody would tell of its end. */
static bool is_worth_keeping(const struct turn *turn, enum kind kind, struct json_object *object)
{
    return object && (is_ours(turn, object) || kind_shows(kind, object));
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
    note_failure(turn, &err);
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
        turn->state->foreign[turn->asked.apply.child] = reply->object && !is_ours(turn, reply->object);
    if (kind == KIND_RUNNER)
        begin_anew(turn, reply->object);
    turn_ready(turn);
}

static void look(struct turn *turn)
{
    const struct stray s = subject(turn);

    turn_get(turn, kind_by_name(s.kind), s.ns, s.name, on_looked);
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
    const char *name, *key;
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
    case READ_CONFIG:
        return (struct source){KIND_SECRET, child_name(CHILD_CONFIG_SECRET, &o->owner, &turn->mem), KEY_CONFIG};
    case READ_TOKEN:
    case READ_COUNT:
        break;
    }
    return (struct source){KIND_SECRET, child_name(CHILD_TOKEN_SECRET, &o->owner, &turn->mem), KEY_RUNNER_TOKEN};
}

/* Text files end in a newline, and so do values that people put into Secrets. */
static char *trimmed(char *text)
{
    size_t len = strlen(text);

    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    return text;
}

static struct observed_value value_of(struct turn *turn, const struct source *source, struct json_object *object)
{
    struct json_object *member = json_member(json_get(object, "data"), source->key);
    struct observed_value v = {.lookup = LOOKUP_NO_KEY,
                               .version =
                                   arena_strdup(&turn->mem, json_str_or(object, "metadata.resourceVersion", ""))};

    if (!member)
        return v;
    char *text = source->kind == KIND_SECRET ? base64_decode(json_string(member), NULL, &turn->mem)
                                             : arena_strdup(&turn->mem, json_string(member));
    v.value = text ? trimmed(text) : "";
    v.lookup = *v.value ? LOOKUP_FOUND : LOOKUP_EMPTY;
    return v;
}

static void on_read(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum readable what = turn->asked.read;
    const struct source source = source_of(turn, what);
    struct observed_value *value = &turn->observed.values[what];

    turn->request = 0;
    if (reply->err.kind == ERR_NOT_FOUND) {
        turn_learn_absence(turn, source.kind, turn->observed.owner.ns, source.name);
    } else if (reply->err.kind != ERR_NONE) {
        kube_failed(turn, &reply->err);
        return;
    } else {
        turn_learn_presence(turn, source.kind, reply->object);
        *value = value_of(turn, &source, reply->object);
        if (what == READ_CONFIG && value->lookup == LOOKUP_FOUND) {
            value->value = config_toml_token(value->value, &turn->mem);
            value->lookup = value->value ? LOOKUP_FOUND : LOOKUP_EMPTY;
        }
    }
    if (what == READ_TOKEN && !(reply->object && is_ours(turn, reply->object)))
        state_token_is_absent(turn->state);
    kube_succeeded(turn);
}

static void perform_read(struct turn *turn)
{
    const struct source source = source_of(turn, turn->asked.read);

    turn_get(turn, source.kind, turn->observed.owner.ns, source.name, on_read);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_FINALIZER, ACT_STATUS: the object itself. With the uid in the manifest a deleted object is never made again. */

static struct json_object *runner_patch(struct turn *turn)
{
    const struct owner *owner = &turn->observed.owner;

    return arena_json(&turn->mem, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: %s, name: %s, uid: %s}}",
                                             API_VERSION, KIND, owner->ns, owner->name, owner->uid));
}

/* The answer is the object as it is now. If its spec is another one, or it is being deleted, then the watch will have
 * no news for anybody when it comes to tell of that. */
static void learn_runner(struct turn *turn, struct json_object *object)
{
    workshop_learn_written(turn->shop, KIND_RUNNER, object);
    turn->stale = object && json_int_or(object, "metadata.generation", 0) != turn->observed.generation;
}

static void on_finalizer(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (!expect_success(turn, reply))
        return;
    learn_runner(turn, reply->object);
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
        bool changed = status && (!was || strcmp(was, status) != 0 || !because || strcmp(because, reason) != 0);
        bool failing = strcmp(types[i], "Ready") == 0 && (stalled || last_failed(&turn->observed));

        if (changed && (good || failing))
            turn_event(turn, !good, reason, message);
    }
}

/* Once for each edit of the spec: the status says whether it has been seen. */
static void warn_of_clear_text(const struct turn *turn, struct json_object *before, struct json_object *now)
{
    const struct spec *spec = turn->observed.spec;

    if (spec && strncmp(spec->url, "http://", 7) == 0 &&
        json_int_or(before, "observedGeneration", -1) != json_int_or(now, "observedGeneration", -1))
        turn_event(turn, true, "InsecureURL",
                   "spec.url is not https, so tokens travel in clear text; give GitLab a certificate and an https URL");
}

static void on_status(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (!expect_success(turn, reply))
        return;
    tell_changes(turn, turn->observed.status, turn->asked.status);
    warn_of_clear_text(turn, turn->observed.status, turn->asked.status);
    learn_runner(turn, reply->object);
    turn->observed.status = turn->asked.status;
    kube_succeeded(turn);
}

static void perform_status(struct turn *turn)
{
    struct json_object *patch = runner_patch(turn);

    json_set(patch, "status", json_ref(turn->asked.status));
    turn->request = kube_apply(turn->shop->client, kind_resource(KIND_RUNNER), "status", patch, FIELD_MANAGER, false,
                               on_status, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_APPLY, ACT_DELETE: the children */

/* The token Secret is let go. If only it was deleted, and not the runner, its token goes into the next one. */
static void keep_released_token(struct turn *turn)
{
    struct observed *o = &turn->observed;
    struct registration r = o->registered;
    bool stays = !o->deleting && !o->deregistered;

    turn->state->had_secret = stays && strcmp(r.authentication, authentication_name(AUTH_RUNNER_TOKEN)) != 0;
    r.token = o->values[READ_TOKEN].lookup == LOOKUP_FOUND ? o->values[READ_TOKEN].value : NULL;
    if (stays && r.token && registration_fits(o, &turn->mem))
        state_issue(turn->state, &r);
}

/* The token Secret is written. */
static void keep_saved_token(struct turn *turn, struct json_object *secret)
{
    turn->state->config_token_dead = turn->state->deregistered = false;
    turn->state->had_secret = true;
    turn->observed.values[READ_TOKEN] = (struct observed_value){
        .lookup = LOOKUP_FOUND,
        .value = arena_strdup(&turn->mem, turn->state->issued.token),
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
        keep_released_token(turn);
    else if (child == CHILD_TOKEN_SECRET)
        keep_saved_token(turn, reply->object);
    turn_log(turn, LOG_INFO, "applied", "rule", turn->asked.rule, "kind", child_kind(child), NULL);
    kube_succeeded(turn);
}

static void perform_apply(struct turn *turn)
{
    struct action *act = &turn->asked;

    act->apply.manifest = arena_json(&turn->mem, json_copy(act->apply.manifest));
    json_set_str(act->apply.manifest, "metadata.uid", act->apply.uid);
    if (act->apply.release)
        json_set(act->apply.manifest, "metadata.finalizers", json_build("[]"));
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
    turn_log(turn, LOG_INFO, "deleted", "rule", turn->asked.rule, "kind", s->kind, "name", s->name, NULL);
    kube_succeeded(turn);
}

static void perform_delete(struct turn *turn)
{
    const struct stray *s = &turn->asked.delete;

    turn->request = kube_delete(turn->shop->client, kind_resource(kind_by_name(s->kind)), s->ns, s->name, s->uid,
                                s->foreground, on_deleted, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * ACT_GITLAB */

static const enum gitlab_op_kind ops[] = {
    [GITLAB_REGISTER] = GITLAB_OP_REGISTER, [GITLAB_CREATE] = GITLAB_OP_CREATE,
    [GITLAB_VERIFY] = GITLAB_OP_VERIFY,     [GITLAB_RESTORE] = GITLAB_OP_VERIFY,
    [GITLAB_FIND] = GITLAB_OP_FIND,         [GITLAB_RESET] = GITLAB_OP_RESET,
    [GITLAB_UPDATE] = GITLAB_OP_UPDATE,     [GITLAB_DEREGISTER] = GITLAB_OP_DEREGISTER,
    [GITLAB_REMOVE] = GITLAB_OP_REMOVE,     [GITLAB_SHOW] = GITLAB_OP_SHOW,
    [GITLAB_TRY] = GITLAB_OP_VERIFY,        [GITLAB_VERSION] = GITLAB_OP_VERSION,
    [GITLAB_ROTATE] = GITLAB_OP_ROTATE,     [GITLAB_INSPECT] = GITLAB_OP_SHOW,
    [GITLAB_KEEP] = GITLAB_OP_VERIFY,       [GITLAB_INHERIT] = GITLAB_OP_VERIFY,
};

/* An answer that leaves open whether a runner was made is the same as a crash after the call; and one that was found
 * and is gone again is to be looked for again. */
static void doubt_lost_answer(struct turn *turn, const struct gitlab_answer *answer)
{
    enum gitlab_call what = turn->asked.gitlab.call;
    bool makes = what == GITLAB_REGISTER || what == GITLAB_CREATE || what == GITLAB_RESET;

    bool gone = what == GITLAB_RESET && answer->err.kind == ERR_NOT_FOUND &&
                !turn->observed.children[CHILD_TOKEN_SECRET].exists;

    if ((answer->ambiguous && makes) || gone)
        turn->state->doubt = DOUBT_LOST;
}

static void gitlab_failed(struct turn *turn, const struct gitlab_answer *answer)
{
    enum gitlab_call what = turn->asked.gitlab.call;
    const struct err *err = &answer->err;

    turn->state->reach = err->code ? REACH_YES : REACH_NO;
    turn->state->gitlab_err = *err;
    doubt_lost_answer(turn, answer);
    if (checks_learn(turn, answer)) {
        turn_ready(turn);
        return;
    }
    if (what == GITLAB_RESTORE && err->kind == ERR_DENIED && err->code == 403)
        turn->state->config_token_dead = true;
    else if (what == GITLAB_FIND && err->kind == ERR_DENIED && err->code == 403)
        turn->state->doubt = DOUBT_UNSEARCHABLE;
    else
        note_failure(turn, err);
    turn_ready(turn);
}

/* What a call has to do with the registration. */
enum { TELLS = 1, KEEPS_TOLD = 2, KEEPS_TOKEN = 4, KEEPS_PLACE = 8, MAKES_TOKEN = 16 };
static const unsigned effects[] = {
    [GITLAB_REGISTER] = TELLS | MAKES_TOKEN,      [GITLAB_CREATE] = TELLS | MAKES_TOKEN,
    [GITLAB_UPDATE] = TELLS | KEEPS_TOKEN,        [GITLAB_RESET] = MAKES_TOKEN,
    [GITLAB_ROTATE] = MAKES_TOKEN | KEEPS_TOLD,   [GITLAB_KEEP] = KEEPS_TOKEN | KEEPS_TOLD,
    [GITLAB_INHERIT] = KEEPS_TOKEN | KEEPS_PLACE, [GITLAB_REMOVE] = 0,
};

/* GitLab cannot be asked what it was told before the Secret was lost, or before our mark became another; so without the
 * right to tell it again it is taken to be what the spec says. */
static const char *told_hash(struct turn *turn, enum gitlab_call what)
{
    const struct observed *o = &turn->observed;
    bool is_unknown = what == GITLAB_RESTORE || what == GITLAB_INHERIT || what == GITLAB_KEEP;
    bool unknowable = is_unknown && o->spec->authentication == AUTH_REGISTRATION_TOKEN;

    if (effects[what] & KEEPS_TOLD && *o->registered.told_hash)
        return o->registered.told_hash;
    return effects[what] & TELLS || unknowable ? attributes_hash(&o->spec->attributes, &turn->mem) : "";
}

/* What the token Secret is to say of a runner whose token was just got, or which was told new attributes. */
static void issue(struct turn *turn, const struct gitlab_answer *answer)
{
    const struct observed *o = &turn->observed;
    enum gitlab_call what = turn->asked.gitlab.call;
    bool keeps = effects[what] & KEEPS_TOKEN, makes = effects[what] & MAKES_TOKEN;
    const char *now = time_format(loop_wall(turn->shop->loop), &turn->mem);
    struct registration r = {
        .runner_id = answer->id,
        .token = keeps ? o->values[READ_TOKEN].value : answer->token,
        .url = o->spec->url,
        .authentication = authentication_name(o->spec->authentication),
        .scope = scope_text(o->spec, &turn->mem),
        .told_hash = told_hash(turn, what),
        .expiration = keeps ? o->registered.expiration : answer->expiration,
        .obtained = keeps                         ? o->registered.obtained
                    : makes && answer->expiration ? now
                                                  : NULL,
        .rotation = keeps ? o->registered.rotation : o->rotation_request,
        .inputs = token_inputs_text(o, &turn->mem),
    };

    if (effects[what] & KEEPS_PLACE) {
        r.url = o->registered.url;
        r.authentication = o->registered.authentication;
        r.scope = o->registered.scope;
        r.inputs = NULL;
    }
    checks_renew(turn);
    state_issue(turn->state, &r);
    turn->state->doubt = DOUBT_NONE;
    turn->state->deregistered = false;
}

/* The Secret says already what it would say now. */
static bool is_known(struct turn *turn)
{
    return turn->asked.gitlab.call == GITLAB_UPDATE && registration_is_right(&turn->observed, &turn->mem);
}

/* What GitLab was asked, and what came of it. A failure has a line of its own (note_failure). */
static void note_call(const struct turn *turn, const struct gitlab_answer *answer)
{
    const char *call = gitlab_call_name(turn->asked.gitlab.call);
    const char *result = answer->err.kind ? answer->err.reason : "ok";
    struct stats *stats = turn->shop->stats;

    tally_add(&stats->gitlab_calls, call, result, 1);
    histogram_observe(&stats->gitlab_seconds, seconds_since(turn->asked_us));
    turn_log(turn, answer->err.kind ? LOG_DEBUG : LOG_INFO, "called GitLab", "call", call, "result", result, NULL);
}

static void learn_deregistered(struct turn *turn, const struct gitlab_answer *answer)
{
    if (answer->unknown && turn->asked.gitlab.call == GITLAB_DEREGISTER) {
        turn->state->deregistered = checks_done_with(turn);
        return;
    }
    turn->state->deregistered = true;
    turn_event(turn, false, "Deregistered", "GitLab has removed the runner");
}

static void on_gitlab(void *arg, const struct gitlab_answer *answer)
{
    struct turn *turn = arg;
    enum gitlab_call what = turn->asked.gitlab.call;

    turn->call = NULL;
    note_call(turn, answer);
    if (answer->err.kind != ERR_NONE) {
        gitlab_failed(turn, answer);
        return;
    }
    turn->state->reach = REACH_YES;
    if (what != GITLAB_TRY || !turn->state->check.credential_status) /* else that is still to be told */
        turn->state->gitlab_err = (struct err){.kind = ERR_NONE};
    state_succeed(turn->state, turn->asked.rule);
    if (checks_learn(turn, answer)) {
        turn_ready(turn);
        return;
    }
    if (what == GITLAB_RESTORE && answer->id != turn->asked.gitlab.runner_id) {
        turn->state->config_token_dead = true;
    } else if (what == GITLAB_FIND) {
        turn->state->found_id = answer->id;
        turn->state->doubt = answer->id ? DOUBT_SEARCHED : DOUBT_NONE;
    } else if (what == GITLAB_DEREGISTER || what == GITLAB_REMOVE) {
        learn_deregistered(turn, answer);
    } else if (is_known(turn)) {
        checks_renew(turn);
    } else {
        issue(turn, answer);
    }
    turn_ready(turn);
}

static void perform_gitlab(struct turn *turn)
{
    static const char *const types[] = {[SCOPE_UNSET] = "instance_type",
                                        [SCOPE_INSTANCE] = "instance_type",
                                        [SCOPE_GROUP] = "group_type",
                                        [SCOPE_PROJECT] = "project_type"};
    const struct observed *o = &turn->observed;
    const struct action *act = &turn->asked;
    struct gitlab_request call = {
        .op = ops[act->gitlab.call],
        .url = act->gitlab.url,
        .ca_pem = o->values[READ_CA].value,
        .token = act->gitlab.token,
        .runner_id = act->gitlab.runner_id,
        .mark = arena_printf(&turn->mem, MARK_PREFIX "%s", o->owner.uid),
        .runner_type = types[SCOPE_UNSET],
    };

    if (o->spec) {
        call.address = spec_address_of(o->spec, act->gitlab.url, &turn->mem);
        call.attributes = attributes_json(&o->spec->attributes, &turn->mem);
        call.runner_type = types[o->spec->scope];
        call.scope_id = o->spec->scope_id;
    }
    turn->call = gitlab_start(turn->shop->gitlab, &call, on_gitlab, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

void perform(struct turn *turn, const struct action *act)
{
    static void (*const performers[])(struct turn * turn) = {
        [ACT_READ] = perform_read,     [ACT_FINALIZER] = perform_finalizer, [ACT_APPLY] = perform_apply,
        [ACT_DELETE] = perform_delete, [ACT_GITLAB] = perform_gitlab,       [ACT_STATUS] = perform_status,
        [ACT_RECORD] = ledger_perform,
    };

    turn->asked = *act;
    turn->asked_us = clock_us();
    performers[act->kind](turn);
}
