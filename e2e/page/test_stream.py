"""The stream that the fleet page reads, as whoever reads it sees it: who may see what, and what comes when."""
from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from cluster import kubectl, wait_for
from operator_pod import NAME, NAMESPACE
from page.conftest import Fleet
from places import Runner
from program import free_port

COLUMNS = ["ns", "name", "ready", "reason", "headline", "managers_ready", "managers", "jobs", "limit", "runner_id", "tags",
           "host", "version", "token_expires", "created", "paused", "severity", "since"]
TEXTS = ("ns", "reason", "headline", "tags", "host", "version")
SOON = 1.0                  # seconds, from a change to its event, on a machine that is busy
STREAMS = 24
HOSTILE = ["</script><script>alert(1)</script>", "a\"b\\c", "\x1b[31mred", "data: x\n\nevent: bye"]


class Reader(contextlib.AbstractContextManager):
    """Somebody who looks: what has come, and the rows as they are known by it."""

    def __init__(self, address: str, token: str = "", since: int = 0) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        self.events: list[tuple[str, dict]] = []
        self.beats, self.ended, self.text = 0, False, b""
        self._connection = http.client.HTTPConnection(address.split("/")[2], timeout=30)
        self._connection.request("GET", f"/fleet/stream?since={since}" if since else "/fleet/stream",
                                 headers={"Authorization": f"Bearer {token}"} if token else {})
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.status, self.headers = self._answer.status, self._answer.headers
        if self.status == 200:
            threading.Thread(target=self._read, daemon=True).start()
        else:
            self.refusal = json.loads(self._answer.read())

    def _read(self) -> None:
        name = ""
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            for line in self._answer:
                self.text += line
                if line.startswith(b"event: "):
                    name = line[7:].decode().strip()
                elif line.startswith(b"data: "):
                    self._take(name, json.loads(line[6:]))
                elif line.startswith(b":"):
                    self.beats += 1
        self.ended = True

    def _take(self, name: str, data: dict) -> None:
        for fields in data.get("rows", []):
            row = dict(zip(COLUMNS, fields, strict=True))
            row |= {text: None if row[text] is None else data["strings"][row[text]] for text in TEXTS}
            self.rows[row["ns"], row["name"]] = row
        for ns, gone in data.get("keys", []):
            self.rows.pop((ns, gone), None)
        self.events.append((name, data))

    def last(self, name: str) -> dict | None:
        return next((data for event, data in reversed(self.events) if event == name), None)

    def wait(self, name: str, seconds: float = 10) -> dict:
        return wait_for(f"the event {name}", lambda: self.last(name), seconds)

    def wait_row(self, what: str, holds: Callable[[dict | None], object], key: tuple[str, str], seconds: float = 10) -> None:
        wait_for(f"{key} {what}", lambda: holds(self.rows.get(key)), seconds)

    def __exit__(self, *ignored: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)     # a read that waits ends


def suspended(fleet: Fleet, *names: str, ns: str = "") -> None:
    """Runners of which nobody makes anything."""
    for name in names:
        fleet.kube.create("GitLabRunner", {
            "apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
            "metadata": {"name": name, "namespace": ns or fleet.name},
            "spec": {"url": "https://gitlab.invalid", "suspend": True, "scope": {"type": "Project", "projectId": 1},
                     "tags": HOSTILE, "authentication": {"accessTokenSecretRef": {"name": "none"}}}}, ns or fleet.name)


def test_all_there_is_and_then_each_change(fleet: Fleet) -> None:
    address = fleet.start()
    suspended(fleet, "a", "b")
    with Reader(address) as reader:
        key = fleet.name, "a"
        reader.wait_row("is told", lambda row: row and row["reason"] == "Suspended", key)
        hello, synced = reader.events[0], reader.wait("synced")
        assert hello[0] == "hello" and hello[1]["full"] and hello[1]["leader"] and hello[1]["namespaces"] == "*"
        assert reader.wait("plots").keys() == {"jobs", "reconcile", "hosts"}
        assert synced["count"] >= 0 and reader.rows[key]["tags"] == sorted(HOSTILE) or reader.rows[key]["tags"] == HOSTILE
        began = time.monotonic()
        Runner(fleet.kube, *key).edit(concurrent=77)
        reader.wait_row("has changed", lambda row: row["limit"] == 77, key)
        assert time.monotonic() - began < SOON
        revision = reader.last("change")["revision"]

    suspended(fleet, "c")
    fleet.kube.delete("GitLabRunner", "b", fleet.name)
    wait_for("b is gone", lambda: not fleet.kube.get("GitLabRunner", "b", fleet.name))
    with Reader(address, since=revision) as again:
        wait_for("what has changed meanwhile is told", lambda: again.rows.keys() >= {(fleet.name, "c")} and again.last("gone"))
        assert not again.events[0][1]["full"] and key not in again.rows, "and nothing else"
        assert [fleet.name, "b"] in again.last("gone")["keys"]
    with Reader(address, since=1) as stranger:
        stranger.wait("synced")
        assert stranger.events[0][1]["full"] and key in stranger.rows


