/* A URL's host and port, for those who judge where it leads. */
#ifndef GITLAB_PLACE_H
#define GITLAB_PLACE_H

struct place {
    char host[256]; /* an IPv6 address without its brackets; without a dot at its end */
    int port;
};

/* Of a URL that http_url_is_valid() admits; numbers that stand for an IPv4 address are written as one. */
struct place place_of(const char *url);

#endif
