"""The proxy itself: it changes nothing unless told to, and each fault is what its name says."""
from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import ROOT, Kube, wait_for
from deadline import assert_in_time
from places import LABEL, remove
from proxy.faults import HTML_502, Delay, Garbage, Goaway, HalfOpen, Hold, Reset, Status, Truncate
from proxy.rules import Action
from proxy.server import Proxy
from proxy.streams import Answered, Drop, HoldBack, Late, Script, Split, error_event, is_real

NS = "proxied"
CONFIG_MAPS = f"/api/v1/namespaces/{NS}/configmaps"


class Kubectl:
    """A client of the proxy that is not ours."""

    def __init__(self, proxy: Proxy, config: dict, folder: Path) -> None:
        self.proxy, self._file = proxy, folder / "kubeconfig"
        self._file.write_text(json.dumps(config))

    def command(self, *words: str) -> list[str]:
        return ["kubectl", "--kubeconfig", str(self._file), "-n", NS, *words]

    def run(self, *words: str, stdin: str = "", timeout: float = 20) -> subprocess.CompletedProcess:
        return subprocess.run(self.command(*words), input=stdin, capture_output=True, text=True, errors="replace",
                              timeout=timeout)

    def ok(self, *words: str, stdin: str = "") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def raw(self, path: str) -> subprocess.CompletedProcess:
        return self.run("get", "--raw", path)


@pytest.fixture(scope="module")
def namespace(kube: Kube, account: str) -> Iterator[None]:
    kube.create("Namespace", {"metadata": {"name": NS, "labels": {LABEL: "1"}}})
    yield
    remove(kube, [NS])


@pytest.fixture
def client(proxy: Proxy, kube: Kube, namespace: None, tmp_path: Path) -> Iterator[Kubectl]:
    proxy.clear()
    config = json.loads(subprocess.run(["kubectl", "config", "view", "--raw", "--minify", "--flatten", "-o", "json"],
                                       capture_output=True, check=True, cwd=ROOT).stdout)
    config["clusters"][0]["cluster"] = {"server": proxy.url, "certificate-authority-data": proxy.ca}
    yield Kubectl(proxy, config, tmp_path)
    proxy.clear()
    assert kube.call("DELETE", CONFIG_MAPS[1:]).ok


def config_map(name: str, **data: str) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NS}, "data": data}


def test_the_proxy_changes_nothing(client: Kubectl, kube: Kube) -> None:
    since = client.proxy.mark()
    client.ok("apply", "--server-side", "-f", "-", stdin=json.dumps(config_map("a", text="ü" * 100_000)))
    assert json.loads(client.raw(CONFIG_MAPS + "/a").stdout) == kube.get("ConfigMap", "a", NS)
    assert "Unauthorized" not in client.ok("auth", "whoami")
    patch, = client.proxy.entries("PATCH", CONFIG_MAPS + "/a", since=since)
    assert patch.status == 201 and patch.query["fieldManager"] == "kubectl"
    assert len(patch.json["data"]["text"]) == 100_000
    assert patch.headers["content-type"].startswith("application/apply-patch") and patch.ended


class Running:
    """A kubectl that takes its time; use as a context manager."""

    def __init__(self, client: Kubectl, output: Path, *words: str) -> None:
        with output.open("wb") as file:
            self._process = subprocess.Popen(client.command(*words), stdout=file, stderr=file)
        self.output = output

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def alive(self) -> bool:
        return self._process.poll() is None

    def wait(self) -> int:
        return self._process.wait(20)

    def seen(self) -> list[str]:
        """Of a watch: the names of those that were added, but that which every namespace has."""
        whole = [json.loads(line) for line in self.output.read_text().splitlines(keepends=True) if line[-1] == "\n"]
        names = [event["object"]["metadata"]["name"] for event in whole if event["type"] == "ADDED"]
        return [name for name in names if name != "kube-root-ca.crt"]

    def wait_seen(self, *names: str) -> None:
        wait_for(f"it has shown {names}", lambda: self.seen() == list(names), 20)


def watch(client: Kubectl, output: Path) -> Running:
    """From the proxy's answer on."""
    since = client.proxy.mark()
    running = Running(client, output, "get", "--raw", f"{CONFIG_MAPS}?watch=1&timeoutSeconds=60")
    wait_for("it is answered", lambda: any(e.status for e in client.proxy.entries("GET", CONFIG_MAPS, since=since)), 20)
    return running


