/* Actions as values: what rules return. */
#include "runner/rules.h"

#include <assert.h>

#include "base/json.h"

const struct action act_pass = {.kind = ACT_PASS};

struct action act_wait(const char *reason, const char *message, bool stalled)
{
    assert(reason && message);
    return (struct action){.kind = ACT_WAIT, .wait = {.reason = reason, .message = message, .stalled = stalled}};
}

/* A read has a name of its own: that it works again says nothing about the other calls of the rule that asked for it.
 */
struct action act_read(enum readable what)
{
    static const char *const names[] = {
        [READ_CREDENTIAL] = "read-credential",
        [READ_CA] = "read-ca",
        [READ_CLIENT_CERT] = "read-client-certificate",
        [READ_CLIENT_KEY] = "read-client-key",
        [READ_TOKEN] = "read-token",
        [READ_CACHE] = "read-cache",
        [READ_CONFIG] = "read-config",
        [READ_ACCOUNT] = "read-account",
    };

    assert(what < READ_COUNT && names[what]);
    return (struct action){.kind = ACT_READ, .rule = names[what], .read = what};
}

struct action act_finalizer(bool hold)
{
    return (struct action){.kind = ACT_FINALIZER, .hold_finalizer = hold};
}

struct action act_apply(enum child child, struct json_object *manifest, const char *uid)
{
    assert(child < CHILD_COUNT && manifest);
    if (uid)
        json_set_str(manifest, "metadata.uid", uid);
    return (struct action){.kind = ACT_APPLY, .apply = {.child = child, .manifest = manifest, .uid = uid}};
}

struct action act_call(enum gitlab_call what, const char *url, const char *token, int64_t runner_id)
{
    assert(what <= GITLAB_REMOVE && url && token);
    return (struct action){.kind = ACT_GITLAB,
                           .gitlab = {.call = what, .url = url, .token = token, .runner_id = runner_id}};
}

struct action act_report(const char *reason, const char *message)
{
    assert(reason && message);
    return (struct action){.kind = ACT_REPORT, .report = {.warning = true, .reason = reason, .message = message}};
}

struct action act_tell(const char *reason, const char *message)
{
    assert(reason && message);
    return (struct action){.kind = ACT_REPORT, .report = {.reason = reason, .message = message}};
}

const char *act_kind_name(enum act_kind kind)
{
    static const char *const names[] = {
        [ACT_PASS] = "pass",     [ACT_WAIT] = "wait",     [ACT_READ] = "read",     [ACT_FINALIZER] = "finalizer",
        [ACT_APPLY] = "apply",   [ACT_DELETE] = "delete", [ACT_GITLAB] = "gitlab", [ACT_REPORT] = "report",
        [ACT_STATUS] = "status", [ACT_DONE] = "done",     [ACT_RECORD] = "record", [ACT_LOOK] = "look",
    };
    assert(kind <= ACT_DONE);
    return names[kind];
}

const char *gitlab_call_name(enum gitlab_call what)
{
    static const char *const names[] = {
        [GITLAB_REGISTER] = "register", [GITLAB_CREATE] = "create",
        [GITLAB_VERIFY] = "verify",     [GITLAB_RESTORE] = "restore",
        [GITLAB_FIND] = "find",         [GITLAB_RESET] = "reset",
        [GITLAB_UPDATE] = "update",     [GITLAB_DEREGISTER] = "deregister",
        [GITLAB_REMOVE] = "remove",     [GITLAB_SHOW] = "show",
        [GITLAB_TRY] = "try",           [GITLAB_VERSION] = "version",
        [GITLAB_SELF] = "self",         [GITLAB_ROTATE] = "rotate",
        [GITLAB_INSPECT] = "inspect",   [GITLAB_CLAIM] = "claim",
        [GITLAB_KEEP] = "keep",         [GITLAB_INHERIT] = "inherit",
    };
    assert(what <= GITLAB_REMOVE);
    return names[what];
}
