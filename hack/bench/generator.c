/* generator sends to the API server what the operator would send, with no logic: the measure of what is possible.
 *
 *   TOKEN=… generator SERVER CA-FILE SCRIPTS IN-FLIGHT < objects
 *
 * Each line of stdin is an object that exists: "NAMESPACE NAME UID VERSION". For each the requests of one script are
 * sent, one after another, with @NAMESPACE@, @NAME@, @UID@ and @VERSION@ (as the last answer about it told) filled in.
 * The number at the end of its name, modulo the number of scripts, says which one. IN-FLIGHT objects are worked on at a
 * time, over one HTTP/2 connection. It ends when stdin has; an answer that is no success ends it at once.
 *
 * SCRIPTS is a list of requests: a line "SCRIPT METHOD URL CONTENT-TYPE ACCEPT LENGTH", of which the first is the
 * script's number, as many bytes of body, a line feed. A URL that is a path is one at SERVER. */
#include <curl/curl.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS "/gitlabrunners/"

enum {
    SCRIPTS_MAX = 32,
    REQUESTS_MAX = 32, /* of a script */
    IN_FLIGHT_MAX = 512,
    GITLAB_CONNECTIONS = 8, /* as many calls as the operator has in flight at a host */
    POLL_MS = 2,
};

struct request {
    char method[8], url[1024], type[64], accept[128];
    char *body;
    struct curl_slist *headers;
};

struct script {
    struct request requests[REQUESTS_MAX];
    size_t len;
};

/* One place in flight. */
struct object {
    char ns[64], name[256], uid[64], version[32];
    const struct script *script;
    size_t step; /* which request of it is on its way */
    CURL *easy;
    char *body;         /* of that request */
    char answer[65536]; /* what came back, or the beginning */
    size_t answer_len;
    struct object *next; /* among the free places */
};

static struct script scripts[SCRIPTS_MAX];
static size_t scripts_len;
static struct object places[IN_FLIGHT_MAX], *free_places;
static size_t flying;
static CURLM *multi;
static const char *server, *ca_file;
static char *input; /* lines of stdin that have not begun yet */
static size_t input_len;
static bool input_ended;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "generator: %s: %s\n", what, why);
    exit(1);
}

