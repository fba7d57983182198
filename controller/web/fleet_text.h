/* Texts that many rows of the fleet page have, each kept once, as JSON. */
#ifndef WEB_FLEET_TEXT_H
#define WEB_FLEET_TEXT_H

#include "base/map.h"

/* One text. Two that are equal are the same one. */
struct fleet_text {
    unsigned refs;
    unsigned event, index; /* its place in the dictionary of the event that was numbered so: fleet_event.h */
    char json[];
};

/* All zeroes: none. */
struct fleet_texts {
    struct map by_json; /* keys are lent by the texts */
};

/* The caller has a reference. */
struct fleet_text *fleet_text_get(struct fleet_texts *texts, const char *json);
/* Gives one back. NULL is fine. */
void fleet_text_put(struct fleet_texts *texts, struct fleet_text *text);
/* All must have been given back. */
void fleet_texts_finish(struct fleet_texts *texts);

#endif
