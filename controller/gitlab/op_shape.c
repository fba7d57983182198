#include <assert.h>

#include "base/mem.h"
#include "gitlab/op.h"

enum {
    ANSWER_MAX = 64 << 10, /* most have some hundred bytes; pages of proxies have more, and are told of */
    SHOWN_MAX = 128 << 10, /* a runner as GitLab shows it: some 500 projects that share one */
    PAGE_MAX = 320 << 10,  /* 50 runners with the longest descriptions that GitLab takes     */
};

static const struct op_shape shapes[] = {
    [GITLAB_OP_REGISTER] = {"POST", "/runners", true, true, 201, ANSWER_MAX},
    [GITLAB_OP_CREATE] = {"POST", "/user/runners", false, true, 201, ANSWER_MAX},
    [GITLAB_OP_VERIFY] = {"POST", "/runners/verify", true, false, 200, ANSWER_MAX},
    [GITLAB_OP_RESET] = {"POST", "/runners/%lld/reset_authentication_token", false, false, 201, ANSWER_MAX},
    [GITLAB_OP_UPDATE] = {"PUT", "/runners/%lld", false, true, 200, SHOWN_MAX},
    [GITLAB_OP_DEREGISTER] = {"DELETE", "/runners", true, false, 204, ANSWER_MAX},
    [GITLAB_OP_REMOVE] = {"DELETE", "/runners/%lld", false, false, 204, ANSWER_MAX},
    [GITLAB_OP_SHOW] = {"GET", "/runners/%lld", false, false, 200, SHOWN_MAX},
    [GITLAB_OP_VERSION] = {"GET", "/version", false, false, 200, ANSWER_MAX},
    [GITLAB_OP_SELF] = {"GET", "/personal_access_tokens/self", false, false, 200, ANSWER_MAX},
    [GITLAB_OP_LIST] = {"GET", "/runners?per_page=50&page=%lld", false, false, 200, PAGE_MAX},
    [GITLAB_OP_LIST_ALL] = {"GET", "/runners/all?per_page=50&page=%lld", false, false, 200, PAGE_MAX},
    [GITLAB_OP_RUNNING] = {"GET", "/runners/%lld/jobs?status=running&per_page=1", false, false, 200, ANSWER_MAX},
    [GITLAB_OP_ROTATE] = {"POST", "/runners/reset_authentication_token", true, false, 201, ANSWER_MAX},
};

const struct op_shape *op_shape(enum gitlab_op_kind kind)
{
    assert((size_t)kind < ARRAY_LEN(shapes) && shapes[kind].method);
    return &shapes[kind];
}
