#include "runner/shapes.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"

static const struct volume_kind kinds[] = {
    {"hostPath", "host_path", NULL, true, {{"path", "host_path"}}},
    {"persistentVolumeClaim", "pvc", "claimName", true, {{0}}},
    {"configMap", "config_map", "name", false, {{"items", "items"}}},
    {"secret", "secret", "secretName", false, {{"items", "items"}}},
    {"emptyDir", "empty_dir", NULL, true, {{"medium", "medium"}, {"sizeLimit", "size_limit"}}},
    {"csi",
     "csi",
     NULL,
     false,
     {{"driver", "driver"}, {"fsType", "fs_type"}, {"volumeAttributes", "volume_attributes"}}},
    {"nfs", "nfs", NULL, false, {{"server", "server"}, {"path", "path"}}},
};

const char volume_members[] = "hostPath, persistentVolumeClaim, configMap, secret, emptyDir, csi, nfs";

const char *const resource_names[] = {"cpu", "memory", "ephemeral-storage", NULL};

bool is_dns_label(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len && *name != '-' &&
           name[len - 1] != '-';
}

const struct volume_kind *volume_kind_at(size_t i)
{
    return i < ARRAY_LEN(kinds) ? &kinds[i] : NULL;
}

const struct volume_kind *volume_kind_of(struct json_object *entry)
{
    const struct volume_kind *found = NULL;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!json_member(entry, kinds[i].member))
            continue;
        if (found)
            return NULL;
        found = &kinds[i];
    }
    return found;
}

bool volume_has_kind(struct json_object *entry)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (json_member(entry, kinds[i].member))
            return true;
    return false;
}

const char *volume_name(struct json_object *entry)
{
    const struct volume_kind *kind = volume_kind_of(entry);

    if (kind && kind->object)
        return json_str(json_member(entry, kind->member), kind->object);
    return json_str(entry, "name");
}

static bool tolerates_any_value(struct json_object *toleration)
{
    return strcmp(json_str_or(toleration, "operator", "Equal"), "Exists") == 0;
}

const char *toleration_key(struct json_object *toleration, struct arena *a)
{
    const char *key = json_str_or(toleration, "key", "");

    if (tolerates_any_value(toleration))
        return key;
    return arena_printf(a, "%s=%s", key, json_str_or(toleration, "value", ""));
}

const char *quantity_text(struct json_object *quantity)
{
    bool is_text = json_object_is_type(quantity, json_type_string);

    return is_text || json_object_is_type(quantity, json_type_int) ? json_object_get_string(quantity) : NULL;
}
