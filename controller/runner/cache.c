#include "runner/cache.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/spec_parts.h"

static const char types[] = "s3, gcs, azure";

/* The settings of each type, and their names in config.toml. */
static const struct setting {
    const char *type, *member, *key;
    enum json_type json;
    bool required;
} settings[] = {
    {"s3", "serverAddress", "ServerAddress", json_type_string, false},
    {"s3", "bucketName", "BucketName", json_type_string, true},
    {"s3", "bucketLocation", "BucketLocation", json_type_string, false},
    {"s3", "insecure", "Insecure", json_type_boolean, false},
    {"gcs", "bucketName", "BucketName", json_type_string, true},
    {"azure", "containerName", "ContainerName", json_type_string, true},
    {"azure", "storageDomain", "StorageDomain", json_type_string, false},
    {"azure", "accountName", "AccountName", json_type_string, false},
};

/* What is in the Secret of each type, under the names that the official chart gives it. */
static const struct credential {
    const char *type, *secret_key, *key;
    const char *json_member; /* in the file of a service account, where that is given instead; NULL: never */
} credentials[] = {
    {"s3", "accesskey", "AccessKey", NULL},
    {"s3", "secretkey", "SecretKey", NULL},
    {"gcs", "gcs-access-id", "AccessID", "client_email"},
    {"gcs", "gcs-private-key", "PrivateKey", "private_key"},
    {"azure", "azure-account-name", "AccountName", NULL},
    {"azure", "azure-account-key", "AccountKey", NULL},
};

#define GCS_FILE "gcs-application-credentials-file"

/* The members of the type. */
static struct json_object *section_of(struct json_object *cache)
{
    return json_member(cache, json_str_or(cache, "type", ""));
}

const char *cache_secret_name(struct json_object *cache)
{
    return json_str(section_of(cache), "credentialsSecretRef.name");
}

/* ------------------------------------------------------------------------------------------------------------------
 * The check.
 */
static bool check_setting(const struct setting *s, struct json_object *section, struct err *err)
{
    struct json_object *value = json_member(section, s->member);
    bool text = s->json == json_type_string;

    if (!value)
        return !s->required || spec_invalid(err, "spec.cache.%s.%s is missing", s->type, s->member);
    if (!json_object_is_type(value, s->json) || (text && !*json_string(value)))
        return spec_invalid(err, "spec.cache.%s.%s must be %s", s->type, s->member,
                            text ? "text that is not empty" : "true or false");
    return true;
}

/* How it authenticates follows from whether there is a Secret; to say it as well is allowed. */
static bool check_s3(struct json_object *s3, struct err *err)
{
    const char *how = json_str_or(s3, "authenticationType", "");

    if (json_member(s3, "authenticationType") && spec_word_index("access-key, iam", how) < 0)
        return spec_invalid(err, "spec.cache.s3.authenticationType must be one of access-key, iam, not \"%s\"",
                            shown(how, 60).text);
    if (*how && (strcmp(how, "access-key") == 0) != (json_member(s3, "credentialsSecretRef") != NULL))
        return spec_invalid(err, "spec.cache.s3.credentialsSecretRef goes with the authenticationType access-key, "
                                 "which needs it, and with no other");
    return true;
}

static bool check_azure(struct json_object *azure, struct err *err)
{
    bool named = json_member(azure, "accountName"), secret = json_member(azure, "credentialsSecretRef");

    return named != secret || spec_invalid(err, "spec.cache.azure must have either credentialsSecretRef, with the "
                                                "account's name and key, or accountName, for a workload identity");
}

static bool check_section(const char *type, struct json_object *section, struct err *err)
{
    struct json_object *ref = json_member(section, "credentialsSecretRef");

    bool ok = true;

    if (!json_object_is_type(section, json_type_object))
        return spec_invalid(err, "spec.cache.%s is missing, or is not an object: the type %s needs it", type, type);
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        if (strcmp(settings[i].type, type) == 0)
            ok = check_setting(&settings[i], section, err) && ok;
    if (ref && !*json_str_or(ref, "name", ""))
        ok = spec_invalid(err,
                          "spec.cache.%s.credentialsSecretRef.name is missing: give that of a Secret in the object's "
                          "own namespace",
                          type);
    if (strcmp(type, "s3") == 0)
        return check_s3(section, err) && ok;
    return (strcmp(type, "azure") != 0 || check_azure(section, err)) && ok;
}

