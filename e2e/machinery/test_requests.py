"""Refusals, lost answers and dying connections: what is asked again, and when."""
from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from cluster import Kube, wait_for
from gitlab_admin import GitLabAdmin
from machinery.api_server import ApiServer
from machinery.stage import KINDS, WRITES, Stage, collection, scaled
from program import kubeconfig
from proxy.faults import Delay, Goaway, Reset, Status
from proxy.http2 import Peer
from proxy.rules import Entry
from proxy.server import Proxy
from proxy.streams import Late

RETRY_AFTER = 2
LATE = 0.7                  # seconds that a busy machine may take to get round to it
PACE = 4                    # of the operator's clock, where half a minute would have to go by


def waits(entries: list[Entry]) -> list[float]:
    """From each answer to the next request."""
    return [after.began - before.ended for before, after in zip(entries, entries[1:])]


@pytest.mark.parametrize("code, reason, method, path", [
    (429, "TooManyRequests", "PATCH", ".*/secrets/builds-runner-token"),
    (503, "ServiceUnavailable", "GET", ".*/secrets/gitlab")], ids=["write-429", "read-503"])
def test_a9_retry_after_is_obeyed(code: int, reason: str, method: str, path: str, stage: Stage) -> None:
    refusal = Status(code, reason, headers=(("retry-after", str(RETRY_AFTER)),))
    stage.proxy.add(refusal, method, path, count=3)
    stage.registration_token()
    stage.operator.start()
    stage.settled([stage.unmanned()])
    pauses = waits(stage.requests(method, path)[:4])
    assert len(pauses) == 3
    assert all(RETRY_AFTER * 0.9 <= pause <= RETRY_AFTER * 1.1 + LATE for pause in pauses), pauses


def test_a9_a_refused_write_is_not_blindly_repeated(stage: Stage) -> None:
    """Without a Retry-After the operator decides anew, after its own pause, which grows."""
    path = ".*/secrets/builds-runner-token"
    stage.proxy.add(Status(503, "ServiceUnavailable"), "PATCH", path, count=3)
    stage.registration_token()
    stage.operator.start()
    stage.settled([stage.unmanned()])
    pauses = waits(stage.requests("PATCH", path)[:4])
    assert len(pauses) == 3
    assert all(pause > 0.7 * 2 ** turn for turn, pause in enumerate(pauses)), pauses


