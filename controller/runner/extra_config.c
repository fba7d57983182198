/* spec.config, held against what gitlab-runner knows, and into config.toml. */
#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/words.h"
#include "runner/complaints.h"
#include "runner/config_keys.h"
#include "runner/extra_config_parts.h"
#include "runner/render.h"

enum { REPORTED_MAX = 5 };

struct config_validation {
    const struct owner *owner;
    const struct spec *fields; /* NULL: they are not all right     */
    struct json_object *made;  /* config.toml as the fields make it; NULL: nobody has asked yet */
    struct json_object *spec;
    const char *report; /* the keys that are not known, REPORTED_MAX at most */
    int unknown;        /* how many they are                                 */
    struct arena *a;
    struct err *err;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys that are not known */

/* As it is written first: hardly any is written otherwise, and letters take longer to compare so. */
static const struct shape_member *key_in_any_case(const struct shape *table, const char *name)
{
    const struct shape_member *exact = shape_member(table, name);

    if (exact)
        return exact;
    for (const struct shape_member *m = table->members; m && m->name; m++)
        if (same_but_for_case(m->name, name))
            return m;
    return NULL;
}

/* Where else a key of this name is: runners.kubernetes.cpu_request for runners.cpu_request. */
static const char *elsewhere(const struct shape *table, const char *name, const char *path, struct arena *a)
{
    const struct shape_member *here = key_in_any_case(table, name);

    if (here)
        return arena_printf(a, "%s%s", path, here->name);
    for (const struct shape_member *m = table->members; m && m->name; m++) {
        const char *found = elsewhere(m->shape, name, arena_printf(a, "%s%s.", path, m->name), a);
        if (found)
            return found;
    }
    return NULL;
}

static void report(struct config_validation *c, const struct shape *table, const char *name, const char *path)
{
    if (++c->unknown > REPORTED_MAX) /* there may be any number, and to find what is meant takes long */
        return;
    const char *near = shape_near(table, name), *other = near ? near : elsewhere(&config_shape, name, "", c->a);
    c->report = arena_printf(c->a, "%s%sspec.config.%s%s", c->report, *c->report ? ", " : "", shown(path, 200).text,
                             other ? arena_printf(c->a, " (did you mean %s?)", other) : "");
}

static const char *sentence(const struct config_validation *c)
{
    const char *more = c->unknown > REPORTED_MAX ? arena_printf(c->a, " and %d more", c->unknown - REPORTED_MAX) : "";

    return arena_printf(c->a, "gitlab-runner %s does not know %s%s, and passes over what it does not know",
                        config_keys_version, c->report, more);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys that are known */

/* What a field makes is said there, and not here as well. */
static bool validate_shared(struct config_validation *c, const char *path)
{
    static const struct config_inputs placeholders;
    const char *field = extra_config_shared_with(path);

    if (!field || !c->fields)
        return true;
    if (!c->made)
        c->made = config_of_fields(c->owner, c->fields, &placeholders, c->a);
    assert(strncmp(path, "runners.", strlen("runners.")) == 0);
    struct json_object *runner = json_at(json_member(c->made, "runners"), 0),
                       *there = json_get(runner, path + strlen("runners."));
    if (!there || json_object_is_type(there, json_type_object))
        return true;
    return spec_invalid(c->err, "spec.config.%s is made from spec.%s: take one of the two out", shown(path, 200).text,
                        field);
}

/* gitlab-runner takes Image for image as well, and one of the two at random when both are there. */
static const struct shape *shape_of_key(struct config_validation *c, const struct shape *table, const char *name,
                                        struct json_object *value, const char *path)
{
    const struct shape_member *key = key_in_any_case(table, name);
    bool said = !extra_config_says_nothing(path, value);

    if (key && strcmp(key->name, name) != 0) {
        spec_invalid(c->err, "spec.config.%s: gitlab-runner writes this key %s", path, key->name);
        return NULL;
    }
    if (said && (!extra_config_validate_owner(path, key != NULL, c->spec, c->err) || !validate_shared(c, path)))
        return NULL;
    if (said && !key)
        report(c, table, name, path);
    return key ? key->shape : NULL;
}

/* Of a map, the names are the user's; some are known all the same. */
static const struct shape *config_member(struct shape_walk *w, const struct shape *in, const char *name,
                                         struct json_object *value, const struct shape_place *at)
{
    struct config_validation *c = w->context;
    const char *whole = shape_path(at, c->a), *path = whole + strlen("spec.config.");

    assert(strncmp(whole, "spec.config.", strlen("spec.config.")) == 0);
    if (in->type != SHAPE_MAP)
        return shape_of_key(c, in, name, value, path);
    if (in->members && !shape_member(in, name))
        report(c, in, name, path);
    return in->each;
}

static bool is_config_table(const struct shape *shape)
{
    return shape->type == SHAPE_TABLE || shape->type == SHAPE_MAP;
}

/* Whether there is any; keep: it stays. */
static bool drop_emptied(struct json_object *table, const struct shape *shape, bool keep)
{
    struct json_object *value;
    bool any = false;

    for (const struct shape_member *m = shape->members; m && m->name; m++) {
        if (!json_object_object_get_ex(table, m->name, &value))
            continue;
        if (json_object_is_type(value, json_type_object))
            any |= drop_emptied(value, m->shape, keep);
        if (value || !is_config_table(m->shape))
            continue;
        any = true;
        if (!keep)
            json_object_object_del(table, m->name);
    }
    return any;
}

struct json_object *extra_config_without_emptied(struct json_object *config, struct arena *a)
{
    if (!config || !drop_emptied(config, &config_shape, true))
        return config;
    struct json_object *copy = arena_json(a, json_copy(config));
    drop_emptied(copy, &config_shape, false);
    return copy;
}

bool extra_config_validate(const struct owner *owner, const struct spec *fields, struct json_object *spec,
                           struct warnings *warnings, struct arena *a, struct err *err)
{
    struct json_object *config = json_get(spec, "config");
    struct config_validation c = {.owner = owner, .fields = fields, .spec = spec, .report = "", .a = a, .err = err};
    struct shape_walk walk = {.all = err->all, .member = config_member, .context = &c};

    assert(err->all);
    if (!json_object_is_type(config, json_type_object))
        return !config;
    config = fields->config;
    if (err->all->len)
        c.fields = NULL;
    if (!extra_config_validate_shape(config, a, err))
        return false;
    /* In the order of names, so that the report is the same whatever the order in which they are written. */
    shape_walk(&walk, &config_shape, arena_json(a, json_sorted(config)), "spec.config");
    if (c.unknown)
        warn_of_unknown_keys(warnings, a, sentence(&c));
    return extra_config_validate_values(config, err) && !walk.wrong;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Into config.toml */

/* What is there already stays: it is the operator's, or of a field of the spec. */
static void merge(struct json_object *into, struct json_object *from)
{
    json_each (it, from) {
        struct json_object *there = json_member(into, it.key);
        if (!there)
            json_object_object_add(into, it.key, json_ref(it.value));
        else if (json_object_is_type(there, json_type_object))
            merge(there, it.value);
    }
}

void extra_config_merge(struct json_object *tree, struct json_object *config)
{
    cleanup_json struct json_object *extra = config ? json_sorted(config) : NULL;

    assert(json_len(json_member(tree, "runners")) == 1);
    merge(json_at(json_member(tree, "runners"), 0), json_member(extra, "runners"));
    merge(tree, extra); /* the list stays as it is now */
}

const char *extra_config_start_hash(struct json_object *config, struct arena *a)
{
    static const char *const keys[] = {"connection_max_age", "session_server", "runners.experimental.boot_verify"};
    struct json_object *given = arena_json(a, json_object_new_object());

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (json_get(config, keys[i]))
            json_set(given, keys[i], json_sorted(json_get(config, keys[i])));
    if (!json_first(given).key)
        return NULL;
    return digest_short(json_text(given), strlen(json_text(given)), a);
}
