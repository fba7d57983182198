"""What holds for every request that the operator has made in the whole session; these tests come last."""
from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cluster import MERGE_PATCH, wait_for
from machinery.stage import KINDS, WRITES, Stage, collection
from operator_pod import ORPHANS
from proxy.rules import Entry
from proxy.server import Proxy

pytestmark = pytest.mark.last
ANY = collection("(" + "|".join(KINDS) + ")")
CHILDREN = ("/(api|apis/[^/]+)/[^/]+/namespaces/[^/]+/"
            "(secrets|serviceaccounts|rolebindings|deployments|poddisruptionbudgets)")
APPLY = "application/apply-patch+yaml"
MANAGER = "gitlab-runner-controller"


@pytest.fixture(autouse=True)
def a_little_work(stage: Stage) -> None:
    """So that these tests have something to look at when they run alone."""
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    runner.edit(image="busybox:1.37")
    stage.settled([runner])
    runner.delete()
    runner.wait_gone()


def of_the_operator(proxy: Proxy, method: str, path: str = ".*") -> Iterator[Entry]:
    return (entry for entry in proxy.entries(method, path) if entry.headers.get("user-agent", "").startswith(MANAGER))


def test_a5_no_read_asks_for_just_any_version(proxy: Proxy) -> None:
    """resourceVersion=0 may go back in time."""
    reads = list(of_the_operator(proxy, "GET"))
    assert len(reads) > len(KINDS) and [entry for entry in reads if entry.query.get("resourceVersion") == "0"] == []
    known: set[tuple[str, str]] = set()
    for entry in reads:                     # of each path, whether listed or watched with what is there already
        if "sendInitialEvents" in entry.query or not entry.watch:
            assert entry.query.get("resourceVersion", "") == "", entry
            known.add((entry.path, entry.headers["user-agent"]))
        else:
            assert (entry.path, entry.headers["user-agent"]) in known, f"watched before it was read: {entry}"


def is_hand_over(entry: Entry) -> bool:
    """With the reference to another controller, if there is one, which an apply of ours would be refused for."""
    return entry.headers["content-type"] == MERGE_PATCH and set(entry.json["metadata"]) - {
        "ownerReferences", "managedFields"} == {"namespace", "name", "resourceVersion"}


def takes_a_finalizer_off(entry: Entry) -> bool:
    """Which others may own, too: so of the version that was read."""
    return entry.headers["content-type"] == MERGE_PATCH and set(entry.json["metadata"]) == {
        "namespace", "name", "uid", "resourceVersion", "finalizers"}


def test_a17_what_is_made_by_post_is_made_once(proxy: Proxy) -> None:
    """Children; what the API server does not know of them is refused, as with an apply."""
    made = [entry for entry in of_the_operator(proxy, "POST", CHILDREN)]
    assert made
    for entry in made:
        said = str(entry)
        assert (entry.query["fieldManager"], entry.query["fieldValidation"]) == (MANAGER, "Strict"), said
        assert not {"uid", "resourceVersion"} & set(entry.json["metadata"]), said
        assert "stringData" not in entry.json, said


def test_a17_what_is_applied_has_the_right_shape(proxy: Proxy) -> None:
    """But for an entry of the ledger, which is written and taken out without a look at the others, for the entries of a
    child that are handed over, and for a finalizer that goes."""
    patches = [entry for entry in of_the_operator(proxy, "PATCH")
               if not (entry.path.endswith(f"/secrets/{ORPHANS}") or is_hand_over(entry) or takes_a_finalizer_off(entry))]
    assert patches
    for entry in patches:
        body, said = entry.json, str(entry)
        assert entry.headers["content-type"] == APPLY, said
        assert body["apiVersion"] and body["kind"] and body["metadata"]["name"] in entry.path, said
        assert "managedFields" not in body["metadata"], said
        assert (entry.query["fieldManager"], entry.query["force"]) == (MANAGER, "true"), said
        if body["kind"] == "GitLabRunner":
            assert body["metadata"]["uid"], said
        if body["kind"] == "Secret":
            assert "stringData" not in body, said


def test_a17_nothing_is_replaced_as_a_whole(proxy: Proxy) -> None:
    """No PUT; only children, Events, leases and questions about callers are made by POST."""
    for entry in of_the_operator(proxy, "PUT|POST"):
        if entry.method == "POST" and re.fullmatch(CHILDREN, entry.path):
            continue
        assert entry.path.endswith(("/events", "/tokenreviews", "/subjectaccessreviews")) or "/leases" in entry.path, entry


def test_a17_a_removed_key_of_a_secret_comes_back(stage: Stage) -> None:
    runner = stage.unmanned(name="again")
    stage.settled([runner])
    before = runner.child("config")["data"]
    key = next(iter(before))
    stage.kube.patch("Secret", runner.children()["config"][1], {"data": {key: None, "foreign": "eA=="}}, stage.name)
    wait_for("the key is back", lambda: key in runner.child("config")["data"])
    assert runner.child("config")["data"] == before | {"foreign": "eA=="}


def test_a18_every_delete_says_which_object_is_meant(stage: Stage, proxy: Proxy) -> None:
    """A move of the jobs leaves a RoleBinding behind, which has to be deleted."""
    stage.namespace(f"{stage.name}-jobs", **{"gitlab-runners.dev/allowed-from": stage.name})
    runner = stage.unmanned(name="moving")
    stage.settled([runner])
    runner.edit(namespace=f"{stage.name}-jobs")
    stage.settled([runner])
    deletes = list(of_the_operator(proxy, "DELETE"))
    assert deletes and all(entry.json["preconditions"]["uid"] for entry in deletes)
    assert set(WRITES.split("|")) >= {entry.method for entry in of_the_operator(proxy, WRITES)}
