"""Fixtures of the plugin's tests: the operator as a process, on a control plane whose nodes are pretended."""
from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import Kube
from gitlab_admin import GitLabAdmin
from glr.desk import Desk
from machinery.stage import Operator, vacate, without_operator
from operator_pod import NAME
from places import clear_ledger
from program import kubeconfig
from statuses import Statuses

numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "misled: the test itself writes statuses, so each is judged by itself")


@pytest.fixture(scope="session")
def account(kube: Kube, statuses: Statuses) -> dict:
    """A kubeconfig of the operator's, with its rights and its kind, and without the operator."""
    without_operator(kube)
    return kubeconfig(NAME)


@pytest.fixture
def desk(request: pytest.FixtureRequest, kube: Kube, account: dict, gitlab: GitLabAdmin,
         tmp_path: Path) -> Iterator[Desk]:
    """A namespace of the test's own, and the operator at work, unless the test ends it."""
    name = re.sub("[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_"))[:30].strip("-")
    operator = Operator(tmp_path, account)
    desk = Desk(kube, operator, gitlab, f"{name}-{next(numbers)}")
    operator.start()
    yield desk
    operator.assert_never_crashed()
    operator.kill()
    clear_ledger(kube)
    vacate(kube, desk.namespaces)
