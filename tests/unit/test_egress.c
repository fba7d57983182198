/* Which calls go through the proxy, and which proxies and lists there may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "gitlab/egress.h"

static void proxies(void **state)
{
    static const struct {
        const char *url;
        bool good;
    } cases[] = {
        {"http://proxy.test:3128", true},
        {"http://proxy.test", true},
        {"https://proxy.test:8443", true},
        {"http://[fd00::1]:3128", true},
        {"http://127.0.0.1:3128/", true},
        {"proxy.test:3128", false},
        {"socks5://proxy.test", false},
        {"http://user:password@proxy.test", false},
        {"http://", false},
        {"http://proxy.test/path", false},
        {"http://proxy.test?x", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (egress_proxy_is_good(cases[i].url) != cases[i].good)
            fail_msg("%s", cases[i].url);
}

static void lists(void **state)
{
    static const struct {
        const char *list;
        bool good;
    } cases[] = {
        {"", true},
        {"*", true},
        {"localhost,127.0.0.1,.svc,.cluster.local,10.0.0.0/8", true},
        {"example.com, *.example.org:8443, fd00::/8, [::1]:80, ::1", true},
        {"10.0.0.0/33", false},
        {"10.0.0.0/", false},
        {"10.0.0.0/-1", false},
        {"fd00::/129", false},
        {"http://example.com", false},
        {"example.com:0", false},
        {"example.com:65536", false},
        {"example.com:x", false},
        {"exa*mple.com", false},
        {"*x", false},
        {"[::1", false},
        {"ä.example.com", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (egress_list_is_good(cases[i].list) != cases[i].good)
            fail_msg("%s", cases[i].list);
}

static void what_is_listed_is_called_directly(void **state)
{
    static const struct {
        const char *list, *url, *address;
        bool proxied;
    } cases[] = {
        {"", "https://gitlab.example.com", NULL, true},
        {"*", "https://gitlab.example.com", NULL, false},
        {"example.com", "https://gitlab.example.com", NULL, false},
        {"example.com", "https://example.com", NULL, false},
        {"example.com", "https://EXAMPLE.com.", NULL, false},
        {"example.com", "https://notexample.com", NULL, true},
        {"example.com", "https://example.com-", NULL, true},
        {"b.c", "https://aaa.bbb.b.c", NULL, false},
        {".example.com", "https://gitlab.example.com/root", NULL, false},
        {".example.com", "https://example.com", NULL, true},
        {"*.example.com", "https://a.b.example.com", NULL, false},
        {"*.example.com", "https://example.com", NULL, true},
        {"gitlab.example.com:8443", "https://gitlab.example.com", NULL, true},
        {"gitlab.example.com:8443", "https://gitlab.example.com:8443", NULL, false},
        {"gitlab.example.com:443", "https://gitlab.example.com", NULL, false},
        {"gitlab.example.com:80", "http://gitlab.example.com", NULL, false},
        {"other.test gitlab.test", "http://gitlab.test", NULL, false},
        {"10.0.0.0/8", "https://10.1.2.3", NULL, false},
        {"10.0.0.0/8", "https://11.1.2.3", NULL, true},
        {"10.0.0.0/9", "https://10.127.2.3", NULL, false},
        {"10.0.0.0/9", "https://10.128.2.3", NULL, true},
        {"10.0.0.0/15", "https://10.1.2.3", NULL, false},
        {"10.0.0.0/15", "https://10.2.2.3", NULL, true},
        {"10.0.0.0/8", "https://gitlab.test", NULL, true},
        {"10.0.0.0/8", "https://gitlab.test", "10.9.9.9", false},
        {"10.0.0.0/8", "https://gitlab.test", "11.9.9.9", true},
        {"10.0.0.7", "https://gitlab.test", "10.0.0.7", false},
        {"10.0.0.7", "https://gitlab.test", "10.0.0.70", true},
        {"10.0.0.7:443", "https://gitlab.test", "10.0.0.7", false},
        {"10.0.0.7:8443", "https://gitlab.test", "10.0.0.7", true},
        {"::ffff:10.0.0.0/104", "https://10.1.2.3", NULL, false},
        {"fd00::/8", "https://[fd12::1]:8443", NULL, false},
        {"fd00::/8", "https://[fe12::1]:8443", NULL, true},
        {"0.0.0.0/0", "https://gitlab.test", NULL, true},
        {"0.0.0.0/0", "https://10.0.0.1", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct gitlab_egress egress = {.proxy = "http://proxy.test", .no_proxy = cases[i].list};
        const struct gitlab_egress none = {.no_proxy = cases[i].list};
        if (egress_is_proxied(&egress, cases[i].url, cases[i].address) != cases[i].proxied)
            fail_msg("%s: %s at %s", cases[i].list, cases[i].url, cases[i].address ? cases[i].address : "-");
        assert_false(egress_is_proxied(&none, cases[i].url, cases[i].address));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxies),
        cmocka_unit_test(lists),
        cmocka_unit_test(what_is_listed_is_called_directly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
