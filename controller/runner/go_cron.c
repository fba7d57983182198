/* Cron expressions as github.com/gorhill/cronexpr takes them, and time zones as Go knows them. */
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/words.h"
#include "runner/go_syntax.h"

enum { FIELDS_MAX = 7, ENTRY_MAX = 40 };

/* clang-format off */
#define MONTHS "january february march april may june july august september october november december"
#define DAYS   "sunday monday tuesday wednesday thursday friday saturday"
/* clang-format on */

static const struct field {
    int min, max;
    int digits;        /* of a number, at most; a year has that many    */
    const char *names; /* and by three letters; NULL: none              */
    const char *ends;  /* behind a value: what else may be there        */
} fields[FIELDS_MAX] = {
    {0, 59, 2, NULL, ""},     /* second            */
    {0, 59, 2, NULL, ""},     /* minute            */
    {0, 23, 2, NULL, ""},     /* hour              */
    {1, 31, 2, NULL, "w"},    /* day of the month  */
    {1, 12, 2, MONTHS, ""},   /* month             */
    {0, 7, 2, DAYS, "l#"},    /* day of the week   */
    {1970, 2099, 4, NULL, ""} /* year              */
};

static bool is_name(const struct field *f, const char *text, size_t len)
{
    for (const char *name = f->names; name; name = strchr(name, ' ') ? strchr(name, ' ') + 1 : NULL) {
        size_t whole = strcspn(name, " ");
        if ((len == 3 || len == whole) && strncmp(name, text, len) == 0)
            return true;
    }
    return false;
}

/* A number in the field's range, or a name. */
static bool is_value(const struct field *f, const char *text, size_t len)
{
    if (len == 0 || strspn(text, "0123456789") < len)
        return is_name(f, text, len);
    bool long_enough = f->digits == 2 ? len <= 2 : len == 4;
    return long_enough && atoi(text) >= f->min && atoi(text) <= f->max;
}

/* Behind a slash: from 1 to the largest value, as the library's table of numbers has it. */
static bool is_cron_step(const struct field *f, const char *text)
{
    size_t len = strlen(text);
    int step = len <= 4 ? atoi(text) : 0, max = f->names && f->max == 7 ? 6 : f->max;
    bool known = len <= 2 ? step <= 59 : len == 4 && step >= 1970;

    return len && strspn(text, "0123456789") == len && known && step >= 1 && step <= max;
}

/* `l` in the days of the month is the last one, `lw` the last working day. */
static bool is_special(const struct field *f, const char *entry, size_t len)
{
    const char *end = len > 0 ? strchr(f->ends, entry[len - 1]) : NULL;
    bool nth =
        strchr(f->ends, '#') && len > 2 && entry[len - 2] == '#' && entry[len - 1] >= '1' && entry[len - 1] <= '5';

    if (*f->ends == 'w' && (strcmp(entry, "l") == 0 || strcmp(entry, "lw") == 0))
        return true;
    if (nth)
        return is_value(f, entry, len - 2);
    return end && *end && *end != '#' && is_value(f, entry, len - 1);
}

/* `*`, a value or a range, with a step or without. */
static bool is_entry(const struct field *f, char *entry)
{
    char *slash = strchr(entry, '/');
    size_t len = slash ? (size_t)(slash - entry) : strlen(entry), first = strcspn(entry, "-/");

    if (slash && !is_cron_step(f, slash + 1))
        return false;
    if (len == 1 && (*entry == '*' || (*entry == '?' && !slash)))
        return true;
    if (first < len)
        return is_value(f, entry, first) && is_value(f, entry + first + 1, len - first - 1);
    return is_value(f, entry, len) || (!slash && is_special(f, entry, len));
}

/* Entries between commas; a field of commas alone is none. */
static bool is_field(const struct field *f, const char *text, size_t len)
{
    const char *end = text + len;
    bool any = false;

    while (text < end) {
        char entry[ENTRY_MAX] = {0};
        size_t n = strcspn(text, ",");
        n = n > (size_t)(end - text) ? (size_t)(end - text) : n;
        if (n >= sizeof(entry))
            return false;
        for (size_t i = 0; i < n; i++)
            entry[i] = (char)tolower((unsigned char)text[i]);
        if (n && !is_entry(f, entry))
            return false;
        any = any || n > 0;
        text += n + 1;
    }
    return any;
}

/* Each stands for seven fields. */
static const char *const words[] = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@hourly"};

bool go_cron_parses(const char *expression)
{
    static const char blanks[] = " \t\n\f\r";
    const char *starts[FIELDS_MAX], *at = expression;
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(words[i], expression) == 0)
            return true;
    for (at += strspn(at, blanks); *at; at += strspn(at, blanks)) {
        if (count < FIELDS_MAX)
            starts[count++] = at;
        at += strcspn(at, blanks);
    }
    if (count < 5)
        return false;
    assert(count <= FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        if (!is_field(&fields[i + (count < FIELDS_MAX)], starts[i], strcspn(starts[i], blanks)))
            return false;
    return true;
}

bool go_time_zone_exists(const char *name)
{
    if (!*name || strcmp(name, "Local") == 0)
        return true;
    for (size_t i = 0; go_time_zones[i]; i++)
        if (strcmp(go_time_zones[i], name) == 0)
            return true;
    return false;
}

const char *go_time_zone_near(const char *name)
{
    struct near near = near_begin(name);

    for (size_t i = 0; go_time_zones[i]; i++)
        near_offer(&near, go_time_zones[i]);
    return near.found;
}
