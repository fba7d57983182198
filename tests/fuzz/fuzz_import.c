/* What other managers run by: whatever is in such a file is imported or told, each leaf of it once, and what is
 * imported can be read as an object again. */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "cli/import.h"
#include "fuzz.h"

static FILE *nowhere;

static void import_as(import_read_fn *read, const char *text, size_t len, struct arena *a)
{
    struct import im = {.a = a,
                        .adopt = len % 2,
                        .report.a = a,
                        .runners = arena_json(a, json_object_new_array()),
                        .secrets = arena_json(a, json_object_new_array())};
    const struct buf whole = {.data = (char *)text, .len = len};
    struct err err;

    if (!read(&im, "file", &whole, &err))
        return;
    import_prove(&im);
    import_report_print(&im.report, nowhere);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    if (!nowhere && !(nowhere = fopen("/dev/null", "w")))
        abort();
    import_as(import_read_config, text, len, a);
    import_as(import_read_helm, text, len, a);
    import_as(import_read_operator, text, len, a);
    import_as(import_read_alekc, text, len, a);
}
