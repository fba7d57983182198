#include "net/serve_request.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

const struct serve_page *serve_request_page(const struct serve_page *pages, const char *path, const char **ret_below)
{
    for (const struct serve_page *page = pages; page->path; page++) {
        size_t len = strlen(page->path);
        *ret_below = path + len;
        if (strcmp(page->path, path) == 0 ||
            (len > 1 && page->path[len - 1] == '/' && strncmp(page->path, path, len) == 0))
            return page;
    }
    return NULL;
}

bool serve_request_is_local(const struct serve_request *request)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; request->host && i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        const char *port = request->host + len;
        if (strncasecmp(request->host, names[i], len) == 0 &&
            (*port == '\0' || (*port == ':' && port[1 + strspn(port + 1, "0123456789")] == '\0')))
            return true;
    }
    return false;
}

bool serve_peer_is_local(const char *peer)
{
    return strcmp(peer, "127.0.0.1") == 0 || strcmp(peer, "::1") == 0 || strcmp(peer, "::ffff:127.0.0.1") == 0;
}

bool serve_request_is_same_origin(const struct serve_request *request, bool tls)
{
    const char *scheme = tls ? "https://" : "http://", *site = request->fetch_site, *origin = request->origin;

    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return false;
    return !origin || (request->host && strncasecmp(origin, scheme, strlen(scheme)) == 0 &&
                       strcasecmp(origin + strlen(scheme), request->host) == 0);
}

bool serve_parameter(const struct serve_request *request, const char *name, char *ret, size_t size)
{
    size_t name_len = strlen(name);

    for (const char *at = request->query; *at; at += *at == '&') {
        size_t len = strcspn(at, "&");
        bool found = strncmp(at, name, name_len) == 0 && (len == name_len || at[name_len] == '=');
        size_t value = len > name_len ? name_len + 1 : len;
        if (found && (size_t)snprintf(ret, size, "%.*s", (int)(len - value), at + value) < size)
            return true;
        at += len;
    }
    return false;
}
