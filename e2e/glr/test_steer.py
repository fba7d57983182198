"""pause, resume, drain, rotate, restart, and the annotations by which git says the same."""
from __future__ import annotations

import json
import signal
from datetime import datetime, timedelta, timezone

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from glr.desk import Desk
from places import Runner

UNTIL = "gitlab-runners.dev/paused-until"
RESTART = "gitlab-runners.dev/restart"


@pytest.fixture
def runner(desk: Desk) -> Runner:
    desk.access_token()
    runner = desk.unmanned("accessToken")
    runner.wait()
    return runner


def is_paused(gitlab: GitLabAdmin) -> bool:
    return gitlab.runners()[0]["paused"]


def annotations(runner: Runner) -> dict:
    return runner.object()["metadata"].get("annotations", {})


def test_a_pause_ends_when_somebody_resumes(desk: Desk, runner: Runner, gitlab: GitLabAdmin) -> None:
    said = desk.glr("pause", "builds", "--for", "2h", "--reason", "disk <full>")
    assert f"{desk.name}/builds, runner " in said.stderr and "my.gitlab.com" in said.stderr
    assert said.stdout.startswith("paused by ") and " until " in said.stdout and said.stdout.endswith("; no jobs run\n")
    assert is_paused(gitlab)
    shown = runner.conditions()
    assert (shown["Ready"]["status"], shown["Ready"]["reason"]) == ("True", "Paused")
    assert shown["Paused"]["message"].endswith(": disk <full>")
    assert "resumed" in desk.glr("resume", "builds").stdout
    assert not is_paused(gitlab) and runner.wait(reason="Ready") and not annotations(runner)
    assert "is not paused" in desk.glr("resume", "builds").stdout
    assert json.loads(desk.glr("pause", "builds", "-o", "json").stdout)["metadata"]["name"] == "builds"
    assert runner.conditions()["Paused"]["status"] == "True"


def test_an_annotation_pauses_until_its_time(desk: Desk, runner: Runner, gitlab: GitLabAdmin) -> None:
    end = datetime.now(timezone.utc) + timedelta(seconds=5)
    desk.annotate("builds", paused_until=f"{end:%Y-%m-%dT%H:%M:%SZ}", paused_by="anna")
    wait_for("GitLab is told", lambda: is_paused(gitlab), 4)
    wait_for("… and again, when the time has come", lambda: not is_paused(gitlab), 10)
    assert runner.wait(reason="Ready")
    desk.annotate("builds", paused_until="tomorrow")
    assert 'is "tomorrow", so nothing is paused' in runner.wait(reason="ReadyWithWarnings")["message"]
    assert not is_paused(gitlab)


def test_drain_waits_for_the_jobs(desk: Desk, runner: Runner, gitlab: GitLabAdmin) -> None:
    pod = desk.job(8812)
    drain = desk.type("drain", "builds")
    drain.says("intake paused at GitLab; 1 job: 8812 test")
    assert is_paused(gitlab)
    desk.kube.delete("Pod", pod, desk.name)
    drain.says("; no jobs")
    drain.end(0)
    assert drain.out.endswith("drained. Undo: the same with --undo\n") and "\x1b" not in drain.out
    assert len(drain.out.splitlines()) == 3, "a line a change, however the ages of jobs change"

    pod = desk.job(8813)
    late = desk.glr("drain", "builds", "--timeout", "2s", code=3)
    assert "8813 test" in late.stderr
    drain = desk.type("drain", "builds")
    drain.says("8813")
    drain.send(signal.SIGINT)
    assert "intake stays paused" in drain.end(3)
    assert is_paused(gitlab)
    desk.glr("drain", "builds", "--undo")
    assert not is_paused(gitlab)


def test_what_another_tool_owns_is_left_to_it(desk: Desk, runner: Runner, gitlab: GitLabAdmin) -> None:
    desk.applied_by("argocd-controller", "builds", {"metadata": {"annotations": {UNTIL: "resumed"}}})
    runner.wait(reason="Paused")
    for command in ("pause", "resume"):
        refused = desk.glr(command, "builds", code=1)
        assert "argocd-controller's" in refused.stderr and UNTIL in refused.stderr
    desk.glr("resume", "builds", "--anyway")
    assert not is_paused(gitlab)
    desk.applied_by("kustomize-controller", "builds", {"spec": {"paused": True}})
    runner.wait(reason="Paused")
    assert "spec: {paused: false}" in desk.glr("resume", "builds", code=1).stderr
    assert is_paused(gitlab)


def test_rotate_replaces_the_token_once(desk: Desk, runner: Runner, gitlab: GitLabAdmin) -> None:
    before = runner.token()
    said = desk.glr("rotate", "builds").stdout
    assert f"{runner.status()['runnerId']}: new token" in said
    assert runner.token() not in (before, "") and gitlab.runners()[0]["token"] == runner.token()
    assert len(gitlab.audit("POST", "/api/v4/runners/reset_authentication_token")) == 1
    assert runner.token() not in said


def test_restart_replaces_the_managers(desk: Desk) -> None:
    desk.access_token()
    runner = desk.runner("accessToken")
    runner.wait()
    before = [pod["metadata"]["uid"] for pod in runner.managers()]
    assert "1/1 new managers ready" in desk.glr("restart", "builds").stdout
    wait_for("the old one is gone", lambda: not [p for p in runner.managers() if p["metadata"]["uid"] in before])
    deployment = runner.child("manager")
    assert deployment["spec"]["template"]["metadata"]["annotations"][RESTART] == annotations(runner)[RESTART]
    desk.annotate("builds", restart=None)
    desk.annotate("builds", rotate_token="now")     # is seen after that
    wait_for("it has a new token", lambda: runner.status().get("lastHandledRotateToken") == "now")
    assert runner.child("manager")["metadata"]["generation"] == deployment["metadata"]["generation"]


def test_few_rights_are_enough(desk: Desk, runner: Runner, gitlab: GitLabAdmin) -> None:
    rules = [{"apiGroups": ["gitlab-runners.dev"], "resources": ["gitlabrunners"], "verbs": ["get", "patch"]}]
    desk.put("Role", "steers", {"rules": rules})
    desk.put("RoleBinding", "steers", {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "steers"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "anna"}]})
    said = desk.glr("drain", "builds", "--as", "anna", code=4)
    assert "NOT SEEN jobs: needs list pods" in said.stderr and is_paused(gitlab)
    assert annotations(runner)["gitlab-runners.dev/paused-by"] == "anna"
    said = desk.glr("pause", "builds", "--as", "anna", "--for", "1h", code=4)
    assert said.stdout.startswith("paused by anna until ") and "; ? jobs" in said.stdout
    desk.glr("resume", "builds", "--as", "anna")


def test_what_cannot_be_is_said(desk: Desk, gitlab: GitLabAdmin) -> None:
    desk.registration_token()
    runner = desk.unmanned()
    runner.wait()
    assert "--replicas=0" in desk.glr("pause", "builds", code=1).stderr
    desk.annotate("builds", paused_until="resumed")
    assert "only an access token" in runner.wait(reason="ReadyWithWarnings")["message"]
    for command in ("pause", "resume", "drain", "rotate", "restart"):
        assert "nobody" in desk.glr(command, "nobody", code=1).stderr
        desk.glr(command, code=2)
    desk.operator.kill()
    late = desk.glr("restart", "builds", "--timeout", "2s", code=3)
    assert "Nobody has taken it up" in late.stderr
