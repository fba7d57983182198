/* Scenarios: drawn at random, read, rendered and printed. */
#include "world.h"

#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"

enum { STEPS = 14 }; /* a run has about as many actions; what users do falls among them */

static const struct {
    const char *name;
    int max;    /* the highest value                          */
    int chance; /* in percent, that it is not 0               */
} choices[OPTIONS] = {
    [OPT_MODE] = {"mode", 2, 60},
    [OPT_CA] = {"ca", 2, 40},
    [OPT_PLACE] = {"place", PLACES - 1, 50},
    [OPT_TAGS] = {"tags", 1, 50},
    [OPT_ACCOUNT] = {"account", 1, 20},
    [OPT_KEEP] = {"keep", 1, 15},
    [OPT_REPLICAS] = {"replicas", 2, 20},
    [OPT_SUSPEND] = {"suspend", 1, 7},
    [OPT_INVALID] = {"invalid", 1, 5},
    [OPT_START] = {"start", START_RESTORED, 60},
    [OPT_EDIT] = {"edit", EDITS - 1, 50},
    [OPT_EDIT_AT] = {"edit-at", STEPS, 80},
    [OPT_DELETE] = {"delete", 2, 30},
    [OPT_DELETE_AT] = {"delete-at", STEPS, 80},
    [OPT_DAMAGE] = {"damage", DAMAGES - 1, 40},
    [OPT_DAMAGED_CHILD] = {"damaged-child", CHILD_COUNT - 1, 70},
    [OPT_DAMAGE_AT] = {"damage-at", STEPS, 60},
    [OPT_DAMAGE_2] = {"damage-2", DAMAGES - 1, 20},
    [OPT_DAMAGED_CHILD_2] = {"damaged-child-2", CHILD_COUNT - 1, 70},
    [OPT_DAMAGE_AT_2] = {"damage-at-2", STEPS, 60},
    [OPT_CREDENTIAL] = {"credential", 2 * (VALUE_TROUBLES - 1), 20},
    [OPT_CA_TROUBLE] = {"ca-trouble", 2 * (VALUE_EMPTY), 15},
    [OPT_PLACE_TROUBLE] = {"place-trouble", 4, 15},
    [OPT_GITLAB] = {"gitlab", GITLAB_TROUBLES - 1, 30},
    [OPT_API] = {"api", API_TROUBLES - 1, 25},
    [OPT_DENIED_CHILD] = {"denied-child", CHILD_COUNT - 1, 80},
    [OPT_REPLACED_FOR_EVER] = {"replaced-for-ever", 1, 30},
    [OPT_NO_SEARCH] = {"no-search", 2, 15},
    [OPT_HEAL_LATE] = {"heal-late", 1, 30},
    [OPT_REMOTE] = {"remote", REMOTES - 1, 30},
    [OPT_REMOTE_AT] = {"remote-at", STEPS + 4, 90},
    [OPT_ROTATE] = {"rotate", 2, 20},
    [OPT_ROTATE_AT] = {"rotate-at", STEPS, 80},
    [OPT_PAUSE] = {"pause", PAUSES - 1, 30},
    [OPT_PAUSE_AT] = {"pause-at", STEPS, 80},
    [OPT_RESUME] = {"resume", 1, 40},
    [OPT_RESUME_AT] = {"resume-at", STEPS + 4, 90},
    [OPT_RESTART] = {"restart", 2, 20},
    [OPT_RESTART_AT] = {"restart-at", STEPS, 80},
    [OPT_EXPIRES] = {"expires", 1, 15},
    [OPT_ELSEWHERE] = {"elsewhere", 1, 20},
    [OPT_LAG] = {"lag", 1, 30},
    [OPT_FROZEN] = {"frozen", STEPS, 40},
    [OPT_NO_LEDGER] = {"no-ledger", 1, 20},
    [OPT_NO_BUDGET] = {"no-budget", 1, 50},
    [OPT_CACHE] = {"cache", 1, 30},
    [OPT_CACHE_TROUBLE] = {"cache-trouble", 2 * (VALUE_EMPTY), 4},
    [OPT_FEATURE] = {"feature", 1, 25},
};

/* SplitMix64: every seed gives good numbers, also 1, 2, 3. */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

uint32_t world_random(struct world *w, uint32_t below)
{
    return (uint32_t)(next(&w->random) % below);
}

void scenario_draw(uint64_t seed, int options[OPTIONS])
{
    for (int i = 0; i < OPTIONS; i++) {
        bool given = (int)(next(&seed) % 100) < choices[i].chance;
        options[i] = given ? 1 + (int)(next(&seed) % (uint64_t)choices[i].max) : 0;
    }
}

void scenario_read(const char *text, int options[OPTIONS])
{
    char name[32];
    int value, len;

    for (; sscanf(text, " %31[^=]=%d%n", name, &value, &len) == 2; text += len)
        for (int i = 0; i < OPTIONS; i++)
            if (strcmp(choices[i].name, name) == 0)
                options[i] = value;
}

