/* Actions as people are told of them. */
#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/explain_parts.h"

static const char *call_text(const struct action *act, struct arena *a)
{
    static const char *const texts[] = {
        [GITLAB_REGISTER] = "register the runner",
        [GITLAB_CREATE] = "register the runner",
        [GITLAB_VERIFY] = "have the runner token verified",
        [GITLAB_RESTORE] = "have the token verified that the config Secret still has",
        [GITLAB_FIND] = "look for a runner that has our mark",
        [GITLAB_RESET] = "get a new token for the runner",
        [GITLAB_UPDATE] = "tell the runner's tags and other attributes",
        [GITLAB_SHOW] = "look at the runner",
        [GITLAB_TRY] = "have the runner's token verified",
        [GITLAB_VERSION] = "ask for GitLab's version",
        [GITLAB_SELF] = "ask until when the access token lives",
        [GITLAB_ROTATE] = "replace the runner's token",
        [GITLAB_INSPECT] = "look at the runner that is to be taken over",
        [GITLAB_CLAIM] = "put our mark on the runner that is to be adopted",
        [GITLAB_KEEP] = "have the runner's token verified, to go on with it",
        [GITLAB_INHERIT] = "have the token of the former object verified",
        [GITLAB_DEREGISTER] = "deregister the runner",
        [GITLAB_REMOVE] = "delete the runner by its id",
    };
    enum gitlab_call call = act->gitlab.call;

    return call < ARRAY_LEN(texts) && texts[call] ? arena_printf(a, "%s, at %s", texts[call], act->gitlab.url)
                                                  : arena_printf(a, "call %s", act->gitlab.url);
}

static const char *text_of_read(enum readable what)
{
    static const char *const texts[READ_COUNT] = {
        [READ_CREDENTIAL] = "read the Secret that spec.authentication names",
        [READ_CA] = "read the CA that the spec names",
        [READ_CLIENT_CERT] = "read the client certificate that the spec names",
        [READ_CLIENT_KEY] = "read the client certificate's key",
        [READ_TOKEN] = "read the runner's token Secret",
        [READ_CACHE] = "read the Secret that spec.cache names",
        [READ_CONFIG] = "read the config Secret",
        [READ_ACCOUNT] = "read the ServiceAccount of the managers",
    };
    return texts[what];
}

static const char *apply_text(const struct action *act, struct arena *a)
{
    struct json_object *manifest = act->apply.manifest;

    return arena_printf(a, "%s %s %s/%s", act->apply.uid ? "change" : "create", child_kind(act->apply.child),
                        json_str_or(manifest, "metadata.namespace", "?"), json_str_or(manifest, "metadata.name", "?"));
}

const char *action_text(const struct action *act, struct arena *a)
{
    switch (act->kind) {
    case ACT_READ:
        return text_of_read(act->read);
    case ACT_LOOK:
        return "look at the managers' pods";
    case ACT_FINALIZER:
        return act->hold_finalizer ? "put the finalizer on the object" : "take the finalizer off the object";
    case ACT_APPLY:
        return apply_text(act, a);
    case ACT_DELETE:
        return arena_printf(a, "delete %s %s/%s", act->delete.kind, act->delete.ns, act->delete.name);
    case ACT_GITLAB:
        return call_text(act, a);
    case ACT_RECORD:
        return arena_printf(a, "put runner %lld into the ledger: %s", (long long)act->record.runner_id,
                            act->record.why);
    case ACT_REPORT:
        return arena_printf(a, "say by an Event, %s: %s", act->report.reason, act->report.message);
    case ACT_STATUS:
        return "write the status";
    case ACT_PASS:
    case ACT_WAIT:
    case ACT_DONE:
        break;
    }
    return "wait";
}