def add_config_maps(kube: Kube, names: str) -> None:
    for name in names:
        kube.create("ConfigMap", config_map(name), NS)


def is_of(name: str) -> object:
    return lambda event: is_real(event) and event["object"]["metadata"]["name"] == name


def test_a_watch_is_passed_on_as_it_comes(client: Kubectl, kube: Kube, tmp_path: Path) -> None:
    since = client.proxy.mark()
    with watch(client, tmp_path / "out") as watching:
        add_config_maps(kube, "a")
        watching.wait_seen("a")
        add_config_maps(kube, "b")
        watching.wait_seen("a", "b")
        entry, = client.proxy.entries("GET", CONFIG_MAPS, "watch", since)
        wait_for("both are in the log", lambda: [told.name for told in entry.events if told.name in "ab"] == ["a", "b"])
        assert not entry.ended


@pytest.mark.parametrize("action, code, said", [
    (Status(403, "Forbidden", "no luck"), 1, "Error from server (Forbidden): no luck"),
    (Status(429, "TooManyRequests", headers=(("retry-after", "1"),)), 0, '"name":"spoilt"'),
    (HTML_502, 1, "Bad Gateway"),
    (Reset(), 1, "INTERNAL_ERROR"),
    (Reset(after=True), 1, "INTERNAL_ERROR"),
    (Garbage(b"gar]{bage"), 0, "gar]{bage"),
    (Truncate(), 0, '{"kind":"ConfigMap"'),
], ids=["403", "429, which kubectl repeats", "HTML", "reset", "reset after", "garbage", "truncated"])
def test_a_request_is_spoilt_once(action: Action, code: int, said: str, client: Kubectl) -> None:
    client.ok("create", "configmap", "spoilt")
    whole = client.raw(CONFIG_MAPS + "/spoilt").stdout
    rule = client.proxy.add(action, "GET", CONFIG_MAPS + "/spoilt")
    spoilt = client.raw(CONFIG_MAPS + "/spoilt")
    assert spoilt.returncode == code and said in spoilt.stdout + spoilt.stderr and rule.used == 1
    assert client.raw(CONFIG_MAPS + "/spoilt").stdout == whole


@pytest.mark.parametrize("after, made", [(False, False), (True, True)], ids=["before the effect", "after the effect"])
def test_a_reset_comes_before_or_after_the_effect(after: bool, made: bool, client: Kubectl, kube: Kube) -> None:
    client.proxy.add(Reset(after=after), "POST", CONFIG_MAPS)
    assert client.run("create", "configmap", "a").returncode != 0
    assert (kube.get("ConfigMap", "a", NS) is not None) == made


def test_rules_count_their_requests(client: Kubectl) -> None:
    rule = client.proxy.add(Status(404, "NotFound"), "GET", CONFIG_MAPS, nth=2, count=2)
    codes = [client.raw(CONFIG_MAPS).returncode for _ in range(4)]
    assert codes == [0, 1, 1, 0] and (rule.seen, rule.used) == (4, 2)


def test_the_first_rule_decides(client: Kubectl) -> None:
    client.proxy.add(Status(404, "NotFound", "first"), path=CONFIG_MAPS)
    client.proxy.add(Status(404, "NotFound", "second"), path=CONFIG_MAPS)
    assert ["first" in client.raw(CONFIG_MAPS).stderr, "second" in client.raw(CONFIG_MAPS).stderr] == [True, True]


@pytest.mark.parametrize("action", [Delay(0.5), Delay(0.5, answer=True)], ids=["request", "answer"])
def test_a_delay_delays(action: Delay, client: Kubectl) -> None:
    client.proxy.add(action, "GET", CONFIG_MAPS)
    since = client.proxy.mark()
    client.raw(CONFIG_MAPS)
    entry, = client.proxy.entries(path=CONFIG_MAPS, since=since)
    assert entry.status == 200 and entry.answered - entry.began >= 0.5
    assert_in_time("an answer", entry.answered - entry.began, 5)


def test_a_held_request_waits_until_it_is_let_go(client: Kubectl, tmp_path: Path) -> None:
    hold = Hold()
    client.proxy.add(hold, "GET", CONFIG_MAPS)
    with Running(client, tmp_path / "out", "get", "--raw", CONFIG_MAPS) as waiting:
        wait_for("it is held", lambda: hold.held, 20)
        assert waiting.alive()
        hold.release()
        assert waiting.wait() == 0


