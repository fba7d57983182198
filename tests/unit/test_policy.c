/* Where GitLab may be: addresses in every disguise, and URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "gitlab/policy.h"

static const char *judge(const struct gitlab_policy *policy, const char *text, int port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return policy_refuses_address(policy, (const struct sockaddr *)&v4);
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return policy_refuses_address(policy, (const struct sockaddr *)&v6);
}

static const struct {
    const char *address, *what; /* NULL: may be called */
} addresses[] = {
    {"127.0.0.1", "a loopback address"},
    {"127.255.255.254", "a loopback address"},
    {"::1", "a loopback address"},
    {"::ffff:127.0.0.1", "a loopback address"},
    {"::127.0.0.1", "a loopback address"},
    {"64:ff9b::127.0.0.1", "a loopback address"},
    {"64:ff9b:1::7f00:1", "a loopback address"},
    {"2002:7f00:1::", "a loopback address"},
    {"0.0.0.0", "an unspecified address"},
    {"0.1.2.3", "an unspecified address"},
    {"::", "the unspecified address"},
    {"::ffff:0.0.0.0", "an unspecified address"},
    {"169.254.169.254", "a link-local address"},
    {"169.254.0.1", "a link-local address"},
    {"::ffff:169.254.169.254", "a link-local address"},
    {"64:ff9b::a9fe:a9fe", "a link-local address"},
    {"2002:a9fe:a9fe::1", "a link-local address"},
    {"fe80::1", "a link-local address"},
    {"febf:ffff::1", "a link-local address"},
    {"fd00:ec2::254", "a cloud's metadata address"},
    {"100.100.100.200", "a cloud's metadata address"},
    {"168.63.129.16", "a cloud's metadata address"},
    {"192.0.0.192", "a cloud's metadata address"},
    {"fd00:ec2::23", "a cloud's metadata address"},
    {"fd20:ce::254", "a cloud's metadata address"},
    {"fd00:c1::a9fe:a9fe", "a cloud's metadata address"},
    {"fd00:42::42", "a cloud's metadata address"},
    {"fd00:a9fe:a9fe::1", "a cloud's metadata address"},
    {"fd00:100::100:200", "a cloud's metadata address"},
    {"fe80::a9fe:a9fe", "a link-local address"},
    {"169.254.170.2", "a link-local address"},
    {"169.254.0.23", "a link-local address"},
    /* Other ways to write them. */
    {"::ffff:0:169.254.169.254", "a link-local address"},
    {"::ffff:0:127.0.0.1", "a loopback address"},
    {"64:ff9b:1:7f00:0:100::", "a loopback address"},    /* with a prefix of 48 bits */
    {"64:ff9b:1:7f:0:1::", "a loopback address"},        /* 56                       */
    {"64:ff9b:1:0:7f:0:100:0", "a loopback address"},    /* 64                       */
    {"2001:0:7f00:1::", "a loopback address"},           /* Teredo's server          */
    {"2001:0:808:808::80ff:fffe", "a loopback address"}, /* and its client           */
    {"2001:db8::169.254.169.254", "a cloud's metadata address"},
    {"2001:db8:a9fe:a9fe::", "a cloud's metadata address"},
    {"2001:db8:a9:fea9:fe::", "a cloud's metadata address"},
    {"2001:db8:1:a9fe:a9:fe00::", "a cloud's metadata address"},
    {"2001:db8:1:a9:fe:a9fe::", "a cloud's metadata address"},
    {"2001:db8:1:1:a9:fea9:fe00:0", "a cloud's metadata address"},
    {"2001:db8::169.254.170.2", "a cloud's metadata address"},
    {"2001:db8::169.254.170.23", "a cloud's metadata address"},
    {"2001:db8::169.254.42.42", "a cloud's metadata address"},
    {"2001:db8::169.254.0.23", "a cloud's metadata address"},
    {"fd01::168.63.129.16", "a cloud's metadata address"},
    {"fd01::192.0.0.192", "a cloud's metadata address"},
    {"fd01::100.100.100.200", "a cloud's metadata address"},
    {"224.0.0.1", "a multicast address"},
    {"239.255.255.255", "a multicast address"},
    {"ff02::1", "a multicast address"},
    {"255.255.255.255", "the broadcast address"},

    {"192.168.99.100", NULL},
    {"10.222.78.79", NULL},
    {"172.16.0.1", NULL},
    {"8.8.8.8", NULL},
    {"126.255.255.255", NULL},
    {"128.0.0.0", NULL},
    {"169.253.255.255", NULL},
    {"169.255.0.0", NULL},
    {"223.255.255.255", NULL},
    {"1.0.0.0", NULL},
    {"fd00::1", NULL},
    {"fec0::1", NULL},
    {"2001:db8::1", NULL},
    {"2001:db8::7f00:1", NULL}, /* a range is not looked for everywhere */
    {"2001:db8::169.254.169.253", NULL},
    {"2001:1::1", NULL},
    {"64:ff9b:1::10.0.0.1", NULL},
    {"64:ff9b:1::100.100.9.200", NULL}, /* nearly a cloud's */
    {"64:ff9b:1:a00:0:100::", NULL},
    {"fd00:ec3::254", NULL},
    {"fd20:ce::253", NULL},
    {"192.0.0.191", NULL},
    {"2a00:1450:4001:80f::200e", NULL},
    {"::ffff:10.0.0.1", NULL},
    {"64:ff9b::10.0.0.1", NULL},
    {"2002:0a00:1::", NULL},
};

