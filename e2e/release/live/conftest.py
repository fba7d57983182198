"""Fixtures of the installations on a real cluster (`make install-test`)."""
from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from cluster import Kube
from gitlab_admin import GitLabAdmin
from places import Place
from release.live.installation import OPS, wipe

numbers = itertools.count(1)


@pytest.fixture
def bare(kube: Kube) -> Iterator[Kube]:
    """A cluster without operator and kind, before and after."""
    wipe(kube)
    yield kube
    wipe(kube)


@pytest.fixture
def ops(bare: Kube) -> str:
    """A namespace with a life of its own."""
    bare.create("Namespace", {"metadata": {"name": OPS, "labels": {"team": "ops"}}})
    return OPS


@pytest.fixture
def team(bare: Kube, gitlab: GitLabAdmin) -> Place:
    """A namespace for runners, without any operator."""
    return Place(bare, None, gitlab, f"team-{next(numbers)}")
