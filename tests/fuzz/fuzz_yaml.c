/* GitLabRunner files: whatever is written in them is read, refused with an error, or rendered. */
#include "base/arena.h"
#include "base/json.h"
#include "base/yaml.h"
#include "fuzz.h"
#include "runner/render.h"

static void render_all(struct json_object *object, struct arena *a)
{
    const struct owner owner = {.ns = "ci", .name = "builds", .uid = "00000000-0000-0000-0000-000000000000"};
    const struct render_settings settings = {.manager_image = "gitlab/gitlab-runner"};
    struct spec spec;
    struct err err;

    if (!spec_parse(object, &spec, a, &err))
        return;
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        if (child_wanted(child, &spec))
            render_child(child, &owner, &spec, &settings, a);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct err err;
    struct json_object *documents = arena_json(a, yaml_read("file", text, len, YAML_TYPED, &err));

    for (size_t i = 0; i < json_len(documents); i++)
        render_all(json_at(documents, i), a);
    arena_json(a, yaml_read("file", text, len, YAML_TEXTS, &err));
}
