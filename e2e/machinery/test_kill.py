"""The operator is killed before and after each write to Kubernetes and each call to GitLab, through whole lives; and
names that are used again."""
from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from cluster import MERGE_PATCH, wait_for
from gitlab_admin import GitLabAdmin
from machinery.campaign import SUMMARY, Campaign
from machinery.kills import EVENT, KUBERNETES, Kill, Point, Traps
from machinery.lives import ByAccessToken, ByRegistrationToken, ByRunnerToken, Life, WithAll, children_of, shape
from machinery.stage import Stage, scaled
from places import GITLAB_IP, Runner
from standin_fixtures import Standin

pytestmark = pytest.mark.lifecycle

SIDE_BY_SIDE = 5            # names that are used again and again at the same time
ALL, FEW = 1000, 8          # points of a phase


@pytest.fixture
def other(stage: Stage) -> Iterator[GitLabAdmin]:
    """A second GitLab, at port 8081 of the first one's address."""
    with Standin("--listen", f"{GITLAB_IP}:8081", "--long-poll", "1") as running:
        stage.gitlabs.append(running.admin)
        yield running.admin


@pytest.mark.parametrize("life, most", [(ByRegistrationToken, FEW), (ByAccessToken, ALL), (ByRunnerToken, FEW), (WithAll, FEW)],
                         ids=["registrationToken", "accessToken", "runnerToken", "withAll"])
def test_r1_r2_killed_at_any_point_it_comes_to_the_same_end(life: type[Life], most: int, stage: Stage, gitlab: GitLabAdmin,
                                                            other: GitLabAdmin) -> None:
    """One life at every point, the others at some, which are the day's (KILL_DAY=n has those of one): the simulation
    kills at every event."""
    campaign = Campaign(stage, life(stage, gitlab, other))
    campaign.record_a_life()
    SUMMARY[campaign.life.title()] = campaign.tally
    campaign.run(most)


def test_another_end_is_seen(stage: Stage, gitlab: GitLabAdmin, other: GitLabAdmin) -> None:
    """The measure itself: what is changed of a child, or left out, or is one too many, is another end."""
    life = WithAll(stage, gitlab, other)
    stage.operator.start()
    life.create("k000")
    life.wait("create", "k000")
    stage.wait_quiet()
    life.must_be("create", "k000")
    stage.operator.stop()
    runner, seen = life.runner("k000"), {shape(life.runner("k000"), life.jobs)}
    for what, (kind, name, ns) in children_of(runner, life.jobs).items():
        stage.kube.patch(kind, name, {"metadata": {"labels": {"somebody": "was-here"}}}, ns)
        assert (now := shape(runner, life.jobs)) not in seen, f"{what} was changed"
        seen.add(now)
    stage.kube.delete("PodDisruptionBudget", "k000-runner", stage.name)
    assert shape(runner, life.jobs) not in seen
    stage.kube.delete("RoleBinding", f"{stage.name}.k000-runner", life.jobs)
    with pytest.raises(AssertionError):
        life.must_be("create", "k000")


def test_r2_killed_once_more_before_it_is_told_a_lost_runner_is_told_all_the_same(
        stage: Stage, gitlab: GitLabAdmin, other: GitLabAdmin) -> None:
    """The Event is all that tells of it, so nothing else is done before it is there."""
    life = ByRegistrationToken(stage, gitlab, other)
    posted = Kill(Point("80", "POST /api/v4/runners", 1), after=True)
    told = Kill(Point(KUBERNETES, EVENT + "PossibleOrphan", 1), after=False)
    die_at(stage, posted, lambda: life.create("k000"))
    die_at(stage, told)
    lost, = gitlab.runners()
    try:
        stage.operator.start()
        runner = life.runner("k000")
        stage.settled([runner])
        assert lost["mark"] in runner.wait_event("PossibleOrphan")["note"]
        assert len(gitlab.runners()) == 2 and runner.status()["runnerId"] != lost["id"]
    finally:                            # also when this machine was late: it would be taken for a leak
        gitlab.delete_runner(lost["id"])


def die_at(stage: Stage, kill: Kill, begin: Callable[[], None] = lambda: None) -> None:
    """A new operator, which is killed there."""
    traps = Traps(stage, {"k000": kill})
    stage.operator.start()
    begin()
    traps.wait()
    stage.operator.kill()
    traps.remove()


# ----------------------------------------------------------------------------------------------------------------------
# Deleted, and made again under the same name


@pytest.mark.parametrize("by, forced", [("accessToken", False), ("registrationToken", True)],
                         ids=["accessToken, with finalizer", "registrationToken, forced"])
def test_c10_a_name_that_is_used_again_has_a_runner_of_its_own(by: str, forced: bool, stage: Stage,
                                                               gitlab: GitLabAdmin) -> None:
    """The former object's runner is gone. Each second time nobody waits until the former object was ready."""
    stage.access_token() if by == "accessToken" else stage.registration_token()
    stage.operator.start()
    runners = [stage.unmanned(by, name=f"again{number}") for number in range(SIDE_BY_SIDE)]
    stage.settled(runners)
    former: set[str] = set()
    for time in range(int(scaled(100, 20)) // SIDE_BY_SIDE):
        for runner in runners:
            former.add(runner.uid())
            make_again(stage, runner, by, forced)
        if time % 2 == 0:
            stage.settled(runners)
    stage.settled(runners)
    assert len(former) == scaled(100, 20) and not former & {runner.uid() for runner in runners}
    tokens = {runner.token(): runner.uid() for runner in runners}
    wait_for("the former ones are gone", lambda: {row["token"] for row in gitlab.runners()} == tokens.keys())
    assert len(gitlab.runners()) == len(runners)
    if by == "registrationToken":
        mark_what_was_inherited(gitlab, tokens)


def make_again(stage: Stage, runner: Runner, by: str, forced: bool) -> None:
    """As fast as the API server allows it."""
    runner.delete()
    if forced:
        take_finalizers_off(stage, runner)
    else:
        runner.wait_gone()
    stage.unmanned(by, name=runner.name)


def take_finalizers_off(stage: Stage, runner: Runner) -> None:
    """Unless the operator was faster."""
    answer = stage.kube.call("PATCH", stage.kube.path("GitLabRunner", stage.name, runner.name),
                             data='{"metadata": {"finalizers": null}}', headers={"Content-Type": MERGE_PATCH})
    assert answer.ok or answer.status_code == 404, answer.text


def mark_what_was_inherited(gitlab: GitLabAdmin, uids: dict[str, str]) -> None:
    """Who came before the former object's Secret was to go has taken that over, and the runner with it. A registration
    token gives no right to write the new mark: a person must. uids: by token."""
    for row in gitlab.runners():
        gitlab.change_runner(row["id"], maintenance_note=f"gitlab-runners.dev/uid={uids[row['token']]}")