void scenario_print(const struct scenario *s, FILE *out)
{
    fprintf(out, "seed=%llu", (unsigned long long)s->seed);
    for (int i = 0; i < OPTIONS; i++)
        if (s->options[i])
            fprintf(out, " %s=%d", choices[i].name, s->options[i]);
    fputc('\n', out);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Wishes.
 */
static const struct {
    const char *member, *secret;
} modes[] = {
    [AUTH_REGISTRATION_TOKEN] = {"registrationTokenSecretRef", "registration"},
    [AUTH_ACCESS_TOKEN] = {"accessTokenSecretRef", "access"},
    [AUTH_RUNNER_TOKEN] = {"runnerTokenSecretRef", "runner"},
};

static const enum authentication mode_of_option[] = {AUTH_ACCESS_TOKEN, AUTH_REGISTRATION_TOKEN, AUTH_RUNNER_TOKEN};

static void put_authentication(struct json_object *spec, int mode, bool other_scope, struct arena *a)
{
    enum authentication auth = mode_of_option[mode];

    json_set_str(spec, arena_printf(a, "authentication.%s.name", modes[auth].member), modes[auth].secret);
    if (auth == AUTH_ACCESS_TOKEN)
        json_set(spec, "scope", json_build("{type: 'Project', projectId: %d}", (int64_t)(other_scope ? 8 : 7)));
}

static void put_tags(struct json_object *spec, int mode, int tags)
{
    if (mode_of_option[mode] != AUTH_RUNNER_TOKEN)
        json_set(spec, "tags", tags ? json_build("['kubernetes', 'fast']") : json_build("['kubernetes']"));
}

static void put_manager(struct json_object *spec, int account, int replicas, int no_budget)
{
    if (!no_budget)
        json_set_int(spec, "manager.podDisruptionBudget.maxUnavailable", 1);
    json_set_int(spec, "manager.replicas", replicas == 0 ? 1 : replicas == 1 ? 0 : 2);
    json_set_str(spec, "manager.serviceAccountName", account ? "their-own" : NULL);
}

static void put_ca(struct json_object *spec, int ca)
{
    if (ca)
        json_set_str(spec, ca == 1 ? "caSecretRef.name" : "caConfigMapRef.name", "ca");
}

static void put_cache(struct json_object *spec, int cache)
{
    if (cache)
        json_set(spec, "cache",
                 json_build("{type: 's3', s3: {bucketName: 'b', credentialsSecretRef: {name: 'keys'}}}"));
}

/* The object's spec with options[] as they are, and one of them another way for the wish after the edit. */
static struct json_object *wish_object(const int *o, enum edit edit, struct arena *a)
{
#define EDITED(what, option, count) ((o[option] + (edit == (what))) % (count))
    int mode = (EDITED(EDIT_MODE, OPT_MODE, 3) + 2 * (edit == EDIT_MODE_BACK)) % 3,
        ca = o[OPT_CA] ? 1 + (o[OPT_CA] - 1 + (edit == EDIT_CA)) % 2 : 0;
    struct json_object *spec =
        json_build("{url: %s, namespace: %s, image: %s}",
                   EDITED(EDIT_INVALID, OPT_INVALID, 2) ? "ftp://x" : server_url(edit == EDIT_URL),
                   place_name(EDITED(EDIT_PLACE, OPT_PLACE, PLACES)), edit == EDIT_IMAGE ? "alpine" : "busybox");

    put_authentication(spec, mode, edit == EDIT_SCOPE, a);
    put_tags(spec, mode, EDITED(EDIT_TAGS, OPT_TAGS, 2));
    put_manager(spec, EDITED(EDIT_ACCOUNT, OPT_ACCOUNT, 2), EDITED(EDIT_REPLICAS, OPT_REPLICAS, 3),
                EDITED(EDIT_BUDGET, OPT_NO_BUDGET, 2));
    put_ca(spec, ca);
    if (EDITED(EDIT_FEATURE, OPT_FEATURE, 2))
        json_set_bool(spec, "config.runners.kubernetes.pod_disruption_budget", true);
    put_cache(spec, EDITED(EDIT_CACHE, OPT_CACHE, 2));
    json_set_str(spec, "deletionPolicy", EDITED(EDIT_KEEP, OPT_KEEP, 2) ? "Orphan" : "Delete");
    json_set_bool(spec, "privileged", edit == EDIT_PRIVILEGED);
    json_set_bool(spec, "suspend", EDITED(EDIT_SUSPEND, OPT_SUSPEND, 2));
    return arena_json(
        a, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: 'ci', name: 'builds', uid: 'uid-1'}, "
                      "spec: %o}",
                      API_VERSION, KIND, spec));
#undef EDITED
}

static void wish_init(struct wish *wish, struct json_object *object, struct arena *a)
{
    struct observed o = {.settings.manager_image = "gitlab/gitlab-runner:test", .owner = owner_of(object)};

    wish->valid = spec_parse(object, &wish->spec, a, &wish->err);
    if (!wish->valid)
        return;
    o.spec = &wish->spec;
    observe_fingerprints(&o, &(struct fingerprints){.known = false}, a);
    memcpy(wish->wanted, o.wanted, sizeof(wish->wanted));
}

void scenario_init(struct scenario *s, uint64_t seed, const int options[OPTIONS])
{
    *s = (struct scenario){.seed = seed};
    memcpy(s->options, options, sizeof(s->options));
    wish_init(&s->wishes[0], wish_object(options, EDIT_NONE, &s->mem), &s->mem);
    if (options[OPT_EDIT])
        wish_init(&s->wishes[1], wish_object(options, (enum edit)options[OPT_EDIT], &s->mem), &s->mem);
}

void scenario_finish(struct scenario *s)
{
    arena_finish(&s->mem);
}
