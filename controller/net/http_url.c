#include "net/http_url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/mem.h"
#include "net/http.h"

static const char *const schemes[] = {"http://", "https://"};

/* What follows the scheme and its slashes, or NULL when the scheme is not ours. libcurl alone would take "http:/host"
 * and "http:///host" too. */
static const char *after_scheme(const char *url)
{
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        size_t len = strlen(schemes[i]);
        if (strncasecmp(url, schemes[i], len) == 0)
            return url[len] == '/' ? NULL : url + len;
    }
    return NULL;
}

/* A part of the URL as a copy in the arena; NULL when absent. */
static const char *part(CURLU *u, CURLUPart which, unsigned flags, struct arena *a)
{
    char *text = NULL;

    curl_url_get(u, which, &text, flags);
    const char *copy = arena_strdup(a, text);
    curl_free(text);
    return copy;
}

static void release_url_text(void *u)
{
    curl_url_cleanup(u);
}

/* The parsed URL, released with the arena. */
static CURLUcode parse_url_parts(const char *url, struct arena *a, CURLU **ret)
{
    *ret = curl_url();
    arena_defer(a, release_url_text, *ret);
    return curl_url_set(*ret, CURLUPART_URL, url, 0);
}

static const char *authority(CURLU *u, struct arena *a)
{
    const char *host = part(u, CURLUPART_HOST, 0, a);
    const char *port = part(u, CURLUPART_PORT, 0, a);

    return port ? arena_printf(a, "%s:%s", host, port) : host;
}

bool http_url_parse(const char *url, const char *name, struct arena *a, struct http_url *ret)
{
    CURLU *u;

    *ret = (struct http_url){.text = url, .authority = "", .host = "", .port = ""};
    if (!after_scheme(url) || parse_url_parts(url, a, &u) != CURLUE_OK)
        return false;
    ret->tls = strncasecmp(url, "https", 5) == 0;
    ret->authority = authority(u, a);
    ret->host = part(u, CURLUPART_HOST, 0, a);
    ret->port = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, a);
    if (name) {
        if (curl_url_set(u, CURLUPART_HOST, name, 0) != CURLUE_OK)
            return false;
        ret->text = part(u, CURLUPART_URL, 0, a);
    }
    return true;
}

static const char *refuse_url(struct err *err, const char *why)
{
    err_set(err, ERR_INVALID, "InvalidURL", "%s", why);
    return NULL;
}

/* The host and port, or NULL. The text of a URL is never repeated in a message: it may hold a password. */
static const char *check_url_parts(const char *url, struct arena *a, struct err *err)
{
    const char *rest = after_scheme(url);
    CURLU *u;

    if (!rest)
        return refuse_url(err, "a URL begins with http:// or https:// and a host");
    if (memchr(rest, '@', strcspn(rest, "/?#")))
        return refuse_url(err, "a URL must not hold a user or a password");
    if (strpbrk(rest, "?#"))
        return refuse_url(err, "a URL must not hold a query or a fragment ('?', '#')");
    CURLUcode code = parse_url_parts(url, a, &u);
    return code == CURLUE_OK ? authority(u, a) : refuse_url(err, curl_url_strerror(code));
}

bool http_url_is_valid(const char *url, char *ret_host, size_t size, struct err *err)
{
    cleanup_arena struct arena a = {0};
    const char *host = check_url_parts(url, &a, err);

    if (host && ret_host)
        snprintf(ret_host, size, "%s", host);
    return host != NULL;
}
