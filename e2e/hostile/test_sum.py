"""Everything at once: what each budget bounds is taken to its bound at the same time, and the sum is bounded, too."""
from __future__ import annotations

import base64
import os
from collections.abc import Iterator

import pytest

from cluster import wait_for
from hostile.evil import EvilGitLab
from hostile.siege import Siege
from hostile.tenants import Attacker
from hostile.test_at_rest import Flood
from hostile.test_fair import preferences

LINE, FAILING, LARGE = 1200, 200, 300           # objects; the large ones are 38 MiB, and 44 are kept of all of them
LARGE_BYTES = 96 << 10                          # before base64
LONGEST_NAMESPACE, LONGEST_NAME = 63, 200
NOBODY_WAITS = 8.0      # seconds, not once while the line comes, nor while all is listed again for what was left out
WAITING = 'gitlab_runner_controller_gitlab_calls{state="waiting"}'
LEFT_OUT = "gitlab_runner_controller_runners_left_out"


@pytest.fixture
def crowd(attacker: Attacker) -> Iterator[Attacker]:
    """Another team, of the longest name."""
    crowd = Attacker(attacker.kube, f"{attacker.name}-".ljust(LONGEST_NAMESPACE, "x"))
    yield crowd
    path = attacker.kube.path("GitLabRunner", crowd.name)
    Flood(crowd.mallory, path).delete(name_of(i) for i in range(FAILING + LINE))
    crowd.clear()


def flood(of: Attacker, bodies: list[dict]) -> None:
    Flood(of.mallory, of.kube.path("GitLabRunner", of.name)).post(bodies)


def name_of(i: int) -> str:
    return f"small-{i}-".ljust(LONGEST_NAME, "x")


def small(crowd: Attacker, i: int, url: str) -> dict:
    return crowd.body(name_of(i), url)


def large(attacker: Attacker, i: int) -> dict:
    filler = base64.b64encode(os.urandom(LARGE_BYTES)).decode()        # which nothing packs
    return attacker.body(f"large-{i}", "https://gitlab.example.com", suspend=True, config={"x": {"y": filler}})


def test_all_budgets_are_full_at_once(siege: Siege, attacker: Attacker, crowd: Attacker, evil: EvilGitLab) -> None:
    """Longest names in a long line, failures, shares that overflow, and as many large turns as there may be."""
    slow, failing = evil.at("slow", 20), evil.at("status", 500)
    siege.begin()
    flood(attacker, [large(attacker, i) for i in range(LARGE)])
    flood(crowd, [small(crowd, i, failing if i < FAILING else slow) for i in range(FAILING + LINE)])
    wait_for("the line is long", lambda: siege.operator.metrics()[WAITING] >= LINE * 2 / 3, 90)
    wait_for("there is no room", lambda: siege.operator.metrics()[LEFT_OUT] > 0)
    attacker.runners(40, evil.at("slow", 5), manager={"replicas": 0, "affinity": preferences(400)})
    siege.hold(5)
    assert siege.figures.longest_wait() <= NOBODY_WAITS, siege.figures.waits
