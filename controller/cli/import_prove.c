#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/shorten.h"
#include "cli/import.h"
#include "runner/complaints.h"
#include "runner/render_parts.h"
#include "runner/spec.h"

/* What is to be proved of one runner. */
struct import_proof {
    struct import_proof *next;
    const struct import_view *view;
    struct json_object *tree, *object; /* config.toml as it was, and the GitLabRunner */
    size_t i;                          /* which of its runners that is                */
};

/* What is proved at the moment. */
struct proof {
    struct import *im;
    const struct import_view *view;
};

/* Nothing, as gitlab-runner reads it. */
static bool is_zero(struct json_object *value)
{
    if (json_object_is_type(value, json_type_string) || json_is_array(value))
        return json_object_is_type(value, json_type_string) ? !*json_string(value) : json_len(value) == 0;
    return !json_object_is_type(value, json_type_object) && json_object_get_int64(value) == 0;
}

/* An address is the same with a slash at its end. */
static bool is_same_address(const char *was, const char *is)
{
    size_t len = strlen(is);

    return strncmp(is, "http", 4) == 0 && strncmp(was, is, len) == 0 && strcmp(was + len, "/") == 0;
}

/* A value is as good as a list of it alone, and a number as its text. */
static bool means_the_same(struct json_object *was, struct json_object *is)
{
    if (!is)
        return is_zero(was);
    if (json_is_array(is) && !json_is_array(was))
        return json_len(is) == 1 && means_the_same(was, json_at(is, 0));
    return json_same(was, is) || strcmp(json_object_get_string(was), json_object_get_string(is)) == 0 ||
           is_same_address(json_string(was), json_string(is));
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
        import_tell_better(&p->im->report, p->view, path,
                           is ? arena_printf(p->im->a, "would be %s", shown(json_object_get_string(is), 60).text)
                              : "has no field, and would be lost: look it up, or take it out");
    }
}

void import_proof_add(struct import *im, const struct import_view *view, struct json_object *tree, size_t i)
{
    struct import_proof *proof = arena_alloc(im->a, sizeof(*proof));

    *proof = (struct import_proof){im->proofs, view, tree, json_at(im->runners, json_len(im->runners) - 1), i};
    im->proofs = proof;
}

static void prove_runner(struct import *im, const struct import_proof *proof)
{
    const struct owner owner = owner_of(proof->object);
    const struct config_inputs none = {0};
    const struct proof p = {im, proof->view};
    struct json_object *tree;
    struct spec spec;
    struct err err;

    if (!spec_parse(proof->object, &spec, im->a, &err))
        return; /* which is told otherwise, as something that cannot be */
    tree = render_config_tree(&owner, &spec, &none, im->a);
    prove_value(&p, arena_printf(im->a, "runners[%zu]", proof->i),
                json_at(json_member(proof->tree, "runners"), proof->i), json_at(json_member(tree, "runners"), 0));
    json_each (it, proof->tree)
        if (strcmp(it.key, "runners") != 0)
            prove_value(&p, it.key, it.value, json_member(tree, it.key));
}

void import_prove(struct import *im)
{
    for (const struct import_proof *proof = im->proofs; proof; proof = proof->next)
        prove_runner(im, proof);
}
