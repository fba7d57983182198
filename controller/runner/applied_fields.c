#include "runner/applied_fields.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

enum { DIGITS = 8, ENTRY_SIZE = 24 };

struct fields_entry_text {
    char text[ENTRY_SIZE];
};

static struct fields_entry_text fields_entry(enum child child, const char *fields)
{
    struct fields_entry_text entry;

    snprintf(entry.text, sizeof(entry.text), "%d=%.*s", (int)child, DIGITS, fields);
    return entry;
}

const char *applied_fields_text(const struct observed *o, struct arena *a)
{
    const char *text = NULL;

    for (enum child child = CHILD_TOKEN_SECRET + 1; child < CHILD_COUNT; child++) {
        const struct observed_child *c = &o->children[child];
        if (!c->exists || c->drifted || !c->fields)
            continue;
        text = arena_printf(a, "%s%s%s", text ? text : "", text ? "," : "", fields_entry(child, c->fields).text);
    }
    return text;
}

bool applied_fields_tell(const char *told, enum child child, const char *fields)
{
    if (!told || child == CHILD_TOKEN_SECRET || !fields || strlen(fields) < DIGITS)
        return false;
    const struct fields_entry_text entry = fields_entry(child, fields);
    size_t len = strlen(entry.text);
    for (const char *at = told; *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, entry.text, len) == 0 && (at[len] == ',' || !at[len]))
            return true;
    return false;
}
