"""What a person reads who has got something wrong: all of it at once, each thing once, and what to write instead; from
`validate`, from the API server, and from the condition."""
from __future__ import annotations

import json
import re
import subprocess

import pytest
import yaml

from cluster import refused
from gitlab_admin import GitLabAdmin
from places import Place
from program import PROGRAM
from test_crd import manifest
from test_render import RUNNER, runner

HEAD = {key: RUNNER[key] for key in ("apiVersion", "kind", "metadata")}
URL = "https://gitlab.example.com"


def said(body: str | dict) -> list[str]:
    """The lines, without the object's name."""
    text = body if isinstance(body, str) else json.dumps(body)
    done = subprocess.run([PROGRAM, "validate", "-f", "-"], input=text, capture_output=True, text=True, timeout=20)
    return [re.sub(r"^standard input: (GitLabRunner \S+: )?", "", line) for line in (done.stdout + done.stderr).splitlines()]


# As people paste what `gitlab-runner register` has written.
PASTED = yaml.safe_load("""
concurrent: 20
check_interval: 0
session_server: {session_timeout: 1800}
runners:
  name: pool
  url: https://gitlab.example.com
  id: 7
  token: glrt-AbCdEfGhIjKlMnOpQrSt
  token_obtained_at: "2026-01-01T00:00:00Z"
  token_expires_at: "0001-01-01T00:00:00Z"
  executor: kubernetes
  limit: 20
  cache: {MaxUploadedArchiveSize: 0}
  kubernetes: {host: "", image: "alpine:3", namespace: ci, privileged: false, service_account: worker, volumes: {}, poll_timeout: 600}
""")


def test_each_key_that_has_to_go_elsewhere_has_its_line() -> None:
    lines = said(runner(config=PASTED))
    errors = [line for line in lines if not line.startswith(("note: ", "warning: "))]
    moved = ["concurrent", "runners.name", "runners.url", "runners.id", "runners.token", "runners.token_obtained_at",
             "runners.kubernetes.image", "runners.kubernetes.namespace", "runners.kubernetes.service_account"]
    assert [line.split(" ")[0] for line in errors] == [f"spec.config.{key}" for key in moved]
    note, = (line for line in lines if line.startswith("note: "))
    assert all(f"spec.config.{key}" in note for key in ("check_interval", "runners.executor", "runners.token_expires_at",
                                                        "runners.kubernetes.host", "runners.kubernetes.privileged"))


def test_hints_lead_to_what_is_accepted() -> None:
    spec = {"url": URL, "authentication": {"accessTokenSecretRef": {"name": "a"}}, "scope": {"type": "Group", "groupId": "12"},
            "environment": [{"name": "A", "value": True}],
            "volumes": [{"name": "v", "mountPath": "/v", "secret": {"name": "s"}},
                        {"name": "w", "mountPath": "/w", "hostPath": {"path": "/w", "type": "Directory"}}],
            "limit": 5, "priorityClassName": "ci-high", "gitlabUrl": URL}
    assert said(HEAD | {"spec": spec}) == [
        "spec.scope.groupId must be a whole number, without quotes",
        "spec.environment[0].value must be text: put it in quotes",
        "spec.volumes[0].secret.name is not known: did you mean secretName?",
        "spec.volumes[1].hostPath.type is not known: gitlab-runner has no such setting, take it out",
        "spec.limit is not known: did you mean spec.config.runners.limit?",
        "spec.priorityClassName is not known: of the jobs: spec.config.runners.kubernetes.priority_class_name; "
        "of the manager: spec.manager.priorityClassName",
        "spec.gitlabUrl is not known: did you mean url?"]


def test_an_object_of_gitlabs_own_operator_is_led_to_ours() -> None:
    body = {"apiVersion": "apps.gitlab.com/v1beta2", "kind": "Runner", "metadata": {"name": "dev", "namespace": "ci"},
            "spec": {"gitlabUrl": URL, "token": "secret", "tags": "openshift, test", "concurrent": 10, "buildImage": "alpine",
                     "s3": {"server": "s3.example.com", "bucket": "b"}}}
    assert said(body) == [
        "kind: this is an object of GitLab's own operator: write one of the kind GitLabRunner of gitlab-runners.dev/v1beta1, "
        "in which its fields are where the other lines say, or see `import --help`",
        "spec.gitlabUrl is not known: did you mean url?",
        "spec.token is not known: did you mean spec.authentication.runnerTokenSecretRef? It names a Secret: no token is "
        "written into this object.",
        "spec.tags must be a list: write it as [openshift, test]",
        "spec.buildImage is not known: did you mean image?",
        "spec.s3.server is not known: did you mean spec.cache.s3.serverAddress?",
        "spec.s3.bucket is not known: did you mean spec.cache.s3.bucketName?"]


@pytest.mark.parametrize(("text", "what"), [
    ("concurrent = 1\n\n[[runners]]\n  executor = \"kubernetes\"\n", "this is a config.toml, no object: `import config` makes"),
    ("gitlabUrl: https://x\nrunners: {privileged: true}\n", "these are values of GitLab's Helm chart, no object: `import helm` makes"),
], ids=["toml", "values"])
def test_a_file_that_is_no_object_has_one_helpful_line(text: str, what: str) -> None:
    line, = said(text)
    assert line.startswith(what)


def test_a_fraction_is_told_in_one_line(ci: Place) -> None:
    body = manifest(resources={"requests": {"cpu": 0.5}})
    assert said(body) == ["spec.resources.requests.cpu must be a whole number or text: put it in quotes"]
    answer = refused("create", "--dry-run=server", "-f", "-", stdin=body)
    assert len(re.findall(r"spec\.resources\.requests\.cpu: ", answer)) == 1 and "of type integer,string" in answer
    assert "anyOf" not in answer and "should match" not in answer


def test_the_condition_has_all_errors_at_once(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    made = ci.unmanned(config=PASTED | {"shutdown_timeout": "30"})
    message = made.wait_refused("InvalidSpec")
    assert message.startswith("10 errors: (1) spec.config.concurrent is made from spec.concurrent: set that instead (2) spec.config.")
    assert "(10) spec.config.shutdown_timeout must be a whole number, without quotes" in message
