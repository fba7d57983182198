#include "net/serve_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEND_BUFFER = 64 << 10, RECEIVE_BUFFER = 16 << 10 };

static void set_options(int fd, int family)
{
    const int on = 1, off = 0, send = SEND_BUFFER, receive = RECEIVE_BUFFER;

    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send, sizeof(send));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof(receive));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* head and body are written apart */
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
}

static int listen_at(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    set_options(fd, address->ai_family);
    if (bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A listening socket, or -1 and errno. */
static int try_listen(const char *address, int port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found;
    char service[16];

    snprintf(service, sizeof(service), "%d", port);
    if (getaddrinfo(address, service, &hints, &found) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = listen_at(found);
    freeaddrinfo(found);
    return fd;
}

/* The second address is tried where the machine lacks the family of the first. */
static int try_both(const char *address, const char *other, int port)
{
    int fd = try_listen(address, port);

    return fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) ? try_listen(other, port) : fd;
}

static int port_of(int fd)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof(bound);
    char service[16] = "0";

    getsockname(fd, (struct sockaddr *)&bound, &len);
    getnameinfo((struct sockaddr *)&bound, len, NULL, 0, service, sizeof(service), NI_NUMERICSERV);
    return atoi(service);
}

int serve_listen(const char *address, int port, int *ret_port, struct err *err)
{
    int fd = !address                            ? try_both("::", "0.0.0.0", port)
             : strcmp(address, "localhost") == 0 ? try_both("127.0.0.1", "::1", port)
                                                 : try_listen(address, port);

    if (fd < 0)
        err_set(err, ERR_DENIED, "ListenFailed", "cannot listen on %s port %d: %s", address ? address : "any address",
                port, strerror(errno));
    else
        *ret_port = port_of(fd);
    return fd;
}
