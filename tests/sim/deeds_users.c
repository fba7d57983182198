/* What users do with their GitLabRunners, and with what these name. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "tests/sim/deeds.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

#define MERGE "application/merge-patch+json"

static bool is_wished(const struct story *story, const struct wish *wish)
{
    return wish->spec && wish_object(story, wish);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Apply, edit, delete */

static void apply(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);

    if (!wish->spec || step->b % 3 == 0) {
        json_put_ptr(&wish->spec);
        wish->spec = spec_new(wish->number, step->c, story->plan.setup[SETUP_CHECK] ? CHECK_S : 0);
        wish->may_roll = wish->edited_there = true;
    }
    apply_wish(story, wish);
}

static void edit(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);

    if (!is_wished(story, wish))
        return;
    const char *field = spec_edit(wish->spec, wish->number, step->b, step->c);
    wish->may_roll |= edit_may_roll(field);
    wish->edited_there = true;
    sim_tell(story->sim, "user: edits %s of %s/%s", field, wish->ns, wish->name);
    apply_wish(story, wish);
}

static void delete (struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);
    const char *path = object_path(RUNNERS, wish->ns, wish->name);

    if (!wish_object(story, wish))
        return;
    wish->may_roll = true;
    sim_tell(story->sim, "user: deletes %s/%s%s", wish->ns, wish->name, step->b % 4 == 1 ? ", by force" : "");
    story->seen.forced += step->b % 4 == 1;
    story->seen.waits |= story->plan.setup[SETUP_WRONG];
    if (step->b % 4 == 1)
        user_request(story, "alice", "PATCH", path, MERGE,
                     json_build("{metadata: {annotations: {'gitlab-runners.dev/force-delete': 'true'}}}"));
    user_request(story, "alice", "DELETE", path, "application/json", NULL);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Backups */

static void back_up(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);

    if (!is_wished(story, wish))
        return;
    json_put_ptr(&wish->backup);
    json_put_ptr(&wish->token);
    wish->backup = json_copy(wish_object(story, wish));
    wish->token = json_copy(wish_child(story, wish, "secrets", "-runner-token"));
    sim_tell(story->sim, "user: backs up %s/%s", wish->ns, wish->name);
}

static void restore_one(struct story *story, const char *resource, const struct wish *wish, struct json_object *backup)
{
    static const char *const made[] = {"metadata.resourceVersion",   "metadata.uid",
                                       "metadata.creationTimestamp", "metadata.managedFields",
                                       "metadata.deletionTimestamp", NULL};
    struct json_object *copy = json_copy(backup);

    for (size_t i = 0; made[i]; i++)
        json_remove(copy, made[i]);
    int status = user_request(story, "velero", "POST", object_path(resource, wish->ns, ""), "application/json", copy);
    sim_tell(story->sim, "user: restores %s %s/%s (%d)", resource, wish->ns, wish->name, status);
}

/* As backup tools do: what is there already stays. */
static void restore(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);

    if (!wish->backup || wish_object(story, wish))
        return;
    if (wish->token && step->b % 2 == 0)
        restore_one(story, "secrets", wish, wish->token);
    restore_one(story, RUNNERS, wish, wish->backup);
    json_put_ptr(&wish->spec);
    wish->spec = json_copy(json_get(wish->backup, "spec"));
    wish->may_roll = wish->edited_there = true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Annotations */

static void annotate(struct story *story, const struct wish *wish, const char *key, const char *value)
{
    struct json_object *annotations = json_build("{}");

    json_put_member(annotations, key, value);
    sim_tell(story->sim, "user: annotates %s/%s with %s=%s", wish->ns, wish->name, key, value);
    user_request(story, "alice", "PATCH", object_path(RUNNERS, wish->ns, wish->name), MERGE,
                 json_build("{metadata: {annotations: %o}}", annotations));
}

