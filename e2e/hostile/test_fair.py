"""A team whose GitLab is slow, or fails, or whose objects are many or large: the others do not notice."""
from __future__ import annotations

import pytest

from cluster import wait_for
from hostile.evil import EvilGitLab
from hostile.siege import Siege
from hostile.tenants import Attacker

AT_A_HOST = 8           # calls of one namespace at one host, of the 16 that there may be


def preferences(count: int) -> dict:
    """An affinity of so many terms of about 100 bytes each."""
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "preference": {"matchExpressions": [{"key": f"k{i}", "operator": "In", "values": [f"v{i}"]}]}}
        for i in range(count)]}}


def test_six_hundred_runners_at_a_slow_gitlab(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    attacker.runners(600, evil.at("slow", 28))
    wait_for("as many are called as may be", lambda: evil.counts("slow")["open"] == AT_A_HOST)
    siege.begin()
    siege.hold(5)
    assert evil.counts("slow")["most_open"] == AT_A_HOST


def test_forty_large_runners_that_wait(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    """As large as may be; what waits keeps none of it, and what answers at the same moment does not go on at once."""
    attacker.runners(40, evil.at("slow", 5), manager={"replicas": 0, "affinity": preferences(400)})
    wait_for("they have waited, and were answered", lambda: evil.counts("slow")["calls"] >= 3 * AT_A_HOST, 60)
    siege.hold()


@pytest.mark.parametrize("mode, argument", [("status", 500), ("limit", 86400), ("hold", 0)])
def test_a_path_of_the_neighbours_host_that_fails(mode: str, argument: int, siege: Siege, attacker: Attacker,
                                                  evil: EvilGitLab) -> None:
    """Another team uses a good path of this very host."""
    other = Attacker(attacker.kube, f"{attacker.name}-victim")
    try:
        attacker.runners(20, evil.at(mode, argument))
        wait_for("it has failed", lambda: evil.counts(mode)["calls"] >= (1 if mode == "limit" else 5))
        for i in range(3):
            other.runner(f"served-{i}", evil.at("good")).wait(seconds=15)
    finally:
        other.clear()
    siege.hold()


def test_a_search_without_end(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    """Each page is late; the process is well all the same."""
    attacker.secret("gitlab", access_token="glpat-ofTheAttacker0")
    attacker.runners(3, evil.at("pages", 4), by="accessToken")
    wait_for("it is searched", lambda: evil.counts("pages")["calls"] >= 3 + 3 * 3, 90)
    siege.hold()


def test_hosts_without_end(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    """Each runner names another server: half of all places at the most."""
    for i in range(100):
        attacker.runner(f"runner-{i}", f"{evil.url}/slow-20/{i}")
    wait_for("some are called", lambda: evil.counts("slow")["open"] >= AT_A_HOST)
    siege.hold()
    assert evil.counts("slow")["most_open"] <= AT_A_HOST
