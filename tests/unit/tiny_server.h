/* A server on 127.0.0.1 whose behaviour is a function of the test: one thread accepts, one thread per connection reads
 * requests and calls it. Speaks plain text or TLS, and just enough HTTP/2 to answer every stream alike: 200 and a body
 * of 'x', to several streams at a time in turns. */
#ifndef TESTS_TINY_SERVER_H
#define TESTS_TINY_SERVER_H

#include <arpa/inet.h>
#include <assert.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls_fixture.h"

enum { TINY_CONNECTIONS_MAX = 64, TINY_REQUEST_MAX = 1 << 21, TINY_STREAMS_MAX = 64, TINY_PIECE = 16000 };

struct tiny_server;

struct tiny_conn {
    struct tiny_server *server;
    int fd;
    SSL *ssl;
    pthread_t thread;
    char *request; /* head and body of the latest request */
    size_t len;
    unsigned char streams[TINY_STREAMS_MAX][4]; /* HTTP/2: not answered yet */
    size_t n_streams;
};

struct tiny_server {
    int fd, port;
    SSL_CTX *tls;
    bool http2;
    size_t h2_body, h2_at_once; /* bytes of each answer; how many streams are waited for before they are answered */
    bool silent;                /* accepts and never says a word, not even in TLS */
    /* Answers conn->request; false closes the connection. */
    bool (*respond)(struct tiny_conn *conn);
    atomic_int connections, requests;
    pthread_t thread;
    struct tiny_conn conns[TINY_CONNECTIONS_MAX];
};

static inline bool tiny_write(struct tiny_conn *c, const void *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        size_t n = 0;
        if (c->ssl && SSL_write_ex(c->ssl, (const char *)data + done, len - done, &n) != 1)
            return false;
        if (!c->ssl) {
            ssize_t sent = send(c->fd, (const char *)data + done, len - done, MSG_NOSIGNAL);
            if (sent <= 0)
                return false;
            n = (size_t)sent;
        }
        done += n;
    }
    return true;
}

static inline bool tiny_say(struct tiny_conn *c, const char *text)
{
    return tiny_write(c, text, strlen(text));
}

/* A whole answer with this status line's tail ("200 OK\r\nX: y") and body. */
static inline bool tiny_answer(struct tiny_conn *c, const char *status, const char *body)
{
    char head[1024];

    snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", status, strlen(body));
    return tiny_say(c, head) && tiny_say(c, body);
}

static inline size_t tiny_read(struct tiny_conn *c, void *data, size_t len)
{
    size_t n = 0;

    if (c->ssl)
        return SSL_read_ex(c->ssl, data, len, &n) == 1 ? n : 0;
    ssize_t got = recv(c->fd, data, len, 0);
    return got > 0 ? (size_t)got : 0;
}

static inline bool tiny_read_all(struct tiny_conn *c, void *data, size_t len)
{
    for (size_t done = 0, n; done < len; done += n) {
        n = tiny_read(c, (char *)data + done, len - done);
        if (n == 0)
            return false;
    }
    return true;
}

/* How many bytes the request in the buffer has in all, 0 when its head is not complete. */
static inline size_t tiny_request_len(const struct tiny_conn *c)
{
    const char *end = strstr(c->request, "\r\n\r\n");
    const char *length = strcasestr(c->request, "\r\nContent-Length: ");

    if (!end)
        return 0;
    return (size_t)(end + 4 - c->request) + (length && length < end ? strtoul(length + 18, NULL, 10) : 0);
}

static inline bool tiny_read_request(struct tiny_conn *c)
{
    size_t want;

    c->len = 0;
    c->request[0] = '\0';
    while ((want = tiny_request_len(c)) == 0 || c->len < want) {
        size_t n = tiny_read(c, c->request + c->len, TINY_REQUEST_MAX - c->len - 1);
        if (n == 0)
            return false;
        c->len += n;
        c->request[c->len] = '\0';
    }
    c->server->requests++;
    return true;
}

enum { H2_DATA = 0, H2_HEADERS = 1, H2_SETTINGS = 4, H2_ACK = 1, H2_END = 1, H2_END_HEADERS = 4 };

/* Appends a frame and returns where the next one goes. */
static inline char *tiny_h2_frame(char *to, unsigned char type, unsigned char flags, const unsigned char stream[4],
                                  const void *data, size_t len)
{
    const unsigned char high = (unsigned char)(len >> 16), middle = (unsigned char)(len >> 8);
    const unsigned char head[] = {high, middle, (unsigned char)len, type, flags};

    memcpy(to, head, sizeof(head));
    memcpy(to + sizeof(head), stream, 4);
    memcpy(to + sizeof(head) + 4, data, len);
    return to + sizeof(head) + 4 + len;
}

static inline bool tiny_h2_settings(struct tiny_conn *c, unsigned char flags)
{
    char frame[9];

    tiny_h2_frame(frame, H2_SETTINGS, flags, (unsigned char[4]){0}, "", 0);
    return tiny_write(c, frame, sizeof(frame));
}

/* HPACK: ":status: 200", and "content-length: " with a text of so many bytes. */
static inline size_t tiny_h2_head(char head[32], size_t body)
{
    int digits = snprintf(head + 4, 28, "%zu", body);

    memcpy(head, "\x88\x0f\x0d", 3);
    head[3] = (char)digits;
    return (size_t)digits + 4;
}