bool cache_check(struct json_object *cache, struct err *err)
{
    const char *type = json_str_or(cache, "type", "");
    bool known = spec_word_index(types, type) >= 0, ok = true;

    if (!cache)
        return true;
    if (!known)
        ok = spec_invalid(err, "spec.cache.type must be one of %s, not \"%s\"", types, shown(type, 60).text);
    json_each (it, cache)
        if (known && it.value && spec_word_index(types, it.key) >= 0 && strcmp(it.key, type) != 0)
            ok = spec_invalid(err, "spec.cache.%s belongs to the type %s: take it out, or change the type", it.key,
                              it.key);
    if (json_member(cache, "path") && !json_object_is_type(json_member(cache, "path"), json_type_string))
        ok = spec_invalid(err, "spec.cache.path must be text: put it in quotes");
    if (json_member(cache, "shared") && !json_object_is_type(json_member(cache, "shared"), json_type_boolean))
        ok = spec_invalid(err, "spec.cache.shared must be true or false, without quotes");
    return (!known || check_section(type, section_of(cache), err)) && ok;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The Secret.
 */
static const char *text_of(struct json_object *data, const char *key, struct arena *a)
{
    struct json_object *member = json_member(data, key);
    char *text = member ? base64_decode(json_string(member), NULL, a) : NULL;

    return text ? charset_trim(text) : "";
}

/* As gitlab-runner reads the file of a service account. */
static const char *text_in_file(struct json_object *data, const char *member, struct arena *a)
{
    const char *text = text_of(data, GCS_FILE, a);
    struct err ignored;
    struct json_object *file = *text ? json_parse(text, strlen(text), &ignored) : NULL;

    return file ? json_str_or(arena_json(a, file), member, "") : "";
}

static const char *credential_text(const struct credential *c, struct json_object *data, struct arena *a)
{
    return c->json_member && json_member(data, GCS_FILE) ? text_in_file(data, c->json_member, a)
                                                         : text_of(data, c->secret_key, a);
}

const char *cache_missing_key(struct json_object *cache, struct json_object *data, struct arena *a)
{
    const char *type = json_str_or(cache, "type", "");

    for (size_t i = 0; i < ARRAY_LEN(credentials); i++) {
        const struct credential *c = &credentials[i];
        if (strcmp(c->type, type) == 0 && !*credential_text(c, data, a))
            return c->json_member && json_member(data, GCS_FILE) ? GCS_FILE : c->secret_key;
    }
    return NULL;
}

const char *cache_quoted_key(struct json_object *cache, struct json_object *data, struct arena *a)
{
    const char *type = json_str_or(cache, "type", "");

    for (size_t i = 0; i < ARRAY_LEN(credentials); i++) {
        const char *text = strcmp(credentials[i].type, type) == 0 ? credential_text(&credentials[i], data, a) : "";
        if (charset_is_quoted(text, strlen(text)))
            return credentials[i].secret_key;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * The table.
 */
static void add_credentials(struct json_object *table, const char *type, struct json_object *data, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(credentials); i++) {
        const struct credential *c = &credentials[i];
        if (strcmp(c->type, type) == 0)
            json_put_member(table, c->key, data ? credential_text(c, data, a) : arena_printf(a, "<%s>", c->secret_key));
    }
}

static struct json_object *section_table(struct json_object *cache, struct json_object *data, struct arena *a)
{
    const char *type = json_str_or(cache, "type", "");
    struct json_object *section = section_of(cache), *table = json_object_new_object();

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct json_object *value = json_member(section, settings[i].member);
        if (strcmp(settings[i].type, type) == 0 && value)
            json_object_object_add(table, settings[i].key, json_ref(value));
    }
    /* gitlab-runner's own guess is iam wherever there is no server's address. */
    if (strcmp(type, "s3") == 0)
        json_put_member(table, "AuthenticationType", cache_secret_name(cache) ? "access-key" : "iam");
    if (cache_secret_name(cache))
        add_credentials(table, type, data, a);
    return table;
}

struct json_object *cache_table(struct json_object *cache, struct json_object *data, struct arena *a)
{
    if (!cache)
        return NULL;
    struct json_object *table = json_build("{Type: %s, Path: %s, Shared: %o}", json_str(cache, "type"),
                                           json_str(cache, "path"), json_ref(json_member(cache, "shared")));
    json_set(table, json_str(cache, "type"), section_table(cache, data, a));
    return table;
}
