/* Objects of other operators, as kubectl prints them: several documents, Lists, JSON. */
#ifndef CLI_IMPORT_OBJECTS_H
#define CLI_IMPORT_OBJECTS_H

#include "cli/import.h"

struct import_objects {
    struct json_object *all, *marks; /* lists of the same length, the arena's */
};

/* Reads all objects of a text. False and *err: it is no YAML, or has something that is no object. */
bool import_objects_read(struct import *im, const char *name, const struct buf *text, struct import_objects *ret,
                         struct err *err);
/* Adds the source of each object of a kind of the group, and has it imported; of the others one line is told. False and
 * *err: there is none. The namespace of what is imported is the object's, unless another one is asked for. */
bool import_objects_each(struct import *im, const char *name, const struct import_objects *objects, const char *group,
                         void (*import)(struct import *im, struct import_source *source,
                                        const struct import_objects *objects),
                         struct err *err);
/* The text that a Secret or ConfigMap among the objects has under a key; NULL: there is none. The arena's. */
const char *import_objects_text(struct import *im, const struct import_objects *objects, const char *kind,
                                const char *name, const char *key);
/* Tells what each object has beside its spec. */
void import_object_tell(struct import *im, struct import_source *source);

#endif
