#include "web/pages.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "web/debug_state.h"
#include "web/fleet_runner.h"
#include "web/fleet_stream.h"
#include "web/health.h"
#include "web/metrics.h"
#include "web/page_files.h"

static const struct reconciler *rec_of(void *arg)
{
    return ((const struct pages *)arg)->rec;
}

static int page_healthz(void *arg, const struct serve_request *request, struct buf *body)
{
    return health_page(&healthz, rec_of(arg), request, body);
}

static int page_readyz(void *arg, const struct serve_request *request, struct buf *body)
{
    return health_page(&readyz, rec_of(arg), request, body);
}

static int page_metrics(void *arg, const struct serve_request *request, struct buf *body)
{
    (void)request;
    metrics_page(rec_of(arg), body);
    return 200;
}

static int page_debug_state(void *arg, const struct serve_request *request, struct buf *body)
{
    return debug_state_page(rec_of(arg), request, body);
}

const struct serve_page public_pages[] = {
    {"/healthz", "text/plain; charset=utf-8", .render = page_healthz},
    {"/healthz/", "text/plain; charset=utf-8", .render = page_healthz},
    {"/readyz", "text/plain; charset=utf-8", .render = page_readyz},
    {"/readyz/", "text/plain; charset=utf-8", .render = page_readyz},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", .render = page_metrics, .shared = true, .guarded = true},
    {.path = NULL},
};

static int begin_stream_page(void *arg, const struct serve_request *request, struct serve_stream *stream,
                             void **ret_reader, struct buf *words)
{
    const struct pages *pages = arg;

    return fleet_stream_begin(pages->fleet, pages->auth, request, stream, ret_reader, words);
}

static int begin_runner_page(void *arg, const struct serve_request *request, struct serve_stream *stream,
                             void **ret_reader, struct buf *words)
{
    const struct pages *pages = arg;

    return fleet_runner_begin(pages->runners, pages->auth, request, stream, ret_reader, words);
}

static const struct serve_streaming fleet_streaming = {
    .begin = begin_stream_page, .next = fleet_stream_next, .end = fleet_stream_end};
static const struct serve_streaming runner_streaming = {
    .begin = begin_runner_page, .next = fleet_runner_next, .end = fleet_runner_end, .brief = true};

enum { FILES_MAX = 24 };

/* The page's files, of which the build knows how many there are, can be had by all: they tell nothing. */
static const struct serve_page own_pages[] = {
    {"/fleet/stream", "text/event-stream", .streaming = &fleet_streaming, .guarded = true},
    {"/fleet/runner", "application/json", .streaming = &runner_streaming, .guarded = true},
};
/* What people are at is nobody else's business: who can look at it may also forward a port of the pod. */
static const struct serve_page state_page = {"/debug/state", "application/json", .render = page_debug_state};

const struct serve_page *debug_pages(void)
{
    static struct serve_page pages[1 + ARRAY_LEN(own_pages) + FILES_MAX + 1];
    size_t len = 0;

    pages[len++] = state_page;
    for (size_t i = 0; i < ARRAY_LEN(own_pages); i++)
        pages[len++] = own_pages[i];
    for (const struct page_file *file = page_files; file->path; file++) {
        assert(len < ARRAY_LEN(pages) - 1);
        pages[len++] = (struct serve_page){file->path, file->content_type, .file = &file->file};
    }
    return pages;
}

const struct serve_page *fleet_pages(void)
{
    return debug_pages() + 1;
}
