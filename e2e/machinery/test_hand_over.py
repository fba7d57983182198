"""Children that are made by POST are, whatever happens to them, as those that were only ever applied."""
from __future__ import annotations

import json
import random

import pytest

from cluster import MERGE_PATCH, checked, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import WRITES, Stage, scaled
from places import Runner
from proxy.rules import Entry

MANAGER = "gitlab-runner-controller"
APPLY = {"Content-Type": "application/apply-patch+yaml"}
STEPS = round(scaled(100, 8))
CONTENT = ("data", "type", "spec", "roleRef", "subjects", "secrets", "imagePullSecrets",
           "automountServiceAccountToken")
CHILDREN = ("Secret", "ServiceAccount", "RoleBinding", "Deployment", "PodDisruptionBudget")
VOLUME = {"name": "extra", "emptyDir": {}}
CHOICES: dict[str, list] = {                        # of the spec's fields; None takes one out
    "image": ["busybox:1.36", "busybox:1.37", None],
    "podLabels": [{"a": "b"}, {"c": "d"}, None],
    "config": [{"runners": {"limit": 3}}, {"log_format": "json"}, None],
    "namespace": ["jobs", None],
    "manager.env": [[{"name": "ONE", "value": "1"}], [{"name": "TWO", "value": "2"}], None],
    "manager.podLabels": [{"e": "f"}, {"g": "h"}, None],
    "manager.podAnnotations": [{"i": "j"}, None],
    "manager.tolerations": [[{"key": "gpu", "operator": "Exists"}], None],
    "manager.podDisruptionBudget": [{"maxUnavailable": 1}, {"minAvailable": 1}, None],
    "manager.podSpec": [{"volumes": [VOLUME], "containers": [{"name": "manager", "volumeMounts": [
        {"name": "extra", "mountPath": "/extra"}]}]}, {"priority": None, "hostname": "waits"}, None],
    "manager.nodeSelector": [{"role": "ci"}, None],
}
OTHERS = [                                          # what somebody does to a child
    {"metadata": {"labels": {"team": "a"}}}, {"metadata": {"labels": {"team": None}}},
    {"metadata": {"annotations": {"note": "mine"}}},
    {"metadata": {"labels": {"app.kubernetes.io/name": "theirs"}}},
    {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}},
    {"metadata": {"annotations": {"gitlab-runners.dev/owner": None}}},
]


def random_edit(chance: random.Random, jobs: str) -> dict:
    field = chance.choice(sorted(CHOICES))
    value = chance.choice(CHOICES[field])
    at, _, inner = field.rpartition(".")
    return {at: {inner: value}} if at else {inner: jobs if value == "jobs" else value}


