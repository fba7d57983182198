/* What is read of GitLab's good answers: one table. Whatever a server says beside that is passed over; what it says
 * wrong, or too much of, makes its answer none of GitLab's. Sources: docs.gitlab.com/api/runners and …/api/users;
 * lengths are those of GitLab's models, in bytes where it counts characters. */
#include <json-c/json.h>
#include <string.h>

#include "base/charset.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "gitlab/op.h"

#define OP(name) (1u << GITLAB_OP_##name)

enum {
    ISSUES = OP(REGISTER) | OP(CREATE) | OP(RESET) | OP(ROTATE),
    HAS_TOKEN = ISSUES | OP(VERIFY),
    HAS_ID = OP(REGISTER) | OP(CREATE) | OP(VERIFY) | OP(UPDATE) | OP(SHOW) | OP(FIND),
    SHOWS = OP(UPDATE) | OP(SHOW),
    LISTS = OP(LIST) | OP(LIST_ALL) | OP(RUNNING),
};

enum {
    TOKEN_MAX = 512,   /* routable tokens have some 300                    */
    TEXT_MAX = 4096,   /* 1024 characters                                  */
    TAGS_MAX = 500,    /* 50, once there were more                         */
    TAG_MAX = 1020,    /* 255 characters                                   */
    OWNERS_MAX = 2000, /* projects that share a runner                     */
    LIST_MAX = 50,     /* on a page                                        */
};
#define ID_MAX ((int64_t)1 << 53) /* beyond, JSON has no exact numbers for everybody */

static bool is_answers_text(struct json_object *value, size_t max)
{
    return json_object_is_type(value, json_type_string) && json_object_get_string_len(value) <= (int)max &&
           strlen(json_string(value)) == (size_t)json_object_get_string_len(value);
}

static bool is_flag(struct json_object *value)
{
    return json_object_is_type(value, json_type_boolean);
}

static bool is_count(struct json_object *value)
{
    return json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0;
}

static bool is_id(struct json_object *value)
{
    return is_count(value) && json_object_get_int64(value) > 0 && json_object_get_int64(value) <= ID_MAX;
}

static bool is_answers_token(struct json_object *value)
{
    return is_answers_text(value, TOKEN_MAX) && charset_admits(CHARSET_ISSUED, json_string(value));
}

static bool is_time(struct json_object *value)
{
    return charset_admits(CHARSET_TIME, json_string(value)) && time_parse(json_string(value)) >= 0;
}

/* Of a person's token: a day, at whose beginning in UTC it ends. */
static bool is_day(struct json_object *value)
{
    return is_answers_text(value, 10) && day_parse(json_string(value)) >= 0;
}

static bool is_version(struct json_object *value)
{
    return charset_admits(CHARSET_VERSION, json_string(value));
}

static bool is_note(struct json_object *value)
{
    return is_answers_text(value, TEXT_MAX);
}

static bool is_word(struct json_object *value)
{
    return is_answers_text(value, TAG_MAX);
}

static bool is_list_of(struct json_object *value, size_t max, bool (*is_item)(struct json_object *value))
{
    bool good = json_is_array(value) && json_len(value) <= max;

    for (size_t i = 0; good && i < json_len(value); i++)
        good = is_item(json_at(value, i));
    return good;
}

static bool is_tags(struct json_object *value)
{
    return is_list_of(value, TAGS_MAX, is_word);
}

static bool is_owner(struct json_object *value)
{
    return is_id(json_member(value, "id"));
}

static bool is_owners(struct json_object *value)
{
    return is_list_of(value, OWNERS_MAX, is_owner);
}

static const struct {
    unsigned ops;
    bool needed; /* by them; else they may leave it out, or say null */
    const char *name;
    bool (*is)(struct json_object *value);
} members[] = {
    {HAS_ID, true, "id", is_id},
    {HAS_TOKEN, true, "token", is_answers_token},
    {HAS_TOKEN, false, "token_expires_at", is_time},
    {OP(VERSION), true, "version", is_version},
    {OP(SELF), false, "expires_at", is_day},
    {SHOWS, false, "description", is_note},
    {SHOWS | OP(FIND), false, "maintenance_note", is_note},
    {SHOWS, false, "tag_list", is_tags},
    {SHOWS, false, "run_untagged", is_flag},
    {SHOWS, false, "locked", is_flag},
    {SHOWS, false, "paused", is_flag},
    {SHOWS, false, "access_level", is_word},
    {SHOWS, false, "maximum_timeout", is_count},
    {SHOWS, false, "contacted_at", is_time},
    {SHOWS, false, "runner_type", is_word},
    {SHOWS, false, "groups", is_owners},
    {SHOWS, false, "projects", is_owners},
};

static bool is_of_list(struct json_object *value)
{
    return is_id(json_member(value, "id"));
}

bool answer_names_runner(enum gitlab_op_kind kind)
{
    return HAS_ID & 1u << kind;
}

bool answer_gives_token(enum gitlab_op_kind kind)
{
    return HAS_TOKEN & 1u << kind;
}

const char *answer_complaint(enum gitlab_op_kind kind, struct json_object *body)
{
    unsigned op = 1u << kind;

    if (op & LISTS)
        return is_list_of(body, LIST_MAX, is_of_list) ? NULL : "list";
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct json_object *value = json_member(body, members[i].name);
        if ((members[i].ops & op) && (value || members[i].needed) && !members[i].is(value))
            return members[i].name;
    }
    return NULL;
}
