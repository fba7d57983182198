"""How the operator comes to know the cluster, and keeps knowing it when watches end in every possible way."""
from __future__ import annotations

import json
import time

import pytest

from cluster import Kube, wait_for
from deadline import assert_in_time
from gitlab_admin import GitLabAdmin
from machinery.api_server import ApiServer
from machinery.stage import KINDS, Stage, collection, scaled
from proxy.faults import Reset, Status
from proxy.rules import Action, Entry
from proxy.streams import Answered, Drop, HoldBack, Script, error_event, is_end_of_list

ANY = collection("(" + "|".join(KINDS) + ")")
INVALID = Status(422, "Invalid",
                 "sendInitialEvents: Forbidden: is forbidden for watch unless the WatchList feature gate is enabled")
BAD_REQUEST = Status(400, "BadRequest", "unknown query parameter sendInitialEvents")
EXPIRED = Status(410, "Expired", "too old resource version")


def first_reads(stage: Stage) -> list[Entry]:
    return [next(iter(stage.lists(kind))) for kind in KINDS]


# ----------------------------------------------------------------------------------------------------------------------
# The first read


@pytest.mark.usefixtures("streamed_lists")
def test_a1_initial_sync_is_complete_only_at_the_end_bookmark(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Secrets seem to be missing as long as their list is not complete, so nothing may be done about any runner."""
    stage.registration_token()
    runner = stage.unmanned()
    held = HoldBack(is_end_of_list)
    stage.proxy.add(held, "GET", collection("secrets"), "sendInitialEvents=true")
    stage.operator.start(ready=False)
    wait_for("the end of the Secrets' list is held back", lambda: held.hold.held, 20)
    others = [kind for kind in KINDS if kind != "secrets"]
    wait_for("the others are listed", lambda: all(stage.open_watch(kind).events for kind in others))
    stage.unmanned(name="later")
    entry = stage.open_watch("gitlabrunners")
    wait_for("a new runner is told of", lambda: any(told.name == "later" for told in entry.events), 5)
    assert not stage.operator.is_ready() and stage.writes() == [] and gitlab.audit() == []
    held.hold.release()
    stage.settled([runner])
    for entry in first_reads(stage):
        assert entry.watch and "resourceVersion" not in entry.query, entry
        assert (entry.query["sendInitialEvents"], entry.query["resourceVersionMatch"]) == ("true", "NotOlderThan")
        assert entry.query["allowWatchBookmarks"] in ("1", "true")
    assert [len(stage.lists(kind)) for kind in KINDS] == [1] * len(KINDS)


@pytest.mark.parametrize("refusal", [INVALID, BAD_REQUEST], ids=["422", "400"])
def test_a2_without_watchlist_it_lists_by_pages(refusal: Status, stage: Stage, gitlab: GitLabAdmin) -> None:
    make_runners(stage, 3)
    stage.proxy.add(refusal, "GET", ANY, "sendInitialEvents", count=None)
    stage.mark()
    stage.operator.start()
    assert_same_store_by_list(stage, gitlab)


def test_a2_a_server_with_the_gate_off_is_listed_by_pages(stage: Stage, gitlab: GitLabAdmin,
                                                          api_server: ApiServer) -> None:
    make_runners(stage, 3)
    api_server.restart("--feature-gates=WatchList=false")
    stage.mark()
    stage.operator.start()
    assert_same_store_by_list(stage, gitlab)


def make_runners(stage: Stage, count: int) -> None:
    """Made, and all done; and no operator runs."""
    stage.registration_token()
    stage.operator.start()
    stage.settled([stage.unmanned(name=f"builds-{i}") for i in range(count)])
    stage.operator.stop()


def assert_same_store_by_list(stage: Stage, gitlab: GitLabAdmin) -> None:
    """What is known is complete, or something would be written; and it is kept up to date."""
    known = len(gitlab.audit())
    stage.wait_quiet()
    assert stage.writes() == [] and len(gitlab.audit()) == known
    for kind in KINDS:
        listed = [entry for entry in stage.requests("GET", collection(kind)) if not entry.watch]
        assert [entry.query.get("limit") for entry in listed] == ["50"], kind
    stage.settled([stage.unmanned(name="one-more")])


LARGE = 250_000             # "<", each of which takes six bytes on its way


@pytest.mark.parametrize("by_page", [False, True], ids=["by stream", "by page"])
def test_objects_that_are_too_large_keep_no_list_from_its_end(by_page: bool, stage: Stage, kube: Kube) -> None:
    """Neither at the start, nor while it goes on: others are told of as ever."""
    def large(name: str) -> None:
        kube.create("ConfigMap", {"metadata": {"name": name, "annotations": {"a": "<" * LARGE}}}, stage.name)

    stage.registration_token()
    before = stage.unmanned(name="before")
    for i in range(3):
        large(f"large-{i}")
    if by_page:
        stage.proxy.add(INVALID, "GET", ANY, "sendInitialEvents", count=None)
    stage.operator.start()
    told = [line for line in stage.operator.lines("info") if line["msg"] == "listed" and line["kind"] == "ConfigMap"]
    assert len(told) == 1, "listed once, to its end"
    large("large-later")
    wait_for("all four were counted", lambda: stage.operator.metrics()[
        'gitlab_runner_controller_objects_too_large_total{name="ConfigMap"}'] >= 4)
    stage.settled([before, stage.unmanned(name="after")])
    watches = len(stage.watches("configmaps"))
    kube.delete("ConfigMap", "large-0", stage.name)
    stage.settled([before])
    assert len(stage.watches("configmaps")) == watches, "the watch goes on"


def test_a3_an_expired_page_leads_to_one_whole_list(stage: Stage, kube: Kube) -> None:
    """Three pages of ConfigMaps; the second is refused. Somebody refers to one of them."""
    for number in range(1050):
        kube.create("ConfigMap", {"metadata": {"name": f"filler-{number}"}}, stage.name)
    stage.registration_token()
    refers = stage.unmanned(name="refers", caConfigMapRef={"name": "filler-999"})
    stage.proxy.add(INVALID, "GET", collection("configmaps"), "sendInitialEvents", count=None)
    refused = stage.proxy.add(EXPIRED, "GET", collection("configmaps"), "continue=")
    stage.operator.start()
    pages = [entry for entry in stage.requests("GET", collection("configmaps")) if not entry.watch]
    assert refused.used == 1 and [entry.status for entry in pages[:3]] == [200, 410, 200]
    again = pages[2].query
    assert "continue" not in again and "limit" not in again and again.get("resourceVersion", "") == ""
    assert len(pages) == 3, "the whole list, once"
    told = [line for line in stage.operator.lines("info") if line["msg"] == "listed" and line["kind"] == "ConfigMap"]
    assert [int(line["count"]) for line in told] == [1], "that one is kept, and no other"
    refers.wait_refused("KeyNotFound")
    stage.settled([stage.unmanned()])


# ----------------------------------------------------------------------------------------------------------------------
# The end of a watch


@pytest.mark.usefixtures("streamed_lists")
@pytest.mark.parametrize("end", [EXPIRED, Answered((error_event(410, "Expired", "too old"),))],
                         ids=["as a status", "as an event"])
def test_a4_a_forgotten_version_leads_to_a_list_at_once(end: Action, stage: Stage) -> None:
    """Meanwhile a Deployment was deleted, which only the list tells."""
    runner, entry = lose_a_deployment(stage, end)
    again = next_read(stage, entry)
    assert_in_time("at once, not after a pause", again.began - (entry.ended or entry.answered), 0.7)
    assert again in stage.lists("deployments")
    wait_for("the Deployment is there again", lambda: runner.child("manager"), 20)
    stage.settled([runner])


@pytest.mark.usefixtures("streamed_lists")
@pytest.mark.parametrize("end", [
    Status(504, "Timeout", "Too large resource version: 99, current: 9", causes=("ResourceVersionTooLarge",)),
    Status(504, "Timeout", "Too large resource version: 99, current: 9"),
], ids=["by its cause", "by its message"])
def test_a4_a_version_from_the_future_leads_to_a_consistent_read(end: Action, stage: Stage) -> None:
    runner, entry = lose_a_deployment(stage, end)
    again = next_read(stage, entry)
    assert again.query.get("resourceVersion", "") == "" and again in stage.lists("deployments")
    wait_for("the Deployment is there again", lambda: runner.child("manager"), 20)
    stage.settled([runner])


def lose_a_deployment(stage: Stage, end: Action):
    """A runner whose Deployment is deleted unseen; the watch that could have told ends, and the next is answered so."""
    lost = Drop(lambda event: event["type"] == "DELETED", close=True)
    stage.proxy.add(lost, "GET", collection("deployments"), "watch")
    stage.proxy.add(end, "GET", collection("deployments"), "watch")
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    stage.kube.delete("Deployment", runner.children()["manager"][1], stage.name)
    wait_for("the watch has ended", lambda: lost.dropped, 5)
    return runner, wait_for("the next is spoilt", lambda: spoilt(stage), 20)


def spoilt(stage: Stage) -> Entry | None:
    """The second watch of Deployments, when it has ended."""
    entries = [entry for entry in stage.watches("deployments") if entry.fault]
    return entries[1] if len(entries) > 1 and entries[1].ended else None


def next_read(stage: Stage, entry: Entry) -> Entry:
    def found() -> Entry | None:
        later = [e for e in stage.requests("GET", collection("deployments")) if e.number > entry.number]
        return later[0] if later else None
    return wait_for("it reads again", found, 20)


@pytest.mark.usefixtures("streamed_lists")
def test_a6_a_bookmark_spares_old_events(stage: Stage, kube: Kube) -> None:
    """Others' ServiceAccounts come and go; the watch of ours is told of the version alone."""
    script = Script()
    stage.proxy.add(script, "GET", collection("serviceaccounts"), "watch")
    stage.operator.start()
    first = stage.open_watch("serviceaccounts")
    for number in range(20):
        kube.create("ServiceAccount", {"metadata": {"name": f"other-{number}"}}, stage.name)
    version = kube.call("GET", "api/v1/serviceaccounts?limit=1").json()["metadata"]["resourceVersion"]
    meta = {"resourceVersion": version, "creationTimestamp": None}
    bookmark = {"type": "BOOKMARK", "object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                                               "metadata": meta}}
    script.say(json.dumps(bookmark).encode() + b"\n")
    script.close()
    wait_for("the watch has ended", lambda: first.ended, 5)
    again = stage.open_watch("serviceaccounts")
    assert again.query["resourceVersion"] == version and "sendInitialEvents" not in again.query
    assert [told for told in again.events if told.type != "BOOKMARK"] == []


@pytest.mark.usefixtures("streamed_lists")
def test_a7_watches_end_at_random_times_and_a_normal_end_is_none_of_trouble(stage: Stage) -> None:
    scripts = {kind: [Script() for _ in range(3)] for kind in KINDS}
    for kind, several in scripts.items():
        for script in several:
            stage.proxy.add(script, "GET", collection(kind), "watch")
    stage.operator.start()
    for turn in range(3):
        entries = [stage.open_watch(kind) for kind in KINDS]
        wait_for("no watch is a very short one", lambda: all(time.monotonic() - e.began > 1.2 for e in entries), 5)
        for kind in KINDS:
            scripts[kind][turn].close()
        wait_for("they have ended", lambda: all(entry.ended for entry in entries), 5)
        wait_for("they are watched again", lambda: all(len(stage.watches(kind)) > turn + 1 for kind in KINDS), 20)
    seconds = [int(entry.query["timeoutSeconds"]) for kind in KINDS for entry in stage.watches(kind)]
    assert all(300 <= value <= 600 for value in seconds) and len(set(seconds)) > len(seconds) / 2, seconds
    assert [len(stage.lists(kind)) for kind in KINDS] == [1] * len(KINDS)
    assert stage.operator.lines("warn") + stage.operator.lines("error") == []


@pytest.mark.parametrize("action", [Status(429, "TooManyRequests"), Reset(), Reset(whole=True), None],
                         ids=["429", "reset", "connection reset", "refused"])
def test_a8_trouble_keeps_the_version_and_backs_off(action: Action | None, stage: Stage) -> None:
    stage.registration_token()
    stage.operator.start()
    stage.settled([stage.unmanned()])
    versions = {kind: stage.open_watch(kind).events[-1].version for kind in KINDS if stage.open_watch(kind).events}
    stage.mark()
    trouble(stage, action, scaled(300, 4))
    for kind in KINDS:
        entry = stage.open_watch(kind)
        assert stage.lists(kind) == [], f"{kind} were listed again"
        assert int(entry.query["resourceVersion"]) >= int(versions.get(kind, 0)), entry
    tries = [[e.began for e in stage.watches(kind)] for kind in KINDS]
    gaps = [after - before for began in tries for before, after in zip(began, began[1:])]
    assert action is None or gaps
    if action == Reset(whole=True):         # which ends the others' attempts too: libcurl repeats those at once
        assert all(len(began) <= 20 for began in tries), tries
    else:
        assert all(0.7 <= gap <= 61 for gap in gaps), gaps
    assert action is None or len({round(began[0], 2) for began in tries}) > 1, "all try at the same moment"
    stage.settled([stage.unmanned(name="afterwards")])


def trouble(stage: Stage, action: Action | None, seconds: float) -> None:
    """All watches end, and cannot be opened for a while."""
    began = time.monotonic()
    if action:
        rule = stage.proxy.add(action, "GET", ANY, count=None)
        stage.proxy.each(lambda client: client.abort())
        wait_for("time has passed", lambda: time.monotonic() - began > seconds, seconds + 5)
        stage.proxy.remove(rule)
    else:
        stage.proxy.close()
        wait_for("time has passed", lambda: time.monotonic() - began > seconds, seconds + 5)
        stage.proxy.open()
    for kind in KINDS:
        wait_for(f"{kind} are watched", lambda: any(e.status == 200 for e in stage.watches(kind)), 65)
