"""What is worked on first, how often, and who waits for whom."""
from __future__ import annotations

import json
import statistics
import time
from datetime import datetime

import pytest

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import SOAK, Stage, collection, scaled
from places import Runner
from program import kubeconfig
from proxy.faults import Hold, Status
from proxy.rules import Entry
from proxy.streams import HoldBack

BROKEN = Status(500, "InternalError", "etcd has no leader")

TURNS = 32                  # TURNS_MAX of controller/operator/reconcile.c …
OF_ONE = TURNS // 2         # … and of one namespace, when it is alone


def runs(stage: Stage, runner: Runner) -> list[dict]:
    """The reconciliations of a runner, as they were logged at their ends."""
    return [line for line in stage.operator.lines("debug")
            if (line.get("namespace"), line.get("name")) == (runner.ns, runner.name) and "cause" in line]


def test_c2_a_burst_of_events_costs_two_reconciles(stage: Stage, gitlab: GitLabAdmin) -> None:
    """The one that is under way, and one that sees all of them."""
    count = 300
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    held = Hold()
    stage.proxy.add(held, "PATCH", ".*/secrets/builds-runner-config")
    told = stage.open_watch("gitlabrunners").events
    before, known = len(runs(stage, runner)), len(told)
    runner.edit(image="busybox:1.37")
    wait_for("the reconciliation is under way", lambda: held.held)
    for i in range(count):
        stage.kube.patch("GitLabRunner", runner.name, {"metadata": {"annotations": {"touched": str(i)}}}, stage.name)
    wait_for("the operator is told of all of it", lambda: len(told) > known + count)
    assert len(runs(stage, runner)) == before
    held.release()
    wait_for("config.toml has the image", lambda: runner.kubernetes()["image"] == "busybox:1.37")
    stage.settled([runner])
    assert len(runs(stage, runner)) - before == 2, runs(stage, runner)[before:]


@pytest.mark.usefixtures("streamed_lists")
def test_an_edit_that_an_answer_tells_of_first_is_served(stage: Stage, gitlab: GitLabAdmin) -> None:
    """The answer to a write of the status has the edited spec; when the watch tells of it, that is no news."""
    watch, status = HoldBack(lambda event: event["object"]["metadata"].get("generation", 0) > 1), Hold()
    stage.proxy.add(watch, "GET", collection("gitlabrunners"), "watch")
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    stage.proxy.add(status, "PATCH", ".*/gitlabrunners/builds/status")
    stage.kube.patch("GitLabRunner", "builds", {"status": {"conditions": []}}, stage.name, "/status")
    wait_for("the status is about to be written", lambda: status.held)
    runner.edit(image="busybox:1.37")
    wait_for("the watch is held back", lambda: watch.hold.held)
    status.release()
    wait_for("config.toml has the image", lambda: runner.kubernetes()["image"] == "busybox:1.37", 10)
    watch.hold.release()
    stage.settled([runner])


# ----------------------------------------------------------------------------------------------------------------------
# A runner that fails


def latency(stage: Stage, name: str) -> float:
    """Seconds from a runner's creation until all of its children are written."""
    began = time.monotonic()
    stage.unmanned(name=name)
    last = wait_for(f"{name} has its Deployment", lambda: next(
        (e for e in stage.requests("POST", f".*/deployments/{name}-runner") if e.answered), None))
    assert last.status == 201
    return last.answered - began


def latencies(stage: Stage, prefix: str, count: int) -> float:
    """The median, of one after another."""
    return statistics.median(latency(stage, f"{prefix}-{i}") for i in range(count))


def gaps(entries: list[Entry]) -> list[float]:
    return [later.began - former.began for former, later in zip(entries, entries[1:])]


def test_c3_a_poisoned_runner_delays_no_other(stage: Stage, gitlab: GitLabAdmin) -> None:
    count = int(scaled(100, 20))
    stage.registration_token()
    stage.operator.start()
    latencies(stage, "warm", 5)
    alone = latencies(stage, "alone", count)
    stage.proxy.add(BROKEN, "POST", ".*/deployments/poisoned-runner", count=None)
    poisoned = stage.unmanned(name="poisoned")
    poisoned.wait(status="False", reason="InternalError")
    beside = latencies(stage, "beside", count)
    assert poisoned.conditions()["Ready"]["status"] == "False"
    assert beside <= 1.1 * alone + 0.1, (alone, beside)


