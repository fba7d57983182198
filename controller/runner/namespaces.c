#include "runner/namespaces.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "runner/shapes.h"

bool namespaces_next(const char **at, char ns[static NAMESPACE_SIZE])
{
    size_t len = strcspn(*at, ",");

    if (!**at)
        return false;
    snprintf(ns, NAMESPACE_SIZE, "%.*s", (int)len, *at);
    *at += len + ((*at)[len] == ',');
    return true;
}

bool namespaces_have(const char *list, const char *ns)
{
    char name[NAMESPACE_SIZE];

    if (!list)
        return true;
    for (const char *at = list; namespaces_next(&at, name);)
        if (strcmp(name, ns) == 0)
            return true;
    return false;
}

bool namespaces_are_valid(const char *list)
{
    char name[NAMESPACE_SIZE];

    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        bool last = !at[len];
        if (len >= NAMESPACE_SIZE || !namespaces_next(&at, name) || !is_dns_label(name) || namespaces_have(at, name))
            return false;
        if (last)
            return true;
    }
    return false; /* nothing, or nothing behind a comma */
}

bool namespace_lets_in(const char *allowed_from, const char *ns)
{
    char pattern[256];

    for (const char *at = allowed_from; *at;) {
        size_t len = strcspn(at, ", ");
        if (len > 0 && len < sizeof(pattern)) {
            snprintf(pattern, sizeof(pattern), "%.*s", (int)len, at);
            if (fnmatch(pattern, ns, 0) == 0)
                return true;
        }
        at += len + (at[len] != '\0');
    }
    return false;
}