static void steer(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);
    char word[24];

    if (!wish_object(story, wish))
        return;
    snprintf(word, sizeof(word), "word-%u", (unsigned)step->c % 100);
    switch (step->b % 4) {
    case 0:
        annotate(story, wish, "gitlab-runners.dev/rotate-token", word);
        break;
    case 1:
        wish->may_roll = true;
        annotate(story, wish, "gitlab-runners.dev/restart", word);
        break;
    case 2:
        annotate(story, wish, "gitlab-runners.dev/paused-until", "2026-01-05T09:05:00Z");
        story->seen.due = INT64_C(5) * 60 * 1000;
        break;
    default:
        annotate(story, wish, "gitlab-runners.dev/paused-until", "2026-01-05T09:00:30Z");
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Credentials and namespaces */

static void credential(struct story *story, const struct step *step)
{
    const struct wish *wish = story_wish(story, step->a);

    if (!wish->spec)
        return;
    const char *name = spec_secret(wish->spec);
    enum spec_mode mode = spec_mode(wish->spec);

    switch (step->b % 4) {
    case 0:
        sim_tell(story->sim, "user: deletes Secret %s/%s", wish->ns, name);
        user_request(story, "alice", "DELETE", object_path("secrets", wish->ns, name), "application/json", NULL);
        break;
    case 1:
        sim_tell(story->sim, "user: puts a wrong token into %s/%s", wish->ns, name);
        put_secret(story, wish->ns, name, mode_key(mode), "nothing-that-works");
        break;
    case 2:
        sim_tell(story->sim, "user: renames the key in %s/%s", wish->ns, name);
        put_secret(story, wish->ns, name, "another-key", "nothing-that-works");
        break;
    default:
        sim_tell(story->sim, "user: puts credentials into %s", wish->ns);
        put_credentials(story, wish->ns);
    }
}

static void open_jobs(struct story *story, bool open)
{
    user_request(
        story, "admin", "PATCH", "/api/v1/namespaces/jobs", MERGE,
        json_build("{metadata: {annotations: {'gitlab-runners.dev/allowed-from': %s}}}", open ? "ci,ops" : ""));
}

static void jobs_namespace(struct story *story, const struct step *step)
{
    sim_tell(story->sim, "user: %s the namespace jobs", step->b % 2 ? "closes" : "opens");
    open_jobs(story, step->b % 2 == 0);
}

static void delete_namespace(struct story *story, const struct step *step)
{
    const char *ns = story_wish(story, step->a)->ns;

    story->seen.waits = true;
    sim_tell(story->sim, "user: deletes the namespace %s", ns);
    for (int i = 0; i < story->wishes_len; i++)
        if (strcmp(story->wishes[i].ns, ns) == 0) {
            story->wishes[i].may_roll = true;
            runners_note_lost(story, &story->wishes[i], wish_object(story, &story->wishes[i]), LOST_KEYLESS);
        }
    user_request(story, "admin", "DELETE", object_path("namespaces", "", ns), "application/json", NULL);
}

static void create_namespace(struct story *story, const char *ns)
{
    if (!api_object(story->api, "namespaces", "", ns))
        user_request(story, "admin", "POST", "/api/v1/namespaces", "application/json",
                     json_build("{apiVersion: 'v1', kind: 'Namespace', metadata: {name: %s}}", ns));
}

static void namespace_again(struct story *story, const struct step *step)
{
    const struct wish *wish = story_wish(story, step->a);

    create_namespace(story, wish->ns);
    put_credentials(story, wish->ns);
    sim_tell(story->sim, "user: makes the namespace %s", wish->ns);
}

static void gitops(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);

    if (wish->spec)
        apply_wish(story, wish);
}

void users_mend(struct story *story)
{
    open_jobs(story, true);
    create_namespace(story, "ci");
    create_namespace(story, "ops");
    put_credentials(story, "ci");
    if (story->wishes_len > 1)
        put_credentials(story, "ops");
    greed_mend(story);
    for (int i = 0; i < story->wishes_len; i++) {
        put_runner_token(story, &story->wishes[i], false);
        if (story->wishes[i].refused)
            apply_wish(story, &story->wishes[i]);
    }
    children_mend(story);
}

const struct deed deeds_users[] = {
    {"edit", 30, edit},
    {"apply", 12, apply},
    {"delete", 10, delete},
    {"gitops", 4, gitops},
    {"back up", 3, back_up},
    {"restore", 5, restore},
    {"annotate", 8, steer},
    {"credential", 8, credential},
    {"jobs' namespace", 3, jobs_namespace},
    {"delete the namespace", 2, delete_namespace},
    {"make the namespace", 2, namespace_again},
    {NULL, 0, NULL},
};
