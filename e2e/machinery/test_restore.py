"""Somebody's backup is older than what there was: the cluster's, or GitLab's."""
from __future__ import annotations

from collections.abc import Callable

import pytest

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from machinery.stage import Stage
from places import Runner

pytestmark = pytest.mark.lifecycle

PACE = 10       # of the operator's clock: between two checks lie 30 s of it
FOUND_OUT = 45
Objects = list[tuple[str, dict]]    # with their kinds


def numbers(gitlab: GitLabAdmin) -> list[int]:
    return [row["id"] for row in gitlab.runners()]


def ask_for_a_token(runner: Runner) -> None:
    before = runner.token()
    kubectl("annotate", "glr", runner.name, "-n", runner.ns, "gitlab-runners.dev/rotate-token=now")
    wait_for("it has a new token", lambda: runner.token() != before)


# ----------------------------------------------------------------------------------------------------------------------
# GitLab


def test_gitlab_is_restored(stage: Stage, gitlab: GitLabAdmin, gitlab_api: GitLabUser) -> None:
    """It does not know the youngest runner, whose number it gives to somebody else, and has tokens of before."""
    stage.access_token()
    stage.secret("project", runner_registration_token=gitlab.add_project("app")["runners_token"])
    stage.operator.start(pace=PACE)

    def runner(name: str, by: str = "accessToken", **spec: object) -> Runner:
        return stage.runner(by, name=name, serverCheckPeriodSeconds=30, **spec)
    steady, rotated = runner("steady"), runner("rotated")
    blind = runner("blind", "registrationToken",
                   authentication={"registrationTokenSecretRef": {"name": "project"}})
    stage.settled([steady, rotated, blind])
    gitlab.back_up()
    former = {r.name: r.status()["runnerId"] for r in (steady, rotated, blind)}
    for r in (rotated, blind):
        ask_for_a_token(r)
    young = runner("young")
    stage.settled([steady, rotated, blind, young])
    tokens, lost = {r.name: r.token() for r in (steady, rotated, blind)}, young.status()["runnerId"]

    gitlab.restore()
    theirs = gitlab_api.create_runner(maintenance_note="theirs")
    assert theirs["id"] == lost

    wait_for("another one is registered", lambda: young.status()["runnerId"] not in (lost, *former.values()), FOUND_OUT)
    wait_for("a new token is got by id", lambda: rotated.token() != tokens["rotated"], FOUND_OUT)
    wait_for("without a right to that there is another", lambda: blind.status()["runnerId"] != former["blind"], FOUND_OUT)
    stage.settled([steady, rotated, blind, young])
    assert rotated.status()["runnerId"] == former["rotated"]
    assert (steady.status()["runnerId"], steady.token()) == (former["steady"], tokens["steady"])
    row = gitlab.runner(lost)
    assert (row["token"], row["maintenance_note"]) == (theirs["token"], "theirs")
    assert str(former["blind"]) in blind.wait_event("RunnerLost")["note"], "a person knows which one to delete"
    gitlab.delete_runner(former["blind"])


# ----------------------------------------------------------------------------------------------------------------------
# The cluster


def taken(stage: Stage, runner: Runner) -> Objects:
    """The runner's objects as a backup has them, the GitLabRunner and its token Secret first."""
    named = [("GitLabRunner", runner.name), *((kind, name) for kind, name, _ in runner.children().values())]
    return [(kind, stage.kube.get(kind, name, stage.name)) for kind, name in named]


def lost(stage: Stage, objects: Objects) -> None:
    """With a cluster, so nobody is told; what the first two own is collected."""
    for kind, body in objects[:2]:
        stage.kube.patch(kind, body["metadata"]["name"], {"metadata": {"finalizers": None}}, stage.name)
        stage.kube.delete(kind, body["metadata"]["name"], stage.name)
    for kind, body in objects:
        wait_for(f"the {kind} is collected", absent(stage, kind, body["metadata"]["name"]))


def absent(stage: Stage, kind: str, name: str) -> Callable[[], bool]:
    return lambda: stage.kube.get(kind, name, stage.name) is None


def restored(stage: Stage, objects: Objects, *kept: str) -> None:
    """Of their metadata what is named, besides labels and annotations. Who owns which field is put back afterwards."""
    for kind, body in objects:
        meta = {key: value for key, value in body["metadata"].items() if key in ("name", "labels", "annotations", *kept)}
        fields = meta.pop("managedFields", None)
        rest = {key: value for key, value in body.items() if key not in ("metadata", "status")}
        stage.kube.create(kind, {"metadata": meta} | rest, stage.name)
        if fields:
            stage.kube.patch(kind, meta["name"], {"metadata": {"managedFields": fields}}, stage.name)


