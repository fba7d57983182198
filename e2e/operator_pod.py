"""The operator in the cluster: installed from manifests/, watched, crashed, restarted."""
from __future__ import annotations

import os
import re
import signal
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from cluster import CACHE, EXISTING, PATIENCE, Kube, checked, kubectl, wait_for, wait_kind

NAMESPACE = "gitlab-runner-system"
NAME = "gitlab-runner-controller"
ORPHANS = "gitlab-runner-orphans"                               # the ledger, a Secret beside it
USER = f"system:serviceaccount:{NAMESPACE}:{NAME}"
PORT = 8080
PROGRAM = b"/usr/bin/gitlab-runner-controller"
MANIFESTS = os.environ.get("MANIFESTS", "manifests/default")    # or a kustomization of one's own


class Operator:
    def __init__(self, kube: Kube) -> None:
        self.kube = kube
        self._known: dict = {}      # the pod as it was when the test began, or when the test itself replaced it
        self._since = ""
        self._past = ""             # logs of pods that the test has ended

    def install(self) -> None:
        """From its image and manifests, begun anew where it is there already."""
        if not EXISTING:
            subprocess.run(["ctr", "-n", "k8s.io", "images", "import", CACHE / "images/controller.tar"],
                           check=True, stdout=subprocess.DEVNULL)
        self.kube.delete("Deployment", NAME, NAMESPACE)
        kubectl("apply", "-k", MANIFESTS)
        wait_kind()
        self.wait_ready(180)    # its image is unpacked, on a node that has just been made

    def pods(self) -> list[dict]:
        return self.kube.list("Pod", NAMESPACE, f"app.kubernetes.io/name={NAME}")

    def wait_ready(self, seconds: float = PATIENCE) -> dict:
        """The one pod, when it is there, ready, and alone."""
        def ready() -> dict | None:
            pods = self.pods()
            return pods[0] if len(pods) == 1 and is_ready(pods[0]) else None
        return wait_for("the operator's pod is ready", ready, seconds)

    def begin_test(self) -> None:
        self._since = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._past = ""
        self.accept()

    def accept(self, ended: bool = False) -> dict:
        """The pod of now is the one that has to stay. ended: the test itself has ended its process."""
        if not ended:
            self.assert_never_crashed()
        self._known = self.wait_ready()
        return self._known

    def assert_steady(self) -> None:
        self.assert_never_crashed()
        uids = [pod["metadata"]["uid"] for pod in self.pods()]
        assert uids == [self._known["metadata"]["uid"]], "the operator was replaced"

    def assert_never_crashed(self) -> None:
        """Whichever pod it is by now: its process is the first, or the one that was accepted."""
        known = {self._known["metadata"]["uid"]: restarts(self._known)} if self._known else {}
        crashed = [pod for pod in self.pods() if restarts(pod) != known.get(pod["metadata"]["uid"], 0)]
        assert not crashed, "the operator has crashed:\n" + self.previous_logs()

    def logs(self) -> str:
        """All that was logged since the test began."""
        return self._past + "".join(self.kube.logs(pod, sinceTime=self._since) for pod in self.pods())

    def previous_logs(self) -> str:
        return "".join(self.kube.logs(pod, previous="true", tailLines=40) for pod in self.pods())

    def page(self, page: str) -> str:
        answer = self.kube.pod_page(self._known, PORT, page)
        assert answer.ok, f"/{page}: {answer.status_code} {answer.text}"
        return answer.text

    def metrics(self) -> dict[str, float]:
        """{'name{label="value"}': value}"""
        lines = (line.rpartition(" ") for line in self.page("metrics").splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def wait_idle(self) -> None:
        """Every object was looked at, and nothing is left to do."""
        def idle() -> bool:
            metrics = self.metrics()
            return not any(value for name, value in metrics.items()
                           if name.startswith(("workqueue_depth{", "controller_runtime_active_workers{",
                                               "gitlab_runner_controller_gitlab_calls{")))
        self.accept()
        wait_for("the operator is idle", idle)

    # Its process, as seen on the node

    def processes(self) -> list[Path]:
        """Their folders in /proc; only where the tests share the node's processes."""
        return [folder for folder in Path("/proc").glob("[0-9]*") if program_of(folder) == PROGRAM]

    def process(self) -> Path:
        """Its folder; an operator that is on its way out is waited for."""
        return wait_for("one process of the operator", lambda: len(found := self.processes()) == 1 and found[0])

    def freeze(self) -> None:
        """From now on it does nothing, but the kernel keeps its connections."""
        os.kill(int(self.process().name), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(int(self.process().name), signal.SIGCONT)

    def crash(self) -> None:
        """Ends as by kill -9, and a new pod takes its place.

        The old pod goes first, or the kubelet might start the program there again, and for a moment there would be two.
        Nor does the new one wait until the Lease of the old one has run out: that has tests of its own.
        """
        process = self.process()
        os.kill(int(process.name), signal.SIGSTOP)
        self._remember_logs()
        self.kube.patch("Lease", NAME, {"spec": {"holderIdentity": ""}}, NAMESPACE)
        self.kube.delete("Pod", self._known["metadata"]["name"], NAMESPACE, gracePeriodSeconds=0)
        os.kill(int(process.name), signal.SIGKILL)
        self._wait_replaced()

    def restart(self) -> dict:
        self._remember_logs()
        self.kube.delete("Pod", self._known["metadata"]["name"], NAMESPACE)
        return self._wait_replaced()

    def _remember_logs(self) -> None:
        self._past = self.logs()

    def _wait_replaced(self) -> dict:
        old = self._known["metadata"]["uid"]
        wait_for("the operator's old pod is gone", lambda: old not in [pod["metadata"]["uid"] for pod in self.pods()])
        return self.accept()

    def may(self, verb: str, resource: str, ns: str = "default", name: str = "") -> bool:
        """Whether RBAC lets it."""
        group_resource, _, subresource = resource.partition("/")
        plural, _, group = group_resource.partition(".")
        review = {"spec": {"user": USER, "groups": ["system:serviceaccounts", "system:authenticated"],
                           "resourceAttributes": {"verb": verb, "resource": plural, "group": group, "name": name,
                                                  "subresource": subresource, "namespace": ns}}}
        path = "apis/authorization.k8s.io/v1/subjectaccessreviews"
        return checked(self.kube.call("POST", path, json=review))["status"]["allowed"]


def program_of(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return b""                      # it has ended meanwhile


def is_ready(pod: dict) -> bool:
    conditions = {c["type"]: c["status"] for c in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def restarts(pod: dict) -> int:
    return sum(container["restartCount"] for container in pod["status"].get("containerStatuses", []))


def without_tokens(text: str) -> str:
    """For people to read: tokens cut to what tells them apart."""
    return re.sub(r"\b(gl[a-z]+-|GR1348941)([\w.-]{4})[\w.-]+", r"\1\2…", text)