class Twin:
    """The same objects in namespaces of their own, made of the bodies of all that the operator writes, by apply alone.
    They say nothing that the operator knows, so it leaves them alone; nor whose they are, lest they be collected."""
    WORDS = (("gitlab-runners.dev", "twins.dev"), (f'"app.kubernetes.io/managed-by":"{MANAGER}"',
                                                   '"app.kubernetes.io/managed-by":"twin"'))

    def __init__(self, stage: Stage, namespaces: list[str]) -> None:
        self.stage = stage
        self.namespaces = {ns: stage.namespace(f"{ns}-twin") for ns in namespaces}

    def renamed(self, body: dict) -> dict:
        text = json.dumps(body, separators=(",", ":"))
        for ours, theirs in self.WORDS:
            text = text.replace(ours, theirs)
        return json.loads(text)

    def path(self, path: str) -> str:
        before, _, rest = path.partition("/namespaces/")
        ns, _, rest = rest.partition("/")
        return f"{before.lstrip('/')}/namespaces/{self.namespaces[ns]}/{rest}"

    def follow(self, entry: Entry) -> None:
        """What the operator has written; a hand-over is of no use here."""
        if entry.status // 100 != 2 or entry.headers.get("content-type") == MERGE_PATCH:
            return
        if entry.method == "DELETE":
            assert self.stage.kube.call("DELETE", self.path(entry.path)).status_code in (200, 202, 404)
            return
        body = self.renamed(entry.json)
        body["metadata"] = {key: value for key, value in body["metadata"].items()
                            if key in ("name", "labels", "annotations", "finalizers")}
        answer = self.stage.kube.call("PATCH", self.path(entry.subject), data=json.dumps(body), headers=APPLY,
                                      params={"fieldManager": MANAGER, "force": "true"})
        assert answer.ok, answer.text

    def essence(self, body: dict) -> dict:
        """What is the same of both; as somebody who has the twin's words would see it."""
        meta = {key: body["metadata"].get(key, {}) for key in ("name", "labels", "annotations", "finalizers")}
        meta["annotations"] = {key: value for key, value in meta["annotations"].items() if "deployment." not in key}
        return self.renamed({key: value for key, value in body.items() if key in CONTENT} | {"metadata": meta})

    def applied(self, body: dict) -> list[dict]:
        """What is the operator's by apply, and nothing may be its own by update then."""
        entries = [entry for entry in body["metadata"]["managedFields"] if entry["manager"] == MANAGER]
        assert len(entries) == 1, entries
        fields = [entry["fieldsV1"] for entry in entries if entry["operation"] == "Apply"]
        for each in fields:
            each["f:metadata"].pop("f:ownerReferences", None)
        return [self.renamed(each) for each in fields]


class Pair:
    """A runner and the twins of its children, step by step."""

    def __init__(self, stage: Stage, chance: random.Random) -> None:
        self.stage, self.chance = stage, chance
        self.jobs = stage.namespace(f"{stage.name}-jobs", **{"gitlab-runners.dev/allowed-from": stage.name})
        self.twin = Twin(stage, [stage.name, self.jobs])
        self.runner: Runner = stage.unmanned()
        self.since = 0

    def children(self) -> list[tuple[str, str, dict]]:
        found = [(kind, ns, body) for ns in self.twin.namespaces for kind in CHILDREN
                 for body in self.stage.kube.list(kind, ns, f"app.kubernetes.io/managed-by={MANAGER}")]
        return [(kind, ns, body) for kind, ns, body in found if not body["metadata"]["name"].endswith("-token")]

    def settle(self) -> None:
        """What the operator has written since, the twins have then, too."""
        self.stage.settled([self.runner])
        places = "|".join(self.twin.namespaces)
        pattern = rf".*/namespaces/({places})/(secrets|serviceaccounts|rolebindings|deployments|poddis[a-z]*)(/.*)?"
        for entry in self.stage.proxy.entries(WRITES, pattern, since=self.since):
            if "-runner-token" not in entry.subject:
                self.twin.follow(entry)
        self.since = self.stage.proxy.mark()

    def somebody_edits(self) -> str:
        kind, ns, body = self.chance.choice(self.children())
        change = self.chance.choice(OTHERS)
        for where, what in ((ns, change), (self.twin.namespaces[ns], self.twin.renamed(change))):
            checked(self.stage.kube.call("PATCH", self.stage.kube.path(kind, where, body["metadata"]["name"]),
                                         data=json.dumps(what), headers={"Content-Type": MERGE_PATCH},
                                         params={"fieldManager": "somebody"}))
        return f"{kind}: {change}"

    def the_spec_is_edited(self) -> str:
        change = random_edit(self.chance, self.jobs)
        self.runner.edit(**change)
        return f"spec: {change}"

    def compare(self, story: list[str]) -> int:
        """How many of them have been applied."""
        applied = 0
        for kind, ns, body in self.children():
            twin = self.stage.kube.get(kind, body["metadata"]["name"], self.twin.namespaces[ns])
            assert twin and self.twin.essence(body) == self.twin.essence(twin), (kind, story)
            if fields := self.twin.applied(body):
                assert fields == self.twin.applied(twin), (kind, story)
                applied += 1
        return applied


