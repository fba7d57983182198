"""What the operator tells of itself: metrics, logs, probes, and a look inside."""
from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from cluster import ROOT, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import KINDS, Stage, scaled
from operator_pod import CACHE, NAMESPACE, USER
from places import HOST, Runner
from program import Process, free_port
from proxy.faults import Hold, Status
from secrecy import found_in, tokens_of

NODE = "10.244.0.1"         # this machine, but not its loopback
SERIES_MAX = 500
ANSWER_MAX = 0.05           # seconds
BACKOFF = 1.0               # the shortest time between two attempts, less its jitter: 0.75 s
PACE = 10                   # of the operator's clock, where nothing is to happen for a while
ELECTION = ("--leader-elect=true", f"--leader-election-namespace={NAMESPACE}")

# Those that controller-runtime and client-go show, and their labels
COMMON = {
    "controller_runtime_reconcile_total": {"controller", "result"},
    "controller_runtime_reconcile_errors_total": {"controller"},
    "controller_runtime_terminal_reconcile_errors_total": {"controller"},
    "controller_runtime_reconcile_panics_total": {"controller"},
    "controller_runtime_reconcile_time_seconds": {"controller"},
    "controller_runtime_reconcile_timeouts_total": {"controller"},
    "controller_runtime_max_concurrent_reconciles": {"controller"},
    "controller_runtime_active_workers": {"controller"},
    "workqueue_depth": {"name", "controller"},
    "workqueue_adds_total": {"name", "controller"},
    "workqueue_queue_duration_seconds": {"name", "controller"},
    "workqueue_work_duration_seconds": {"name", "controller"},
    "workqueue_unfinished_work_seconds": {"name", "controller"},
    "workqueue_longest_running_processor_seconds": {"name", "controller"},
    "workqueue_retries_total": {"name", "controller"},
    "rest_client_requests_total": {"code", "method", "host"},
    "rest_client_request_duration_seconds": {"verb", "host"},
    "rest_client_request_size_bytes": {"verb", "host"},
    "rest_client_response_size_bytes": {"verb", "host"},
    "rest_client_request_retries_total": {"code", "verb", "host"},
    "rest_client_rate_limiter_duration_seconds": {"verb", "host"},
    "rest_client_transport_ca_reload_total": {"result", "reason"},
    "rest_client_dns_resolution_duration_seconds": {"host"},
    "leader_election_master_status": {"name"},
    "leader_election_slowpath_total": {"name"},
    "reflector_lists_total": {"name"},
    "reflector_watches_total": {"name"},
    "reflector_short_watches_total": {"name"},
    "informer_store_resource_version": {"group", "version", "resource"},
    "process_cpu_seconds_total": set(),
    "process_resident_memory_bytes": set(),
    "process_virtual_memory_bytes": set(),
    "process_open_fds": set(),
    "process_max_fds": set(),
    "process_start_time_seconds": set(),
}
ZERO_FROM_THE_BEGINNING = [name for name in COMMON if name.startswith(("controller_runtime", "workqueue"))]
BUCKETS = {
    "workqueue_queue_duration_seconds": [10.0 ** n for n in range(-8, 4)],
    "workqueue_work_duration_seconds": [10.0 ** n for n in range(-8, 4)],
    "rest_client_request_duration_seconds": [.005, .025, .1, .25, .5, 1, 2, 4, 8, 15, 30, 60],
}
VERBS = {"get": "GET", "list": "GET", "watch": "GET", "create": "POST", "update": "PUT", "patch": "PATCH",
         "delete": "DELETE"}


