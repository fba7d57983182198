#include "net/http_reply.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/http_error.h"
#include "net/http_pool.h"
#include "net/http_tls.h"
#include "net/http_transfer.h"
#include "net/loop.h"

enum {
    RETRY_AFTER_MAX_S = 86400, /* nobody may send us away for longer                  */
    HEAD_MAX = 64 << 10,       /* of all heads of an answer; libcurl keeps each header */
};

static long status_of(const struct transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What comes: callbacks of libcurl, which only record. */

static void bytes_came(struct transfer *t)
{
    assert(t->pool && (t->state == TRANSFER_CONNECTING || t->state == TRANSFER_SENT));
    transfer_moved(t);
    t->pool->moved = true;
}

/* An empty line ends the head, also that of "100 Continue" and of a proxy's answer. */
static void tell_status(const struct transfer *t, char first)
{
    long status = status_of(t);

    if (strchr("\r\n", first) && status >= 200 && t->request.on_status)
        t->request.on_status(t->request.arg, status);
}

/* 0, for libcurl to end the transfer. */
static size_t refuse_too_large(struct transfer *t, size_t max, const char *of)
{
    t->why = &http_too_large;
    snprintf(t->detail, sizeof(t->detail), "status %ld, more than %zu bytes%s", status_of(t), max, of);
    return 0;
}

static size_t on_header(char *data, size_t size, size_t len, void *arg)
{
    struct transfer *t = arg;

    if (t->state == TRANSFER_CANCELLED)
        return 0;
    bytes_came(t);
    t->head_len += size * len;
    if (t->head_len > HEAD_MAX)
        return refuse_too_large(t, HEAD_MAX, " of headers");
    tell_status(t, *data);
    return size * len;
}

static bool collect_body(struct transfer *t, const char *data, size_t len)
{
    return buf_add(&t->body, data, len) || refuse_too_large(t, t->body.max, "");
}

static bool stream_body(struct transfer *t, const char *data, size_t len)
{
    if (t->request.on_data(t->request.arg, data, len))
        return t->state != TRANSFER_CANCELLED; /* on_data may have cancelled it */
    t->why = &http_cancelled;
    return false;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct transfer *t = arg;
    size_t len = size * count;

    if (t->state == TRANSFER_CANCELLED)
        return 0;
    bytes_came(t);
    bool stream = t->request.on_data && status_of(t) / 100 == 2;
    return (stream ? stream_body(t, data, len) : collect_body(t, data, len)) ? len : 0;
}

void http_reply_collect(struct transfer *t)
{
    curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What has come, or why nothing has. */

/* In an empty value libcurl leaves the end of the line. */
static const char *header(const struct transfer *t, const char *name)
{
    struct curl_header *h;
    bool there = curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK;

    return there && !strchr("\r\n", *h->value) ? h->value : "";
}

/* Some servers say with a 429 when their window ends, and nothing else. */
static int64_t rate_limit_wait(const struct transfer *t)
{
    time_t until = curl_getdate(header(t, "RateLimit-ResetTime"), NULL);

    return until == -1 ? 0 : (int64_t)until - loop_wall(t->loop);
}

static int64_t retry_after_ms(const struct transfer *t, long status)
{
    curl_off_t seconds = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0 && status == 429)
        seconds = rate_limit_wait(t);
    if (seconds > RETRY_AFTER_MAX_S)
        seconds = RETRY_AFTER_MAX_S;
    return seconds > 0 ? seconds * 1000 : 0;
}

static int64_t date_of(const struct transfer *t)
{
    time_t date = curl_getdate(header(t, "Date"), NULL);

    return date > 0 ? (int64_t)date : 0;
}

static int64_t dns_us(const struct transfer *t)
{
    curl_off_t us = 0;
    long connections = 0;

    curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections);
    curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &us);
    return connections ? us : 0;
}

static struct http_reply answer(const struct transfer *t)
{
    struct http_reply reply = {.status = status_of(t), .body = t->body.data, .len = t->body.len, .sent = true};
    char *type = NULL;

    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    reply.content_type = type ? type : "";
    reply.next_page = header(t, "X-Next-Page");
    reply.retry_after_ms = retry_after_ms(t, reply.status);
    reply.dns_us = dns_us(t);
    reply.date_s = date_of(t);
    return reply;
}

/* Takes the numbers out, in place: milliseconds, bytes and streams are others each time, and what failed is the same.
 */
static char *without_numbers(char *text)
{
    char *to = text;

    for (const char *at = text; *at;) {
        size_t digits = at == text || at[-1] == ' ' ? strspn(at, "0123456789") : 0;
        bool alone = digits && (at[digits] == ' ' || !at[digits]);
        at += alone ? digits + (at[digits] == ' ') : 0;
        if (!alone)
            *to++ = *at++;
    }
    *to = '\0';
    return text;
}

