/* The lease in scenarios: one process, and whatever happens around it. */
#include "lease_fakes.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Scenarios: words that let something happen or say what must be so */

struct world {
    struct loop loop;
    struct kube_client client;
    struct server server;
    struct lease *lease;
    bool up;       /* requests are answered at once; else they wait for a word, or time out */
    bool released; /* lease_release() is through                                            */
    uint64_t term; /* when "term" was said last                                             */
    const char *scenario, *word;
};

static const struct lease_timing timing = {.duration_ms = 15000, .renew_ms = 10000, .retry_ms = 2000};

static void wrong(const struct world *w, const char *what)
{
    fail_msg("%s: at \"%s\": %s", w->scenario, w->word, what);
}

static void expect(const struct world *w, bool holds, const char *what)
{
    if (!holds)
        wrong(w, what);
}

static void answer(struct world *w)
{
    struct err err = {0};

    expect(w, w->client.done, "nothing is in flight");
    struct json_object *object = serve(&w->server, w->client.method, w->client.body, &err);
    tell(&w->client, object, &err);
}

static void settle(struct world *w)
{
    while (w->up && w->client.done)
        answer(w);
}

/* Lets time pass, and what is due happen. */
static void pass(struct world *w, int64_t ms)
{
    struct loop *loop = &w->loop;

    for (int64_t end = loop->now + ms;;) {
        settle(w);
        bool times_out = w->client.done && (loop->timers[0].due < 0 || w->client.timeout_at <= loop->timers[0].due);
        int64_t next = times_out ? w->client.timeout_at : loop->timers[0].due;
        if (next < 0 || next > end)
            next = end + 1;
        int64_t step = (next > end ? end : next) - loop->now;
        loop->now += step > 0 ? step : 0;
        loop->boottime += step > 0 ? step : 0;
        if (next > end)
            return;
        if (times_out) {
            tell_failure(&w->client, "Timeout");
        } else {
            loop->timers[0].due = -1;
            loop->timers[0].callback(loop->timers[0].arg);
        }
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The words. What follows a colon is the argument. */

static void do_start(struct world *w, const char *arg)
{
    (void)arg;
    lease_start(w->lease);
    pass(w, 0);
}

/* The server does what it is asked for, and says so. */
static void do_answer(struct world *w, const char *arg)
{
    (void)arg;
    answer(w);
    settle(w);
}

/* … but the answer does not arrive. */
static void do_lose_answer(struct world *w, const char *arg)
{
    struct err ignored;

    (void)arg;
    expect(w, w->client.done, "nothing is in flight");
    json_put_ptr(&(struct json_object *){serve(&w->server, w->client.method, w->client.body, &ignored)});
    tell_failure(&w->client, "ConnectionLost");
}

static void do_refuse(struct world *w, const char *arg)
{
    (void)arg;
    tell_failure(&w->client, "InternalError");
}

/* … and asks for so much time. */
static void do_refuse_for(struct world *w, const char *arg)
{
    struct err err;

    err_set(&err, ERR_RETRY, "TooManyRequests", "later");
    err.retry_after_ms = atoi(arg);
    tell(&w->client, NULL, &err);
}

/* A 200 of somebody in between. */
static void do_answer_nonsense(struct world *w, const char *arg)
{
    struct err none = {0};

    (void)arg;
    tell(&w->client, json_build("{status: fine}"), &none);
}

/* From now on the server answers at once, or keeps silent. */
static void do_up(struct world *w, const char *arg)
{
    w->up = strcmp(arg, "no") != 0;
    settle(w);
}

static void do_wait(struct world *w, const char *arg)
{
    pass(w, atoi(arg));
}

/* The machine sleeps: only one clock goes on. */
static void do_suspend(struct world *w, const char *arg)
{
    w->loop.boottime += atoi(arg);
}

/* The process is stopped: time goes on, it does not. */
static void do_stop(struct world *w, const char *arg)
{
    w->loop.boottime += atoi(arg);
    w->loop.now += atoi(arg);
}

static void do_set_wall_clock(struct world *w, const char *arg)
{
    (void)w;
    wall_us += atoll(arg) * 1000000;
}

/* Somebody else writes the record: his name, and for how many seconds it is good. */
static void do_write(struct world *w, const char *arg)
{
    static int64_t renewals;
    char name[32];
    int seconds = 15;

    assert_true(sscanf(arg, "%31[a-z],%d", name, &seconds) > 0);
    const char *holder = strcmp(name, "nobody") == 0 ? "" : name;
    cleanup_json struct json_object *object =
        json_build("{kind: Lease, metadata: {name: election}, spec: {holderIdentity: %s, leaseDurationSeconds: %d, "
                   "leaseTransitions: 7, renewTime: '1970-01-01T00:00:00.000000Z', preferredHolder: %s}}",
                   holder, (int64_t)seconds, ++renewals % 2 ? "a" : "b");
    json_object_put(stored(&w->server, object));
}

static void do_label(struct world *w, const char *arg)
{
    json_set_str(w->server.object, "metadata.labels.team", arg);
    json_object_put(stored(&w->server, w->server.object));
}

static void do_delete(struct world *w, const char *arg)
{
    (void)arg;
    json_put_ptr(&w->server.object);
    w->server.object = NULL;
}

static void on_released(void *arg)
{
    struct world *w = arg;

    assert_false(w->released);
    w->released = true;
}

static void do_release(struct world *w, const char *arg)
{
    (void)arg;
    lease_release(w->lease, on_released, w);
    settle(w);
}

static void see_leading(struct world *w, const char *arg)
{
    (void)arg;
    expect(w, lease_is_leading(w->lease), "it does not lead");
    expect(w, !lease_renewal_overdue(w->lease), "it leads for too long");
}

static void see_standing_by(struct world *w, const char *arg)
{
    (void)arg;
    expect(w, !lease_is_leading(w->lease), "it leads");
}

/* same, or another than when it was asked last. */
static void see_term(struct world *w, const char *arg)
{
    uint64_t term = lease_term(w->lease);

    expect(w, (term == w->term) == (strcmp(arg, "same") == 0), "it is the other");
    w->term = term;
}

static void see_request(struct world *w, const char *arg)
{
    bool in_flight = w->client.done;

    expect(w, in_flight == (strcmp(arg, "nothing") != 0), in_flight ? w->client.method : "nothing is in flight");
    expect(w, !in_flight || strcmp(w->client.method, arg) == 0, "it is another");
}

static void see_holder(struct world *w, const char *arg)
{
    const char *holder = json_str_or(w->server.object, "spec.holderIdentity", "missing");

    expect(w, strcmp(holder, strcmp(arg, "nobody") == 0 ? "" : arg) == 0, holder);
}

static void see_seconds(struct world *w, const char *arg)
{
    expect(w, json_int_or(w->server.object, "spec.leaseDurationSeconds", -1) == atoi(arg), "it is another number");
}

static void see_transitions(struct world *w, const char *arg)
{
    expect(w, json_int_or(w->server.object, "spec.leaseTransitions", -1) == atoi(arg), "it is another number");
}

/* now: with the last write; before: with an earlier one. */
static void see_acquired(struct world *w, const char *arg)
{
    const char *acquired = json_str_or(w->server.object, "spec.acquireTime", ""),
               *renewed = json_str_or(w->server.object, "spec.renewTime", "");
    int order = strcmp(acquired, renewed);

    expect(w, strlen(acquired) == strlen("1970-01-01T00:00:00.000000Z"), acquired);
    expect(w, strcmp(arg, "now") == 0 ? order == 0 : order < 0, acquired);
}

static void see_team(struct world *w, const char *arg)
{
    expect(w, strcmp(json_str_or(w->server.object, "metadata.labels.team", ""), arg) == 0, "it is gone");
}

static void see_slow_paths(struct world *w, const char *arg)
{
    expect(w, lease_slow_paths(w->lease) == strtoull(arg, NULL, 10), "it is another number");
}

static void see_writes(struct world *w, const char *arg)
{
    int least, most;

    assert_int_equal(sscanf(arg, "%d-%d", &least, &most), 2);
    expect(w, w->server.writes >= least && w->server.writes <= most, "it is another number");
    w->server.writes = 0;
}

static void see_overdue(struct world *w, const char *arg)
{
    expect(w, lease_renewal_overdue(w->lease) == (strcmp(arg, "no") != 0), "it is the other");
}

/* Nothing is to be done any more. */
static void see_rest(struct world *w, const char *arg)
{
    (void)arg;
    expect(w, !fake_next_timer(&w->loop), "its timer is armed");
}

static struct {
    int64_t least, most;
} pauses; /* of those that "pause" has seen */

static void see_pause(struct world *w, const char *arg)
{
    int64_t pause = w->loop.timers[0].due - w->loop.now;

    (void)arg;
    pauses.least = pause < pauses.least ? pause : pauses.least;
    pauses.most = pause > pauses.most ? pause : pauses.most;
}

static void see_released(struct world *w, const char *arg)
{
    expect(w, w->released == (strcmp(arg, "no") != 0), "it is the other");
}

static const struct {
    const char *word;
    void (*act)(struct world *w, const char *arg);
} words[] = {
    {"start", do_start},
    {"answer", do_answer},
    {"lose-answer", do_lose_answer},
    {"refuse", do_refuse},
    {"refuse-for", do_refuse_for},
    {"answer-nonsense", do_answer_nonsense},
    {"up", do_up},
    {"wait", do_wait},
    {"suspend", do_suspend},
    {"stop", do_stop},
    {"set-wall-clock", do_set_wall_clock},
    {"write", do_write},
    {"label", do_label},
    {"delete", do_delete},
    {"release", do_release},
    {"leads", see_leading},
    {"stands-by", see_standing_by},
    {"term", see_term},
    {"asks", see_request},
    {"holder", see_holder},
    {"seconds", see_seconds},
    {"transitions", see_transitions},
    {"acquired", see_acquired},
    {"team", see_team},
    {"slow-paths", see_slow_paths},
    {"writes", see_writes},
    {"overdue", see_overdue},
    {"rests", see_rest},
    {"pause", see_pause},
    {"released", see_released},
};

/* Duration 15 s, renew deadline 10 s, retry period 2 s; the process is called me. */
static const struct {
    const char *name, *script;
} scenarios[] = {
    {"makes one that is not there", "start asks:GET stands-by overdue:no answer asks:POST stands-by answer "
                                    "asks:nothing leads holder:me seconds:15 transitions:0 acquired:now"},
    {"takes one that was given back", "write:nobody,1 start answer asks:PUT answer leads holder:me transitions:8"},
    {"takes one that is empty", "write:nobody,0 up start leads"},
    {"does not take another's",
     "write:other start answer asks:nothing stands-by wait:2000 asks:GET answer stands-by holder:other"},
    {"takes another's when it has not changed for its duration",
     "write:other up start wait:14900 stands-by holder:other wait:200 leads holder:me transitions:8 acquired:now"},
    {"a record counts from when it was seen to change, and its own times never do",
     "write:other up start wait:14000 write:other wait:14900 stands-by wait:2200 leads"},
    {"the duration is that of the record", "write:other,60 up start wait:59900 stands-by wait:200 leads"},
    {"be it a second", "write:other,1 up start wait:900 stands-by wait:200 leads"},
    {"a duration that makes no sense is taken for our own",
     "write:other,0 up start wait:14900 stands-by wait:200 leads"},
    {"a change beside the spec is not a renewal", "write:other up start wait:10000 label:x wait:5100 leads team:x"},

    {"renews with one write and no read, a little later than the retry period",
     "up start leads writes:1-1 wait:1990 writes:0-0 wait:500 writes:1-1 term:new wait:240000 leads term:same "
     "writes:95-120 slow-paths:0 transitions:0 acquired:before"},
    {"keeps what others have put into it", "up start label:x wait:3000 wait:2000 leads team:x slow-paths:1"},
    {"a conflict is looked into, and is not the end", "up start term:new up:no wait:2500 asks:PUT label:x answer "
                                                      "asks:nothing leads wait:900 asks:GET slow-paths:1 answer "
                                                      "asks:PUT answer leads term:same"},
    {"a renewal whose answer is lost has been done all the same",
     "up start term:new up:no wait:2500 lose-answer leads wait:900 asks:GET answer asks:PUT answer leads term:same"},
    {"a claim whose answer is lost is not yet a claim",
     "start answer asks:POST lose-answer holder:me stands-by wait:2100 asks:GET answer asks:PUT answer leads"},
    {"but not before the server wants to hear of it",
     "up start up:no wait:2500 asks:PUT refuse-for:1500 wait:1400 asks:nothing wait:200 asks:GET leads"},
    {"nor sooner than else", "up start up:no wait:2500 refuse-for:100 wait:350 asks:nothing wait:500 asks:GET"},
    {"nor is it waited for too long",
     "up start up:no wait:2500 refuse-for:60000 wait:1900 asks:nothing wait:200 asks:GET leads"},
    {"refused renewals are repeated soon",
     "up start up:no wait:2500 refuse wait:900 refuse wait:900 refuse wait:900 up leads slow-paths:3"},

    {"an API server that is away for less than the renew deadline",
     "up start term:new up:no wait:9000 leads up wait:900 leads term:same wait:60000 leads term:same"},
    {"an API server that is away for longer",
     "up start term:new up:no wait:7500 leads wait:2500 stands-by term:new holder:me wait:60000 stands-by up wait:3000 "
     "leads term:new transitions:0"},
    {"somebody else has it: at the first sight of it",
     "up start term:new write:other wait:3400 stands-by term:new holder:other wait:14000 stands-by wait:2000 leads "
     "term:new"},
    {"a nonsense answer is no renewal",
     "up start up:no wait:2500 answer-nonsense leads wait:900 answer-nonsense wait:9000 stands-by"},
    {"a nonsense answer is no claim", "start answer-nonsense asks:nothing stands-by wait:2100 answer answer-nonsense "
                                      "stands-by"},

    {"the wall clock goes an hour forth", "up start term:new set-wall-clock:3600 wait:20000 leads term:same"},
    {"the wall clock goes an hour back", "up start term:new set-wall-clock:-3600 wait:20000 leads term:same"},
    {"the wall clock of who waits goes an hour forth",
     "write:other up start set-wall-clock:3600 wait:14900 stands-by holder:other wait:200 leads"},
    {"the wall clock of who waits goes an hour back",
     "write:other up start set-wall-clock:-3600 wait:14900 stands-by wait:200 leads"},

    {"the machine sleeps for less than the renew deadline", "up start term:new suspend:7000 leads wait:3000 leads "
                                                            "term:same"},
    {"the machine sleeps for longer: at once", "up start term:new suspend:10001 stands-by term:new wait:3000 leads "
                                               "term:new"},
    {"the machine of who waits sleeps", "write:other up start suspend:15000 wait:2100 leads"},
    {"the machine sleeps past the deadline while a renewal is in flight that succeeds",
     "up start term:new up:no wait:8300 asks:GET answer asks:PUT suspend:3000 stands-by answer leads term:new"},
    {"the process is stopped: the first question is answered with no",
     "up start term:new stop:30000 stands-by overdue write:other wait:0 stands-by holder:other wait:3000 stands-by "
     "term:new"},
    {"the process is stopped while a renewal is in flight",
     "up start term:new up:no wait:2500 asks:PUT stop:30000 answer stands-by wait:0 stands-by up wait:3000 leads "
     "term:new"},
    {"the process is stopped while a claim is in flight",
     "start answer asks:POST stop:30000 answer stands-by wait:0 stands-by"},

    {"a leader's Lease is deleted: it is made again",
     "up start term:new delete wait:3400 leads holder:me term:same slow-paths:1 transitions:0"},
    {"another's Lease is deleted: it is still good for as long as it was",
     "write:other up start wait:4000 delete wait:10000 stands-by wait:1100 leads holder:me"},
    {"another's Lease is deleted and made again",
     "write:other up start wait:4000 delete wait:4000 write:other wait:14000 stands-by wait:3000 leads"},

    {"gives it back", "up start up:no release asks:PUT stands-by released:no answer released holder:nobody seconds:1 "
                      "transitions:0 wait:60000 asks:nothing stands-by"},
    {"gives it back after the renewal in flight",
     "up start up:no wait:2500 asks:PUT release asks:PUT released:no leads answer asks:PUT stands-by answer released "
     "holder:nobody"},
    {"gives it back after the claim in flight",
     "start answer asks:POST release released:no answer asks:PUT stands-by answer released holder:nobody"},
    {"claims no more when it was told to leave", "start release released:no answer asks:nothing released wait:60000 "
                                                 "asks:nothing"},
    {"gives nothing back that it does not hold",
     "write:other up start release released holder:other asks:nothing rests"},
    {"gives nothing back that it may not hold any more", "up start suspend:10001 release released holder:me rests"},
    {"what is over is not overdue", "up start release released stop:30000 overdue:no"},
    {"ends also when nobody takes it", "up start up:no release refuse released stands-by rests"},
    {"ends also when nobody answers", "up start up:no release wait:5100 released stands-by"},
};

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void speak(struct world *w, char *word)
{
    char *arg = strchr(word, ':');

    w->word = word;
    char *name = mem_strdup(word);
    if (arg)
        name[arg - word] = '\0';
    size_t i = 0;
    while (i < ARRAY_LEN(words) && strcmp(words[i].word, name) != 0)
        i++;
    free(name);
    expect(w, i < ARRAY_LEN(words), "there is no such word");
    words[i].act(w, arg ? arg + 1 : "");
}

static void play_with(const struct lease_timing *its, const char *name, const char *script)
{
    const struct lease_config config = {.ns = "system", .name = "election", .identity = "me", .timing = *its};
    struct world w = {.scenario = name, .loop = {.now = 1000000, .boottime = 5000000}};
    cleanup_free char *copy = mem_strdup(script);

    log_setup(LOG_ERROR, true);
    w.client.loop = &w.loop;
    w.lease = lease_create(&w.loop, &w.client, &config);
    for (char *rest = copy, *word; (word = strsep(&rest, " "));)
        speak(&w, word);
    lease_destroy(w.lease);
    assert_null(w.client.done);
    assert_null(w.loop.timers[0].callback);
    json_put_ptr(&w.server.object);
}

static void play(const char *name, const char *script)
{
    play_with(&timing, name, script);
}

/* Each with several jitters. */
static void scenarios_end_as_told(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        srand(seed);
        for (size_t i = 0; i < ARRAY_LEN(scenarios); i++)
            play(scenarios[i].name, scenarios[i].script);
    }
}

static void pauses_are_up_to_a_fifth_of_the_period_longer(void **state)
{
    static const struct {
        const char *name, *script;
        int64_t least, most;
    } cases[] = {
        {"until it is renewed", "up start pause", 2000, 2400},
        {"after a renewal that was refused", "up start up:no wait:2500 refuse pause", 400, 800},
        {"after a look that was refused", "start refuse pause", 1600, 2000},
        {"while it is another's", "write:other start answer pause", 1600, 2000},
        {"until it is not another's any more", "write:other,1 start answer pause", 1000, 1000},
    };

    (void)state;
    srand(1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        pauses.least = INT64_MAX;
        pauses.most = 0;
        for (int times = 0; times < 500; times++)
            play(cases[i].name, cases[i].script);
        assert_int_equal(pauses.least, cases[i].least);
        assert_int_equal(pauses.most, cases[i].most);
    }
}

/* Rounded up: none takes it before the holder has let go. */
static void a_duration_is_told_in_whole_seconds(void **state)
{
    (void)state;
    play_with(&(struct lease_timing){.duration_ms = 1000, .renew_ms = 800, .retry_ms = 100}, "1 s",
              "up start seconds:1");
    play_with(&(struct lease_timing){.duration_ms = 1001, .renew_ms = 800, .retry_ms = 100}, "more",
              "up start seconds:2");
}

static void timing_that_cannot_work_is_refused(void **state)
{
    static const struct {
        struct lease_timing timing;
        const char *text; /* NULL: it is fine */
    } cases[] = {
        {{15000, 10000, 2000}, NULL},
        {{3000, 2000, 500}, NULL},
        {{4, 3, 1}, NULL},
        {{15000, 10000, -1}, "the retry period must be longer than nothing"},
        {{15000, 10000, 0}, "the retry period must be longer than nothing"},
        {{15000, 2400, 2000}, "the renew deadline must be longer than 1.2 retry periods"},
        {{15000, 2401, 2000}, NULL},
        {{10000, 10000, 2000}, "the lease duration must be longer than the renew deadline"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        assert_int_equal(lease_timing_is_valid(&cases[i].timing, &err), cases[i].text == NULL);
        assert_string_equal(err.text, cases[i].text ? cases[i].text : "");
    }
}

static void on_done(void *arg)
{
    *(bool *)arg = true;
}

static void without_an_election_we_always_lead(void **state)
{
    bool done = false;

    (void)state;
    assert_true(lease_is_leading(NULL));
    assert_int_equal(lease_term(NULL), 1);
    assert_false(lease_renewal_overdue(NULL));
    lease_release(NULL, on_done, &done);
    assert_true(done);
    lease_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenarios_end_as_told),
        cmocka_unit_test(pauses_are_up_to_a_fifth_of_the_period_longer),
        cmocka_unit_test(a_duration_is_told_in_whole_seconds),
        cmocka_unit_test(timing_that_cannot_work_is_refused),
        cmocka_unit_test(without_an_election_we_always_lead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
