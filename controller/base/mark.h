/* A mark, "PREFIX=VALUE", is a line of a text that people write, too. */
#ifndef BASE_MARK_H
#define BASE_MARK_H

#include <stdbool.h>

/* Whether the last line of the text that is a mark of this PREFIX is this very mark. Not one within a line, nor one
 * that others come after: whoever writes the rest of the text cannot have it taken for another's. */
bool has_mark(const char *text, const char *mark);
/* Whether any line of the text is a mark of this PREFIX, "PREFIX=": somebody's, or one that was somebody's once. */
bool has_any_mark(const char *text, const char *prefix);

#endif
