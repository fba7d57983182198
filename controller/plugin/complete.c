#include "plugin/complete.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/client.h"
#include "operator/kinds.h"
#include "plugin/runner_row.h"
#include "plugin/session.h"

enum { PATIENCE_MS = 3000, NAMES_MAX = 500 };

/* What is being completed. */
struct completion {
    const struct plugin_command *command;
    char **words; /* those before the current one, without the command's name: len */
    size_t len;
    const char *current;
    struct option_table tables[OPTION_TABLES_MAX];
    size_t tables_len;
    struct plugin_options options;
    struct arena *a;
};

static void offer(const char *now, const char *word, const char *what, struct arena *a)
{
    if (strncmp(word, now, strlen(now)) == 0 && charset_admits(CHARSET_PROSE, word))
        printf("%s%s%s\n", word, *what ? "\t" : "", harmless(what, a));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What the cluster has */

/* At most NAMES_MAX items of one request, which has little time. */
static struct json_object *peek_list(const struct completion *c, const struct kube_resource *resource, bool everywhere)
{
    struct err ignored = {0};
    struct plugin_options options = c->options;

    options.timeout_ms = options.timeout_ms < PATIENCE_MS ? options.timeout_ms : PATIENCE_MS;
    struct session *s = session_open(&options, &ignored);
    if (!s)
        return NULL;
    const char *path = kube_path(resource, everywhere ? NULL : session_namespace(s), NULL, NULL, c->a);
    struct json_object *list = session_get(s, arena_printf(c->a, "%s?limit=%d", path, NAMES_MAX), c->a, &ignored);
    session_close(s);
    return json_member(list, "items");
}

static bool is_among(const struct completion *c, const char *name)
{
    for (size_t i = 0; i < c->len; i++)
        if (strcmp(c->words[i], name) == 0)
            return true;
    return false;
}

static void offer_runners(const struct completion *c)
{
    struct json_object *items = peek_list(c, kind_resource(KIND_RUNNER), false);

    for (size_t i = 0; i < json_len(items); i++) {
        const struct runner_row row = runner_row_of(json_at(items, i), 0, c->a);
        if (!is_among(c, row.name))
            offer(c->current, row.name, row.headline.reason, c->a);
    }
}

static void offer_namespaces(const struct completion *c, const char *now)
{
    struct json_object *items = peek_list(c, kind_resource(KIND_NAMESPACE), true);

    for (size_t i = 0; i < json_len(items); i++)
        offer(now, json_str_or(json_at(items, i), "metadata.name", ""), "", c->a);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Options and their values */

static const struct option_row *option_of_word(const struct completion *c, const char *word)
{
    size_t len = strcspn(word, "=");

    for (size_t t = 0; t < c->tables_len; t++)
        for (size_t i = 0; i < c->tables[t].len; i++) {
            const struct option_row *row = &c->tables[t].rows[i];
            bool is_long = strncmp(word, "--", 2) == 0 && strlen(row->name) + 2 == len &&
                           strncmp(word + 2, row->name, len - 2) == 0;
            if (is_long || (word[0] == '-' && row->letter && word[1] == row->letter && len == 2))
                return row;
        }
    return NULL;
}

static void offer_columns(const char *typed, const char *prefix, struct arena *a)
{
    for (int i = 0; i < ROW_COLUMNS; i++) {
        char *name = arena_strdup(a, runner_columns()[i].name);
        for (char *letter = name; *letter; letter++)
            *letter |= 0x20; /* all of them are letters */
        offer(typed, arena_printf(a, "%s%s", prefix, name), "", a);
    }
}

/* prefix: what stands before the value in the same word, "--output=" or "". */
static int offer_values(const struct completion *c, const struct option_row *row, const char *prefix, const char *now)
{
    assert(row->value);
    const char *typed = arena_printf(c->a, "%s%s", prefix, now);

    if (strcmp(row->name, "namespace") == 0 && !*prefix)
        offer_namespaces(c, now);
    if (strcmp(row->name, "sort-by") == 0)
        offer_columns(typed, prefix, c->a);
    for (const char *at = row->value; strchr(row->value, '|') && *at;) {
        size_t len = strcspn(at, "|");
        offer(typed, arena_printf(c->a, "%s%.*s", prefix, (int)len, at), "", c->a);
        at += len + (at[len] == '|');
    }
    return strcmp(row->value, "FILE") == 0 ? COMPLETE_FILES : COMPLETE_NO_FILES;
}

static void offer_options(const struct completion *c)
{
    for (size_t t = 0; t < c->tables_len; t++)
        for (size_t i = 0; i < c->tables[t].len; i++)
            offer(c->current, arena_printf(c->a, "--%s", c->tables[t].rows[i].name), c->tables[t].rows[i].help, c->a);
    offer(c->current, "--help", "", c->a);
}

/* A word of the command's arguments: a name of a runner, or one of a few words. */
static int offer_args(const struct completion *c)
{
    const char *args = c->command->args ? c->command->args : "";

    if (strstr(args, "NAME"))
        offer_runners(c);
    else
        for (const char *at = args; strchr(args, '|') && *at;) {
            size_t len = strcspn(at, "|");
            offer(c->current, arena_strndup(c->a, at, len), "", c->a);
            at += len + (at[len] == '|');
        }
    return COMPLETE_NO_FILES;
}

/* What the words before say of cluster and namespace. Those that are wrong are as if they were not there. */
static void read_words(struct completion *c, void *own)
{
    char **argv = arena_alloc(c->a, (c->len + 2) * sizeof(*argv));
    int ignored;

    c->tables[0] = (struct option_table){c->command->rows, c->command->rows_len, own};
    c->tables_len = 1 + plugin_option_tables(c->tables + 1, c->command->takes, &c->options);
    argv[0] = (char *)c->command->name;
    memcpy(argv + 1, c->words, c->len * sizeof(*argv));
    options_read(c->tables, c->tables_len, (int)c->len + 1, argv, &ignored);
}

static int complete_of_command(struct completion *c)
{
    assert(c->command && c->current);
    void *own = arena_alloc(c->a, c->command->own_size + 1);

    read_words(c, own);
    const char *before = c->len ? c->words[c->len - 1] : "", *equals = strchr(c->current, '=');
    const struct option_row *row = option_of_word(c, before);
    if (row && row->value && !strchr(before, '='))
        return offer_values(c, row, "", c->current);
    row = c->current[0] == '-' && equals ? option_of_word(c, c->current) : NULL;
    if (row && row->value)
        return offer_values(c, row, arena_strndup(c->a, c->current, (size_t)(equals - c->current) + 1), equals + 1);
    if (c->current[0] == '-')
        return offer_options(c), COMPLETE_NO_FILES;
    return offer_args(c);
}

static const struct plugin_command *command_named(const struct plugin_command *const *commands, size_t len,
                                                  const char *name)
{
    for (size_t i = 0; i < len; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int complete_words(const struct plugin_command *const *commands, size_t len, const char *const *words, int argc,
                   char **argv)
{
    cleanup_arena struct arena a = {0};
    struct completion c = {.current = argc > 1 ? argv[argc - 1] : "", .a = &a};
    int directive = COMPLETE_FILES;

    log_setup(LOG_ERROR, false);
    if (argc <= 2) {
        for (; *words; words++)
            if (strncmp(*words, c.current, strlen(c.current)) == 0)
                puts(*words);
        directive = COMPLETE_NO_FILES;
    } else if ((c.command = command_named(commands, len, argv[1]))) {
        c.words = argv + 2;
        c.len = (size_t)argc - 3;
        directive = complete_of_command(&c);
    }
    printf(":%d\n", directive);
    return 0;
}
