/* Who is there: users, their access tokens, groups, projects, and what a role opens. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

enum { MAINTAINER = 40, OWNER = 50 };

/* ------------------------------------------------------------------------------------------------------------------
 * Rows. Their ids are given without gaps, from 1 on. */

struct lab_owner *lab_owner(const struct lab_owners *owners, uint64_t id)
{
    return id && id <= owners->len && !owners->at[id - 1].gone ? &owners->at[id - 1] : NULL;
}

struct lab_owner *lab_owner_by_key(const struct lab_owners *owners, const char *key)
{
    for (size_t i = 0; i < owners->len; i++) {
        char number[24];
        snprintf(number, sizeof(number), "%llu", (unsigned long long)owners->at[i].id);
        bool found = strcmp(key, number) == 0 || strcmp(key, owners->at[i].path) == 0;
        if (found && !owners->at[i].gone)
            return &owners->at[i];
    }
    return NULL;
}

struct lab_owner *lab_add_owner(struct gitlab_server *lab, struct lab_owners *owners, const char *name,
                                const char *path, uint64_t parent)
{
    owners->at = mem_resize(owners->at, (owners->len + 1) * sizeof(*owners->at));
    struct lab_owner *owner = &owners->at[owners->len++];

    *owner = (struct lab_owner){.id = owners->len,
                                .parent = parent,
                                .name = mem_strdup(name),
                                .path = mem_strdup(path),
                                .registration = lab_make_token(lab, "GR1348941"),
                                .expiry_s = -1};
    return owner;
}

static void orphan_runners(struct gitlab_server *lab, enum lab_type type, uint64_t owner)
{
    for (size_t i = 0; i < lab->rows.len; i++)
        if (lab->rows.runners[i]->type == type && lab->rows.runners[i]->owner == owner)
            lab->rows.runners[i]->owner = 0;
}

void lab_delete_owner(struct gitlab_server *lab, enum lab_type type, uint64_t id)
{
    struct lab_owner *owner = lab_owner(type == LAB_GROUP ? &lab->groups : &lab->projects, id);

    if (!owner)
        return;
    owner->gone = true;
    orphan_runners(lab, type, id);
    for (size_t i = 0; type == LAB_GROUP && i < lab->projects.len; i++)
        if (lab->projects.at[i].parent == id)
            lab_delete_owner(lab, LAB_PROJECT, i + 1);
    for (size_t i = 0; type == LAB_GROUP && i < lab->groups.len; i++)
        if (lab->groups.at[i].parent == id)
            lab_delete_owner(lab, LAB_GROUP, i + 1);
}

bool lab_is_orphaned(const struct lab_runner *runner)
{
    return runner->type != LAB_INSTANCE && !runner->owner;
}

struct lab_user *lab_add_user(struct gitlab_server *lab, const char *username, bool admin)
{
    lab->users = mem_resize(lab->users, (lab->n_users + 1) * sizeof(*lab->users));
    struct lab_user *user = &lab->users[lab->n_users++];
    char *name = mem_strdup(strcmp(username, "root") == 0 ? "Administrator" : username);

    for (char *at = name; *at; at++) { /* bot_1 is Bot 1 */
        *at = *at == '_' ? ' ' : *at;
        if ((at == name || !isalpha((unsigned char)at[-1])) && islower((unsigned char)*at))
            *at = (char)toupper((unsigned char)*at);
    }
    *user = (struct lab_user){.id = lab->n_users, .username = mem_strdup(username), .name = name, .admin = admin};
    return user;
}

struct lab_user *lab_user(const struct gitlab_server *lab, uint64_t id)
{
    return id && id <= lab->n_users ? &lab->users[id - 1] : NULL;
}

char *lab_scopes(const char *text)
{
    size_t len = strlen(text);
    char *within_blanks = mem_alloc(len + 3);

    snprintf(within_blanks, len + 3, " %s ", text);
    return within_blanks;
}

struct lab_access *lab_add_access(struct gitlab_server *lab, const char *token, const char *scopes, uint64_t user)
{
    struct lab_access *access = mem_alloc(sizeof(*access));

    lab->accesses = mem_resize(lab->accesses, (lab->n_accesses + 1) * sizeof(struct lab_access *));
    lab->accesses[lab->n_accesses++] = access;
    *access = (struct lab_access){.id = lab->n_accesses,
                                  .user = user,
                                  .token = token,
                                  .name = mem_strdup(lab_user(lab, user)->username),
                                  .scopes = lab_scopes(scopes),
                                  .created_ms = lab_now_ms(lab)};
    return access;
}

