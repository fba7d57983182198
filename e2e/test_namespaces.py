"""Jobs in another namespace than the runner's: only where that namespace's owner lets them."""
from __future__ import annotations

import pytest

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import Place, Runner

ALLOWED = "gitlab-runners.dev/allowed-from"


def allow(ci: Place, ns: str, who: str | None) -> None:
    ci.kube.patch("Namespace", ns, {"metadata": {"annotations": {ALLOWED: who}}})


def binding(runner: Runner, ns: str) -> dict | None:
    return runner.child("binding", ns)


def test_another_namespace_must_be_opened_by_its_owner(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs")
    ci.registration_token()
    runner = ci.unmanned(namespace=jobs)
    message = runner.wait_refused("NamespaceNotAllowed")
    command = message.partition("opens it with: ")[2]
    assert command == f"kubectl annotate namespace {jobs} {ALLOWED}={ci.name}"
    assert binding(runner, jobs) is None and runner.child("manager") is None
    kubectl(*command.split()[1:])
    runner.wait(seconds=10)
    assert runner.kubernetes()["namespace"] == jobs
    assert binding(runner, jobs)["subjects"] == [
        {"kind": "ServiceAccount", "name": "builds-runner", "namespace": ci.name}]
    assert binding(runner, ci.name) is None, "the manager has no rights in its own namespace"


def test_a_job_runs_in_another_namespace(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: f"elsewhere, {ci.name[:5]}*"})
    project = ci.registration_token(files={".gitlab-ci.yml": "hello: {script: [echo hello]}"})
    runner = ci.runner(namespace=jobs)
    runner.wait()
    pipeline = gitlab.start_pipeline(project["id"])
    wait_for("its pod", lambda: ci.kube.list("Pod", jobs, "job.runner.gitlab.com/pod"))
    job = gitlab.pipeline(pipeline["id"], wait=60)["jobs"][0]
    assert job["status"] == "success", gitlab.trace(job["id"])


@pytest.mark.parametrize("who", [None, "", "other, team-*"])
def test_a_withdrawn_permission_takes_the_rights_away(who: str | None, ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    ci.registration_token()
    runner = ci.unmanned(namespace=jobs)
    runner.wait()
    allow(ci, jobs, who)
    runner.wait_refused("NamespaceNotAllowed")
    wait_for("the RoleBinding is gone", lambda: binding(runner, jobs) is None, 10)
    allow(ci, jobs, ci.name)
    runner.wait(seconds=10)
    assert binding(runner, jobs)


def test_a_changed_namespace_takes_the_rights_along(ci: Place, gitlab: GitLabAdmin) -> None:
    first, second = (ci.namespace(f"{ci.name}-{n}", **{ALLOWED: ci.name}) for n in "ab")
    ci.registration_token()
    runner = ci.unmanned(namespace=first)
    runner.wait()
    runner.edit(namespace=second)
    runner.wait()
    assert runner.kubernetes()["namespace"] == second
    assert binding(runner, second) and binding(runner, first) is None


def test_a_missing_namespace_is_waited_for(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned(namespace=ci.name + "-later")
    assert "create it" in runner.wait_refused("NamespaceNotFound")
    ci.namespace(ci.name + "-later", **{ALLOWED: ci.name})
    runner.wait(seconds=10)


def test_a_deletion_takes_the_rights_away_everywhere(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    ci.registration_token()
    runner = ci.unmanned(namespace=jobs)
    runner.wait()
    runner.delete()
    runner.wait_gone()
    assert binding(runner, jobs) is None and gitlab.runners() == []
