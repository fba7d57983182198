"""What the operator writes while what it sees is out of date."""
from __future__ import annotations

import re
from collections import Counter

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import KINDS, Stage, collection, scaled
from places import FINALIZER
from proxy.faults import Hold
from proxy.streams import Late

ANY = collection("(" + "|".join(KINDS) + ")")
OBJECT = ".*/gitlabrunners/builds"


def test_c4_late_events_cost_no_further_write(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Made, edited, deleted: as many writes as when every event comes (almost) at once.

    What the Deployment's controller has counted comes after the status that the operator writes first, both times.
    """
    stage.access_token()
    counted = stage.proxy.add(Late(0.5), "GET", collection("deployments"), "watch", count=None)
    stage.operator.start()
    expected = workload(stage, "first")
    stage.operator.stop()
    stage.proxy.remove(counted)
    calls = len(gitlab.audit())
    seconds = scaled(30, 3)
    stage.proxy.add(Late(seconds), "GET", ANY, "watch", count=None)
    stage.operator.start()
    assert workload(stage, "second", patience=60 + 6 * seconds) == expected
    assert len(gitlab.audit()) == 2 * calls


def workload(stage: Stage, name: str, patience: float = 60) -> Counter[str]:
    """What it leads to, without the name."""
    stage.mark()
    runner = stage.unmanned("accessToken", name=name, tags=["a"])
    runner.wait(seconds=patience)
    runner.edit(tags=["b"])
    runner.wait(seconds=patience)
    wait_for("the new tags are told", lambda: stage.gitlabs[0].runners()[-1]["tag_list"] == ["b"], patience)
    stage.wait_quiet(scaled(30, 3) + 1 if patience > 60 else 1)
    runner.delete()
    runner.wait_gone(patience)
    stage.wait_quiet()
    return Counter(re.sub(rf"\b{name}\b", "NAME", what) for what in stage.write_counts().elements())


def test_a18_a_finalizer_does_not_bring_a_deleted_object_back(stage: Stage, gitlab: GitLabAdmin) -> None:
    """It is deleted between the operator's look and its write."""
    held = Hold()
    stage.proxy.add(held, "PATCH", OBJECT)
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    wait_for("the finalizer is on its way", lambda: held.held, 20)
    runner.delete()
    runner.wait_gone()
    held.release()
    stage.wait_quiet()
    assert [entry.status for entry in stage.requests("PATCH", OBJECT)] == [409]
    assert runner.object() is None and gitlab.audit() == []


def test_a18_a_write_for_a_deleted_object_does_not_reach_its_successor(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Deleted and made again under the same name, while the finalizer for the first is on its way."""
    held = Hold()
    stage.proxy.add(held, "PATCH", OBJECT)
    stage.registration_token()
    stage.operator.start()
    first = stage.unmanned()
    wait_for("the finalizer is on its way", lambda: held.held, 20)
    first.delete()
    first.wait_gone()
    second = stage.unmanned(tags=["second"])
    uid = second.uid()
    held.release()
    stage.settled([second])
    sent = stage.requests("PATCH", OBJECT)
    assert sent[0].status == 409 and sent[0].json["metadata"]["uid"] != uid
    assert all(entry.json["metadata"]["uid"] == uid for entry in sent[1:] if entry.status == 200)
    row, = gitlab.runners()
    assert row["tag_list"] == ["second"] and second.uid() == uid


def test_a18_a_status_does_not_bring_a_deleted_object_back(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Its finalizer is taken off by hand, while the status is on its way."""
    held = Hold()
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    rule = stage.proxy.add(held, "PATCH", OBJECT + "/status")
    runner.edit(image="busybox:1.37")
    wait_for("the status is on its way", lambda: held.held, 20)
    known = gitlab.runners()
    body = runner.object()
    assert FINALIZER in body["metadata"]["finalizers"]
    runner.delete()
    stage.kube.patch("GitLabRunner", "builds", {"metadata": {"finalizers": None}}, stage.name)
    runner.wait_gone()
    held.release()
    stage.wait_quiet()
    assert rule.used == 1 and runner.object() is None
    assert stage.requests("PATCH", OBJECT + "/status")[-1].status in (404, 409)
    for row in known:                       # which nobody knows any more, as it was taken off by hand
        gitlab.delete_runner(row["id"])
