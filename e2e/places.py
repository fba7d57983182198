"""What tests work with: a corner of the cluster of their own, and the GitLabRunners in it."""
from __future__ import annotations

import base64
import os
import tomllib

from cluster import EXISTING, PATIENCE, AuditLog, Kube, kubectl, wait_for
from deadline import DeadlineMissed
from gitlab_admin import GitLabAdmin
from operator_pod import NAMESPACE, ORPHANS, Operator
from secrecy import assert_secrets_are_kept

GITLAB_IP = os.environ.get("GITLAB_IP", "192.168.99.100")  # where this machine's GitLab can be reached by pods
HOST = "my.gitlab.com"                                     # known to no DNS
URL = f"http://{HOST}"
TLS_URL = f"https://{HOST}"
OTHER_URL = f"http://{HOST}:8081"
LABEL = "gitlab-runners.dev/e2e"                           # on every namespace that tests make
FINALIZER = "gitlab-runners.dev/deregister"
FORCE = "gitlab-runners.dev/force-delete"                  # on an object that is deleted: wait for nobody


def decoded(secret: dict | None, key: str) -> str:
    return base64.b64decode(secret["data"][key]).decode()


class Runner:
    """A GitLabRunner and what the operator makes of it."""

    def __init__(self, kube: Kube, ns: str, name: str) -> None:
        self.kube, self.ns, self.name = kube, ns, name

    # The object

    def object(self) -> dict | None:
        return self.kube.get("GitLabRunner", self.name, self.ns)

    def uid(self) -> str:
        return self.object()["metadata"]["uid"]

    def status(self) -> dict:
        return self.object().get("status", {})

    def conditions(self) -> dict[str, dict]:
        return {c["type"]: c for c in self.status().get("conditions", [])}

    def is_unserved(self) -> bool:
        """No operator has ever said anything of it: what it has is the CRD's default."""
        return {kind: c["reason"] for kind, c in self.conditions().items()} == {"Ready": "WaitingForOperator"}

    def wait(self, kind: str = "Ready", status: str = "True", reason: str | None = None,
             seconds: float = PATIENCE) -> dict:
        """The condition, when it is so and about the spec of now."""
        def holds() -> dict | None:
            body = self.object()
            for found in body.get("status", {}).get("conditions", []):
                if (found["type"] == kind and found["status"] == status and reason in (None, found["reason"])
                        and found["observedGeneration"] == body["metadata"]["generation"]):
                    return found
            return None
        wanted = f"{kind}={status}" + (f" ({reason})" if reason else "")
        try:
            return wait_for(f"GitLabRunner {self.name} is {wanted}", holds, seconds)
        except DeadlineMissed as late:
            raise DeadlineMissed(f"{late}; it is {self.summary()}") from None

    def wait_refused(self, reason: str, seconds: float = PATIENCE) -> str:
        """The message, when the object is not ready for that reason."""
        return self.wait("Ready", "False", reason, seconds)["message"]

    def summary(self) -> str:
        shown = [f"{c['type']}={c['status']} ({c['reason']}: {c['message']})" for c in self.conditions().values()]
        return "; ".join(shown) or "without status"

    def edit(self, **spec: object) -> None:
        """Sets fields of the spec; None takes one out."""
        self.kube.patch("GitLabRunner", self.name, {"spec": spec}, self.ns)

    def delete(self) -> None:
        self.kube.delete("GitLabRunner", self.name, self.ns)

    def force(self) -> None:
        self.kube.patch("GitLabRunner", self.name, {"metadata": {"annotations": {FORCE: "true"}}}, self.ns)

    def wait_gone(self, seconds: float = PATIENCE) -> None:
        wait_for(f"GitLabRunner {self.name} is gone", lambda: self.object() is None, seconds)

    def events(self) -> list[dict]:
        """The operator's, about this object, oldest first."""
        found = [event for event in self.kube.list("Event", self.ns) if event["regarding"].get("name") == self.name
                 and event["regarding"].get("kind") == "GitLabRunner"]
        return sorted(found, key=lambda event: event["eventTime"])

    def wait_event(self, reason: str) -> dict:
        return wait_for(f"an Event {reason}", lambda: next((x for x in self.events() if x["reason"] == reason), None))

    # What is made of it

    def children(self, job_namespace: str | None = None) -> dict[str, tuple[str, str, str]]:
        """Kind, name and namespace of each, by what it is for."""
        return {
            "token": ("Secret", f"{self.name}-runner-token", self.ns),
            "config": ("Secret", f"{self.name}-runner-config", self.ns),
            "account": ("ServiceAccount", f"{self.name}-runner", self.ns),
            "binding": ("RoleBinding", f"{self.ns}.{self.name}-runner", job_namespace or self.ns),
            "manager": ("Deployment", f"{self.name}-runner", self.ns),
        }

    def child(self, what: str, job_namespace: str | None = None) -> dict | None:
        return self.kube.get(*self.children(job_namespace)[what])

    def token(self) -> str:
        return decoded(self.child("token"), "runner-token")

    def config_text(self) -> str:
        return decoded(self.child("config"), "config.toml")

    def config(self) -> dict:
        return tomllib.loads(self.config_text())

    def kubernetes(self) -> dict:
        """The executor's section of config.toml."""
        return self.config()["runners"][0]["kubernetes"]

    def managers(self) -> list[dict]:
        """Its manager pods that are not on their way out."""
        pods = self.kube.list("Pod", self.ns, f"gitlab-runners.dev/runner={self.name}")
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def manager_metric(self, name: str) -> float:
        page = self.kube.pod_page(self.managers()[0], 9252, "metrics").text
        return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(name))


