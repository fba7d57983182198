#include "kube/shares.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { ROOM_PARTS = 16 }; /* of the budget, one is room enough */

struct account {
    size_t bytes;
    size_t left_out, counted; /* counted: by the list that is under way, or since the last one */
};

struct shares {
    struct map accounts; /* by namespace */
    size_t budget, total, left_out;
};

struct shares *shares_create(size_t budget)
{
    struct shares *s = mem_alloc(sizeof(*s));

    s->budget = budget;
    return s;
}

void shares_destroy(struct shares *s)
{
    const char *ns;
    void *account;

    if (!s)
        return;
    for (size_t i = 0; map_iter(&s->accounts, &i, &ns, &account);)
        free(account);
    map_finish(&s->accounts);
    free(s);
}

void shares_set_budget(struct shares *s, size_t budget)
{
    s->budget = budget;
}

static struct account *account_of(struct shares *s, const char *ns)
{
    struct account *account = map_get(&s->accounts, ns);

    if (!account) {
        account = mem_alloc(sizeof(*account));
        map_set(&s->accounts, ns, account);
    }
    return account;
}

static void close_if_empty(struct shares *s, const char *ns, const struct account *account)
{
    if (!account->bytes && !account->left_out && !account->counted)
        free(map_remove(&s->accounts, ns));
}

void shares_take(struct shares *s, const char *ns, size_t bytes)
{
    if (!bytes)
        return;
    account_of(s, ns)->bytes += bytes;
    s->total += bytes;
}

void shares_give(struct shares *s, const char *ns, size_t bytes)
{
    struct account *account = map_get(&s->accounts, ns);

    if (!bytes || !account)
        return;
    assert(account->bytes >= bytes && s->total >= bytes);
    account->bytes -= bytes;
    s->total -= bytes;
    close_if_empty(s, ns, account);
}

size_t shares_held(const struct shares *s, const char *ns)
{
    const struct account *account = map_get(&s->accounts, ns);

    return account ? account->bytes : 0;
}

bool shares_have_room(const struct shares *s)
{
    return s->total <= s->budget - s->budget / ROOM_PARTS;
}

/* NULL: there is none. */
static const char *heaviest_share(const struct shares *s)
{
    const char *ns, *found = NULL;
    size_t most = 0;
    void *value;

    for (size_t i = 0; map_iter(&s->accounts, &i, &ns, &value);) {
        const struct account *account = value;
        if (account->bytes > most) {
            most = account->bytes;
            found = ns;
        }
    }
    return found;
}

bool shares_fit(const struct shares *s, const char *ns, size_t bytes, const char **ret_heaviest)
{
    *ret_heaviest = NULL;
    if (s->total + bytes <= s->budget)
        return true;
    const char *other = heaviest_share(s);
    if (other && strcmp(other, ns) != 0 && shares_held(s, other) > shares_held(s, ns) + bytes)
        *ret_heaviest = other;
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is left out */

/* A list that is under way counts it, too: it may have listed the object before. One that comes in the list after all
 * is counted twice until the next one, which comes soon; one that is not counted would be forgotten. */
void shares_leave_out(struct shares *s, const char *ns)
{
    struct account *account = account_of(s, ns);

    account->left_out++;
    account->counted++;
    s->left_out++;
}

void shares_let_in(struct shares *s, const char *ns)
{
    struct account *account = map_get(&s->accounts, ns);

    if (!account || !account->left_out)
        return;
    assert(s->left_out > 0);
    account->left_out--;
    s->left_out--;
    close_if_empty(s, ns, account);
}

size_t shares_left_out(const struct shares *s, const char *ns)
{
    const struct account *account = ns ? map_get(&s->accounts, ns) : NULL;

    return !ns ? s->left_out : account ? account->left_out : 0;
}

void shares_leave_out_listed(struct shares *s, const char *ns)
{
    account_of(s, ns)->counted++;
}

static void settle_share(struct shares *s, struct account *account, bool counts)
{
    assert(s->left_out >= account->left_out);
    if (counts) {
        s->left_out += account->counted - account->left_out;
        account->left_out = account->counted;
    }
    account->counted = 0;
}

static void settle_all(struct shares *s, const char *only, bool counts)
{
    const char *ns;
    void *value;

    for (size_t i = 0; map_iter(&s->accounts, &i, &ns, &value);) {
        if (*only && strcmp(only, ns) != 0)
            continue;
        settle_share(s, value, counts);
        close_if_empty(s, ns, value);
    }
}

void shares_list_begin(struct shares *s, const char *ns)
{
    settle_all(s, ns, false);
}

void shares_list_end(struct shares *s, const char *ns)
{
    settle_all(s, ns, true);
}
