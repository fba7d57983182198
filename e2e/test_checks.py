"""What the operator's checks of GitLab make of managers that really call it: they are heard of now and then, or refused."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from moved_clock import MovedClock
from operator_pod import Operator, restarts
from places import Place, assert_token_is_in_use
from program import Process, free_port, kubeconfig
from test_jobs import finished
from test_process import aside, place  # noqa: F401 (fixtures)

PACE = 10           # of the operator's clock
FOUND_OUT = 45.0
BY_TOKEN = ("POST", "/api/v4/runners/verify")
JOB = "compile: {tags: [kubernetes], script: [echo done]}"


@pytest.fixture
def faster(aside: Operator, tmp_path: Path) -> Iterator[Process]:  # noqa: F811
    """The operator, beside the cluster."""
    process = Process(tmp_path, kubeconfig(), free_port(), env=MovedClock(tmp_path, PACE).environment())
    yield process
    process.kill()


def test_a_token_that_somebody_reset_at_gitlab(place: Place, faster: Process, gitlab: GitLabAdmin,  # noqa: F811
                                               gitlab_api: GitLabUser) -> None:
    """The manager, which GitLab refuses by now, gets the new one, and goes on without a restart."""
    project = gitlab.add_project("app", files={".gitlab-ci.yml": JOB})
    place.access_token()
    runner = place.runner("accessToken", tags=["kubernetes"], serverCheckPeriodSeconds=60)
    runner.wait()
    number, token, manager = runner.status()["runnerId"], runner.token(), runner.managers()[0]
    looks = ("GET", f"/api/v4/runners/{number}")
    finished(gitlab, gitlab.start_pipeline(project["id"]))
    gitlab.audit(*looks, count=len(gitlab.audit(*looks)) + 3, wait=FOUND_OUT)
    assert runner.token() == token and {call["status"] for call in gitlab.audit(*BY_TOKEN)} <= {200}
    assert gitlab.runner(number)["status"] == "online"

    gitlab_api.reset_token(number)
    wait_for("it has a new token", lambda: runner.token() != token, FOUND_OUT)
    assert [call["status"] for call in gitlab.audit(*BY_TOKEN) if token in call["body"]][-2:] == [403] * 2, "said twice"
    finished(gitlab, gitlab.start_pipeline(project["id"]))
    assert_token_is_in_use(runner, [gitlab])
    assert runner.status()["runnerId"] == number and len(gitlab.runners()) == 1
    same, = runner.managers()
    assert (same["metadata"]["uid"], restarts(same)) == (manager["metadata"]["uid"], 0)
