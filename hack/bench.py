"""Measures the operator with N GitLabRunners, and prints one table; the same as flat keys in build/bench.json.

Run by hack/bench inside of a control plane's namespaces. Counts come from the API server's audit log and from the
stand-in's audit, CPU and memory from /proc: nothing that the operator says of itself is believed. Counts and bytes an
object are held against LIMITS, times are not: they are the machine's.
"""
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time

from bench_api import Api
from standin_fixtures import Standin

QUICK = bool(os.environ.get("QUICK"))
N = int(os.environ.get("N") or (150 if QUICK else 1000))
STATE = pathlib.Path("/tmp/gitlab-runner-controller") / os.environ["CLUSTER"]
PROGRAM = "build/gitlab-runner-controller"
NAMESPACE = "bench"
QUIET_SECONDS = 2 if QUICK else 5
LIST = "list by watch"
WRITES = ("create", "update", "patch", "delete", "deletecollection")

# What holds today, so that nothing gets worse unseen. Bytes are held against their limit where what there is once
# (connections, buffers) does not decide.
LIMITS = {
    "writes_per_object": 8,
    "events_per_object": 2,
    "reads_of_children_per_object": 0,
    "gitlab_calls_per_object": 1,
    "anon_bytes_per_object": 4096 if N >= 1000 else 24576,
    "restart_writes": 0,
    "restart_gitlab_calls": 0,
    "restart_lists_per_kind": 1,
    "steady_requests": 0,
}


def kubectl(*args, stdin=None):
    return subprocess.run(["kubectl", *args], input=stdin, text=True, check=True, capture_output=True).stdout


def wait(what, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what}: not within {seconds} s")
        time.sleep(0.05)


# ---------------------------------------------------------------------------------------------------------------------
# Processes

def memory(pid):
    """VmRSS and RssAnon in KiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]), int(fields["RssAnon"].split()[0])


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def pid_of(program):
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].decode().rsplit("/", 1)[-1] == program and str(STATE).encode() in b"".join(words):
            return int(entry.name)
    sys.exit(f"bench: {program} does not run")


class Operator:
    """The operator's process, and the most memory that it had."""

    def __init__(self, folder):
        self.log = pathlib.Path(folder) / "operator.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen([PROGRAM, "run", "--leader-elect=false", "--listen", "127.0.0.1:18080"],
                                            stderr=log)
        self.pid = self.process.pid
        self.peak = (0, 0)
        self._ended = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        while not self._ended.wait(0.02):
            try:
                self.peak = tuple(map(max, self.peak, memory(self.pid)))
            except (OSError, KeyError):
                return

    def wait_ready(self):
        wait("the operator is ready", lambda: subprocess.run(
            ["curl", "-sf", "http://127.0.0.1:18080/readyz"], capture_output=True).returncode == 0)

    def stop(self):
        self._ended.set()
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(30):
            sys.exit(self.log.read_text()[-3000:])


# ---------------------------------------------------------------------------------------------------------------------
# The audit log

class Audit:
    """Counts what the operator asks of the API server, by (verb, resource, name of a subresource)."""

    def __init__(self):
        self._path = STATE / "log/audit.log"
        self._file = self._path.open("rb")
        self._file.seek(0, os.SEEK_END)
        self._rest = b""
        self.counts = collections.Counter()
        self.names = collections.Counter()

    def read(self):
        """Takes in what is new; true when the operator has asked for something."""
        before = self.counts.total()
        while self._read_file():
            pass
        if os.stat(self._path).st_ino != os.fstat(self._file.fileno()).st_ino:  # rotated
            self._file = self._path.open("rb")
            self.read()
        return self.counts.total() > before

    def _read_file(self):
        data = self._file.read(1 << 24)
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if b'"userAgent":"gitlab-runner-controller' in line:
                self._count(json.loads(line))
        return data

    def _count(self, entry):
        verb = entry["verb"]
        if not entry.get("userAgent", "").startswith("gitlab-runner-controller") or \
                entry["stage"] != ("ResponseStarted" if verb == "watch" else "ResponseComplete"):
            return
        if verb == "watch" and "sendInitialEvents=true" in entry["requestURI"]:
            verb = LIST
        ref = entry.get("objectRef", {})
        self.counts[verb, ref.get("resource", ""), ref.get("subresource", "")] += 1
        if verb == "get":
            self.names[ref.get("resource", ""), ref.get("name", "")] += 1

    def wait_quiet(self, seconds=QUIET_SECONDS, at_most=120):
        """Until the operator has asked for nothing for so long."""
        deadline = time.monotonic() + at_most
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < seconds:
            if self.read():
                quiet_since = time.monotonic()
            if time.monotonic() > deadline:
                sys.exit(f"bench: the operator is still at work after {at_most} s: {self.take()}")
            time.sleep(0.1)

    def take(self):
        """The counts since the last call."""
        self.read()
        counts, self.counts = self.counts, collections.Counter()
        return counts