class Page:
    """Metrics, read as Prometheus does."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.types: dict[str, str] = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
        self.series = [line.rpartition(" ") for line in text.splitlines() if line[:1] != "#"]

    def family(self, series: str) -> str:
        name = re.split("[{ ]", series)[0]
        return name if name in self.types else re.sub("_(bucket|sum|count)$", "", name)

    def labels(self, family: str) -> set[str]:
        return {label for series, _, _ in self.series if self.family(series) == family
                for label in re.findall(r'[{,](\w+)="', series)} - {"le"}

    def samples(self, family: str) -> dict[str, float]:
        return {series: float(value) for series, _, value in self.series if self.family(series) == family}

    def bounds(self, family: str) -> list[float]:
        found = [re.search(r'_bucket\{.*le="([^"]+)"', series) for series in self.samples(family)]
        return sorted({float(match[1]) for match in found if match and match[1] != "+Inf"})


def metrics(stage: Stage) -> Page:
    return Page(stage.operator.page("metrics"))


def promlint(text: str) -> str:
    """What `promtool check metrics` would say."""
    return subprocess.run([CACHE / "bin/promlint"], input=text, capture_output=True, text=True, timeout=20).stdout


def described() -> dict[str, tuple[str, set[str]]]:
    """Type and labels of each metric, as docs/metrics.md has it."""
    rows = re.findall(r"^\| `(\w+_\w+)` \| (\w+) \| ([^|]*) \|", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def needy(stage: Stage, count: int, prefix: str = "needy") -> list[Runner]:
    """Runners whose Secret does not exist."""
    missing = {"registrationTokenSecretRef": {"name": "missing"}}
    return [stage.runner(name=f"{prefix}-{n}", manager={"replicas": 0}, authentication=missing) for n in range(count)]


def settle(stage: Stage, *options: str, **how: object) -> Runner:
    """A runner without a manager, and an operator that has nothing left to do."""
    stage.registration_token()
    stage.operator.start(*options, **how)
    runner = stage.unmanned()
    stage.settled([runner])
    return runner


@pytest.fixture
def settled(stage: Stage) -> Runner:
    return settle(stage)


def hold_back(stage: Stage) -> None:
    """One request is sent away for a second, and then sent again."""
    stage.proxy.add(Status(429, "TooManyRequests", headers=(("retry-after", "1"),)), "PATCH", ".*/status")
    needy(stage, 1)[0].wait_refused("SecretNotFound")
    retried = metrics(stage).samples("rest_client_request_retries_total")
    assert [value for series, value in retried.items() if 'code="429",verb="PATCH"' in series] == [1]


# ----------------------------------------------------------------------------------------------------------------------
# O1, O2: names and number


def test_o1_metrics_are_there_from_the_beginning(stage: Stage) -> None:
    """O1: as zeroes."""
    stage.operator.start()
    page = metrics(stage)
    for name in ZERO_FROM_THE_BEGINNING:
        samples = page.samples(name)
        assert samples, f"{name} has no sample"
        assert name.endswith("max_concurrent_reconciles") or not any(samples.values()), samples
    results = page.samples("controller_runtime_reconcile_total")
    assert {re.search('result="(.*)"', series)[1] for series in results} == {
        "success", "error", "requeue", "requeue_after"}


def test_o1_metrics_have_the_common_names_and_labels(stage: Stage) -> None:
    """O1: names, labels and buckets of controller-runtime and client-go, and nothing for promtool to complain of."""
    settle(stage, *ELECTION)
    hold_back(stage)
    page = metrics(stage)
    assert {name: page.labels(name) for name in COMMON} == COMMON
    assert {name: page.bounds(name) for name in BUCKETS} == BUCKETS
    assert promlint(page.text) == ""


def test_o1_promlint_complains_of_what_is_wrong() -> None:
    """O1: the judge is awake."""
    assert "counter" in promlint("# HELP requests Requests.\n# TYPE requests counter\nrequests 1\n")


def test_o1_the_documentation_lists_each_metric(stage: Stage, gitlab: GitLabAdmin) -> None:
    """O1: with its type and labels, those of single runners and of a host that is away, too."""
    gitlab.settings(runner_token_expiration_interval=3 * 86400)
    settle(stage, *ELECTION, "--metrics-per-runner")
    hold_back(stage)
    stage.secret("access", access_token=gitlab.add_token("api", admin=True)["token"])
    stage.unmanned("accessToken", name="ends", authentication={"accessTokenSecretRef": {"name": "access"}}).wait()
    stage.runner(name="astray", url=f"http://{HOST}:9", manager={"replicas": 0}).wait_refused("ConnectionRefused")
    page = metrics(stage)
    assert promlint(page.text) == ""
    runners = page.samples("gitlab_runner_controller_runner_ready")
    assert sum(runners.values()) == 2 and len(runners) == 4, runners
    assert {name: (kind, page.labels(name)) for name, kind in page.types.items()} == described()


def not_of_requests(page: Page) -> list[str]:
    """Requests have series by verb and code: with more objects others are held back, or have other answers."""
    return sorted(series for series, *_ in page.series if not series.startswith("rest_client_"))


def test_o2_series_do_not_grow_with_the_objects(settled: Runner, stage: Stage) -> None:
    """O2: 10 000 GitLabRunners with SOAK=1."""
    needy(stage, 10)[-1].wait_refused("SecretNotFound")
    stage.wait_quiet()
    few = not_of_requests(metrics(stage))
    count = int(scaled(10_000, 150))
    needy(stage, count, "more")[-1].wait_refused("SecretNotFound", 600)
    stage.wait_quiet()
    page = metrics(stage)
    assert page.samples("gitlab_runner_controller_objects")[
        'gitlab_runner_controller_objects{kind="GitLabRunner"}'] == count + 11
    assert not_of_requests(page) == few
    assert len(page.series) <= SERIES_MAX
    assert not re.search(f"needy|more-|{stage.name}", page.text)


# ----------------------------------------------------------------------------------------------------------------------
# O3: numbers


def audited(stage: Stage) -> Counter[tuple[str, str]]:
    """Requests of the operator that the API server has seen, by code and method."""
    seen = {}
    for entry in stage.audit_log.entries(USER):
        seen[entry["auditID"]] = (str(entry["responseStatus"]["code"]), VERBS[entry["verb"]])
    return Counter(seen.values())


def counted(stage: Stage) -> Counter[tuple[str, str]]:
    """The same, as the operator has counted them."""
    samples = metrics(stage).samples("rest_client_requests_total")
    return Counter({re.search('code="(.*?)",method="(.*?)"', series).groups(): int(value)
                    for series, value in samples.items()})


def test_o3_requests_are_those_that_the_api_server_has_seen(settled: Runner, stage: Stage) -> None:
    """O3: after creations, edits, a conflict of names, deletions, and watches that go on."""
    stage.kube.create("ConfigMap", {"metadata": {"name": "unrelated"}}, stage.name)
    stage.kube.create("ServiceAccount", {"metadata": {"name": "taken-runner"}}, stage.name)
    taken = stage.runner(name="taken", manager={"replicas": 0})
    taken.wait_refused("NameConflict")
    needy(stage, 3)[-1].wait_refused("SecretNotFound")
    settled.edit(image="busybox:1.35")
    settled.edit(concurrent=3)
    settled.wait(seconds=60)
    taken.delete()
    taken.wait_gone()
    stage.wait_quiet()
    wait_for("both have counted the same", lambda: audited(stage) == counted(stage), 20)
    total = counted(stage)
    assert total["200", "PATCH"] > 5 and total["409", "POST"] > 0 and total["200", "GET"] > 10


def test_o3_reconciliations_and_gitlab_calls_are_counted(settled: Runner, stage: Stage, gitlab: GitLabAdmin) -> None:
    """O3: as GitLab has seen them."""
    page = metrics(stage)
    calls = page.samples("gitlab_runner_controller_gitlab_requests_total")
    assert sum(calls.values()) == len(gitlab.audit(path="/api/v4/.*")) > 0
    assert page.samples("gitlab_runner_controller_runners")['gitlab_runner_controller_runners{reason="Ready"}'] == 1
    ended = sum(page.samples("controller_runtime_reconcile_total").values())
    took = page.samples("controller_runtime_reconcile_time_seconds")
    assert took['controller_runtime_reconcile_time_seconds_count{controller="gitlabrunner"}'] == ended > 0


# ----------------------------------------------------------------------------------------------------------------------
# O4: probes


def test_o4_a_loop_that_stands_still_does_not_answer(settled: Runner, stage: Stage) -> None:
    """O4: so the kubelet's probe fails."""
    process = stage.operator.process_itself()
    process.send(signal.SIGSTOP)
    try:
        for page in ("healthz", "readyz"):
            with pytest.raises(requests.Timeout):
                process.ask(page, timeout=1)
    finally:
        process.send(signal.SIGCONT)
    assert process.ask("healthz").text == "ok\n"


