/* The only file that knows the commit, so that a new commit rebuilds one file. */
#include <curl/curl.h>
#include <json-c/json.h>
#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <uv.h>
#include <yaml.h>

#include "version.h"

#ifndef VERSION
#define VERSION "dev"
#define COMMIT  "unknown"
#endif

const char *version_text(void)
{
    return VERSION " (commit " COMMIT ")";
}

const char *version_number(void)
{
    return VERSION;
}

const char *version_commit(void)
{
    return COMMIT;
}

void version_print(void)
{
    printf("gitlab-runner-controller %s\n", version_text());
    printf("  compiler        gcc %s\n", __VERSION__);
    printf("  libcurl         %s\n", curl_version());
    printf("  json-c          %s\n", json_c_version());
    printf("  libyaml         %s\n", yaml_get_version_string());
    printf("  OpenSSL         %s\n", OpenSSL_version(OPENSSL_VERSION));
    printf("  libuv           %s\n", uv_version_string());
    printf("  libwebsockets   %s\n", lws_get_library_version());
}

static const char *called_as = "gitlab-runner-controller";

const char *program_name(void)
{
    return called_as;
}

void program_name_set(const char *name)
{
    called_as = name;
}
