#include "plugin/field_owner.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

enum { DEPTH_MAX = 8, PART_MAX = 64 };

/* Field managers, as tools call themselves; the first part of a name is enough. */
static const struct tool {
    const char *manager, *name;
} tools[] = {
    {"kustomize-controller", "Flux"},
    {"helm-controller", "Flux"},
    {"argocd", "Argo CD"},
    {"helm", "Helm"},
    {"Helm", "Helm"},
    {"pulumi", "Pulumi"},
    {"Terraform", "Terraform"},
    {"fleetagent", "Fleet"},
    {"kapp", "kapp"},
    {"crossplane", "Crossplane"},
};

static const char *tool_of_manager(const char *manager)
{
    for (size_t i = 0; i < ARRAY_LEN(tools); i++)
        if (strncmp(manager, tools[i].manager, strlen(tools[i].manager)) == 0)
            return tools[i].name;
    return NULL;
}

/* How many parts of the path are among these fields (FieldsV1). */
static int depth_owned(struct json_object *fields, const char *path)
{
    int depth = 0;

    for (const char *at = path; *at && depth < DEPTH_MAX; depth++) {
        char key[PART_MAX];
        size_t len = strcspn(at, ".");
        snprintf(key, sizeof(key), "f:%.*s", (int)len, at);
        fields = json_member(fields, key);
        if (!fields)
            break;
        at += len + (at[len] == '.');
    }
    return depth;
}

const char *field_tool(struct json_object *object, const char *path)
{
    struct json_object *entries = json_get(object, "metadata.managedFields");
    const char *ret = NULL;
    int deepest = 0;

    for (size_t i = 0; i < json_len(entries); i++) {
        struct json_object *entry = json_at(entries, i);
        int depth = *json_str_or(entry, "subresource", "") ? 0 : depth_owned(json_get(entry, "fieldsV1"), path);
        if (depth <= deepest)
            continue;
        deepest = depth;
        ret = tool_of_manager(json_str_or(entry, "manager", ""));
    }
    return ret;
}
