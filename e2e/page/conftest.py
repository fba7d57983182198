"""Fixtures of the fleet page's tests: the operator as a process, and a browser in the cluster's network namespace."""
from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster import Kube, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import vacate, without_operator
from operator_pod import NAME, NAMESPACE
from page.crowd import COUNT, create_crowd, hold_lease
from page.screen import Screen
from places import LABEL, Place
from program import Process, free_port, kubeconfig

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = "/usr/bin/chromium"      # Debian's; hack/browser installs it
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--enable-precise-memory-info"]     # root may have no sandbox
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def account(kube: Kube) -> dict:
    """A kubeconfig of the operator's, with its rights and its kind, and without the operator."""
    without_operator(kube)
    return kubeconfig(NAME)


class Fleet(Place):
    """A corner of the cluster, and the operator as a process whose page is looked at. It is started by the test."""

    def __init__(self, kube: Kube, gitlab: GitLabAdmin, account: dict, folder: Path, name: str) -> None:
        self.account, self.folder, self.lives = account, folder, 0
        self.ports = free_port(), free_port()
        self.process: Process | None = None
        super().__init__(kube, self, gitlab, name)

    def start(self, *options: str) -> str:
        """The page's address, which stays when it is started again."""
        assert self.process is None
        folder = self.folder / str(self.lives)
        folder.mkdir()
        self.lives += 1
        self.process = Process(folder, self.account, self.ports[0], *options, debug=self.ports[1])
        wait_for("the operator is ready", lambda: self.process.status("readyz") == 200)
        return self.process.fleet_page

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process = None


@pytest.fixture
def fleet(request: pytest.FixtureRequest, kube: Kube, account: dict, gitlab: GitLabAdmin,
          tmp_path: Path) -> Iterator[Fleet]:
    name = re.sub("[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_"))[:30].strip("-")
    fleet = Fleet(kube, gitlab, account, tmp_path, f"{name}-{next(numbers)}")
    yield fleet
    ended = fleet.process and fleet.process.code()
    assert ended is None, f"the operator has ended with {ended}: {fleet.process.log()[-2000:]}"
    fleet.kill()
    vacate(kube, fleet.namespaces)


@pytest.fixture(scope="session")
def crowd(kube: Kube, account: dict) -> Iterator[str]:
    """The namespace of COUNT runners, which nobody acts on as long as the Lease is held; other tests have gone before."""
    hold_lease(kube)
    name = f"crowd-{next(numbers)}"
    kube.create("Namespace", {"metadata": {"name": name, "labels": {LABEL: "1"}}})
    create_crowd(name, COUNT)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
    kube.delete("Lease", NAME, NAMESPACE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "crowd" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright     # hack/browser installs it, when these tests run
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def look(browser: Browser) -> Iterator[Callable[..., Screen]]:
    """look(address, …): a screen of its own. In the end, nothing has gone wrong on any of them."""
    screens: list[Screen] = []

    def open_screen(address: str, **options: object) -> Screen:
        screens.append(Screen(browser, address, **options))
        return screens[-1]
    yield open_screen
    for screen in screens:
        screen.close()
    for screen in screens:
        assert not screen.problems, screen.problems
