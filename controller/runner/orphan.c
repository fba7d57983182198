#include "runner/orphan.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/shorten.h"
#include "base/time.h"

const char *orphan_key(const struct owner *owner, const struct orphan *orphan, struct arena *a)
{
    assert(owner->uid);
    return arena_printf(a, "%s.%lld", owner->uid, (long long)orphan->runner_id);
}

const char *orphan_text(const struct owner *owner, const struct orphan *orphan, int64_t now, struct arena *a)
{
    assert(orphan->url && orphan->token);
    const char *ca = orphan->ca_pem && strlen(orphan->ca_pem) <= ORPHAN_CA_MAX ? orphan->ca_pem : NULL;
    struct json_object *entry = arena_json(
        a,
        json_build("{url: %s, runnerId: %d, uid: %s, namespace: %s, name: %s, reason: %s, time: %s, token: %s, ca: %s, "
                   "address: %s}",
                   orphan->url, orphan->runner_id, owner->uid, owner->ns, owner->name, orphan->why, time_format(now, a),
                   orphan->token, ca, orphan->address));

    return strlen(json_text(entry)) <= ORPHAN_TEXT_MAX ? arena_strdup(a, json_text(entry)) : NULL;
}

const char *orphan_name(const struct owner *owner, const struct orphan *orphan, struct arena *a)
{
    return arena_printf(a, "runner %lld at %s, of %s/%s", (long long)orphan->runner_id, shown(orphan->url, 200).text,
                        shown(owner->ns, 63).text, shown(owner->name, 253).text);
}

struct owner orphan_owner(const char *text, struct arena *a)
{
    struct json_object *entry = arena_json(a, json_parse_text(text));

    return (struct owner){.ns = json_str_or(entry, "namespace", ""),
                          .name = json_str_or(entry, "name", ""),
                          .uid = json_str_or(entry, "uid", "")};
}

bool orphan_parse(const char *text, struct orphan *ret, struct arena *a)
{
    struct json_object *entry = arena_json(a, json_parse_text(text));

    *ret = (struct orphan){.runner_id = json_int_or(entry, "runnerId", 0),
                           .url = json_str(entry, "url"),
                           .token = json_str(entry, "token"),
                           .ca_pem = json_str(entry, "ca"),
                           .address = json_str(entry, "address"),
                           .why = json_str_or(entry, "reason", ""),
                           .since_s = time_parse(json_str_or(entry, "time", ""))};
    return ret->url && ret->token;
}
