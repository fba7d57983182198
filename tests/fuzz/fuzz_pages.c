/* The head of a request to our pages, as anybody may send it. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fuzz.h"
#include "net/serve_request.h"

/* All that comes out lies within the head. */
static void check_within(const char *text, const char *head, size_t len)
{
    if (text && *text && (text < head || text + strlen(text) > head + len))
        abort();
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    char *head = arena_strndup(a, text, len), value[16];
    struct serve_request request;
    const char *path;
    int status = serve_request_parse(head, len, &request, &path);

    if (status && status != 400 && status != 405)
        abort();
    check_within(path, head, len);
    check_within(request.query, head, len);
    check_within(request.host, head, len);
    check_within(request.authorization, head, len);
    serve_request_is_local(&request);
    serve_parameter(&request, "key", value, sizeof(value));
}
