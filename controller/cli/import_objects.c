#include "cli/import_objects.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"

/* A List is what it has. */
static bool add_objects(struct import_objects *to, struct json_object *object, struct json_object *mark,
                        const char *name, struct err *err)
{
    const char *kind = json_str_or(object, "kind", "");
    struct json_object *items = json_member(object, "items"), *marks = json_member(mark, "items");

    if (!*kind || !json_str(object, "apiVersion"))
        return err_set(err, ERR_INVALID, "NoObject",
                       "%s: a document is no Kubernetes object: give it an apiVersion and a kind", name);
    if (!json_is_array(items)) {
        json_append(to->all, json_ref(object));
        json_append(to->marks, json_ref(mark));
        return true;
    }
    for (size_t i = 0; i < json_len(items); i++)
        if (!add_objects(to, json_at(items, i), json_at(marks, i), name, err))
            return false;
    return true;
}

bool import_objects_read(struct import *im, const char *name, const struct buf *text, struct import_objects *ret,
                         struct err *err)
{
    struct json_object *marks, *documents = yaml_read_marked(name, text->data, text->len, YAML_TYPED, &marks, err);

    if (!arena_json(im->a, documents))
        return false;
    arena_json(im->a, marks);
    *ret =
        (struct import_objects){arena_json(im->a, json_object_new_array()), arena_json(im->a, json_object_new_array())};
    for (size_t i = 0; i < json_len(documents); i++)
        if (!add_objects(ret, json_at(documents, i), json_at(marks, i), name, err))
            return false;
    return true;
}

static bool is_of_group_named(struct json_object *object, const char *group)
{
    const char *version = json_str(object, "apiVersion");
    size_t len = strlen(group);

    return strncmp(version, group, len) == 0 && version[len] == '/';
}

/* Such as the Secret and the ConfigMap that a runner names. */
static void tell_other_object(struct import *im, const char *file, struct json_object *object,
                              struct json_object *marks)
{
    const char *name = arena_printf(im->a, "%s %s", json_str(object, "kind"), json_str_or(object, "metadata.name", ""));
    struct json_object *tree = arena_json(im->a, json_object_new_object());
    struct json_object *mark = arena_json(im->a, json_object_new_object());

    json_object_object_add(tree, name, NULL);
    json_object_object_add(mark, name, json_ref(json_member(marks, "kind")));
    import_tell(&im->report, import_source_add(&im->report, file, false, tree, mark), name, IMPORT_OURS,
                "is no runner; it is read where a runner names it");
}

bool import_objects_each(struct import *im, const char *name, const struct import_objects *objects, const char *group,
                         void (*import)(struct import *im, struct import_source *source,
                                        const struct import_objects *objects),
                         struct err *err)
{
    const char *ns = im->ns;

    for (size_t i = 0; i < json_len(objects->all); i++) {
        struct json_object *object = json_at(objects->all, i), *marks = json_at(objects->marks, i);
        if (!is_of_group_named(object, group)) {
            tell_other_object(im, name, object, marks);
            continue;
        }
        im->ns = ns ? ns : json_str(object, "metadata.namespace");
        import(im, import_source_add(&im->report, name, false, object, marks), objects);
    }
    im->ns = ns;
    return json_len(im->runners) ||
           err_set(err, ERR_INVALID, "NoRunner", "%s: has no runner of the group %s", name, group);
}

const char *import_objects_text(struct import *im, const struct import_objects *objects, const char *kind,
                                const char *name, const char *key)
{
    for (size_t i = 0; i < json_len(objects->all); i++) {
        struct json_object *object = json_at(objects->all, i), *plain, *data;
        bool secret = strcmp(kind, "Secret") == 0;
        if (strcmp(json_str(object, "kind"), kind) != 0 || strcmp(json_str_or(object, "metadata.name", ""), name) != 0)
            continue;
        plain = json_member(json_member(object, secret ? "stringData" : "data"), key);
        data = secret ? json_member(json_member(object, "data"), key) : NULL;
        if (plain)
            return json_string(plain);
        if (data && base64_decode(json_string(data), NULL, im->a))
            return charset_trim(base64_decode(json_string(data), NULL, im->a));
    }
    return NULL;
}

/* What an object names by reference is in its own namespace. */
static const char *note_of_namespace(const struct import *im, struct json_object *object)
{
    const char *was = json_str_or(object, "metadata.namespace", "");

    if (!im->ns || strcmp(im->ns, was) == 0)
        return "metadata.namespace";
    return "metadata.namespace, another one now: the Secrets and ConfigMaps that it names have to be there";
}

void import_object_tell(struct import *im, struct import_source *source)
{
    const struct {
        const char *path;
        enum import_fate fate;
        const char *note;
    } told[] = {
        {"apiVersion", IMPORT_OURS, "is that of a GitLabRunner now"},
        {"kind", IMPORT_OURS, "is GitLabRunner now"},
        {"metadata.name", IMPORT_MOVED, "metadata.name"},
        {"metadata.namespace", IMPORT_MOVED, note_of_namespace(im, source->tree)},
        {"metadata", IMPORT_OURS, "is the old object's own"},
        {"status", IMPORT_OURS, "is what its operator has found"},
    };

    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        import_tell(&im->report, source, told[i].path, told[i].fate, "%s", told[i].note);
}
