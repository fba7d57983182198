/* The rules of judge_spec(): private to judge*.c. */
#ifndef RUNNER_JUDGE_PARTS_H
#define RUNNER_JUDGE_PARTS_H

#include "runner/judge.h"
#include "runner/spec_parts.h"

/* What a rule looks at. */
struct judged {
    const struct spec *spec;
    struct json_object *json;       /* the spec as it was written                                       */
    struct json_object *tree;       /* config.toml, with placeholders for what is secret                */
    struct json_object *runner;     /* its [[runners]]                                                  */
    struct json_object *kubernetes; /* [runners.kubernetes]                                             */
    struct warnings *warnings;
    struct arena *a;
    struct err *err;
};

/* A warning: the field, what will happen, the cure. */
#define judged_warn(j, ...) warn((j)->warnings, (j)->a, __VA_ARGS__)
/* What cannot work: the field, the reason, the remedy. */
#define judged_refuse(j, ...) spec_invalid((j)->err, __VA_ARGS__)

/* judge_rights.c: what the managers may do. */
void judge_rights(const struct judged *j);

#endif
