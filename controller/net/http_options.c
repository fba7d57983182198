#include "net/http_transfer.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "net/http_tls.h"

static struct curl_slist *prepend(struct curl_slist *list, const char *text, struct arena *a)
{
    struct curl_slist *node = arena_alloc(a, sizeof(*node));

    *node = (struct curl_slist){.data = (char *)text, .next = list};
    return node;
}

/* In the arena rather than by curl_slist_append(), because headers hold tokens and the arena is cleansed. */
static struct curl_slist *header_list(struct transfer *t)
{
    struct curl_slist *list = prepend(NULL, "Expect:", &t->mem); /* no waiting for "100 Continue" */

    if (t->request.tls.server_name)
        list = prepend(list, arena_printf(&t->mem, "Host: %s", t->url.authority), &t->mem);
    for (const char *const *h = t->request.headers; *h; h++)
        list = prepend(list, *h, &t->mem);
    return list;
}

static bool method_has_body(const char *method)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (strcmp(method, methods[i]) == 0)
            return true;
    }
    return false;
}

static void set_message(struct transfer *t, const char *user_agent)
{
    const struct http_request *r = &t->request;

    if (strcmp(r->method, "HEAD") == 0)
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    if (r->body || method_has_body(r->method)) { /* without a body: Content-Length: 0 */
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body ? r->body : "");
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body_len : 0));
    }
    curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, header_list(t));
    curl_easy_setopt(t->easy, CURLOPT_USERAGENT, user_agent);
}

/* libcurl knows one name for both URL and certificate. To verify another one, the URL gets that name while the
 * connection (here) and the Host header (above) keep the real one. */
static void set_target(struct transfer *t)
{
    const char *to = t->request.connect_to;

    curl_easy_setopt(t->easy, CURLOPT_URL, t->url.text);
    curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
    if (!to && t->request.tls.server_name)
        to = t->url.host;
    if (to) {
        bool bare_ipv6 = to[0] != '[' && strchr(to, ':') != strrchr(to, ':');
        to = arena_printf(&t->mem, bare_ipv6 ? "::[%s]" : "::%s", to);
        curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, prepend(NULL, to, &t->mem));
    }
}

/* The credentials are a header, so that libcurl keeps no copy of them beside the arena's. What a header of the request
 * holds is for the server alone. */
static void set_proxy(struct transfer *t)
{
    const char *auth = t->request.proxy_auth;

    curl_easy_setopt(t->easy, CURLOPT_PROXY, t->request.proxy);
    curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(t->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    if (!*t->request.proxy || !auth)
        return;
    const char *header =
        arena_printf(&t->mem, "Proxy-Authorization: Basic %s", base64_encode(auth, strlen(auth), &t->mem));
    curl_easy_setopt(t->easy, CURLOPT_PROXYHEADER, prepend(NULL, header, &t->mem));
}

/* A path that has gone without a word is noticed after some 35 s: probes when idle, a limit for what is not
 * acknowledged. */
static int on_new_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 20},        {IPPROTO_TCP, TCP_KEEPINTVL, 5},
        {IPPROTO_TCP, TCP_KEEPCNT, 3}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 30000},
    };

    (void)arg, (void)purpose;
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(options[i].value));
    return CURL_SOCKOPT_OK;
}

/* Each transfer has two buffers of its own, of 64 and 16 KiB, where a message has 2 KiB and an answer 10. */
static void set_buffers(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, 16L << 10); /* the least */
    curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, 8L << 10);
}

static void set_connection(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    /* To end a transfer while its name is being resolved must not wait for the resolver. */
    curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L);
    /* Lets libcurl divide the time among several addresses; the watchdog keeps it in any case. */
    curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)t->request.connect_timeout_ms);
    curl_easy_setopt(t->easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
    if (t->request.alone) {
        curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(t->easy, CURLOPT_FORBID_REUSE, 1L);
    }
}

void transfer_set_options(struct transfer *t, const char *user_agent, struct http_trust *trust)
{
    set_target(t);
    set_proxy(t);
    set_message(t, user_agent);
    set_connection(t);
    set_buffers(t);
    t->asked = http_tls_setup(t->easy, &t->request, trust, &t->mem);
}
