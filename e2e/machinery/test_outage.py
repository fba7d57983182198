"""The API server is away, the kind or the namespace goes, or the machine runs out of something."""
from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster import STATE, AuditLog, Kube, kubectl, wait_for, wait_kind
from deadline import assert_in_time
from gitlab_admin import GitLabAdmin
from machinery.api_server import ApiServer
from machinery.stage import KINDS, Stage, scaled
from program import kubeconfig
from proxy.faults import Hold
from proxy.http2 import Peer
from proxy.server import Proxy

CRD = "gitlabrunners.gitlab-runners.dev"
PACE = 4                    # of the operator's clock, where it waits to try again
BACKOFF_CAP = 60 / PACE     # seconds: 30, and as much again by jitter …
LATE = 10                   # … which this machine may be late by
OPERATOR = "gitlab-runner-controller/"


def test_r8_the_api_server_is_away_for_a_while(stage: Stage, kube: Kube, api_server: ApiServer) -> None:
    """The process stays up, asks seldom, and goes on where it was."""
    stage.registration_token()
    stage.operator.start(pace=PACE)
    stage.settled([stage.unmanned()])
    process = stage.operator.process()
    stage.mark()
    seconds = scaled(600, 12) / PACE
    api_server.stop()
    began = time.monotonic()
    wait_for("the outage is over", lambda: time.monotonic() - began > seconds, seconds + 10)
    tries = len(stage.requests())
    assert tries <= len(KINDS) * (8 + seconds * PACE / 15), "it asks too often"
    audit = AuditLog()
    api_server.start()
    back = time.monotonic()
    later = stage.unmanned(name="later")
    later.wait(seconds=BACKOFF_CAP + LATE)
    for kind in KINDS:
        wait_for(f"{kind} are watched", lambda: stage.open_watch(kind), BACKOFF_CAP)
    assert_in_time("all is watched again", time.monotonic() - back, BACKOFF_CAP + LATE)
    assert stage.operator.process() == process
    assert all(number <= 1 for number in whole_lists(audit).values()), whole_lists(audit)


def whole_lists(audit: AuditLog) -> dict[str, int]:
    """By the API server's own count."""
    asked = [entry for entry in audit.entries_of_agent(OPERATOR) if entry["stage"] == "ResponseComplete"
             and (entry["verb"] == "list" or "sendInitialEvents" in entry["requestURI"])]
    return {kind: len([e for e in asked if e["objectRef"]["resource"] == kind]) for kind in KINDS}


# ----------------------------------------------------------------------------------------------------------------------
# What the operator needs of the cluster


def test_r16_the_kind_goes_and_comes_back(stage: Stage, kube: Kube, gitlab: GitLabAdmin) -> None:
    stage.registration_token()
    stage.operator.start(pace=PACE)
    stage.settled([stage.unmanned()])
    kubectl("delete", "crd", CRD)           # waits until the operator has let go of all of them
    assert gitlab.runners() == []
    wait_for("the kind is gone", lambda: kube.get("CustomResourceDefinition", CRD) is None)
    wait_for("the operator is refused", lambda: [
        e for e in stage.watches("gitlabrunners") if e.status == 404], 60)
    stage.operator.assert_steady()
    kubectl("apply", "-k", "crds")
    wait_kind()
    stage.unmanned(name="again").wait(seconds=BACKOFF_CAP + LATE)


def test_r16_the_namespace_goes_while_a_runner_is_made(stage: Stage, kube: Kube, gitlab: GitLabAdmin) -> None:
    """The operator has registered it, and may not make anything any more."""
    held = Hold()
    stage.proxy.add(held, "POST", ".*/secrets/builds-runner-config")
    stage.registration_token()
    stage.operator.start()
    stage.unmanned()
    wait_for("a write is on its way", lambda: held.held, 20)
    assert len(gitlab.runners()) == 1
    kube.delete("Namespace", stage.name)
    wait_for("the namespace is on its way out", lambda: kube.get(
        "Namespace", stage.name)["metadata"].get("deletionTimestamp"))
    held.release()
    wait_for("the namespace is gone", lambda: kube.get("Namespace", stage.name) is None)
    stage.namespaces.remove(stage.name)
    assert gitlab.runners() == [] and stage.operator.is_ready()


# ----------------------------------------------------------------------------------------------------------------------
# What the operator needs of the machine


