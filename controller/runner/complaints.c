#include "runner/complaints.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Adding */

static bool is_step(char c)
{
    return c == '.' || c == '[';
}

static size_t path_len(const char *text)
{
    return strcspn(text, " :,");
}

/* The same field, or one that is below a value of the wrong type. */
static bool hides(const struct complaint *there, const char *text, size_t len)
{
    if (len < there->path_len || strncmp(there->text, text, there->path_len) != 0)
        return false;
    return len == there->path_len || (there->moot_below && is_step(text[there->path_len]));
}

static void add(struct complaints *all, const char *text, bool moot_below, const char *meant)
{
    size_t len = path_len(text);

    assert(all->a && all->len <= COMPLAINTS_MAX);
    for (size_t i = 0; i < all->len; i++)
        if (hides(&all->items[i], text, len))
            return;
    if (all->len == COMPLAINTS_MAX)
        all->left_out++;
    else
        all->items[all->len++] =
            (struct complaint){arena_strdup(all->a, text), len, moot_below, arena_strdup(all->a, meant)};
}

void complaints_add(struct complaints *all, const char *text)
{
    add(all, text, false, NULL);
}

void complaints_add_type(struct complaints *all, const char *text)
{
    add(all, text, true, NULL);
}

void complaints_add_unknown(struct complaints *all, const char *text, const char *meant)
{
    add(all, text, false, meant);
}

bool spec_invalid(struct err *err, const char *format, ...)
{
    struct complaints *all = err->all;
    char text[sizeof(err->text)];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    err_set(err, ERR_INVALID, "InvalidSpec", "%s", text);
    err->all = all;
    if (all)
        complaints_add(all, err->text);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Order */

enum { DEPTH_MAX = 40 };

/* Where a field is in the object: its place among its neighbours, at each level. */
struct place {
    unsigned at[DEPTH_MAX];
    size_t len;
};

/* The member that the path goes on with, and its place. A key may have dots itself: the longest that fits is meant. */
static struct json_object *step_member(struct json_object *object, const char **path, const char *end, unsigned *place)
{
    struct json_object *found = NULL;
    size_t best = 0;
    unsigned n = 0;

    *place = (unsigned)-1;
    json_each (it, object) {
        size_t len = strlen(it.key);
        bool fits = (size_t)(end - *path) >= len && strncmp(*path, it.key, len) == 0 &&
                    (*path + len == end || is_step((*path)[len]));
        if (fits && len >= best) {
            best = len;
            found = it.value;
            *place = n;
        }
        n++;
    }
    *path += best;
    return found;
}

static struct place place_of_complaint(const struct complaint *c, struct json_object *object)
{
    const char *path = c->text, *end = c->text + c->path_len;
    struct place place = {0};

    while (path < end && place.len < DEPTH_MAX) {
        unsigned *at = &place.at[place.len++];
        if (*path == '[') {
            *at = (unsigned)strtoul(path + 1, NULL, 10);
            object = json_at(object, *at);
            path += strcspn(path, "].");
            path += *path == ']';
            path += *path == '.';
            continue;
        }
        object = step_member(object, &path, end, at);
        if (*at == (unsigned)-1)
            break;
        path += *path == '.';
    }
    assert(place.len <= DEPTH_MAX);
    return place;
}

static int by_place(const struct place *one, const struct place *other)
{
    for (size_t i = 0; i < one->len && i < other->len; i++)
        if (one->at[i] != other->at[i])
            return one->at[i] < other->at[i] ? -1 : 1;
    return one->len < other->len ? -1 : one->len > other->len;
}

/* By insertion: there are few, and equal ones stay in the order in which they were found. */
static void sort(struct complaints *all, struct json_object *object)
{
    struct place places[COMPLAINTS_MAX];

    for (size_t i = 0; i < all->len; i++) {
        const struct complaint item = all->items[i];
        const struct place place = place_of_complaint(&item, object);
        size_t n = i;
        for (; n > 0 && by_place(&places[n - 1], &place) > 0; n--) {
            places[n] = places[n - 1];
            all->items[n] = all->items[n - 1];
        }
        assert(n <= i);
        places[n] = place;
        all->items[n] = item;
    }
}

/* Whether all that is wrong is that something is not where it belongs, which is told where it is instead. */
static bool is_misplaced(const struct complaints *all, const struct complaint *c)
{
    static const char missing[] = " is missing";

    if (strncmp(c->text + c->path_len, missing, sizeof(missing) - 1) != 0)
        return false;
    for (size_t i = 0; i < all->len; i++) {
        const char *meant = all->items[i].meant;
        if (meant && strncmp(meant, c->text, c->path_len) == 0 && (!meant[c->path_len] || is_step(meant[c->path_len])))
            return true;
    }
    return false;
}

void complaints_settle(struct complaints *all, struct json_object *object)
{
    size_t kept = 0;

    for (size_t i = 0; i < all->len; i++)
        if (!is_misplaced(all, &all->items[i]))
            all->items[kept++] = all->items[i];
    all->len = kept;
    sort(all, object);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Telling */

const char *complaints_message(const struct complaints *all, struct arena *a)
{
    size_t count = all->len + all->left_out, shown = 0;
    const size_t room = COMPLAINTS_MESSAGE_MAX - strlen(" and 4294967295 more: see validate");

    assert(all->len > 0);
    if (count == 1)
        return all->items[0].text;
    const char *text = arena_printf(a, "%zu errors:", count);
    for (; shown < all->len; shown++) {
        const char *longer = arena_printf(a, "%s (%zu) %s", text, shown + 1, all->items[shown].text);
        if (strlen(longer) > room)
            break;
        text = longer;
    }
    return shown == count ? text : arena_printf(a, "%s and %zu more: see validate", text, count - shown);
}
