#include "runner/steering.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/shorten.h"
#include "base/time.h"
#include "runner/names.h"
#include "runner/spec.h"

/* NULL when there is none, or it is empty. */
static const char *steering_word(struct json_object *annotations, const char *name)
{
    struct json_object *value = json_member(annotations, name);
    const char *text = value ? json_string(value) : "";

    return *text ? text : NULL;
}

static const char *cut_word(struct json_object *annotations, const char *name, size_t max, struct arena *a)
{
    const char *text = steering_word(annotations, name);

    return text ? shorten(arena_strdup(a, text), max) : NULL;
}

/* It goes into ANNOTATION_INPUTS, where a blank ends it. */
static const char *plain_word(const char *text, struct arena *a)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+.:_";

    if (!text || (strlen(text) <= STEERING_RESTART_MAX && strspn(text, plain) == strlen(text)))
        return text;
    return digest_short(text, strlen(text), a);
}

static void read_pause(struct json_object *annotations, struct steering *ret, struct arena *a)
{
    const char *until = steering_word(annotations, ANNOTATION_PAUSED_UNTIL);
    int64_t time = time_parse(until);

    if (!until)
        return;
    ret->paused_until = strcmp(until, UNTIL_RESUMED) == 0 ? FOR_EVER : time > 0 ? time : 0;
    if (!ret->paused_until)
        ret->unread = arena_strdup(a, shown(until, STEERING_NAME_MAX).text);
    ret->paused_by = cut_word(annotations, ANNOTATION_PAUSED_BY, STEERING_NAME_MAX, a);
    ret->pause_reason = cut_word(annotations, ANNOTATION_PAUSE_REASON, STEERING_REASON_MAX, a);
}

static void judge_pause(struct spec *spec, struct arena *a)
{
    const struct steering *s = &spec->steering;

    if (s->unread)
        warn(&spec->warnings, a,
             "the annotation " ANNOTATION_PAUSED_UNTIL " is \"%s\", so nothing is paused: write a time such as "
             "2026-01-02T11:14:00Z, or " UNTIL_RESUMED,
             s->unread);
    if (s->paused_until && spec->authentication != AUTH_ACCESS_TOKEN)
        warn(&spec->warnings, a,
             "the annotation " ANNOTATION_PAUSED_UNTIL " has no effect: only an access token gives a right to pause a "
             "runner. Pause it at GitLab, or set spec.manager.replicas to 0, which lets jobs end");
}

void steering_read(struct json_object *annotations, struct spec *spec, struct arena *a)
{
    struct json_object *rotate = json_member(annotations, ANNOTATION_ROTATE_TOKEN),
                       *set = json_member(annotations, ANNOTATION_SET_AT_GITLAB);

    spec->steering = (struct steering){
        .rotate = rotate ? json_string(rotate) : NULL,
        .set_at_gitlab = set ? json_string(set) : NULL,
        .restart = plain_word(steering_word(annotations, ANNOTATION_RESTART), a),
    };
    read_pause(annotations, &spec->steering, a);
    assert(!spec->steering.unread || !spec->steering.paused_until);
    judge_pause(spec, a);
}

bool steering_pauses(const struct spec *spec, int64_t now)
{
    return spec->authentication == AUTH_ACCESS_TOKEN && spec->steering.paused_until > now;
}

const char *steering_pause_text(const struct steering *s, struct arena *a)
{
    bool ends = s->paused_until != FOR_EVER;

    assert(s->paused_until);
    return arena_printf(a, "%s%s%s%s%s", ends ? "until " : "until it is resumed",
                        ends ? time_format(s->paused_until, a) : "", s->paused_by ? (ends ? " by " : ", by ") : "",
                        s->paused_by ? s->paused_by : "",
                        s->pause_reason ? arena_printf(a, ": %s", s->pause_reason) : "");
}
