"""What is told, and how often: of a dead host, of a deletion that waits, of an object that is new, once of what stays so."""
from __future__ import annotations

import re
import shlex
from datetime import datetime, timedelta

import pytest

from cluster import ROOT, AuditLog, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import USER
from places import HOST, URL, Place, Runner

NOWHERE = f"{URL}:8082"                 # nobody listens there
UNREACHABLE = "203.0.113.7"             # an address that no route leads to
SCOPES = ["create_runner", "manage_runner", "read_api"]


def status_writes(audit: AuditLog, ns: str, name: str) -> int:
    return sum(entry["verb"] == "patch" and entry["stage"] == "ResponseComplete" and of.get("namespace") == ns
               and of.get("name") == name and of.get("subresource") == "status"
               for entry in audit.entries(USER) if (of := entry.get("objectRef", {})))


@pytest.mark.node
def test_a_dead_host_is_told_once(ci: Place) -> None:
    """Whoever calls it and whoever is kept from calling it say the same, and go on saying it."""
    ci.secret("gitlab", runner_registration_token="a-registration-token")
    audit, before = AuditLog(), calls(ci)
    runners = [ci.unmanned(name=f"runner-{i}", url=NOWHERE) for i in range(4)]
    messages = {runner.wait_refused("ConnectionRefused") for runner in runners}
    wait_for("the breaker has refused and has let through", lambda: calls(ci)["GitLabUnavailable"] - before["GitLabUnavailable"] > 4
             and calls(ci)["ConnectionRefused"] - before["ConnectionRefused"] > 6, 60)
    assert len(messages) == 1 and not re.search(r"\d+ (s|ms|times)\b", *messages), messages
    for runner in runners:
        assert {runner.conditions()["Ready"]["message"]} == messages
        assert status_writes(audit, ci.name, runner.name) <= 2
        assert len(runner.events()) == 1


def calls(ci: Place) -> dict[str, float]:
    found = {"GitLabUnavailable": 0.0, "ConnectionRefused": 0.0}
    for name, value in ci.operator.metrics().items():
        for result in found:
            if name.startswith("gitlab_runner_controller_gitlab_requests_total{") and f'result="{result}"' in name:
                found[result] += value
    return found


def test_an_address_without_a_way_is_not_refused(ci: Place) -> None:
    ci.secret("gitlab", runner_registration_token="a-registration-token")
    runner = ci.unmanned(hostAliases=[{"ip": UNREACHABLE, "hostnames": [HOST]}])
    message = runner.wait_refused("NetworkUnreachable")
    assert UNREACHABLE in message and "check routes" in message


def test_a_deletion_that_waits_says_until_when_and_how_to_end_it(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    gitlab.fault("reset", count=None)
    runner.delete()
    message = runner.wait("Ready", "False", "ConnectionLost")["message"]
    deadline = re.search(r"until (\S+Z); to wait no longer: (kubectl .+=true)$", message)
    deleted = datetime.fromisoformat(runner.object()["metadata"]["deletionTimestamp"])
    waits = datetime.fromisoformat(deadline[1]) - deleted       # from the moment on in which no manager was there any more
    assert timedelta(seconds=900) <= waits < timedelta(seconds=930), message
    kubectl(*shlex.split(deadline[2])[1:])
    runner.wait_gone(20)
    gitlab.clear_faults()
    for row in gitlab.runners():
        gitlab.delete_runner(row["id"])


def test_a_suspended_runner_is_deleted_all_the_same(ci: Place, gitlab: GitLabAdmin) -> None:
    """As the reference has it."""
    ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    runner.edit(suspend=True)
    runner.wait_refused("Suspended")
    runner.delete()
    runner.wait_gone(20)
    assert gitlab.runners() == []
    text = (ROOT / "docs/reference.md").read_text()
    assert "A deletion is carried out all the same" in next(line for line in text.splitlines() if "`spec.suspend`" in line)


def test_tags_have_a_column_without_brackets(ci: Place) -> None:
    ci.registration_token()
    ci.unmanned(tags=["linux", "gpu"]).wait()
    lines = kubectl("get", "glr", "builds", "-n", ci.name).splitlines()
    assert "TAGS" in lines[0] and " gpu,linux " in lines[1], lines


def test_a_url_without_tls_is_warned_about_once(ci: Place) -> None:
    ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    for number in (7, 8):
        runner.edit(concurrent=number)
        runner.wait()
    ci.operator.restart()
    runner.edit(concurrent=9)
    runner.wait()
    assert [event["reason"] for event in runner.events()].count("InsecureURL") == 1


def told_scopes(text: str) -> list[str]:
    """Each list of scopes in it."""
    plain = re.sub(r"\s+(?:[#*] )?", " ", text)
    return re.findall(r"create_runner(?:,? (?:and )?\w+_(?:runner|api))+", plain)


def test_the_scopes_of_an_access_token_are_one_list() -> None:
    places = ["README.md", "crds/gitlabrunners.yaml", "docs/reference.md", "docs/conditions.md",
              *(f"manifests/samples/access-token-{scope}.yaml" for scope in ("project", "group", "instance")), "controller/gitlab/api.h"]
    for place in places:
        lists = told_scopes((ROOT / place).read_text())
        assert lists and {tuple(re.findall(r"\w+_\w+", text)) for text in lists} == {tuple(SCOPES)}, (place, lists)


def test_no_text_is_cut_but_by_the_function_for_it() -> None:
    """base/shorten.h; a precision in a format ends a text in the midst of a word, or of a character. Times have none."""
    numbers = {"controller/base/time.c": ["19"],
               "controller/operator/api_servers.c": ["50", "5", "50", "5"]}
    for file in sorted((ROOT / "controller").rglob("*.[ch]")):
        found = re.findall(r"%\.(\d+)s", file.read_text())
        assert found == numbers.get(str(file.relative_to(ROOT)), []), file