def test_o4_a_loop_that_stands_still_says_so_before_it_ends(stage: Stage) -> None:
    """O4: the watchdog's signal, sent by hand: first a line in the log, then the end."""
    process = stage.operator.start()
    process.send(signal.SIGALRM)
    wait_for("it says so", lambda: [e for e in process.lines("error") if e["msg"] == "the event loop stands still"], 5)
    assert process.ask("healthz").text == "ok\n"
    process.send(signal.SIGALRM)
    assert process.wait() == -signal.SIGABRT
    stage.operator.kill()


def test_o4_it_is_ready_when_all_is_listed(stage: Stage) -> None:
    """O4: alive meanwhile; the check that fails has a name."""
    hold = Hold()
    stage.proxy.add(hold, "GET", "/apis/apps/v1/deployments", count=None)
    process = stage.operator.start(ready=False)
    wait_for("Deployments are asked for", lambda: hold.held, 20)
    assert process.ask("healthz").text == "ok\n"
    only = "[+]ping ok\n[-]sync failed: not listed yet: Deployment\n"
    wait_for("all others are listed", lambda: only in process.ask("readyz").text, 20)
    assert process.ask("readyz").status_code == 503
    assert process.ask("readyz/sync").status_code == 503 and process.ask("readyz/ping").status_code == 200
    stage.proxy.clear()
    hold.release()
    stage.operator.wait_ready()
    assert process.ask("readyz?verbose").text.endswith("[+]sync ok\n[+]shutdown ok\nreadyz check passed\n")
    assert process.ask("readyz/nothing").status_code == 404


