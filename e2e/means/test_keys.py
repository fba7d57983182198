"""Every key of config.toml can be said: by a field, in spec.config, or there is a reason why not. Offline, by `render`;
the keys are gitlab-runner's own (controller/runner/config_keys.c), and so is the judgement of what comes out."""
from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Iterator

import pytest

from fields import merged
from program import PROGRAM, run
from test_render import FULL, dumped, runner
from test_resource_config import keys_of, toml_of, validated, verdicts

# A value for each type; and for those keys that are looked into more closely, by the end of their paths.
VALUES = {"TEXT": "x", "WHOLE": 2**40, "WHOLE32": 7, "NUMBER": 1.5, "FLAG": True, "DURATION": "15m", "ANY": "x"}
OF_ITS_OWN = {
    r"(^|runners\.)labels": {"abc": "x"}, "log_field_dual_emit_target": 0, "session_server.listen_address": "[::]:8093",
    r"(cpu|memory|storage)_(limit|request)": "1", "(run_as_(user|group)|fs_group)": 7, "supplemental_groups": [7],
    "allowed_pull_policies": ["always"], "nameservers": ["10.0.0.1"], "patch_type": "json", r"runners\.shell": "bash",
    "operator": "In", "periods": ["* * * * *"], "timezone": "Europe/Berlin",
    "boot_verify.enabled": False, "namespace_per_job": False,      # true takes spec.image, or an account of one's own
}
FRAMES = {                  # what has to be beside a key, in an entry of such a list
    "nfs": {"name": "a", "mount_path": "a", "server": "a", "path": "a"},
    "match_expressions": {"key": "a", "operator": "In", "values": ["a"]},
    "match_fields": {"key": "metadata.name", "operator": "In", "values": ["a"]},
    "job_queuing_durations": {"periods": ["* * * * *"]},
}
VOLUME = {"name": "v", "mountPath": "/v"}
FIELDS = [                  # what says by fields all that fields can say
    json.loads(FULL.read_text())["spec"],
    {"logLevel": "info", "logFormat": "json", "privileged": True, "caSecretRef": {"name": "ca"}},
    {"cache": {"type": "gcs", "gcs": {"bucketName": "b", "credentialsSecretRef": {"name": "s"}}}},
    {"cache": {"type": "azure", "azure": {"containerName": "c", "credentialsSecretRef": {"name": "s"}}}},
]
EXECUTOR = "the manager uses its own ServiceAccount, and no other cluster"
REASONS = {                 # why a key has no place in any GitLabRunner
    "listen_address": "the operator's: metrics and probes are there",
    "runners.name": "the object's namespace and name",
    "runners.executor": "always kubernetes",
    "runners.id": "GitLab's number of the runner",
    "runners.token_obtained_at": "would have gitlab-runner rotate the token, which the operator does",
    "runners.token_expires_at": "would have gitlab-runner rotate the token, which the operator does",
    "runners.cache.s3.SessionToken": "in the Secret of the cache alone, so `render` cannot know it (unit test cache)",
    "runners.kubernetes.host": EXECUTOR, "runners.kubernetes.context": EXECUTOR, "runners.kubernetes.cert_file": EXECUTOR,
    "runners.kubernetes.key_file": EXECUTOR, "runners.kubernetes.ca_file": EXECUTOR,
    "runners.kubernetes.bearer_token": EXECUTOR,
}


