"""What every measurement has at hand: the API server, its audit log, GitLab, and how much of everything is wanted."""
import contextlib
import dataclasses
import pathlib
import subprocess
import tempfile
import time

from cluster import wait_kind
from standin_fixtures import Standin

from . import mix
from .api import MERGE_PATCH, METADATA, Api
from .audit import Audit
from .process import Operator, wait

GITLAB = "192.168.99.100"
HOST = "my.gitlab.com"
GROUP, YARDSTICKS = "gitlab-runners.dev", "yardstick.gitlab-runners.dev"  # the kind, and the one of the yardstick
PATIENCE = 90  # seconds


@dataclasses.dataclass(frozen=True)
class Scale:
    objects: int        # that converge
    options: tuple = () # of the operator, beside the defaults
    compared: int = 0   # objects that converge by the operator and by each of the others, in each …
    rounds: int = 3     # … of so many rounds
    quiet: float = 5    # seconds without a request, after which nothing is left to do
    steady: float = 10  # seconds in which nothing may be asked
    singles: int = 9    # objects of which each is alone: as many of each kind of the mix
    churn: float = 10   # seconds in which 20 new objects come each
    slow: int = 100     # objects at a GitLab that answers after 100 ms
    living: int = 100   # objects at a GitLab that answers …
    dead: int = 20      # … beside those at one that does not
    secrets: int = 300  # of 1 MB, which are not ours
    priced: int = 200   # objects whose requests are sent one kind after another, in each …
    prices: int = 5     # … of so many rounds
    peer: bool = True   # another operator is compared with, too


def kubectl(*args, stdin=None):
    return subprocess.run(["kubectl", *args], input=stdin, text=True, check=True, capture_output=True).stdout


def is_served(kind):
    return subprocess.run(["kubectl", "get", kind, "-A"], check=False, capture_output=True).returncode == 0


def runner(name, namespace, host=HOST, group=GROUP):
    return {"apiVersion": f"{group}/v1beta1", "kind": "GitLabRunner",
            "metadata": {"name": name, "namespace": namespace}, "spec": mix.spec(name, host, GITLAB)}


def path_of(namespace, name="", group=GROUP):
    return f"/apis/{group}/v1beta1/namespaces/{namespace}/gitlabrunners" + (f"/{name}" if name else "")


def runners(namespace, prefix, count, host=HOST, group=GROUP, step=1):
    """step: between their numbers, by which they are of all kinds of the mix, or of one."""
    return [runner(f"{prefix}-{i}", namespace, host, group) for i in range(0, count * step, step)]


def group_of(objects):
    """They are all of one."""
    return objects[0]["apiVersion"].partition("/")[0]


def is_converged(item):
    """As far as it gets where there is no node: all is written, and the manager's pod waits."""
    status = item.get("status", {})
    return status.get("observedGeneration") == item["metadata"]["generation"] and any(
        c["type"] == "Ready" and c["reason"] in ("ManagerStarting", "Ready") for c in status.get("conditions", []))


class Converging:
    """Objects of which all is written: the status says so, and the Deployment, which comes last, is there."""

    def __init__(self, api, namespace, count, prefix, group):
        def is_ours(item):
            return item["metadata"]["name"].startswith(prefix)
        self._parts = (
            api.watch(path_of(namespace, group=group), count, lambda item: is_ours(item) and is_converged(item)),
            api.watch(f"/apis/apps/v1/namespaces/{namespace}/deployments", count, is_ours, METADATA),
        )

        self._moved = time.monotonic(), 0  # when there was one more, and how many there were

    def count(self):
        return min(len(part.seen) for part in self._parts)

    def check_moves(self):
        """There may be many, and a slow machine; but there must be one more in a while."""
        now, count = time.monotonic(), self.count()
        if count > self._moved[1]:
            self._moved = now, count
        if now - self._moved[0] > PATIENCE:
            raise SystemExit(f"bench: {count} objects have converged, and no more")

    def is_done(self):
        return all(part.is_done() for part in self._parts)

    def wait(self, seconds):
        wait(f"objects have converged, {self.count()} so far", self.is_done, seconds, 0.002)

    def seen(self, name):
        """When it had come to that; None while it has not."""
        statuses, deployments = (part.seen for part in self._parts)
        child = f"{name}-runner"
        return max(statuses[name], deployments[child]) if name in statuses and child in deployments else None

    def last(self):
        return max(max(part.seen.values()) for part in self._parts)


class Scene:
    def __init__(self, scale, gitlab, folder):
        self.scale, self.gitlab, self.folder = scale, gitlab, pathlib.Path(folder)
        self.api, self.audit = Api(), Audit()
        kubectl("apply", "-k", "crds")
        wait_kind()
        kubectl("apply", "-f", "manifests/base/executor.yaml")

    def add_yardstick(self):
        """The kind of the yardstick."""
        kubectl("apply", "-f", "hack/bench/yardstick/crd.yaml")
        wait("the yardstick's kind is served", lambda: is_served(f"gitlabrunners.{YARDSTICKS}"))

    def add_namespace(self, name):
        kubectl("create", "namespace", name)
        kubectl("create", "secret", "generic", mix.SECRET, "-n", name,
                f"--from-literal=runner-registration-token={self.gitlab.facts['registration_token']}")
        kubectl("create", "secret", "generic", mix.CACHE_SECRET, "-n", name,
                "--from-literal=accesskey=bench", "--from-literal=secretkey=secret-of-the-bench")

    def operator(self, *options):
        return Operator(self.folder, *self.scale.options, *options)

    def wait_quiet(self):
        self.audit.wait_quiet(self.scale.quiet)

    def create(self, namespace, objects, told=None):
        """See Api.create."""
        self.api.create(path_of(namespace, group=group_of(objects)), objects, told)

    def edit(self, namespace, name, change):
        """A merge patch."""
        return self.api.call("PATCH", path_of(namespace, name), change, MERGE_PATCH)

    def watch(self, namespace, count, prefix="", group=GROUP):
        """prefix: of the names that count."""
        return Converging(self.api, namespace, count, prefix, group)

    def watch_edits(self, namespace, count):
        """When the status is that of an object which has been edited once or more."""
        return self.api.watch(path_of(namespace), count,
                              lambda item: item["metadata"]["generation"] > 1 and is_converged(item))


@contextlib.contextmanager
def stage(scale):
    """Gives the scene, with a GitLab."""
    with tempfile.TemporaryDirectory() as folder, \
            Standin("--listen", f"{GITLAB}:80", "--url", f"http://{HOST}", "--seed", "article") as gitlab:
        gitlab.admin.settings(runner_limit=1_000_000)
        yield Scene(scale, gitlab, folder)
