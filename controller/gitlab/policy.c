#include "gitlab/policy.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "gitlab/place.h"

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
    {"fe80::", 10, "a link-local address", false}, /* fe80::a9fe:a9fe is OpenStack's metadata */
    {"ff00::", 8, "a multicast address", false},
    {"::ffff:0.0.0.0", 96 + 8, "an unspecified address", false},
    {"::ffff:127.0.0.0", 96 + 8, "a loopback address", true},
    /* AWS, Google, Azure, OpenStack, … .169.254; ECS .170.2, EKS .170.23; Scaleway .42.42; Tencent .0.23 */
    {"::ffff:169.254.0.0", 96 + 16, "a link-local address", false},
    {"::ffff:224.0.0.0", 96 + 4, "a multicast address", false},
    {"::ffff:255.255.255.255", 128, "the broadcast address", false},

    /* Metadata and other services of clouds for their machines. One that is link-local is here as well, to be found
     * behind any NAT64. Sources: docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval and
     * …/eks/latest/userguide/pod-id-agent-setup; docs.cloud.google.com/compute/docs/metadata/querying-metadata;
     * learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16;
     * alibabacloud.com/help/ecs/user-guide/view-instance-metadata; docs.oracle.com (iaas, gettingmetadata);
     * docs.cloud-init.io/en/latest/reference/datasources (Scaleway, OpenStack, Oracle);
     * techdocs.akamai.com/cloud-computing/docs/metadata-service-api (Linode). */
    {"::ffff:169.254.169.254", 128, "a cloud's metadata address", false},
    {"::ffff:169.254.170.2", 128, "a cloud's metadata address", false},
    {"::ffff:169.254.170.23", 128, "a cloud's metadata address", false},
    {"::ffff:169.254.42.42", 128, "a cloud's metadata address", false},
    {"::ffff:169.254.0.23", 128, "a cloud's metadata address", false},
    {"fd00:ec2::", 32, "a cloud's metadata address", false},              /* AWS: ::254 metadata, ::23 pods' identity */
    {"fd20:ce::254", 128, "a cloud's metadata address", false},           /* Google                                   */
    {"fd00:c1::a9fe:a9fe", 128, "a cloud's metadata address", false},     /* Oracle                                   */
    {"::ffff:192.0.0.192", 128, "a cloud's metadata address", false},     /* Oracle, classic                          */
    {"::ffff:168.63.129.16", 128, "a cloud's metadata address", false},   /* Azure                                    */
    {"::ffff:100.100.100.200", 128, "a cloud's metadata address", false}, /* Alibaba                                */
    {"fd00:100::100:200", 128, "a cloud's metadata address", false},      /* Alibaba                                  */
    {"fd00:42::42", 128, "a cloud's metadata address", false},            /* Scaleway                                 */
    {"fd00:a9fe:a9fe::1", 128, "a cloud's metadata address", false},      /* Linode                                   */
};

/* Where IPv6 carries an address of IPv4: at which bytes, perhaps inverted. */
static const struct carrier {
    const char *prefix;
    unsigned bits;
    unsigned char at[4], inverted;
} carriers[] = {
    {"::", 96, {12, 13, 14, 15}, 0},           /* compatible                                        */
    {"::ffff:0:0:0", 96, {12, 13, 14, 15}, 0}, /* translated, RFC 2765                              */
    {"64:ff9b::", 96, {12, 13, 14, 15}, 0},    /* NAT64, RFC 6052                                   */
    {"64:ff9b:1::", 48, {6, 7, 9, 10}, 0},     /* … of one's own, RFC 8215, with each length of its */
    {"64:ff9b:1::", 48, {7, 9, 10, 11}, 0},
    {"64:ff9b:1::", 48, {9, 10, 11, 12}, 0},
    {"64:ff9b:1::", 48, {12, 13, 14, 15}, 0},
    {"2002::", 16, {2, 3, 4, 5}, 0},        /* 6to4, RFC 3056                                    */
    {"2001::", 32, {4, 5, 6, 7}, 0},        /* Teredo, RFC 4380: its server,                     */
    {"2001::", 32, {12, 13, 14, 15}, 0xff}, /* and its client                                    */
    {"::", 0, {4, 5, 6, 7}, 0},             /* perhaps a NAT64 with any prefix: see policy.h     */
    {"::", 0, {5, 6, 7, 9}, 0},
    {"::", 0, {6, 7, 9, 10}, 0},
    {"::", 0, {7, 9, 10, 11}, 0},
    {"::", 0, {9, 10, 11, 12}, 0},
    {"::", 0, {12, 13, 14, 15}, 0},
};

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

