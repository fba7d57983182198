#include "cli/print.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/yaml.h"

enum { DOCUMENT_MAX_BYTES = 256 << 20 };

void print_documents(struct json_object *list)
{
    cleanup_buf struct buf text;

    buf_init(&text, DOCUMENT_MAX_BYTES);
    for (size_t i = 0; i < json_len(list); i++) {
        buf_clear(&text);
        yaml_write(json_at(list, i), &text);
        fputs(text.data, stdout);
    }
}