def total(counts, *verbs, events=False):
    return sum(n for (verb, resource, _), n in counts.items() if verb in verbs and (resource == "events") == events)


# ---------------------------------------------------------------------------------------------------------------------
# The run

def runner(i):
    return {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
            "metadata": {"name": f"runner-{i}", "namespace": NAMESPACE},
            "spec": {"url": "http://my.gitlab.com", "image": "busybox", "tags": ["bench"],
                     "authentication": {"registrationTokenSecretRef": {"name": "gitlab"}},
                     "hostAliases": [{"ip": "192.168.99.100", "hostnames": ["my.gitlab.com"]}]}}


def is_converged(item):
    """As far as it gets where there is no node: all is written, and the manager's pod waits."""
    return any(c["type"] == "Ready" and c["reason"] in ("ManagerStarting", "Ready")
               for c in item.get("status", {}).get("conditions", []))


def prepare(token):
    kubectl("create", "namespace", NAMESPACE)
    kubectl("create", "secret", "generic", "gitlab", "-n", NAMESPACE, f"--from-literal=runner-registration-token={token}")


def measure_converging(operator, audit, api):
    """From N new objects to their converged state, and to the last request."""
    server, result = pid_of("kube-apiserver"), {}
    audit.take()
    cpu = cpu_ms(operator.pid), cpu_ms(server)
    begin = time.monotonic()
    seen = api.watch_until(NAMESPACE, N, is_converged)
    api.create(NAMESPACE, [runner(i) for i in range(N)])
    result["created_s"] = time.monotonic() - begin
    seen.wait(600)
    result["converged_s"] = time.monotonic() - begin
    audit.wait_quiet()
    result["cpu_ms_per_object"] = (cpu_ms(operator.pid) - cpu[0]) / N
    result["server_cpu_ms_per_object"] = (cpu_ms(server) - cpu[1]) / N
    result["cpu_ratio"] = result["cpu_ms_per_object"] / result["server_cpu_ms_per_object"]
    return result


def count_converging(counts, names, gitlab_calls):
    children = sum(n for (_, name), n in names.items() if name != "gitlab")
    return {
        "writes_per_object": total(counts, *WRITES) / N,
        "reads_per_object": total(counts, "get", "list") / N,
        "reads_of_children_per_object": children / N,
        "events_per_object": total(counts, *WRITES, events=True) / N,
        "gitlab_calls_per_object": gitlab_calls / N,
        "by_request": {" ".join(filter(None, key)): n / N for key, n in sorted(counts.items())},
    }


def count_restart(counts, gitlab_calls, operator):
    lists = collections.Counter()
    for (verb, resource, _), n in counts.items():
        if verb in ("list", LIST):
            lists[resource] += n
    rss, anon = memory(operator.pid)
    return {
        "restart_requests": counts.total(),
        "restart_lists_per_kind": max(lists.values()),
        "restart_other_requests": counts.total() - lists.total(),  # streams that the server ended, above all
        "restart_writes": total(counts, *WRITES) + total(counts, *WRITES, events=True),
        "restart_gitlab_calls": gitlab_calls,
        "restart_cpu_ms": cpu_ms(operator.pid),
        "restart_rss_mib": rss / 1024,
        "restart_anon_mib": anon / 1024,
    }


def memories(idle, operator):
    rss, anon = memory(operator.pid)
    return {
        "rss_mib_idle": idle[0] / 1024, "anon_mib_idle": idle[1] / 1024,
        "rss_mib": rss / 1024, "anon_mib": anon / 1024,
        "rss_mib_peak": operator.peak[0] / 1024, "anon_mib_peak": operator.peak[1] / 1024,
        "anon_bytes_per_object": (anon - idle[1]) * 1024 / N,
    }


