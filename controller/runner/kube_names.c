#include "runner/kube_names.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SUBDOMAIN_MAX = 253, LABEL_MAX = 63 };

static bool is_small(char c)
{
    return islower((unsigned char)c) || isdigit((unsigned char)c);
}

static bool is_subdomain(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool inner = i > 0 && i + 1 < len;
        bool dot = name[i] == '.' && inner && is_small(name[i - 1]) && is_small(name[i + 1]);
        bool dash = name[i] == '-' && inner && name[i - 1] != '.' && name[i + 1] != '.';
        if (!is_small(name[i]) && !dot && !dash)
            return false;
    }
    return len > 0 && len <= SUBDOMAIN_MAX;
}

bool is_dns_subdomain(const char *name)
{
    return is_subdomain(name, strlen(name));
}

static bool is_label_name(const char *name)
{
    static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t len = strlen(name);

    return len > 0 && len <= LABEL_MAX && strspn(name, all) == len && isalnum((unsigned char)name[0]) &&
           isalnum((unsigned char)name[len - 1]);
}

bool is_label_key(const char *key)
{
    const char *slash = strchr(key, '/');

    return slash ? is_subdomain(key, (size_t)(slash - key)) && is_label_name(slash + 1) : is_label_name(key);
}

bool is_annotation_key(const char *key)
{
    char lower[SUBDOMAIN_MAX + LABEL_MAX + 2];
    size_t len = strlen(key);

    if (len >= sizeof(lower))
        return false;
    for (size_t i = 0; i <= len; i++)
        lower[i] = (char)tolower((unsigned char)key[i]);
    return is_label_key(lower);
}

bool is_label_value(const char *value)
{
    return !*value || is_label_name(value);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Quantities.
 */
static bool suffix_value(const char *suffix, double *ret)
{
    static const struct {
        const char *name;
        double value;
    } suffixes[] = {{"", 1},        {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},   {"k", 1e3},     {"M", 1e6},
                    {"G", 1e9},     {"T", 1e12},    {"P", 1e15},    {"E", 1e18},   {"Ki", 0x1p10}, {"Mi", 0x1p20},
                    {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60}};
    char exponent[8] = "1", *end;

    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (strcmp(suffixes[i].name, suffix) == 0)
            return *ret = suffixes[i].value, true;
    if ((*suffix != 'e' && *suffix != 'E') || strlen(suffix) > sizeof(exponent) - 2)
        return false;
    strcpy(exponent + 1, suffix);
    *ret = strtod(exponent, &end);
    return !*end;
}

bool quantity_parse(const char *text, double *ret)
{
    static const char digits[] = "0123456789";
    const char *number = text + (*text == '+' || *text == '-');
    size_t whole = strspn(number, digits), dot = number[whole] == '.';
    size_t fraction = dot ? strspn(number + whole + 1, digits) : 0;
    char copy[64] = {0};
    double factor;

    if (whole + fraction == 0 || whole + fraction >= sizeof(copy) - 3 ||
        !suffix_value(number + whole + dot + fraction, &factor))
        return false;
    assert((size_t)(number - text) + whole + dot + fraction < sizeof(copy));
    memcpy(copy, text, (size_t)(number - text) + whole + dot + fraction);
    *ret = strtod(copy, NULL) * factor;
    return true;
}
