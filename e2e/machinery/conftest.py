"""Fixtures of the suites that need a control plane of their own, a proxy before it, and the operator as a process."""
from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import diagnosis
from cluster import STATE, Kube
from deadline import PutOff
from gitlab_admin import GitLabAdmin
from machinery.api_server import ApiServer
from machinery.campaign import SUMMARY, Tally
from machinery.stage import KILL_DAY, Operator, Stage, vacate, without_operator
from operator_pod import NAME
from places import clear_ledger
from program import kubeconfig
from proxy.server import Proxy
from statuses import Statuses

API_SERVER = ("10.244.0.1", 6443)       # see hack/cluster/README.md
numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "last: looks back at the whole session, so it comes after all others")
    config.addinivalue_line("markers", "misled: the operator is shown the past, or not shown its own last status")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


@pytest.fixture(scope="session")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with Proxy(*API_SERVER, str(STATE / "pki/ca.crt"), tmp_path_factory.mktemp("proxy"),
               "api.machinery.test") as running:
        yield running


@pytest.fixture(scope="session")
def account(kube: Kube, statuses: Statuses) -> str:
    """The operator's, with its rights and its kind, and without the operator."""
    without_operator(kube)
    return NAME


@pytest.fixture(scope="session")
def by_proxy(proxy: Proxy, account: str) -> dict:
    """A kubeconfig."""
    return kubeconfig(account, server=proxy.url, **{"certificate-authority-data": proxy.ca})


@pytest.fixture(scope="session")
def the_api_server() -> ApiServer:
    return ApiServer()


@pytest.fixture
def api_server(the_api_server: ApiServer) -> Iterator[ApiServer]:
    """To be ended, or started with other flags; afterwards it is as it was."""
    yield the_api_server
    the_api_server.restore()


@pytest.fixture(scope="session")
def streamed_lists(kube: Kube) -> None:
    """Some minor versions have them switched off; how those are listed is told by test_a2."""
    answer = kube.call("GET", "api/v1/namespaces", params={
        "watch": "1", "allowWatchBookmarks": "true", "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan", "timeoutSeconds": "1"})
    if answer.status_code == 422:
        pytest.skip("this API server has streamed lists switched off")


@pytest.fixture
def stage(request: pytest.FixtureRequest, kube: Kube, proxy: Proxy, by_proxy: dict, gitlab: GitLabAdmin,
          tmp_path: Path) -> Iterator[Stage]:
    """The operator is not started yet; in the end what holds for every test is checked."""
    name = re.sub("[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_"))[:40].strip("-")
    proxy.clear()
    operator = Operator(tmp_path, by_proxy)
    stage = Stage(kube, operator, gitlab, proxy, f"{name}-{next(numbers)}")
    yield stage
    proxy.clear()
    operator.kill()
    clear_ledger(kube)
    vacate(kube, stage.namespaces)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """After the test itself, as a part of it: nothing leaked or doubled at GitLab, no token seen, no crash."""
    outcome = None
    with PutOff() as late:
        outcome = yield
    if stage := getattr(item, "funcargs", {}).get("stage"):
        stage.check_always() if late else stage.check()
    late.tell()
    return outcome


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SUMMARY:
        terminalreporter.section(f"killed at points of a life (KILL_DAY={KILL_DAY})")
        terminalreporter.line(f"{'':18} {Tally.HEAD}")
        for flow, tally in SUMMARY.items():
            terminalreporter.line(f"{flow:18} {tally}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if report.failed and report.when == "call" and (stage := item.funcargs.get("stage")):
        report.sections += diagnosis.collected(stage.sections())
    return report
