"""A runner's life in each of the three flows, and what it is like at the end of each phase."""
from __future__ import annotations

import json
import re
from dataclasses import dataclass

from cluster import Kube, wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from machinery.kills import NAME
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
        self.stage.runner(self.by, name=name, url=url(name), manager={"replicas": 0, "image": IMAGE},
                          hostAliases=[{"ip": GITLAB_IP, "hostnames": [host(name)]}], **self.made(name))

    def edit(self, name: str) -> None:
        self.runner(name).edit(image="busybox:1.37")

    def rotate(self, name: str) -> None:
        self.stage.kube.patch("GitLabRunner", name, {"metadata": {"annotations": {ROTATE: "now"}}}, self.stage.name)

    def move(self, name: str) -> None:
        self.runner(name).edit(url=url(name, other=True))

    def delete(self, name: str) -> None:
        self.runner(name).delete()

    def token(self, name: str) -> str:
        """What its token has to be."""
        return self.runner(name).token()

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


LIVES: tuple[type[Life], ...] = (ByRegistrationToken, ByAccessToken, ByRunnerToken)


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


def shape(runner: Runner) -> str:
    """The object's state and its children, without what differs from runner to runner, such as of which children the status
    happened to tell the fields."""
    body = runner.object()
    if body is None:
        return "gone"
    status = body.get("status", {})
    conditions = [{key: value for key, value in condition.items() if key != "lastTransitionTime"}
                  for condition in sorted(status.get("conditions", []), key=lambda c: c["type"])]
    parts: dict[str, object] = {"finalizers": body["metadata"].get("finalizers"),
                                "status": {**status, "conditions": conditions, "appliedFields": None}}
    for what in runner.children():
        parts[what] = parts_of(runner.child(what))
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


def left_of(kube: Kube, runner: Runner) -> list[str]:
    """Children that are still there."""
    return [name for kind, name, ns in runner.children().values() if kube.get(kind, name, ns)]
