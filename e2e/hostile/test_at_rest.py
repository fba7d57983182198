"""What the operator keeps: any number of objects that are none of its business, and more of its own than it can bear."""
from __future__ import annotations

import base64
import http.client
import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from cluster import wait_for
from hostile.siege import Siege
from hostile.tenants import AT_A_TIME, Attacker, User
from places import Place, Runner

CONFIG_MAPS = 10_000
LARGE, LARGE_COUNT = 48 << 10, 1200             # bytes that nothing packs: 56 MiB, of which 44 are kept
LEFT_OUT = "gitlab_runner_controller_runners_left_out"


class Flood:
    """Requests of one user, as fast as the API server takes them."""

    def __init__(self, user: User, path: str) -> None:
        self._address, self._path, self._name = urlsplit(user.url).netloc, path, user.name

    def post(self, bodies: Iterable[dict]) -> None:
        self._all("POST", ((self._path, json.dumps(body)) for body in bodies))

    def delete(self, names: Iterable[str]) -> None:
        self._all("DELETE", ((f"{self._path}/{name}", None) for name in names))

    def _all(self, method: str, requests: Iterable[tuple[str, str | None]]) -> None:
        parts: list[list] = [[] for _ in range(AT_A_TIME)]
        for i, request in enumerate(requests):
            parts[i % AT_A_TIME].append(request)
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            list(pool.map(lambda part: self._send(method, part), parts))

    def _send(self, method: str, requests: list[tuple[str, str | None]]) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        headers = {"Impersonate-User": self._name, "Content-Type": "application/json"}
        for path, body in requests:
            connection.request(method, "/" + path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status < 300, text
        connection.close()


def kept(siege: Siege, kind: str) -> float:
    return siege.operator.metrics()[f'gitlab_runner_controller_objects{{kind="{kind}"}}']


def test_config_maps_without_number(siege: Siege, attacker: Attacker) -> None:
    """With all that might make somebody look at them: an owner, an annotation of ours, long names."""
    before = kept(siege, "ConfigMap")
    ours = {"gitlab-runners.dev/owner": "nonsense", "gitlab-runners.dev/owner-uid": "x", "padding": "y" * 2000}
    siege.begin()
    Flood(attacker.eve, attacker.kube.path("ConfigMap", attacker.name)).post(
        {"metadata": {"name": f"config-{i}-" + "x" * 200, "annotations": ours}} for i in range(CONFIG_MAPS))
    siege.hold(2)
    assert kept(siege, "ConfigMap") <= before + 5


def large(attacker: Attacker, i: int) -> dict:
    filler = base64.b64encode(os.urandom(LARGE * 3 // 4)).decode()
    body = attacker.body(f"large-{i}", "https://gitlab.example.com", suspend=True, config={"x": {"y": filler}})
    return {**body, "metadata": {"name": f"large-{i}"}}


def test_more_large_runners_than_there_is_room_for(siege: Siege, attacker: Attacker, ci: Place) -> None:
    """They are left out and told so; others' are served meanwhile, and they, too, when there is room."""
    flood = Flood(attacker.mallory, attacker.kube.path("GitLabRunner", attacker.name))
    siege.begin()
    flood.post(large(attacker, i) for i in range(LARGE_COUNT))
    wait_for("some are left out", lambda: siege.operator.metrics()[LEFT_OUT] > 0)
    wait_for("an Event says so", lambda: [
        event for event in attacker.kube.list("Event", attacker.name) if event["reason"] == "NamespaceOverShare"])
    last = Runner(attacker.kube, attacker.name, f"large-{LARGE_COUNT - 1}")
    assert "delete some" in last.wait_refused("NamespaceOverShare", 120) and "Stalled" in last.conditions()
    siege.hold()
    left_out = siege.operator.metrics()[LEFT_OUT]
    assert left_out < LARGE_COUNT / 2, "its share is not all of the memory, but some"
    flood.delete(f"large-{i}" for i in range(LARGE_COUNT // 2))
    wait_for("all that are left are served", lambda: siege.operator.metrics()[LEFT_OUT] == 0, 120)
    last.wait_refused("Suspended", 30)
    assert "Stalled" not in last.conditions()
