/* What would become of the jobs, asked of all of a spec that is right. */
#include <assert.h>
#include <ctype.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/complaints.h"
#include "runner/judge.h"
#include "runner/names.h"

enum { TRIES_MAX = 4 }; /* what shows only when something else is taken out leads to the next one */

/* Takes the field out that a complaint is about, the whole list that its path goes through, or what it is missing in.
 * The path becomes that of what was taken. False: there is nothing to take. */
static bool take_member_out(struct json_object *object, char *path)
{
    path[strcspn(path, "[")] = '\0';
    for (char *dot; (dot = strrchr(path, '.')); *dot = '\0')
        if (json_remove(object, path))
            return true;
    return false;
}

/* What every object must have, none of which is judged. */
static void put_in(struct json_object *object)
{
    json_set_str(object, "apiVersion", API_VERSION);
    json_set_str(object, "kind", KIND);
    if (!json_str(object, "metadata.name"))
        json_set_str(object, "metadata.name", "runner");
    if (!json_get(object, "spec.url"))
        json_set_str(object, "spec.url", "https://gitlab.example.com");
    json_set(object, "spec.authentication", json_build("{registrationTokenSecretRef: {name: any}}"));
    json_remove(object, "spec.scope");
}

/* Whether the text names the field, or what is below it. */
static bool names_field(const char *text, const char *path)
{
    size_t len = strlen(path);

    for (const char *at = strstr(text, path); at; at = strstr(at + 1, path))
        if (!isalnum((unsigned char)at[len]))
            return true;
    return false;
}

/* Whether the path is that of a field that was taken out, or of what is below it. */
static bool is_out(const char *path, const struct strings *out)
{
    for (size_t i = 0; i < out->len; i++)
        if (strncmp(path, out->items[i], strlen(out->items[i])) == 0 && names_field(path, out->items[i]))
            return true;
    return false;
}

/* Moves what the judge says to the list, but for what speaks of a field that was taken out: that would mislead. */
static void join(struct complaints *all, const struct complaints *judged, const struct strings *out)
{
    for (size_t i = 0; i < judged->len; i++) {
        size_t n = 0;
        while (n < out->len && !names_field(judged->items[i].text, out->items[n]))
            n++;
        if (n == out->len)
            complaints_add(all, judged->items[i].text);
    }
}

/* A copy of the object without what the list complains of, read; *out: the paths that were taken out. False: there is
 * always something wrong with it. */
static bool read_rest(struct json_object *copy, const struct complaints *all, struct strings *out, struct spec *ret)
{
    struct complaints *found = arena_alloc(all->a, sizeof(*found));
    const struct complaints *wrong = all;

    out->items = arena_alloc(all->a, TRIES_MAX * COMPLAINTS_MAX * sizeof(*out->items));
    for (int i = 0; i < TRIES_MAX; i++, wrong = found) {
        for (size_t n = 0; n < wrong->len; n++) {
            char *path = arena_strndup(all->a, wrong->items[n].text, wrong->items[n].path_len);
            assert(out->len < TRIES_MAX * COMPLAINTS_MAX);
            if (!is_out(path, out) && take_member_out(copy, path))
                out->items[out->len++] = path;
        }
        put_in(copy);
        *found = (struct complaints){.a = all->a};
        if (spec_read_all(copy, ret, found, all->a))
            return true;
    }
    return false;
}

/* Of an object that is complained of. */
static void judge_rest(struct json_object *object, struct complaints *all)
{
    struct json_object *copy = arena_json(all->a, json_copy(object));
    struct complaints *judged = arena_alloc(all->a, sizeof(*judged));
    struct err err = {.all = judged};
    struct strings out = {.len = 0};
    struct spec rest;

    *judged = (struct complaints){.a = all->a};
    if (!json_object_is_type(json_get(copy, "spec"), json_type_object) || !read_rest(copy, all, &out, &rest))
        return;
    const struct owner owner = owner_of(copy);
    judge_spec(&owner, &rest, all->a, &err);
    join(all, judged, &out);
}

bool spec_judge_all(struct json_object *object, struct spec *spec, struct complaints *all, struct arena *a)
{
    const struct owner owner = owner_of(object);
    struct err err = {.all = all};

    if (all->len == 0)
        return judge_spec(&owner, spec, a, &err);
    judge_rest(object, all);
    return false;
}
