/* What must hold, whatever happens. Each has a sabotage that it catches (sabotage.h). */
#ifndef TESTS_SIM_PROPERTIES_H
#define TESTS_SIM_PROPERTIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange_request;
struct gitlab_runner;
struct json_object;
struct seen;
struct story;
struct wish;

/* From now on whatever is sent, written, said and logged is looked at. */
void properties_watch(struct story *story);
/* All that must be so when nothing more happens. */
void properties_at_rest(struct story *story);
/* … and when all GitLabRunners have been deleted. */
void properties_at_the_end(struct story *story);

/* properties_tokens.c: a token in the text, "" when there is none; lent until the next call. */
const char *token_in(const char *text, size_t len);
void tokens_check_request(struct story *story, const struct exchange_request *request);
void tokens_check_log(void *arg, int replica, const char *line);

/* properties_reports.c */
void reports_note(struct story *story, const struct exchange_request *request);
/* What was told by one Event stands for one runner. */
struct reports {
    const struct seen *seen;
    uint64_t taken;          /* by place */
    unsigned possible, kept; /* of those that are taken */
};
/* False: nobody was told that this one is left behind. */
bool reports_take(struct reports *left, int gitlab, const struct gitlab_runner *runner);

/* properties_gitlab.c, properties_objects.c */
void runners_check(struct story *story);
/* It was made just now, in that mode (enum spec_mode). */
void runners_note_made(struct story *story, int gitlab, uint64_t id, unsigned mode);
/* The object is about to be moved, or to go by force: who has made what its token Secret does not tell of is alone to
 * know of it (LOST_ALONE). Its namespace is about to go, and the credential with it: what that Secret does not tell of
 * cannot be looked for (LOST_KEYLESS). It has gone, and wished its runner to stay: nobody looks for one that was lost
 * (LOST_WANTED). */
void runners_note_lost(struct story *story, const struct wish *wish, struct json_object *object, unsigned why);
void objects_check(struct story *story);
/* Of its children, by what is nobody's, or not the operator's: "secrets", "-runner-token". */
bool is_name_taken(const struct story *story, const struct wish *wish, const char *resource, const char *suffix);
/* What its condition Ready says. */
bool object_is_ready(struct json_object *object);
/* properties_content.c: of an object that says that all is well. */
void contents_check(struct story *story, const struct wish *wish, struct json_object *object);
/* What was edited last has been seen to. */
void objects_check_served(struct story *story, const struct wish *wish);

/* properties_view.c: what a replica knows is what there is. */
void view_check(struct story *story);

/* fairness.c: something goes on, and an edit is served meanwhile. */
void be_fair(struct story *story);

#endif
