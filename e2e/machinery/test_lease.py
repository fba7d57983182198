"""Several replicas of which one acts: fail-overs, a Lease that cannot be renewed, and an end in good order."""
from __future__ import annotations

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import yaml

from cluster import STATE, Kube, kubectl, wait_for
from deadline import assert_in_time
from gitlab_admin import GitLabAdmin
from machinery.conftest import API_SERVER
from machinery.replicas import LEASES, QUICK, Replica, Replicas, Write
from machinery.stage import Stage, scaled
from operator_pod import NAME, NAMESPACE
from places import Runner
from program import kubeconfig
from proxy.faults import Hold, Status
from proxy.rules import Action
from proxy.server import Proxy

POSTS = "/api/v4/user/runners"
TOOK_OVER = QUICK["lease-duration"] + QUICK["retry-period"]
LATE = 1.5                      # seconds by which this machine may be late


@pytest.fixture
def replicas(stage: Stage, kube: Kube, tmp_path: Path) -> Iterator[Replicas]:
    replicas = Replicas(tmp_path, kube)
    replicas.vacate()
    stage.operator = replicas
    yield replicas
    replicas.kill()


class Work:
    """Runners that are made while leaders come and go. An access token lets lost ones be found again."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.runners: list[Runner] = []
        stage.access_token("create_runner", "manage_runner", "read_api", admin=True)

    def add(self, count: int = 1) -> None:
        for _ in range(count):
            self.runners.append(self._stage.runner("accessToken", f"builds-{len(self.runners)}",
                                                   manager={"replicas": 0}))

    def wait_done(self) -> None:
        for runner in self.runners:
            runner.wait()

    def assert_made_once(self, gitlab: GitLabAdmin) -> None:
        """At GitLab: one call and one runner each."""
        assert len(gitlab.runners()) == len(self.runners)
        assert len(gitlab.audit("POST", POSTS, status=201)) == len(self.runners)


@pytest.fixture
def work(stage: Stage) -> Work:
    return Work(stage)


# ----------------------------------------------------------------------------------------------------------------------
# Fail-overs. Each returns how long nobody led.


def measured(replicas: Replicas) -> float:
    began = time.monotonic()
    replicas.leader()
    return time.monotonic() - began


def by_kill(replicas: Replicas, leader: Replica, work: Work, gitlab: GitLabAdmin) -> float:
    replicas.kill(leader)
    seconds = measured(replicas)
    replicas.start()
    return seconds


def by_term(replicas: Replicas, leader: Replica, work: Work, gitlab: GitLabAdmin) -> float:
    replicas.terminate(leader)
    seconds = measured(replicas)
    replicas.start()
    return seconds


def by_stop(replicas: Replicas, leader: Replica, work: Work, gitlab: GitLabAdmin) -> float:
    """And when it goes on, it does nothing: neither here nor at GitLab, whatever it was about to do."""
    stopped = time.monotonic()
    replicas.freeze(leader)
    seconds = measured(replicas)
    work.wait_done()
    time.sleep(max(0.0, stopped + scaled(30, 0) - time.monotonic()))
    calls, writes = len(gitlab.audit()), acts(replicas)
    replicas.thaw(leader)
    wait_for("it knows", lambda: [line for line in leader.process.lines("warn") if line["msg"] == "lost"])
    leader.wait_leads(False)
    assert len(gitlab.audit()) == calls
    assert [act for act in acts(replicas) if act.credential == leader.credential and act not in writes] == []
    return seconds


def acts(replicas: Replicas) -> list[Write]:
    return [write for write in replicas.writes() if not write.lease]


@pytest.mark.parametrize("fail_over, most, count", [
    (by_kill, TOOK_OVER, scaled(34, 4)), (by_term, QUICK["retry-period"], scaled(33, 4)),
    (by_stop, TOOK_OVER, scaled(33, 2)),
], ids=["KILL", "SIGTERM", "SIGSTOP"])
def test_r9_one_acts_at_a_time(fail_over: Callable[..., float], most: float, count: int, replicas: Replicas, work: Work,
                               gitlab: GitLabAdmin) -> None:
    for _ in range(3):
        replicas.start()
    for _ in range(int(count)):
        leader = replicas.leader()
        work.add(5)
        time.sleep(random.uniform(0, 0.3))
        seconds = fail_over(replicas, leader, work, gitlab)
        assert seconds < most + LATE, f"nobody led for {seconds:.1f} s"
    work.wait_done()
    assert replicas.assert_only_holders_wrote() >= count
    work.assert_made_once(gitlab)


def test_r9_a_leader_that_is_cut_off_stops(replicas: Replicas, work: Work, gitlab: GitLabAdmin, tmp_path: Path) -> None:
    """Its GitLab can still be reached."""
    with Proxy(*API_SERVER, str(STATE / "pki/ca.crt"), tmp_path) as line:
        cut_off = replicas.start(server={"server": line.url, "certificate-authority-data": line.ca})
        cut_off.wait_leads()
        other = replicas.start()
        work.add(5)
        line.close()
        cut_off.wait_leads(False, QUICK["renew-deadline"] + LATE)
        assert not other.leads()
        other.wait_leads(seconds=TOOK_OVER + LATE)
        work.add(5)
        work.wait_done()
        line.open()
        wait_for("it follows again", lambda: "held by another" in cut_off.process.log(), 60)
        assert other.leads() and not cut_off.leads() and cut_off.process.status("readyz") == 200
        work.add(1)
        work.wait_done()
        replicas.kill(cut_off)
    assert replicas.assert_only_holders_wrote() == 1
    work.assert_made_once(gitlab)


def test_r9_two_that_start_at_once(replicas: Replicas, work: Work, gitlab: GitLabAdmin) -> None:
    work.add(5)
    both = [replicas.start(ready=False) for _ in range(2)]
    replicas.leader()
    work.wait_done()
    assert sorted(replica.leads() for replica in both) == [False, True]
    wait_for("both are ready and well", lambda: all(
        replica.process.status(page) == 200 for replica in both for page in ("readyz", "healthz")), 20)
    assert replicas.assert_only_holders_wrote() == 0
    work.assert_made_once(gitlab)


def test_r9_an_orderly_end_hands_over_within_three_seconds(replicas: Replicas, work: Work) -> None:
    """With the timing of manifests/ha, which is also the program's own."""
    usual = {"lease-duration": 15.0, "renew-deadline": 10.0, "retry-period": 2.0}
    leader = replicas.start(usual)
    leader.wait_leads()
    replicas.start(usual)
    work.add(3)
    began = time.monotonic()
    replicas.terminate(leader)
    replicas.leader()
    assert_in_time("another leads", time.monotonic() - began, 3)
    work.wait_done()
    assert replicas.assert_only_holders_wrote() == 1


