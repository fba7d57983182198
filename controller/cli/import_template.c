#include "cli/import_template.h"

#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

enum { FILLED_MAX_BYTES = 4 << 20 };

struct filling {
    struct json_object *values;
    const char *ns;
    struct json_object *lost, *used;
    struct arena *a;
    struct buf out;
    unsigned line;
    /* Of the line so far. */
    char quote;   /* the kind of quotes that are open, or NUL */
    bool escaped; /* by a backslash in them                   */
    bool blank, comment;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What an action comes to: a term, or `default TERM TERM`, and `| quote`. NULL: it is not known.
 */

/* The next word, taken off the text; "" at its end. A text in quotes is one word, with them. */
static char *next_word(char **text)
{
    char *word = *text + strspn(*text, " \t\n"), *end;

    if (*word == '"')
        end = strchr(word + 1, '"') ? strchr(word + 1, '"') + 1 : word + strlen(word);
    else
        end = word + strcspn(word, " \t\n");
    *text = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static const char *term(const struct filling *f, const char *word)
{
    struct json_object *value;
    size_t len = strlen(word);

    word += *word == '$';
    if (*word == '"' && len > 1 && word[len - 1] == '"')
        return arena_strndup(f->a, word + 1, len - 2);
    if (strcmp(word, ".Release.Namespace") == 0)
        return f->ns;
    if (strncmp(word, ".Values.", 8) != 0)
        return NULL;
    value = json_get(f->values, word + 8);
    if (!value || json_is_array(value) || json_object_is_type(value, json_type_object))
        return NULL;
    if (strstr(json_object_get_string(value), "{{"))
        return NULL;
    json_append(f->used, json_object_new_string(word + 8));
    return json_object_get_string(value);
}

/* Helm takes the second one where it says something. */
static const char *term_or_default(const struct filling *f, char **rest)
{
    const char *word = next_word(rest), *first, *second;

    if (strcmp(word, "default") != 0)
        return term(f, word);
    first = term(f, next_word(rest));
    second = term(f, next_word(rest));
    return second && *second ? second : first;
}

static const char *action_value(const struct filling *f, const char *action)
{
    char *rest = arena_strdup(f->a, action);
    const char *value = term_or_default(f, &rest), *word = next_word(&rest);

    if (strcmp(word, "|") == 0 && strcmp(next_word(&rest), "quote") == 0)
        value = value ? arena_printf(f->a, "\"%s\"", value) : NULL;
    else if (*word)
        return NULL;
    return *next_word(&rest) ? NULL : value;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The text */

/* What has no value of its own, but decides about what is around it. */
static bool is_control(const char *action)
{
    static const char *const words[] = {"if", "else", "end", "range", "with", "define", "block", "/*"};
    const char *word = action + strspn(action, " \t\n");

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strncmp(word, words[i], strlen(words[i])) == 0 && !isalnum((unsigned char)word[strlen(words[i])]))
            return true;
    return false;
}

static void put_character(struct filling *f, char c)
{
    bool was_escaped = f->escaped;

    buf_add(&f->out, &c, 1);
    f->escaped = !was_escaped && f->quote == '"' && c == '\\';
    if (c == '\n') {
        f->line++;
        f->quote = '\0';
        f->blank = true;
        f->comment = f->escaped = false;
        return;
    }
    if (f->quote ? c == f->quote && !was_escaped : c == '"' || c == '\'')
        f->quote = f->quote ? '\0' : c;
    f->comment = f->comment || (f->blank && c == '#');
    f->blank = f->blank && strchr(" \t\r", c);
}

static void put_filled(struct filling *f, const char *text)
{
    while (*text)
        put_character(f, *text++);
}

static void lose(struct filling *f, const char *action)
{
    if (strncmp(action + strspn(action, " \t"), "/*", 2) != 0)
        json_append(f->lost,
                    json_build("{text: %s, line: %d}", arena_printf(f->a, "{{%s}}", action), (int64_t)f->line));
}

/* The action stands alone when nothing is before it on its line, and nothing after it. */
static void fill_in_action(struct filling *f, const char *action, const char *after)
{
    bool alone = f->blank && strchr("\r\n", after[strspn(after, " \t")]);
    const char *value = action_value(f, action);

    if (value && !alone) {
        put_filled(f, value);
        return;
    }
    if (alone || is_control(action))
        lose(f, action);
    else
        put_filled(f, arena_printf(f->a, f->quote ? "%s" : "\"%s\"",
                                   strstr(action, ".Release.Namespace") ? TEMPLATE_NAMESPACE : TEMPLATE_UNKNOWN));
}

/* Puts out what is before the next action; in a comment there is none. NULL: there is none at all. */
static const char *next_action(struct filling *f, const char *at, const char *last_end)
{
    for (; *at; at++) {
        if (at + 1 < last_end && at[0] == '{' && at[1] == '{' && !f->comment)
            return at;
        put_character(f, *at);
    }
    return NULL;
}

/* The end of the last action. */
static const char *last_end_of(const char *text)
{
    for (const char *at = text + strlen(text); at > text + 1; at--)
        if (at[-1] == '}' && at[-2] == '}')
            return at - 2;
    return text;
}

/* Fills in the action at this place; returns where the text goes on. */
static const char *pass_action(struct filling *f, const char *at)
{
    const char *end = strstr(at + 2, "}}"), *from = at + 2 + (at[2] == '-');
    const char *to = end - (end > from && end[-1] == '-');

    fill_in_action(f, arena_strndup(f->a, from, to > from ? (size_t)(to - from) : 0), end + 2);
    for (; at < end; at++)
        if (*at == '\n')
            put_character(f, '\n');
    return end + 2;
}

const char *template_fill_in(const char *text, struct json_object *values, const char *ns,
                             struct json_object **ret_lost, struct json_object **ret_used, struct arena *a)
{
    struct filling f = {.values = values,
                        .ns = ns,
                        .lost = json_object_new_array(),
                        .used = json_object_new_array(),
                        .a = a,
                        .line = 1,
                        .blank = true};
    const char *filled, *last_end = last_end_of(text);

    *ret_lost = arena_json(a, f.lost);
    *ret_used = arena_json(a, f.used);
    buf_init(&f.out, FILLED_MAX_BYTES);
    for (const char *at = text; (at = next_action(&f, at, last_end));)
        at = pass_action(&f, at);
    filled = arena_strdup(a, f.out.data);
    buf_finish(&f.out);
    return filled;
}
