"""A runner's life in each of the three flows, once with all that may be around it, and what it is like at the end of each phase."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass

from cluster import STATE, wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from machinery.kills import NAME, Point
from machinery.stage import Stage
from places import GITLAB_IP, Runner
from secrecy import contents

ATTRIBUTES = ("description", "tag_list", "maintenance_note", "paused", "run_untagged", "locked", "access_level",
              "maximum_timeout", "runner_type")
IMAGE = "gitlab/gitlab-runner:v19.3.1"     # of the stand-in's version, whether the operator has asked for that or not
ROTATE = "gitlab-runners.dev/rotate-token"     # on the object: asked for; on its token Secret: done


def host(name: str) -> str:
    """Each runner calls GitLab by a name of its own, which is how its calls are known."""
    return f"{name}.gitlab.test"


def url(name: str, other: bool = False) -> str:
    return f"http://{host(name)}" + (":8081" if other else "")


class Life:
    """Base: subclasses say how a runner is made and what happens to it, in the order of `phases`."""
    by: str
    phases: tuple[str, ...]
    ours = True                             # whether it is us who register and remove the runner
    may_lose = False                        # whether a crash may leave one behind that nobody can find
    repair = 2                              # further writes that a lost token may cost: it is saved, and then marked
    slack = 1                               # … that any kill may: a status that was under way
    jobs: str | None = None                 # another namespace that they run in

    def title(self) -> str:
        return self.by

    def __init__(self, stage: Stage, gitlab: GitLabAdmin, other: GitLabAdmin) -> None:
        self.stage, self.gitlab, self.other = stage, gitlab, other
        self.theirs: set[tuple[int, int, str]] = set()      # GitLab, id and token of each runner that is not ours
        self.prepare()

    def prepare(self) -> None:
        """What all runners of the flow share."""

    def made(self, name: str) -> dict:
        """The spec in the beginning, beside what is so in all flows."""
        return {}

    def create(self, name: str) -> None:
        spec = {"manager": {"replicas": 0, "image": IMAGE}} | self.made(name)
        self.stage.runner(self.by, name=name, url=url(name),
                          hostAliases=[{"ip": GITLAB_IP, "hostnames": [host(name)]}], **spec)

    def edit(self, name: str) -> None:
        self.runner(name).edit(image="busybox:1.37")

    def rotate(self, name: str) -> None:
        self.stage.kube.patch("GitLabRunner", name, {"metadata": {"annotations": {ROTATE: "now"}}}, self.stage.name)

    def move(self, name: str) -> None:
        self.runner(name).edit(url=url(name, other=True))

    def delete(self, name: str) -> None:
        self.runner(name).delete()

    def is_killed_at(self, point: Point) -> bool:
        return True

    def token(self, name: str) -> str:
        """What its token has to be."""
        return self.runner(name).token()

    def must_be(self, phase: str, name: str) -> None:
        """What the end of a phase has to be, written by hand: the recorded one is the measure of all others."""
        runner = self.runner(name)
        if phase == "delete":
            assert runner.object() is None
            wait_for("the garbage collector has taken its children", lambda: not left_of(runner, self.jobs))
            return
        body, spec = runner.object(), runner.object()["spec"]
        told = {kind: condition["status"] for kind, condition in runner.conditions().items()}
        assert told["Ready"] == told["Registered"] == told["ConfigApplied"] == told["ManagerAvailable"] == "True", told
        assert not {"Stalled", "Reconciling", "Drained"} & told.keys(), told
        assert body["status"]["observedGeneration"] == body["metadata"]["generation"]
        entry, = runner.config()["runners"]
        assert (entry["token"], entry["url"]) == (runner.token(), spec["url"])
        pods = entry["kubernetes"]
        assert (pods["image"], pods["namespace"]) == (spec["image"], self.jobs or self.stage.name)
        assert runner.child("manager")["spec"]["replicas"] == spec["manager"]["replicas"]
        wanted = children_of(runner, self.jobs)
        if "podDisruptionBudget" not in spec["manager"]:
            del wanted["budget"]
        assert [what for what, place in wanted.items() if not runner.kube.get(*place)] == []

    def runner(self, name: str) -> Runner:
        return self.stage.runner_named(name)

    def enter(self, phase: str, name: str) -> None:
        getattr(self, phase)(name)

    def wait(self, phase: str, name: str) -> None:
        """Until an undisturbed runner has come to the end of the phase, but for what is written last."""
        runner = self.runner(name)
        if phase == "delete":
            runner.wait_gone()
        elif phase == "rotate":
            wait_for("the rotation is noted", lambda: runner.child("token")["metadata"]["annotations"].get(ROTATE))
        else:
            runner.wait()


class ByRegistrationToken(Life):
    by = "registrationToken"
    may_lose = True
    repair = 4                              # a token lost in a rotation: another runner is registered
    phases = ("create", "edit", "rotate", "move", "delete")

    def prepare(self) -> None:
        project = self.stage.registration_token()
        self.other.add_project("app", registration_token=project["runners_token"])


class ByAccessToken(Life):
    by = "accessToken"
    phases = ("create", "edit", "rotate", "rescope", "move", "delete")

    def prepare(self) -> None:
        token = self.stage.access_token()
        self.project = self.gitlab.add_project("app")["id"]
        self.other.add_token("api", admin=True, token=token["token"])
        self.other.add_project("app", id=self.project)

    def made(self, name: str) -> dict:
        return {"tags": ["a"], "description": "before"}

    def edit(self, name: str) -> None:
        self.runner(name).edit(tags=["b", "c"], description="after", image="busybox:1.37")

    def rescope(self, name: str) -> None:
        self.runner(name).edit(scope={"type": "Project", "projectId": self.project})


class ByRunnerToken(Life):
    by = "runnerToken"
    phases = ("create", "edit", "exchange", "move", "delete")
    ours = False

    def prepare(self) -> None:
        self._users = GitLabUser(self.gitlab), GitLabUser(self.other)
        self._given: dict[str, str] = {}        # by name

    def made(self, name: str) -> dict:
        return self._reference(name, "first")

    def _reference(self, name: str, which: str, other: bool = False) -> dict:
        """To a Secret with the token of another runner that somebody has made."""
        secret = f"{name}-{which}"
        made = self._users[other].create_runner(description=f"the {which} of {name}")
        self.stage.secret(secret, runner_token=made["token"])
        self.theirs.add((int(other), made["id"], made["token"]))
        self._given[name] = made["token"]
        return {"authentication": {"runnerTokenSecretRef": {"name": secret}}}

    def token(self, name: str) -> str:
        return self._given[name]

    def exchange(self, name: str) -> None:
        self.runner(name).edit(**self._reference(name, "second"))

    def move(self, name: str) -> None:
        self.runner(name).edit(url=url(name, other=True), **self._reference(name, "third", other=True))


class WithAll(ByAccessToken):
    """A manager that runs, as far as kwok goes, with all that a runner may have around it."""
    phases = ("create", "edit", "delete")
    slack = repair = 4                      # what is told of pods while they start

    def title(self) -> str:
        return "with all"

    def prepare(self) -> None:
        super().prepare()
        own = self.stage.name
        self.jobs = self.stage.namespace(f"{own}-jobs", **{"gitlab-runners.dev/allowed-from": own})
        self.authority = (STATE / "pki/ca.crt").read_text()
        self.stage.put("ConfigMap", "authority", {"data": {"ca.crt": self.authority}})
        self.stage.secret("keys", accesskey="the-access-key", secretkey="the-secret-key")

    def made(self, name: str) -> dict:
        return super().made(name) | {
            "manager": {"replicas": 1, "image": IMAGE, "podDisruptionBudget": {"maxUnavailable": 1}},
            "namespace": self.jobs, "caConfigMapRef": {"name": "authority"},
            "cache": {"type": "s3", "s3": {"bucketName": "b", "credentialsSecretRef": {"name": "keys"}}}}

    def is_killed_at(self, point: Point) -> bool:
        """How often it is told of pods that start is up to kwok."""
        return not point.what.startswith("status")

    def must_be(self, phase: str, name: str) -> None:
        super().must_be(phase, name)
        if phase != "delete":
            runner = self.runner(name)
            s3 = runner.config()["runners"][0]["cache"]["s3"]
            assert (s3["AccessKey"], s3["SecretKey"]) == ("the-access-key", "the-secret-key")
            assert contents(runner.child("config"))["ca.crt"].split() == self.authority.split()


# ----------------------------------------------------------------------------------------------------------------------
# What a runner is like


@dataclass(frozen=True)
class Row:
    """A runner at one of the GitLabs."""
    gitlab: int
    id: int
    token: str
    mark: str
    about: str

    @staticmethod
    def all_of(gitlabs: list[GitLabAdmin]) -> list[Row]:
        return [Row(number, row["id"], row["token"], row["mark"] or "", json.dumps({k: row[k] for k in ATTRIBUTES}))
                for number, gitlab in enumerate(gitlabs) for row in gitlab.runners()]


def children_of(runner: Runner, jobs: str | None = None) -> dict[str, tuple[str, str, str]]:
    """All that may be made of it. jobs: the namespace that they run in, if it is another one."""
    return runner.children(jobs) | {"budget": ("PodDisruptionBudget", f"{runner.name}-runner", runner.ns)}


def shape(runner: Runner, jobs: str | None = None) -> str:
    """The object's state and its children, without what differs from runner to runner, such as of which children the
    status happened to tell the fields."""
    body = runner.object()
    if body is None:
        return "gone"
    status = body.get("status", {})
    conditions = [{key: value for key, value in condition.items() if key != "lastTransitionTime"}
                  for condition in sorted(status.get("conditions", []), key=lambda c: c["type"])]
    parts: dict[str, object] = {"finalizers": body["metadata"].get("finalizers"),
                                "status": {**status, "conditions": conditions, "appliedFields": None}}
    for what, place in children_of(runner, jobs).items():
        parts[what] = parts_of(runner.kube.get(*place))
    return anonymous(json.dumps(parts, indent=1, sort_keys=True), body["metadata"]["uid"])


def parts_of(child: dict | None) -> dict | None:
    if child is None:
        return None
    meta = {key: child["metadata"].get(key) for key in ("labels", "annotations", "finalizers", "ownerReferences")}
    rest = {key: child.get(key) for key in ("type", "spec", "roleRef", "subjects")}
    return meta | rest | {"data": contents(child) if child["kind"] == "Secret" else None}


VARIES = (
    (NAME.pattern, "NAME"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "ACCOUNT"),
    (r"\b[0-9a-f]{16,}\b", "HASH"),
    (r"\b(token|credential)=\d+", r"\1=VERSION"),
    (r"\b20\d\d-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\bgl\w+-[\w-]{16,}(\.\w+)*", "TOKEN"),
    (r'(runnerId|runner-id)": ("?)\d+', r'\1": \2ID'),
    (r"\brunner \d+\b", "runner ID"),
)


def anonymous(text: str, uid: str) -> str:
    text = text.replace(uid, "UID")
    for pattern, word in VARIES:
        text = re.sub(pattern, word, text)
    return text


def left_of(runner: Runner, jobs: str | None = None) -> list[str]:
    """Children that are still there."""
    places = children_of(runner, jobs).values()
    return [f"{kind} {name}" for kind, name, ns in places if runner.kube.get(kind, name, ns)]
