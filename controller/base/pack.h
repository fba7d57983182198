/* Short texts that are much like each other, packed by what they have in common.
 *
 * A packed text is a text itself, without zero bytes: bytes that stand for themselves, and references of three bytes to
 * what came before, in the text or in a dictionary that is thought to stand in front of it. Text without control
 * characters never grows. A text that is short of four equal characters anywhere is its own packed form. */
#ifndef BASE_PACK_H
#define BASE_PACK_H

struct arena;

/* The packed text, in the arena. The dictionary is a constant of the program; what is likely to come comes last. */
char *pack(const char *text, const char *dictionary, struct arena *a);
/* The text again; NULL when it was not packed with this dictionary. */
char *unpack(const char *packed, const char *dictionary, struct arena *a);

#endif
