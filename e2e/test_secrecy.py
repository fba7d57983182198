"""Tokens stay where they belong. Besides what is here, every test ends with the check of secrecy.py."""
from __future__ import annotations

import re

import pytest

from cluster import kubectl
from gitlab_admin import GitLabAdmin
from places import OTHER_URL, Place
from secrecy import assert_secrets_are_kept, contents

pytestmark = pytest.mark.lifecycle

WINDOW = 6      # characters of a token that nobody writes by chance


@pytest.mark.node
def test_the_check_finds_a_token_wherever_it_is(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    for token in (runner.token(), project["runners_token"]):
        for kind, body in [("ConfigMap", {"data": {"note": f"see {token}!"}}), ("ServiceAccount", {"metadata": {
                "name": "planted", "annotations": {"note": token}}})]:
            ci.put(kind, "planted", body)
            with pytest.raises(AssertionError, match=f"a token is in {kind} {ci.name}/planted"):
                assert_secrets_are_kept(ci)
            ci.kube.delete(kind, "planted", ci.name)
    config = ci.kube.get("Secret", "builds-runner-config", ci.name)
    ci.operator.freeze()        # or it would repair this at once
    try:
        ci.kube.patch("Secret", "builds-runner-config", {"stringData": {"more": project["runners_token"]}}, ci.name)
        with pytest.raises(AssertionError, match="a token is in Secret"):
            assert_secrets_are_kept(ci)
        ci.kube.patch("Secret", "builds-runner-config", {"data": {"more": None}}, ci.name)
    finally:
        ci.operator.thaw()
    assert contents(ci.kube.get("Secret", "builds-runner-config", ci.name)) == contents(config)


@pytest.mark.parametrize("by", ["registrationToken", "accessToken"])
def test_no_part_of_a_token_is_shown(by: str, ci: Place, gitlab: GitLabAdmin) -> None:
    """Not even its beginning or its end: in status, Events and log."""
    credential = ci.registration_token()["runners_token"] if by == "registrationToken" else ci.access_token()["token"]
    runner = ci.unmanned(by)
    runner.wait()
    shown = kubectl("get", "glr,events", "-n", ci.name, "-o", "json") + kubectl(
        "describe", "glr", "builds", "-n", ci.name) + ci.operator.logs()
    for token in (runner.token(), credential):
        random = re.sub("^(GR1348941|glpat-|glrtr?-(t[123]_)?)", "", token)
        parts = {random[i:i + WINDOW] for i in range(len(random) - WINDOW + 1)}
        assert len(parts) > 5 and not [part for part in parts if part in shown]


@pytest.mark.parametrize("by", ["registrationToken", "accessToken"])
def test_a_redirect_gets_no_credential(by: str, ci: Place, gitlab: GitLabAdmin, other_gitlab: GitLabAdmin) -> None:
    ci.registration_token() if by == "registrationToken" else ci.access_token()
    order = gitlab.fault("redirect", "POST", status=307, location=f"{OTHER_URL}/api/v4/runners", count=None)
    runner = ci.unmanned(by)
    runner.wait_refused("Redirected")
    assert other_gitlab.audit() == []
    gitlab.remove_fault(order["id"])
    runner.wait()


def test_a_moved_url_sends_no_former_token_to_the_new_host(
        ci: Place, gitlab: GitLabAdmin, other_gitlab: GitLabAdmin) -> None:
    ci.access_token()
    runner = ci.unmanned("accessToken")
    runner.wait()
    former = runner.token()
    ci.secret("gitlab", access_token=other_gitlab.add_token("api", admin=True)["token"])
    runner.edit(url=OTHER_URL)
    runner.wait()
    assert former not in str(other_gitlab.audit()) and len(gitlab.audit("DELETE", status=204)) == 1
