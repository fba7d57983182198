"""Fixtures of the attacks. Every test here is under siege: what it does to the operator and to a neighbour is measured."""
from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import Kube
from deadline import PutOff
from hostile.evil import EvilGitLab
from hostile.siege import QUIET_ONES, Figures, Neighbour, Siege, Wait
from hostile.tenants import Attacker
from places import Place
from standin.pki import Authority

HERE = Path(__file__).resolve().parent
numbers = itertools.count(1)
TABLE: list[Figures] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.node)


@pytest.fixture(scope="session")
def neighbours_kube() -> Iterator[Kube]:
    """A way to the API server that no attack of a test's own fills."""
    kube = Kube()
    yield kube
    kube.close()


@pytest.fixture(scope="session")
def quiet() -> list[Wait]:
    """The neighbour's measurements from before the first attack."""
    return []


@pytest.fixture
def neighbour(ci: Place, neighbours_kube: Kube) -> Neighbour:
    """Its namespace is `ci`."""
    return Neighbour(ci, neighbours_kube)


@pytest.fixture
def evil(ci: Place, authority: Authority) -> Iterator[EvilGitLab]:
    with EvilGitLab(authority) as evil:
        ci.gitlabs.append(evil)
        yield evil
        ci.gitlabs.remove(evil)


@pytest.fixture
def attacker(kube: Kube, ci: Place) -> Iterator[Attacker]:
    attacker = Attacker(kube, f"attacker-{next(numbers)}")
    yield attacker
    attacker.clear()


@pytest.fixture(autouse=True)
def siege(request: pytest.FixtureRequest, ci: Place, neighbour: Neighbour, quiet: list[Wait]) -> Iterator[Siege]:
    """Of each test, whether it asks for it or not."""
    if not quiet:
        quiet += [neighbour.measure() for _ in range(QUIET_ONES)]
    figures = Figures(request.node.name.removeprefix("test_"), quiet)
    TABLE.append(figures)
    with Siege(ci.operator, neighbour, figures) as siege:
        yield siege


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """After the test itself, as a part of it and before all else that is checked, while its attack is still on."""
    outcome = None
    with PutOff() as late:
        outcome = yield
    if siege := getattr(item, "funcargs", {}).get("siege"):
        siege.end()
    late.tell()
    return outcome


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if TABLE:
        terminalreporter.section("attacks")
        terminalreporter.line(Figures.HEAD)
        for figures in TABLE:
            terminalreporter.line(str(figures))
