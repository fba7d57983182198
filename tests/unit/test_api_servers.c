/* Where the API server is, as its EndpointSlice says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "operator/api_servers.h"
#include "base/json.h"
#include "base/mem.h"

static void the_urls_of_a_slice(void **state)
{
    static const struct {
        const char *slice, *urls;
    } cases[] = {
        {"{'endpoints': [{'addresses': ['10.244.0.1']}], 'ports': [{'name': 'https', 'port': 6443}]}",
         "https://10.244.0.1:6443 "},
        {"{'endpoints': [{'addresses': ['10.0.0.1', '10.0.0.2']}, {'addresses': ['fd00::1']}], 'ports': [{'port': 1}]}",
         "https://10.0.0.1:1 https://10.0.0.2:1 https://[fd00::1]:1 "},
        {"{'endpoints': [{'addresses': ['10.0.0.1']}], 'ports': [{'port': 6443}, {'port': 443}]}",
         "https://10.0.0.1:6443 https://10.0.0.1:443 "},
        {"{'endpoints': [{'addresses': ['kube.test', 7, '10.0.0.1']}], 'ports': [{'port': 0}, {'port': 65536}, {}]}",
         ""},
        {"{'endpoints': [{'addresses': ['10.0.0.1']}], 'ports': []}", ""},
        {"{'endpoints': null}", ""},
        {"{}", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_free char *text = mem_strdup(cases[i].slice);
        char *urls[4], all[256] = "";
        struct err err = {0};

        for (char *at = text; (at = strchr(at, '\''));)
            *at = '"';
        cleanup_json struct json_object *slice = json_parse(text, strlen(text), &err);
        size_t len = api_servers_of_slice(slice, urls, ARRAY_LEN(urls));
        for (size_t u = 0; u < len; u++) {
            strcat(strcat(all, urls[u]), " ");
            free(urls[u]);
        }
        assert_string_equal(all, cases[i].urls);
    }
}

static void no_more_than_there_is_room_for(void **state)
{
    char *urls[2];
    struct json_object *endpoint = json_build("{addresses: [%s, %s, %s]}", "10.0.0.1", "10.0.0.2", "10.0.0.3");
    cleanup_json struct json_object *slice =
        json_build("{endpoints: [%o], ports: [{port: %d}]}", endpoint, (int64_t)6443);

    (void)state;
    assert_int_equal(api_servers_of_slice(slice, urls, ARRAY_LEN(urls)), 2);
    free(urls[0]);
    free(urls[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_urls_of_a_slice),
        cmocka_unit_test(no_more_than_there_is_room_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
