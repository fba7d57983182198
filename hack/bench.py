"""Measures the operator with N GitLabRunners: memory, writes and GitLab calls an object. Prints one table.

Run by hack/bench inside of a control plane's namespaces. Counts come from the API server's audit log and from the
stand-in's audit, not from the operator.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from standin_fixtures import Standin

N = int(os.environ.get("N", "100"))
STATE = pathlib.Path("/tmp/gitlab-runner-controller") / os.environ["CLUSTER"]
NAMESPACE = "bench"


def kubectl(*args, stdin=None):
    return subprocess.run(["kubectl", *args], input=stdin, text=True, check=True, capture_output=True).stdout


def wait(what, condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what}: not within {seconds} s")
        time.sleep(0.05)


def memory(pid):
    """VmRSS and RssAnon in KiB."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]), int(fields["RssAnon"].split()[0])


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def start_operator(log):
    return subprocess.Popen(["build/gitlab-runner-controller", "run", "--leader-elect=false", "--listen",
                             "127.0.0.1:18080"], stderr=log)


def requests_of_operator(since):
    """How often the operator called the API server, by verb; Events and watches apart."""
    counts = {}
    for line in (STATE / "log/audit.log").read_text().splitlines()[since:]:
        entry = json.loads(line)
        if entry["stage"] == "ResponseComplete" and entry.get("userAgent", "").startswith("gitlab-runner-controller"):
            verb = "event" if entry["objectRef"]["resource"] == "events" else entry["verb"]
            counts[verb] = counts.get(verb, 0) + 1
    return counts


def audit_length():
    return len((STATE / "log/audit.log").read_text().splitlines())


def runners(token):
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    yield {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gitlab", "namespace": NAMESPACE},
           "stringData": {"runner-registration-token": token}}
    for i in range(N):
        yield {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
               "metadata": {"name": f"runner-{i}", "namespace": NAMESPACE},
               "spec": {"url": "http://my.gitlab.com", "image": "busybox", "tags": ["bench"],
                        "authentication": {"registrationTokenSecretRef": {"name": "gitlab"}},
                        "hostAliases": [{"ip": "192.168.99.100", "hostnames": ["my.gitlab.com"]}]}}


def converged():
    items = json.loads(kubectl("get", "glr", "-n", NAMESPACE, "-o", "json"))["items"]
    reasons = [c["reason"] for i in items for c in i.get("status", {}).get("conditions", []) if c["type"] == "Ready"]
    return reasons.count("ManagerStarting") == N


def row(name, value):
    print(f"  {name:<48} {value}")


def main():
    kubectl("apply", "-k", "crds")
    kubectl("apply", "-f", "manifests/default/executor.yaml")
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/operator.log", "w") as log, \
            Standin("--listen", "192.168.99.100:80", "--url", "http://my.gitlab.com", "--seed", "article") as gitlab:
        operator = start_operator(log)
        try:
            wait("the operator is ready", lambda: subprocess.run(
                ["curl", "-sf", "http://127.0.0.1:18080/readyz"], capture_output=True).returncode == 0)
            idle = memory(operator.pid)
            manifest = "\n---\n".join(json.dumps(o) for o in runners(gitlab.facts["registration_token"]))
            since, cpu, begin = audit_length(), cpu_ms(operator.pid), time.monotonic()
            kubectl("apply", "-f", "-", stdin=manifest)
            applied = time.monotonic() - begin
            wait("all runners are registered and have their Deployments", converged)
            seconds, used = time.monotonic() - begin, cpu_ms(operator.pid) - cpu
            loaded, counts = memory(operator.pid), requests_of_operator(since)
        finally:
            operator.terminate()
            if operator.wait(30):
                sys.exit(pathlib.Path(log.name).read_text()[-3000:])
        calls = len(gitlab.admin.audit())
    print(f"\n{N} GitLabRunners, control plane without nodes")
    row("writes per object (PATCH, DELETE)", f"{(counts.get('patch', 0) + counts.get('delete', 0)) / N:.2f}")
    row("reads per object (GET)", f"{counts.get('get', 0) / N:.2f}")
    row("Events per object", f"{counts.get('event', 0) / N:.2f}")
    row("GitLab calls per object", f"{calls / N:.2f}")
    row("CPU of the operator per object", f"{used / N:.2f} ms")
    row("applied by kubectl in / all converged after", f"{applied:.1f} s / {seconds:.1f} s")
    row("memory idle: VmRSS / RssAnon", f"{idle[0] / 1024:.1f} MiB / {idle[1] / 1024:.1f} MiB")
    row(f"memory with {N}: VmRSS / RssAnon", f"{loaded[0] / 1024:.1f} MiB / {loaded[1] / 1024:.1f} MiB")
    row("size of the program", f"{os.path.getsize('build/gitlab-runner-controller') / 1024:.0f} KiB")


main()