static void refuses_what_only_the_operator_can_reach(void **state)
{
    const struct gitlab_policy policy = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        const char *what = judge(&policy, addresses[i].address, 443);
        if ((what == NULL) != (addresses[i].what == NULL) || (what && strcmp(what, addresses[i].what) != 0))
            fail_msg("%s: %s", addresses[i].address, what ? what : "may be called");
    }
}

static void loopback_can_be_allowed_and_nothing_else(void **state)
{
    const struct gitlab_policy policy = {.allow_loopback = true};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        bool loopback = addresses[i].what && strcmp(addresses[i].what, "a loopback address") == 0;
        bool refused = judge(&policy, addresses[i].address, 443) != NULL;
        assert_int_equal(refused, addresses[i].what && !loopback);
    }
}

static void a_list_of_hosts_does_not_open_loopback(void **state)
{
    const struct gitlab_policy policy = {.allowed_hosts = "localhost, 127.0.0.1, *"};

    (void)state;
    assert_string_equal(judge(&policy, "127.0.0.1", 80), "a loopback address");
}

static void the_api_server_is_no_gitlab(void **state)
{
    static const struct {
        const char *address;
        int port;
        bool refused;
    } cases[] = {
        {"10.244.0.1", 6443, true},
        {"10.96.0.1", 443, true},
        {"::ffff:10.96.0.1", 443, true},
        {"fd00:10::1", 443, false},
        {"10.96.0.1", 8443, false}, /* another service of that machine */
        {"10.244.0.1", 443, false},
        {"10.244.0.2", 6443, false},
        {"::10.244.0.1", 6443, true},
        {"::ffff:0:10.244.0.1", 6443, true},
        {"64:ff9b::10.244.0.1", 6443, true},
        {"64:ff9b:1::10.244.0.1", 6443, true},
        {"64:ff9b:1:af4:0:100::", 6443, true},
        {"2002:af4:1::9", 6443, true},
        {"2001:0:af4:1::", 6443, true},
        {"2001:0:808:808::f50b:fffe", 6443, true},
        {"fd12:3456::10.244.0.1", 6443, true},
        {"2001:db8:af4:1::", 6443, true},
        {"2001:db8:1:af4:0:100::", 6443, true},
        {"2001:db8::af4:2", 6443, false},
    };
    static const char *const urls_of_v4[] = {"https://10.244.0.1:6443", "https://10.96.0.1", NULL};
    static const char *const urls_of_v6[] = {"https://[fd00:10::1]:443", NULL};
    const struct gitlab_policy policy = {.api_servers = urls_of_v4}, ipv6 = {.api_servers = urls_of_v6};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(judge(&policy, cases[i].address, cases[i].port) != NULL, cases[i].refused);
    assert_string_equal(judge(&ipv6, "fd00:10::1", 443), "the address of Kubernetes' API server");
}