def leaves(table: str = "config_shape", path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """Each key that has no keys of its own, as a path in which "[]" is a list's entry; and a value for it."""
    for name, many, kind, inner in keys_of(table):
        steps = (*path, name)
        if kind == "TABLE":
            yield from leaves(inner, (*steps, "[]") if many == "LIST" else steps)
            continue
        value = VALUES[kind]
        wrapped = {"ONE": value, "LIST": [value], "MAP": {"x": value}, "ONE_OR_LIST": [value]}[many]
        own = (value for end, value in OF_ITS_OWN.items() if re.search(f"{end}$", ".".join(steps)))
        yield steps, next(own, wrapped)


def nested(steps: tuple[str, ...], value: object) -> object:
    for i, step in reversed([*enumerate(steps)]):
        value = [FRAMES.get(steps[i - 1], {}) | value] if step == "[]" else {step: value}
    return value


def at(tree: object, steps: tuple[str, ...]) -> object:
    """What is there, in the first entry of each list that has it; None: nothing."""
    if not steps:
        return tree
    if isinstance(tree, list):
        rest = steps[1:] if steps[0] == "[]" else steps
        return next((found for entry in tree if (found := at(entry, rest)) is not None), None)
    return at(tree[steps[0]], steps[1:]) if isinstance(tree, dict) and steps[0] in tree else None


def rendered(**spec: object) -> str | None:
    """config.toml; None: it is refused."""
    done = subprocess.run([PROGRAM, "render", "-f", "-", "-o", "toml"], input=json.dumps(runner(**spec)),
                          capture_output=True, text=True, timeout=20)
    assert done.returncode in (0, 3), done.stderr
    return done.stdout if done.returncode == 0 else None


def all_rendered(configs: list[dict]) -> list[str]:
    """The config.toml of each, by one run."""
    bodies = [runner(config=config) | {"metadata": {"name": f"r{i}", "namespace": "ci"}} for i, config in enumerate(configs)]
    return re.split(r"^# ci/r\d+\n", run("render", "-f", "-", "-o", "toml", stdin=dumped(*bodies)).stdout, flags=re.M)[1:]


def test_every_key_of_gitlab_runner_can_be_said() -> None:
    keys = {".".join(steps).replace(".[]", "[]"): (steps, value) for steps, value in leaves()}
    configs = {path: nested(*key) for path, key in keys.items()}
    in_config = [path for path, said in zip(keys, validated(list(configs.values()))) if said == "valid"]
    tomls = all_rendered([configs[path] for path in in_config])
    for path, toml in zip(in_config, tomls, strict=True):
        steps, value = keys[path]
        found = at(tomllib.loads(toml), steps)
        assert (found, type(found)) == (value, type(value)), path
    assert [(v["error"], toml) for v, toml in zip(verdicts(tomls), tomls) if v["error"]] == [], "gitlab-runner takes each"
    made = [tomllib.loads(rendered(**merged(spec, {"config": None})) or "") for spec in FIELDS]
    by_field = {path for path, (steps, _) in keys.items() if any(at(tree, steps) is not None for tree in made)}
    by_field -= {*in_config, *REASONS}
    assert keys.keys() - {*in_config} - by_field == REASONS.keys(), "neither to be said, nor a reason why not"
    print(f"{len(keys)} keys: {len(in_config)} in spec.config, {len(by_field)} by a field, {len(REASONS)} with a reason")
    assert len(keys) > 350


# ----------------------------------------------------------------------------------------------------------------------
# What public reports asked for

ROLE = "arn:aws:iam::123456789012:role/ci-cache"
CACHE = {"type": "s3", "shared": True, "maxUploadedArchiveSize": 5368709120,
         "s3": {"bucketName": "ci-cache", "bucketLocation": "eu-central-1", "roleARN": ROLE,
                "uploadRoleARN": f"{ROLE}-upload"}}
SAID_SO = {"Type": "s3", "Shared": True, "MaxUploadedArchiveSize": 5368709120,
           "s3": {"BucketName": "ci-cache", "BucketLocation": "eu-central-1", "RoleARN": ROLE,
                  "UploadRoleARN": f"{ROLE}-upload", "AuthenticationType": "iam"}}
WAYS = {
    "by fields": {"cache": CACHE},
    "in GitLab's words": {"config": {"runners": {"cache": SAID_SO}}},
    "by both": {"cache": {"type": "s3", "shared": True, "s3": {"bucketName": "ci-cache"}},
                "config": {"runners": {"cache": {"MaxUploadedArchiveSize": 5368709120, "s3": {
                    key: SAID_SO["s3"][key] for key in ("BucketLocation", "RoleARN", "UploadRoleARN")}}}}},
}


@pytest.mark.parametrize("spec", WAYS.values(), ids=WAYS.keys())
def test_a_cache_with_a_role_and_a_size(spec: dict) -> None:
    """A size of more than 32 bits, and the role by which uploads are made."""
    toml = rendered(**spec) or ""
    assert tomllib.loads(toml)["runners"][0]["cache"] == SAID_SO
    assert verdicts([toml])[0]["error"] == ""


def test_secrets_of_a_cache_stay_out_of_the_object() -> None:
    for section, key in (("s3", "AccessKey"), ("s3", "SecretKey"), ("s3", "SessionToken"), ("gcs", "PrivateKey"),
                         ("azure", "AccountKey")):
        body = json.dumps(runner(config={"runners": {"cache": {section: {key: "of-the-test"}}}}))
        said = run("validate", "-f", "-", stdin=body, code=3).stdout
        assert f"spec.config.runners.cache.{section}.{key} is a secret" in said and "credentialsSecretRef" in said
        assert "of-the-test" not in said


PIPE = r"\\.\pipe\docker_engine"


def test_volumes_of_windows() -> None:
    spec = {"nodeSelector": {"kubernetes.io/os": "windows"},
            "volumes": [{"name": "docker-pipe", "mountPath": PIPE, "readOnly": True, "hostPath": {"path": PIPE}},
                        {"name": "cache", "mountPath": r"C:\cache", "emptyDir": {}}]}
    toml = rendered(**spec) or ""
    volumes = tomllib.loads(toml)["runners"][0]["kubernetes"]["volumes"]
    assert volumes == {"host_path": [{"name": "docker-pipe", "mount_path": PIPE, "host_path": PIPE, "read_only": True}],
                       "empty_dir": [{"name": "cache", "mount_path": r"C:\cache"}]}
    assert verdicts([toml])[0]["error"] == ""


def test_what_a_field_says_is_not_said_twice() -> None:
    volumes = {"host_path": [{"name": "a", "mount_path": "/a", "host_path": "/a"}]}
    config = {"runners": {"kubernetes": {"volumes": volumes}}}
    assert tomllib.loads(toml_of(config))["runners"][0]["kubernetes"]["volumes"] == volumes
    assert rendered(config=config, volumes=[VOLUME | {"emptyDir": {}}])
    body = json.dumps(runner(config=config, volumes=[VOLUME | {"hostPath": {"path": "/v"}}]))
    said = run("validate", "-f", "-", stdin=body, code=3).stdout
    assert "spec.config.runners.kubernetes.volumes.host_path is made from spec.volumes: take one of the two out" in said
