/* What gitlab-runner asks of config.toml when it loads the file. It exits with 1 at its start, and keeps the former
 * file otherwise. Source: LoadConfig() and Validate() in common/config.go, commands/multi.go, commands/boot_verify.go,
 * session/server.go; labels and log_field_… are validated in extra_config_rules.c. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "base/words.h"
#include "runner/go_syntax.h"
#include "runner/judge_parts.h"
#include "runner/render_parts.h"

/* As logrus takes levels, in upper or lower case. */
static bool is_level(const char *level)
{
    static const char *const levels[] = {"panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"};

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (same_but_for_case(levels[i], level))
            return true;
    return false;
}

void judge_log(const struct judged *j)
{
    const char *level = json_str(j->tree, "log_level"), *format = json_str(j->tree, "log_format");

    if (level && !is_level(level))
        judged_refuse(j,
                      "spec.config.log_level must be debug, info, warn, error, fatal or panic, not \"%s\": "
                      "gitlab-runner would not start",
                      shown(level, 60).text);
    if (format && word_index("runner, text, json", format) < 0)
        judged_refuse(j,
                      "spec.config.log_format must be runner, text or json, not \"%s\": gitlab-runner would not "
                      "start",
                      shown(format, 60).text);
}

/* The executor takes no shell that needs a file for its script. */
void judge_shell(const struct judged *j)
{
    const char *shell = json_str_or(j->runner, "shell", "");

    if (*shell && word_index("bash, sh, pwsh, powershell", shell) < 0)
        judged_refuse(j, "spec.config.runners.shell must be bash, sh, pwsh or powershell, not \"%s\"",
                      shown(shell, 60).text);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Times: [[…job_queuing_durations]], [[…autoscaler.policy]].
 */
static const char *zone_complaint(const struct judged *j, const char *zone)
{
    const char *near = go_time_zone_near(zone);

    return arena_printf(j->a, "timezone: there is no time zone \"%s\"; %s%s", shown(zone, 60).text,
                        near ? "did you mean " : "write one such as Europe/Berlin", near ? near : "");
}

/* What is wrong with periods and timezone; NULL: nothing. */
static const char *period_complaint(const struct judged *j, struct json_object *entry)
{
    struct json_object *periods = json_member(entry, "periods");
    const char *zone = json_str_or(entry, "timezone", "");

    for (size_t i = 0; i < json_len(periods); i++)
        if (!go_cron_parses(json_string(json_at(periods, i))))
            return arena_printf(j->a,
                                "periods[%zu] is no cron expression: \"%s\"; write minute, hour, day of the month, "
                                "month and day of the week, such as \"* 8-18 * * mon-fri\"",
                                i, shown(json_string(json_at(periods, i)), 60).text);
    return go_time_zone_exists(zone) ? NULL : zone_complaint(j, zone);
}

void judge_monitoring(const struct judged *j)
{
    struct json_object *list = json_get(j->runner, "monitoring.job_queuing_durations");

    for (size_t i = 0; i < json_len(list); i++) {
        const char *path = arena_printf(j->a, "spec.config.runners.monitoring.job_queuing_durations[%zu]", i);
        const char *pattern = json_str_or(json_at(list, i), "jobs_running_for_project", "");
        if (!json_len(json_member(json_at(list, i), "periods")))
            judged_refuse(j, "%s.periods is missing, so the entry would never hold: \"* * * * *\" is at all times",
                          path);
        if (period_complaint(j, json_at(list, i)))
            judged_refuse(j, "%s.%s; gitlab-runner would not start", path, period_complaint(j, json_at(list, i)));
        if (!go_regexp_compiles(pattern))
            judged_refuse(j,
                          "%s.jobs_running_for_project is no regular expression of Go: \"%s\"; correct it, or "
                          "gitlab-runner would not start",
                          path, shown(pattern, 80).text);
    }
}

void judge_autoscaler(const struct judged *j)
{
    struct json_object *list = json_get(j->kubernetes, "autoscaler.policy");

    for (size_t i = 0; i < json_len(list); i++) {
        const char *path = arena_printf(j->a, "spec.config.runners.kubernetes.autoscaler.policy[%zu]", i);
        const char *idle = json_str(json_at(list, i), "idle_time");
        int64_t ns;
        if (period_complaint(j, json_at(list, i)))
            judged_warn(j, "%s.%s; there will be no pause pods", path, period_complaint(j, json_at(list, i)));
        if (idle && duration_parse(idle, &ns) && ns != 0 && ns < 1000000000)
            judged_refuse(j, "%s.idle_time must be 1s at least, or left out, not \"%s\"", path, shown(idle, 40).text);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is done at the start.
 */

/* The canary is a job that names no image. */
void judge_boot_verify(const struct judged *j)
{
    if (json_bool_or(j->runner, "experimental.boot_verify.enabled", false) && !json_str(j->kubernetes, "image"))
        judged_refuse(j,
                      "spec.config.runners.experimental.boot_verify runs a job at the start, in the default image: set "
                      "spec.image, or gitlab-runner would end each time");
}

/* host:port, the host in brackets when it is an IPv6 address; NULL: it is not that. */
static const char *port_in(const char *address)
{
    const char *colon = strrchr(address, ':');
    bool bracketed = *address == '[' && colon && colon > address && colon[-1] == ']';

    if (!colon || (!bracketed && strchr(address, ':') != colon))
        return NULL;
    size_t digits = strspn(colon + 1, "0123456789");
    return digits && digits <= 5 && !colon[1 + digits] && atoi(colon + 1) <= 65535 ? colon + 1 : NULL;
}

static bool has_host(const char *address)
{
    return *address && *address != ':';
}

/* The certificate is for the host of one of the two addresses. */
void judge_session_server(const struct judged *j)
{
    struct json_object *server = json_member(j->tree, "session_server");
    const char *listen = json_str_or(server, "listen_address", ""),
               *advertise = json_str_or(server, "advertise_address", ""), *port = port_in(listen);

    if (!*listen)
        return;
    if (!port || (!has_host(listen) && !has_host(advertise)))
        judged_refuse(j,
                      "spec.config.session_server.listen_address must be host:port, such as \"[::]:8093\", not "
                      "\"%s\": gitlab-runner would not start",
                      shown(listen, 60).text);
    else if (strcmp(port, METRICS_PORT) == 0)
        judged_refuse(j, "spec.config.session_server.listen_address has the port " METRICS_PORT
                         ", on which gitlab-runner has its metrics: use another one, such as 8093");
    else if (strstr(advertise, "://"))
        judged_refuse(j,
                      "spec.config.session_server.advertise_address must be host:port without a scheme, not "
                      "\"%s\": gitlab-runner would not start",
                      shown(advertise, 60).text);
    else if (!*advertise)
        judged_warn(j,
                    "spec.config.session_server has no advertise_address: GitLab is told \"%s\", where it finds no "
                    "manager; set advertise_address to what leads to it",
                    shown(listen, 60).text);
}

/* gitlab-runner reads these tables by itself, and wants them whole. */
void judge_nfs(const struct judged *j)
{
    static const char *const required[] = {"name", "mount_path", "server", "path"};
    struct json_object *list = json_get(j->kubernetes, "volumes.nfs");

    for (size_t i = 0; i < json_len(list); i++)
        for (size_t r = 0; r < ARRAY_LEN(required); r++)
            if (!*json_str_or(json_at(list, i), required[r], ""))
                judged_refuse(j, "%s[%zu].%s is missing: gitlab-runner would not start", judged_field(j, "volumes.nfs"),
                              i, required[r]);
}