def is_of(name: str) -> Callable[[dict], bool]:
    return lambda event: is_real(event) and event["object"]["metadata"]["name"] == name


def test_an_event_is_dropped(client: Kubectl, kube: Kube, tmp_path: Path) -> None:
    drop = Drop(is_of("b"))
    client.proxy.add(drop, "GET", CONFIG_MAPS, "watch")
    with watch(client, tmp_path / "out") as watching:
        add_config_maps(kube, "abc")
        watching.wait_seen("a", "c")
        assert len(drop.dropped) == 1


def test_events_are_held_back_and_let_go_in_order(client: Kubectl, kube: Kube, tmp_path: Path) -> None:
    back = HoldBack(is_of("b"))
    client.proxy.add(back, "GET", CONFIG_MAPS, "watch")
    with watch(client, tmp_path / "out") as watching:
        add_config_maps(kube, "abc")
        wait_for("b is held back", lambda: back.hold.held, 20)
        watching.wait_seen("a")
        back.hold.release()
        watching.wait_seen("a", "b", "c")


def test_events_come_late(client: Kubectl, kube: Kube, tmp_path: Path) -> None:
    client.proxy.add(Late(0.5), "GET", CONFIG_MAPS, "watch")
    with watch(client, tmp_path / "out") as watching:
        began = time.monotonic()
        add_config_maps(kube, "a")
        watching.wait_seen("a")
        assert time.monotonic() - began >= 0.5
        assert_in_time("an event", time.monotonic() - began, 5)


def test_a_watch_is_answered_by_the_proxy(client: Kubectl, tmp_path: Path) -> None:
    gone = error_event(410, "Expired", "too old")
    client.proxy.add(Answered((gone,)), "GET", CONFIG_MAPS, "watch")
    with watch(client, tmp_path / "out") as watching:
        assert watching.wait() == 0
    assert watching.output.read_bytes() == gone


def test_a_line_is_slipped_in_and_a_watch_is_closed(client: Kubectl, kube: Kube, tmp_path: Path) -> None:
    script = Script()
    client.proxy.add(script, "GET", CONFIG_MAPS, "watch")
    with watch(client, tmp_path / "out") as watching:
        add_config_maps(kube, "a")
        watching.wait_seen("a")
        script.say(b'{"type":"ADDED","object":{"metadata":{"name":"ghost"}}}\n')
        watching.wait_seen("a", "ghost")
        script.close()
        assert watching.wait() == 0


def test_events_in_pieces_are_the_same_events(client: Kubectl, kube: Kube, tmp_path: Path) -> None:
    client.proxy.add(Split(1), "GET", CONFIG_MAPS, "watch")
    with watch(client, tmp_path / "out") as watching:
        add_config_maps(kube, "abc")
        watching.wait_seen("a", "b", "c")


def test_a_goaway_lets_requests_end_and_moves_the_next(client: Kubectl, kube: Kube) -> None:
    """kubectl asks for several things by one connection; with a GOAWAY in between it still succeeds."""
    kube.create("ConfigMap", config_map("a"), NS)
    client.proxy.add(Goaway(), count=1)
    since = client.proxy.mark()
    client.ok("apply", "-f", "-", stdin=json.dumps(config_map("a", more="b")))
    entries = client.proxy.entries(since=since)
    assert all(entry.status for entry in entries) and len({entry.connection for entry in entries}) == 2


def test_a_half_open_connection_is_silent(client: Kubectl, tmp_path: Path) -> None:
    client.proxy.add(HalfOpen(), "GET", CONFIG_MAPS)
    since = client.proxy.mark()
    with Running(client, tmp_path / "out", "get", "--raw", CONFIG_MAPS) as waiting:
        entry, = wait_for("it is asked", lambda: client.proxy.entries(path=CONFIG_MAPS, since=since), 20)
        assert client.raw(CONFIG_MAPS).returncode == 0, "another connection is served"
        assert entry.outcome == "half open" and not entry.ended and waiting.alive()


def test_a_closed_proxy_refuses_connections_until_it_opens_again(client: Kubectl) -> None:
    client.proxy.close()
    try:
        began = time.monotonic()
        assert "refused" in client.raw(CONFIG_MAPS).stderr
        assert_in_time("a refusal", time.monotonic() - began, 10)
    finally:
        client.proxy.open()
    assert client.raw(CONFIG_MAPS).returncode == 0
