/* What people and time do at a GitLab, behind the back of whoever only has its API. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Tokens */

static void take_role(struct gitlab_server *lab, struct lab_user *user, enum gitlab_role role)
{
    static const unsigned levels[] = {
        [GITLAB_DEVELOPER] = 30, [GITLAB_MAINTAINER] = 40, [GITLAB_OWNER] = 50, [GITLAB_ADMIN] = 0};

    user->admin = role == GITLAB_ADMIN;
    for (size_t i = 0; i < lab->groups.len; i++)
        lab_set_level(&lab->groups.at[i], user->id, levels[role]);
    for (size_t i = 0; i < lab->projects.len; i++)
        lab_set_level(&lab->projects.at[i], user->id, levels[role]);
}

const char *gitlab_access_token(struct gitlab_server *lab, const char *scopes, enum gitlab_role role)
{
    char name[24];

    snprintf(name, sizeof(name), "bot_%zu", lab->n_accesses + 1);
    struct lab_user *user = lab_add_user(lab, name, false);
    take_role(lab, user, role);
    return lab_add_access(lab, lab_make_token(lab, "glpat-"), scopes, user->id)->token;
}

void gitlab_rights(struct gitlab_server *lab, const char *token, const char *scopes, enum gitlab_role role)
{
    struct lab_access *access = lab_access_of(lab, token);

    if (!access)
        return;
    free(access->scopes);
    access->scopes = lab_scopes(scopes);
    take_role(lab, lab_user(lab, access->user), role);
}

void gitlab_limit(struct gitlab_server *lab, unsigned runners)
{
    lab->runner_limit = runners;
}

/* NULL: there is no such owner. */
static const char **registration_of(struct gitlab_server *lab, const char *type, uint64_t number)
{
    bool group = strcmp(type, lab_types[LAB_GROUP]) == 0;
    struct lab_owner *owner = lab_owner(group ? &lab->groups : &lab->projects, number);

    if (strcmp(type, lab_types[LAB_INSTANCE]) == 0)
        return &lab->registration;
    return owner ? &owner->registration : NULL;
}

const char *gitlab_registration_token(struct gitlab_server *lab, const char *runner_type, uint64_t owner)
{
    const char **token = registration_of(lab, runner_type, owner);

    return token ? *token : NULL;
}

const char *gitlab_runner_by_hand(struct gitlab_server *lab)
{
    struct lab_attributes is = {.run_untagged = true, .maximum_timeout = -1, .description = mem_strdup("by hand")};

    is.tags = json_build("[]");
    return lab_add_runner(lab, LAB_INSTANCE, 0, lab_user(lab, 1)->id, &is)->token;
}

static bool replace_if(struct gitlab_server *lab, const char **registration, const char *token)
{
    if (strcmp(*registration, token) != 0)
        return false;
    *registration = lab_make_token(lab, "GR1348941");
    return true;
}

void gitlab_revoke(struct gitlab_server *lab, const char *token)
{
    struct lab_runner *runner = map_get(&lab->by_token, token);
    struct lab_access *access = lab_access_of(lab, token);

    if (runner)
        lab_renew_token(lab, runner);
    if (access)
        access->revoked = true;
    if (runner || access || replace_if(lab, &lab->registration, token))
        return;
    for (size_t i = 0; i < lab->groups.len; i++)
        if (replace_if(lab, &lab->groups.at[i].registration, token))
            return;
    for (size_t i = 0; i < lab->projects.len; i++)
        if (replace_if(lab, &lab->projects.at[i].registration, token))
            return;
}

void gitlab_access_ends(struct gitlab_server *lab, const char *token, int64_t day_s)
{
    struct lab_access *access = lab_access_of(lab, token);

    if (access)
        access->ends_s = day_s;
}

void gitlab_block_users(struct gitlab_server *lab, bool blocked)
{
    lab->blocked = blocked;
}

void gitlab_expiry(struct gitlab_server *lab, int64_t seconds)
{
    int64_t expiry = seconds ? seconds : -1;

    lab->expiry_s = expiry;
    for (size_t i = 0; i < lab->groups.len; i++)
        lab->groups.at[i].expiry_s = expiry;
    for (size_t i = 0; i < lab->projects.len; i++)
        lab->projects.at[i].expiry_s = expiry;
}

