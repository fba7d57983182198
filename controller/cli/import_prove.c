#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/shorten.h"
#include "cli/import.h"
#include "runner/complaints.h"
#include "runner/render_parts.h"
#include "runner/spec.h"

/* What is proved of one runner. */
struct proof {
    struct import *im;
    struct import_source *source;
};

/* Nothing, as gitlab-runner reads it. */
static bool is_zero(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string) || json_is_array(value))
        return json_object_is_type(value, json_type_string) ? !*json_string(value) : json_len(value) == 0;
    return !json_object_is_type(value, json_type_object) && json_object_get_int64(value) == 0;
}

/* A value is as good as a list of it alone, and a number as its text. */
static bool means_the_same(struct json_object *was, struct json_object *is)
{
    if (!is)
        return is_zero(was);
    if (json_is_array(is) && !json_is_array(was))
        return json_len(is) == 1 && means_the_same(was, json_at(is, 0));
    return json_same(was, is) || strcmp(json_object_get_string(was), json_object_get_string(is)) == 0;
}

static void prove_value(const struct proof *p, const char *path, struct json_object *was, struct json_object *is);

static void prove_members(const struct proof *p, const char *path, struct json_object *was, struct json_object *is)
{
    json_each (it, was)
        prove_value(p, *path ? arena_printf(p->im->a, "%s.%s", path, it.key) : it.key, it.value,
                    json_member(is, it.key));
}

static void prove_value(const struct proof *p, const char *path, struct json_object *was, struct json_object *is)
{
    if (json_object_is_type(was, json_type_object)) {
        prove_members(p, path, was, is);
    } else if (json_object_is_type(json_at(was, 0), json_type_object)) {
        for (size_t i = 0; i < json_len(was); i++)
            prove_value(p, arena_printf(p->im->a, "%s[%zu]", path, i), json_at(was, i), json_at(is, i));
    } else if (!means_the_same(was, is)) {
        import_tell_better(&p->im->report, p->source, path,
                           is ? arena_printf(p->im->a, "would be %s", shown(json_object_get_string(is), 60).text)
                              : "has no field, and would be lost: look it up, or take it out");
    }
}

void import_prove(struct import *im, struct import_source *source, const char *prefix, struct json_object *runner)
{
    struct json_object *object = json_at(im->runners, json_len(im->runners) - 1), *tree;
    const struct owner owner = owner_of(object);
    const struct config_inputs none = {0};
    const struct proof p = {im, source};
    struct spec spec;
    struct err err;

    if (!spec_parse(object, &spec, im->a, &err))
        return;
    tree = render_config_tree(&owner, &spec, &none, im->a);
    prove_value(&p, prefix, runner, json_at(json_member(tree, "runners"), 0));
    json_each (it, source->tree)
        if (strcmp(it.key, "runners") != 0)
            prove_value(&p, it.key, it.value, json_member(tree, it.key));
}
