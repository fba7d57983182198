/* What an object is known by: its kind, its namespace and its name. As one text, "Deployment/ci/builds", that is how
 * it is named in queues and maps, and in the annotation that says whose child an object is. */
#ifndef BASE_KEY_H
#define BASE_KEY_H

#include <stdbool.h>

enum { KEY_PART_SIZE = 64, KEY_NAME_SIZE = 512, KEY_TEXT_SIZE = 2 * KEY_PART_SIZE + KEY_NAME_SIZE };

struct key {
    char kind[KEY_PART_SIZE]; /* "": the text says none, as those of release 0.1.0 */
    char ns[KEY_PART_SIZE];   /* "": of a kind without namespaces                  */
    char name[KEY_NAME_SIZE];
};

/* key_text(…).text lives as long as what calls with it; what is longer than Kubernetes' names is cut. */
struct key_text {
    char text[KEY_TEXT_SIZE];
};
struct key_text key_text(const char *kind, const char *ns, const char *name);

/* Any text may be asked about. False, with nothing but empty parts, when it is no key. */
bool key_parse(const char *text, struct key *ret);
/* For people, who know the kind: "ci/builds", the end of the text. */
const char *key_path(const char *text);

#endif
