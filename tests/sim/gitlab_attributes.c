/* The rules that a runner's attributes obey, whoever sets them, and how GitLab words their violation. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

const char *const lab_access_levels[3] = {"not_protected", "ref_protected"};

enum { NAME_MAX_CHARACTERS = 256, TEXT_MAX_CHARACTERS = 1024, TAGS_AT_MOST = 50, SHORTEST_TIMEOUT = 600 };

/* ------------------------------------------------------------------------------------------------------------------
 * What is set */

static void take_text(char **text, struct json_object *params, const char *name)
{
    if (!lab_has(params, name))
        return;
    free(*text);
    *text = lab_text(params, name) ? mem_strdup(lab_text(params, name)) : NULL;
}

static void take_flag(bool *flag, struct json_object *params, const char *name)
{
    if (json_member(params, name))
        *flag = json_object_get_boolean(json_member(params, name));
}

void lab_attributes_take(struct lab_attributes *is, struct json_object *params)
{
    struct json_object *tags = json_member(params, "tag_list"), *timeout = json_member(params, "maximum_timeout");

    take_text(&is->description, params, "description");
    take_text(&is->note, params, "maintenance_note");
    if (lab_text(params, "maintainer_note"))
        take_text(&is->note, params, "maintainer_note");
    take_flag(&is->paused, params, "paused");
    if (json_member(params, "active"))
        is->paused = !json_object_get_boolean(json_member(params, "active"));
    take_flag(&is->locked, params, "locked");
    take_flag(&is->run_untagged, params, "run_untagged");
    if (lab_text(params, "access_level"))
        is->ref_protected = strcmp(lab_text(params, "access_level"), "ref_protected") == 0;
    if (lab_has(params, "maximum_timeout"))
        is->maximum_timeout = timeout ? json_object_get_int64(timeout) : -1;
    if (tags || !is->tags) {
        json_put_ptr(&is->tags);
        is->tags = tags ? json_ref(tags) : json_object_new_array();
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * What is wrong with it */

struct violation {
    const char *key;
    char text[120];
};

struct violations {
    struct violation at[8];
    size_t len;
};

static void violate(struct violations *found, const char *key, const char *text)
{
    struct violation *v = &found->at[found->len++];

    v->key = key;
    snprintf(v->text, sizeof(v->text), "%s", text);
}

static size_t characters(const char *text)
{
    size_t n = 0;

    for (; text && *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void check_length(struct violations *found, const char *key, const char *text, size_t max)
{
    char words[80];

    snprintf(words, sizeof(words), "is too long (maximum is %zu characters)", max);
    if (characters(text) > max)
        violate(found, key, words);
}

static void check_room(struct violations *found, const struct gitlab_server *lab, enum lab_type type, uint64_t owner)
{
    static const char *const keys[] = {"", "runner_namespaces.base", "runner_projects.base"};
    static const char *const of[] = {"", "group", "project"};
    char words[100];

    snprintf(words, sizeof(words), "Maximum number of ci registered %s runners (%u) exceeded", of[type],
             lab->runner_limit);
    if (type != LAB_INSTANCE && lab_count_of(lab, type, owner) >= lab->runner_limit)
        violate(found, keys[type], words);
}

static void check_attributes(struct violations *found, const struct lab_attributes *is)
{
    if (!is->run_untagged && !json_len(is->tags))
        violate(found, "tags_list", "can not be empty when runner is not allowed to pick untagged jobs");
    if (json_len(is->tags) > TAGS_AT_MOST)
        violate(found, "tags_list", "Too many tags specified. Please limit the number of tags to 50");
    if (is->maximum_timeout >= 0 && is->maximum_timeout < SHORTEST_TIMEOUT)
        violate(found, "maximum_timeout", "needs to be at least 10 minutes");
    check_length(found, "name", is->name, NAME_MAX_CHARACTERS);
    check_length(found, "description", is->description, TEXT_MAX_CHARACTERS);
    check_length(found, "maintenance_note", is->note, TEXT_MAX_CHARACTERS);
}

/* ------------------------------------------------------------------------------------------------------------------
 * How it is told */

/* "tags_list" as "Tags list". */
static void add_human_name(struct buf *b, const char *key)
{
    buf_addf(b, "%c", *key - 'a' + 'A');
    for (key++; *key; key++)
        buf_addf(b, "%c", strchr("_.", *key) ? ' ' : *key);
}

static void tell_in_one_sentence(struct lab_call *call, const struct violations *found)
{
    cleanup_buf struct buf words;

    buf_init(&words, 4 << 10);
    buf_adds(&words, "400 Bad request - ");
    for (size_t i = 0; i < found->len; i++) {
        bool last = i + 1 == found->len;
        buf_adds(&words, i == 0 ? "" : !last ? ", " : found->len == 2 ? " and " : ", and ");
        add_human_name(&words, found->at[i].key);
        buf_addf(&words, " %s", found->at[i].text);
    }
    lab_message(call, 400, words.data);
}

static void tell_each(struct lab_call *call, const struct violations *found)
{
    struct buf *b = lab_reply(call, 400);

    buf_adds(b, "{\"message\":{");
    for (size_t i = 0; i < found->len; i++) {
        buf_addf(b, "%s\"%s\":[", i ? "," : "", found->at[i].key);
        lab_add_text(b, found->at[i].text);
        buf_adds(b, "]");
    }
    buf_adds(b, "}}");
}

bool lab_attributes_are_good(struct lab_call *call, const struct lab_attributes *is, enum lab_type type, uint64_t owner,
                             bool in_one_sentence)
{
    struct violations found = {0};

    check_attributes(&found, is);
    check_room(&found, call->lab, type, owner);
    if (found.len && in_one_sentence)
        tell_in_one_sentence(call, &found);
    else if (found.len)
        tell_each(call, &found);
    return !found.len;
}
