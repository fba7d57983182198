"""That the measuring itself blames nobody: what is no attack, or a small one, is within every bound."""
from __future__ import annotations

from hostile.evil import EvilGitLab
from hostile.siege import Siege
from hostile.tenants import Attacker


def test_peace(siege: Siege) -> None:
    siege.hold(5)


def test_an_evil_gitlab_that_is_good(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    for runner in attacker.runners(10, evil.at("good")):
        runner.wait()
    assert evil.counts("good")["calls"] >= 10
    siege.hold()
