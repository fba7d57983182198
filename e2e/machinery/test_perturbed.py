"""The same work while the operator sees the past, misses an event, or has each of its calls spoilt: the same end."""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from cluster import Kube, checked, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import KINDS, Stage, collection, scaled
from places import Runner
from proxy.faults import Delay, Garbage, Reset, Status, Truncate
from proxy.http2 import Peer
from proxy.rules import Action, Rule
from proxy.snapshot import Snapshot
from proxy.streams import Drop, is_real

pytestmark = pytest.mark.misled
ANY = collection("(" + "|".join(KINDS) + ")")
BUDGET = 10             # requests that one fault may cost
PACE = 4                # of the operator's clock, while it waits to try again


# ----------------------------------------------------------------------------------------------------------------------
# The past


def snapshot(stage: Stage, kube: Kube) -> Snapshot:
    """Of now, as the operator has last seen it."""
    def get(path: str, query: dict[str, str], headers: dict[str, str]) -> dict:
        return checked(kube.call("GET", path[1:], params=query, headers=headers))
    return Snapshot([stage.watches(kind)[-1] for kind in KINDS], get)


def show(stage: Stage, past: Snapshot) -> None:
    """A new operator sees it, does what it thinks right, and then sees the present."""
    rule = stage.proxy.add(past, "GET", ANY, count=None)
    stage.operator.start()
    stage.wait_quiet(2)
    assert [entry for entry in stage.requests("DELETE")] == []
    stage.proxy.remove(rule)
    past.thaw()
    for kind in KINDS:
        wait_for(f"{kind} are watched", lambda: not stage.open_watch(kind).fault, 30)


def known(stage: Stage, by: str) -> None:
    """The operator has run once, so that its watches are known; and it has credentials."""
    {"registrationToken": stage.registration_token, "accessToken": stage.access_token}[by]()
    stage.operator.start()
    stage.wait_quiet()
    stage.operator.stop()


def test_r3_nothing_is_made_again_that_the_past_does_not_show(stage: Stage, gitlab: GitLabAdmin, kube: Kube) -> None:
    """As it was before the operator had done anything about the object."""
    known(stage, "registrationToken")
    runner = stage.unmanned("registrationToken")
    past = snapshot(stage, kube)
    stage.operator.start()
    stage.settled([runner])
    before = [runner.child(what)["metadata"]["uid"] for what in runner.children()]
    row, = gitlab.runners()
    stage.operator.stop()
    stage.mark()
    show(stage, past)
    stage.settled([runner])
    assert [runner.child(what)["metadata"]["uid"] for what in runner.children()] == before
    assert [(now["id"], now["token"]) for now in gitlab.runners()] == [(row["id"], row["token"])]
    assert runner.token() == row["token"]


def test_r3_nothing_comes_back_that_only_the_past_shows(stage: Stage, gitlab: GitLabAdmin, kube: Kube) -> None:
    """As it was before the object was deleted."""
    known(stage, "accessToken")
    stage.operator.start()
    runner = stage.unmanned("accessToken")
    stage.settled([runner])
    past = snapshot(stage, kube)
    runner.delete()
    runner.wait_gone()
    stage.operator.stop()
    calls = len(gitlab.audit("POST"))
    stage.mark()
    show(stage, past)
    stage.wait_quiet()
    assert runner.object() is None and gitlab.runners() == [] and len(gitlab.audit("POST")) == calls
    wait_for("nothing of it is left", lambda: not any(runner.child(what) for what in runner.children()), 20)


def test_r3_a_successor_is_not_taken_for_what_the_past_shows(stage: Stage, gitlab: GitLabAdmin, kube: Kube) -> None:
    """As it was before the object was deleted and made again."""
    known(stage, "registrationToken")
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    past = snapshot(stage, kube)
    runner.delete()
    runner.wait_gone()
    runner = stage.unmanned()
    stage.settled([runner])
    uid, (row,) = runner.uid(), gitlab.runners()
    stage.operator.stop()
    stage.mark()
    show(stage, past)
    stage.settled([runner])
    assert runner.uid() == uid and [now["id"] for now in gitlab.runners()] == [row["id"]]
    assert runner.token() == row["token"]


