#include "kube/version.h"

#include <string.h>

bool kube_version_valid(const char *version)
{
    return version[0] >= '1' && version[0] <= '9' && version[strspn(version, "0123456789")] == '\0';
}

bool kube_version_newer(const char *a, const char *b)
{
    size_t a_len = strlen(a), b_len = strlen(b);

    if (!kube_version_valid(a) || !kube_version_valid(b))
        return false;
    return a_len != b_len ? a_len > b_len : strcmp(a, b) > 0;
}
