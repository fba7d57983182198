/* HTTP requests on the loop: libcurl's multi interface behind one struct in, one struct out.
 *
 * Requests to the same origin share HTTP/2 connections. libcurl sends again what a dying reused connection has
 * swallowed; not so a request whose effect must not happen twice. Redirects are never followed, so a credential never
 * leaves its origin. A request is known by its id, never by a pointer: http_cancel() of an id that has ended does
 * nothing.
 * Callbacks run inside the loop and only record; they may start and cancel requests, but not destroy. */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct http;
struct loop;
struct sockaddr;

/* How to trust and prove; every string is copied by http_start() and may be NULL. Connections are never shared between
 * requests whose trust differs. */
struct http_tls {
    const char *ca_pem; /* PEM; added to the system's trust ($SSL_CERT_FILE, else the default), unless ca_only; then
                           within the bounds of http_ca_refuses(), or the request ends with InvalidCA          */
    bool ca_only;       /* trust ca_pem alone (a cluster's CA)                                                 */
    const char *client_cert; /* PEM: one, and those between it and its authority                                    */
    const char *client_key;  /* PEM; cleansed after use                                                             */
    bool tells_demand;       /* a server that asks for a client certificate, gets none and breaks the connection without
                                a word of an answer demands one: ClientCertificateRequired, not ConnectionLost      */
    const char *server_name; /* verify the certificate (and send SNI) for this name instead                         */
    bool insecure;           /* no verification (kubeconfig insecure-skip-tls-verify)                               */
};

/* The reason when it is the proxy that cannot be reached: nothing is known of the server behind it. */
#define PROXY_UNREACHABLE "ProxyUnreachable"

struct http_reply {
    long status;              /* 0: no whole answer, see err                                                     */
    const char *content_type; /* never NULL                                                                      */
    const char *body;         /* len bytes and a NUL; empty when streamed; of statuses from 400 on perhaps a part */
    size_t len;
    int64_t retry_after_ms; /* Retry-After (seconds or date), with 429 also RateLimit-ResetTime; at most a day */
    const char *next_page;  /* X-Next-Page; "" when absent              */
    int64_t dns_us;         /* how long the name took; 0: it was known  */
    int64_t date_s;         /* Date: the server's clock, in seconds since 1970; 0: it does not say */
    /* Kind ERR_NONE when a status came, whatever it is. Else a sentence that names host and port, and
     *
     *   ERR_RETRY   with reason ProxyUnreachable (no connection to the proxy, or none that can be trusted),
     *               HostNotFound, NetworkUnreachable, ConnectionRefused, ConnectTimeout, Timeout, ConnectionLost,
     *               TLSError, ResponseTooLarge (max_body, or more than 64 KiB of headers), Cancelled or Fenced
     *
     *   ERR_DENIED  with reason ProxyRefused (its answer to CONNECT was 4xx), UntrustedCertificate, CertificateExpired,
     *               CertificateHostMismatch, InvalidCA, TLSError, AddressNotAllowed, ClientCertificateRequired or
     *               ClientCertificateRefused
     *
     *   ERR_INVALID with reason InvalidURL; or InvalidRequest, when method, URL, a header, connect_to or proxy holds
     *               what base/charset.h does not let into one, such as a line break: nothing was sent */
    struct err err;
    bool sent; /* the request may have reached the server: its effect is unknown when err is set */
    bool mute; /* it was sent, and nothing came in time: the connection itself may be dead */
};