def test_o4_probes_answer_quickly_under_load(settled: Runner, stage: Stage) -> None:
    """O4: while a hundred runners and more are created, edited and worked on; as a median, as clients are slow, too."""
    process = stage.operator.process_itself()
    took: list[float] = []

    def probe() -> None:
        for page in ("healthz", "readyz"):
            began = time.monotonic()
            assert process.ask(page).status_code == 200
            took.append(time.monotonic() - began)
    for number in range(int(scaled(2000, 100))):
        runner = needy(stage, 1, f"load-{number}")[0]
        probe()
        runner.edit(concurrent=7)
        probe()
    runner.wait_refused("SecretNotFound")
    assert statistics.median(took) <= ANSWER_MAX, f"{sorted(took)[-5:]} of {len(took)}"


# ----------------------------------------------------------------------------------------------------------------------
# O5: logs


def entries(stage: Stage, *levels: str) -> list[dict]:
    lines = (json.loads(line) for line in stage.operator.logs().splitlines())
    return [entry for entry in lines if entry["level"] in levels]


def test_o5_a_reconciliation_is_told_by_its_lines(settled: Runner, stage: Stage) -> None:
    """O5: whose it is, and which one."""
    own = [entry for entry in entries(stage, "info", "debug") if entry["logger"] == "reconcile"]
    assert {"applied", "called GitLab"} <= {entry["msg"] for entry in own}
    assert {(entry["controller"], entry["namespace"], entry["name"]) for entry in own} == {
        ("gitlabrunner", stage.name, "builds")}
    turns = [entry["reconcileID"] for entry in own]
    ends = [entry["reconcileID"] for entry in own if "cause" in entry]
    assert len(set(ends)) == len(ends) and set(ends) == set(turns)


def test_o5_nothing_is_logged_when_nothing_happens(stage: Stage) -> None:
    """O5: for a minute by the operator's clock, for 10 with SOAK=1."""
    settle(stage, pace=PACE)
    before, began = len(entries(stage, "info", "warn", "error")), time.monotonic()
    seconds = scaled(600, 60) / PACE
    wait_for("the time has gone by", lambda: time.monotonic() - began > seconds, seconds + 10)
    assert entries(stage, "info", "warn", "error")[before:] == []


def test_o5_a_failure_that_stays_is_told_once_an_attempt(stage: Stage, gitlab: GitLabAdmin) -> None:
    """O5: at most a line for each object and step of the backoff; and one, once, that a runner may be left at GitLab."""
    stage.registration_token()
    gitlab.fault("status", "POST", "/api/v4/runners", status=500, count=1000)
    stage.operator.start()
    runner = stage.unmanned()
    calls = wait_for("four attempts", lambda: len(found := gitlab.audit("POST", "/api/v4/runners")) >= 4 and found)
    told = [e for e in entries(stage, "warn", "error") if e.get("name") == "builds"]
    others = [e for e in entries(stage, "info") if e.get("name") == "builds" and "call" in e]
    assert len(told) + len(others) <= len(calls) + 1, (told, others)
    assert {e.get("reason", e["msg"]) for e in told} == {"ServerError", "PossibleOrphan"}
    gitlab.clear_faults()
    runner.wait()