static void what_is_no_ip_address_is_not_called(void **state)
{
    const struct gitlab_policy policy = {0};
    const struct sockaddr local = {.sa_family = AF_UNIX};

    (void)state;
    assert_non_null(policy_refuses_address(&policy, &local));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * URLs */

static const char *const at_6443[] = {"https://kube.test:6443", NULL};
static const char *const at_443[] = {"https://else.test", "https://kube.test", NULL};

#define LIST "gitlab.example.com, *.example.org:8443,10.0.0.*"

static const struct {
    struct gitlab_policy policy;
    const char *url, *reason; /* NULL: may be called */
} urls[] = {
    {{0}, "http://my.gitlab.com", NULL},
    {{0}, "https://my.gitlab.com/root", NULL},
    {{.require_https = true}, "https://my.gitlab.com", NULL},
    {{.require_https = true}, "HTTPS://my.gitlab.com", NULL},
    {{.require_https = true}, "http://my.gitlab.com", "HTTPSRequired"},
    {{.require_https = true}, "http://my.gitlab.com:443", "HTTPSRequired"},
    {{.allowed_hosts = ""}, "https://my.gitlab.com", NULL},
    {{.allowed_hosts = LIST}, "https://gitlab.example.com", NULL},
    {{.allowed_hosts = LIST}, "https://GitLab.Example.COM:444/x", NULL},
    {{.allowed_hosts = LIST}, "https://a.b.example.org:8443", NULL},
    {{.allowed_hosts = LIST}, "http://10.0.0.7", NULL},
    {{.allowed_hosts = LIST}, "https://a.example.org", "HostNotAllowed"},
    {{.allowed_hosts = LIST}, "https://example.org:8443", "HostNotAllowed"},
    {{.allowed_hosts = LIST}, "https://gitlab.example.com.evil.test", "HostNotAllowed"},
    {{.allowed_hosts = LIST}, "https://evil.test/gitlab.example.com", "HostNotAllowed"},
    {{.allowed_hosts = LIST}, "https://evilgitlab.example.com", "HostNotAllowed"},
    {{.allowed_hosts = LIST}, "no url at all", "HostNotAllowed"},
    {{.allowed_hosts = "10.0.0.1"}, "http://167772161", NULL}, /* 10.0.0.1 written as a number */
    {{.allowed_hosts = "gitlab.test:443"}, "https://gitlab.test", NULL},
    {{.allowed_hosts = "gitlab.test:443"}, "http://gitlab.test", "HostNotAllowed"},
    {{.allowed_hosts = "::1"}, "https://[::1]:8443", NULL},
    {{.api_servers = at_6443}, "https://KUBE.test:6443/api", "AddressNotAllowed"},
    {{.api_servers = at_6443}, "https://kube.test", NULL},
    {{.api_servers = at_443}, "https://kube.test:443", "AddressNotAllowed"},
};

static void some_urls_are_not_called_at_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct err err = {0};
        bool allowed = policy_allows_url(&urls[i].policy, urls[i].url, NULL, &err);
        if (allowed != (urls[i].reason == NULL) || strcmp(err.reason, urls[i].reason ? urls[i].reason : "") != 0)
            fail_msg("%s: %s", urls[i].url, allowed ? "allowed" : err.text);
        assert_int_equal(err.kind, allowed ? ERR_NONE : ERR_DENIED); /* a person has to act */
        assert_true(allowed || strstr(err.text, "is not called: "));
    }
}

static const struct {
    const char *list, *url, *address;
    bool allowed;
} aliases[] = {
    {"", "https://my.gitlab.com", "192.0.2.7", true},
    {LIST, "https://gitlab.example.com", "192.0.2.7", false},
    {LIST, "https://gitlab.example.com", "10.0.0.7", true},
    {LIST, "https://gitlab.example.org", "10.0.0.7", false},
    {"gitlab.test,10.0.0.7:443", "https://gitlab.test", "10.0.0.7", true},
    {"gitlab.test,10.0.0.7:443", "https://gitlab.test:8443", "10.0.0.7", false},
    {"gitlab.test,10.0.0.7:443", "http://gitlab.test", "10.0.0.7", false},
    {"gitlab.test", "https://gitlab.test", "fd00::7", false},
    {"gitlab.test,fd00::7", "https://gitlab.test", "fd00::7", true},
    {"gitlab.test,10.0.0.7", "https://gitlab.test", "10.0.0.70", false},
    {"gitlab.test,10.0.0.7", "https://gitlab.test", "", false},
};

