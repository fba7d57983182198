/* TOML: whatever is in a file is read, or refused with an error; and what is written of it reads back as the same. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/toml_read.h"
#include "fuzz.h"
#include "runner/toml.h"

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct err err = {0};
    struct json_object *tree = arena_json(a, toml_read("file", text, len, NULL, &err)), *again;
    const char *written;

    if (!tree) {
        if (strncmp(err.text, "file:", 5) != 0)
            abort();
        return;
    }
    if (strstr(text, "nan") || strstr(text, "inf"))
        return; /* the writer is never given these: spec.config may not have them */
    written = toml_text(tree, a);
    again = arena_json(a, toml_read("written", written, strlen(written), NULL, &err));
    if (!again)
        abort();
}