struct lab_access *lab_access_of(const struct gitlab_server *lab, const char *token)
{
    for (size_t i = 0; i < lab->n_accesses; i++)
        if (strcmp(lab->accesses[i]->token, token) == 0)
            return lab->accesses[i];
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Roles */

void lab_set_level(struct lab_owner *owner, uint64_t user, unsigned level)
{
    if (owner->n_levels <= user) {
        owner->levels = mem_resize(owner->levels, user + 1);
        memset(owner->levels + owner->n_levels, 0, user + 1 - owner->n_levels);
        owner->n_levels = user + 1;
    }
    owner->levels[user] = (unsigned char)level;
}

static unsigned level_in(const struct lab_owner *owner, const struct lab_user *user)
{
    return owner && user->id < owner->n_levels ? owner->levels[user->id] : 0;
}

unsigned lab_group_level(const struct gitlab_server *lab, const struct lab_user *user, uint64_t group)
{
    unsigned highest = 0;

    for (struct lab_owner *g = lab_owner(&lab->groups, group); g; g = lab_owner(&lab->groups, g->parent))
        highest = level_in(g, user) > highest ? level_in(g, user) : highest;
    return highest;
}

unsigned lab_project_level(const struct gitlab_server *lab, const struct lab_user *user, uint64_t project)
{
    const struct lab_owner *owner = lab_owner(&lab->projects, project);
    unsigned inherited = owner ? lab_group_level(lab, user, owner->parent) : 0, own = level_in(owner, user);

    return own > inherited ? own : inherited;
}

bool lab_is_within(const struct gitlab_server *lab, uint64_t group, uint64_t above)
{
    for (struct lab_owner *g = lab_owner(&lab->groups, group); g; g = lab_owner(&lab->groups, g->parent))
        if (g->id == above)
            return true;
    return false;
}

bool lab_may_update(const struct gitlab_server *lab, const struct lab_user *user, const struct lab_runner *runner)
{
    if (user->admin)
        return true;
    if (runner->type == LAB_GROUP)
        return lab_group_level(lab, user, runner->owner) >= OWNER;
    return runner->type == LAB_PROJECT && lab_project_level(lab, user, runner->owner) >= MAINTAINER;
}

/* Maintainers of a project see the runners of the groups that it is in. */
static bool maintains_an_heir(const struct gitlab_server *lab, const struct lab_user *user, uint64_t group)
{
    for (size_t i = 0; i < lab->projects.len; i++) {
        const struct lab_owner *project = &lab->projects.at[i];
        if (lab_is_within(lab, project->parent, group) && lab_project_level(lab, user, project->id) >= MAINTAINER)
            return true;
    }
    return false;
}

bool lab_may_read(const struct gitlab_server *lab, const struct lab_user *user, const struct lab_runner *runner)
{
    if (user->admin || runner->type == LAB_INSTANCE)
        return true;
    if (runner->type == LAB_PROJECT)
        return lab_project_level(lab, user, runner->owner) >= MAINTAINER;
    return lab_group_level(lab, user, runner->owner) >= MAINTAINER || maintains_an_heir(lab, user, runner->owner);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What an owner sets for its runners */

static int64_t shorter(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

int64_t lab_token_lifetime(const struct gitlab_server *lab, enum lab_type type, uint64_t owner)
{
    const struct lab_owner *project = type == LAB_PROJECT ? lab_owner(&lab->projects, owner) : NULL;
    int64_t lifetime = project ? project->expiry_s : -1;
    uint64_t group = project ? project->parent : owner;

    if (type == LAB_INSTANCE)
        return lab->expiry_s;
    for (struct lab_owner *g = lab_owner(&lab->groups, group); g; g = lab_owner(&lab->groups, g->parent))
        lifetime = shorter(lifetime, g->expiry_s);
    return lifetime;
}

size_t lab_count_of(const struct gitlab_server *lab, enum lab_type type, uint64_t owner)
{
    size_t n = 0;

    for (size_t i = 0; i < lab->rows.len; i++)
        n += lab->rows.runners[i]->type == type && lab->rows.runners[i]->owner == owner;
    return n;
}
