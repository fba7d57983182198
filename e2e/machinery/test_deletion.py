"""A deletion: managers finish their jobs, GitLab is told, nothing hangs for ever and nothing is left in silence."""
from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import Stage
from moved_clock import MovedClock
from operator_pod import NAMESPACE, ORPHANS
from places import FORCE, GITLAB_IP, URL, Runner
from proxy.faults import Status

pytestmark = pytest.mark.lifecycle

JOB = "gitlab-runners.dev/e2e-job"              # a finalizer on a manager's pod: it has a job that does not end
REFUSED = {"status": 403, "body": '{"message":"403 Forbidden"}'}
ANSWER = 20                                     # seconds in which what was refused before is tried again


def with_credential(stage: Stage, by: str) -> None:
    stage.access_token() if by == "accessToken" else stage.registration_token()


def manned(stage: Stage, by: str = "accessToken", how: dict | None = None, **spec: object) -> Runner:
    """how: the operator is started."""
    with_credential(stage, by)
    stage.operator.start(**how or {})
    runner = stage.runner(by, **spec)
    stage.settled([runner])
    return runner


def busy(stage: Stage, by: str = "accessToken", **spec: object) -> Runner:
    """Its manager has a job."""
    runner = manned(stage, by, **spec)
    hold_jobs(runner, [JOB])
    return runner


def hold_jobs(runner: Runner, finalizers: list[str] | None) -> None:
    for pod in runner.kube.list("Pod", runner.ns, f"gitlab-runners.dev/runner={runner.name}"):
        runner.kube.patch("Pod", pod["metadata"]["name"], {"metadata": {"finalizers": finalizers}}, runner.ns)


def end_jobs(runner: Runner) -> None:
    hold_jobs(runner, None)


def numbers(gitlab: GitLabAdmin) -> list[int]:
    return [row["id"] for row in gitlab.runners()]


def told(gitlab: GitLabAdmin) -> list[dict]:
    """What GitLab was asked to remove."""
    return gitlab.audit("DELETE")


def assert_nothing_is_left(runner: Runner) -> None:
    for what in runner.children():
        wait_for(f"{what} is gone", lambda: runner.child(what) is None)


# ----------------------------------------------------------------------------------------------------------------------
# Item 1: managers stop first


