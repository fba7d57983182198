"""With --page-auth: who may list some runners sees those, and nothing of the others."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from cluster import kubectl, wait_for
from operator_pod import NAME, NAMESPACE
from page.conftest import Fleet
from page.screen import Screen
from program import free_port

Look = Callable[..., Screen]
STRANGERS = 0.25    # seconds: tokens that nobody knows are asked about each 0.2, and meanwhile answered 429


@pytest.fixture
def address(fleet: Fleet) -> Iterator[str]:
    """Of the page, before which one has to say who one is. Two namespaces have runners; anna may see one of them."""
    kubectl("create", "clusterrolebinding", fleet.name, "--clusterrole=system:auth-delegator",
            f"--serviceaccount={NAMESPACE}:{NAME}")
    other = fleet.namespace(f"{fleet.name}-other")
    fleet.runner(name="ours")
    fleet.kube.create("GitLabRunner", {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                                       "metadata": {"name": "stranger"}, "spec": fleet.spec(tags=["stranger"])}, other)
    for name in ("anna", "bob"):
        kubectl("-n", fleet.name, "create", "serviceaccount", name)
    kubectl("-n", fleet.name, "create", "role", "viewer", "--verb=get,list", "--resource=gitlabrunners.gitlab-runners.dev")
    kubectl("-n", fleet.name, "create", "rolebinding", "viewer", "--role=viewer", f"--serviceaccount={fleet.name}:anna")
    place = f"127.0.0.1:{free_port()}"
    fleet.start("--page-auth", "--page-address", place)
    yield f"http://{place}/"
    kubectl("delete", "clusterrolebinding", fleet.name)


def token_of(fleet: Fleet, name: str) -> str:
    return kubectl("-n", fleet.name, "create", "token", name).strip()


def say(screen: Screen, token: str) -> None:
    screen.page.fill("form.ask input", token)
    screen.press("Enter")


def test_a_tenant_sees_what_is_theirs(fleet: Fleet, address: str, look: Look) -> None:
    screen = look(address)
    screen.wait_text("Who are you?", "#blank")
    assert screen.focused() == "INPUT" and not screen.page.is_visible("#fleet")
    say(screen, "not.a.token")
    screen.wait_text("The token was not taken", "#blank")

    token, refused = token_of(fleet, "anna"), time.monotonic()
    wait_for("another one who is not known may ask", lambda: time.monotonic() > refused + STRANGERS)
    say(screen, token)
    screen.wait_rows(1)
    assert screen.names() == ["ours"] and screen.text("#all") == "1"
    screen.open("ours")
    screen.wait_text("CONDITIONS", ".panel")
    content = screen.page.content()
    assert "stranger" not in content and f"{fleet.name}-other" not in content
    assert token not in content + screen.page.url + screen.run("JSON.stringify([localStorage, sessionStorage, document.cookie])")

    screen.page.reload()
    screen.wait_text("Who are you?", "#blank")      # it was nowhere but in memory


def test_who_may_see_nothing_is_told_what_is_missing(fleet: Fleet, address: str, look: Look) -> None:
    screen = look(address)
    screen.wait_text("Who are you?", "#blank")
    say(screen, token_of(fleet, "bob"))
    screen.wait_text("You may not look", "#blank")
    told = screen.text("#blank")
    assert f"system:serviceaccount:{fleet.name}:bob" in told and "list gitlabrunners" in told