def limited(kind: str, value: str) -> tuple[str, ...]:
    return ("prlimit", f"--{kind}={value}")


def works(stage: Stage, **how: object) -> None:
    stage.registration_token()
    stage.operator.start(**how)
    stage.settled([stage.unmanned()])


@pytest.mark.parametrize("how", [
    {"env": {}},
    {"prefix": ("unshare", "--mount", "sh", "-c", 'mount -o remount,bind,ro / && touch /x 2> /dev/null && exit 9; '
                                                  'exec "$@"', "sh")},
    {"prefix": ("sh", "-c", 'exec "$@" 2> /dev/full', "sh")},
    {"prefix": limited("nproc", "1")},
], ids=["no HOME and no environment", "read-only root", "logs to a full disk", "no further process"])
def test_r14_it_needs_little(how: dict, stage: Stage) -> None:
    works(stage, **how)


def test_r14_without_files_it_waits_and_recovers(stage: Stage) -> None:
    """All of its connections end, and it may open no others, for a while."""
    works(stage, pace=PACE)
    pid = stage.operator.process().name
    stage.mark()
    run(*limited("nofile", "3:"), "--pid", pid)
    stage.proxy.each(Peer.abort)
    wait_for("it says so", lambda: len(stage.operator.lines("warn")) >= len(KINDS), 20)
    assert stage.requests() == []
    stage.operator.assert_steady()
    run(*limited("nofile", "1024:"), "--pid", pid)
    stage.unmanned(name="later").wait(seconds=BACKOFF_CAP + LATE)


def run(*words: str) -> None:
    assert os.spawnvp(os.P_WAIT, words[0], words) == 0, words


def test_r14_too_few_files_from_the_start_end_it_clearly(stage: Stage) -> None:
    """Whoever started it is told, and may start it again."""
    process = stage.operator.start(ready=False, prefix=limited("nofile", "8"))
    assert process.wait() == 1
    error, = process.lines("error")
    assert error["msg"] == "cannot start" and error["error"]
    stage.operator.kill()                # which only takes note of its end


def memory_group() -> Path | None:
    """A cgroup of ours for memory, in either version of cgroups."""
    base = Path(f"/sys/fs/cgroup/memory/gitlab-runner-controller-{os.environ['CLUSTER']}")
    return base / "small" if base.exists() else None


def test_r14_sixteen_mebibytes_are_enough(stage: Stage) -> None:
    group = memory_group()
    if group is None:
        pytest.skip("no cgroup of version 1 for memory")
    group.mkdir(exist_ok=True)
    (group / "memory.limit_in_bytes").write_text(str(16 << 20))
    stage.registration_token()
    stage.operator.start(prefix=("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"))
    stage.settled([stage.unmanned(name=f"builds-{i}") for i in range(20)], 120)
    stage.operator.assert_steady()


def test_r14_without_memory_it_ends_and_is_started_again(stage: Stage) -> None:
    """It aborts rather than do half of something; the next process does the rest."""
    stage.registration_token()
    runners = [stage.unmanned(name=f"builds-{i}") for i in range(3)]
    process = stage.operator.start(ready=False, prefix=limited("data", str(1 << 20)))
    assert process.wait(20) != 0
    stage.operator.kill()
    stage.operator.start()
    stage.settled(runners)


NAME = "api.machinery.test"


@contextmanager
def named(address: str) -> Iterator[None]:
    """The name is known, as long as this lasts."""
    hosts = STATE / "hosts"
    before = hosts.read_text()
    with hosts.open("w") as file:           # in place: it is what a mount shows
        file.write(f"{before}{address} {NAME}\n")
    yield
    with hosts.open("w") as file:
        file.write(before)


def test_r14_a_name_that_is_not_found_for_a_while(stage: Stage, proxy: Proxy, account: str) -> None:
    config = kubeconfig(account, server=f"https://{NAME}:{proxy.port}", **{"certificate-authority-data": proxy.ca})
    stage.registration_token()
    stage.operator.start(ready=False, config=config, pace=PACE)
    wait_for("it says so", lambda: [e for e in stage.operator.lines("warn") if "cannot be resolved" in e["error"]], 20)
    with named("127.0.0.1"):
        stage.settled([stage.unmanned()], BACKOFF_CAP + LATE)
