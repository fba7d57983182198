/* Where a call goes, whether anybody may go there, and by which way: before it is put together. */
#include "gitlab/op.h"

bool door_is_proxied(const struct gitlab *gitlab, const char *url, const char *address)
{
    return egress_is_proxied(&gitlab->egress, url, address);
}

/* Behind a proxy nobody sees the address, so what is asked of it is judged beforehand. */
bool door_admits(const struct gitlab *gitlab, const char *url, const char *address, struct err *ret_err)
{
    return policy_allows_url(&gitlab->policy, url, address, ret_err) &&
           (!door_is_proxied(gitlab, url, address) ||
            policy_allows_through_proxy(&gitlab->policy, url, address, ret_err));
}

static uint64_t caller_of(const struct gitlab *gitlab, const struct gitlab_request *call)
{
    return (digest_keyed(&gitlab->callers, call->token ? call->token : "") & ~UINT64_C(0xff)) | (uint64_t)call->op;
}

struct gate_door gitlab_door(const struct gitlab *gitlab, const struct gitlab_request *call)
{
    return (struct gate_door){.url = call->url,
                              .address = call->address,
                              .ns = call->ns ? call->ns : "",
                              .caller = caller_of(gitlab, call),
                              .proxied = door_is_proxied(gitlab, call->url, call->address)};
}

enum gate_verdict gitlab_enter(struct gitlab *gitlab, struct gate_pass *pass, const struct gate_door *door,
                               struct err *ret_err)
{
    if (!door_admits(gitlab, door->url, door->address, ret_err))
        return GATE_REFUSE;
    return gate_enter(gitlab->gate, pass, door, ret_err);
}

void gitlab_step_back(struct gitlab *gitlab, struct gate_pass *pass)
{
    gate_cancel(gitlab->gate, pass);
}
