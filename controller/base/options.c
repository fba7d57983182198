#include "base/options.h"

#include <assert.h>
#include <ctype.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Values */

bool option_text(const char *value, void *field)
{
    *(const char **)field = value;
    return true;
}

bool option_flag(const char *value, void *field)
{
    (void)value;
    *(bool *)field = true;
    return true;
}

bool option_whole(const char *value, long least, long most, long *ret)
{
    char *end = NULL;

    *ret = isdigit((unsigned char)*value) ? strtol(value, &end, 10) : 0;
    return end && !*end && *ret >= least && *ret <= most;
}

bool option_port(const char *value, void *field)
{
    long port;
    bool good = option_whole(value, 0, UINT16_MAX, &port);

    *(int *)field = good ? (int)port : 0;
    return good;
}

bool option_duration(const char *value, void *field)
{
    const int64_t year_ms = (int64_t)366 * 24 * 3600 * 1000;
    char seconds[32];
    int64_t ns, *ms = field;

    snprintf(seconds, sizeof(seconds), "%ss", value);
    if (!duration_parse(value, &ns) && !duration_parse(seconds, &ns))
        return false;
    *ms = ns / 1000000;
    return *ms > 0 && *ms <= year_ms;
}

bool option_append(const char *value, void *field)
{
    struct option_list *list = field;

    if (list->len == OPTION_LIST_MAX)
        return false;
    list->items[list->len++] = value;
    return true;
}

/* The place of a word among "one|two|three". */
static bool choose(const char *words, const char *value, unsigned *ret)
{
    size_t len = strlen(value);

    for (*ret = 0; *words; ++*ret) {
        size_t word = strcspn(words, "|");
        if (word == len && strncmp(words, value, len) == 0)
            return true;
        words += word + (words[word] == '|');
    }
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reading */

static const struct option_row help_row = {.name = "help", .letter = 'h', .help = ""};

struct known {
    const struct option_row *rows[OPTIONS_MAX + 1];
    void *into[OPTIONS_MAX + 1];
    struct option longs[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 3];
    int len;
};

static bool is_known(const struct known *k, const char *name)
{
    for (int i = 0; i < k->len; i++)
        if (strcmp(k->rows[i]->name, name) == 0)
            return true;
    return false;
}

static void know(struct known *k, const struct option_row *row, void *into)
{
    if (is_known(k, row->name))
        return;
    assert(k->len <= OPTIONS_MAX);
    k->longs[k->len] = (struct option){row->name, row->value ? required_argument : no_argument, NULL, 256 + k->len};
    if (row->letter)
        sprintf(k->letters + strlen(k->letters), "%c%s", row->letter, row->value ? ":" : "");
    k->into[k->len] = into;
    k->rows[k->len++] = row;
}

static void know_all(struct known *k, const struct option_table *tables, size_t len)
{
    assert(len <= OPTION_TABLES_MAX);
    for (size_t t = 0; t < len; t++)
        for (size_t i = 0; i < tables[t].len; i++)
            know(k, &tables[t].rows[i], tables[t].into);
    know(k, &help_row, NULL);
}

/* The option that getopt_long() has found; len: none. */
static int place_of(const struct known *k, int found)
{
    if (found >= 256)
        return found - 256;
    for (int i = 0; i < k->len; i++)
        if (k->rows[i]->letter == found)
            return i;
    return k->len;
}

static bool take_option(const struct option_row *row, void *into, const char *value, const char *command)
{
    void *field = (char *)into + row->field;

    if (row->parse ? row->parse(value, field) : choose(row->value, value, field))
        return true;
    const char *said = strchr(value, '@') ? "…" : value; /* perhaps a password */
    fprintf(stderr, "%s: --%s %s: must be %s%s\n", command, row->name, said, row->must ? "" : "one of ",
            row->must ? row->must : row->value);
    return false;
}

enum options_outcome options_read(const struct option_table *tables, size_t len, int argc, char **argv, int *ret_first)
{
    struct known k = {.len = 0};

    know_all(&k, tables, len);
    optind = 0; /* from the beginning, also when another command line was read before */
    for (int found; (found = getopt_long(argc, argv, k.letters, k.longs, NULL)) != -1;) {
        int at = place_of(&k, found);
        if (at == k.len)
            return OPTIONS_WRONG;
        if (k.rows[at] == &help_row)
            return OPTIONS_HELP;
        bool joined = found < 256 && optarg && *optarg == '='; /* -n=NAME, as kubectl takes it */
        if (!take_option(k.rows[at], k.into[at], joined ? optarg + 1 : optarg, argv[0]))
            return OPTIONS_WRONG;
    }
    *ret_first = optind;
    return OPTIONS_GOOD;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Help */

static int head_of(const struct option_row *row, char *ret, size_t size)
{
    char letter[] = "-x, ";

    letter[1] = row->letter;
    return snprintf(ret, size, "  %s--%s%s%s", row->letter ? letter : "", row->name, row->value ? " " : "",
                    row->value ? row->value : "");
}

void options_help(const struct option_table *tables, size_t len, FILE *out)
{
    struct known k = {.len = 0};
    char head[128];
    int widest = 0;

    know_all(&k, tables, len);
    for (int i = 0; i < k.len; i++) {
        int width = head_of(k.rows[i], head, sizeof(head));
        widest = width > widest ? width : widest;
    }
    for (int i = 0; i < k.len; i++) {
        int width = head_of(k.rows[i], head, sizeof(head));
        fprintf(out, "%s%*s%s\n", head, *k.rows[i]->help ? widest + 2 - width : 0, "", k.rows[i]->help);
    }
}
