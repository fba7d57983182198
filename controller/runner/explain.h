/* What is said of a GitLabRunner: the one text of `list`, `explain`, the fleet page and whoever else tells of it. Pure,
 * as the decision is. All texts are prose for people, without any token; they may quote names and messages that others
 * have written, so whoever prints them makes escape codes harmless. */
#ifndef RUNNER_EXPLAIN_H
#define RUNNER_EXPLAIN_H

#include "runner/observed.h"

/* How it stands with a runner, worst first: the order in which people want to see them. */
enum standing {
    STANDING_STOPPED,  /* a person has to act                                                    */
    STANDING_RETRIES,  /* something is wrong, and it is tried again                              */
    STANDING_UNSERVED, /* no operator has said anything of it, or of its spec as it is now       */
    STANDING_WORKS,    /* it is on its way                                                       */
    STANDING_LEAVES,   /* it is deleted, and its managers finish their jobs                      */
    STANDING_RESTS,    /* somebody wants it so: it is suspended                                  */
    STANDING_WARNS,    /* it takes jobs, but something will not work as it is meant              */
    STANDING_GOOD,
    STANDINGS,
};

/* What the object says of itself. It is all that `list` needs, and as good as free. */
struct headline {
    enum standing standing;
    const char *reason;  /* of Ready, as in the column STATUS; "": it has none           */
    const char *message; /* … and its sentence; ""                                       */
    int64_t since;       /* of Ready's last change, in seconds since 1970; 0: not known  */
    const char *text;    /* "not ready for 14m, UntrustedCertificate"                    */
};

/* status lends; NULL: the object has none. generation: of the object, whose spec may be newer than what the status is
 * about. now: seconds since 1970. */
struct headline explain_headline(struct json_object *status, int64_t generation, int64_t now, struct arena *a);

/* "stopped", "retries", "unserved", "works", "leaves", "rests", "warns", "good". */
const char *standing_name(enum standing standing);
/* Somebody should look: it is stopped, or nobody serves it. What is tried again may heal by itself. */
bool standing_needs_somebody(enum standing standing);

/* What to do about a reason of a condition, as docs/conditions.md has it; NULL: nothing, or it is not in there. */
const char *remedy_of(const char *reason);

/* How a rule stands. */
enum mark {
    MARK_OK,          /* what it says is so                                            */
    MARK_WAITS,       /* something goes on by itself, or is tried again                */
    MARK_STOP,        /* a person has to act                                           */
    MARK_WOULD,       /* this is done next                                             */
    MARK_NOT_REACHED, /* a rule before it has its say first                            */
    MARK_MOOT,        /* of a table that need not be gone through                      */
};
/* "ok", "waits", "STOP", "would", "-", "" */
const char *mark_name(enum mark mark);

struct explained_rule {
    const char
        *table;       /* "rights", "registration", "registering" (below its rule "registered"), "manager", "deletion" */
    const char *name; /* unique in its table */
    const char *says; /* what is so when it is MARK_OK */
    enum mark mark;
    unsigned depth;     /* 1: of a table that the rule before leads to, which says the same then   */
    const char *reason; /* of MARK_WAITS and MARK_STOP, as in a condition; else NULL               */
    const char *why;    /* MARK_WAITS, MARK_STOP: why; MARK_WOULD: what would be done; else NULL   */
};

struct explained_condition {
    const char *type, *status, *reason, *message;
    int64_t since;      /* seconds since 1970; 0: not known                               */
    const char *remedy; /* NULL: there is nothing to be done about it                     */
};

enum { ADVICE_COMMANDS_MAX = 2, EXPLAINED_RULES_MAX = 64, EXPLAINED_CONDITIONS_MAX = 16 };

/* The one thing to do. */
struct advice {
    const char *text; /* NULL: nothing is to be done */
    /* To be copied into a shell, NULL ends them; "…" stands for what is secret, or only a person knows. None of them
     * changes the object itself. */
    const char *commands[ADVICE_COMMANDS_MAX + 1];
    /* Where the object is to be changed: "spec.caSecretRef", and to what: "{name: builds-ca}" or NULL when only a
     * person knows. Who keeps it in git changes it there; `edit` is the command for who does not, NULL without a value.
     */
    const char *field, *value, *edit;
};

struct explanation {
    struct headline headline; /* as the object says */
    /* As it looks from here, by the rules: what Ready would say; NULL: something is to be done first. `same`: the
     * object says so, too. */
    const char *reason, *message;
    bool same;
    struct explained_rule rules[EXPLAINED_RULES_MAX]; /* each rule of each table that counts, once, in their order */
    size_t rules_len;
    const struct explained_rule *decisive; /* the one that it stands at, of rules[]; NULL: nothing is left to do */
    struct explained_condition conditions[EXPLAINED_CONDITIONS_MAX];
    size_t conditions_len;
    const char *next; /* what happens next, and what for; never NULL                                  */
    int64_t next_ms;  /* in how long; 0: at once; -1: when something changes, or it is not known      */
    struct advice advice;
};

/* Goes through the rules as decide() does, for a runner at rest: *o as gather.h fills it. What nobody has read (the
 * content of Secrets) is taken for good, unless the object's status says otherwise; so a caller who may read it does so
 * first, as long as decide() says ACT_READ. With o->bystander so it is with calls and writes. Fills *ret; the arena has
 * its texts, *o lends others. */
void explain(const struct observed *o, struct explanation *ret, struct arena *a);

/* The same as data: {headline, standing, reason, message, since, seen: {reason, message, same}, rules: [{table, name,
 * says, mark, reason, why}], conditions: [{type, status, reason, message, since, remedy}], next: {text, ms}, doThis:
 * {text, commands, field, value, edit}}. The caller owns it. */
struct json_object *explanation_json(const struct explanation *e);

#endif
