"""What days bring: the operator's clock and GitLab's are moved, those of the cluster are not."""
from __future__ import annotations

from pathlib import Path

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import Stage
from moved_clock import MovedClock
from places import Runner

pytestmark = pytest.mark.lifecycle

LIFE = 24 * 3600    # of a runner's token
SOON = 5


class Days:
    """The time, as the operator and GitLab have it."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self._stage, self._clock, self._gone = stage, MovedClock(folder), 0.0
        stage.operator.start(env=self._clock.environment())

    def come_to(self, seconds: float, runners: list[Runner]) -> None:
        """So many after the beginning. Timers go by another clock, so a write has the operator look at the runners."""
        self._stage.gitlabs[0].advance_clock(seconds - self._gone)
        self._clock.advance(seconds - self._gone)
        self._gone = seconds
        for runner in runners:
            runner.kube.patch("GitLabRunner", runner.name, {"metadata": {"annotations": {"seen": str(seconds)}}},
                              runner.ns)
        self._stage.wait_quiet()


def test_a_token_is_replaced_when_so_much_of_its_life_is_left(stage: Stage, gitlab: GitLabAdmin,
                                                              tmp_path: Path) -> None:
    """Once, by default at a quarter; no pod restarts."""
    gitlab.settings(runner_token_expiration_interval=LIFE)
    stage.access_token()
    days = Days(stage, tmp_path)
    runners = [stage.runner("accessToken", name=name, tokenRotation=rotation) for name, rotation in
               (("usual", None), ("half", {"beforeExpiryPercent": 50}), ("never", {"policy": "Disabled"}))]
    stage.settled(runners)
    usual, half, never = runners
    pods = {runner.name: [pod["metadata"]["uid"] for pod in runner.managers()] for runner in runners}
    tokens = {runner.name: runner.token() for runner in runners}

    def replaced() -> set[str]:
        return {runner.name for runner in runners if runner.token() != tokens[runner.name]}

    days.come_to(LIFE * 0.49, runners)
    assert replaced() == set()
    days.come_to(LIFE * 0.5 - SOON, runners)
    wait_for("it is replaced in its time, without a word from anybody", lambda: replaced() == {"half"}, SOON + 30)
    days.come_to(LIFE * 0.74, runners)
    assert replaced() == {"half"} and "TokenExpiring" not in never.conditions()
    days.come_to(LIFE * 0.76, runners)
    assert replaced() == {"half", "usual"}
    assert "is Disabled" in never.wait("TokenExpiring", "True")["message"]
    days.come_to(LIFE * 0.77, runners)
    assert len(gitlab.audit("POST", "/api/v4/runners/reset_authentication_token")) == 2, "each once"
    for runner in runners:
        runner.wait()
        assert runner.config()["runners"][0]["token"] == runner.token()
        assert [pod["metadata"]["uid"] for pod in runner.managers()] == pods[runner.name]