def test_o5_one_component_may_say_more(stage: Stage) -> None:
    """O5: --log-level info,reconcile=debug."""
    stage.operator.start("--log-level", "warn,reconcile=debug")
    needy(stage, 1)[0].wait_refused("SecretNotFound")
    wait_for("it says so, and nobody else does",
             lambda: {entry["logger"] for entry in entries(stage, "debug", "info")} == {"reconcile"})


# ----------------------------------------------------------------------------------------------------------------------
# O7: a look inside


def dump(process: Process, query: str = "") -> dict:
    answer = process.ask("debug/state" + query)
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_o7_the_dump_tells_what_it_is_at(settled: Runner, stage: Stage, gitlab: GitLabAdmin) -> None:
    """O7: the queue, work in progress and what it waits for, failures, the last problems."""
    process = stage.operator.process_itself()
    quiet = dump(process)
    assert quiet["requests"]["inFlight"] == quiet["requests"]["held"] == 0
    assert quiet["synced"] and quiet["turns"] == quiet["gitlabCalls"] == [] and quiet["failures"] == [] and quiet["queue"]["depth"] == 0
    assert {watch["state"] for watch in quiet["watches"]} == {"stream"} and len(quiet["watches"]) == len(KINDS)
    assert quiet["objects"]["GitLabRunner"] >= 1 and re.match(r"\d+\.\d+\.\d+ \(commit ", quiet["version"])
    gitlab.fault("delay", "POST", "/api/v4/runners", seconds=5)
    gitlab.fault("status", "POST", "/api/v4/runners", status=500, count=1)
    other = stage.runner(name="other", manager={"replicas": 0})
    call = wait_for("it waits for GitLab", lambda: next(
        (call for call in dump(process)["gitlabCalls"] if call["stage"] == "calling"), None))
    assert call["runner"] == f"{stage.name}/other" and call["call"] == call["rule"] == "register" and call["ageMs"] >= 0
    gitlab.clear_faults()
    other.wait()


def test_o7_the_dump_tells_what_failed(stage: Stage, gitlab: GitLabAdmin) -> None:
    """O7: and when it is tried again."""
    stage.registration_token()
    gitlab.fault("status", "POST", "/api/v4/runners", status=500, count=1000)
    process = stage.operator.start()
    runner = stage.unmanned()
    runner.wait_refused("ServerError")
    failure = wait_for("a failure is shown", lambda: dump(process)["failures"])[0]
    assert failure["runner"] == f"{stage.name}/builds" and failure["reason"] == "ServerError"
    assert failure["times"] >= 1 and failure["retryInMs"] < 10 * 60 * 1000
    assert [p for p in dump(process)["problems"] if p.get("reason") == "ServerError" and p["name"] == "builds"]
    host = next(host for host in dump(process)["gitlabHosts"] if HOST in host["host"])
    assert host["state"] == "closed" and host["inFlight"] <= 1, "it can be connected to, whatever it answers"
    one = dump(process, f"?key={stage.name}/builds")
    assert one["failures"][0]["rule"] == failure["rule"]
    gitlab.clear_faults()
    runner.wait()


def test_o7_the_dump_shows_one_runner_and_its_children(settled: Runner, stage: Stage) -> None:
    """O7: what the store keeps of them."""
    process = stage.operator.process_itself()
    one = dump(process, f"?key={stage.name}/builds")
    kinds = Counter(record["kind"] for record in one["records"])
    assert kinds == {"GitLabRunner": 1, "Secret": 2, "ServiceAccount": 1, "RoleBinding": 1, "Deployment": 1}
    assert {record["name"] for record in one["records"]} >= {"builds", "builds-runner-token", "builds-runner-config"}
    assert dump(process, "?key=nobody/nothing")["records"] == []
    assert process.ask("debug/state?key=nothing").status_code == 400


def test_o7_no_secret_is_in_the_dump_nor_in_the_metrics(stage: Stage, gitlab: GitLabAdmin) -> None:
    """O7: while tokens are on their way, and afterwards."""
    stage.registration_token()
    process = stage.operator.start()
    gitlab.fault("delay", "POST", "/api/v4/runners", seconds=2)
    runner = stage.unmanned()
    seen = ""
    while not runner.conditions().get("Ready", {}).get("status") == "True":
        seen += "".join(process.ask(page).text for page in pages(stage))
    seen += "".join(process.ask(page).text for page in pages(stage))
    tokens = tokens_of(stage, list(stage.kube.everything(stage.name))).everyone()
    assert len([token for token in tokens if len(token) >= 8]) >= 2
    assert found_in(seen, tokens) == set()


