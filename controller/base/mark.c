#include "base/mark.h"

#include <ctype.h>
#include <string.h>

static size_t trimmed(const char *line, size_t len)
{
    while (len && isspace((unsigned char)line[len - 1]))
        len--;
    return len;
}

bool has_mark(const char *text, const char *mark)
{
    const char *equals = strchr(mark, '=');
    size_t prefix = equals ? (size_t)(equals - mark) + 1 : strlen(mark), whole = strlen(mark);
    bool found = false;

    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n"), bare = trimmed(line, len);
        if (bare >= prefix && strncmp(line, mark, prefix) == 0)
            found = bare == whole && strncmp(line, mark, whole) == 0;
        line += len + (line[len] == '\n');
    }
    return found;
}

bool has_any_mark(const char *text, const char *prefix)
{
    bool found = false;

    for (const char *line = text; *line && !found;) {
        size_t len = strcspn(line, "\n");
        found = strncmp(line, prefix, strlen(prefix)) == 0;
        line += len + (line[len] == '\n');
    }
    return found;
}