/* libcurl's sentence; about a connection that could not be made the system knows more. */
static const char *libcurl_detail(struct transfer *t, CURLcode result)
{
    long number = 0;

    if (result == CURLE_COULDNT_CONNECT)
        curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
    return number ? strerror((int)number) : without_numbers(t->libcurl_error);
}

static long connect_status_of(const struct transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status;
}

static const struct http_failure *proxy_failure(const struct transfer *t, CURLcode result)
{
    bool asked = t->easy && *t->request.proxy && t->state < TRANSFER_SENT;

    return asked ? http_proxy_failure_of(t->easy, result, t->why) : NULL;
}

/* Of the alert, the last word of a server that ends a handshake: whether it is about our certificate. */
static bool is_of_certificate(const char *alert)
{
    static const char *const words[] = {"certificate", "unknown ca", "access denied", "decrypt error"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strstr(alert, words[i]))
            return true;
    return false;
}

static bool is_broken(CURLcode result)
{
    return result == CURLE_GOT_NOTHING || result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR ||
           result == CURLE_HTTP2 || result == CURLE_HTTP2_STREAM;
}

static bool is_certificate_alert(const struct transfer *t)
{
    const char *alert = strstr(t->libcurl_error, " alert ");

    return alert && is_of_certificate(alert);
}

/* What the server says of client certificates before it answers anything; NULL: nothing. It may end the handshake
 * without saying why, or break the connection without a word, but then it has asked for one. */
static const struct http_failure *certificate_failure(const struct transfer *t, CURLcode result)
{
    bool ended = result == CURLE_SSL_CONNECT_ERROR && strstr(t->libcurl_error, " alert ");

    ended |= t->request.tls.tells_demand && is_broken(result);
    if (t->head_len > 0)
        return NULL;
    if (!is_certificate_alert(t) && (!ended || !http_asked_in_vain(t->asked)))
        return NULL;
    return t->request.tls.client_cert ? &http_certificate_refused : &http_certificate_required;
}

static void explain_failure(struct http_reply *reply, struct transfer *t, CURLcode result)
{
    const struct http_failure *of_certificate = certificate_failure(t, result);

    if (of_certificate && is_certificate_alert(t))
        reply->sent = false; /* the handshake has not ended for the server, so nobody has read it */
    http_failure_set(&reply->err, of_certificate ? of_certificate : http_failure_of(t->easy, result), t->place,
                     libcurl_detail(t, result));
}

/* Whatever host was asked for: all that are behind it are told the same. */
static bool is_proxys_own(const struct http_failure *why)
{
    return strcmp(why->reason, PROXY_UNREACHABLE) == 0;
}

static struct http_reply failure(struct transfer *t, CURLcode result)
{
    const struct http_failure *proxy = proxy_failure(t, result);
    struct http_reply reply = {.content_type = "", .body = "", .next_page = "", .sent = t->state == TRANSFER_SENT};

    reply.mute = t->why == &http_timeout || t->why == &http_silent;
    if (proxy)
        http_failure_set(&reply.err, proxy, is_proxys_own(proxy) ? "the proxy" : t->place,
                         t->why ? t->detail : libcurl_detail(t, result));
    else if (t->why)
        http_failure_set(&reply.err, t->why, t->place, t->detail);
    else if (*t->refused && (result == CURLE_COULDNT_CONNECT || result == CURLE_ABORTED_BY_CALLBACK))
        http_failure_set(&reply.err, &http_address_refused, t->place, t->refused);
    else
        explain_failure(&reply, t, result);
    return reply;
}

/* What a proxy says instead of opening the way to a server is no answer of that server's. */
static bool is_of_the_server(const struct transfer *t)
{
    long status = t->easy ? connect_status_of(t) : 0;

    return status == 0 || status / 100 == 2;
}

/* A refusal counts even when its explanation was cut off: servers that do not read the whole request reset the stream
 * after their answer, and libcurl 7.88 may lose what it has not read by then. It takes "HTTP/20 .y" for an answer of
 * status 0, and "HTTP/22 " for one of 2, which are none. */
static bool is_answer(const struct transfer *t, CURLcode result)
{
    return !t->why && status_of(t) >= 100 && (result == CURLE_OK || (status_of(t) >= 400 && is_of_the_server(t)));
}

struct http_reply http_reply_of(struct transfer *t, CURLcode result)
{
    return is_answer(t, result) ? answer(t) : failure(t, result);
}
