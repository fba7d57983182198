#include "gitlab/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http.h"

struct place place_of(const char *url)
{
    struct place place = {.port = strncasecmp(url, "https", 5) == 0 ? 443 : 80};
    char authority[256] = "";
    struct err ignored;

    http_url_is_valid(url, authority, sizeof(authority), &ignored);
    char *colon = strrchr(authority, ':');
    if (colon && !strchr(colon, ']')) {
        place.port = atoi(colon + 1);
        *colon = '\0';
    }
    bool bracketed = authority[0] == '[';
    snprintf(place.host, sizeof(place.host), "%.*s", (int)strcspn(authority + bracketed, "]"), authority + bracketed);
    size_t len = strlen(place.host);
    if (len > 1 && place.host[len - 1] == '.')
        place.host[len - 1] = '\0';
    return place;
}