/* Who may write an alias could lead a name that is listed anywhere. */
static void what_is_not_called_is_told_with_a_remedy(void **state)
{
    static const struct {
        struct gitlab_policy policy;
        const char *url, *address, *told;
    } cases[] = {
        {{.require_https = true},
         "http://gitlab.test",
         NULL,
         "http://gitlab.test is not called: this operator runs with --require-https; use an https address in spec.url"},
        {{.allowed_hosts = LIST},
         "https://gitlab.test",
         NULL,
         "https://gitlab.test is not called: its host, or the address that spec.hostAliases gives it, is not one of "
         "--allowed-gitlab-hosts; use another one, or have it added"},
        {{.allowed_hosts = LIST},
         "https://gitlab.example.com",
         "192.168.0.1",
         "https://gitlab.example.com at 192.168.0.1 is not called: its host, or the address that spec.hostAliases "
         "gives "
         "it, is not one of --allowed-gitlab-hosts; use another one, or have it added"},
        {{.api_servers = at_443},
         "https://kube.test",
         NULL,
         "https://kube.test is not called: it is Kubernetes' API server; put GitLab's address into spec.url"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        assert_false(policy_allows_url(&cases[i].policy, cases[i].url, cases[i].address, &err));
        assert_int_equal(err.kind, ERR_DENIED);
        assert_string_equal(err.text, cases[i].told);
    }
}

static void an_alias_leads_to_what_is_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        const struct gitlab_policy policy = {.allowed_hosts = aliases[i].list};
        struct err err = {0};
        bool allowed = policy_allows_url(&policy, aliases[i].url, aliases[i].address, &err);
        if (allowed != aliases[i].allowed || (!allowed && strcmp(err.reason, "HostNotAllowed") != 0))
            fail_msg("%s at %s: %s", aliases[i].url, aliases[i].address, allowed ? "allowed" : err.text);
        if (*aliases[i].list)
            assert_int_equal(policy_lists(aliases[i].list, aliases[i].url, aliases[i].address), aliases[i].allowed);
    }
}

/* What a proxy is asked to connect to is judged by its text. */
static void through_a_proxy_texts_are_judged(void **state)
{
    static const struct {
        const char *url, *address;
        bool allowed;
    } cases[] = {
        {"https://gitlab.example.com", NULL, true},
        {"https://gitlab.example.com", "10.0.0.7", true},
        {"https://10.0.0.7:8443", NULL, true},
        {"https://[fd00::7]", NULL, true},
        {"https://127.0.0.1", NULL, false},
        {"https://127.1", NULL, false},
        {"http://0x7f.0.0.1", NULL, false},
        {"http://2130706433", NULL, false},
        {"http://0177.0.0.1", NULL, false},
        {"https://[::1]", NULL, false},
        {"https://[::ffff:169.254.169.254]", NULL, false},
        {"http://169.254.169.254", NULL, false},
        {"http://169.254.169.254.", NULL, false},
        {"http://2852039166", NULL, false},
        {"https://gitlab.example.com", "169.254.169.254", false},
        {"https://gitlab.example.com", "127.0.0.1", false},
        {"https://gitlab.example.com", "::ffff:127.0.0.1", false},
        {"https://169.254.169.254", "10.0.0.7", false},
        {"http://localhost", NULL, false},
        {"http://LOCALHOST.", NULL, false},
        {"http://gitlab.localhost:8080", NULL, false},
        {"http://localhost6", NULL, false},
        {"http://metadata.google.internal", NULL, false},
        {"http://Metadata.Google.Internal.", NULL, false},
        {"http://metadata", NULL, false},
        {"http://instance-data.ec2.internal", NULL, false},
        {"https://kubernetes.default.svc", NULL, false},
        {"https://kubernetes.default.svc.cluster.local", NULL, false},
        {"https://kubernetes", NULL, false},
        {"https://kubernetes.example.com", NULL, true},
        {"https://metadata.example.com", NULL, true},
        {"https://192.168.0.1:6443", NULL, false},
        {"https://gitlab.example.com:6443", "192.168.0.1", false},
        {"https://192.168.0.1", NULL, true},
    };
    const char *const api_servers[] = {"https://192.168.0.1:6443", NULL};
    const struct gitlab_policy policy = {.api_servers = api_servers};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        bool allowed = policy_allows_through_proxy(&policy, cases[i].url, cases[i].address, &err);
        if (allowed != cases[i].allowed || (!allowed && strcmp(err.reason, "AddressNotAllowed") != 0))
            fail_msg("%s at %s: %s", cases[i].url, cases[i].address ? cases[i].address : "-", err.text);
    }
}

