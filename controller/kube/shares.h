/* How much of what is kept belongs to which namespace, and who gives way when all of it is too much.
 *
 * All namespaces together have a budget. While there is room, anybody may have it. When there is none, a namespace may
 * still grow as long as another one holds more than it would then: the heaviest gives way. So the sum never exceeds the
 * budget, as long as who takes has asked (shares_fit()), and nobody is pushed out by a namespace that holds less than
 * itself: of n namespaces each has its nth part for sure.
 *
 * What was left out is counted by namespace: as long as there is something, that an object is not kept says nothing. */
#ifndef KUBE_SHARES_H
#define KUBE_SHARES_H

#include <stdbool.h>
#include <stddef.h>

struct shares;

/* budget: bytes. */
struct shares *shares_create(size_t budget);
void shares_destroy(struct shares *shares);
void shares_set_budget(struct shares *shares, size_t budget);

/* The namespace holds so much more, or less. */
void shares_take(struct shares *shares, const char *ns, size_t bytes);
void shares_give(struct shares *shares, const char *ns, size_t bytes);
size_t shares_held(const struct shares *shares, const char *ns);
/* There is room again for what was left out: a good part of the budget. */
bool shares_have_room(const struct shares *shares);

/* Whether the namespace may have so much more. If not: NULL, or the namespace that has to give way first (lent until
 * the next change). */
bool shares_fit(const struct shares *shares, const char *ns, size_t bytes, const char **ret_heaviest);

/* Something of the namespace is not kept; or is kept after all, or gone. */
void shares_leave_out(struct shares *shares, const char *ns);
void shares_let_in(struct shares *shares, const char *ns);
/* How many; ns NULL: of all namespaces. */
size_t shares_left_out(const struct shares *shares, const char *ns);
/* A list counts them anew, for its namespace or "": all. */
void shares_list_begin(struct shares *shares, const char *ns);
void shares_leave_out_listed(struct shares *shares, const char *ns);
void shares_list_end(struct shares *shares, const char *ns);

#endif
