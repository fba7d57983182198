/* The server: each request is answered, unless there is trouble, and told. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

enum { ANSWER_AT_MOST = 4 << 20, RUNNERS_OF_AN_OWNER = 1000 };

/* ------------------------------------------------------------------------------------------------------------------
 * Trouble */

static void too_many(struct lab_call *call, int64_t retry_after_ms)
{
    lab_page(call, 429, "text/plain", "Retry later\n");
    call->head.retry_after_ms = retry_after_ms;
}

static void page_of_proxy(struct lab_call *call, int status)
{
    static const struct {
        int status;
        const char *title;
    } titles[] = {{404, "404 Not Found"}, {502, "502 Bad Gateway"}, {503, "503 Service Temporarily Unavailable"}};
    const char *title = "504 Gateway Time-out";
    char page[240];

    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        title = titles[i].status == status ? titles[i].title : title;
    snprintf(page, sizeof(page),
             "<html>\r\n<head><title>%s</title></head>\r\n<body>\r\n<center><h1>%s</h1></center>\r\n<hr>"
             "<center>nginx</center>\r\n</body>\r\n</html>\r\n",
             title, title);
    lab_page(call, status, "text/html", page);
}

static void spoil(struct lab_call *call, const struct gitlab_trouble *trouble)
{
    long status = call->head.status ? call->head.status : 200;
    struct buf *answer = &call->lab->answer;

    switch (trouble->status) {
    case GITLAB_GARBAGE:
        lab_page(call, (int)status, "application/json", "{\"id\":\xff <garbage");
        return;
    case GITLAB_HALF:
        call->head.status = status;
        answer->data[answer->len /= 2] = '\0';
        return;
    case 403:
        lab_message(call, 403, "403 Forbidden");
        return;
    case 422:
        lab_message(call, 422, "Runner is orphaned");
        return;
    case 429:
        too_many(call, trouble->retry_after_ms);
        return;
    case 500:
        lab_message(call, 500, "500 Internal Server Error");
        return;
    default:
        page_of_proxy(call, trouble->status);
    }
}

static bool befalls(const struct lab_call *call)
{
    const struct gitlab_trouble *trouble = &call->lab->trouble;

    return trouble->status && (!trouble->verb || strcmp(trouble->verb, call->verb) == 0);
}

/* Counts the request; true: there were too many of its kind in this minute. */
static bool is_throttled(struct lab_call *call)
{
    struct gitlab_server *lab = call->lab;
    const char *token = exchange_header(call->request, "PRIVATE-TOKEN");
    struct lab_access *access = token ? lab_access_of(lab, token) : NULL;
    int64_t minute = lab_now_ms(lab) / 60000;

    if (minute != lab->throttle_minute) {
        lab->throttle_minute = minute;
        lab->others_count = 0;
        for (size_t i = 0; i < lab->n_accesses; i++)
            lab->accesses[i]->count = 0;
    }
    unsigned *count = access ? &access->count : &lab->others_count;
    unsigned limit = access ? lab->throttle : lab->throttle_others;
    return ++*count > limit && limit;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Requests */

static void tell(const struct lab_call *call)
{
    const struct gitlab_asked asked = {
        .verb = call->verb, .id = call->told_id, .status = (int)call->head.status, .replica = call->request->replica};

    if (call->lab->told)
        call->lab->told(call->lab->told_arg, &asked);
}

static void answer_call(struct lab_call *call)
{
    struct gitlab_server *lab = call->lab;

    if ((lab->throttle || lab->throttle_others) && is_throttled(call)) {
        too_many(call, 60000 - lab_now_ms(lab) % 60000);
        return;
    }
    lab_find_route(call);
    bool befallen = befalls(call), done = !befallen || lab->trouble.after || lab->trouble.status == GITLAB_HALF;
    if (done && lab->strangers)
        lab_message(call, 403, "403 Forbidden");
    else if (done)
        lab_run(call);
    tell(call);
    if (befallen)
        spoil(call, &lab->trouble);
}

static void on_lab_request(void *arg, struct exchange *exchange, const struct exchange_request *request)
{
    struct gitlab_server *lab = arg;
    struct lab_call call = {.lab = lab, .request = request};

    buf_clear(&lab->answer);
    answer_call(&call);
    exchange_answer(exchange, &call.head, lab->answer.data, lab->answer.len);
    json_put_ptr(&call.raw);
    json_put_ptr(&call.params);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The whole */

struct gitlab_server *lab_install(struct sim *sim, const char *host)
{
    struct gitlab_server *lab = mem_alloc(sizeof(*lab));
    const struct server server = {.host = host, .request = on_lab_request, .arg = lab};

    *lab = (struct gitlab_server){
        .sim = sim, .host = host, .by_token.lent = true, .runner_limit = RUNNERS_OF_AN_OWNER, .expiry_s = -1};
    buf_init(&lab->answer, ANSWER_AT_MOST);
    lab->version = mem_strdup("19.3.1-ee");
    lab->url = mem_strdup("");
    lab->registration = lab_make_token(lab, "GR1348941");
    lab_add_user(lab, "root", true);
    network_serve(sim, &server);
    return lab;
}

struct gitlab_server *gitlab_server_create(struct sim *sim, const char *host)
{
    struct gitlab_server *lab = lab_install(sim, host);

    for (int i = 1; i <= GITLAB_OWNERS; i++) {
        char group[24], project[24], path[60];
        snprintf(group, sizeof(group), "group-%d", i);
        snprintf(project, sizeof(project), "project-%d", i);
        snprintf(path, sizeof(path), "%s/%s", group, project);
        lab_add_owner(lab, &lab->groups, group, group, 0);
        lab_add_owner(lab, &lab->projects, project, path, (uint64_t)i);
    }
    return lab;
}

static void free_owners(struct lab_owners *owners)
{
    for (size_t i = 0; i < owners->len; i++) {
        free(owners->at[i].name);
        free(owners->at[i].path);
        free(owners->at[i].levels);
    }
    free(owners->at);
}

static void free_people(struct gitlab_server *lab)
{
    for (size_t i = 0; i < lab->n_users; i++) {
        free(lab->users[i].username);
        free(lab->users[i].name);
    }
    free(lab->users);
    for (size_t i = 0; i < lab->n_accesses; i++) {
        free(lab->accesses[i]->name);
        free(lab->accesses[i]->scopes);
        free(lab->accesses[i]);
    }
    free(lab->accesses);
}

void gitlab_server_destroy(struct gitlab_server *lab)
{
    if (!lab)
        return;
    map_finish(&lab->by_token);
    lab_rows_finish(&lab->rows);
    lab_rows_finish(&lab->backup);
    free_owners(&lab->groups);
    free_owners(&lab->projects);
    free_people(lab);
    for (size_t i = 0; i < lab->n_tokens; i++)
        free(lab->tokens[i]);
    free(lab->tokens);
    free(lab->version);
    free(lab->url);
    buf_finish(&lab->answer);
    free(lab);
}

void gitlab_on_call(struct gitlab_server *lab, void (*told)(void *arg, const struct gitlab_asked *asked), void *arg)
{
    lab->told = told;
    lab->told_arg = arg;
}

void gitlab_trouble(struct gitlab_server *lab, const struct gitlab_trouble *trouble)
{
    lab->trouble = *trouble;
}

void gitlab_throttle(struct gitlab_server *lab, unsigned per_minute)
{
    lab->throttle = lab->throttle_others = per_minute;
}
