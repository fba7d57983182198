"""Rights on another team's namespace end when that team withdraws its consent, and when who had them is gone; whatever
else is wrong with the object, and also when there was no operator meanwhile."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from hostile.siege import Siege
from operator_pod import NAME, NAMESPACE
from places import OTHER_URL, URL, Place, Runner

ALLOWED = "gitlab-runners.dev/allowed-from"
SECONDS = 10        # within which rights are gone
LATE = 8            # so long GitLab takes for its answer


class Rights:
    """The namespace `jobs` of one team, and two others that have rights there: the one of the test, and one that keeps them."""

    def __init__(self, ci: Place) -> None:
        self.ci = ci
        self.team, self.other = (ci.namespace(f"{ci.name}-{name}") for name in ("team", "other"))
        self.jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: f"{self.team},{self.other}"})
        credential = ci.kube.get("Secret", "gitlab", ci.name)["data"]
        for ns in (self.team, self.other):
            ci.kube.create("Secret", {"metadata": {"name": "gitlab"}, "data": credential}, ns)
        self.theirs = self.runner("theirs", self.other)
        self.theirs.wait()

    def runner(self, name: str, ns: str) -> Runner:
        spec = self.ci.spec(namespace=self.jobs, manager={"replicas": 0, "serviceAccountName": "keeper"})
        self.ci.kube.create("GitLabRunner", {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                                             "metadata": {"name": name}, "spec": spec}, ns)
        return Runner(self.ci.kube, ns, name)

    def runners(self, *names: str) -> list[Runner]:
        """The team's."""
        runners = [self.runner(name, self.team) for name in names]
        for runner in runners:
            runner.wait()
        assert self.bindings() == {*names, "theirs"}
        return runners

    def bindings(self) -> set[str]:
        """Whose RoleBindings are in `jobs`."""
        return {item["metadata"]["annotations"]["gitlab-runners.dev/owner"].rpartition("/")[2]
                for item in self.ci.kube.list("RoleBinding", self.jobs, "gitlab-runners.dev/runner")}

    def allow(self, *who: str) -> None:
        self.ci.kube.patch("Namespace", self.jobs, {"metadata": {"annotations": {ALLOWED: ",".join(who)}}})

    def withdraw(self) -> None:
        self.allow(self.other)

    def wait_gone(self, seconds: float = SECONDS) -> None:
        """The others keep theirs."""
        wait_for("the team's rights are gone", lambda: self.bindings() == {"theirs"}, seconds)


@contextmanager
def away(ci: Place, siege: Siege) -> Iterator[None]:
    """There is no operator meanwhile."""
    with siege.truce():
        ci.kube.patch("Deployment", NAME, {"spec": {"replicas": 0}}, NAMESPACE)
        wait_for("the operator is gone", lambda: not ci.operator.pods())
        try:
            yield
        finally:
            ci.kube.patch("Deployment", NAME, {"spec": {"replicas": 1}}, NAMESPACE)
            ci.operator.accept()


def remove_by_force(runner: Runner, gitlab: GitLabAdmin) -> None:
    """As somebody does who has lost patience. It leaves a runner behind, which is of no interest here."""
    number = runner.status()["runnerId"]
    runner.delete()
    runner.kube.patch("GitLabRunner", runner.name, {"metadata": {"finalizers": None}}, runner.ns)
    runner.wait_gone()
    if number in [row["id"] for row in gitlab.runners()]:
        gitlab.delete_runner(number)


def waits_for(gitlab: GitLabAdmin) -> bool:
    return bool(gitlab.audit("POST", answered=False))


@pytest.fixture
def rights(ci: Place) -> Rights:
    return Rights(ci)