struct http_request {
    const char *method; /* "GET", "POST", … */
    const char *url;
    const char *const *headers; /* "Name: value", ended by NULL; may be NULL. Cleansed after use          */
    const char *body;           /* body_len bytes, NULL: none; without a Content-Type header it is a form */
    size_t body_len;
    bool once;              /* must never be sent twice: lost is lost (ConnectionLost, sent)                  */
    bool alone;             /* on a connection of its own, which no earlier use can have worn out             */
    bool fenced;            /* sent only while the fence is open                                              */
    const char *connect_to; /* address to connect to in the place of the URL's host, NULL: ask DNS. Host header, SNI
                               and certificate checks keep the URL's host                                      */
    const char *proxy;      /* URL of a proxy; "" or NULL: none; the environment's proxies are not used. What cannot be
                               connected to otherwise is asked of it (CONNECT): https, and what connect_to leads to */
    const char *proxy_auth; /* "user:password" for the proxy alone, in Basic's way; NULL: none                   */
    const char *proxy_ca;   /* PEM: whom alone to trust for the certificate of an https proxy; NULL: the system's */
    /* Asked with each address that the name has led to, before a socket to it is opened, and again before the request
     * goes over a connection that is there already: NULL admits it, else what it is ("a loopback address") goes into
     * the message and the next address is tried. The address is the one that is really used, however it was written or
     * resolved. With a proxy it is the proxy's. NULL: all may. policy is lent until the request has ended. */
    const char *(*refuse_address)(const void *policy, const struct sockaddr *address);
    const void *policy;
    struct http_tls tls;
    int64_t timeout_ms;         /* the whole request; 0: no limit (watch)                                      */
    int64_t connect_timeout_ms; /* 0: 10 s                                                                     */
    int64_t idle_timeout_ms;    /* give up (reason ConnectionLost) when no byte came for so long; 0: never     */
    size_t max_body;            /* a longer answer fails with ResponseTooLarge; required unless streamed       */
    /* Streaming: called for each piece of a 2xx body instead of collecting it; return false to end the request
     * (then on_done gets reason "Cancelled"). Bodies of other statuses are collected (up to 64 KiB). */
    bool (*on_data)(void *arg, const char *data, size_t len);
    /* Called when the head of the answer is there, whatever comes of its body; may be NULL. */
    void (*on_status)(void *arg, long status);
    /* Called exactly once, unless cancelled. The reply is valid during the call only. */
    void (*on_done)(void *arg, const struct http_reply *reply);
    void *arg;
    void (*release)(void *arg); /* called last, however the request ended: done, cancelled or destroyed; may be NULL */
};

struct http *http_create(struct loop *loop, const char *user_agent);
/* Cancels what is in flight (on_done is not called). NULL is fine. */
void http_destroy(struct http *http);

/* Starts a request and returns its id (never 0). Everything in *request is copied, but for policy. on_done is never
 * called from within. */
uint64_t http_start(struct http *http, const struct http_request *request);
void http_cancel(struct http *http, uint64_t id);
/* Closes idle connections, so that the next requests use new ones (after rotation of credentials). */
void http_close_idle(struct http *http);
/* The connections to url's host and port may be dead (an answer has not come): the next requests use new ones, and
 * those on their way that have an idle timeout get no more than idle_ms from their last byte on. */
void http_distrust(struct http *http, const char *url, int64_t idle_ms);

/* The most that is trusted beside the system's authorities: somewhat more than those are themselves. */
enum { HTTP_CA_BYTES_MAX = 256 << 10, HTTP_CA_COUNT_MAX = 200 };
/* NULL, or why the PEM text is refused: "is longer than 256 KiB". Whether it can be read is not looked at. */
const char *http_ca_refuses(const char *pem);

/* A client certificate, and its key, at most. */
enum { HTTP_CLIENT_PEM_MAX = 64 << 10 };
/* NULL, or why the text cannot be a client certificate, and what to do: "has a certificate that expired on 2026-01-31:
 * put a newer one there". now: seconds since 1970. */
const char *http_client_cert_refuses(const char *pem, int64_t now, struct arena *a);
/* The same of its key; cert_pem NULL: whether they fit is not looked at. */
const char *http_client_key_refuses(const char *key_pem, const char *cert_pem);

/* True when the PEM texts in *tls can be used: ca_pem holds certificates, client_cert one that fits client_key. What is
 * NULL is not looked at. */
bool http_tls_is_valid(const struct http_tls *tls);

/* The fence before everything that must not be done by two processes at once. is_open(arg) is asked at the last moment
 * before each fenced request is sent, when its connection is there; where it says no, the request ends with reason
 * Fenced; so does, with sent, what is under way when the fence is found closed. Without one, and after is_open NULL,
 * all is open. */
void http_fence(struct http *http, bool (*is_open)(void *arg), void *arg);
/* Fenced requests that have not ended. */
size_t http_fenced_in_flight(const struct http *http);

/* True when the URL is http or https with a host and nothing that must not be there (user, password, query, fragment);
 * else *err (ERR_INVALID) says what is wrong, without repeating the URL. ret_host may be NULL;
 * else host[:port] is written there, cut at size bytes. */
bool http_url_is_valid(const char *url, char *ret_host, size_t size, struct err *err);

#endif