def measure(folder, gitlab):
    api, audit = Api(), Audit()
    prepare(gitlab.facts["registration_token"])
    operator = Operator(folder)
    try:
        operator.wait_ready()
        audit.wait_quiet()
        idle = memory(operator.pid)
        result = measure_converging(operator, audit, api)
        calls = len(gitlab.admin.audit())
        result |= count_converging(audit.take(), audit.names, calls) | memories(idle, operator)
        time.sleep(QUIET_SECONDS)
        result["steady_requests"] = audit.take().total()
        operator.stop()
        begin = time.monotonic()
        operator = Operator(folder)
        operator.wait_ready()
        result["restart_ready_s"] = time.monotonic() - begin
        audit.wait_quiet()
        result |= count_restart(audit.take(), len(gitlab.admin.audit()) - calls, operator)
        result["restart_rss_mib_peak"] = operator.peak[0] / 1024
    finally:
        operator.stop()
    return result


# ---------------------------------------------------------------------------------------------------------------------
# What came of it

ROWS = (
    ("writes per object (Events apart)", "{writes_per_object:.2f}", "writes_per_object"),
    ("Events per object", "{events_per_object:.2f}", "events_per_object"),
    ("reads per object / of children", "{reads_per_object:.2f} / {reads_of_children_per_object:.2f}",
     "reads_of_children_per_object"),
    ("GitLab calls per object", "{gitlab_calls_per_object:.2f}", "gitlab_calls_per_object"),
    ("CPU per object: operator / API server", "{cpu_ms_per_object:.2f} / {server_cpu_ms_per_object:.2f} ms", None),
    ("… their ratio", "{cpu_ratio:.3f}", None),
    ("all created in / converged after", "{created_s:.1f} / {converged_s:.1f} s", None),
    ("idle: VmRSS / RssAnon", "{rss_mib_idle:.1f} / {anon_mib_idle:.1f} MiB", None),
    ("with all: VmRSS / RssAnon", "{rss_mib:.1f} / {anon_mib:.1f} MiB", None),
    ("at most: VmRSS / RssAnon", "{rss_mib_peak:.1f} / {anon_mib_peak:.1f} MiB", None),
    ("anonymous memory per object, with children", "{anon_bytes_per_object:.0f} bytes", "anon_bytes_per_object"),
    ("requests while nothing happens", "{steady_requests}", "steady_requests"),
    ("restart: lists per kind", "{restart_lists_per_kind}", "restart_lists_per_kind"),
    ("restart: writes / other requests", "{restart_writes} / {restart_other_requests}", "restart_writes"),
    ("restart: GitLab calls", "{restart_gitlab_calls}", "restart_gitlab_calls"),
    ("restart: ready after / CPU", "{restart_ready_s:.2f} s / {restart_cpu_ms:.0f} ms", None),
    ("restart: VmRSS / RssAnon / most VmRSS",
     "{restart_rss_mib:.1f} / {restart_anon_mib:.1f} / {restart_rss_mib_peak:.1f} MiB", None),
    ("size of the program", "{program_kib:.0f} KiB", None),
)


def is_kept(result, key):
    return round(result[key], 2) <= LIMITS[key]


def show(result):
    print(f"\n{N} GitLabRunners, control plane without nodes")
    for name, text, key in ROWS:
        limit = f"   at most {LIMITS[key]}{'' if is_kept(result, key) else ': NOT KEPT'}" if key else ""
        print(f"  {name:<44} {text.format(**result):<28}{limit}")
    print("  requests per object: " + ", ".join(f"{key} {n:.2f}" for key, n in result["by_request"].items()))


def save(result):
    flat = {key: value for key, value in result.items() if key != "by_request"}
    flat |= {"request " + key: value for key, value in result["by_request"].items()}
    flat |= {f"rss_mib_{N}": result["rss_mib"], f"anon_mib_{N}": result["anon_mib"], "objects": N,
             "cores": os.cpu_count()}
    pathlib.Path("build/bench.json").write_text(json.dumps(flat, indent=1) + "\n")


def main():
    kubectl("apply", "-k", "crds")
    kubectl("apply", "-f", "manifests/default/executor.yaml")
    with tempfile.TemporaryDirectory() as folder, \
            Standin("--listen", "192.168.99.100:80", "--url", "http://my.gitlab.com", "--seed", "article") as gitlab:
        result = measure(folder, gitlab)
    result["program_kib"] = os.path.getsize(PROGRAM) / 1024
    show(result)
    save(result)
    broken = [key for key in LIMITS if not is_kept(result, key)]
    if broken:
        sys.exit(f"bench: not within its limit: {', '.join(broken)}")


main()
