"""Fixtures of the suites that need a cluster, which is up already (`make e2e` sees to that)."""
from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

import diagnosis
from cluster import EXISTING, Kube, wait_for
from deadline import PutOff
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from operator_pod import Operator
from places import GITLAB_IP, HOST, LABEL, Place, remove
from repeats import Unforgiven
from standin.pki import Authority
from standin_fixtures import Standin
from statuses import Statuses

numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Unforgiven())
    config.addinivalue_line("markers", "cluster: asks for one (set by its fixtures); all others are a suite of their own")
    config.addinivalue_line("markers", "lifecycle: of a runner at GitLab, `make e2e T=lifecycle`")
    config.addinivalue_line("markers", "node: looks at the node's processes or files, so it must be this machine")


@pytest.hookimpl(tryfirst=True)         # before -m is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "kube" in item.fixturenames:
            item.add_marker("cluster")
    if EXISTING:
        for item in items:
            if item.get_closest_marker("node"):
                item.add_marker(pytest.mark.skip(reason="USE_EXISTING_CLUSTER=1: its node is another machine"))


@pytest.fixture(scope="session")
def kube() -> Iterator[Kube]:
    kube = Kube()
    yield kube
    kube.close()


@pytest.fixture(scope="session")
def statuses(kube: Kube) -> Iterator[Statuses]:
    """From before there is an operator."""
    with Statuses(kube) as statuses:
        yield statuses
        statuses.check()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The CA that no system knows."""
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def gitlab_server(authority: Authority) -> Iterator[Standin]:
    """http and https on their usual ports."""
    pair = authority.server(HOST)
    with Standin("--listen", f"{GITLAB_IP}:80", "--tls-listen", f"{GITLAB_IP}:443", "--tls-cert", str(pair.cert),
                 "--tls-key", str(pair.key), "--long-poll", "1") as running:
        yield running
        errors = running.log()
    assert "Traceback" not in errors, errors


@pytest.fixture(scope="session")
def operator(kube: Kube, statuses: Statuses) -> Operator:
    """Installed; what an aborted session has left is removed first."""
    left = [item["metadata"]["name"] for item in kube.list("Namespace", labels=LABEL)]
    operator = Operator(kube)
    operator.install()
    remove(kube, left)
    wait_for("namespaces of an earlier session are gone", lambda: not kube.list("Namespace", labels=LABEL), 120)
    return operator


@pytest.fixture
def gitlab(gitlab_server: Standin) -> GitLabAdmin:
    """GitLab, empty."""
    gitlab_server.admin.reset()
    return gitlab_server.admin


@pytest.fixture
def gitlab_api(gitlab: GitLabAdmin) -> GitLabUser:
    return GitLabUser(gitlab)


@pytest.fixture
def ci(request: pytest.FixtureRequest, kube: Kube, operator: Operator, gitlab: GitLabAdmin) -> Iterator[Place]:
    """A namespace of the test's own, where what holds for every test is checked in the end."""
    name = re.sub("[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_"))[:40].strip("-")
    operator.begin_test()
    place = Place(kube, operator, gitlab, f"{name}-{next(numbers)}")
    yield place
    try:
        place.clear()
    except BaseException:
        for title, text in diagnosis.collected(diagnosis.sections(place)):
            print(f"----- {title}\n{text}")
        raise
    finally:
        remove(kube, place.namespaces)


@pytest.fixture
def other_gitlab(ci: Place) -> Iterator[GitLabAdmin]:
    """A second one, at OTHER_URL."""
    with Standin("--listen", f"{GITLAB_IP}:8081", "--long-poll", "1") as running:
        ci.gitlabs.append(running.admin)
        yield running.admin
        ci.clear()
        ci.gitlabs.remove(running.admin)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """After the test itself, as a part of it: nothing leaked, no token seen, the operator never crashed, and every
    status was right, in the suites of machinery/ as well. Also after a missed deadline, which may be repeated away."""
    outcome = None
    with PutOff() as late:
        outcome = yield
    used = getattr(item, "funcargs", {})
    if place := used.get("ci"):
        place.check_always() if late else place.check()
    if statuses := used.get("statuses"):
        statuses.check(misled=item.get_closest_marker("misled") is not None)
    late.tell()
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if report.failed and report.when == "call" and (place := item.funcargs.get("ci")):
        report.sections += diagnosis.collected(diagnosis.sections(place))
    return report
