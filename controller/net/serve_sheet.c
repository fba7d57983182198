#include "net/serve_sheet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum { BODY_MAX = 4 << 20, MAKING_SHARE = 20 /* see serve.h */ };

static struct sheet *begin_sheet(int status)
{
    struct sheet *sheet = mem_alloc(sizeof(*sheet));

    *sheet =
        (struct sheet){.refs = 1, .status = status, .content_type = "text/plain; charset=utf-8", .made_us = clock_us()};
    buf_init(&sheet->body, BODY_MAX);
    return sheet;
}

static struct sheet *end_sheet(struct sheet *sheet)
{
    if (sheet->body.full) {
        buf_clear(&sheet->body);
        sheet->status = 500;
    }
    if (sheet->body.len == 0 && sheet->status >= 400)
        buf_addf(&sheet->body, "%d\n", sheet->status);
    sheet->cost_us = clock_us() - sheet->made_us;
    return sheet;
}

struct sheet *sheet_of_status(int status)
{
    return end_sheet(begin_sheet(status));
}

struct sheet *sheet_of_words(int status, struct buf *words)
{
    struct sheet *sheet = begin_sheet(status);

    if (words->len)
        sheet->content_type = "application/json";
    buf_add(&sheet->body, words->data, words->len);
    buf_finish(words);
    return end_sheet(sheet);
}

static bool takes_gzip(const struct serve_request *request)
{
    const char *at = request->accept_encoding ? strstr(request->accept_encoding, "gzip") : NULL;

    return at && strncmp(at + strlen("gzip"), ";q=0", 4) != 0;
}

struct sheet *sheet_of_file(const struct serve_page *page, const struct serve_request *request)
{
    const struct serve_file *file = page->file;
    bool known = request->if_none_match && strstr(request->if_none_match, file->etag), gzip = takes_gzip(request);
    struct sheet *sheet = begin_sheet(known ? 304 : 200);

    sheet->etag = file->etag;
    sheet->content_type = page->content_type;
    sheet->encoding = !known && gzip ? "gzip" : NULL;
    if (!known)
        buf_add(&sheet->body, gzip ? file->gzip : file->plain, gzip ? file->gzip_len : file->plain_len);
    return end_sheet(sheet);
}

struct sheet *sheet_render(const struct serve_page *page, void *arg, const struct serve_request *request)
{
    struct sheet *sheet = begin_sheet(200);

    sheet->status = page->render(arg, request, &sheet->body);
    end_sheet(sheet);
    if (sheet->status < 400)
        sheet->content_type = page->content_type;
    return sheet;
}

struct sheet *sheet_share(struct sheet **kept, const struct serve_page *page, void *arg,
                          const struct serve_request *request)
{
    if (!*kept || clock_us() - (*kept)->made_us >= (*kept)->cost_us * MAKING_SHARE) {
        sheet_release(*kept);
        *kept = sheet_render(page, arg, request);
    }
    (*kept)->refs++;
    return *kept;
}

void sheet_release(struct sheet *sheet)
{
    assert(!sheet || sheet->refs > 0);
    if (!sheet || --sheet->refs > 0)
        return;
    buf_finish(&sheet->body);
    free(sheet);
}