def test_drain_a_runner_is_there_until_its_managers_have_ended(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner = busy(stage)
    number = runner.status()["runnerId"]
    runner.delete()
    message = runner.wait("Drained", "False", "Draining")["message"]
    assert "still there" in message and FORCE in runner.wait_refused("Draining")
    stage.wait_quiet(2)
    assert "deletionTimestamp" in runner.child("manager")["metadata"] and runner.managers() == []
    assert numbers(gitlab) == [number] and told(gitlab) == [] and runner.child("token")
    end_jobs(runner)
    runner.wait_gone()
    assert numbers(gitlab) == []
    assert_nothing_is_left(runner)
    assert [event["reason"] for event in runner.events()].count("Deregistered") == 1


def test_drain_killed_meanwhile_it_goes_on_after_the_start(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner = busy(stage)
    runner.delete()
    runner.wait("Drained", "False")
    stage.operator.kill()
    stage.operator.start()
    stage.wait_quiet(2)
    assert len(numbers(gitlab)) == 1 and told(gitlab) == []
    end_jobs(runner)
    runner.wait_gone()
    assert numbers(gitlab) == []


def test_drain_is_not_waited_for_longer_than_its_grace(stage: Stage, gitlab: GitLabAdmin, tmp_path: Path) -> None:
    """A lost node's pod never ends; a minute is for the kubelet."""
    clock = MovedClock(tmp_path)
    runner = busy(stage, how={"env": clock.environment()}, manager={"terminationGracePeriodSeconds": 1})
    runner.delete()
    runner.wait("Drained", "False")
    stage.wait_quiet()
    assert runner.object(), "the minute has not gone by"
    clock.advance(61)
    runner.kube.patch("GitLabRunner", runner.name, {"metadata": {"annotations": {"look": "now"}}}, runner.ns)
    runner.wait_gone(ANSWER)
    assert numbers(gitlab) == []
    assert "still there" in runner.wait_event("ManagerNotStopped")["note"]
    end_jobs(runner)
    assert_nothing_is_left(runner)


def test_drain_gitlabs_time_begins_when_the_managers_are_gone(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Also over a restart: the status keeps it."""
    runner = busy(stage, deregistrationDeadlineSeconds=8)
    runner.delete()
    runner.wait("Drained", "False")
    gitlab.fault("reset", count=None)
    stage.wait_quiet(10)
    end_jobs(runner)
    runner.wait("Drained", "True")
    stage.operator.kill()
    stage.operator.start()
    assert runner.object(), "it is tried for eight seconds"
    gitlab.clear_faults()
    runner.wait_gone(ANSWER)
    assert numbers(gitlab) == []


def test_r17_force_delete_waits_for_no_job(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner = busy(stage)
    runner.delete()
    runner.wait("Drained", "False")
    runner.force()
    runner.wait_gone(ANSWER)
    assert numbers(gitlab) == []
    runner.wait_event("ManagerNotStopped")
    end_jobs(runner)
    assert_nothing_is_left(runner)


# ----------------------------------------------------------------------------------------------------------------------
# Item 3: what cannot be removed


def undeletable(stage: Stage, gitlab: GitLabAdmin, **spec: object) -> tuple[Runner, int]:
    runner = manned(stage, manager={"replicas": 0}, **spec)
    gitlab.fault("status", "DELETE", r"/api/v4/runners/\d+", count=None, **REFUSED)
    gitlab.fault("status", "DELETE", "/api/v4/runners", asked="token", count=None, **REFUSED)
    runner.delete()
    return runner, runner.status()["runnerId"]


def test_r17_a_runner_that_may_not_be_deleted_stalls(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner, number = undeletable(stage, gitlab)
    message = runner.wait_refused("InsufficientPermissions")
    assert "403 Forbidden" in message
    runner.wait("Stalled", "True", "InsufficientPermissions")
    assert runner.wait_event("InsufficientPermissions")["type"] == "Warning"
    assert runner.object() and numbers(gitlab) == [number]
    gitlab.clear_faults()
    runner.wait_gone(2 * ANSWER)
    assert numbers(gitlab) == []


def test_r17_force_delete_leaves_it_behind_and_says_so(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner, number = undeletable(stage, gitlab)
    runner.wait_refused("InsufficientPermissions")
    runner.force()
    runner.wait_gone(ANSWER)
    note = runner.wait_event("OrphanedRunner")["note"]
    assert f"runner {number} was left behind" in note and "403 Forbidden" in note
    assert numbers(gitlab) == [number]
    assert_nothing_is_left(runner)
    gitlab.delete_runner(number)


def test_r17_the_deadline_bounds_it_too(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner, number = undeletable(stage, gitlab, deregistrationDeadlineSeconds=3)
    runner.wait_gone(ANSWER)
    runner.wait_event("OrphanedRunner")
    assert numbers(gitlab) == [number]
    gitlab.delete_runner(number)


def test_r17_a_finalizer_taken_off_by_hand_is_told_of(stage: Stage, gitlab: GitLabAdmin) -> None:
    """While the operator is away, so that it could do nothing about it."""
    runner = manned(stage, manager={"replicas": 0})
    number = runner.status()["runnerId"]
    stage.operator.stop()
    runner.delete()
    stage.kube.patch("GitLabRunner", runner.name, {"metadata": {"finalizers": None}}, runner.ns)
    runner.wait_gone()
    stage.operator.start()
    event = wait_for("an Event about the Secret", lambda: next(
        (event for event in stage.kube.list("Event", runner.ns) if event["reason"] == "OrphanedRunner"), None), 2 * ANSWER)
    assert event["regarding"]["kind"] == "Secret" and f"runner {number} may have been left behind" in event["note"]
    assert stage.operator.sum("gitlab_runner_controller_orphaned_runners_total") == 1
    wait_for("the Secret is gone, too", lambda: runner.child("token") is None)
    assert numbers(gitlab) == [number]
    gitlab.delete_runner(number)


# ----------------------------------------------------------------------------------------------------------------------
# Item 4: what is to stay; namespaces


def test_orphan_nothing_is_told_to_gitlab_and_an_event_says_so(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner = busy(stage, deletionPolicy="Orphan")
    number = runner.status()["runnerId"]
    runner.delete()
    runner.wait_gone(ANSWER)
    event = runner.wait_event("RunnerKept")
    assert event["type"] == "Normal" and f"runner {number} stays" in event["note"]
    assert numbers(gitlab) == [number] and told(gitlab) == []
    end_jobs(runner)
    assert_nothing_is_left(runner)
    gitlab.delete_runner(number)


def test_namespace_goes_with_its_runners_and_no_finalizer_stays(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.access_token()
    stage.operator.start()
    runners = [stage.runner("accessToken", "first"), stage.unmanned("accessToken", name="second"),
               stage.runner("accessToken", "kept", deletionPolicy="Orphan")]
    stage.settled(runners)
    kept = runners[-1].status()["runnerId"]
    stage.kube.delete("Namespace", stage.name)
    wait_for("the namespace is gone", lambda: stage.kube.get("Namespace", stage.name) is None)
    assert numbers(gitlab) == [kept]
    gitlab.delete_runner(kept)


def test_namespace_waits_for_gitlab_no_longer_than_a_runner_does(stage: Stage, gitlab: GitLabAdmin) -> None:
    runner = manned(stage, deregistrationDeadlineSeconds=5)
    number = runner.status()["runnerId"]
    gitlab.fault("reset", count=None)
    stage.kube.delete("Namespace", stage.name)
    wait_for("the namespace is gone", lambda: stage.kube.get("Namespace", stage.name) is None)
    gitlab.clear_faults()
    gitlab.delete_runner(number)


# ----------------------------------------------------------------------------------------------------------------------
# Item 2: the ledger of runners that were left behind


def ledger(stage: Stage) -> list[dict]:
    data = stage.kube.get("Secret", ORPHANS, NAMESPACE).get("data") or {}
    return [json.loads(base64.b64decode(value)) for value in data.values()]


def left_behind(stage: Stage, gitlab: GitLabAdmin, by: str = "accessToken", **spec: object) -> tuple[Runner, int, str]:
    """GitLab cannot be reached, and the object goes without it."""
    runner = manned(stage, by, manager={"replicas": 0}, deregistrationDeadlineSeconds=2, **spec)
    number, token = runner.status()["runnerId"], runner.token()
    gitlab.fault("reset", count=None)
    runner.delete()
    runner.wait_gone(ANSWER)
    return runner, number, token


def wait_deregistered(stage: Stage, gitlab: GitLabAdmin) -> None:
    wait_for("GitLab has let it go", lambda: numbers(gitlab) == [], 2 * ANSWER)
    wait_for("the ledger is empty", lambda: ledger(stage) == [])


@pytest.mark.parametrize("by", ["accessToken", "registrationToken"])
def test_ledger_a_runner_left_behind_goes_when_gitlab_is_back(
        stage: Stage, gitlab: GitLabAdmin, by: str) -> None:
    runner, number, token = left_behind(stage, gitlab, by)
    uid = gitlab.runner(number)["mark"]
    entry, = ledger(stage)
    assert {key: entry[key] for key in ("url", "runnerId", "uid", "namespace", "name", "token", "address")} == {
        "url": URL, "runnerId": number, "uid": uid, "namespace": stage.name, "name": runner.name, "token": token,
        "address": GITLAB_IP}
    assert entry["time"].endswith("Z") and entry["reason"]
    note = runner.wait_event("OrphanedRunner")["note"]
    assert f"runner {number} was left behind" in note and f"{NAMESPACE}/{ORPHANS}" in note
    assert stage.operator.sum("gitlab_runner_controller_orphans") == 1
    assert_nothing_is_left(runner)
    gitlab.clear_faults()
    wait_deregistered(stage, gitlab)
    wait_for("its entry has gone", lambda: stage.operator.sum("gitlab_runner_controller_orphans") == 0)
    metrics = stage.operator.metrics()
    assert metrics['gitlab_runner_controller_orphaned_runners_total{result="recorded"}'] == 1
    assert metrics['gitlab_runner_controller_orphaned_runners_total{result="deregistered"}'] == 1
    wait_for("an Event about the Secret", lambda: [
        event for event in stage.kube.list("Event", NAMESPACE)
        if event["reason"] == "OrphanDeregistered" and str(number) in event["note"] and uid in event["note"]])


def test_ledger_outlives_the_process(stage: Stage, gitlab: GitLabAdmin) -> None:
    left_behind(stage, gitlab)
    stage.operator.kill()
    gitlab.clear_faults()
    stage.operator.start()
    wait_deregistered(stage, gitlab)


def test_ledger_is_tried_again_and_again_while_gitlab_is_away(stage: Stage, gitlab: GitLabAdmin) -> None:
    left_behind(stage, gitlab)
    since = len(told(gitlab))
    wait_for("it was tried again", lambda: len(told(gitlab)) > since, 2 * ANSWER)
    assert len(ledger(stage)) == 1
    gitlab.clear_faults()
    wait_deregistered(stage, gitlab)


def test_ledger_an_entry_taken_out_by_hand_is_forgotten(stage: Stage, gitlab: GitLabAdmin) -> None:
    _, number, _ = left_behind(stage, gitlab)
    stage.kube.patch("Secret", ORPHANS, {"data": None}, NAMESPACE)
    gitlab.clear_faults()
    wait_for("it knows", lambda: stage.operator.sum("gitlab_runner_controller_orphans") == 0, ANSWER)
    assert numbers(gitlab) == [number]
    gitlab.delete_runner(number)


def test_ledger_that_somebody_has_deleted_is_made_again(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.kube.delete("Secret", ORPHANS, NAMESPACE)
    left_behind(stage, gitlab)
    assert len(ledger(stage)) == 1
    gitlab.clear_faults()
    wait_deregistered(stage, gitlab)


def test_ledger_of_a_move(stage: Stage, gitlab: GitLabAdmin) -> None:
    """The former GitLab is away; the runner there is left behind, and another is made at the new one."""
    runner = manned(stage, manager={"replicas": 0}, deregistrationDeadlineSeconds=2)
    number = runner.status()["runnerId"]
    gitlab.fault("reset", "DELETE", count=None)
    runner.edit(scope={"type": "Group", "groupId": gitlab.add_group("g")["id"]})
    wait_for("it is in the ledger", lambda: [entry["runnerId"] for entry in ledger(stage)] == [number], 2 * ANSWER)
    gitlab.clear_faults()
    runner.wait(seconds=ANSWER)
    wait_for("the former is gone", lambda: numbers(gitlab) == [runner.status()["runnerId"]], 2 * ANSWER)
    wait_for("the ledger is empty", lambda: ledger(stage) == [])


def test_ledger_that_may_not_be_written_holds_up_nothing(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.proxy.add(Status(403, "Forbidden"), "PATCH", f".*/secrets/{ORPHANS}", count=None)
    runner, number, _ = left_behind(stage, gitlab)
    assert "keeps its token" not in runner.wait_event("OrphanedRunner")["note"]
    assert numbers(gitlab) == [number] and ledger(stage) == []
    gitlab.delete_runner(number)


def test_what_is_left_in_another_namespace_is_told_of(stage: Stage) -> None:
    """It may not be deleted, for all that the operator can do: that is said until the deadline, and then told in an Event."""
    jobs = stage.namespace(f"{stage.name}-jobs", **{"gitlab-runners.dev/allowed-from": stage.name})
    runner = manned(stage, namespace=jobs, manager={"replicas": 0}, deregistrationDeadlineSeconds=8)
    binding = runner.child("binding", jobs)["metadata"]["name"]
    stage.proxy.add(Status(403, "Forbidden"), "DELETE", f".*/namespaces/{jobs}/rolebindings/.*", count=None)
    runner.delete()
    runner.wait_refused("Forbidden")
    runner.wait_gone()
    assert f"delete RoleBinding {jobs}/{binding}" in runner.wait_event("ObjectLeftBehind")["note"]
    stage.kube.delete("RoleBinding", binding, jobs)