def test_consent_withdrawn_ends_rights_whatever_else_is_wrong(
        rights: Rights, ci: Place, other_gitlab: GitLabAdmin) -> None:
    plain, suspended, invalid, waiting = rights.runners("plain", "suspended", "invalid", "waiting")
    suspended.edit(suspend=True)
    suspended.wait_refused("Suspended")
    invalid.edit(config={"concurrent": 5})
    invalid.wait_refused("InvalidSpec")
    other_gitlab.fault("delay", seconds=LATE, count=None)
    waiting.edit(url=OTHER_URL)
    wait_for("it waits for GitLab", lambda: waits_for(other_gitlab), 20)
    assert rights.bindings() == {"plain", "suspended", "invalid", "waiting", "theirs"}
    began = time.monotonic()
    rights.withdraw()
    rights.wait_gone(LATE)
    print(f"rights were gone after {time.monotonic() - began:.1f} s")
    assert waits_for(other_gitlab), "all that time it has waited for GitLab"
    other_gitlab.clear_faults()
    plain.wait_refused("NamespaceNotAllowed")
    rights.allow(rights.team, rights.other)
    plain.wait()
    assert rights.bindings() == {"plain", "theirs"}, "who is suspended or invalid gets nothing back yet"
    suspended.edit(suspend=None)
    invalid.edit(config=None)
    waiting.edit(url=URL)
    for runner in (suspended, invalid, waiting):
        runner.wait()
    assert rights.bindings() == {"plain", "suspended", "invalid", "waiting", "theirs"}


def test_rights_follow_the_spec_while_it_is_suspended(rights: Rights, ci: Place) -> None:
    moved, renamed = rights.runners("moved", "renamed")
    elsewhere = ci.namespace(ci.name + "-elsewhere", **{ALLOWED: rights.team})
    moved.edit(suspend=True, namespace=elsewhere)
    renamed.edit(suspend=True, manager={"serviceAccountName": "another"})
    wait_for("the rights where it was are gone", lambda: rights.bindings() == {"renamed", "theirs"}, SECONDS)
    wait_for("the rights are the other account's", lambda: [subject["name"] for subject in renamed.child(
        "binding", rights.jobs)["subjects"]] == ["another"], SECONDS)


def test_rights_end_with_their_owner_whose_finalizer_was_taken_off(
        rights: Rights, ci: Place, siege: Siege, gitlab: GitLabAdmin) -> None:
    gone, successor = rights.runners("gone", "successor")
    former = successor.uid()
    with siege.truce():
        ci.operator.freeze()            # so that it cannot do in time what it would do
        try:
            for runner in (gone, successor):
                remove_by_force(runner, gitlab)
        finally:
            ci.operator.thaw()
    rights.runner("successor", rights.team).wait()
    wait_for("only who is there has rights", lambda: rights.bindings() == {"successor", "theirs"}, SECONDS)
    wait_for("they are the successor's", lambda: owner_uid(successor.child("binding", rights.jobs)) == successor.uid(),
             SECONDS)
    assert successor.uid() != former


def owner_uid(binding: dict | None) -> str:
    return binding["metadata"]["annotations"]["gitlab-runners.dev/owner-uid"] if binding else ""


def test_rights_end_that_lost_their_reason_without_an_operator(
        rights: Rights, ci: Place, siege: Siege, gitlab: GitLabAdmin) -> None:
    gone, suspended, beside = rights.runners("gone", "suspended", "beside")
    suspended.edit(suspend=True)
    suspended.wait_refused("Suspended")
    with away(ci, siege):
        for runner in (gone, beside):
            for what in ("config", "manager"):
                kind, name, ns = runner.children()[what]
                ci.kube.patch(kind, name, {"metadata": {"ownerReferences": None}}, ns)
            remove_by_force(runner, gitlab)
        rights.withdraw()
        assert rights.bindings() == {"gone", "suspended", "beside", "theirs"}
    rights.wait_gone()
    for what in ("config", "manager"):
        wait_for(f"its {what} is gone", lambda: gone.child(what) is None)


def test_a_binding_that_only_looks_like_ours_stays(rights: Rights, ci: Place) -> None:
    (plain,) = rights.runners("plain")
    real = plain.child("binding", rights.jobs)
    meta = {key: real["metadata"][key] for key in ("labels", "annotations")}
    meta["annotations"] = meta["annotations"] | {"gitlab-runners.dev/owner": f"GitLabRunner/{rights.team}/nobody",
                                                 "gitlab-runners.dev/owner-uid": "none"}
    ci.kube.create("RoleBinding", {"metadata": meta | {"name": f"{rights.team}.nobody-runner"}, "roleRef": real["roleRef"],
                                   "subjects": real["subjects"]}, rights.jobs)
    rights.withdraw()
    wait_for("ours is gone", lambda: plain.child("binding", rights.jobs) is None, SECONDS)
    assert ci.kube.get("RoleBinding", f"{rights.team}.nobody-runner", rights.jobs)
