"""What a deletion leaves behind: nothing, unless somebody wanted it so or GitLab could not be reached."""
from __future__ import annotations

import pytest

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import Place, Runner
from test_jobs import ONE_JOB, finished, job_pods, release

pytestmark = pytest.mark.lifecycle


def ready_runner(ci: Place, authentication: str = "registrationToken", **spec: object) -> Runner:
    if authentication == "accessToken":
        ci.access_token()
    else:
        ci.registration_token()
    runner = ci.unmanned(authentication, **spec)
    runner.wait()
    return runner


def assert_nothing_is_left(runner: Runner) -> None:
    for what in runner.children():
        wait_for(f"{what} is gone", lambda: runner.child(what) is None)


@pytest.mark.parametrize("authentication", ["registrationToken", "accessToken"])
def test_a_deletion_takes_the_runner_from_gitlab(authentication: str, ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci, authentication)
    kubectl("delete", "glr", "builds", "-n", ci.name, "--timeout=20s")
    assert gitlab.runners() == []
    assert_nothing_is_left(runner)
    assert "Deregistered" in [event["reason"] for event in runner.events()]


def test_a_manager_stops_when_its_runner_is_deleted(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    kubectl("delete", "glr", "builds", "-n", ci.name, "--timeout=20s")
    assert gitlab.runners() == []
    assert_nothing_is_left(runner)
    wait_for("no manager pod is left", lambda: not ci.kube.list("Pod", ci.name))


def test_a_job_that_runs_meanwhile_succeeds(ci: Place, gitlab: GitLabAdmin) -> None:
    """The manager finishes it and takes no other; so long GitLab keeps the runner."""
    project = ci.registration_token(files={".gitlab-ci.yml": ONE_JOB, "hello.txt": "hello"})
    ci.put("ConfigMap", "gate", {"data": {"gate": "closed"}})
    runner = ci.runner(tags=["kubernetes"], volumes=[{"name": "gate", "mountPath": "/etc/job",
                                                      "configMap": {"name": "gate"}}])
    runner.wait()
    number = runner.status()["runnerId"]
    first = gitlab.start_pipeline(project["id"])
    pod = wait_for("the job has a pod", lambda: next(iter(job_pods(ci, ci.name)), None))
    runner.delete()
    runner.wait("Drained", "False", "Draining")
    manager, = ci.kube.list("Pod", ci.name, "gitlab-runners.dev/runner=builds")
    wait_for("the manager has got its signal", lambda: "Starting graceful shutdown" in ci.kube.logs(manager))
    later = gitlab.start_pipeline(project["id"])
    release(ci, pod)
    job = finished(gitlab, first)["jobs"][0]
    assert "Job succeeded" in gitlab.trace(job["id"]) and gitlab.job(job["id"])["runner_id"] == number
    runner.wait_gone()
    assert gitlab.runners() == [] and ci.kube.list("Pod", ci.name, "gitlab-runners.dev/runner=builds") == []
    assert gitlab.job(later["jobs"][0]["id"])["status"] == "pending"


def test_the_access_token_need_not_be_there_any_more(ci: Place, gitlab: GitLabAdmin) -> None:
    """A runner leaves by its own token."""
    runner = ready_runner(ci, "accessToken")
    ci.kube.delete("Secret", "gitlab", ci.name)
    runner.delete()
    runner.wait_gone(20)
    assert gitlab.runners() == []


def test_orphan_keeps_the_runner_at_gitlab(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci, deletionPolicy="Orphan")
    number = runner.status()["runnerId"]
    runner.delete()
    runner.wait_gone(20)
    assert_nothing_is_left(runner)
    assert [row["id"] for row in gitlab.runners()] == [number]
    gitlab.delete_runner(number)


def test_a_runner_made_by_hand_is_kept(ci: Place, gitlab: GitLabAdmin, gitlab_api) -> None:
    made = gitlab_api.create_runner()
    ci.secret("gitlab", runner_token=made["token"])
    runner = ci.unmanned("runnerToken")
    runner.wait()
    runner.delete()
    runner.wait_gone(20)
    assert_nothing_is_left(runner)
    assert [row["id"] for row in gitlab.runners()] == [made["id"]]


def test_an_object_that_never_registered_goes_at_once(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ci.unmanned()
    runner.wait_refused("SecretNotFound")
    runner.delete()
    runner.wait_gone(5)
    assert gitlab.audit() == []


def test_a_runner_that_somebody_deleted_at_gitlab_is_no_obstacle(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci)
    gitlab.delete_runner(runner.status()["runnerId"])
    runner.delete()
    runner.wait_gone(20)


@pytest.mark.parametrize("fault", [
    {"kind": "reset"}, {"kind": "html_502"}, {"kind": "status", "status": 403, "body": "<p>"},
], ids=["reset", "502", "403 of a proxy"])
def test_a_deletion_waits_until_gitlab_is_back(fault: dict, ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci)
    order = gitlab.fault(**fault, count=None)
    runner.delete()
    gitlab.audit("DELETE", count=2, wait=20)
    assert runner.object() and len(gitlab.runners()) == 1 and runner.child("token"), "nobody forgets it meanwhile"
    gitlab.remove_fault(order["id"])
    runner.wait_gone(20)
    assert gitlab.runners() == []


def test_after_the_deadline_the_runner_is_left_behind_and_reported(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ready_runner(ci, deregistrationDeadlineSeconds=2)
    number = runner.status()["runnerId"]
    gitlab.fault("reset", count=None)
    runner.delete()
    runner.wait_gone(20)
    event = runner.wait_event("OrphanedRunner")
    assert event["type"] == "Warning" and f"runner {number} was left behind" in event["note"]
    assert_nothing_is_left(runner)
    gitlab.delete_runner(number)


def test_a_deleted_namespace_takes_its_runners_from_gitlab(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token()
    for name in ("first", "second"):
        ci.unmanned("accessToken", name=name)
    for runner in ci.runners():
        runner.wait()
    kubectl("delete", "namespace", ci.name, "--timeout=60s")
    assert gitlab.runners() == []


def test_a_name_can_be_used_again_at_once(ci: Place, gitlab: GitLabAdmin) -> None:
    first = ready_runner(ci)
    uid = first.uid()
    first.delete()
    first.wait_gone(20)
    second = ci.unmanned()
    second.wait()
    assert second.uid() != uid and [row["mark"] for row in gitlab.runners()] == [second.uid()]
