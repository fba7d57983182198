#include "gitlab/policy.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "net/http.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Addresses: as 16 bytes, IPv4 in its mapped form */

static const struct range {
    const char *prefix;
    unsigned bits;
    const char *what;
    bool loopback;
} refused[] = {
    {"::", 128, "the unspecified address", false},
    {"::1", 128, "a loopback address", true},
    {"fe80::", 10, "a link-local address", false},
    {"ff00::", 8, "a multicast address", false},
    {"fd00:ec2::254", 128, "a cloud's metadata address", false},
    {"::ffff:0.0.0.0", 96 + 8, "an unspecified address", false},
    {"::ffff:127.0.0.0", 96 + 8, "a loopback address", true},
    {"::ffff:169.254.0.0", 96 + 16, "a link-local address", false}, /* metadata of most clouds, too */
    {"::ffff:100.100.100.200", 128, "a cloud's metadata address", false},
    {"::ffff:168.63.129.16", 128, "a cloud's metadata address", false},
    {"::ffff:224.0.0.0", 96 + 4, "a multicast address", false},
    {"::ffff:255.255.255.255", 128, "the broadcast address", false},
};

/* Where IPv6 carries an address of IPv4, and at which byte. */
static const struct {
    const char *prefix;
    unsigned bits, at;
} carriers[] = {{"::", 96, 12}, {"64:ff9b::", 96, 12}, {"64:ff9b:1::", 48, 12}, {"2002::", 16, 2}};

static bool is_in(const struct in6_addr *address, const char *prefix, unsigned bits)
{
    struct in6_addr wanted;
    unsigned whole = bits / 8, rest = bits % 8;

    inet_pton(AF_INET6, prefix, &wanted);
    if (memcmp(address, &wanted, whole) != 0)
        return false;
    return !rest || (address->s6_addr[whole] ^ wanted.s6_addr[whole]) >> (8 - rest) == 0;
}

static struct in6_addr mapped(const void *ipv4)
{
    struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(&address.s6_addr[12], ipv4, 4);
    return address;
}

static const struct range *find_range(const struct in6_addr *address)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (is_in(address, refused[i].prefix, refused[i].bits))
            return &refused[i];
    return NULL;
}

static const struct range *find_range_inside(const struct in6_addr *address)
{
    const struct range *found = find_range(address);

    for (size_t i = 0; !found && i < ARRAY_LEN(carriers); i++) {
        const struct in6_addr inner = mapped(&address->s6_addr[carriers[i].at]);
        if (is_in(address, carriers[i].prefix, carriers[i].bits))
            found = find_range(&inner);
    }
    return found;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * URLs */

struct place {
    char host[256]; /* an IPv6 address without its brackets */
    int port;
};

static struct place place_of(const char *url)
{
    struct place place = {.port = strncasecmp(url, "https", 5) == 0 ? 443 : 80};
    char authority[256] = "";
    struct err ignored;

    http_url_check(url, authority, sizeof(authority), &ignored);
    char *colon = strrchr(authority, ':');
    if (colon && !strchr(colon, ']')) {
        place.port = atoi(colon + 1);
        *colon = '\0';
    }
    bool bracketed = authority[0] == '[';
    snprintf(place.host, sizeof(place.host), "%.*s", (int)strcspn(authority + bracketed, "]"), authority + bracketed);
    return place;
}

/* "NAME" or "NAME:PORT" with shell patterns. */
static bool fits(const char *pattern, const struct place *place)
{
    char with_port[sizeof(place->host) + 8];

    snprintf(with_port, sizeof(with_port), "%s:%d", place->host, place->port);
    return fnmatch(pattern, place->host, FNM_CASEFOLD) == 0 || fnmatch(pattern, with_port, FNM_CASEFOLD) == 0;
}

static bool is_listed(const char *list, const struct place *place)
{
    cleanup_free char *copy = mem_strdup(list);
    char *rest = copy, *pattern;

    while ((pattern = strsep(&rest, ", ")))
        if (*pattern && fits(pattern, place))
            return true;
    return false;
}

bool policy_lists(const char *list, const char *url)
{
    const struct place place = place_of(url);

    return is_listed(list, &place);
}

static bool is_api_server(const struct gitlab_policy *p, const char *host, int port)
{
    for (size_t i = 0; i < ARRAY_LEN(p->api_servers); i++) {
        const struct place server = place_of(p->api_servers[i] ? p->api_servers[i] : "");
        if (p->api_servers[i] && server.port == port && strcasecmp(server.host, host) == 0)
            return true;
    }
    return false;
}

bool policy_allows_url(const struct gitlab_policy *p, const char *url, struct err *err)
{
    const struct place place = place_of(url);

    if (p->require_https && strncasecmp(url, "https://", 8) != 0)
        return err_set(err, ERR_DENIED, "HTTPSRequired",
                       "%s is not called: this operator runs with --require-https; use an https address in spec.url",
                       url);
    if (p->allowed_hosts && *p->allowed_hosts && !is_listed(p->allowed_hosts, &place))
        return err_set(err, ERR_DENIED, "HostNotAllowed",
                       "%s is not called: its host is not one of --allowed-gitlab-hosts; use another spec.url, or have "
                       "it added",
                       url);
    if (is_api_server(p, place.host, place.port))
        return err_set(err, ERR_DENIED, "AddressNotAllowed",
                       "%s is not called: it is Kubernetes' API server; put GitLab's address into spec.url", url);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Both */

static bool is_api_server_address(const struct gitlab_policy *p, const struct in6_addr *address, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];

    if (is_in(address, "::ffff:0.0.0.0", 96))
        inet_ntop(AF_INET, &address->s6_addr[12], text, sizeof(text));
    else
        inet_ntop(AF_INET6, address, text, sizeof(text));
    return is_api_server(p, text, port);
}

const char *policy_refuses_address(const void *policy, const struct sockaddr *address)
{
    const struct gitlab_policy *p = policy;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    bool is_v4 = address->sa_family == AF_INET;

    if (!is_v4 && address->sa_family != AF_INET6)
        return "no IP address";
    const struct in6_addr bytes = is_v4 ? mapped(&v4->sin_addr) : v6->sin6_addr;
    if (is_api_server_address(p, &bytes, ntohs(is_v4 ? v4->sin_port : v6->sin6_port)))
        return "the address of Kubernetes' API server";
    const struct range *range = find_range_inside(&bytes);
    return !range || (range->loopback && p->allow_loopback) ? NULL : range->what;
}
