"""What a GitLab says that a tenant chose, what a tenant says to one that others use, and whose refusals are believed."""
from __future__ import annotations

import json
import time
import unicodedata

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from hostile.evil import EvilGitLab
from hostile.siege import Siege
from hostile.tenants import Attacker
from places import OTHER_URL, Place, Runner

MESSAGE_MAX = 2048                  # bytes of a condition's message
SAID_TWICE = 90                     # seconds until what GitLab says is said again, and believed
MOST_A_SECOND = 300                 # calls of twenty searches

# Mode, and what the condition says of it.
ANSWERS = [
    ("quad-60", "RejectedByGitLab"), ("quad-1000", "ResponseTooLarge"), ("bomb-60", "UnexpectedAnswer"),
    ("bomb-1000", "ResponseTooLarge"), ("deep-30000", "UnexpectedAnswer"), ("longtoken-60", "UnexpectedAnswer"),
    ("expiry-60", "UnexpectedAnswer"), ("token", "UnexpectedAnswer"), ("identity", "UnexpectedAnswer"),
    ("nul", "UnexpectedAnswer"), ("types", "UnexpectedAnswer"), ("escapes", "RejectedByGitLab"),
    ("headers", "ResponseTooLarge"), ("interim", "ResponseTooLarge"), ("chunks", "ResponseTooLarge")]


def assert_is_for_people(text: str) -> None:
    """No control character, nothing that cannot be seen or turns the direction of what follows."""
    assert len(text.encode()) <= MESSAGE_MAX
    assert not (odd := [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]), odd


def assert_told(runner: Runner) -> None:
    for condition in runner.conditions().values():
        assert_is_for_people(condition["message"])
    for event in runner.events():
        assert_is_for_people(event["note"])


def wait_told(runner: Runner, reason: str) -> None:
    wait_for(f"{runner.name} is refused as {reason}",
             lambda: runner.conditions().get("Ready", {}).get("reason") == reason)