class Place:
    """A namespace that only this test uses, and more of them when it asks; at the end all of it goes."""

    def __init__(self, kube: Kube, operator: Operator, gitlab: GitLabAdmin, name: str) -> None:
        self.kube, self.operator, self.name = kube, operator, name
        self.gitlabs = [gitlab]
        self.namespaces: list[str] = []
        self.audit_log = None if EXISTING else AuditLog()
        self.namespace(name)

    def namespace(self, name: str, **annotations: str) -> str:
        meta = {"name": name, "labels": {LABEL: "1"}, "annotations": annotations}
        self.kube.create("Namespace", {"metadata": meta})
        return self.adopt(name)

    def adopt(self, name: str) -> str:
        """A namespace that the test has made otherwise."""
        self.namespaces.append(name)
        return name

    def secret(self, name: str, **keys: str) -> None:
        """Made, or given new content."""
        content = {key.replace("_", "-"): value for key, value in keys.items()}
        self.put("Secret", name, {"stringData": content})

    def put(self, kind: str, name: str, body: dict) -> None:
        """An object of this kind, made or replaced."""
        self.kube.delete(kind, name, self.name)
        self.kube.create(kind, {"metadata": {"name": name}} | body, self.name)

    def registration_token(self, **columns: object) -> dict:
        """A project at GitLab, and a Secret `gitlab` with its registration token."""
        project = self.gitlabs[0].add_project("app", **columns)
        self.secret("gitlab", runner_registration_token=project["runners_token"])
        return project

    def access_token(self, *scopes: str, **columns: object) -> dict:
        """An administrator's access token with all rights, unless said otherwise, in a Secret `gitlab`."""
        token = self.gitlabs[0].add_token(*(scopes or ("api",)), **(columns or {"admin": True}))
        self.secret("gitlab", access_token=token["token"])
        return token

    def spec(self, by: str = "registrationToken", **spec: object) -> dict:
        """The least that leads to a runner here; what is None is left out."""
        base: dict = {
            "url": URL, "authentication": {f"{by}SecretRef": {"name": "gitlab"}},
            "hostAliases": [{"ip": GITLAB_IP, "hostnames": [HOST]}],
            "image": "busybox:1.36", "pullPolicy": ["IfNotPresent"], "checkIntervalSeconds": 1}
        if by == "accessToken":
            base["scope"] = {"type": "Instance"}
        return {key: value for key, value in (base | spec).items() if value is not None}

    def runner(self, by: str = "registrationToken", name: str = "builds", **spec: object) -> Runner:
        """by: the authentication, from a Secret `gitlab`."""
        body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": name},
                "spec": self.spec(by, **spec)}
        self.kube.create("GitLabRunner", body, self.name)
        return Runner(self.kube, self.name, name)

    def unmanned(self, by: str = "registrationToken", **spec: object) -> Runner:
        """One without a manager pod, for tests of the registration alone."""
        return self.runner(by, manager={"replicas": 0}, **spec)

    def runners(self) -> list[Runner]:
        return [Runner(self.kube, ns, item["metadata"]["name"])
                for ns in self.namespaces for item in self.kube.list("GitLabRunner", ns)]

    # What holds after every test

    def check(self) -> None:
        self.operator.assert_steady()
        for runner in self.runners():
            assert_token_is_in_use(runner, self.gitlabs)
        self.check_always()

    def check_always(self) -> None:
        """What must never be, in the midst of a test that was late neither."""
        self.operator.assert_never_crashed()
        self.assert_nothing_leaked([body["metadata"]["uid"] for runner in self.runners() if (body := runner.object())])
        assert_secrets_are_kept(self)

    def assert_nothing_leaked(self, living: list[str]) -> None:
        for gitlab in self.gitlabs:
            report = gitlab.invariants(living)
            assert not report["leaked"], f"runners {report['leaked']} at {gitlab.url} belong to nobody"
            assert not report["registered_twice"], f"at {gitlab.url}: {report['registered_twice']}"

    def clear(self) -> None:
        """Deletes every GitLabRunner, and makes sure that GitLab knows."""
        for gitlab in self.gitlabs:
            gitlab.clear_faults()
        for runner in self.runners():
            runner.force()      # its managers' jobs are of no interest any more
            runner.delete()
        wait_for("all GitLabRunners of the test are gone", lambda: not self.runners())
        clear_ledger(self.kube)
        self.assert_nothing_leaked([])


