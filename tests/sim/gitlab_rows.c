/* The runners of a GitLab, and their tokens. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

const char *const lab_types[3] = {"instance_type", "group_type", "project_type"};

int64_t lab_now_ms(const struct gitlab_server *lab)
{
    return sim_wall(lab->sim) * 1000 + sim_now(lab->sim) % 1000;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Texts and copies */

static char *copy_text(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

void lab_attributes_copy(struct lab_attributes *to, const struct lab_attributes *from)
{
    *to = *from;
    to->description = copy_text(from->description);
    to->note = copy_text(from->note);
    to->name = copy_text(from->name);
    to->tags = json_ref(from->tags); /* a list is replaced, never changed */
}

void lab_attributes_finish(struct lab_attributes *is)
{
    free(is->description);
    free(is->note);
    free(is->name);
    json_put_ptr(&is->tags);
}

static struct lab_manager copy_manager(const struct lab_manager *from)
{
    struct lab_manager to = *from;

    to.system_id = mem_strdup(from->system_id);
    to.version = mem_strdup(from->version);
    to.revision = mem_strdup(from->revision);
    to.platform = mem_strdup(from->platform);
    to.architecture = mem_strdup(from->architecture);
    return to;
}

static void free_manager(struct lab_manager *manager)
{
    free(manager->system_id);
    free(manager->version);
    free(manager->revision);
    free(manager->platform);
    free(manager->architecture);
}

static struct lab_runner *copy_runner(const struct lab_runner *from)
{
    struct lab_runner *to = mem_alloc(sizeof(*to));

    *to = *from;
    lab_attributes_copy(&to->is, &from->is);
    to->managers = from->n_managers ? mem_alloc(from->n_managers * sizeof(*to->managers)) : NULL;
    for (size_t i = 0; i < from->n_managers; i++)
        to->managers[i] = copy_manager(&from->managers[i]);
    return to;
}

static void free_runner(struct lab_runner *runner)
{
    for (size_t i = 0; i < runner->n_managers; i++)
        free_manager(&runner->managers[i]);
    free(runner->managers);
    lab_attributes_finish(&runner->is);
    free(runner);
}

struct lab_rows lab_rows_copy(const struct lab_rows *rows)
{
    struct lab_rows copy = *rows;

    copy.size = rows->len;
    copy.runners = rows->len ? mem_alloc(rows->len * sizeof(struct lab_runner *)) : NULL;
    for (size_t i = 0; i < rows->len; i++)
        copy.runners[i] = copy_runner(rows->runners[i]);
    return copy;
}

void lab_rows_finish(struct lab_rows *rows)
{
    for (size_t i = 0; i < rows->len; i++)
        free_runner(rows->runners[i]);
    free(rows->runners);
    *rows = (struct lab_rows){0};
}

/* ------------------------------------------------------------------------------------------------------------------
 * Tokens */

void lab_index_tokens(struct gitlab_server *lab)
{
    map_finish(&lab->by_token);
    lab->by_token.lent = true;
    for (size_t i = 0; i < lab->rows.len; i++)
        map_set(&lab->by_token, lab->rows.runners[i]->token, lab->rows.runners[i]);
}

/* SplitMix64: a number in, one out that looks like chance. */
static uint64_t mixed(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

const char *lab_keep_token(struct gitlab_server *lab, char *token)
{
    if (lab->n_tokens == lab->tokens_size) {
        lab->tokens_size = lab->tokens_size ? lab->tokens_size * 2 : 16;
        lab->tokens = mem_resize(lab->tokens, lab->tokens_size * sizeof(char *));
    }
    lab->tokens[lab->n_tokens++] = token;
    return token;
}

const char *lab_make_token(struct gitlab_server *lab, const char *beginning)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    enum { TAIL = 20, IN_ONE_NUMBER = 10 };
    uint64_t seed = 0, number = 0;
    size_t len = strlen(beginning);
    char *token = mem_alloc(len + TAIL + 1);

    for (const char *at = lab->host; *at; at++)
        seed = seed * 31 + (unsigned char)*at;
    memcpy(token, beginning, len);
    for (size_t i = 0; i < TAIL; i++, number >>= 6) {
        if (i % IN_ONE_NUMBER == 0)
            number = mixed(seed ^ (lab->n_tokens * 2 + i / IN_ONE_NUMBER));
        token[len + i] = letters[i ? number & 63 : number & 31]; /* never a dash first */
    }
    return lab_keep_token(lab, token);
}

static const char *beginning_of(const struct lab_runner *runner)
{
    static const char *const by_user[] = {"glrt-t1_", "glrt-t2_", "glrt-t3_"};
    static const char *const by_registration[] = {"glrtr-t1_", "glrtr-t2_", "glrtr-t3_"};

    return runner->creator ? by_user[runner->type] : by_registration[runner->type];
}

void lab_renew_token(struct gitlab_server *lab, struct lab_runner *runner)
{
    int64_t lifetime = lab_token_lifetime(lab, runner->type, runner->owner);

    if (runner->token)
        map_remove(&lab->by_token, runner->token);
    runner->token = lab_make_token(lab, beginning_of(runner));
    runner->expires_ms = lifetime < 0 ? 0 : lab_now_ms(lab) + lifetime * 1000;
    map_set(&lab->by_token, runner->token, runner);
}

struct lab_runner *lab_runner_of(const struct gitlab_server *lab, const char *token)
{
    struct lab_runner *runner = token ? map_get(&lab->by_token, token) : NULL;

    return runner && (!runner->expires_ms || runner->expires_ms > lab_now_ms(lab)) ? runner : NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Rows */

/* Where the runner of that id is, or would be. */
static size_t place_of_id(const struct lab_rows *rows, uint64_t id)
{
    size_t low = 0, high = rows->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows->runners[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct lab_runner *lab_runner(const struct gitlab_server *lab, uint64_t id)
{
    size_t at = place_of_id(&lab->rows, id);

    return at < lab->rows.len && lab->rows.runners[at]->id == id ? lab->rows.runners[at] : NULL;
}

struct lab_runner *lab_add_runner(struct gitlab_server *lab, enum lab_type type, uint64_t owner, uint64_t creator,
                                  struct lab_attributes *is)
{
    struct lab_rows *rows = &lab->rows;
    struct lab_runner *runner = mem_alloc(sizeof(*runner));
    int64_t now = lab_now_ms(lab);

    *runner = (struct lab_runner){.id = ++rows->last_runner,
                                  .type = type,
                                  .owner = owner,
                                  .creator = creator,
                                  .created_ms = now,
                                  .updated_ms = now,
                                  .is = *is};
    *is = (struct lab_attributes){0};
    lab_renew_token(lab, runner);
    if (rows->len == rows->size) {
        rows->size = rows->size ? rows->size * 2 : 8;
        rows->runners = mem_resize(rows->runners, rows->size * sizeof(struct lab_runner *));
    }
    assert(!rows->len || rows->runners[rows->len - 1]->id < runner->id);
    rows->runners[rows->len++] = runner;
    return runner;
}

void lab_delete_runner(struct gitlab_server *lab, struct lab_runner *runner)
{
    struct lab_rows *rows = &lab->rows;
    size_t at = place_of_id(rows, runner->id);

    assert(at < rows->len && rows->runners[at] == runner);
    map_remove(&lab->by_token, runner->token);
    memmove(rows->runners + at, rows->runners + at + 1, (rows->len - at - 1) * sizeof(struct lab_runner *));
    rows->len--;
    free_runner(runner);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Managers */

static struct lab_manager *manager_of(struct gitlab_server *lab, struct lab_runner *runner, const char *system_id)
{
    for (size_t i = 0; i < runner->n_managers; i++)
        if (strcmp(runner->managers[i].system_id, system_id) == 0)
            return &runner->managers[i];
    runner->managers = mem_resize(runner->managers, (runner->n_managers + 1) * sizeof(*runner->managers));
    struct lab_manager *manager = &runner->managers[runner->n_managers++];
    const struct lab_manager fresh = {.id = ++lab->rows.last_manager,
                                      .system_id = (char *)system_id,
                                      .version = "",
                                      .revision = "",
                                      .platform = "",
                                      .architecture = "",
                                      .created_ms = lab_now_ms(lab)};
    *manager = copy_manager(&fresh);
    return manager;
}

static void learn_text(char **text, struct json_object *info, const char *name)
{
    const char *said = json_str_or(info, name, "");

    if (*said) {
        free(*text);
        *text = mem_strdup(said);
    }
}

void lab_heartbeat(struct gitlab_server *lab, struct lab_runner *runner, const char *system_id,
                   struct json_object *info)
{
    struct lab_manager *manager = manager_of(lab, runner, *system_id ? system_id : "<legacy>");

    runner->contacted_ms = manager->contacted_ms = lab_now_ms(lab);
    learn_text(&manager->version, info, "version");
    learn_text(&manager->revision, info, "revision");
    learn_text(&manager->platform, info, "platform");
    learn_text(&manager->architecture, info, "architecture");
}

bool lab_forget_manager(struct lab_runner *runner, const char *system_id)
{
    for (size_t i = 0; system_id && i < runner->n_managers; i++) {
        if (strcmp(runner->managers[i].system_id, system_id) != 0)
            continue;
        free_manager(&runner->managers[i]);
        memmove(runner->managers + i, runner->managers + i + 1, (--runner->n_managers - i) * sizeof(*runner->managers));
        return true;
    }
    return false;
}
