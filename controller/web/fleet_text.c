#include "web/fleet_text.h"

#include <assert.h>
#include <string.h>

#include "base/keep.h"

static size_t text_size(const char *json)
{
    return sizeof(struct fleet_text) + strlen(json) + 1;
}

struct fleet_text *fleet_text_get(struct fleet_texts *texts, const char *json)
{
    struct fleet_text *text = map_get(&texts->by_json, json);

    if (!text) {
        text = keep_alloc(text_size(json));
        strcpy(text->json, json);
        texts->by_json.lent = true;
        map_set(&texts->by_json, text->json, text);
    }
    text->refs++;
    return text;
}

void fleet_text_put(struct fleet_texts *texts, struct fleet_text *text)
{
    if (!text)
        return;
    assert(text->refs > 0);
    if (--text->refs > 0)
        return;
    map_remove(&texts->by_json, text->json);
    keep_free(text, text_size(text->json));
}

void fleet_texts_finish(struct fleet_texts *texts)
{
    assert(texts->by_json.len == 0);
    map_finish(&texts->by_json);
}
