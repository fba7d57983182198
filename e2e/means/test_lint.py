"""gitlab-runner's own judgement, `lint` and the loading of the file, over generated specs: what `validate` takes, it takes; what
it refuses, `validate` refuses."""
from __future__ import annotations

import json
import random
import re
import string
import subprocess

from program import PROGRAM, run
from test_render import dumped, runner
from test_resource_config import as_file, validated, verdicts

SEED = 19_4
WORDS = ["x", "", "15m", "90s", "-5m", "1 hour", "true", "$CI_JOB_ID", "Europe/Berlin", "UTC", "Mars/Base", "* * * * *", "@daily",
         "bash", "zsh", "always", "never", "Always", "cluster-first", "none", "a b", "a/b", "[::]:8093", "500m", "2 Gi", "ci-.*", "ci-("]


# ----------------------------------------------------------------------------------------------------------------------
# Whole specs


def some(dice: random.Random, options: dict) -> dict:
    """Some of the members."""
    return {key: make(dice) for key, make in options.items() if dice.random() < 0.4}


def choice(*values: object):
    return lambda dice: dice.choice(values)


def listed(make, most: int = 3):
    return lambda dice: [make(dice) for _ in range(dice.randrange(1, most + 1))]


NAMES = choice("app", "team", "example.com/role", "a.b-c_d")
LABELS = lambda dice: {NAMES(dice): dice.choice(["x", "", "a-b", "1"]) for _ in range(dice.randrange(4))}   # noqa: E731
CONTEXT = {"run_as_user": choice(1000, 0), "run_as_non_root": choice(False), "privileged": choice(False), "proc_mount": choice("default"),
           "seccomp_profile": choice({"type": "RuntimeDefault"}), "capabilities": choice({"drop": ["ALL"]}, {"add": ["CHOWN"], "drop": []})}
QUEUING = {"periods": listed(choice("* * * * *", "@hourly", "0 8-18 * * mon-fri", "0 0 L * *")), "timezone": choice("UTC", "Europe/Berlin"),
           "threshold": choice("1m", "90s"), "jobs_running_for_project": choice(".*", "^[0-2]$", "")}