def pages(stage: Stage) -> Iterator[str]:
    yield from ("debug/state", f"debug/state?key={stage.name}/builds", "metrics", "healthz?verbose", "readyz?verbose")


def test_o7_the_dump_is_only_for_clients_on_the_machine(stage: Stage, by_proxy: dict, tmp_path: Path) -> None:
    """O7: kubectl port-forward comes from there. A sidecar that forwards what others ask does not reach it, whatever address it
    has, nor a browser's page whose name was made to lead there."""
    port, debug = free_port(), free_port()
    process = Process(tmp_path, by_proxy, port, "--listen", f":{port}", "--debug-port", str(debug))
    try:
        wait_for("it listens", lambda: process.status("healthz"), 20)
        assert requests.get(f"http://{NODE}:{port}/healthz", timeout=5).status_code == 200
        assert requests.get(f"http://127.0.0.1:{port}/debug/state", timeout=5).status_code == 404
        for host, status in ("localhost", 200), (f"127.0.0.1:{debug}", 200), ("evil.example.com", 403):
            answer = requests.get(f"http://127.0.0.1:{debug}/debug/state", headers={"Host": host}, timeout=5)
            assert answer.status_code == status, host
        for address in NODE, "127.0.0.6":
            with pytest.raises(requests.ConnectionError):
                requests.get(f"http://{address}:{debug}/debug/state", timeout=5)
    finally:
        process.kill()


# ----------------------------------------------------------------------------------------------------------------------
# Who may read the metrics


def with_metrics_auth(base: str, folder: Path) -> list[dict]:
    """What the component makes, beside manifests/BASE."""
    up = os.path.relpath(ROOT / "manifests", folder)
    (folder / "kustomization.yaml").write_text(json.dumps({
        "resources": [f"{up}/{base}"], "components": [f"{up}/metrics-auth"]}))
    return list(yaml.safe_load_all(kubectl("kustomize", str(folder))))


@pytest.fixture
def readers(stage: Stage, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Tokens of ServiceAccounts: one may read metrics, the other exists."""
    rights = [body for body in with_metrics_auth("default", tmp_path) if "gitlab-runner-metrics-" in body["metadata"]["name"]]
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(rights))
    for name in "scraper", "stranger":
        stage.kube.create("ServiceAccount", {"metadata": {"name": name}}, stage.name)
    kubectl("create", "clusterrolebinding", stage.name, "--clusterrole=gitlab-runner-metrics-reader",
            f"--serviceaccount={stage.name}:scraper")
    yield {name: kubectl("create", "token", name, "-n", stage.name).strip() for name in ("scraper", "stranger")}
    kubectl("delete", "clusterrolebinding", stage.name)


def test_metrics_are_for_those_whom_the_api_server_lets_read_them(readers: dict[str, str], stage: Stage, by_proxy: dict,
                                                                  tmp_path: Path) -> None:
    process = Process(tmp_path, by_proxy, free_port(), "--metrics-auth")

    def status(token: str) -> int:
        return process.ask("metrics", headers={"Authorization": f"Bearer {token}"} if token else {}).status_code
    try:
        wait_for("it is ready", lambda: process.status("readyz") == 200, 20)
        assert process.status("healthz") == 200 and process.status("metrics") == 401
        assert [status(token) for token in ("", "nonsense")] == [401, 401]
        wait_for("strangers are refused", lambda: status(readers["stranger"]) == 403, 10)
        wait_for("the scraper is let in", lambda: status(readers["scraper"]) == 200, 10)
        assert {status(readers["scraper"]) for _ in range(20)} == {200}
        assert not any(token in process.log() for token in readers.values())
    finally:
        process.kill()


def test_the_component_for_it_fits_the_manifests(tmp_path: Path) -> None:
    for base in "default", "ha":
        made = with_metrics_auth(base, tmp_path)
        args = next(x for x in made if x["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"][0]["args"]
        assert "--metrics-auth" in args and "run" in args
        assert "gitlab-runner-metrics-reader" in {x["metadata"]["name"] for x in made if x["kind"] == "ClusterRole"}
