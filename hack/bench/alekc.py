"""Another operator of GitLab Runners as it comes, github.com/alekc/gitlab-runner-operator, beside ours: small objects that
register by an access token. In turns, with the controller manager held, and in each with a new process.

ALEKC=FOLDER python -m bench.alekc; the folder is a checkout of its source, of which hack/peer/alekc has made the program."""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import time

from . import mix
from .process import cpu_ms, held, memory, pid_of, wait, wait_idle
from .report import Row, line_of
from .scene import GITLAB, HOST, Scale, is_served, kubectl, path_of, stage

SOURCE = pathlib.Path(os.environ.get("ALEKC", ""))
PROGRAM = pathlib.Path(os.environ["CACHE"]) / "bin/alekc"
GROUP = "gitlab.k8s.alekc.dev/v1beta2"
N = int(os.environ.get("N") or 500)
PATIENCE = 1800  # seconds
ROWS = (
    Row("objects a second, ours", "{:.1f}", "ours_rate"), Row("… its", "{:.1f}", "alekc_rate"),
    Row("its / ours (the goal: a tenth)", "{:.3f}", "rate_ratio", 0.1),
    Row("the API server's CPU an object, ours", "{:.1f} ms", "ours_server_ms", 16), Row("… its", "{:.1f} ms", "alekc_server_ms"),
    Row("CPU an object, ours", "{:.1f} ms", "ours_cpu_ms"), Row("… its", "{:.1f} ms", "alekc_cpu_ms"),
    Row("VmRSS, ours", "{:.1f} MiB", "ours_rss_mib"), Row("… its", "{:.1f} MiB", "alekc_rss_mib"),
)


class Ours:
    name, path = "ours", staticmethod(path_of)

    def __init__(self, scene):
        self._scene = scene

    def objects(self, space, names):
        spec = {"url": f"http://{HOST}", "image": "busybox:1.36", "tags": ["bench"], "scope": {"type": "Instance"},
                "authentication": {"accessTokenSecretRef": {"name": mix.SECRET}},
                "hostAliases": [{"ip": GITLAB, "hostnames": [HOST]}]}
        return [{"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                 "metadata": {"name": name, "namespace": space}, "spec": spec} for name in names]

    def watch(self, space, count):
        return self._scene.watch(space, count)

    @contextlib.contextmanager
    def started(self):
        with self._scene.operator() as operator:
            operator.wait_ready()
            yield operator.pid


class Alekc:
    name = "alekc"

    def __init__(self, scene):
        self._scene = scene
        kubectl("apply", "--server-side", "-f", str(SOURCE / "config/crd/bases"))
        wait("its kind is served", lambda: is_served("runners.gitlab.k8s.alekc.dev"))

    @staticmethod
    def path(space):
        return f"/apis/{GROUP}/namespaces/{space}/runners"

    def objects(self, space, names):
        spec = {"gitlab_instance_url": f"http://{GITLAB}", "executor_config": {"image": "busybox:1.36"},
                "authentication": {"access_token": {"secret_key_ref": {"name": mix.SECRET, "key": "access-token"}},
                                   "create_options": {"runner_type": "instance_type", "tag_list": ["bench"]}}}
        return [{"apiVersion": GROUP, "kind": "Runner", "metadata": {"name": name, "namespace": space}, "spec": spec}
                for name in names]

    def watch(self, space, count):
        """It says so when all is written."""
        seen = self._scene.api.watch(self.path(space), count, lambda item: item.get("status", {}).get("ready"))
        seen.last = lambda: max(seen.seen.values())
        return seen

    @contextlib.contextmanager
    def started(self):
        with (self._scene.folder / "alekc.log").open("a") as log:
            process = subprocess.Popen([PROGRAM, "--metrics-bind-address=0", "--health-probe-bind-address=127.0.0.1:18082"], stderr=log)
        try:
            wait_idle(pid_of("kube-apiserver"))
            yield process.pid
        finally:
            process.terminate()
            process.wait(30)


def creation(scene, side, space, count):
    """What the creation alone costs, which is the bench's. Nobody sees to these: they go before the operator starts."""
    server = pid_of("kube-apiserver")
    wait_idle(server)
    cpu = cpu_ms(server)
    scene.api.create(side.path(space), side.objects(space, [f"nobodys-{i}" for i in range(count)]))
    wait_idle(server)
    cost = (cpu_ms(server) - cpu) / count
    scene.api.call("DELETE", side.path(space))
    wait_idle(server)
    return cost


def turn(scene, side, space, count):
    server, nobodys = pid_of("kube-apiserver"), creation(scene, side, space, count)
    with side.started() as pid:
        seen, own, cpu, begin = side.watch(space, count), cpu_ms(pid), cpu_ms(server), time.monotonic()
        scene.api.create(side.path(space), side.objects(space, [f"runner-{i}" for i in range(count)]))
        wait(f"all {count} have converged", seen.is_done, PATIENCE)
        wait_idle(server)
        return {"rate": count / (seen.last() - begin), "server_ms": (cpu_ms(server) - cpu) / count - nobodys,
                "cpu_ms": (cpu_ms(pid) - own) / count, "rss_mib": memory(pid)[0]}


def beside_alekc(scene):
    """Each has namespaces of its own, and only one of them is at work at a time."""
    token, found = scene.gitlab.admin.add_token("api", admin=True)["token"], {}
    with held("kube-controller-manager"):
        sides = Ours(scene), Alekc(scene)
        for i in range(scene.scale.rounds):
            for side in sides:
                space = f"{side.name}-{i}"
                kubectl("create", "namespace", space)
                kubectl("create", "secret", "generic", mix.SECRET, "-n", space, f"--from-literal=access-token={token}")
                for key, value in turn(scene, side, space, scene.scale.compared).items():
                    found.setdefault(f"{side.name}_{key}", []).append(value)
    result = {key: statistics.median(values) for key, values in found.items()}
    return result | {"rate_ratio": result["alekc_rate"] / result["ours_rate"]}


def main():
    with stage(Scale(objects=N, compared=N, rounds=1 if os.environ.get("QUICK") else 3)) as scene:
        result = beside_alekc(scene)
    pathlib.Path("build/bench-alekc.json").write_text(json.dumps(result, indent=1) + "\n")
    print(f"{N} small objects")
    print("\n".join(line_of(row, result[row.key], None) for row in ROWS))


if __name__ == "__main__":
    main()
