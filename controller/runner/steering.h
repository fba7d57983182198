/* What people ask of a runner by annotations on its object: to pause it for a while, to give it a new token, to replace
 * its managers' pods. They stand beside the spec, so that whoever keeps the spec in git can leave them to others, or
 * keep them there as well. A word that cannot be read asks for nothing, and is warned of. */
#ifndef RUNNER_STEERING_H
#define RUNNER_STEERING_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct json_object;
struct spec;

#define FOR_EVER INT64_MAX

enum { STEERING_NAME_MAX = 60, STEERING_REASON_MAX = 200, STEERING_RESTART_MAX = 60 }; /* bytes that are told of */

struct steering {
    const char *rotate;        /* ANNOTATION_ROTATE_TOKEN; NULL: none                                        */
    const char *restart;       /* what the pods are to have; a value that is no plain word is a digest; NULL: none */
    const char *set_at_gitlab; /* ANNOTATION_SET_AT_GITLAB; NULL: none                                       */
    int64_t paused_until;      /* seconds since 1970; FOR_EVER: until it is taken away; 0: it is not asked for */
    const char *unread; /* ANNOTATION_PAUSED_UNTIL, when that says no time, cut; NULL: it does, or is not there */
    const char *paused_by, *pause_reason; /* cut; NULL: not given */
};

/* Reads an object's annotations (NULL: it has none) into spec->steering; the texts are lent by them, or the arena's.
 * What they ask for in vain joins spec->warnings. The authentication has been read before. */
void steering_read(struct json_object *annotations, struct spec *spec, struct arena *a);

/* Whether the annotations pause the runner at this time (seconds since 1970). Only an access token can: no other
 * credential may change what GitLab keeps. */
bool steering_pauses(const struct spec *spec, int64_t now);

/* "until 2026-01-02T11:14:00Z by anna: disk", of a pause that is asked for. */
const char *steering_pause_text(const struct steering *steering, struct arena *a);

#endif
