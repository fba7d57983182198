"""What is worked on first, how often, and who waits for whom."""
from __future__ import annotations

import json
import statistics
import time

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import Stage, scaled
from places import Runner
from program import kubeconfig
from proxy.faults import Hold, Status
from proxy.rules import Entry

BROKEN = Status(500, "InternalError", "etcd has no leader")


def runs(stage: Stage, runner: Runner) -> list[dict]:
    """The reconciliations of a runner, as they were logged at their ends."""
    return [line for line in stage.operator.lines("debug")
            if line.get("runner") == f"{runner.ns}/{runner.name}" and "cause" in line]


def test_c2_a_burst_of_events_costs_two_reconciles(stage: Stage, gitlab: GitLabAdmin) -> None:
    """The one that was under way, and one that sees all of them."""
    count = 1000
    stage.registration_token()
    held = Hold()
    stage.proxy.add(held, "PATCH", ".*/deployments/.*")
    stage.operator.start()
    runner = stage.unmanned()
    wait_for("the reconciliation is under way", lambda: held.held)
    before = len(runs(stage, runner))
    told = stage.open_watch("gitlabrunners").events
    known = len(told)
    for i in range(count):
        stage.kube.patch("GitLabRunner", runner.name, {"metadata": {"annotations": {"touched": str(i)}}}, stage.name)
    wait_for("the operator is told of all of it", lambda: len(told) >= known + count)
    assert len(runs(stage, runner)) == before
    held.release()
    stage.settled([runner])
    after = runs(stage, runner)[before:]
    assert sum(run["cause"] == "the object changed" for run in after) <= 2, after
    assert len(after) <= 4, f"besides, its Deployment became as it should be: {after}"


# ----------------------------------------------------------------------------------------------------------------------
# A runner that fails


def writes_of(stage: Stage, runner: Runner) -> list[Entry]:
    return [entry for entry in stage.writes() if entry.path.split("/")[-1].startswith(runner.name + "-")
            or f"/{runner.name}/" in entry.path + "/"]


def latencies(stage: Stage, prefix: str, count: int) -> list[float]:
    """Of new runners: seconds from their creation to the last write that they need."""
    created: dict[Runner, float] = {}
    for i in range(count):
        runner = stage.unmanned(name=f"{prefix}-{i:02}")
        created[runner] = time.monotonic()
    for runner in created:
        runner.wait()
    stage_quiet(stage, prefix)
    return [max(entry.answered for entry in writes_of(stage, runner)) - began for runner, began in created.items()]


def stage_quiet(stage: Stage, prefix: str) -> None:
    def quiet() -> bool:
        mine = [e for e in stage.writes() if f"/{prefix}-" in e.path]
        return all(e.ended for e in mine) and time.monotonic() - max(e.ended for e in mine) > 0.5
    wait_for(f"nothing is written for {prefix}", quiet)


def gaps(entries: list[Entry]) -> list[float]:
    return [later.began - former.began for former, later in zip(entries, entries[1:])]


