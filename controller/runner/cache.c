#include "runner/cache.h"

#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/spec_parts.h"

static const char types[] = "s3, gcs, azure";

/* A setting of a type or (NULL) of any. In config.toml each has the same name with a capital in front. */
struct setting {
    const char *type, *member;
    enum json_type json;
    bool required;
    const char *words; /* of a text that is one of them; NULL: any text */
    int64_t min, max;  /* of a number                                   */
};

#define TEXT(type, member)                                                                                             \
    {                                                                                                                  \
        type, member, json_type_string, .required = false                                                              \
    }
#define NEEDED(type, member)                                                                                           \
    {                                                                                                                  \
        type, member, json_type_string, .required = true                                                               \
    }
#define WORD(type, member, words_)                                                                                     \
    {                                                                                                                  \
        type, member, json_type_string, .words = words_                                                                \
    }
#define FLAG(type, member)                                                                                             \
    {                                                                                                                  \
        type, member, json_type_boolean, .required = false                                                             \
    }
#define NUMBER(type, member, min, max)                                                                                 \
    {                                                                                                                  \
        type, member, json_type_int, false, NULL, min, max                                                             \
    }

static const struct setting settings[] = {
    TEXT(NULL, "path"),
    FLAG(NULL, "shared"),
    NUMBER(NULL, "maxUploadedArchiveSize", 0, INT64_MAX),
    FLAG(NULL, "redactURL"),
    TEXT("s3", "serverAddress"),
    NEEDED("s3", "bucketName"),
    TEXT("s3", "bucketLocation"),
    FLAG("s3", "insecure"),
    TEXT("s3", "roleARN"),
    TEXT("s3", "uploadRoleARN"),
    NUMBER("s3", "assumeRoleMaxConcurrency", -1, INT32_MAX),
    FLAG("s3", "disableAssumeRoleCredentialsCaching"),
    WORD("s3", "serverSideEncryption", "S3, AES256, KMS, aws:kms, DSSE-KMS, aws:kms:dsse"),
    TEXT("s3", "serverSideEncryptionKeyID"),
    FLAG("s3", "dualStack"),
    FLAG("s3", "pathStyle"),
    FLAG("s3", "accelerate"),
    NEEDED("gcs", "bucketName"),
    TEXT("gcs", "universeDomain"),
    NEEDED("azure", "containerName"),
    TEXT("azure", "storageDomain"),
    TEXT("azure", "accountName"),
};

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
 * The check.
 */
/* Whether the setting is one of the type, which is NULL for those of any. */
static bool setting_is_of(const struct setting *s, const char *type)
{
    return s->type && type ? strcmp(s->type, type) == 0 : s->type == type;
}

static bool check_setting_text(const struct setting *s, const char *text, const char *path, struct err *err)
{
    if (!*text && s->type)
        return spec_invalid(err, "%s must be text that is not empty", path);
    return !s->words || spec_word_index(s->words, text) >= 0 ||
           spec_invalid(err, "%s must be one of %s, not \"%s\"", path, s->words, shown(text, 60).text);
}

static bool check_setting_value(const struct setting *s, struct json_object *value, const char *path, struct err *err)
{
    const char *type = s->json == json_type_string ? "text: put it in quotes"
                       : s->json == json_type_int  ? "a whole number, without quotes"
                                                   : "true or false, without quotes";

    if (!json_object_is_type(value, s->json))
        return spec_invalid(err, "%s must be %s", path, type);
    if (s->json == json_type_string)
        return check_setting_text(s, json_string(value), path, err);
    int64_t number = s->json == json_type_int ? json_object_get_int64(value) : s->min;
    return (number >= s->min && number <= s->max) ||
           spec_invalid(err, "%s must be from %" PRId64 " to %" PRId64 ", not %" PRId64, path, s->min, s->max, number);
}

/* The members of the type, or of any type (NULL). */
static bool check_settings(const char *type, struct json_object *section, struct err *err)
{
    char path[80];
    bool ok = true;

    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *s = &settings[i];
        struct json_object *value = setting_is_of(s, type) ? json_member(section, s->member) : NULL;
        snprintf(path, sizeof(path), "spec.cache.%s%s%s", type ? type : "", type ? "." : "", s->member);
        if (setting_is_of(s, type) && !value && s->required)
            ok = spec_invalid(err, "%s is missing", path);
        if (value)
            ok = check_setting_value(s, value, path, err) && ok;
    }
    return ok;
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
    ok = check_settings(type, section, err);
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
    ok = check_settings(NULL, cache, err) && ok;
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

static void add_settings(struct json_object *table, const char *type, struct json_object *section, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        struct json_object *value = setting_is_of(&settings[i], type) ? json_member(section, settings[i].member) : NULL;
        char *key = arena_strdup(a, settings[i].member);
        *key = (char)toupper((unsigned char)*key);
        if (value)
            json_object_object_add(table, key, json_ref(value));
    }
}

static struct json_object *section_table(struct json_object *cache, struct json_object *data, struct arena *a)
{
    const char *type = json_str_or(cache, "type", "");
    struct json_object *table = json_object_new_object();

    add_settings(table, type, section_of(cache), a);
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
    struct json_object *table = json_build("{Type: %s}", json_str(cache, "type"));
    add_settings(table, NULL, cache, a);
    json_set(table, json_str(cache, "type"), section_table(cache, data, a));
    return table;
}