/* A piece of the body to each waiting stream, then the next piece; all in one go, so that the client reads bytes of
 * several streams at a time. */
static inline bool tiny_h2_answer(struct tiny_conn *c)
{
    size_t body = c->server->h2_body;
    char head[32], piece[TINY_PIECE];
    char *out = malloc(c->n_streams * (body + body / TINY_PIECE * 9 + 64)), *to = out;

    memset(piece, 'x', sizeof(piece));
    for (size_t i = 0; i < c->n_streams; i++)
        to = tiny_h2_frame(to, H2_HEADERS, H2_END_HEADERS, c->streams[i], head, tiny_h2_head(head, body));
    for (size_t done = 0, len; done < body; done += len) {
        len = body - done < sizeof(piece) ? body - done : sizeof(piece);
        for (size_t i = 0; i < c->n_streams; i++)
            to = tiny_h2_frame(to, H2_DATA, done + len == body ? H2_END : 0, c->streams[i], piece, len);
    }
    bool ok = tiny_write(c, out, (size_t)(to - out));
    free(out);
    c->n_streams = 0;
    return ok;
}

/* GET requests come in one HEADERS frame. */
static inline bool tiny_h2_serve_frame(struct tiny_conn *c)
{
    unsigned char h[9];

    if (!tiny_read_all(c, h, sizeof(h)))
        return false;
    size_t len = (size_t)h[0] << 16 | (size_t)h[1] << 8 | h[2];
    if (len >= TINY_REQUEST_MAX || !tiny_read_all(c, c->request, len))
        return false;
    if (h[3] == H2_SETTINGS && !(h[4] & H2_ACK))
        return tiny_h2_settings(c, H2_ACK);
    if (h[3] != H2_HEADERS)
        return true;
    c->server->requests++;
    memcpy(c->streams[c->n_streams++], h + 5, 4);
    return c->n_streams < c->server->h2_at_once ? true : tiny_h2_answer(c);
}

static inline void tiny_h2_serve(struct tiny_conn *c)
{
    char preface[24];

    if (!tiny_read_all(c, preface, sizeof(preface)) || !tiny_h2_settings(c, 0))
        return;
    while (tiny_h2_serve_frame(c))
        ;
}

static inline bool tiny_handshake(struct tiny_conn *c)
{
    if (!c->server->tls)
        return true;
    c->ssl = SSL_new(c->server->tls);
    SSL_set_fd(c->ssl, c->fd);
    return SSL_accept(c->ssl) == 1;
}

static inline void *tiny_serve(void *arg)
{
    struct tiny_conn *c = arg;
    char byte;

    c->request = malloc(TINY_REQUEST_MAX);
    if (c->server->silent) {
        while (recv(c->fd, &byte, 1, 0) > 0)
            ;
    } else if (tiny_handshake(c)) {
        if (c->server->http2)
            tiny_h2_serve(c);
        else
            while (tiny_read_request(c) && c->server->respond(c))
                ;
        if (c->ssl)
            SSL_shutdown(c->ssl);
    }
    SSL_free(c->ssl);
    free(c->request);
    shutdown(c->fd, SHUT_RDWR);
    return NULL;
}

static inline void *tiny_accept(void *arg)
{
    struct tiny_server *s = arg;
    int fd;

    while (s->connections < TINY_CONNECTIONS_MAX && (fd = accept(s->fd, NULL, NULL)) >= 0) {
        struct tiny_conn *c = &s->conns[s->connections++];
        *c = (struct tiny_conn){.server = s, .fd = fd};
        if (pthread_create(&c->thread, NULL, tiny_serve, c) != 0)
            abort();
    }
    return NULL;
}

static inline int tiny_choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                                 unsigned in_len, void *arg)
{
    static const unsigned char h2[] = "\x02h2";

    (void)ssl, (void)arg;
    return SSL_select_next_proto((unsigned char **)out, out_len, h2, 3, in, in_len) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

/* Fill respond, http2, silent before. id: NULL for plain text. client_ca: NULL, or who must have signed the client. */
static inline void tiny_start(struct tiny_server *s, const struct identity *id, const struct identity *client_ca)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    if (id) {
        s->tls = SSL_CTX_new(TLS_server_method());
        SSL_CTX_use_certificate(s->tls, id->cert);
        SSL_CTX_use_PrivateKey(s->tls, id->key);
        if (s->http2)
            SSL_CTX_set_alpn_select_cb(s->tls, tiny_choose_h2, NULL);
    }
    if (client_ca) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(s->tls), client_ca->cert);
        SSL_CTX_set_verify(s->tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    }
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(s->fd, 64) != 0)
        abort();
    getsockname(s->fd, (struct sockaddr *)&address, &len);
    s->port = ntohs(address.sin_port);
    if (pthread_create(&s->thread, NULL, tiny_accept, s) != 0)
        abort();
}

static inline void tiny_stop(struct tiny_server *s)
{
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    for (int i = 0; i < s->connections; i++) {
        shutdown(s->conns[i].fd, SHUT_RDWR);
        pthread_join(s->conns[i].thread, NULL);
        close(s->conns[i].fd);
    }
    SSL_CTX_free(s->tls);
}

#endif
