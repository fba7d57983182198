/* GitLab's answers: the first byte chooses the call and the status, the rest is the body. */
#include "base/arena.h"
#include "fuzz.h"
#include "gitlab/api.h"

void fuzz(const char *text, size_t len, struct arena *a)
{
    static const long statuses[] = {200, 201, 204, 302, 400, 401, 403, 404, 405, 410, 422, 429, 500, 502, 599, 0};

    (void)a;
    if (len == 0)
        return;
    unsigned first = (unsigned char)text[0];
    struct err err = gitlab_classify((enum gitlab_op_kind)(first % 8), "https://my.gitlab.com", statuses[first / 16],
                                     text + 1, len - 1, 0);
    gitlab_explain(&err);
}
