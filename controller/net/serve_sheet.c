#include "net/serve_sheet.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

enum { BODY_MAX = 4 << 20 };

struct sheet *sheet_create(int status)
{
    struct sheet *sheet = mem_alloc(sizeof(*sheet));

    *sheet = (struct sheet){.refs = 1, .status = status, .made_us = clock_us()};
    buf_init(&sheet->body, BODY_MAX);
    return sheet;
}

void sheet_complete(struct sheet *sheet, const char *content_type)
{
    if (sheet->body.full) {
        buf_clear(&sheet->body);
        sheet->status = 500;
    }
    if (sheet->body.len == 0 && sheet->status >= 400)
        buf_addf(&sheet->body, "%d\n", sheet->status);
    sheet->content_type = content_type && sheet->status < 400 ? content_type : "text/plain; charset=utf-8";
    sheet->cost_us = clock_us() - sheet->made_us;
}

void sheet_release(struct sheet *sheet)
{
    if (!sheet || --sheet->refs > 0)
        return;
    buf_finish(&sheet->body);
    free(sheet);
}

static const char *phrase_of(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {431, "Request Header Fields Too Large"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

void sheet_head(const struct sheet *sheet, struct buf *ret)
{
    buf_finish(ret);
    buf_addf(ret, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n", sheet->status,
             phrase_of(sheet->status), sheet->content_type, sheet->body.len);
    if (sheet->status == 405)
        buf_adds(ret, "Allow: GET\r\n");
    if (sheet->status == 401)
        buf_adds(ret, "WWW-Authenticate: Bearer\r\n");
    buf_adds(ret, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n");
}
