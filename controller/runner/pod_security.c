#include "runner/pod_security.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"

enum level { PRIVILEGED, BASELINE, RESTRICTED };

static enum level level_of(const char *name)
{
    if (!name || !*name || strcmp(name, "privileged") == 0)
        return PRIVILEGED;
    return strcmp(name, "baseline") == 0 ? BASELINE : RESTRICTED;
}

/* Kinds of volumes, and the lowest level that forbids them. */
static const struct {
    const char *kind;
    enum level forbidden_by;
} volume_kinds[] = {
    {"hostPath", BASELINE},
    {"nfs", RESTRICTED},
};

static const char *forbidden_volume(const struct spec *spec, enum level level, struct arena *a)
{
    for (size_t i = 0; i < json_len(spec->volumes); i++)
        for (size_t k = 0; k < ARRAY_LEN(volume_kinds); k++)
            if (level >= volume_kinds[k].forbidden_by && json_get(json_at(spec->volumes, i), volume_kinds[k].kind))
                return arena_printf(a, "spec.volumes[%zu].%s", i, volume_kinds[k].kind);
    return NULL;
}

const char *pod_security_forbids(const struct spec *spec, const char *level, struct arena *a)
{
    if (level_of(level) == PRIVILEGED)
        return NULL;
    return spec->privileged ? "spec.privileged" : forbidden_volume(spec, level_of(level), a);
}
