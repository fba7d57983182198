#include "runner/server_check.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mark.h"
#include "base/mem.h"
#include "base/time.h"
#include "runner/names.h"

enum { SELDOM = 24 }; /* checks: GitLab is upgraded, and an access token replaced, seldom */

/* ---------------------------------------------------------------------------------------------------------------------
 * When */

/* A number below `below`, the same for the same object: a thousand of them do not call at the same time. */
static int64_t spread(const char *uid, int64_t below)
{
    cleanup_arena struct arena a = {0};

    assert(uid && below > 0);
    return (int64_t)(strtoull(digest_short(uid, strlen(uid), &a), NULL, 16) % (uint64_t)below);
}

bool server_check_is_proof(const struct server_check *check, int64_t now_ms)
{
    assert(check->shown_ms <= now_ms);
    return check->shown == SHOWN_OURS && now_ms - check->shown_ms < PROOF_MS;
}

void server_check_prove(struct server_check *check, int64_t now_ms)
{
    check->shown = SHOWN_OURS;
    check->shown_ms = now_ms;
}

void server_check_plan(struct server_check *check, const char *uid, int64_t period, int64_t now_ms)
{
    int64_t period_ms = period * 1000;

    if (!check->due_ms || check->due_ms > now_ms + period_ms / 4 + period_ms)
        check->due_ms = now_ms + period_ms / 4 + spread(uid, period_ms);
}

/* A period, a tenth more or less, so that objects that began together do not stay together. */
static int64_t next_check(const struct server_check_context *in)
{
    int64_t period_ms = in->spec->server_check_period * 1000;

    return in->now_ms + period_ms - period_ms / 10 + spread(in->uid, period_ms / 5);
}