# ----------------------------------------------------------------------------------------------------------------------
# The Lease alone is out of reach


def lost_after(replica: Replica, work: Work) -> None:
    """Work goes on coming until it leads no more; whether that was in time, assert_stopped_in_time() says."""
    deadline = time.monotonic() + QUICK["renew-deadline"] + 10
    while replica.leads():
        assert time.monotonic() < deadline, "it leads without a Lease"
        work.add()
        time.sleep(0.1)


def assert_stopped_in_time(replicas: Replicas) -> None:
    """Nothing is sent later than the renew deadline after the last renewal, which leaves time to arrive."""
    writes = replicas.writes()
    renewed = max(write.at for write in writes if write.lease)
    acted = max(write.at for write in writes if not write.lease)
    assert (acted - renewed).total_seconds() < (QUICK["renew-deadline"] + QUICK["lease-duration"]) / 2


@pytest.mark.parametrize("trouble", [Status(500), Status(429, headers=(("retry-after", "1"),)), Hold()],
                         ids=["500", "429", "silent"])
def test_r10_without_the_lease_it_stops(trouble: Action, replicas: Replicas, work: Work, gitlab: GitLabAdmin,
                                        stage: Stage, by_proxy: dict) -> None:
    replica = replicas.start(server=by_proxy["clusters"][0]["cluster"])
    replica.wait_leads()
    rule = stage.proxy.add(trouble, path=LEASES + "(/.*)?", count=None)
    lost_after(replica, work)
    wait_for("GitLab has answered all", lambda: not gitlab.audit(answered=False))
    calls = len(gitlab.audit())
    work.add(3)
    wait_for("others could have begun", replicas.lease_is_over, QUICK["lease-duration"] + 10)
    assert len(gitlab.audit()) == calls and work.runners[-1].is_unserved()
    assert_stopped_in_time(replicas)
    assert replica.process.status("readyz") == 200
    stage.proxy.remove(rule)
    if isinstance(trouble, Hold):
        trouble.release()
    replica.wait_leads()
    work.wait_done()
    work.assert_made_once(gitlab)


