/* One call on its way. Private to gitlab/: api.c starts calls, find.c and proof.c have those that take more than one
 * request, op.c sends each request through the gate, door.c says where it goes. */
#ifndef GITLAB_OP_H
#define GITLAB_OP_H

#include "base/arena.h"
#include "base/digest.h"
#include "gitlab/api.h"
#include "net/http.h"

struct search;

struct gitlab {
    struct loop *loop;
    struct http *http;
    struct gate *gate;
    struct gitlab_policy policy;
    struct digest_key callers; /* the gate tells credentials apart by it, and has none */
    struct gitlab_egress egress;
    struct followed *proxy_auth, *proxy_ca; /* NULL: none */
};

typedef void op_reply_fn(struct gitlab_op *op, const struct http_reply *reply);

enum op_state {
    OP_RESTING, /* between requests: what comes next is decided, or paced */
    OP_AT_GATE, /* next_request waits for the gate, or to be refused       */
    OP_ASKING,  /* it is on its way: request                              */
};

struct gitlab_op {
    struct gitlab *gitlab;
    enum op_state state;
    struct gitlab_request call;
    gitlab_done_fn *done;
    void *arg;
    struct gate_pass pass;
    bool proxied;
    struct http_request next_request; /* goes out when the gate lets it through                              */
    op_reply_fn *on_reply;
    uint64_t request;             /* in flight; 0: none                                                        */
    int64_t asked_us;             /* when it, or else the call, began                                          */
    int64_t date_s;               /* GitLab's clock, as it said last; 0: it has not                            */
    struct err failure;           /* what the latest reply means when it is not the one that was hoped for     */
    struct gitlab_answer doubted; /* proof.c: a refusal, while GitLab is asked whether it is its own     */
    struct search *search;        /* find.c; NULL; in mem                                                      */
    struct loop_timer *pace;      /* … when it goes on                                                         */
    struct arena mem;             /* of the call: copies of everything in it                                   */
    struct arena step;            /* of one request and its answer: it begins anew with the next               */
};

/* How a request is put, and which answer is hoped for. */
struct op_message {
    const char *method, *path; /* of the API, with a leading slash         */
    const char *body;          /* JSON; NULL: none                         */
    bool with_token;           /* the access token goes along, in a header */
    size_t max_answer;
};

/* door.c: is this called through the proxy, and may it be called at all? */
bool door_is_proxied(const struct gitlab *gitlab, const char *url, const char *address);
bool door_admits(const struct gitlab *gitlab, const char *url, const char *address, struct err *ret_err);

/* op_shape.c: how each call is put. Runner and registration tokens travel in the body, access tokens in a header. */
struct op_shape {
    const char *method, *path; /* %lld: runner id, of a list the page */
    bool token_in_body, attributes;
    int ok;
    size_t max_answer;
};

/* Of all kinds but GITLAB_OP_FIND. */
const struct op_shape *op_shape(enum gitlab_op_kind kind);

/* op.c. A call that has sent nothing yet; everything in *call is copied. */
struct gitlab_op *op_create(struct gitlab *gitlab, const struct gitlab_request *call, gitlab_done_fn *done, void *arg);
/* It ends with err, but not from within. */
void op_refuse(struct gitlab_op *op, const struct err *err);
/* Sends a request of the call; on_reply is told how it went, unless the gate refuses: then the call has ended. Texts
 * are copied. */
void op_send(struct gitlab_op *op, const struct op_message *message, op_reply_fn *on_reply);
/* True when the reply has the status. Else the call ends with op->failure. */
bool op_expect(struct gitlab_op *op, const struct http_reply *reply, int status);
/* The reply as what this call is answered with (answer.c), lent until the next request. NULL: it is not, and the call
 * has ended with UnexpectedAnswer. */
struct json_object *op_read(struct gitlab_op *op, const struct http_reply *reply);
/* The end of the call. */
void op_answer(struct gitlab_op *op, const struct gitlab_answer *answer);
void op_answer_error(struct gitlab_op *op, const struct err *err, bool ambiguous);

/* The number of the page after this one, by X-Next-Page; 0: this was the last; -1: that is none. */
int64_t page_after(const char *text, int64_t page);

/* find.c: GITLAB_OP_FIND. */
void search_begin(struct gitlab_op *op);

/* proof.c: the refusal, in the words that GitLab has for it, and no others: somebody may lose a runner by believing it.
 */
bool refusal_is_in_gitlabs_words(enum gitlab_op_kind op, const struct http_reply *reply);
/* Asks what every GitLab answers to whom it lets in: then the call ends with `doubted`, proven; else with Unconfirmed.
 */
void op_prove(struct gitlab_op *op, const struct gitlab_answer *doubted);

/* answer.c: what is read of GitLab's answers, and how much of it there may be. NULL when the body of a good answer is
 * whole and within bounds; else which member is not ("token"). */
const char *answer_complaint(enum gitlab_op_kind kind, struct json_object *body);
/* Whether the answer's id is the runner's: of the others it is nobody's, or of something else. */
bool answer_names_runner(enum gitlab_op_kind kind);
/* Whether the answer has a token, and when it ends: what others say of one is not looked at. */
bool answer_gives_token(enum gitlab_op_kind kind);

#endif