def test_c3_a_poisoned_runner_delays_no_other(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.registration_token()
    stage.operator.start()
    latencies(stage, "warm", 10)
    alone = latencies(stage, "alone", 50)
    stage.proxy.add(BROKEN, "PATCH", ".*/deployments/poisoned-runner", count=None)
    poisoned = stage.unmanned(name="poisoned")
    poisoned.wait(status="False", reason="InternalError")
    beside = latencies(stage, "beside", 50)
    assert poisoned.conditions()["Ready"]["status"] == "False"
    assert statistics.median(beside) <= 1.1 * statistics.median(alone) + 0.25, (alone, beside)


def test_c3_the_pauses_grow_and_a_success_ends_the_row(stage: Stage, gitlab: GitLabAdmin) -> None:
    def attempts() -> list[Entry]:
        return stage.requests("PATCH", ".*/deployments/builds-runner")
    stage.registration_token()
    stage.operator.start()
    poison = stage.proxy.add(BROKEN, "PATCH", ".*/deployments/builds-runner", count=None)
    runner = stage.unmanned()
    wait_for("it has been tried four times", lambda: len(attempts()) >= 4)
    for n, gap in enumerate(gaps(attempts()[:4])):
        assert 0.75 * 2**n <= gap <= 1.25 * 2**n + 0.5, gaps(attempts())
    stage.proxy.remove(poison)
    runner.wait()
    stage.wait_quiet()
    poison = stage.proxy.add(BROKEN, "PATCH", ".*/deployments/builds-runner", count=None)
    stage.mark()
    stage.kube.delete("Deployment", "builds-runner", stage.name)
    wait_for("it has been tried twice", lambda: len(attempts()) >= 2)
    assert gaps(attempts())[0] <= 1.25 + 0.5
    stage.proxy.remove(poison)
    runner.wait()


# ----------------------------------------------------------------------------------------------------------------------
# An edit among many objects


def many(stage: Stage, count: int) -> None:
    """Runners that nobody has worked on yet."""
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
            "spec": stage.spec(manager={"replicas": 0})}
    text = "\n".join(json.dumps(body | {"metadata": {"name": f"many-{i:05}", "namespace": stage.name}})
                     for i in range(count))
    kubectl("create", "-f", "-", stdin=text, timeout=600)


def depth(stage: Stage) -> float:
    return stage.operator.sum("workqueue_depth")


def served(stage: Stage, path: str, method: str, seconds: float = 30) -> float:
    """How long it takes from now until the operator has asked for this."""
    began = time.monotonic()
    since = stage.proxy.mark()
    entry = wait_for(f"{method} {path}", lambda: next(iter(stage.proxy.entries(method, path, since=since)), None), seconds)
    return entry.began - began


def test_p11_an_edit_during_the_start_is_served_at_once(stage: Stage, gitlab: GitLabAdmin) -> None:
    """All others still wait for their first reconciliation; one that has had its own is edited, and its Secret."""
    count = int(scaled(10_000, 1_000))
    stage.registration_token()
    stage.operator.start()
    mine = stage.unmanned(name="mine")
    stage.settled([mine])
    stage.operator.stop()
    many(stage, count)
    stage.operator.start(ready=False)
    stage.operator.wait_ready(120)
    waits = []
    for i in range(5):
        assert depth(stage) > count / 4, "too late: nearly all has been done"
        mine.edit(image=f"busybox:1.{i}")
        waits.append(served(stage, ".*/secrets/mine-runner-config", "PATCH"))
    left = depth(stage)
    assert max(waits) <= 1.0 and left > 0, (waits, left)


def test_a_new_runner_does_not_wait_for_thousands_of_another_namespace(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Somebody applies many at once; in another namespace a single one is made after them."""
    other = stage.namespace(stage.name + "-other")
    stage.registration_token()
    secret = stage.kube.get("Secret", "gitlab", stage.name)["data"]
    stage.kube.create("Secret", {"metadata": {"name": "gitlab"}, "data": secret}, other)
    stage.operator.start()
    held = Hold()
    stage.proxy.add(held, "GET", f".*/namespaces/{stage.name}/secrets/gitlab", count=None)
    many(stage, 300)
    wait_for("all turns are taken", lambda: held.held >= 64)
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": "single"},
            "spec": stage.spec(manager={"replicas": 0})}
    stage.kube.create("GitLabRunner", body, other)
    wait_for("all of them wait", lambda: depth(stage) > 200)
    held.release()
    wait_for("the single one is worked on",
             lambda: stage.requests("GET", f".*/namespaces/{other}/secrets/gitlab"))
    before = stage.requests("GET", f".*/namespaces/{stage.name}/secrets/gitlab")
    mine = stage.requests("GET", f".*/namespaces/{other}/secrets/gitlab")[0]
    assert sum(entry.number < mine.number for entry in before) <= 64 + 8, "it is among the first after those under way"
    Runner(stage.kube, other, "single").wait(seconds=20)