def test_r10_without_the_right_to_the_lease_it_stops(replicas: Replicas, work: Work, gitlab: GitLabAdmin,
                                                     kube: Kube) -> None:
    replica = replicas.start()
    replica.wait_leads()
    role = f"apis/rbac.authorization.k8s.io/v1/namespaces/{NAMESPACE}/roles/{NAME}-lease"
    rules = kube.call("GET", role).json()["rules"]
    try:
        kube.patch("Role", f"{NAME}-lease", {"rules": []}, NAMESPACE)
        lost_after(replica, work)
        assert_stopped_in_time(replicas)
        assert [line for line in replica.process.lines("warn") if "cannot update resource" in line.get("details", "")]
    finally:
        kube.patch("Role", f"{NAME}-lease", {"rules": rules}, NAMESPACE)
    replica.wait_leads()
    work.wait_done()
    work.assert_made_once(gitlab)


def test_r10_a_call_to_gitlab_ends_with_the_lease(replicas: Replicas, work: Work, gitlab: GitLabAdmin, stage: Stage,
                                                  by_proxy: dict) -> None:
    """And what it has done all the same is found by who leads next."""
    replica = replicas.start(server=by_proxy["clusters"][0]["cluster"])
    replica.wait_leads()
    gitlab.fault("delay", "POST", POSTS, seconds=8)
    work.add()
    assert gitlab.audit("POST", POSTS, answered=False, count=1, wait=20)
    stage.proxy.add(Status(500), path=LEASES + "(/.*)?", count=None)
    replica.wait_leads(False)
    wait_for("the call is given up", lambda: not sockets_to_gitlab(replica), 2)
    replicas.kill(replica)
    stage.proxy.clear()
    replicas.start()
    work.wait_done()
    assert len(gitlab.runners()) == 1


def sockets_to_gitlab(replica: Replica) -> list[str]:
    """Open connections of the process to port 80."""
    own = {link.readlink().name for link in (Path("/proc") / str(replica.process.pid) / "fd").iterdir()}
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return [words[2] for words in lines if words[2].endswith(":0050") and f"socket:[{words[9]}]" in own]


# ----------------------------------------------------------------------------------------------------------------------
# An end in good order


def test_r11_what_is_in_flight_is_finished(replicas: Replicas, work: Work, gitlab: GitLabAdmin) -> None:
    replica = replicas.start()
    replica.wait_leads()
    gitlab.fault("delay", "POST", POSTS, seconds=2)
    work.add()
    assert gitlab.audit("POST", POSTS, answered=False, count=1, wait=20)
    assert 1 < replicas.terminate(replica) < 25
    assert work.runners[0].token() == gitlab.runners()[0]["token"]
    assert replicas.lease().get("holderIdentity", "") == ""
    replicas.start()
    work.wait_done()
    replicas.assert_only_holders_wrote()
    work.assert_made_once(gitlab)


def test_r11_at_any_moment(replicas: Replicas, work: Work, gitlab: GitLabAdmin) -> None:
    for _ in range(int(scaled(100, 8))):
        replica = replicas.start(ready=False)
        wait_for("it listens", lambda: replica.process.status("healthz"))
        work.add(2)
        time.sleep(random.uniform(0, 0.5))
        assert replicas.terminate(replica) < 25
        assert replicas.lease().get("holderIdentity", "") == ""
    replicas.start()
    work.wait_done()
    replicas.assert_only_holders_wrote()
    work.assert_made_once(gitlab)


def test_r11_a_second_signal_ends_it_at_once(replicas: Replicas, work: Work, gitlab: GitLabAdmin) -> None:
    """With its Lease in its hands: the next one waits."""
    replica = replicas.start()
    replica.wait_leads()
    gitlab.fault("delay", "POST", POSTS, seconds=3)
    work.add()
    assert gitlab.audit("POST", POSTS, answered=False, count=1, wait=20)
    replica.process.send(signal.SIGTERM)
    wait_for("it says that it stops", lambda: replica.process.status("readyz") == 503)
    code, seconds = replica.process.stop()
    replicas.alive.remove(replica)
    assert code == 1
    assert_in_time("its end", seconds, 1)
    assert replicas.lease()["holderIdentity"]
    replicas.start().wait_leads(seconds=TOOK_OVER + LATE)
    work.wait_done()
    assert len(gitlab.runners()) == 1


# ----------------------------------------------------------------------------------------------------------------------
# What it costs, and what it may not be held up by


@pytest.mark.parametrize("method, path, body", [
    ("GET", f"/{NAME}", None), ("PUT", f"/{NAME}", {}), ("POST", "", {})], ids=["get", "update", "create"])