/* Every address that a packet to this one may come to: itself, then those that it carries. */
struct forms {
    struct in6_addr address[1 + ARRAY_LEN(carriers)];
    bool sure[1 + ARRAY_LEN(carriers)];
    size_t len;
};

static void add_form(struct forms *ret, const struct in6_addr *address, bool sure)
{
    ret->address[ret->len] = *address;
    ret->sure[ret->len++] = sure;
}

static struct forms forms_of(const struct in6_addr *address)
{
    struct forms forms = {.len = 0};

    add_form(&forms, address, true);
    for (size_t i = 0; i < ARRAY_LEN(carriers) && !is_in(address, "::ffff:0.0.0.0", 96); i++) {
        const struct carrier *c = &carriers[i];
        unsigned char inner[4];
        for (size_t byte = 0; byte < sizeof(inner); byte++)
            inner[byte] = address->s6_addr[c->at[byte]] ^ c->inverted;
        const struct in6_addr form = mapped(inner);
        if (is_in(address, c->prefix, c->bits) && inner[0] != 0) /* 0.0.0.0/8 is nowhere: nothing is carried there */
            add_form(&forms, &form, c->bits > 0);
    }
    return forms;
}

static const struct range *find_range(const struct forms *forms)
{
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        for (size_t f = 0; f < forms->len; f++)
            if ((forms->sure[f] || refused[i].bits == 128) &&
                is_in(&forms->address[f], refused[i].prefix, refused[i].bits))
                return &refused[i];
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * URLs */

/* "NAME" or "NAME:PORT" with shell patterns. */
static bool fits_place(const char *pattern, const struct place *place)
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
        if (*pattern && fits_place(pattern, place))
            return true;
    return false;
}

bool policy_lists(const char *list, const char *url, const char *address)
{
    const struct place named = place_of(url);
    struct place given = {.port = named.port};

    snprintf(given.host, sizeof(given.host), "%s", address ? address : "");
    return is_listed(list, &named) && (!address || is_listed(list, &given));
}

static bool is_api_server(const struct gitlab_policy *p, const char *host, int port)
{
    for (size_t i = 0; p->api_servers && p->api_servers[i]; i++) {
        const struct place server = place_of(p->api_servers[i]);
        if (server.port == port && strcasecmp(server.host, host) == 0)
            return true;
    }
    return false;
}

