#include "net/http_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const void *bytes_of(const struct sockaddr *address)
{
    return address->sa_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                                          : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
}

static bool check_address(struct transfer *t, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN] = "?";
    const char *what = t->request.refuse_address ? t->request.refuse_address(t->request.policy, address) : NULL;

    if (!what)
        return true;
    inet_ntop(address->sa_family, bytes_of(address), text, sizeof(text));
    snprintf(t->refused, sizeof(t->refused), "%s is %s", text, what);
    return false;
}

/* With the flags that libcurl's own has. */
curl_socket_t http_address_open(void *transfer, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = transfer;

    (void)purpose;
    if (t->state == TRANSFER_CANCELLED || !check_address(t, &address->addr))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool parse_ip_address(const char *ip, int port, struct sockaddr_storage *ret)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    char bare[INET6_ADDRSTRLEN];

    *ret = (struct sockaddr_storage){0};
    snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(ip, "%"), ip); /* without a zone */
    if (inet_pton(AF_INET, bare, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return true;
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return inet_pton(AF_INET6, bare, &v6->sin6_addr) == 1;
}

bool http_address_is_allowed(struct transfer *t, const char *ip, int port)
{
    struct sockaddr_storage address;

    if (!t->request.refuse_address)
        return true;
    if (parse_ip_address(ip, port, &address))
        return check_address(t, (const struct sockaddr *)&address);
    snprintf(t->refused, sizeof(t->refused), "the system shows no IP address for it");
    return false;
}
