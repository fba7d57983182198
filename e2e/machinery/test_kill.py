"""The operator is killed before and after each write to Kubernetes and each call to GitLab, through whole lives."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from gitlab_admin import GitLabAdmin
from machinery.campaign import SUMMARY, Campaign
from machinery.lives import LIVES, Life
from machinery.stage import Stage
from places import GITLAB_IP
from standin_fixtures import Standin


@pytest.fixture
def other(stage: Stage) -> Iterator[GitLabAdmin]:
    """A second GitLab, at port 8081 of the first one's address."""
    with Standin("--listen", f"{GITLAB_IP}:8081", "--long-poll", "1") as running:
        stage.gitlabs.append(running.admin)
        yield running.admin


@pytest.mark.parametrize("life", LIVES, ids=[life.by for life in LIVES])
def test_r1_r2_killed_at_every_point_it_comes_to_the_same_end(life: type[Life], stage: Stage, gitlab: GitLabAdmin,
                                                              other: GitLabAdmin) -> None:
    campaign = Campaign(stage, life(stage, gitlab, other))
    campaign.record_a_life()
    SUMMARY[life.by] = campaign.tally
    campaign.run()