def test_r12_the_lease_has_a_priority_of_its_own(method: str, path: str, body: dict | None, account: str,
                                                 kube: Kube) -> None:
    config = kubeconfig(account)
    server, token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]

    def schema_of(method: str, path: str) -> str:
        answer = requests.request(method, server + path, params={"dryRun": "All"} if body is not None else None,
                                  json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10,
                                  verify=str(STATE / "pki/ca.crt"))
        return answer.headers["X-Kubernetes-PF-FlowSchema-UID"]
    ours = kube.get("FlowSchema", f"{NAME}-lease")
    assert ours["spec"]["priorityLevelConfiguration"]["name"] == "leader-election"
    assert schema_of(method, LEASES + path) == ours["metadata"]["uid"]
    others = kube.get("FlowSchema", "service-accounts")["metadata"]["uid"]
    assert schema_of("GET", f"/api/v1/namespaces/{NAMESPACE}/secrets") == others


class Flood:
    """Reads as the operator's own account, more than the server can do for it at a time; use as a context manager."""

    def __init__(self, kube: Kube, account: str) -> None:
        self._kube, self._stop, self.codes = kube, threading.Event(), Counter[int]()
        self._config = kubeconfig(account)
        self._level = kube.get("PriorityLevelConfiguration", "workload-low")

    def _run(self) -> None:
        server, token = (self._config["clusters"][0]["cluster"]["server"],
                         self._config["users"][0]["user"]["token"])
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            while not self._stop.is_set():
                answer = session.get(f"{server}/api/v1/secrets", timeout=60, verify=str(STATE / "pki/ca.crt"))
                self.codes[answer.status_code] += 1

    def _give(self, shares: int, queues: int, length: int, managed: str) -> None:
        limited = {"nominalConcurrencyShares": shares, "lendablePercent": 0, "borrowingLimitPercent": 0,
                   "limitResponse": {"queuing": {"queues": queues, "queueLengthLimit": length, "handSize": 1}}}
        self._kube.patch("PriorityLevelConfiguration", "workload-low", {
            "metadata": {"annotations": {"apf.kubernetes.io/autoupdate-spec": managed}}, "spec": {"limited": limited}})

    def __enter__(self) -> Flood:
        self._give(1, 1, 1, "false")
        self._threads = [threading.Thread(target=self._run) for _ in range(32)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        meta, spec = self._level["metadata"]["annotations"], self._level["spec"]
        self._kube.patch("PriorityLevelConfiguration", "workload-low", {
            "metadata": {"annotations": meta}, "spec": {"limited": {"borrowingLimitPercent": None} | spec["limited"]}})


def test_r12_the_operators_own_load_does_not_cost_it_the_lease(replicas: Replicas, account: str, kube: Kube) -> None:
    replica = replicas.start()
    replica.wait_leads()
    with Flood(kube, account) as flood:
        wait_for("the server refuses some of it", lambda: flood.codes[429] > 20)
        renewals, seconds = set[str](), scaled(600, 10)
        wait_for("it is renewed half as often as it may be, at least", lambda: renewals.add(
            replicas.lease()["renewTime"]) or len(renewals) > seconds / QUICK["retry-period"] / 2, seconds)
        wait_for("the server goes on refusing", lambda: flood.codes[429] > 100)
        assert replica.leads() and replica.metric("leader_election_slowpath_total") == 0, "a renewal was refused"


def timing_of(manifests: str) -> tuple[int, dict[str, float]]:
    """How many replicas, and with which options."""
    objects = yaml.safe_load_all(kubectl("kustomize", manifests))
    spec, = [o["spec"] for o in objects if o["kind"] == "Deployment"]
    words = [word.removeprefix("--leader-election-").split("=")
             for word in spec["template"]["spec"]["containers"][0]["args"] if word.startswith("--leader-election-")]
    return spec["replicas"], {name: float(value.removesuffix("s")) for name, value in words}


def test_p12_two_replicas_have_the_usual_timing() -> None:
    assert timing_of("manifests/ha") == (2, {"lease-duration": 15, "renew-deadline": 10, "retry-period": 2})


def test_p12_a_single_replica_writes_its_lease_rarely(replicas: Replicas) -> None:
    count, timing = timing_of("manifests/default")
    assert count == 1
    pace = 5
    replica = replicas.start(timing, pace=pace)
    replica.wait_leads()
    renewals = int(scaled(60, 3))
    wait_for("renewals", lambda: len(replicas.writes()) > renewals, renewals * timing["retry-period"] * 1.2 / pace + 10)
    writes = replicas.writes()
    assert all(write.lease for write in writes)
    seconds = (writes[-1].at - writes[0].at).total_seconds() * pace
    assert (len(writes) - 1) / seconds <= 0.105, f"{len(writes)} in {seconds:.0f} s"
    assert replica.metric("leader_election_slowpath_total") == 0