KUBERNETES = {
    "allowed_images": choice(["ruby:*"], []), "allowed_pull_policies": choice(["always"], ["never", "if-not-present"]),
    "bearer_token_overwrite_allowed": choice(True), "namespace_overwrite_allowed": choice("ci-.*", ""), "dns_policy": choice("default", "cluster-first"),
    "helper_cpu_limit": choice("1", "500m"), "service_memory_request": choice("1Gi"), "poll_timeout": choice(600), "cap_drop": choice(["ALL"]),
    "pod_security_context": lambda dice: some(dice, {"fs_group": choice(1000), "run_as_user": choice(1000)}),
    "build_container_security_context": lambda dice: some(dice, CONTEXT), "helper_container_security_context": lambda dice: some(dice, CONTEXT),
    "services": listed(choice({"name": "postgres:16", "alias": "db"}, {"name": "redis"})), "dns_config": choice({"nameservers": ["10.0.0.1"], "options": [{"name": "ndots", "value": "2"}]}),
    "pod_spec": listed(choice({"name": "a", "patch": "hostNetwork: false", "patch_type": "merge"})), "priority_class_name": choice("high"),
    "container_lifecycle": choice({"pre_stop": {"exec": {"command": ["true"]}}}), "retry_limits": choice({"TLS handshake timeout": 3}),
    "autoscaler": lambda dice: {"max_pause_pods": 3, "policy": [some(dice, {"periods": QUEUING["periods"], "timezone": QUEUING["timezone"], "idle_count": choice(1), "idle_time": choice("1m")})]},
}
RUNNERS = {
    "limit": choice(1, 5), "output_limit": choice(8192), "request_concurrency": choice(2, 4), "shell": choice("bash", "sh", "pwsh"), "builds_dir": choice("/builds"),
    "pre_build_script": choice("echo hi\n"), "feature_flags": choice({"FF_USE_FASTZIP": True}, {}), "labels": choice({"site": "berlin"}), "unhealthy_interval": choice("30m"),
    "custom_build_dir": choice({"enabled": True}), "artifact": choice({"upload_timeout": "1m"}), "monitoring": lambda dice: {"job_queuing_durations": [some(dice, QUEUING) | {"periods": QUEUING["periods"](dice)}]},
    "experimental": choice({"boot_verify": {"enabled": False, "timeout": "1m"}}), "kubernetes": lambda dice: some(dice, KUBERNETES),
}
CONFIG = {
    "connection_max_age": choice("15m", "0"), "shutdown_timeout": choice(30), "labels": choice({"site": "berlin"}), "log_field_schema_version": choice(1),
    "session_server": choice({"listen_address": "[::]:8093", "advertise_address": "a:8093", "session_timeout": 60}), "sentry_dsn": choice(""),
    "experimental": choice({"usage_logger": {"enabled": False, "labels": {"a": "b"}}}), "runners": lambda dice: some(dice, RUNNERS),
}
SPEC = {
    "concurrent": choice(1, 4, 100), "logLevel": choice("info"), "logFormat": choice("json"), "image": choice("busybox:1.36", "$IMAGE"), "nodeSelector": LABELS, "podLabels": LABELS,
    "podAnnotations": LABELS, "pullPolicy": choice(["Always"], ["IfNotPresent", "Never"]), "privileged": choice(False), "imagePullSecrets": choice([{"name": "registry"}]),
    "tolerations": choice([{"key": "dedicated", "value": "ci", "effect": "NoSchedule"}, {"operator": "Exists"}]), "hostAliases": choice([{"ip": "10.0.0.1", "hostnames": ["gitlab.example.com"]}]),
    "environment": choice([{"name": "FF_USE_FASTZIP", "value": "true"}]), "resources": choice({"requests": {"cpu": 1}, "limits": {"cpu": "2"}}),
    "volumes": choice([{"name": "a", "mountPath": "/a", "nfs": {"server": "s", "path": "/p"}}], [{"name": "b", "mountPath": "/b", "emptyDir": {}}]),
    "cache": choice({"type": "s3", "s3": {"bucketName": "b"}}), "config": lambda dice: some(dice, CONFIG),
}