def test_one_runner_in_full(fleet: Fleet) -> None:
    token = fleet.registration_token()
    address = fleet.start()
    runner = fleet.runner(name="builds")
    runner.wait()
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "runner-x-1", "labels": {
        "job.runner.gitlab.com/pod": "runner-x-1", "manager.runner.gitlab.com/name": f"{fleet.name}_builds"}},
        "spec": {"containers": [{"name": "build", "image": "busybox"}]}}
    fleet.kube.create("Pod", pod, fleet.name)
    asked = {"namespace": fleet.name, "name": "builds"}

    def told() -> dict | None:
        said = requests.get(f"{address}fleet/runner", params=asked, timeout=10).json()
        return said if said["managers"] and said["jobs"] and said["events"] else None
    said = wait_for("managers, jobs and Events are told", told)
    assert said["jobs"][0]["pod"] == "runner-x-1" and {rule["mark"] for rule in said["rules"]} == {"ok"}
    assert 'token = "<masked>"' in said["config"] and runner.token() not in json.dumps(said)
    assert str(token) not in json.dumps(said)
    with Reader(address) as reader:
        reader.wait_row("has a job", lambda row: row and row["jobs"] == 1, (fleet.name, "builds"), 15)
        assert runner.token().encode() not in reader.text
    for params, status in (({}, 400), (asked | {"name": "none"}, 404), (asked | {"name": "x" * 999}, 400)):
        assert requests.get(f"{address}fleet/runner", params=params, timeout=10).status_code == status, params


def test_who_comes_from_elsewhere_is_refused(fleet: Fleet) -> None:
    address = fleet.start()
    port = int(address.rstrip("/").rpartition(":")[2])
    for path in ("", "fleet/stream", "fleet/runner?namespace=a&name=b", "debug/state"):
        for headers in ({"Host": "evil.test"}, {"Host": f"evil.test:{port}"}, {"Origin": "http://evil.test"},
                        {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}, {"Sec-Fetch-Site": "cross-site"},
                        {"Sec-Fetch-Site": "same-site"}):
            answer = requests.get(f"{address}{path}", headers=headers, timeout=5, stream=True)
            assert answer.status_code == 403, (path, headers)
    own = requests.get(address, headers={"Origin": address.rstrip("/"), "Sec-Fetch-Site": "same-origin"}, timeout=5)
    assert own.status_code == 200 and "frame-ancestors 'none'" in own.headers["Content-Security-Policy"]
    assert requests.get(address, headers={"If-None-Match": own.headers["ETag"]}, timeout=5).status_code == 304
    with socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.6", 0), timeout=5) as sidecar:
        sidecar.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sidecar.recv(64).startswith(b"HTTP/1.1 403 ")


def test_there_are_so_many_places(fleet: Fleet) -> None:
    address = fleet.start()
    with contextlib.ExitStack() as crowd:
        readers = [crowd.enter_context(Reader(address)) for _ in range(STREAMS)]
        assert {reader.status for reader in readers} == {200}
        refused = requests.get(f"{address}fleet/stream", timeout=5)
        assert refused.status_code == 503 and "24" in refused.json()["message"]
        assert fleet.process.status("readyz") == 200
        readers[0].wait("synced")
        wait_for("a heartbeat", lambda: readers[0].beats or readers[0].last("plots"), 20)

    def place_is_free() -> bool:
        with Reader(address) as reader:
            return reader.status == 200
    wait_for("who has left gives a place back", place_is_free)


