/* Conversations with the stand-in for GitLab (e2e/standin/record.py), held with the simulation's GitLab. */
#ifndef TESTS_MODEL_GITLAB_REPLAY_H
#define TESTS_MODEL_GITLAB_REPLAY_H

#include "tests/model/compare.h"

struct gitlab_replay;

struct gitlab_replay *gitlab_replay_create(struct differences *differences);
void gitlab_replay_destroy(struct gitlab_replay *replay);
/* The next line of the record. */
void gitlab_replay_line(struct gitlab_replay *replay, struct json_object *line);
/* How many answers have been compared. */
size_t gitlab_replay_compared(const struct gitlab_replay *replay);

#endif