def test_answers_to_a_registration(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    """Each costs little, and the object says what is wrong."""
    runners = [(attacker.runner(f"runner-{i}", evil.at(mode)), reason) for i, (mode, reason) in enumerate(ANSWERS)]
    for runner, reason in runners:
        wait_told(runner, reason)
        assert_told(runner)
        assert "runnerId" not in runner.status() and not runner.child("token")
    siege.hold()


def test_answers_that_drip(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    attacker.runners(40, evil.at("drip", 45))
    siege.hold()
    wait_for("one was waited for", lambda: evil.counts("drip")["longest"] > 20, 90)
    assert evil.counts("drip")["longest"] < 45, "and no longer than 30 s, but that this machine is slow"


def test_searches_without_end(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    """After a registration whose answer was lost: lists that go on for ever, and pages that weigh much."""
    attacker.secret("gitlab", access_token="glpat-ofTheAttacker00")
    modes = ["pages", "find-60", "find-900"]
    runners = [attacker.runner(f"runner-{i}", evil.at(modes[i % len(modes)]), "accessToken") for i in range(30)]
    siege.hold(4)
    for mode in "pages", "find":
        assert 10 <= evil.counts(mode)["calls"] and evil.counts(mode)["busiest_second"] < MOST_A_SECOND
    for runner in runners[:len(modes)]:
        assert_told(runner)
        assert runner.conditions()["Ready"]["status"] == "False"


# ----------------------------------------------------------------------------------------------------------------------
# What a tenant says

INJECTED = ("glpat-x\r\nX-Injected: yes\r\nContent-Length: 0\r\n\r\n"
            "DELETE /api/v4/runners/1 HTTP/1.1\r\nHost: my.gitlab.com\r\nPRIVATE-TOKEN: glpat-x\r\n\r\n")
NO_TOKENS = ["glpat-a b", "glpat-a\tb", "glpat-a\nb", "glpat-\x7f", "glpat-\u00e4", "glpat\u202e-a"]


def victims_of(ci: Place, gitlab: GitLabAdmin, by: str, count: int, **spec: object) -> list[Runner]:
    """Beside the neighbour's credential, of which they make no use."""
    if by == "accessToken":
        ci.secret("victims", access_token=gitlab.add_token("api", admin=True)["token"])
    else:
        ci.secret("victims", runner_registration_token=gitlab.add_project("victims")["runners_token"])
    return [ci.unmanned(by, name=f"victim-{i}", authentication={f"{by}SecretRef": {"name": "victims"}}, **spec)
            for i in range(count)]


def at_gitlab(gitlab: GitLabAdmin, runner: Runner) -> list[int]:
    uid = runner.uid()
    return [row["id"] for row in gitlab.runners() if row["mark"] == uid]


def test_a_credential_that_is_a_second_request(
        siege: Siege, ci: Place, gitlab: GitLabAdmin, attacker: Attacker, evil: EvilGitLab) -> None:
    """At the attacker's server, and on a connection to one that others use, too."""
    victims = victims_of(ci, gitlab, "accessToken", 3, serverCheckPeriodSeconds=30)
    numbers = {victim.name: victim.wait() and victim.status()["runnerId"] for victim in victims}
    attacker.secret("gitlab", access_token=INJECTED)
    shared = ci.spec("accessToken")
    runners = [attacker.runner(f"shared-{i}", shared["url"], "accessToken", hostAliases=shared["hostAliases"])
               for i in range(8)]
    for runner in [attacker.runner("own", evil.at("good"), "accessToken"), *runners]:
        message = runner.wait_refused("ValueInvalid")
        assert "access-token" in message and f"{attacker.name}/gitlab" in message and "Injected" not in message
    siege.hold(4)
    assert evil.counts("good")["calls"] == 0
    assert not [call for call in gitlab.audit() if "INJECTED" in json.dumps(call).upper()]
    assert {victim.name: victim.status()["runnerId"] for victim in victims} == numbers
    assert {victim.name: at_gitlab(gitlab, victim) for victim in victims} == {
        name: [number] for name, number in numbers.items()}


def test_credentials_that_are_none(siege: Siege, attacker: Attacker, evil: EvilGitLab) -> None:
    for i, token in enumerate(NO_TOKENS):
        attacker.secret(f"token-{i}", access_token=token)
        runner = attacker.runner(f"runner-{i}", evil.at("good"), "accessToken",
                                 authentication={"accessTokenSecretRef": {"name": f"token-{i}"}})
        assert "access-token" in runner.wait_refused("ValueInvalid")
        assert_told(runner)
    assert evil.counts("good")["calls"] == 0


# ----------------------------------------------------------------------------------------------------------------------
# Whose refusals are believed. At a server beside the neighbour's.

FIREWALL = {"status": 403, "body": "<html>Blocked by the firewall</html>", "headers": {"Content-Type": "text/html"}}
RESTRICTED = {"status": 403, "body": '{"message":"403 Forbidden"}'}


@pytest.mark.parametrize("refusal", [FIREWALL, RESTRICTED, FIREWALL | {"status": 404}], ids=["403", "IP", "404"])
def test_a_search_that_something_refuses(ci: Place, other_gitlab: GitLabAdmin, refusal: dict) -> None:
    """A lost registration is not taken for none because a firewall does not show it."""
    other_gitlab.fault("reset", "POST", "/api/v4/user/runners", done=True)
    order = other_gitlab.fault("status", "GET", r"/api/v4/runners/\d+", count=None, **refusal)
    runner, = victims_of(ci, other_gitlab, "accessToken", 1, url=OTHER_URL)
    other_gitlab.audit("GET", r"/api/v4/runners/\d+", count=2, wait=60)
    number, = at_gitlab(other_gitlab, runner)
    other_gitlab.remove_fault(order["id"])
    runner.wait(seconds=SAID_TWICE)
    assert at_gitlab(other_gitlab, runner) == [number] == [runner.status()["runnerId"]]


def test_an_ip_restriction_is_no_dead_token(ci: Place, other_gitlab: GitLabAdmin) -> None:
    """It says of every token what GitLab says of a dead one: nothing is deregistered."""
    kept, gone = victims_of(ci, other_gitlab, "registrationToken", 2, url=OTHER_URL)
    numbers = [runner.wait() and runner.status()["runnerId"] for runner in (kept, gone)]
    order = other_gitlab.fault("status", path="/api/v4/.*", count=None, **RESTRICTED)
    gone.delete()
    assert "IP restriction" in gone.wait_refused("Unconfirmed")
    other_gitlab.audit("DELETE", count=6, wait=60)
    assert [at_gitlab(other_gitlab, runner) for runner in (kept, gone)] == [[number] for number in numbers]
    other_gitlab.remove_fault(order["id"])
    gone.wait_gone(SAID_TWICE)
    assert [row["id"] for row in other_gitlab.runners()] == numbers[:1]


def test_one_refusal_is_no_proof(ci: Place, other_gitlab: GitLabAdmin) -> None:
    """GitLab's own, of a runner that is still there: the answer to another's call, or of a replica that is behind."""
    runner, = victims_of(ci, other_gitlab, "registrationToken", 1, url=OTHER_URL)
    runner.wait()
    other_gitlab.fault("status", "DELETE", "/api/v4/runners", **RESTRICTED)
    began = time.monotonic()
    runner.delete()
    runner.wait_gone(SAID_TWICE)
    assert other_gitlab.runners() == [] and time.monotonic() - began > 1