def test_who_leads_is_told(fleet: Fleet) -> None:
    lease = f"page-{fleet.name}"[:50].rstrip("-")
    kubectl("create", "namespace", lease)
    kubectl("label", "namespace", lease, "gitlab-runners.dev/e2e=true")
    held = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "gitlab-runner-controller"},
            "spec": {"holderIdentity": "other-pod_123", "leaseDurationSeconds": 3600}}
    kubectl("apply", "-n", lease, "-f", "-", stdin=json.dumps(held))
    kubectl("create", "rolebinding", "lead", "-n", lease, "--clusterrole=admin", f"--serviceaccount={NAMESPACE}:{NAME}")
    kubectl("create", "role", "lead", "-n", lease, "--verb=get,update,create,patch", "--resource=leases.coordination.k8s.io")
    kubectl("create", "rolebinding", "lease", "-n", lease, "--role=lead", f"--serviceaccount={NAMESPACE}:{NAME}")
    with Reader(fleet.start("--leader-elect=true", f"--leader-election-namespace={lease}")) as reader:
        wait_for("who leads is known", lambda: (reader.last("hello") or {}).get("holder") == "other-pod")
        assert not reader.last("hello")["leader"]
        kubectl("patch", "lease", "-n", lease, "gitlab-runner-controller", "--type=merge", "-p",
                json.dumps({"spec": {"holderIdentity": ""}}))
        wait_for("it leads itself", lambda: reader.last("hello")["leader"], 15)
    kubectl("delete", "namespace", lease, "--wait=false")


@pytest.fixture
def guarded(fleet: Fleet) -> Iterator[tuple[Fleet, str]]:
    """The page's address for other machines, and two namespaces with runners."""
    kubectl("create", "clusterrolebinding", "page-auth", "--clusterrole=system:auth-delegator",
            f"--serviceaccount={NAMESPACE}:{NAME}")
    try:
        port = free_port()
        fleet.start("--page-auth", f"--page-address=127.0.0.1:{port}")
        yield fleet, f"http://127.0.0.1:{port}/"
    finally:
        kubectl("delete", "clusterrolebinding", "page-auth")


def token_of(fleet: Fleet, name: str) -> str:
    kubectl("create", "serviceaccount", name, "-n", fleet.name)
    return kubectl("create", "token", name, "-n", fleet.name).strip()


def stranger(address: str, token: str) -> Reader:
    """Those whom nobody knows yet are asked about one after another."""
    def answered() -> Reader | None:
        reader = Reader(address, token)
        return reader if reader.status != 429 else None
    return wait_for("it is the stranger's turn", answered)


def test_a_tenant_sees_what_is_theirs(guarded: tuple[Fleet, str]) -> None:
    fleet, address = guarded
    other = fleet.namespace(f"{fleet.name}-other")
    suspended(fleet, "mine")
    suspended(fleet, "theirs", ns=other)
    tenant, nobody = token_of(fleet, "tenant"), token_of(fleet, "nobody")
    kubectl("create", "role", "page", "-n", fleet.name, "--verb=list", "--resource=gitlabrunners.gitlab-runners.dev")
    kubectl("create", "rolebinding", "page", "-n", fleet.name, "--role=page", f"--serviceaccount={fleet.name}:tenant")
    with Reader(f"{fleet.process.fleet_page}") as everybody, Reader(address, tenant) as reader:
        everybody.wait_row("is told", bool, (other, "theirs"))
        reader.wait_row("is told", bool, (fleet.name, "mine"))
        assert reader.last("hello")["namespaces"] == [fleet.name] and reader.wait("synced")["count"] == 1
        Runner(fleet.kube, other, "theirs").edit(concurrent=66)
        Runner(fleet.kube, fleet.name, "mine").edit(concurrent=55)
        everybody.wait_row("has changed", lambda row: row["limit"] == 66, (other, "theirs"))
        reader.wait_row("has changed", lambda row: row["limit"] == 55, (fleet.name, "mine"))
        assert b'"theirs"' not in reader.text and other.encode() not in reader.text
        for ns, name, status in ((fleet.name, "mine", 200), (other, "theirs", 403), (other, "none", 403)):
            answer = requests.get(f"{address}fleet/runner", params={"namespace": ns, "name": name}, timeout=10,
                                  headers={"Authorization": f"Bearer {tenant}"})
            assert answer.status_code == status, answer.text
        refused = stranger(address, nobody)
        assert refused.status == 403 and refused.refusal["need"] == "list gitlabrunners.gitlab-runners.dev"
        assert refused.refusal["user"] == f"system:serviceaccount:{fleet.name}:nobody"
        for token in ("", "not-a-token"):
            unknown = stranger(address, token)
            assert unknown.status == 401 and unknown.headers["WWW-Authenticate"] == "Bearer"
        assert requests.get(address, timeout=5).status_code == 200, "the page itself asks for the token"
        assert requests.get(f"{address}debug/state", timeout=5).status_code == 404

        kubectl("delete", "rolebinding", "page", "-n", fleet.name)
        wait_for("the right that was withdrawn ends the stream", lambda: reader.ended and reader.last("bye"), 60)
        assert stranger(address, tenant).status == 403
        assert tenant not in fleet.process.log()
