/* What a tree of JSON may look like, as tables, and the one walk along them.
 *
 * Two files of tables are generated: crd_shape.c from the CRD, which is the home of all bounds of a GitLabRunner's
 * fields, and config_keys.c from the source of gitlab-runner. */
#ifndef RUNNER_SHAPE_H
#define RUNNER_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct complaints;
struct json_object;

enum shape_type {
    SHAPE_ANY,
    SHAPE_TEXT,
    SHAPE_FLAG,
    SHAPE_WHOLE,         /* of 64 bits                            */
    SHAPE_WHOLE32,       /* of 32 bits                            */
    SHAPE_NUMBER,        /* with a fraction or without            */
    SHAPE_WHOLE_OR_TEXT, /* a quantity                            */
    SHAPE_DURATION,      /* text such as "1h30m", as Go takes it  */
    SHAPE_OBJECT,
    SHAPE_TABLE, /* an object in config.toml                      */
    SHAPE_MAP,   /* an object of `each`, with keys of any name    */
    SHAPE_LIST,  /* of `each`                                     */
    SHAPE_ONE_OR_LIST,
};

enum shape_rule_kind {
    RULE_PATTERN, /* of POSIX, extended; about texts alone */
    RULE_BEGINS,
    RULE_LACKS,
    RULE_QUANTITY, /* of Kubernetes, and not below zero */
    RULE_ADDRESS,  /* IPv4 or IPv6                      */
};

struct shape_rule {
    enum shape_rule_kind kind;
    const char *argument;
    const char *message; /* what the value must be; NULL: the table's end */
};

struct shape_member {
    const char *name; /* NULL: the table's end */
    const struct shape *shape;
    const char *needed; /* NULL: it may be left out; else what it is ("the name of a Secret"), or "" */
};

struct shape {
    enum shape_type type;
    bool open;          /* members that are not known may be there      */
    bool defaulted;     /* null stands for the default                  */
    bool unique;        /* no entry of the list is there twice …        */
    int64_t min, max;   /* of a number; both 0: any                     */
    int64_t otherwise;  /* the default of a number                      */
    size_t least, most; /* characters of a text, entries of a list, members of an object; most 0: any */
    const char *words;  /* "a, b": the texts that it may be; NULL: any  */
    const struct shape_rule *rules;
    const struct shape_member *members; /* of a map: the names that are known in it */
    const struct shape *each;
    const char *const *keys; /* … which these members tell; NULL: all of it */
};

/* The whole object. What is in metadata and status has any shape. */
extern const struct shape crd_shape;

/* A place in the tree that is walked through: a member of what it is in, or (name NULL) an entry. */
struct shape_place {
    const struct shape_place *in;
    const char *name;
    size_t entry;
};

struct shape_walk;
/* The shape of a member, NULL: it is not gone into. */
typedef const struct shape *shape_member_fn(struct shape_walk *w, const struct shape *in, const char *name,
                                            struct json_object *value, const struct shape_place *at);

struct shape_walk {
    struct complaints *all;  /* which are added to            */
    bool bounds;             /* more than types counts        */
    shape_member_fn *member; /* NULL: shape_of_member()       */
    void *context;           /* of that function              */
    bool wrong;              /* something was complained of   */
};

/* Walks through the value, which is at the path. Whatever it holds, nothing worse than a complaint comes of it.
 * Null is passed over, as a member that is not there, where a map or list is to be, where there is a default, and in
 * what is open; it is of the wrong type elsewhere, and as an entry of a list. */
void shape_walk(struct shape_walk *w, const struct shape *shape, struct json_object *value, const char *path);

/* The path as a person writes it, "spec.tags[0]", with long keys shortened. The arena owns it. */
const char *shape_path(const struct shape_place *at, struct arena *a);

/* The entry of that name among the members, NULL: there is none; and the shape that a member of that name has: its own,
 * or that of all in a map. */
const struct shape_member *shape_member(const struct shape *shape, const char *name);
const struct shape *shape_of_member(const struct shape *shape, const char *name);
/* The shape at a path of members ("spec.cache"); NULL: there is none. */
const struct shape *shape_find(const struct shape *shape, const char *path);
/* The member whose name is most like that one; NULL: none is like it. */
const char *shape_near(const struct shape *shape, const char *name);

/* Which of `words` ("a, b, c") the word is; -1: none. */
int word_index(const char *words, const char *word);

#endif
