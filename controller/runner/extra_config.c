/* The walk through spec.config along the table of what gitlab-runner knows. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/utf8.h"
#include "base/words.h"
#include "runner/extra_config_parts.h"
#include "runner/render.h"
#include "runner/spec_parts.h"

enum { REPORTED_MAX = 5 };

struct walk {
    const struct owner *owner;
    const struct spec *fields; /* NULL: they are not all right     */
    struct json_object *made;  /* config.toml as the fields make it; NULL: nobody has asked yet */
    struct json_object *spec;
    const char *report; /* the keys that are not known, REPORTED_MAX at most */
    int unknown;        /* how many they are                                 */
    struct arena *a;
    struct err *err;
};

static bool check_table(struct walk *w, const struct config_key *keys, struct json_object *table, const char *path);

/* A path to show, and to look a key up by: keys may be of any length. */
static const char *path_to(const char *path, const char *key, struct arena *a)
{
    return utf8_keep(arena_printf(a, "%s%s%s", path, *path ? "." : "", shown(key, 60).text));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys that are not known */

/* Where else a key of this name is: runners.kubernetes.cpu_request for runners.cpu_request. */
static const char *elsewhere(const struct config_key *keys, const char *name, const char *path, struct arena *a)
{
    for (const struct config_key *k = keys; k->name; k++)
        if (same_but_for_case(k->name, name))
            return path_to(path, k->name, a);
    for (const struct config_key *k = keys; k->name; k++) {
        bool plain = k->table && (k->many == CONFIG_ONE || k->type != CONFIG_TABLE);
        const char *found = plain ? elsewhere(k->table, name, path_to(path, k->name, a), a) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

static const char *meant(const struct config_key *keys, const char *name, struct arena *a)
{
    struct near near = near_begin(name);

    for (const struct config_key *k = keys; k->name; k++)
        near_offer(&near, k->name);
    return near.found ? near.found : elsewhere(config_keys, name, "", a);
}

static void report(struct walk *w, const struct config_key *keys, const char *name, const char *path)
{
    const char *other = meant(keys, name, w->a);

    if (++w->unknown > REPORTED_MAX)
        return;
    w->report = arena_printf(w->a, "%s%sspec.config.%s%s", w->report, *w->report ? ", " : "", shown(path, 200).text,
                             other ? arena_printf(w->a, " (did you mean %s?)", other) : "");
}

static const char *sentence(const struct walk *w)
{
    const char *more = w->unknown > REPORTED_MAX ? arena_printf(w->a, " and %d more", w->unknown - REPORTED_MAX) : "";

    return arena_printf(w->a, "gitlab-runner %s does not know %s%s, and passes over what it does not know",
                        config_keys_version, w->report, more);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys that are known */

static bool check_one(struct walk *w, const struct config_key *key, struct json_object *value, const char *path)
{
    if (key->type != CONFIG_TABLE)
        return extra_config_check_type(key->type, value, path, w->err);
    if (!json_object_is_type(value, json_type_object))
        return spec_invalid(w->err, "spec.config.%s must be a map of settings%s", shown(path, 200).text,
                            json_is_array(value) ? ", not a list: write it without the dash" : "");
    return check_table(w, key->table, value, path);
}

static bool check_list(struct walk *w, const struct config_key *key, struct json_object *list, const char *path)
{
    bool ok = json_is_array(list) || spec_invalid(w->err, "spec.config.%s must be a list", shown(path, 200).text);

    for (size_t i = 0; i < json_len(list); i++)
        ok = check_one(w, key, json_at(list, i), arena_printf(w->a, "%s[%zu]", path, i)) && ok;
    return ok;
}

static bool is_named(const struct config_key *names, const char *name)
{
    while (names->name && strcmp(names->name, name) != 0)
        names++;
    return names->name;
}

static bool check_map(struct walk *w, const struct config_key *key, struct json_object *map, const char *path)
{
    struct json_object *sorted = arena_json(w->a, json_sorted(map));
    bool ok = true;

    if (!json_object_is_type(map, json_type_object))
        return spec_invalid(w->err, "spec.config.%s must be a map", shown(path, 200).text);
    json_each (it, sorted) {
        const char *inner = path_to(path, it.key, w->a);
        ok = check_one(w, key, it.value, inner) && ok;
        if (key->type != CONFIG_TABLE && key->table && !is_named(key->table, it.key))
            report(w, key->table, it.key, inner);
    }
    return ok;
}

static bool check_value(struct walk *w, const struct config_key *key, struct json_object *value, const char *path)
{
    switch (key->many) {
    case CONFIG_LIST:
        return check_list(w, key, value, path);
    case CONFIG_MAP:
        return check_map(w, key, value, path);
    case CONFIG_ONE_OR_LIST:
        return json_is_array(value) ? check_list(w, key, value, path) : check_one(w, key, value, path);
    case CONFIG_ONE:
        break;
    }
    return check_one(w, key, value, path);
}

/* What a field makes is said there, and not here as well. */
static bool check_shared(struct walk *w, const char *path)
{
    static const struct config_inputs placeholders;
    const char *field = extra_config_shared_with(path);

    if (!field || !w->fields)
        return true;
    if (!w->made)
        w->made = config_of_fields(w->owner, w->fields, &placeholders, w->a);
    struct json_object *runner = json_at(json_member(w->made, "runners"), 0),
                       *there = json_get(runner, path + strlen("runners."));
    if (!there || json_object_is_type(there, json_type_object))
        return true;
    return spec_invalid(w->err, "spec.config.%s is made from spec.%s: take one of the two out", shown(path, 200).text,
                        field);
}

/* gitlab-runner takes Image for image as well, and one of the two at random when both are there. */
static bool check_member(struct walk *w, const struct config_key *keys, const char *name, struct json_object *value,
                         const char *path)
{
    const struct config_key *k = keys;

    while (k->name && !same_but_for_case(k->name, name))
        k++;
    if (k->name && strcmp(k->name, name) != 0)
        return spec_invalid(w->err, "spec.config.%s: gitlab-runner writes this key %s", shown(path, 200).text, k->name);
    bool said = !extra_config_says_nothing(path, value);
    if (said && (!extra_config_check_owner(path, w->spec, w->err) || !check_shared(w, path)))
        return false;
    if (k->name)
        return check_value(w, k, value, path);
    if (said)
        report(w, keys, name, path);
    return true;
}

/* In the order of names, so that the report is the same whatever the order in which they are written. */
static bool check_table(struct walk *w, const struct config_key *keys, struct json_object *table, const char *path)
{
    struct json_object *sorted = arena_json(w->a, json_sorted(table));
    bool ok = true;

    json_each (it, sorted)
        ok = check_member(w, keys, it.key, it.value, path_to(path, it.key, w->a)) && ok;
    return ok;
}

bool extra_config_check(const struct owner *owner, const struct spec *fields, struct json_object *spec,
                        struct warnings *warnings, struct arena *a, struct err *err)
{
    struct json_object *config = json_get(spec, "config");
    struct walk w = {
        .owner = owner, .fields = err->kind ? NULL : fields, .spec = spec, .report = "", .a = a, .err = err};

    if (!config)
        return true;
    if (!json_object_is_type(config, json_type_object))
        return spec_invalid(err, "spec.config must be an object");
    if (!extra_config_check_shape(config, a, err))
        return false;
    bool known = check_table(&w, config_keys, config, "");
    if (w.unknown)
        warn_of_unknown_keys(warnings, a, sentence(&w));
    return extra_config_check_values(config, err) && known;
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
