#include "net/serve_request.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"

static int hex_value(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* %2F and the like, in place. False when a NUL byte would come out. */
static bool decode_percent(char *text)
{
    char *to = text;

    for (const char *at = text; *at; at++) {
        int high = *at == '%' ? hex_value(at[1]) : -1, low = high >= 0 ? hex_value(at[2]) : -1;
        *to++ = (char)(low >= 0 ? high << 4 | low : *at);
        if (to[-1] == '\0')
            return false;
        at += low >= 0 ? 2 : 0;
    }
    *to = '\0';
    return true;
}

/* "GET /path?query HTTP/1.1" */
static int parse_request_line(char *line, struct serve_request *ret, const char **ret_path)
{
    const char *method = strsep(&line, " "), *version = line ? strrchr(line, ' ') : NULL;
    char *query = line;

    if (!version || line[0] != '/' || (strcmp(version, " HTTP/1.1") != 0 && strcmp(version, " HTTP/1.0") != 0))
        return 400;
    line[version - line] = '\0';
    *ret_path = strsep(&query, "?");
    ret->query = query ? query : "";
    if (strchr(line, ' ') || (query && !decode_percent(query)))
        return 400;
    return strcmp(method, "GET") == 0 ? 0 : 405;
}

/* The value of a line "Name: value" when it has that name, without the space around it; else NULL. */
static const char *field_value(char *line, const char *name)
{
    size_t len = strlen(name);

    if (strncasecmp(line, name, len) != 0 || line[len] != ':')
        return NULL;
    return text_trim_end(line + len + 1 + strspn(line + len + 1, " \t"));
}

/* A field that is there twice could mean either to whoever stands before us. */
static bool parse_field(char *line, struct serve_request *ret)
{
    const struct {
        const char *name, **value;
    } fields[] = {{"Host", &ret->host}, {"Authorization", &ret->authorization}};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        const char *value = field_value(line, fields[i].name);
        if (value && *fields[i].value)
            return false;
        if (value)
            *fields[i].value = value;
    }
    return true;
}

static char *next_line(char **rest)
{
    char *line = *rest, *end = strstr(line, "\r\n");

    if (!end)
        return NULL;
    *end = '\0';
    *rest = end + 2;
    return line;
}

int serve_request_parse(char *head, size_t len, struct serve_request *ret, const char **ret_path)
{
    char *rest = head, *line;

    *ret = (struct serve_request){.below = "", .query = ""};
    *ret_path = "";
    if (strlen(head) != len || !(line = next_line(&rest)))
        return 400;
    int status = parse_request_line(line, ret, ret_path);
    while ((line = next_line(&rest)))
        if (!parse_field(line, ret))
            return 400;
    return status;
}

bool serve_request_is_local(const struct serve_request *request)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

    for (size_t i = 0; request->host && i < ARRAY_LEN(names); i++) {
        size_t len = strlen(names[i]);
        const char *port = request->host + len;
        if (strncasecmp(request->host, names[i], len) == 0 &&
            (*port == '\0' || (*port == ':' && port[1 + strspn(port + 1, "0123456789")] == '\0')))
            return true;
    }
    return false;
}

bool serve_parameter(const struct serve_request *request, const char *name, char *ret, size_t size)
{
    size_t name_len = strlen(name);

    for (const char *at = request->query; *at; at += *at == '&') {
        size_t len = strcspn(at, "&");
        bool found = strncmp(at, name, name_len) == 0 && (len == name_len || at[name_len] == '=');
        size_t value = len > name_len ? name_len + 1 : len;
        if (found && (size_t)snprintf(ret, size, "%.*s", (int)(len - value), at + value) < size)
            return true;
        at += len;
    }
    return false;
}