bool policy_allows_url(const struct gitlab_policy *p, const char *url, const char *address, struct err *err)
{
    const struct place place = place_of(url);

    if (p->require_https && strncasecmp(url, "https://", 8) != 0)
        return err_set(err, ERR_DENIED, "HTTPSRequired",
                       "%s is not called: this operator runs with --require-https; use an https address in spec.url",
                       url);
    if (p->allowed_hosts && *p->allowed_hosts && !policy_lists(p->allowed_hosts, url, address))
        return err_set(err, ERR_DENIED, "HostNotAllowed",
                       "%s%s%s is not called: its host, or the address that spec.hostAliases gives it, is not one of "
                       "--allowed-gitlab-hosts; use another one, or have it added",
                       url, address ? " at " : "", address ? address : "");
    if (is_api_server(p, place.host, place.port))
        return err_set(err, ERR_DENIED, "AddressNotAllowed",
                       "%s is not called: it is Kubernetes' API server; put GitLab's address into spec.url", url);
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Both */

static bool is_api_server_address(const struct gitlab_policy *p, const struct forms *forms, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];

    for (size_t i = 0; i < forms->len; i++) {
        const unsigned char *bytes = forms->address[i].s6_addr;
        bool is_v4 = is_in(&forms->address[i], "::ffff:0.0.0.0", 96);
        inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? bytes + 12 : bytes, text, sizeof(text));
        if (is_api_server(p, text, port))
            return true;
    }
    return false;
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
    const struct forms forms = forms_of(&bytes);
    if (is_api_server_address(p, &forms, ntohs(is_v4 ? v4->sin_port : v6->sin6_port)))
        return "the address of Kubernetes' API server";
    const struct range *range = find_range(&forms);
    return !range || (range->loopback && p->allow_loopback) ? NULL : range->what;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a proxy is asked to connect to */

/* Names that everybody's resolver, or that of a cloud's machines, knows; shell patterns. */
static const struct {
    const char *pattern, *what;
    bool loopback;
} refused_names[] = {
    {"localhost", "this machine", true},
    {"localhost[46]", "this machine", true},
    {"*.localhost", "this machine", true},
    {"localhost.localdomain", "this machine", true},
    {"localhost[46].localdomain[46]", "this machine", true},
    {"ip6-localhost", "this machine", true},
    {"ip6-loopback", "this machine", true},
    {"metadata", "a cloud's metadata", false},
    {"metadata.google.internal", "a cloud's metadata", false},
    {"metadata.goog", "a cloud's metadata", false},
    {"metadata.azure.internal", "a cloud's metadata", false},
    {"metadata.platformequinix.com", "a cloud's metadata", false},
    {"metadata.packet.net", "a cloud's metadata", false},
    {"metadata.hetzner.cloud", "a cloud's metadata", false},
    {"metadata.tencentyun.com", "a cloud's metadata", false},
    {"instance-data", "a cloud's metadata", false},
    {"instance-data.*internal", "a cloud's metadata", false},
    {"api.metadata.cloud.ibm.com", "a cloud's metadata", false},
    {"kubernetes", "Kubernetes' API server", false},
    {"kubernetes.default", "Kubernetes' API server", false},
    {"kubernetes.default.svc", "Kubernetes' API server", false},
    {"kubernetes.default.svc.*", "Kubernetes' API server", false},
};

static const char *refuse_name(const struct gitlab_policy *p, const char *host)
{
    for (size_t i = 0; i < ARRAY_LEN(refused_names); i++)
        if (fnmatch(refused_names[i].pattern, host, FNM_CASEFOLD) == 0 &&
            !(refused_names[i].loopback && p->allow_loopback))
            return refused_names[i].what;
    return NULL;
}

/* As the C library would read it: "127.1" and "0x7f000001" are addresses as well. */
static bool parse_literal(const char *host, int port, struct sockaddr_storage *ret)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    memcpy(ret, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (ret->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)ret)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)ret)->sin_port = htons((uint16_t)port);
    return true;
}

static const char *refuse_host(const struct gitlab_policy *p, const char *host, int port)
{
    struct sockaddr_storage literal;

    return parse_literal(host, port, &literal) ? policy_refuses_address(p, (const struct sockaddr *)&literal)
                                               : refuse_name(p, host);
}

bool policy_allows_through_proxy(const struct gitlab_policy *p, const char *url, const char *address, struct err *err)
{
    const struct place place = place_of(url);
    const char *host = place.host, *what = refuse_host(p, host, place.port);

    if (!what && address) {
        host = address;
        what = refuse_host(p, host, place.port);
    }
    if (!what)
        return true;
    return err_set(err, ERR_DENIED, "AddressNotAllowed",
                   "%s: no call is made to this address (%s is %s); spec.url or "
                   "spec.hostAliases must lead to GitLab's own address",
                   url, host, what);
}
