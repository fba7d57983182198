#include "gitlab/egress.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gitlab/place.h"
#include "net/http.h"

bool egress_proxy_is_good(const char *url)
{
    char host[256];
    struct err ignored;
    const char *rest = strstr(url, "//");

    if (!http_url_is_valid(url, host, sizeof(host), &ignored))
        return false;
    rest += 2 + strcspn(rest + 2, "/");
    return strcmp(rest, "") == 0 || strcmp(rest, "/") == 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The list of what is called directly */

/* An address as 16 bytes, IPv4 in its mapped form; false: it is none. */
static bool parse_address(const char *text, unsigned char ret[static 16], bool *ret_is_v4)
{
    *ret_is_v4 = inet_pton(AF_INET, text, ret + 12) == 1;
    if (*ret_is_v4) {
        memset(ret, 0, 10);
        memset(ret + 10, 0xff, 2);
    }
    return *ret_is_v4 || inet_pton(AF_INET6, text, ret) == 1;
}

/* "10.0.0.0/8": its address and how many bits of the 16 bytes count. */
static bool parse_range(const char *entry, unsigned char ret[static 16], unsigned *ret_bits)
{
    char text[INET6_ADDRSTRLEN];
    const char *slash = strchr(entry, '/');
    bool is_v4;
    char *end = NULL;

    snprintf(text, sizeof(text), "%.*s", slash ? (int)(slash - entry) : (int)strlen(entry), entry);
    if (!parse_address(text, ret, &is_v4))
        return false;
    unsigned long whole = is_v4 ? 32 : 128, bits = slash ? strtoul(slash + 1, &end, 10) : whole;
    *ret_bits = (unsigned)(128 - whole + bits);
    return bits <= whole && (!slash || (isdigit((unsigned char)slash[1]) && !*end));
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 && (!rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

static bool is_in_range(const char *host, const char *entry)
{
    unsigned char address[16], range[16];
    unsigned bits;
    bool is_v4;

    return parse_range(entry, range, &bits) && parse_address(host, address, &is_v4) && same_bits(address, range, bits);
}

/* "example.com" is that and all below it, ".example.com" (as "*.example.com") only what is below. */
static bool is_below(const char *host, const char *entry)
{
    const char *name = entry + (*entry == '*') + (entry[*entry == '*'] == '.');
    size_t len = strlen(host), of = strlen(name);
    bool ends = of > 0 && len >= of && strcasecmp(host + len - of, name) == 0;

    return ends && (len == of ? name == entry : host[len - of - 1] == '.');
}

/* "host:8443", "[::1]:8443": *ret_port; else 0, which is any. What is left is the host alone, in place. */
static bool split_port(char *entry, int *ret_port)
{
    char *colon = strrchr(entry, ':'), *end = NULL;
    bool bracketed = *entry == '[', plain = colon && strchr(entry, ':') == colon;
    bool has_port = colon && (plain || (bracketed && colon[-1] == ']'));

    *ret_port = 0;
    if (has_port) {
        long port = strtol(colon + 1, &end, 10);
        if (!isdigit((unsigned char)colon[1]) || *end || port < 1 || port > 65535)
            return false;
        *ret_port = (int)port;
        *colon = '\0';
    }
    if (bracketed) {
        if (entry[strlen(entry) - 1] != ']')
            return false;
        entry[strlen(entry) - 1] = '\0';
        memmove(entry, entry + 1, strlen(entry));
    }
    return *entry;
}

static bool fits_entry(char *entry, const struct place *place)
{
    int port;

    if (!split_port(entry, &port) || (port && port != place->port))
        return false;
    return strcmp(entry, "*") == 0 || is_in_range(place->host, entry) || is_below(place->host, entry);
}

/* A range must be one; a name has the characters of names. */
static bool is_good_entry(char *entry)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    unsigned char range[16];
    unsigned bits;
    int port;

    if (!split_port(entry, &port))
        return false;
    if (strpbrk(entry, ":/"))
        return parse_range(entry, range, &bits);
    bool star = *entry == '*';
    return entry[star + strspn(entry + star, name)] == '\0' && (!star || !entry[1] || entry[1] == '.');
}

bool egress_list_is_good(const char *list)
{
    cleanup_free char *copy = mem_strdup(list);
    char *rest = copy, *entry;
    bool good = true;

    while (good && (entry = strsep(&rest, ", ")))
        good = !*entry || is_good_entry(entry);
    return good;
}

static bool is_on_list(const char *list, const struct place *place)
{
    cleanup_free char *copy = mem_strdup(list);
    char *rest = copy, *entry;
    bool found = false;

    while (!found && (entry = strsep(&rest, ", ")))
        found = *entry && fits_entry(entry, place);
    return found;
}

bool egress_is_proxied(const struct gitlab_egress *egress, const char *url, const char *address)
{
    const struct place named = place_of(url);
    struct place given = {.port = named.port};
    const char *list = egress->no_proxy ? egress->no_proxy : "";

    if (!egress->proxy)
        return false;
    snprintf(given.host, sizeof(given.host), "%s", address ? address : "");
    return !is_on_list(list, &named) && !(address && is_on_list(list, &given));
}
