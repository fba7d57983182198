/* The content of objects: what is left of them without what the system sets; and objects made of both.
 *
 * Merges, defaults and ownership are of content. */
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

static const char *const users_metadata[] = {"labels", "annotations", "ownerReferences", "finalizers"};

static struct json_object *metadata_of_users(struct json_object *metadata, bool is_manifest)
{
    struct json_object *users = NULL;

    for (size_t i = 0; i < ARRAY_LEN(users_metadata); i++) {
        struct json_object *value = json_member(metadata, users_metadata[i]);
        if (!value || (!is_manifest && api_json_is_empty(value)))
            continue;
        users = users ? users : json_object_new_object();
        api_json_share(users, users_metadata[i], value);
    }
    return users;
}

static struct json_object *content_with(struct json_object *root, enum api_part part, struct json_object *users)
{
    struct json_object *content = json_object_new_object();

    api_json_add(content, "metadata", users);
    if (!root)
        return content;
    json_object_object_foreach(root, key, value)
    {
        bool system = strcmp(key, "kind") == 0 || strcmp(key, "apiVersion") == 0 || strcmp(key, "metadata") == 0;
        bool status = strcmp(key, "status") == 0;
        if (!value || system || (part == API_MAIN && status) || (part == API_STATUS && !status))
            continue;
        json_object_object_add_ex(content, key, json_object_get(value), JSON_C_OBJECT_ADD_KEY_IS_NEW);
    }
    return content;
}

enum api_part api_part_of(const struct api_call *call, const struct api_kind *kind)
{
    return *call->subresource ? API_STATUS : kind->has_status ? API_MAIN : API_ALL;
}

struct json_object *api_content_of(struct json_object *root, enum api_part part)
{
    bool bare = part == API_STATUS;

    return content_with(root, part, bare ? NULL : metadata_of_users(json_member(root, "metadata"), false));
}

/* What is applied: empty maps and lists count. With a status comes metadata where the kind is built in. */
struct json_object *api_manifest_of(const struct api_call *call, const struct api_kind *kind, struct json_object *body)
{
    enum api_part part = api_part_of(call, kind);
    bool bare = part == API_STATUS && kind == &api_kinds[API_RUNNERS];
    struct json_object *users = bare ? NULL : metadata_of_users(json_member(body, "metadata"), true);

    if (part == API_STATUS && users)
        json_object_object_del(users, "labels");
    return content_with(body, part, users);
}

/* The status of built-in kinds comes with metadata, but for labels. */
static void share_metadata_beside_status(struct json_object *content, const struct api_kind *kind,
                                         struct json_object *body, struct json_object *live)
{
    struct json_object *sent = json_member(body, "metadata"), *labels = json_get(live, "metadata.labels");

    if (kind == &api_kinds[API_RUNNERS] || !sent)
        return;
    struct json_object *users = metadata_of_users(sent, false);
    if (users)
        json_object_object_del(users, "labels");
    if (labels) {
        users = users ? users : json_object_new_object();
        json_object_object_add(users, "labels", json_object_get(labels));
    }
    json_object_object_del(content, "metadata");
    api_json_add(content, "metadata", users);
}

/* What is sent, and of the rest what there is. */
struct json_object *api_content_laid_over(const struct api_call *call, const struct api_kind *kind,
                                          struct json_object *body, struct json_object *live)
{
    enum api_part part = api_part_of(call, kind);
    struct json_object *content;

    if (part == API_STATUS) {
        content = api_content_of(live, API_MAIN);
        api_json_share(content, "status", json_member(body, "status"));
        share_metadata_beside_status(content, kind, body, live);
        return content;
    }
    content = api_content_of(body, part);
    if (part == API_MAIN)
        api_json_share(content, "status", json_member(live, "status"));
    return content;
}

/* stringData is written only. */
struct json_object *api_secret_body(const struct api_kind *kind, struct json_object *body)
{
    struct json_object *texts = json_member(body, "stringData");
    cleanup_arena struct arena a = {0};

    if (kind != &api_kinds[API_SECRETS] || !texts)
        return json_object_get(body);
    struct json_object *copy = api_json_shallow(body), *data = api_json_shallow(json_member(body, "data"));
    json_object_object_foreach(texts, key, value)
    {
        const char *text = json_string(value);
        json_object_object_add(data, key, json_object_new_string(base64_encode(text, strlen(text), &a)));
    }
    json_object_object_add(copy, "data", data);
    json_object_object_del(copy, "stringData");
    return copy;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Objects: content, and what the system sets */

struct api_system_fields api_system_fields_of(struct json_object *root)
{
    struct json_object *m = json_member(root, "metadata");

    return (struct api_system_fields){.name = json_member(m, "name"),
                                      .generate_name = json_member(m, "generateName"),
                                      .ns = json_member(m, "namespace"),
                                      .uid = json_member(m, "uid"),
                                      .created = json_member(m, "creationTimestamp"),
                                      .deleted = json_member(m, "deletionTimestamp"),
                                      .grace = json_member(m, "deletionGracePeriodSeconds"),
                                      .generation = json_int_or(m, "generation", 0)};
}

static struct json_object *metadata_of(const struct api_system_fields *s, struct json_object *users,
                                       struct json_object *fields)
{
    struct json_object *m = json_object_new_object();

    api_json_share(m, "name", s->name);
    api_json_share(m, "generateName", s->generate_name);
    api_json_share(m, "namespace", s->ns);
    api_json_share(m, "uid", s->uid);
    api_json_add(m, "resourceVersion", json_object_new_string("0"));
    if (s->generation)
        api_json_add(m, "generation", json_object_new_int64(s->generation));
    api_json_share(m, "creationTimestamp", s->created);
    api_json_share(m, "deletionTimestamp", s->deleted);
    api_json_share(m, "deletionGracePeriodSeconds", s->grace);
    for (size_t i = 0; i < ARRAY_LEN(users_metadata); i++)
        if (!api_json_is_empty(json_member(users, users_metadata[i])))
            api_json_share(m, users_metadata[i], json_member(users, users_metadata[i]));
    api_json_share(m, "managedFields", fields);
    return m;
}

struct json_object *api_assembled(const struct api_kind *kind, const struct api_system_fields *s,
                                  struct json_object *content, struct json_object *fields)
{
    struct json_object *root = json_object_new_object();

    api_json_add(root, "kind", json_object_new_string(kind->kind));
    api_json_add(root, "apiVersion", json_object_new_string(kind->api_version));
    api_json_add(root, "metadata", metadata_of(s, json_member(content, "metadata"), fields));
    json_object_object_foreach(content, key, value)
    {
        if (strcmp(key, "metadata") != 0)
            json_object_object_add_ex(root, key, json_object_get(value), JSON_C_OBJECT_ADD_KEY_IS_NEW);
    }
    return root;
}