@pytest.mark.parametrize("seed", range(round(scaled(10, 1))))
def test_children_are_as_if_they_were_only_ever_applied(seed: int, stage: Stage, gitlab: GitLabAdmin) -> None:
    stage.registration_token()
    stage.operator.start()
    chance, story = random.Random(seed), []
    pair = Pair(stage, chance)
    pair.settle()
    assert pair.compare(story) == 0, "none was applied yet"
    for _ in range(STEPS):
        story.append(pair.somebody_edits() if chance.random() < 0.4 else pair.the_spec_is_edited())
        pair.settle()
        pair.compare(story)
    assert pair.compare(story) >= 3, story


def test_a_child_that_is_owned_in_two_ways_is_put_right_by_a_restart(stage: Stage, gitlab: GitLabAdmin) -> None:
    """As after an earlier release, which knows of no hand-over, has taken a label and a variable out."""
    stage.registration_token()
    stage.operator.start()
    runner = stage.runner(manager={"replicas": 0, "podLabels": {"a": "b"}, "env": [{"name": "ONE", "value": "1"}]})
    stage.settled([runner])
    made = stage.requests("POST", ".*/deployments/builds-runner")[0].json
    stage.operator.stop()
    runner.edit(manager={"podLabels": None, "env": None})
    container = made["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [variable for variable in container["env"] if variable["name"] != "ONE"]
    made["spec"]["template"]["metadata"]["labels"].pop("a")
    path = stage.kube.path("Deployment", stage.name, "builds-runner")
    checked(stage.kube.call("PATCH", path, data=json.dumps(made), headers=APPLY,
                            params={"fieldManager": MANAGER, "force": "true"}))
    assert runner.child("manager")["spec"]["template"]["metadata"]["labels"]["a"] == "b", "it is owned by update, too"
    stage.operator.start()

    def is_right() -> bool:
        template = runner.child("manager")["spec"]["template"]
        names = [variable["name"] for variable in template["spec"]["containers"][0]["env"]]
        return "a" not in template["metadata"]["labels"] and "ONE" not in names
    wait_for("both are gone", is_right, 20)
    stage.settled([runner])


def test_a_default_that_somebody_changes_is_no_drift(stage: Stage, gitlab: GitLabAdmin) -> None:
    """What a POST has made is ours with all defaults; they are nobody's wish."""
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    stage.mark()
    stage.kube.patch("Deployment", "builds-runner", {"spec": {"progressDeadlineSeconds": 700}}, stage.name)
    stage.wait_quiet()
    assert not stage.requests(WRITES, ".*/deployments/.*")
    assert runner.child("manager")["spec"]["progressDeadlineSeconds"] == 700


def test_a_restart_writes_nothing_to_what_was_only_made(stage: Stage, gitlab: GitLabAdmin) -> None:
    """And somebody's edit meanwhile is found, though nothing but a digest of our fields was told."""
    stage.registration_token()
    stage.operator.start()
    runner = stage.unmanned()
    stage.settled([runner])
    stage.operator.stop()
    stage.mark()
    stage.operator.start()
    stage.wait_quiet()
    assert stage.writes() == []
    stage.operator.stop()
    before = runner.child("account")["metadata"]["labels"]
    stage.kube.patch("ServiceAccount", "builds-runner", {"metadata": {"labels": {"app.kubernetes.io/name": "x"}}}, stage.name)
    stage.kube.patch("Secret", "builds-runner-config", {"data": {"config.toml": None, "theirs": "eA=="}}, stage.name)
    stage.operator.start()
    wait_for("the label is back", lambda: runner.child("account")["metadata"]["labels"] == before, 20)
    wait_for("so is the key", lambda: "config.toml" in runner.child("config")["data"], 20)