def leaves(value: object, path: tuple = ()) -> list[tuple]:
    """The paths to what is no table and no list."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    return [path] if items is None else [leaf for key, inner in items for leaf in leaves(inner, (*path, key))]


def mutated(dice: random.Random, config: dict) -> dict:
    """One leaf has another value: of another type, or another text."""
    config = json.loads(json.dumps(config))
    path = dice.choice(leaves(config))
    parent = config
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = dice.choice([dice.choice(WORDS), dice.choice(WORDS), dice.randrange(-3, 5000), 1.5, True, [], ["x"], {}])
    return config


def registered(config: dict) -> dict:
    """With what the operator adds."""
    runners = config.get("runners", {})
    return config | {"runners": {"url": "https://gitlab.example.com", "token": "glrt-x"} | runners} if isinstance(runners, dict) else config


def said_of(specs: list[dict]) -> list[str]:
    done = subprocess.run([PROGRAM, "validate", "-f", "-"], input=dumped(*(runner(**spec) for spec in specs)), capture_output=True,
                          text=True, timeout=120)
    lines = [line.partition(" ci/builds: ")[2] for line in done.stdout.splitlines()]
    return [line for line in lines if not line.startswith("warning: ")]


def test_what_validate_takes_lints_clean() -> None:
    dice = random.Random(SEED)
    specs = [some(dice, SPEC) for _ in range(400)]
    said = said_of(specs)
    assert len(said) == len(specs) and set(said) == {"valid"}, set(said)
    tomls = re.split(r"^# ci/builds\n", run("render", "-f", "-", "-o", "toml", stdin=dumped(*(runner(**s) for s in specs))).stdout, flags=re.M)[1:]
    judged = verdicts(tomls, "lint")
    assert len(judged) == len(specs)
    for spec, verdict in zip(specs, judged):
        assert not verdict["lint"], f"{spec}: {verdict['lint']}"
    print(f"{len(specs)} specs are valid, and their config.toml lints clean")


def test_what_lint_refuses_validate_refuses() -> None:
    """Keys that are not known apart, of which both tell in a way of their own."""
    dice = random.Random(SEED + 1)
    configs = [mutated(dice, config) for config in (some(dice, CONFIG) for _ in range(1500)) if leaves(config)]
    said, judged = list(validated(configs)), verdicts([as_file(registered(config)) for config in configs], "lint")
    assert len(said) == len(judged) == len(configs)
    refused = missed = 0
    for config, ours, theirs in zip(configs, said, judged):
        against = theirs["lint"] if "unknown key(s) found" not in theirs["lint"] else ""
        refused += bool(against)
        missed += ours != "valid" and not against
        assert not (against and ours == "valid"), f"{config}: {against}"
    assert refused > 300
    print(f"{len(configs)} mutations: lint refuses {refused}, and validate those and {missed} more")


# ----------------------------------------------------------------------------------------------------------------------
# Syntax that Go's libraries define


PIECES = [*"()[]{}*+?|\\^$.-,:=!<>", *"aimsUbBdDwWpPQEzAx019_", "(?", "(?P<", "(?:", "[:alpha:]", "[^", "\\p{Greek}", "\\p{L", "{2,3}", "{1000}", "\\x{", "ä", "]"]
FIELDS = ["*", "?", "5", "07", "*/2", "1-5", "5-1", "1,2,", "mon", "MON-FRI", "january", "l", "LW", "15w", "5l", "mon#2", "60", "24", "0", "32", "13", "8", "2026", "1969", "x", "*/0", "*/60", "1/3", "1-5/2", "#", "-", "sun,7", "001"]
ZONES = ["UTC", "Local", "", "Europe/Berlin", "europe/berlin", "Europe", "Etc/GMT+5", "GMT", "Mars/Base", "../etc/passwd", "America/Argentina/Ushuaia", "US/Pacific", "Asia/Calcutta", "PST"]


def patterns(dice: random.Random) -> list[str]:
    return ["".join(dice.choices(PIECES, k=dice.randrange(1, 9))) for _ in range(4000)]


def crons(dice: random.Random) -> list[str]:
    return [" ".join(dice.choices(FIELDS, weights=[30] + [1] * (len(FIELDS) - 1), k=dice.choice([4, 5, 5, 5, 6, 7, 8]))) for _ in range(3000)]


def compare(name: str, member: str, texts: list) -> None:
    """One of them in each file, which nothing else is wrong with."""
    configs = [{"runners": {"monitoring": {"job_queuing_durations": [{"periods": ["* * * * *"]} | {member: text}]}}} for text in texts]
    said, judged = list(validated(configs)), verdicts([as_file(config) for config in configs])
    assert len(said) == len(judged) == len(texts)
    for text, ours, theirs in zip(texts, said, judged):
        assert (ours == "valid") == (not theirs["error"]), f"{text!r}: {ours}; {theirs['error']}"
    good = said.count("valid")
    print(f"{name}: {good} good and {len(texts) - good} bad ones, and no other verdict than that of gitlab-runner")
    assert 0 < good < len(texts)


def test_regular_expressions_are_those_of_go() -> None:
    compare("regular expressions", "jobs_running_for_project", patterns(random.Random(SEED)))


def test_periods_are_those_of_gitlab_runner() -> None:
    compare("periods", "periods", [[text] for text in crons(random.Random(SEED))])


def test_time_zones_are_those_of_go() -> None:
    dice = random.Random(SEED)
    odd = ["".join(dice.choices(string.ascii_letters + "/_", k=6)) for _ in range(50)]
    compare("time zones", "timezone", ZONES + odd)
