#include "runner/rights.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/shape.h"

#define FLAGS "runners.feature_flags."

/* As Go's strconv.ParseBool() has it. */
static bool is_true_in_go(const char *text)
{
    return word_index("1, t, T, TRUE, true, True", text) >= 0;
}

static bool is_on_in_environment(const char *flag, struct json_object *environment)
{
    for (size_t i = 0; i < json_len(environment); i++)
        if (strcmp(json_str_or(json_at(environment, i), "name", ""), flag) == 0)
            return is_true_in_go(json_str_or(json_at(environment, i), "value", ""));
    return false;
}

/* A flag that is true, or a table; one that is empty asks for nothing. */
static bool is_on(struct json_object *value)
{
    return json_object_is_type(value, json_type_object) ? json_first(value).key != NULL
                                                        : json_object_get_boolean(value);
}

bool feature_is_wanted(enum feature feature, const struct spec *spec)
{
    assert(feature < FEATURE_COUNT);
    const char *setting = feature_facts[feature].setting;
    struct json_object *value = json_get(spec->config, setting);

    if (value || strncmp(setting, FLAGS, strlen(FLAGS)) != 0)
        return is_on(value);
    return is_on_in_environment(setting + strlen(FLAGS), spec->environment);
}

const char *feature_role(enum feature feature, struct arena *a)
{
    return arena_printf(a, "%s-%s", EXECUTOR_CLUSTER_ROLE, feature_facts[feature].name);
}
