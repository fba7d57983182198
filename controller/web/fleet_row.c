#include "web/fleet_row.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "operator/kept.h"
#include "runner/explain.h"
#include "runner/job_pods.h"
#include "runner/spec.h"
#include "runner/status.h"

enum { TAGS_MAX = 20, TAG_MAX = 64, TEXT_MAX = 200 /* bytes that are shown in the table */ };

static struct fleet_text *row_text(struct fleet_texts *texts, const char *plain, struct arena *a)
{
    if (!plain || !*plain)
        return NULL;
    const char *cut = shorten(arena_strdup(a, plain), TEXT_MAX);
    return fleet_text_get(texts, json_text(arena_json(a, json_build("%s", cut))));
}

static uint32_t time_of(const char *text)
{
    int64_t time = text ? time_parse(text) : 0;

    return time > 0 && time <= UINT32_MAX ? (uint32_t)time : 0;
}

static uint16_t count_of(int64_t number)
{
    return (uint16_t)(number < 0 ? 0 : number > UINT16_MAX ? UINT16_MAX : number);
}

/* All tags are one text: an array. */
static struct fleet_text *tags_of(struct fleet_texts *texts, struct json_object *spec, struct arena *a)
{
    struct json_object *tags = json_get(spec, "tags"), *shown = arena_json(a, json_build("[]"));

    for (size_t i = 0; i < json_len(tags) && i < TAGS_MAX; i++)
        json_append(shown, json_build("%s", shorten(arena_strdup(a, json_string(json_at(tags, i))), TAG_MAX)));
    if (json_len(tags) > TAGS_MAX)
        json_append(shown, json_build("%s", "…"));
    return fleet_text_get(texts, json_text(shown));
}

/* "https://gitlab.test:8443/gitlab" is at gitlab.test:8443. */
static const char *host_in(const char *url, struct arena *a)
{
    const char *at = url ? strstr(url, "://") : NULL;
    const char *host = at ? at + 3 : url;

    return host ? arena_strndup(a, host, strcspn(host, "/?#")) : NULL;
}

/* What an image's tag says, without a digest. */
static const char *version_in(const char *image, struct arena *a)
{
    const char *slash = image ? strrchr(image, '/') : NULL, *tag = image ? strchr(slash ? slash : image, ':') : NULL;

    return tag ? arena_strndup(a, tag + 1, strcspn(tag + 1, "@")) : NULL;
}

static int32_t limit_of(struct json_object *spec)
{
    int64_t limit = job_capacity(spec);

    return limit < 0 || limit > INT32_MAX ? -1 : (int32_t)limit;
}

static enum fleet_ready ready_of(struct json_object *status)
{
    const char *ready = condition_get(status, "Ready", "status");

    if (!ready || strcmp(ready, "Unknown") == 0)
        return FLEET_READY_UNKNOWN;
    return strcmp(ready, "True") == 0 ? FLEET_READY : FLEET_NOT_READY;
}

static enum fleet_severity severity_of(enum standing standing, bool paused)
{
    static const enum fleet_severity of[STANDINGS] = {
        [STANDING_STOPPED] = FLEET_FAILING, [STANDING_RETRIES] = FLEET_WAITING, [STANDING_UNSERVED] = FLEET_FAILING,
        [STANDING_WORKS] = FLEET_WAITING,   [STANDING_LEAVES] = FLEET_QUIET,    [STANDING_RESTS] = FLEET_QUIET,
        [STANDING_WARNS] = FLEET_WARNING,   [STANDING_GOOD] = FLEET_FINE,
    };

    return of[standing] == FLEET_FINE && paused ? FLEET_QUIET : of[standing];
}

/* As spec.paused says, or the annotations of runner/steering.h while their time has not come; only an access token can
 * carry those out. */
static void see_pause(struct fleet_facts *facts, struct json_object *object, struct json_object *spec, int64_t now,
                      struct fleet_texts *texts, struct arena *a)
{
    struct json_object *notes = json_get(object, "metadata.annotations");
    struct spec read = {.authentication = json_get(spec, "authentication.accessTokenSecretRef") ? AUTH_ACCESS_TOKEN
                                                                                                : AUTH_RUNNER_TOKEN};

    steering_read(notes, &read, a);
    bool steered = steering_pauses(&read, now);
    facts->paused = steered || json_bool_or(spec, "paused", false);
    if (!steered)
        return;
    facts->paused_until = read.steering.paused_until <= UINT32_MAX ? (uint32_t)read.steering.paused_until : 0;
    facts->paused_by = row_text(texts, read.steering.paused_by, a);
}

struct fleet_facts fleet_facts_of(const struct record *runner, const char *manager_image, int64_t now,
                                  struct fleet_texts *texts)
{
    cleanup_arena struct arena a = {0};
    const struct kept_runner *kept = kept_runner(runner);
    struct json_object *object = runner_object(runner, &a), *spec = json_get(object, "spec"),
                       *status = runner_status(runner, &a);
    const struct headline headline = explain_headline(status, kept->generation, 0, &a);
    const char *url = json_str(status, "url");
    struct fleet_facts facts;

    memset(&facts, 0, sizeof(facts)); /* also what is between the members: see fleet_facts_same() */
    facts.ns = row_text(texts, runner->ns, &a);
    facts.ready = (uint8_t)ready_of(status);
    facts.reason = row_text(texts, headline.reason, &a);
    facts.headline = row_text(texts, headline.message, &a);
    facts.since = headline.since > 0 && headline.since <= UINT32_MAX ? (uint32_t)headline.since : 0;
    facts.jobs_ns = row_text(texts, json_str(spec, "namespace"), &a);
    facts.tags = tags_of(texts, spec, &a);
    facts.host = row_text(texts, host_in(url ? url : json_str(spec, "url"), &a), &a);
    facts.version = row_text(texts, version_in(json_str_or(spec, "manager.image", manager_image), &a), &a);
    facts.runner_id = json_int_or(status, "runnerId", 0);
    facts.token_expires = time_of(json_str(status, "tokenExpirationTime"));
    facts.created = kept->creation_time;
    facts.jobs = -1;
    facts.limit = limit_of(spec);
    facts.managers_ready = count_of(json_int_or(status, "readyReplicas", 0));
    facts.managers = count_of(json_bool_or(spec, "suspend", false) ? 0 : json_int_or(spec, "manager.replicas", 1));
    see_pause(&facts, object, spec, now, texts, &a);
    facts.severity = (uint8_t)severity_of(headline.standing, facts.paused);
    return facts;
}

void fleet_facts_put(struct fleet_facts *facts, struct fleet_texts *texts)
{
    struct fleet_text *all[] = {facts->ns,   facts->reason,  facts->headline,  facts->tags,
                                facts->host, facts->version, facts->paused_by, facts->jobs_ns};

    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        fleet_text_put(texts, all[i]);
    memset(facts, 0, sizeof(*facts));
}

bool fleet_facts_same(const struct fleet_facts *a, const struct fleet_facts *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}