def assert_token_is_in_use(runner: Runner, gitlabs: list[GitLabAdmin]) -> None:
    """What is registered, what is in the token Secret and what is in config.toml are the same."""
    body = runner.object()
    conditions = {c["type"]: c for c in body["status"].get("conditions", [])}
    if "deletionTimestamp" in body["metadata"] or conditions.get("Ready", {}).get("status") != "True":
        return
    number = body["status"]["runnerId"]
    known = [row["token"] for gitlab in gitlabs for row in gitlab.runners() if row["id"] == number]
    assert runner.token() in known, f"runner {number} has another token at GitLab than in its Secret"
    assert runner.config()["runners"][0]["token"] == runner.token(), "config.toml has another token than the Secret"


def clear_ledger(kube: Kube) -> None:
    """Runners that a test has left behind are no other test's business."""
    if kube.get("Secret", ORPHANS, NAMESPACE):
        kube.patch("Secret", ORPHANS, {"data": None}, NAMESPACE)


def remove(kube: Kube, namespaces: list[str]) -> None:
    """Lets go of namespaces; they vanish while the next test runs."""
    for ns in namespaces:
        for item in kube.list("GitLabRunner", ns):
            if FINALIZER in item["metadata"].get("finalizers", []):
                kube.patch("GitLabRunner", item["metadata"]["name"], {"metadata": {"finalizers": None}}, ns)
        kube.delete("Namespace", ns)
        if kube.list("Pod", ns):    # managers would wait for jobs that nobody needs any more
            kubectl("delete", "pods", "--all", "-n", ns, "--force", "--grace-period=0", "--wait=false")