def test_c3_the_pauses_grow_and_a_success_ends_the_row(stage: Stage, gitlab: GitLabAdmin) -> None:
    def attempts() -> list[Entry]:
        return stage.requests("POST", ".*/deployments/builds-runner")
    stage.registration_token()
    stage.operator.start()
    poison = stage.proxy.add(BROKEN, "POST", ".*/deployments/builds-runner", count=None)
    runner = stage.unmanned()
    wait_for("it has been tried four times", lambda: len(attempts()) >= 4)
    for n, gap in enumerate(gaps(attempts()[:4])):
        assert 0.75 * 2**n <= gap <= 1.25 * 2**n + 0.5, gaps(attempts())
    stage.proxy.remove(poison)
    runner.wait()
    stage.wait_quiet()
    poison = stage.proxy.add(BROKEN, "POST", ".*/deployments/builds-runner", count=None)
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


def served(stage: Stage, mine: Runner, image: str) -> tuple[float, int]:
    """From an edit until the operator writes what follows from it: seconds by the API server's clock, and how many other
    runners were begun with meanwhile."""
    stage.audit_log.mark()
    mine.edit(image=image)
    wait_for("the edit is served", lambda: mine.kubernetes()["image"] == image, 30)
    writes = [e for e in map(json.loads, stage.audit_log.text().splitlines()) if e["verb"] == "patch"]
    named = [(e["objectRef"]["resource"], e["objectRef"].get("subresource"), e["objectRef"]["name"]) for e in writes]
    times = [datetime.fromisoformat(e["requestReceivedTimestamp"]) for e in writes]
    edit = times[named.index(("gitlabrunners", None, mine.name))]
    write = times[named.index(("secrets", None, f"{mine.name}-runner-config"))]
    begun = [what for what, time in zip(named, times) if what[:2] == ("gitlabrunners", None) and edit < time < write]
    return (write - edit).total_seconds(), len(begun)


def test_p11_an_edit_during_the_start_is_served_at_once(stage: Stage, gitlab: GitLabAdmin) -> None:
    """A thousand wait for their first reconciliation; the edited one does not wait for them."""
    count = int(scaled(10_000, 1_000))
    direct = kubeconfig()               # a thousand by way of the proxy would measure the proxy
    stage.registration_token()
    stage.operator.start()
    mine = stage.unmanned(name="mine")
    stage.settled([mine])
    stage.operator.stop()
    many(stage, count)
    stage.operator.start(ready=False, config=direct)
    stage.operator.wait_ready(120)
    results = [served(stage, mine, f"busybox:1.{i}") for i in range(5)]
    left = depth(stage)
    stage.operator.kill()
    assert left > count / 4, "too late: nearly all has been done"
    assert max(begun for _, begun in results) <= TURNS, results     # no more than can be under way
    assert (max if SOAK else statistics.median)(seconds for seconds, _ in results) <= 1.0, results


def test_p11_an_edit_before_the_start_comes_before_what_is_new(stage: Stage, gitlab: GitLabAdmin) -> None:
    """While there was no operator one was edited and hundreds were made: its turn is among the first."""
    stage.registration_token()
    stage.operator.start()
    mine = stage.unmanned(name="zz")
    stage.settled([mine])
    stage.operator.stop()
    many(stage, 300)
    mine.edit(image="busybox:1.2")
    stage.operator.start(ready=False, config=kubeconfig())
    stage.operator.wait_ready(120)
    mine.wait()
    left = depth(stage)
    stage.operator.kill()
    assert left > 150, f"it has waited for others: only {left} are left"


def test_a_new_runner_does_not_wait_for_many_of_another_namespace(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Somebody applies many at once; in another namespace a single one is made after them."""
    other = stage.namespace(stage.name + "-other")
    stage.registration_token()
    secret = stage.kube.get("Secret", "gitlab", stage.name)["data"]
    stage.kube.create("Secret", {"metadata": {"name": "gitlab"}, "data": secret}, other)
    stage.operator.start()
    held = Hold()
    stage.proxy.add(held, "PATCH", f".*/namespaces/{stage.name}/gitlabrunners/[^/]*", count=None)
    many(stage, 100)
    wait_for("it has as many turns as it may have", lambda: held.held >= OF_ONE)
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": "single"},
            "spec": stage.spec(manager={"replicas": 0})}
    stage.kube.create("GitLabRunner", body, other)
    wait_for("all of them wait", lambda: depth(stage) > 60)
    wait_for("the single one has its Deployment, though none of them goes on",
             lambda: Runner(stage.kube, other, "single").child("manager"), 10)
    held.release()
