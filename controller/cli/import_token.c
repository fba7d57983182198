#include "cli/import_token.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"

/* The field of the spec, and the key that the operator reads where none is said. */
static const struct {
    const char *reference, *key;
} kinds[] = {
    [IMPORT_RUNNER_TOKEN] = {"authentication.runnerTokenSecretRef", "runner-token"},
    [IMPORT_REGISTRATION_TOKEN] = {"authentication.registrationTokenSecretRef", "runner-registration-token"},
    [IMPORT_ACCESS_TOKEN] = {"authentication.accessTokenSecretRef", "access-token"},
};

bool is_runner_token(const char *token)
{
    return strncmp(token, "glrt-", 5) == 0 || strncmp(token, "glrtr-", 6) == 0;
}

/* Any other token than the runner's own makes another runner. */
static bool keeps_the_runner(struct import_draft *d, const char *field, enum import_token kind)
{
    if (!d->im->adopt || kind == IMPORT_RUNNER_TOKEN)
        return true;
    import_tell_field(
        d, field, IMPORT_CANNOT,
        "would register another runner: for --adopt give the config.toml of its manager to import config");
    return false;
}

void import_token(struct import_draft *d, const char *field, enum import_token kind, const char *token)
{
    const char *name;

    if (!keeps_the_runner(d, field, kind))
        return;
    name = import_secret_add(d->im, "token", kinds[kind].key, token);
    json_set(d->spec, kinds[kind].reference, json_build("{name: %s}", name));
    import_tell_field(d, field, IMPORT_SECRET, "Secret %s, key %s", name, kinds[kind].key);
}

void import_token_reference(struct import_draft *d, const char *field, enum import_token kind, const char *name,
                            const char *key)
{
    bool usual = strcmp(key, kinds[kind].key) == 0;

    if (!keeps_the_runner(d, field, kind))
        return;
    json_set(d->spec, kinds[kind].reference, json_build("{name: %s, key: %s}", name, usual ? NULL : key));
    import_tell_field(d, field, IMPORT_MOVED, "spec.%s, key %s", kinds[kind].reference, key);
}