@pytest.mark.parametrize("by", ["accessToken", "registrationToken"])
def test_u13_a_restored_object_keeps_its_runner(stage: Stage, gitlab: GitLabAdmin, by: str) -> None:
    """The object and its token Secret come into a new cluster, with other uids; the Secret comes first."""
    stage.access_token() if by == "accessToken" else stage.registration_token()
    stage.operator.start()
    runner = stage.runner(by, tags=["a"])
    stage.settled([runner])
    number, token, asked = runner.status()["runnerId"], runner.token(), len(gitlab.audit())
    stage.operator.stop()
    objects = taken(stage, runner)
    lost(stage, objects)
    restored(stage, objects[1:2])
    stage.operator.start()
    stage.mark()
    stage.wait_quiet()
    assert stage.writes() == [] and len(gitlab.audit()) == asked, "it waits for its object"
    restored(stage, objects[:1])
    runner.wait()
    assert (runner.status()["runnerId"], runner.token(), numbers(gitlab)) == (number, token, [number])
    assert runner.child("token")["metadata"]["annotations"]["gitlab-runners.dev/owner-uid"] == runner.uid()
    if by == "accessToken":
        wait_for("the mark is renewed", lambda: gitlab.runner(number)["mark"] == runner.uid())
    else:
        gitlab.change_runner(number, maintenance_note=f"gitlab-runners.dev/uid={runner.uid()}")  # a person must


def test_a_whole_namespace_is_restored_by_velero(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Nobody owns the children, which Kubernetes' garbage collector passes over: they are made anew."""
    stage.access_token()
    stage.operator.start()
    runner = stage.runner("accessToken", tags=["a"])
    stage.settled([runner])
    number, token = runner.status()["runnerId"], runner.token()
    stage.operator.stop()
    objects = taken(stage, runner)
    lost(stage, objects)
    restored(stage, objects[1:] + objects[:1], "finalizers", "managedFields")
    stage.operator.start(pace=PACE)
    runner.wait()
    stage.wait_quiet()
    assert (runner.status()["runnerId"], runner.token(), numbers(gitlab)) == (number, token, [number])
    for what in runner.children():
        owner, = runner.child(what)["metadata"]["ownerReferences"]
        assert owner["uid"] == runner.uid(), what


def test_what_was_restored_as_it_was_can_be_deleted(stage: Stage, gitlab: GitLabAdmin) -> None:
    """With its finalizer, and the Secret with the controller of before: those are somebody else's fields, too."""
    stage.access_token()
    stage.operator.start()
    runner = stage.runner("accessToken", tags=["a"])
    stage.settled([runner])
    stage.operator.stop()
    objects = taken(stage, runner)
    lost(stage, objects)
    restored(stage, objects[:2], "finalizers", "ownerReferences")
    stage.operator.start()
    runner.wait()
    stage.kube.delete("GitLabRunner", runner.name, stage.name)
    wait_for("it goes", absent(stage, "GitLabRunner", runner.name), 60)
    wait_for("so does the Secret", absent(stage, "Secret", f"{runner.name}-runner-token"), 60)
    assert numbers(gitlab) == []


@pytest.mark.parametrize("reset", [False, True], ids=["its token is good", "its token is dead"])
def test_a_lost_token_secret_is_made_of_the_config(stage: Stage, gitlab: GitLabAdmin, gitlab_api: GitLabUser,
                                                   reset: bool) -> None:
    """GitLab has to take the token that is in it; else the runner is found by its mark, and gets another."""
    stage.access_token()
    stage.operator.start()
    runner = stage.runner("accessToken")
    stage.settled([runner])
    number, token = runner.status()["runnerId"], runner.token()
    stage.operator.stop()
    lost(stage, taken(stage, runner)[1:2])
    if reset:
        gitlab_api.reset_token(number)
    stage.operator.start()
    wait_for("it is made again", lambda: runner.child("token"))
    stage.settled([runner])
    assert (runner.status()["runnerId"], numbers(gitlab), runner.token() == token) == (number, [number], not reset)
    tried = {call["status"] for call in gitlab.audit("POST", "/api/v4/runners/verify") if token in call["body"]}
    assert tried == {403 if reset else 200}


def test_s18_a_secret_for_another_name_is_not_inherited(stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.access_token()
    annotations = {"gitlab-runners.dev/owner": f"{stage.name}/others", "gitlab-runners.dev/owner-uid": "x"}
    stage.put("Secret", "builds-runner-token", {"metadata": {"name": "builds-runner-token", "annotations": annotations},
                                                "stringData": {"runner-token": "glrt-of-somebody"}})
    stage.operator.start()
    runner = stage.runner("accessToken")
    runner.wait_refused("NameConflict")
    assert gitlab.audit() == []
