/* Conversations with kube-apiserver (pack.py), held with the simulation's API server. */
#ifndef TESTS_MODEL_API_REPLAY_H
#define TESTS_MODEL_API_REPLAY_H

#include "tests/model/compare.h"

struct api_replay;

struct api_replay *api_replay_create(struct differences *differences);
void api_replay_destroy(struct api_replay *replay);
/* The next line of the record; takes it over. */
void api_replay_line(struct api_replay *replay, struct json_object *line);
/* When all lines are there. How many answers have been compared. */
size_t api_replay_run(struct api_replay *replay);

#endif
