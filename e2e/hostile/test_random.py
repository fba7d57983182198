"""Random large, deep, wide, slow, endless and odd things on each surface. HOSTILE_SEED=… repeats the attacks of a session, as far
as their order is the same; HOSTILE_SECONDS=… has each of them last longer."""
from __future__ import annotations

import os
import random

import pytest

from cluster import wait_for
from hostile.evil import EvilGitLab
from hostile.siege import Siege
from hostile.surfaces import SURFACES, Attack, specs
from hostile.tenants import Attacker

SEED = os.environ.get("HOSTILE_SEED") or str(random.SystemRandom().randrange(10 ** 6))
SECONDS = float(os.environ.get("HOSTILE_SECONDS") or 15)


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: f"{surface.__name__}-{SEED}")
def test_whatever_comes(surface, siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    """And where GitLab answers, whoever has made an object is told what became of it."""
    name = surface.__name__
    attacker.secret("gitlab", registration_token="g-ofTheAttacker00001", access_token="glpat-ofTheAttacker01",
                    runner_token="glrt-ofTheAttacker002")
    address = siege.operator.wait_ready()["status"]["podIP"]
    siege.begin()
    done = surface(Attack(random.Random(f"{SEED}/{name}"), attacker, evil, address, SEED, SECONDS))
    print(f"HOSTILE_SEED={SEED} {name}: {dict(done)}")
    siege.hold(1)
    if surface is specs:
        wait_for("all of them have a status", lambda: not untold(attacker))


def untold(attacker: Attacker) -> list[str]:
    return [item["metadata"]["name"] for item in attacker.kube.list("GitLabRunner", attacker.name)
            if item["status"]["observedGeneration"] < 0 and "deletionTimestamp" not in item["metadata"]]