/* Where loopback is allowed, this machine's names are as well. */
static void through_a_proxy_some_names_are_not_called(void **state)
{
    static const struct {
        const char *host, *what;
    } cases[] = {
        {"localhost", "this machine"},
        {"LocalHost", "this machine"},
        {"localhost4", "this machine"},
        {"a.localhost", "this machine"},
        {"localhost.localdomain", "this machine"},
        {"localhost6.localdomain6", "this machine"},
        {"ip6-localhost", "this machine"},
        {"ip6-loopback", "this machine"},
        {"metadata", "a cloud's metadata"},
        {"metadata.google.internal", "a cloud's metadata"},
        {"metadata.goog", "a cloud's metadata"},
        {"metadata.azure.internal", "a cloud's metadata"},
        {"metadata.platformequinix.com", "a cloud's metadata"},
        {"metadata.packet.net", "a cloud's metadata"},
        {"metadata.hetzner.cloud", "a cloud's metadata"},
        {"metadata.tencentyun.com", "a cloud's metadata"},
        {"instance-data", "a cloud's metadata"},
        {"instance-data.eu-west-1.compute.internal", "a cloud's metadata"},
        {"api.metadata.cloud.ibm.com", "a cloud's metadata"},
        {"kubernetes", "Kubernetes' API server"},
        {"kubernetes.default", "Kubernetes' API server"},
        {"kubernetes.default.svc", "Kubernetes' API server"},
        {"kubernetes.default.svc.cluster.local", "Kubernetes' API server"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char url[100], told[300];
        struct err err = {0};
        snprintf(url, sizeof(url), "https://%s", cases[i].host);
        snprintf(told, sizeof(told),
                 "https://%s: no call is made to this address (%s is %s); spec.url or spec.hostAliases must lead to "
                 "GitLab's own address",
                 cases[i].host, cases[i].host, cases[i].what);
        assert_false(policy_allows_through_proxy(&(struct gitlab_policy){0}, url, NULL, &err));
        assert_string_equal(err.text, told);
        assert_int_equal(policy_allows_through_proxy(&(struct gitlab_policy){.allow_loopback = true}, url, NULL, &err),
                         strcmp(cases[i].what, "this machine") == 0);
    }
}

static void through_a_proxy_loopback_can_be_allowed(void **state)
{
    static const char *const places[] = {"http://localhost", "http://127.0.0.1", "http://[::1]", "http://x.localhost"};
    const struct gitlab_policy policy = {.allow_loopback = true};
    struct err err = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        assert_true(policy_allows_through_proxy(&policy, places[i], NULL, &err));
    assert_false(policy_allows_through_proxy(&policy, "http://169.254.169.254", NULL, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_only_the_operator_can_reach),
        cmocka_unit_test(loopback_can_be_allowed_and_nothing_else),
        cmocka_unit_test(a_list_of_hosts_does_not_open_loopback),
        cmocka_unit_test(the_api_server_is_no_gitlab),
        cmocka_unit_test(what_is_no_ip_address_is_not_called),
        cmocka_unit_test(some_urls_are_not_called_at_all),
        cmocka_unit_test(what_is_not_called_is_told_with_a_remedy),
        cmocka_unit_test(an_alias_leads_to_what_is_listed),
        cmocka_unit_test(through_a_proxy_texts_are_judged),
        cmocka_unit_test(through_a_proxy_some_names_are_not_called),
        cmocka_unit_test(through_a_proxy_loopback_can_be_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