void gitlab_registration_off(struct gitlab_server *lab, bool off)
{
    lab->tokens_off = off;
}

bool gitlab_is_version(const struct gitlab_server *lab, int major, int minor)
{
    char text[40];
    size_t len = (size_t)snprintf(text, sizeof(text), "%d.%d.", major, minor);

    return strncmp(lab->version, text, len) == 0;
}

void gitlab_version(struct gitlab_server *lab, const char *version)
{
    free(lab->version);
    lab->version = mem_strdup(version);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Runners */

static struct gitlab_runner sight_of(const struct lab_runner *runner)
{
    return (struct gitlab_runner){
        .id = runner->id,
        .token = runner->token,
        .type = lab_types[runner->type],
        .owner = runner->owner,
        .description = runner->is.description ? runner->is.description : "",
        .note = runner->is.note ? runner->is.note : "",
        .tags = runner->is.tags,
        .paused = runner->is.paused,
        .locked = runner->is.locked,
        .run_untagged = runner->is.run_untagged,
        .expires_s = runner->expires_ms / 1000,
        .contacted_s = runner->contacted_ms / 1000,
        .by_hand = runner->creator == 1,
    };
}

void gitlab_each(const struct gitlab_server *lab, void (*each)(void *arg, const struct gitlab_runner *runner),
                 void *arg)
{
    for (size_t i = 0; i < lab->rows.len; i++) {
        const struct gitlab_runner runner = sight_of(lab->rows.runners[i]);
        each(arg, &runner);
    }
}

uint64_t gitlab_runner_of(const struct gitlab_server *lab, const char *token)
{
    const struct lab_runner *runner = lab_runner_of(lab, token);

    return runner ? runner->id : 0;
}

void gitlab_delete_runner(struct gitlab_server *lab, uint64_t id)
{
    struct lab_runner *runner = lab_runner(lab, id);

    if (runner)
        lab_delete_runner(lab, runner);
}

static void replace_text(char **text, const char *by)
{
    free(*text);
    *text = mem_strdup(by);
}

void gitlab_edit_runner(struct gitlab_server *lab, uint64_t id, uint32_t chance)
{
    struct lab_runner *runner = lab_runner(lab, id);
    struct lab_attributes *is = runner ? &runner->is : NULL;
    enum { KINDS = 7 };

    if (!runner)
        return;
    switch (chance % KINDS) {
    case 0:
        replace_text(&is->description, "edited by somebody");
        break;
    case 1:
        is->paused = !is->paused;
        break;
    case 2:
        is->locked = !is->locked;
        break;
    case 3:
        is->ref_protected = !is->ref_protected;
        break;
    case 4:
        is->maximum_timeout = is->maximum_timeout == 3600 ? -1 : 3600;
        break;
    case 5:
        is->run_untagged = !is->run_untagged || !json_len(is->tags);
        break;
    default:
        json_put_ptr(&is->tags);
        is->tags = json_build("['edited']");
    }
    runner->updated_ms = lab_now_ms(lab);
}

void gitlab_take_mark(struct gitlab_server *lab, uint64_t id)
{
    struct lab_runner *runner = lab_runner(lab, id);

    if (runner)
        replace_text(&runner->is.note, "");
}

void gitlab_reset_token(struct gitlab_server *lab, uint64_t id)
{
    struct lab_runner *runner = lab_runner(lab, id);

    if (runner)
        lab_renew_token(lab, runner);
}

void gitlab_run_job(struct gitlab_server *lab, uint64_t id, bool runs)
{
    struct lab_runner *runner = lab_runner(lab, id);

    if (runner)
        runner->running = runs;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Backups */

void gitlab_backup(struct gitlab_server *lab)
{
    lab_rows_finish(&lab->backup);
    lab->backup = lab_rows_copy(&lab->rows);
    lab->has_backup = true;
}

void gitlab_restore(struct gitlab_server *lab)
{
    if (!lab->has_backup)
        return;
    map_finish(&lab->by_token);
    lab_rows_finish(&lab->rows);
    lab->rows = lab_rows_copy(&lab->backup);
    lab_index_tokens(lab);
}