static void *need(void *memory)
{
    if (!memory)
        die("memory", "there is none");
    return memory;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The scripts */

/* The token is for the API server alone. */
static struct curl_slist *headers_of(const struct request *r)
{
    char line[8192];
    struct curl_slist *headers = NULL;

    snprintf(line, sizeof(line), "Content-Type: %s", r->type);
    headers = curl_slist_append(headers, line);
    snprintf(line, sizeof(line), "Accept: %s", r->accept);
    headers = need(curl_slist_append(headers, line));
    if (r->url[0] != '/')
        return headers;
    snprintf(line, sizeof(line), "Authorization: Bearer %s", getenv("TOKEN"));
    return need(curl_slist_append(headers, line));
}

/* Its line has been read up to the number. */
static bool read_request(FILE *file, struct request *r)
{
    size_t len;

    if (fscanf(file, "%7s %1023s %63s %127s %zu", r->method, r->url, r->type, r->accept, &len) != 5 ||
        fgetc(file) != '\n')
        return false;
    r->body = need(calloc(1, len + 1));
    r->headers = headers_of(r);
    return fread(r->body, 1, len, file) == len;
}

static void read_scripts(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t number;

    if (!file)
        die(path, "cannot be read");
    while (fscanf(file, "%zu", &number) == 1) {
        struct script *script = &scripts[number % SCRIPTS_MAX];
        if (number >= SCRIPTS_MAX || script->len == REQUESTS_MAX || !read_request(file, &script->requests[script->len]))
            die(path, "is no list of scripts, or too long");
        script->len++;
        scripts_len = number + 1;
    }
    fclose(file);
    if (!scripts_len)
        die(path, "is empty");
}

static const struct script *script_for(const char *name)
{
    const char *dash = strrchr(name, '-');

    return &scripts[(dash ? strtoul(dash + 1, NULL, 10) : 0) % scripts_len];
}

/* The text with the object's own words; to be freed. */
static char *filled(const char *text, const struct object *o)
{
    const struct {
        const char *mark, *value;
    } words[] = {{"@NAMESPACE@", o->ns}, {"@NAME@", o->name}, {"@UID@", o->uid}, {"@VERSION@", o->version}};
    char *out = NULL;
    size_t len;
    FILE *stream = need(open_memstream(&out, &len));

    while (*text) {
        size_t plain = strcspn(text, "@"), i = 0;
        fwrite(text, 1, plain, stream);
        text += plain;
        while (i < 4 && strncmp(text, words[i].mark, strlen(words[i].mark)) != 0)
            i++;
        if (i < 4) {
            fputs(words[i].value, stream);
            text += strlen(words[i].mark);
        } else if (*text) {
            fputc(*text++, stream);
        }
    }
    fclose(stream);
    return need(out);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

static size_t on_answer(char *bytes, size_t size, size_t count, void *arg)
{
    struct object *o = arg;
    size_t room = sizeof(o->answer) - 1 - o->answer_len, len = size * count < room ? size * count : room;

    memcpy(o->answer + o->answer_len, bytes, len);
    o->answer_len += len;
    o->answer[o->answer_len] = '\0';
    return size * count;
}

static const struct request *request_of(const struct object *o)
{
    return &o->script->requests[o->step];
}

static void start(struct object *o)
{
    const struct request *r = request_of(o);
    char *path = filled(r->url, o), *url = need(malloc(strlen(server) + strlen(path) + 1));

    sprintf(url, "%s%s", path[0] == '/' ? server : "", path);
    free(path);
    free(o->body);
    o->body = filled(r->body, o);
    o->answer_len = 0;
    curl_easy_reset(o->easy);
    curl_easy_setopt(o->easy, CURLOPT_PRIVATE, o);
    curl_easy_setopt(o->easy, CURLOPT_URL, url); /* copied */
    curl_easy_setopt(o->easy, CURLOPT_CUSTOMREQUEST, r->method);
    curl_easy_setopt(o->easy, CURLOPT_POSTFIELDS, o->body);
    curl_easy_setopt(o->easy, CURLOPT_HTTPHEADER, r->headers);
    curl_easy_setopt(o->easy, CURLOPT_USERAGENT, "bench-generator");
    curl_easy_setopt(o->easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(o->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(o->easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(o->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(o->easy, CURLOPT_WRITEDATA, o);
    curl_multi_add_handle(multi, o->easy);
    free(url);
}

static void check(const struct object *o, CURLcode result)
{
    long status = 0;

    if (result != CURLE_OK)
        die(request_of(o)->url, curl_easy_strerror(result));
    curl_easy_getinfo(o->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status / 100 != 2)
        die(request_of(o)->url, o->answer);
}

/* An answer about the object itself tells its version; nothing before that in such an answer is called so. */
static void learn_version(struct object *o)
{
    static const char mark[] = "\"resourceVersion\":\"";
    const char *found = strstr(request_of(o)->url, OBJECTS) ? strstr(o->answer, mark) : NULL;

    if (found)
        sscanf(found + strlen(mark), "%31[0-9]", o->version);
}

static void on_end(struct object *o, CURLcode result)
{
    check(o, result);
    learn_version(o);
    curl_multi_remove_handle(multi, o->easy);
    if (++o->step < o->script->len) {
        start(o);
        return;
    }
    o->next = free_places;
    free_places = o;
    flying--;
}

/* True when something has ended. */
static bool collect(void)
{
    bool some = false;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(multi, &left))) {
        CURLcode result = message->data.result;
        char *object = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &object);
        on_end((struct object *)object, result);
        some = true;
    }
    return some;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Objects */

/* Takes all that is there, so that nobody who tells us of objects has to wait for us. */
static void read_input(void)
{
    enum { CHUNK = 65536 };
    ssize_t got = 1;

    while (!input_ended && got > 0) {
        input = need(realloc(input, input_len + CHUNK + 1));
        got = read(STDIN_FILENO, input + input_len, CHUNK);
        input_ended = got == 0;
        input_len += got > 0 ? (size_t)got : 0;
    }
}

static void begin(const char *line)
{
    struct object *o = free_places;

    if (sscanf(line, "%63s %255s %63s %31s", o->ns, o->name, o->uid, o->version) != 4)
        die("stdin", "a line is not NAMESPACE NAME UID VERSION");
    o->script = script_for(o->name);
    if (o->script->len == 0)
        return;
    free_places = o->next;
    flying++;
    o->step = 0;
    start(o);
}

static void begin_all(void)
{
    char *end;
    size_t used = 0;

    while (free_places && input_len > used && (end = memchr(input + used, '\n', input_len - used))) {
        *end = '\0';
        begin(input + used);
        used = (size_t)(end + 1 - input);
    }
    input_len -= used;
    if (used)
        memmove(input, input + used, input_len);
}

static void run(void)
{
    struct curl_waitfd wait = {.fd = STDIN_FILENO, .events = CURL_WAIT_POLLIN};
    int running;

    while (flying || input_len || !input_ended) {
        read_input();
        begin_all();
        curl_multi_perform(multi, &running);
        if (!collect()) /* otherwise there may be more that libcurl has read already */
            curl_multi_poll(multi, &wait, input_ended ? 0 : 1, flying ? POLL_MS : 1000, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5 || !getenv("TOKEN"))
        die("usage", "TOKEN=… generator SERVER CA-FILE SCRIPTS IN-FLIGHT < objects");
    server = argv[1];
    ca_file = argv[2];
    curl_global_init(CURL_GLOBAL_DEFAULT);
    read_scripts(argv[3]);
    multi = need(curl_multi_init());
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)GITLAB_CONNECTIONS);
    for (int i = 0; i < atoi(argv[4]) && i < IN_FLIGHT_MAX; i++) {
        places[i] = (struct object){.easy = need(curl_easy_init()), .next = free_places};
        free_places = &places[i];
    }
    fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
    run();
    return 0;
}
