#include "base/key.h"

#include <string.h>

struct key_text key_text(const char *kind, const char *ns, const char *name)
{
    const char *const parts[] = {kind, "/", ns, "/", name};
    struct key_text key;
    char *at = key.text, *last = key.text + sizeof(key.text) - 1;

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        at = mempcpy(at, parts[i], strnlen(parts[i], (size_t)(last - at)));
    *at = '\0';
    return key;
}

static bool copy_part(char *to, size_t size, const char *text, size_t len)
{
    bool fits = len < size;

    memcpy(to, text, fits ? len : 0);
    to[fits ? len : 0] = '\0';
    return fits;
}

/* From its end: the kind is what may be missing. */
static bool take_apart(const char *text, struct key *ret)
{
    const char *path = key_path(text), *slash = strchr(path, '/');
    size_t kind = path > text ? (size_t)(path - text) - 1 : 0;

    return slash && slash[1] && !strchr(slash + 1, '/') && (path == text || kind) &&
           copy_part(ret->kind, sizeof(ret->kind), text, kind) &&
           copy_part(ret->ns, sizeof(ret->ns), path, (size_t)(slash - path)) &&
           copy_part(ret->name, sizeof(ret->name), slash + 1, strlen(slash + 1));
}

bool key_parse(const char *text, struct key *ret)
{
    if (take_apart(text, ret))
        return true;
    ret->kind[0] = ret->ns[0] = ret->name[0] = '\0';
    return false;
}

const char *key_path(const char *text)
{
    const char *slash = strchr(text, '/');

    return slash && strchr(slash + 1, '/') ? slash + 1 : text;
}
