#include "runner/cache.h"

#include <assert.h>
#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/complaints.h"
#include "runner/shape.h"

/* What is in the Secret of each type, under the names that the official chart gives it. */
static const struct credential {
    const char *type, *secret_key, *key;
    const char *json_member; /* in the file of a service account, where that is given instead; NULL: never */
    bool optional;           /* as keys for a while have one, and others do not                              */
} credentials[] = {
    {"s3", "accesskey", "AccessKey", NULL, false},
    {"s3", "secretkey", "SecretKey", NULL, false},
    {"s3", "sessiontoken", "SessionToken", NULL, true},
    {"gcs", "gcs-access-id", "AccessID", "client_email", false},
    {"gcs", "gcs-private-key", "PrivateKey", "private_key", false},
    {"azure", "azure-account-name", "AccountName", NULL, false},
    {"azure", "azure-account-key", "AccountKey", NULL, false},
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
 * Validation.
 */
/* How it authenticates follows from whether there is a Secret; to say it as well is allowed. */
static bool validate_s3(struct json_object *s3, struct err *err)
{
    const char *how = json_str_or(s3, "authenticationType", "");

    if (word_index("access-key, iam", how) >= 0 &&
        (strcmp(how, "access-key") == 0) != (json_member(s3, "credentialsSecretRef") != NULL))
        return spec_invalid(err, "spec.cache.s3.credentialsSecretRef goes with the authenticationType access-key, "
                                 "which needs it, and with no other");
    return true;
}

static bool validate_azure(struct json_object *azure, struct err *err)
{
    bool named = json_member(azure, "accountName"), secret = json_member(azure, "credentialsSecretRef");

    return named != secret || spec_invalid(err, "spec.cache.azure must have either credentialsSecretRef, with the "
                                                "account's name and key, or accountName, for a workload identity");
}

bool cache_validate(struct json_object *cache, struct err *err)
{
    static const char types[] = "s3, gcs, azure";
    const char *type = json_str_or(cache, "type", "");
    struct json_object *section = section_of(cache);
    bool ok = true;

    if (word_index(types, type) < 0)
        return !cache;
    json_each (it, cache)
        if (it.value && word_index(types, it.key) >= 0 && strcmp(it.key, type) != 0)
            ok = spec_invalid(err, "spec.cache.%s belongs to the type %s: take it out, or change the type", it.key,
                              it.key);
    if (!section)
        return spec_invalid(err, "spec.cache.%s is missing: the type %s needs it", type, type);
    if (strcmp(type, "s3") == 0)
        return validate_s3(section, err) && ok;
    return (strcmp(type, "azure") != 0 || validate_azure(section, err)) && ok;
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
    struct json_object *file = json_parse_text(text_of(data, GCS_FILE, a));

    return json_str_or(arena_json(a, file), member, "");
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
        if (strcmp(c->type, type) == 0 && !c->optional && !*credential_text(c, data, a))
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
static void add_credential(struct json_object *table, const struct credential *c, struct json_object *data,
                           struct arena *a)
{
    const char *text = data          ? credential_text(c, data, a)
                       : c->optional ? "" /* only the Secret knows */
                                     : arena_printf(a, "<%s>", c->secret_key);

    if (*text || !c->optional)
        json_put_member(table, c->key, text);
}

/* In config.toml each setting of a type, or of any type, has the same name with a capital in front. What is no flag,
 * number or text is no setting, nor is how it authenticates: that follows from the Secret. */
static void add_settings(struct json_object *table, const char *path, struct json_object *section, struct arena *a)
{
    const struct shape *shape = shape_find(&crd_shape, path);

    assert(shape && shape->members);
    for (const struct shape_member *m = shape->members; m->name; m++) {
        struct json_object *value = json_member(section, m->name);
        char *key = arena_strdup(a, m->name);
        *key = (char)toupper((unsigned char)*key);
        if (value && m->shape->type != SHAPE_OBJECT && strcmp(m->name, "authenticationType") != 0)
            json_object_object_add(table, key, json_ref(value));
    }
}

static struct json_object *section_table(struct json_object *cache, struct json_object *data, struct arena *a)
{
    const char *type = json_str_or(cache, "type", "");
    struct json_object *table = json_object_new_object();

    add_settings(table, arena_printf(a, "spec.cache.%s", type), section_of(cache), a);
    /* gitlab-runner's own guess is iam wherever there is no server's address. */
    if (strcmp(type, "s3") == 0)
        json_put_member(table, "AuthenticationType", cache_secret_name(cache) ? "access-key" : "iam");
    for (size_t i = 0; i < ARRAY_LEN(credentials) && cache_secret_name(cache); i++)
        if (strcmp(credentials[i].type, type) == 0)
            add_credential(table, &credentials[i], data, a);
    return table;
}

struct json_object *cache_table(struct json_object *cache, struct json_object *data, struct arena *a)
{
    if (!cache)
        return NULL;
    struct json_object *table = json_object_new_object();
    add_settings(table, "spec.cache", cache, a);
    json_set(table, json_str(cache, "type"), section_table(cache, data, a));
    return table;
}
