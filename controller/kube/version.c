#include "kube/version.h"

#include <string.h>

bool kube_version_valid(const char *version)
{
    return version[0] >= '1' && version[0] <= '9' && version[strspn(version, "0123456789")] == '\0';
}

int kube_version_compare(const char *a, const char *b)
{
    size_t a_len = kube_version_valid(a) ? strlen(a) : 0;
    size_t b_len = kube_version_valid(b) ? strlen(b) : 0;

    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return a_len ? strcmp(a, b) : 0;
}