/* What was said once is asked again soon. */
static int64_t next_after(const struct server_check_context *in, unsigned said)
{
    return said < CONFIRMATIONS ? in->now_ms + CONFIRM_AFTER_MS : next_check(in);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What GitLab shows */

static bool same_tags(struct json_object *a, struct json_object *b)
{
    bool same = json_len(a) == json_len(b);

    for (size_t i = 0; same && i < json_len(a); i++) {
        bool found = false;
        for (size_t j = 0; !found && j < json_len(b); j++)
            found = strcmp(json_string(json_at(a, i)), json_string(json_at(b, j))) == 0;
        same = found;
    }
    return same;
}

/* In GitLab's words; a note that is null may only be out of the credential's sight. */
static const struct {
    const char *name;
    bool set, null_says_nothing;
} compared[] = {
    {"description", false, false},     {"tag_list", true, false},         {"run_untagged", false, false},
    {"locked", false, false},          {"paused", false, false},          {"access_level", false, false},
    {"maximum_timeout", false, false}, {"maintenance_note", false, true},
};

static bool is_attribute_edited(size_t i, struct json_object *wanted, struct json_object *runner)
{
    struct json_object *want = json_member(wanted, compared[i].name), *is = json_member(runner, compared[i].name);
    bool hidden = !json_object_object_get_ex(runner, compared[i].name, NULL) || (compared[i].null_says_nothing && !is);

    if (hidden)
        return false;
    return compared[i].set ? !same_tags(want, is) : !json_same(want, is);
}

unsigned attributes_edited(const struct attributes *attributes, struct json_object *runner)
{
    cleanup_arena struct arena a = {0};
    struct json_object *wanted = attributes_json(attributes, &a);
    unsigned edited = 0;

    static_assert(ARRAY_LEN(compared) <= 32, "a bit each");
    for (size_t i = 0; i < ARRAY_LEN(compared); i++)
        edited |= is_attribute_edited(i, wanted, runner) ? 1u << i : 0;
    return edited;
}

const char *attributes_text(unsigned edited, struct arena *a)
{
    const char *text = "";

    assert(!(edited >> ARRAY_LEN(compared)));
    for (size_t i = 0; i < ARRAY_LEN(compared); i++)
        if (edited & (1u << i))
            text = arena_printf(a, "%s%s%s", text, *text ? ", " : "", compared[i].name);
    return text;
}

bool runner_is_marked(struct json_object *runner, const char *uid)
{
    cleanup_arena struct arena a = {0};

    return has_mark(json_str_or(runner, "maintenance_note", ""), arena_printf(&a, MARK_PREFIX "%s", uid));
}

bool runner_is_somebodys(struct json_object *runner)
{
    return has_any_mark(json_str_or(runner, "maintenance_note", ""), MARK_PREFIX);
}

static bool has_owner(struct json_object *owners, int64_t id)
{
    for (size_t i = 0; i < json_len(owners); i++)
        if (json_int_or(json_at(owners, i), "id", 0) == id)
            return true;
    return false;
}

bool runner_is_in_scope(struct json_object *runner, const struct spec *spec)
{
    const char *type = json_str_or(runner, "runner_type", "");

    switch (spec->scope) {
    case SCOPE_INSTANCE:
        return strcmp(type, "instance_type") == 0;
    case SCOPE_GROUP:
        return strcmp(type, "group_type") == 0 && has_owner(json_get(runner, "groups"), spec->scope_id);
    case SCOPE_PROJECT:
        return strcmp(type, "project_type") == 0 && has_owner(json_get(runner, "projects"), spec->scope_id);
    case SCOPE_UNSET:
        break;
    }
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Answers */

/* The id alone does not tell whether the token is good. Managers that run are heard of all the time: if GitLab has
 * heard of none since the last check, it does not know them by this token. */
static bool is_suspect(struct server_check *check, const struct server_check_context *in, struct json_object *runner)
{
    int64_t before = check->contacted, contacted = time_parse(json_str(runner, "contacted_at"));

    check->contacted = contacted > 0 ? contacted : CONTACTED_NEVER;
    return in->managers && before && before == check->contacted;
}

void server_check_shown(struct server_check *check, const struct server_check_context *in, struct json_object *runner)
{
    bool silent = is_suspect(check, in, runner), ours = runner_is_marked(runner, in->uid);

    check->absences = 0;
    check->credential_status = 0;
    check->shown = ours ? SHOWN_OURS : SHOWN_FOREIGN;
    check->shown_ms = in->now_ms;
    check->edited = attributes_edited(in->attributes, runner);
    check->wants_version = in->now_ms >= check->version_due_ms;
    check->wants_self = !check->wants_version && in->now_ms >= check->self_due_ms; /* one question more at most */
    check->try_token = check->refusals < CONFIRMATIONS && (silent || (check->edited && !ours));
    check->due_ms = check->try_token ? in->now_ms : next_check(in);
}

void server_check_absent(struct server_check *check, const struct server_check_context *in)
{
    check->absences++;
    check->shown = SHOWN_UNKNOWN;
    check->contacted = 0;
    check->credential_status = 0;
    check->due_ms = next_after(in, check->absences + check->refusals / CONFIRMATIONS);
}

void server_check_not_allowed(struct server_check *check, const struct server_check_context *in, int status)
{
    assert(status == 401 || status == 403);
    check->credential_status = status;
    check->try_token |= check->absences > 0;
    if (!in->managers && !check->try_token)
        check->due_ms = next_check(in);
    else
        check->refused_due_ms = check->due_ms;
}

void server_check_accepted(struct server_check *check, const struct server_check_context *in, int64_t id,
                           int64_t recorded)
{
    check->refusals = check->absences = 0;
    check->try_token = false;
    check->shown = id == recorded ? SHOWN_OURS : SHOWN_FOREIGN;
    check->shown_ms = in->now_ms;
    if (id != recorded) {
        check->edited = 0;
        check->absences = CONFIRMATIONS;
    }
    check->due_ms = next_check(in);
}

/* What was shown of the id before the token died proves nothing any more. */
void server_check_refused(struct server_check *check, const struct server_check_context *in)
{
    bool by_id = in->by_id && !check->credential_status;

    check->refusals++;
    check->try_token = !by_id || check->refusals < CONFIRMATIONS;
    check->due_ms = next_after(in, check->refusals);
    if (check->refusals != CONFIRMATIONS)
        return;
    check->shown = SHOWN_UNKNOWN;
    if (by_id)
        check->due_ms = in->now_ms;
}

void server_check_dead(struct server_check *check)
{
    check->refusals = CONFIRMATIONS;
    check->absences = 0;
    check->credential_status = 0;
    check->shown = SHOWN_UNKNOWN;
}

void server_check_unanswered(struct server_check *check, const struct server_check_context *in, int64_t retry_after_ms)
{
    assert(retry_after_ms >= 0);
    int64_t allowed = in->now_ms + retry_after_ms;

    check->due_ms = allowed > next_check(in) ? allowed : next_check(in);
}

static int64_t next_seldom(const struct server_check_context *in)
{
    return in->now_ms + SELDOM * in->spec->server_check_period * 1000;
}

void server_check_version(struct server_check *check, const struct server_check_context *in, const char *version)
{
    int major, minor;

    check->wants_version = false;
    check->version_due_ms = next_seldom(in);
    if (version && sscanf(version, "%d.%d", &major, &minor) == 2 && major > 0 && minor >= 0) {
        check->major = major;
        check->minor = minor;
    }
}

void server_check_self(struct server_check *check, const struct server_check_context *in, const char *day)
{
    int64_t end = day ? day_parse(day) : 0;

    check->wants_self = false;
    check->self_due_ms = next_seldom(in);
    check->self_known = true;
    check->credential_end = end > 0 ? end : 0;
}

void server_check_unheard(struct server_check *check)
{
    check->wants_version = check->wants_self = false;
}

void server_check_forget_credential(struct server_check *check)
{
    check->self_due_ms = 0;
    check->version_due_ms = check->major ? check->version_due_ms : 0;
}

void server_check_renewed(struct server_check *check, const struct server_check_context *in, bool elsewhere)
{
    const struct server_check former = elsewhere ? (struct server_check){0} : *check;

    *check = (struct server_check){.due_ms = next_check(in),
                                   .version_due_ms = former.version_due_ms,
                                   .self_due_ms = former.self_due_ms,
                                   .wants_version = former.wants_version,
                                   .wants_self = former.wants_self,
                                   .self_known = former.self_known,
                                   .credential_end = former.credential_end,
                                   .major = former.major,
                                   .minor = former.minor};
}