# ----------------------------------------------------------------------------------------------------------------------
# An event that never comes


def numbered(event: dict) -> int | None:
    """Whose event it is, of the runners named drop-NUMBER."""
    found = re.search(r"\bdrop-(\d+)\b", event["object"]["metadata"].get("name", ""))
    return int(found[1]) if found and is_real(event) else None


class NthOfItsRunner:
    """True for event n of runner drop-n, whatever its kind; drop-0 gets all of its events."""

    def __init__(self) -> None:
        self.seen: Counter[int] = Counter()

    def __call__(self, event: dict) -> bool:
        number = numbered(event)
        if number is None:
            return False
        self.seen[number] += 1
        return self.seen[number] == number


def test_r4_no_single_event_decides_about_the_end(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Every runner misses another event of its life; a list tells what it has led to."""
    nth = NthOfItsRunner()
    stage.access_token()
    lossy = stage.proxy.add(Drop(nth), "GET", ANY, "watch", count=None)
    stage.operator.start()
    runners = [stage.unmanned("accessToken", name=f"drop-{n}", tags=["a"]) for n in range(20)]
    stage.settled(runners[:1])
    for runner in runners:
        runner.edit(tags=["b"], image="busybox:1.37")
    stage.settled(runners[:1])
    assert nth.seen[0] < len(runners) + 5, "there are more events than runners to miss them"
    lossy = list_again(stage, lossy)
    stage.settled(runners)
    assert len({shape(runner) for runner in runners}) == 1
    assert {tuple(row["tag_list"]) for row in gitlab.runners()} == {("b",)} and len(gitlab.runners()) == len(runners)
    nth.seen.clear()
    for runner in runners:
        runner.delete()
    runners[0].wait_gone()
    stage.wait_quiet()
    list_again(stage, lossy)
    for runner in runners:
        runner.wait_gone()
    assert gitlab.runners() == []


def list_again(stage: Stage, lossy: Rule) -> Rule:
    """All watches end, and their versions are too old; what comes then is as lossy as before."""
    stage.proxy.remove(lossy)
    stage.mark()
    stage.proxy.add(Status(410, "Expired"), "GET", ANY, "^(?!.*sendInitialEvents).*watch=", each=True)
    again = stage.proxy.add(lossy.action, "GET", ANY, "watch", count=None)
    stage.proxy.each(Peer.abort)
    for kind in KINDS:
        wait_for(f"{kind} are listed", lambda: any(e.status == 200 for e in stage.lists(kind)), 30)
    return again


def shape(runner: Runner) -> str:
    """What its children are made to be, without their names."""
    children = [runner.child(what) for what in ("account", "binding", "manager")]
    keys = [sorted(runner.child(what)["data"]) for what in ("token", "config")]
    parts = [[child["metadata"]["labels"], child.get("spec"), child.get("roleRef")] for child in children]
    text = re.sub(r"\bdrop-\d+\b", "NAME", str([parts, keys, runner.kubernetes()["image"]]))
    return re.sub(r"\w{8}-\w{4}-\w{4}-\w{4}-\w{12}", "UID", text)


# ----------------------------------------------------------------------------------------------------------------------
# Each call, spoilt in each way: as all ways come together the simulation tries

FAULTS: dict[str, Action] = {
    "429": Status(429, "TooManyRequests", headers=(("retry-after", "1"),)),
    "503": Status(503, "ServiceUnavailable"),
    "reset after": Reset(after=True),
    "truncated": Truncate(),
}
FAULTS_OF_READS: dict[str, Action] = {
    "503": FAULTS["503"],
    "garbage": Garbage(),
    "late": Delay(scaled(60, 3), answer=True),
}
# What the operator asks for about one runner, by the runner's name.
CALLS: dict[str, Callable[[str], tuple[str, str]]] = {
    "credential": lambda name: ("GET", f".*/secrets/{name}-gitlab"),
    "finalizer": lambda name: ("PATCH", f".*/gitlabrunners/{name}"),
    "token": lambda name: ("PATCH", f".*/secrets/{name}-runner-token"),
    "token read": lambda name: ("GET", f".*/secrets/{name}-runner-token"),
    "status": lambda name: ("PATCH", f".*/gitlabrunners/{name}/status"),
    "config": lambda name: ("POST", f".*/secrets/{name}-runner-config"),
    "account": lambda name: ("POST", f".*/serviceaccounts/{name}-runner"),
    "binding": lambda name: ("POST", rf".*/rolebindings/[^/]*\.{name}-runner"),
    "manager": lambda name: ("POST", f".*/deployments/{name}-runner"),
}


def about(stage: Stage, name: str) -> int:
    """Requests so far."""
    return len(stage.requests(path=rf".*[/.]{name}(-[^/]*)?(/status)?"))


def own_credentials(stage: Stage, name: str, token: str) -> Runner:
    stage.secret(f"{name}-gitlab", runner_registration_token=token)
    return stage.unmanned(name=name, authentication={"registrationTokenSecretRef": {"name": f"{name}-gitlab"}})


@pytest.mark.parametrize("fault", FAULTS)
def test_r5_each_call_may_fail_in_each_way(fault: str, stage: Stage, gitlab: GitLabAdmin) -> None:
    """One runner for each call, which fails; then each call of their deletion; and one runner has no trouble at all."""
    token = gitlab.add_project("app")["runners_token"]
    names = {what: f"spoilt{number}" for number, what in enumerate(CALLS)}
    rules = {what: stage.proxy.add(FAULTS[fault], *call(names[what])) for what, call in CALLS.items()}
    stage.proxy.add(FAULTS[fault], "POST", f".*/{stage.name}/events")
    stage.operator.start(pace=PACE)
    runners = [own_credentials(stage, name, token) for name in ["plain", *names.values()]]
    stage.settled(runners)
    assert len(gitlab.runners()) == len(runners)
    unused = [what for what, rule in rules.items() if not rule.used]
    assert unused in ([], ["token read"]), f"never asked: {unused}"
    costs = {name: about(stage, name) for name in names.values()}
    assert max(costs.values()) <= about(stage, "plain") + BUDGET, costs
    stage.mark()
    stage.proxy.add(FAULTS[fault], "GET|PATCH|DELETE", f".*/{stage.name}/.*", each=True)
    for runner in runners:
        runner.delete()
    for runner in runners:
        runner.wait_gone()
    assert gitlab.runners() == []


@pytest.mark.parametrize("fault", FAULTS_OF_READS.values(), ids=FAULTS_OF_READS)
def test_r5_each_list_and_watch_may_fail_in_each_way(fault: Action, stage: Stage) -> None:
    """The first read of each kind, and the watch that follows when that has ended."""
    stage.registration_token()
    stage.proxy.add(fault, "GET", ANY, each=True)
    stage.operator.start(pace=PACE)
    runner = stage.unmanned()
    stage.settled([runner])
    for kind in KINDS:
        assert len(stage.requests("GET", collection(kind))) <= 2 + BUDGET, kind
    stage.proxy.add(fault, "GET", ANY, each=True)
    stage.mark()
    stage.proxy.each(Peer.abort)
    stage.settled([stage.unmanned(name="second")])
    for kind in KINDS:
        wait_for(f"{kind} are watched", lambda: stage.open_watch(kind), 30)
        assert len(stage.requests("GET", collection(kind))) <= 1 + BUDGET, kind
