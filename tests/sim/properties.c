/* What must hold at every moment: told by the network, the API server, the GitLabs and the logs. */
#include "tests/sim/properties.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "cli/run_options.h"
#include "runner/names.h"
#include "tests/sim/network.h"
#include "tests/sim/patterns.h"
#include "tests/sim/story.h"

static bool is_write(const struct exchange_request *r)
{
    return strcmp(r->method, "GET") != 0;
}

static bool is_to_api(const struct exchange_request *r)
{
    return strncmp(r->host, "api-", 4) == 0;
}

static bool is_of_lease(const struct exchange_request *r)
{
    return strstr(r->target, "/leases") != NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The Lease */

/* One without a request has done nothing. */
static void note_term(struct story *story, int replica)
{
    uint64_t term = replica_term(story->replicas[replica]);

    if (!term || term == story->seen.term[replica])
        return;
    story->seen.term[replica] = term;
    story->seen.terms++;
}

/* At the moment of sending: what is under way may arrive later. */
static void on_sending(void *arg, const struct exchange_request *r)
{
    struct story *story = arg;
    const char *name = replica_name(story->replicas[r->replica]);
    bool elected = story->plan.setup[SETUP_ELECTION] || story->replicas_len > 1;

    reports_note(story, r);
    note_term(story, r->replica);
    if (!elected || !is_write(r) || is_of_lease(r))
        return;
    struct json_object *lease = api_object(story->api, "leases", OPERATOR_NAMESPACE, LEASE_NAME);
    const char *holder = json_str_or(lease, "spec.holderIdentity", "");
    size_t len = strlen(name);
    if (strncmp(holder, name, len) != 0 || holder[len] != '_')
        sim_broken(story->sim, PROPERTY_LEASE, "%s sends %s %s%s while the Lease is held by %s", name, r->method,
                   r->host, r->target, *holder ? holder : "nobody");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

static void on_request(void *arg, const struct exchange_request *r)
{
    struct story *story = arg;

    if (story->sim->telling > 1 || (is_write(r) && !is_of_lease(r)))
        sim_tell(story->sim, "  [%d] %s %s%s %.*s", r->replica, r->method, r->host, r->target, 300, r->body);
    tokens_check_request(story, r);
    bool tries = story->seen.taken && strcmp(r->method, "POST") == 0;
    if (story->seen.resting && is_to_api(r) && is_write(r) && !is_of_lease(r) && !tries &&
        !story->plan.setup[SETUP_EXPIRY])
        sim_broken(story->sim, PROPERTY_REST, "replica %d: %s %s %.*s", r->replica, r->method, r->target, 300, r->body);
}

/* An access token can look for a runner whose answer was lost; but one that is no good may never be replaced. */
static bool may_never_look(const struct story *story)
{
    return story->plan.setup[SETUP_WRONG];
}

static void on_unheard(void *arg, const struct exchange_request *r)
{
    struct story *story = arg;

    bool makes = strcmp(r->target, "/api/v4/runners") == 0 ||
                 (may_never_look(story) && strcmp(r->target, "/api/v4/user/runners") == 0);
    story->seen.unheard += makes && strcmp(r->method, "POST") == 0;
}

static void on_gitlab(void *arg, const struct gitlab_asked *asked)
{
    static const char *const changes[] = {"register", "create", "reset", "rotate", "update", "deregister", "remove"};
    const struct told_of *of = arg;
    struct story *story = of->story;

    if (story->sim->telling)
        sim_tell(story->sim, "  GitLab: %s %llu: %d", asked->verb, (unsigned long long)asked->id, asked->status);
    bool makes = strcmp(asked->verb, "register") == 0 || (may_never_look(story) && strcmp(asked->verb, "create") == 0);
    bool registered = makes && asked->status == 201;
    for (int g = 0; g < GITLABS; g++)
        story->seen.spoiled += registered && story->troubled[g];
    story->seen.unsearchable += asked->status == 403 && strcmp(asked->verb, "list") == 0;
    if (asked->status == 201 && strcmp(asked->verb, "create") == 0)
        runners_note_made(story, of->gitlab, asked->id, MODE_ACCESS);
    if (asked->status == 201 && strcmp(asked->verb, "register") == 0)
        runners_note_made(story, of->gitlab, asked->id, MODE_REGISTRATION);
    if (!story->seen.resting || story->plan.setup[SETUP_EXPIRY] || asked->status >= 300)
        return;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++)
        if (strcmp(asked->verb, changes[i]) == 0)
            sim_broken(story->sim, PROPERTY_REST, "replica %d asks GitLab to %s runner %llu", asked->replica,
                       asked->verb, (unsigned long long)asked->id);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Writes */

static bool is_ours(struct json_object *object)
{
    struct json_object *annotations = json_get(object, "metadata.annotations");

    return json_member(annotations, ANNOTATION_OWNER) || json_member(annotations, ANNOTATION_OWNER_UID);
}

static struct wish *wish_of(struct story *story, struct json_object *child)
{
    const char *owner = json_string(json_member(json_get(child, "metadata.annotations"), ANNOTATION_OWNER));

    for (int i = 0; i < story->wishes_len; i++) {
        struct wish *wish = &story->wishes[i];
        char key[160];
        snprintf(key, sizeof(key), "%s/%s", wish->ns, wish->name);
        size_t len = strlen(owner), n = strlen(key);
        if (len >= n && strcmp(owner + len - n, key) == 0)
            return wish;
    }
    return NULL;
}

static void check_roll(struct story *story, const struct api_write *w)
{
    struct json_object *before = json_get(w->before, "spec.template"), *after = json_get(w->after, "spec.template");
    const struct wish *wish = wish_of(story, w->before);

    if (before && after && wish && !wish->may_roll && !json_same(before, after))
        sim_broken(story->sim, PROPERTY_ROLLS, "%s/%s: from %s to %s", wish->ns, wish->name, json_text(before),
                   json_text(after));
}

/* Its user has wished that the runner stays. */
static void note_keeper(struct story *story, const struct api_write *w)
{
    bool there = strcmp(w->resource, RUNNERS) == 0 && w->before;

    if (!there || strcmp(json_str_or(w->before, "spec.deletionPolicy", ""), "Orphan") != 0)
        return;
    story->seen.keepers += !w->after || !json_same(json_get(w->before, "spec"), json_get(w->after, "spec"));
    for (int i = 0; i < story->wishes_len && !w->after; i++) {
        const struct wish *wish = &story->wishes[i];
        if (strcmp(json_str_or(w->before, "metadata.namespace", ""), wish->ns) == 0 &&
            strcmp(json_str_or(w->before, "metadata.name", ""), wish->name) == 0)
            runners_note_lost(story, wish, w->before, LOST_WANTED);
    }
}

static void check_runner(struct story *story, const struct api_write *w)
{
    if (w->before && w->after && !json_same(json_get(w->before, "spec"), json_get(w->after, "spec")))
        sim_broken(story->sim, PROPERTY_FOREIGN, "the operator changes a spec: %s",
                   json_text(json_get(w->after, "spec")));
}

static bool may_touch(const struct api_write *w)
{
    static const char *const its_own[] = {"leases", "events", RUNNERS};
    const char *name = json_str_or(w->before, "metadata.name", "");

    for (size_t i = 0; i < ARRAY_LEN(its_own); i++)
        if (strcmp(w->resource, its_own[i]) == 0)
            return true;
    return !w->before || is_ours(w->before) || strcmp(name, LEDGER_NAME) == 0;
}

static void on_write(void *arg, const struct api_write *w)
{
    struct story *story = arg;

    if (w->replica >= 0 ? strcmp(w->resource, "leases") != 0 && strcmp(w->resource, "events") != 0
                        : strcmp(w->resource, RUNNERS) == 0)
        pattern_saw_write(story, ++story->seen.writes);
    note_keeper(story, w);
    if (w->replica < 0)
        return;
    if (story->seen.resting && strcmp(w->resource, "leases") != 0 && !story->plan.setup[SETUP_EXPIRY])
        sim_broken(story->sim, PROPERTY_REST, "replica %d: %s of %s", w->replica, w->verb, w->resource);
    if (!may_touch(w))
        sim_broken(story->sim, PROPERTY_FOREIGN, "%s of %s %s", w->verb, w->resource,
                   json_text(json_get(w->before, "metadata")));
    if (strcmp(w->resource, RUNNERS) == 0)
        check_runner(story, w);
    if (strcmp(w->resource, "deployments") == 0)
        check_roll(story, w);
}

void properties_watch(struct story *story)
{
    struct sim *sim = story->sim;

    sim->log = tokens_check_log;
    sim->log_arg = story;
    network_on_sending(sim, on_sending, story);
    network_on_request(sim, on_request, story);
    network_on_unheard(sim, on_unheard, story);
    api_on_write(story->api, on_write, story);
    for (int g = 0; g < GITLABS; g++) {
        story->told_of[g] = (struct told_of){story, g};
        gitlab_on_call(story->gitlabs[g], on_gitlab, &story->told_of[g]);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * At rest */

static void check_health(struct story *story)
{
    char why[512];

    for (int i = 0; i < story->replicas_len; i++)
        for (int ready = 0; ready < 2; ready++)
            if (!replica_runs(story->replicas[i]) || replica_health(story->replicas[i], ready, why, sizeof(why)) != 200)
                sim_broken(story->sim, PROPERTY_HEALTH, "replica %d: %s", i,
                           replica_runs(story->replicas[i]) ? why : "it does not run");
}

static void check_leader(struct story *story)
{
    int leaders = 0;

    for (int i = 0; i < story->replicas_len; i++)
        leaders += replica_leads(story->replicas[i]);
    if (leaders != 1)
        sim_broken(story->sim, PROPERTY_LEADER, "%d replicas lead", leaders);
}

void properties_at_rest(struct story *story)
{
    check_health(story);
    check_leader(story);
    objects_check(story);
    if (!greed_is_in(story, story_wish(story, 1)->ns))
        runners_check(story);
    view_check(story);
    greed_check(story);
}

static void check_memory(struct story *story)
{
    char what[200];

    for (int i = 0; i < story->replicas_len; i++)
        if (replica_runs(story->replicas[i]) && replica_keeps(story->replicas[i], what, sizeof(what)) > 0)
            sim_broken(story->sim, PROPERTY_MEMORY, "replica %d keeps %s", i, what);
}

void properties_at_the_end(struct story *story)
{
    for (int i = 0; i < story->wishes_len; i++)
        if (wish_object(story, &story->wishes[i]))
            sim_broken(story->sim, PROPERTY_DELETIONS, "%s/%s is still there: %s", story->wishes[i].ns,
                       story->wishes[i].name, json_text(wish_object(story, &story->wishes[i])));
    runners_check(story);
    check_memory(story);
}