def test_a10_a_write_whose_answer_was_lost_is_done_once(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Of every write, the first answer is lost.

    Writes are repeated where the watch does not tell of the effect; Events, which are no children, are left alone.
    """
    stage.proxy.add(Reset(after=True), WRITES, f".*/{stage.name}/.*", count=1, each=True)
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    written = stage.write_counts()
    assert len(written) >= 7 and all(what.startswith(("PATCH ", "POST ")) for what in written), written
    assert all(times <= 5 for times in written.values()) and max(written.values()) > 1, written
    posts = [entry.body for entry in stage.requests("POST", ".*/events")]
    assert posts and [body for body, times in Counter(posts).items() if times > 1] == []
    runner.delete()
    runner.wait_gone()
    assert gitlab.runners() == [] and len(gitlab.audit("POST", "/api/v4/runners")) == 1


# ----------------------------------------------------------------------------------------------------------------------
# Reads


def test_a_secret_that_many_name_is_read_for_all_of_them_and_never_old(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Also while the watch has not told of its edit yet: whoever is made after that is of the other project."""
    burst = 50
    first = stage.registration_token()
    runners = [stage.unmanned(name=f"first-{i}") for i in range(burst)]
    stage.proxy.add(Late(2), "GET", collection("secrets"), "watch", count=None)
    stage.operator.start()
    wait_for("some are registered", gitlab.runners)
    second = gitlab.add_project("other")
    stage.kube.patch("Secret", "gitlab", {"stringData": {"runner-registration-token": second["runners_token"]}}, stage.name)
    runners += [stage.unmanned(name=f"second-{i}") for i in range(5)]
    stage.settled(runners)
    projects = [gitlab.runner(runner.status()["runnerId"])["project_ids"] for runner in runners]
    assert [first["id"]] in projects and projects[burst:] == [[second["id"]]] * 5
    assert len(stage.requests("GET", ".*/secrets/gitlab")) <= 5 + 5, "for those of the start; for each that comes later"


# ----------------------------------------------------------------------------------------------------------------------
# Connections


@contextmanager
def silent(proxy: Proxy) -> Iterator[None]:
    """The connections of now are not read from any more."""
    proxy.each(Peer.freeze)
    try:
        yield
    finally:
        proxy.each(Peer.thaw)


@contextmanager
def cut(proxy: Proxy) -> Iterator[None]:
    """Packets of the connections of now are dropped."""
    ports: list[int] = []
    proxy.each(lambda client: ports.append(client.transport.get_extra_info("peername")[1]))
    rules = [["INPUT", "-p", "tcp", f"--{end}", str(port), "-j", "DROP"] for port in ports for end in ("sport", "dport")]
    for rule in rules:
        subprocess.run(["iptables", "-I", *rule], check=True)
    try:
        yield
    finally:
        for rule in rules:
            subprocess.run(["iptables", "-D", *rule], check=True)


@pytest.mark.parametrize("how", [cut, silent], ids=["packets dropped", "the peer's process hangs"])
def test_a11_a_half_open_connection_is_noticed(how: Callable[[Proxy], AbstractContextManager[None]],
                                               stage: Stage) -> None:
    """Neither end is closed, and nothing comes any more: watches and calls go on by another connection.

    Where the other machine's kernel still answers, only a question without an answer tells.
    """
    limit = 45 / PACE
    stage.registration_token()
    stage.operator.start(pace=PACE)
    stage.settled([stage.unmanned()])
    watched = {kind: stage.open_watch(kind) for kind in KINDS}
    stage.mark()
    with how(stage.proxy):
        began = time.monotonic()
        later = stage.unmanned(name="later")
        for kind, entry in watched.items():
            again = wait_for(f"{kind} are watched by another connection", lambda: [
                e for e in stage.watches(kind) if e.connection != entry.connection and e.status == 200], limit + 15)
            assert again[0].began - began <= limit + LATE, f"{kind}: noticed too late"
        assert [stage.lists(kind) for kind in KINDS] == [[] for _ in KINDS]
        later.wait()


def test_a11_a_call_without_an_answer_ends(stage: Stage) -> None:
    """One answer never comes, though its connection lives."""
    limit = 60 / PACE
    stage.proxy.add(Delay(limit * 3), "GET", ".*/secrets/gitlab")
    stage.registration_token()
    stage.operator.start(pace=PACE)
    runner = stage.unmanned()
    runner.wait(seconds=limit + 10)
    first, *others = stage.requests("GET", ".*/secrets/gitlab")
    assert first.status == 0 and first.ended - first.began <= limit + LATE and others


def test_a12_a_goaway_is_no_trouble(stage: Stage, gitlab: GitLabAdmin) -> None:
    """After each of its requests the operator is sent to another connection."""
    stage.proxy.add(Goaway(), count=None)
    stage.registration_token()
    stage.operator.start()
    runners = [stage.unmanned(name=f"builds-{i}") for i in range(5)]
    stage.settled(runners)
    assert len({entry.connection for entry in stage.requests()}) > 20
    assert_undisturbed(stage, gitlab, len(runners))


def test_a12_goaways_of_the_api_server_are_no_trouble(stage: Stage, gitlab: GitLabAdmin, api_server: ApiServer,
                                                      kube: Kube, account: str) -> None:
    """Its own, of which every fiftieth request is one, without a proxy."""
    api_server.restart("--goaway-chance=0.02")
    stage.registration_token()
    stage.operator.start(config=kubeconfig(account))
    runners = [stage.unmanned(name=f"builds-{i}") for i in range(int(scaled(1000, 50)))]
    for runner in runners:
        runner.wait(seconds=scaled(600, 60))
    assert stage.operator.sum("rest_client_requests_total") > 8 * len(runners)
    assert_undisturbed(stage, gitlab, len(runners))


def assert_undisturbed(stage: Stage, gitlab: GitLabAdmin, runners: int) -> None:
    assert stage.operator.lines("warn") + stage.operator.lines("error") == []
    assert len(gitlab.runners()) == len(gitlab.audit("POST", "/api/v4/runners")) == runners
    assert [path for path, times in stage.write_counts().items() if times > 1 and "status" not in path
            and "gitlabrunners" not in path] == []
