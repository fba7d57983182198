"""The ledger of runners that were left behind is one Secret for all: who fills it, or leaves runners at a host that never
answers, takes nothing from others."""
from __future__ import annotations

import base64
import json

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from hostile.evil import EvilGitLab
from hostile.siege import Siege
from hostile.tenants import Attacker
from operator_pod import NAMESPACE, ORPHANS
from places import OTHER_URL, Place, Runner

FULL = 512 << 10            # bytes of all entries
SIZE = 20_800               # of one that is about as large as one can be


def ledger(ci: Place) -> dict[str, dict]:
    data = ci.kube.get("Secret", ORPHANS, NAMESPACE).get("data") or {}
    return {key: json.loads(base64.b64decode(value)) for key, value in data.items()}


def namespaces(ci: Place) -> list[str]:
    return [entry["namespace"] for entry in ledger(ci).values()]


def fill(ci: Place, attacker: Attacker, url: str) -> int:
    """As the attacker's GitLabRunners would; how many."""
    count = FULL // SIZE        # a little more than there is room for
    entries = {f"attacker.{i}": json.dumps({
        "url": url, "runnerId": i, "uid": "attacker", "namespace": attacker.name, "name": f"runner-{i}",
        "reason": "x" * SIZE, "time": f"2026-01-01T00:00:{i:02}Z", "token": f"glrt-attackers{i:08}"}) for i in range(count)}
    ci.kube.patch("Secret", ORPHANS, {"stringData": entries}, NAMESPACE)
    return count


def victim(ci: Place, gitlab: GitLabAdmin) -> Runner:
    ci.secret("other", runner_registration_token=gitlab.add_project("victims")["runners_token"])
    runner = ci.runner(name="victim", url=OTHER_URL, deregistrationDeadlineSeconds=1, manager={"replicas": 0},
                       authentication={"registrationTokenSecretRef": {"name": "other"}})
    runner.wait()
    return runner


def test_a_full_ledger_of_a_host_that_never_answers(
        ci: Place, siege: Siege, attacker: Attacker, evil: EvilGitLab, other_gitlab: GitLabAdmin) -> None:
    count = fill(ci, attacker, evil.at("hold"))
    with siege.truce():
        ci.operator.crash()                                 # the next one finds it so
    wait_for("the attacker's are tried", lambda: evil.counts("hold")["calls"] >= 2)
    runner = victim(ci, other_gitlab)
    other_gitlab.fault("reset", method="DELETE", count=None)
    runner.delete()
    runner.wait_gone()
    wait_for("the victim's entry is there", lambda: ci.name in namespaces(ci))
    assert namespaces(ci).count(attacker.name) == count - 1, "the attacker makes room, and by no more than it takes"
    event = wait_for("an Event about the one that went", lambda: next(
        (event for event in ci.kube.list("Event", NAMESPACE) if event["reason"] == "OrphanDisplaced"), None))
    assert f"namespace {attacker.name} takes most of it" in event["note"] and evil.url in event["note"]
    other_gitlab.clear_faults()
    wait_for("GitLab has let the victim's runner go", lambda: not other_gitlab.runners(), 30)
    wait_for("its entry is gone", lambda: ci.name not in namespaces(ci), 10)
    assert evil.counts("hold")["most_open"] <= 2, "two of one namespace are tried at a time"
