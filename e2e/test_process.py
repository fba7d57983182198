"""The operator as a process: its command line, its pages, and how it starts and ends outside of a cluster."""
from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import Kube, wait_for
from deadline import assert_in_time
from gitlab_admin import GitLabAdmin
from operator_pod import NAME, NAMESPACE, PORT, Operator
from places import Place, remove
from program import PROGRAM, Process, free_port, kubeconfig, run

COMMANDS = ["run", "render", "validate"]
Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the operator with a kubeconfig; it ends with the test, at the latest."""
    started: list[Process] = []

    def start(kubeconfig: dict | str | Path, port: int = 0) -> Process:
        started.append(Process(tmp_path, kubeconfig, port or free_port()))
        return started[-1]
    yield start
    for process in started:
        process.kill()


# ----------------------------------------------------------------------------------------------------------------------
# The command line


def test_each_command_has_a_help() -> None:
    overview = run("--help").stdout
    for command in COMMANDS:
        told = run(command, "--help")
        assert told.stdout.startswith(f"Usage: gitlab-runner-controller {command} ") and told.stderr == ""
        assert re.search(rf"^  {command} +\w", overview, re.MULTILINE)


def test_the_version_is_told_with_the_libraries() -> None:
    told = run("version").stdout
    assert re.match(r"gitlab-runner-controller \d+\.\d+\.\d+ \(commit [\w-]+\)\n", told)
    assert all(f"\n  {library} " in told for library in ("libcurl", "json-c", "OpenSSL", "libuv", "libwebsockets"))
    assert run("--version").stdout == told


@pytest.mark.parametrize("words, said", [
    ([], ""),
    (["install"], "gitlab-runner-controller: install is no command\n\n"),
    (["--verbose"], "gitlab-runner-controller: --verbose is no command: flags stand behind it\n\n"),
], ids=str)
def test_an_unknown_command_is_wrong_usage(words: list[str], said: str) -> None:
    done = run(*words, code=2)
    assert done.stderr.startswith(f"{said}Usage: gitlab-runner-controller COMMAND ") and done.stdout == ""


@pytest.mark.parametrize("words, said", [
    (["--log-level", "loud"], "--log-level loud: must be error, warn, info or debug, for one part COMPONENT=LEVEL; components: run, watch, "),
    (["--log-level", "info,watsch=debug"], "--log-level info,watsch=debug: must be "),
    (["--log-format", "xml"], "--log-format xml: must be json or text"),
    (["--listen", "8080"], "--listen 8080: must be ADDRESS:PORT or :PORT"),
    (["--listen", ":99999"], "--listen :99999: must be ADDRESS:PORT or :PORT"),
    (["--listen", "127.0.0.1:http"], "--listen 127.0.0.1:http: must be ADDRESS:PORT or :PORT"),
    (["--debug-port", "65536"], "--debug-port 65536: must be a port from 1 to 65535, or 0"),
    (["--namespace", "ci,CI"], "--namespace ci,CI: must be different names of namespaces, separated by commas"),
    (["--namespace="], "--namespace : must be different names of namespaces, separated by commas"),
    (["--leader-elect", "no"], "--leader-elect no: must be true or false"),
    (["--leader-election-retry-period", "2x"], "--leader-election-retry-period 2x: must be seconds, such as 2s"),
    (["--leader-election-retry-period", "-1"], "--leader-election-retry-period -1: must be seconds, such as 2s"),
    (["--leader-election-renew-deadline", "15"],
     "leader election: the lease duration must be longer than the renew deadline"),
    (["--leader-election-retry-period=9s"],
     "leader election: the renew deadline must be longer than 1.2 retry periods"),
    (["--gitlab-concurrency", "0"], "--gitlab-concurrency 0: must be a number from 1 to 1000"),
    (["--kubeconfg", "x"], "unrecognized option '--kubeconfg'"),
    (["--listen"], "option '--listen' requires an argument"),
    (["everything"], "everything is not an option"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_a_wrong_option_is_named_with_what_it_must_be(words: list[str], said: str) -> None:
    assert run("run", "--kubeconfig", "/nowhere", *words, code=2).stderr.startswith(f"run: {said}")


# ----------------------------------------------------------------------------------------------------------------------
# A start that fails


def config_of(**parts: object) -> dict:
    return {"apiVersion": "v1", "kind": "Config", "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
            "users": [{"name": "a", "user": {"token": "t"}}]} | parts


@pytest.mark.parametrize("config, said", [
    (Path("/nowhere/config"), "/nowhere/config: No such file or directory"),
    ("clusters: [", "/kubeconfig:2:1: not YAML: while parsing a flow node, did not find expected node content"),
    ("just text", "there is no current-context"),
    (config_of(**{"current-context": ""}), "there is no current-context: give --context NAME or run kubectl config "),
    (config_of(**{"current-context": "b"}), "there is no context b (kubectl config get-contexts lists them)"),
    (config_of(users=[]), "context a: user is a, which is not there"),
    (config_of(clusters=[{"name": "a", "cluster": {}}]), "cluster a: "),
    (config_of(clusters=[{"name": "a", "cluster": {"server": "https://x", "certificate-authority": "/nowhere/ca"}}]),
     "cluster a: certificate-authority: /nowhere/ca: No such file or directory"),
    (config_of(users=[{"name": "a", "user": {"tokenFile": "/nowhere/token"}}]), "/nowhere/token: No such file"),
], ids=["missing", "broken", "text", "no context", "unknown context", "no user", "no server", "no CA", "no token"])
def test_a_wrong_kubeconfig_ends_it_with_one_clear_line(config: dict | str | Path, said: str, start: Start) -> None:
    process = start(config)
    assert process.wait() == 1
    error, = process.lines("error")
    assert error["msg"] == "cannot start" and said in error["error"]


def test_without_any_kubeconfig_it_says_how_to_give_one(tmp_path: Path) -> None:
    done = subprocess.run([PROGRAM, "run", "--log-format", "text"], env={"HOME": str(tmp_path)}, capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 1
    assert "run in a cluster, set KUBECONFIG or give --kubeconfig FILE" in done.stderr


def test_a_port_that_is_taken_is_named(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start(config_of(), port)
        assert process.wait() == 1
    assert process.lines("error")[0]["error"] == f"cannot listen on 127.0.0.1 port {port}: Address already in use"


# ----------------------------------------------------------------------------------------------------------------------
# An API server that does not help


def assert_waits(process: Process, said: str) -> None:
    """Alive, not ready, telling why; and it ends when asked to."""
    wait_for(f"it says: {said}", lambda: [e for e in process.lines("warn") if said in e["error"]], 20)
    assert process.status("healthz") == 200 and process.status("readyz") == 503
    code, seconds = process.stop()
    assert code == 0
    assert_in_time("its end", seconds, 2)
    assert process.lines("error") == []


@pytest.mark.parametrize("server, said", [
    ("https://127.0.0.1:1", "127.0.0.1:1: no connection could be made"),
    ("https://api.nowhere.invalid:6443", "api.nowhere.invalid:6443: the host name cannot be resolved"),
], ids=["refuses", "unknown"])
def test_it_waits_for_an_api_server_that_is_not_there(server: str, said: str, start: Start) -> None:
    assert_waits(start(config_of(clusters=[{"name": "a", "cluster": {"server": server}}])), said)


def test_it_ends_while_an_api_server_keeps_silent(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = f"http://127.0.0.1:{silent.getsockname()[1]}"
        process = start(config_of(clusters=[{"name": "a", "cluster": {"server": server}}]))
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(4096).startswith(b"GET /apis/gitlab-runners.dev/v1beta1/gitlabrunners")
            code, seconds = process.stop()
    assert code == 0
    assert_in_time("its end", seconds, 2)


def test_it_waits_for_a_server_of_its_ca(start: Start, operator: Operator) -> None:
    config = kubeconfig()
    del config["clusters"][0]["cluster"]["certificate-authority-data"]
    assert_waits(start(config), "the server's certificate is not signed by a trusted authority")


def test_it_waits_for_a_token_that_is_accepted(start: Start, operator: Operator) -> None:
    config = kubeconfig()
    config["users"][0]["user"]["token"] = "wrong"
    assert_waits(start(config), "Unauthorized")


def test_it_waits_for_its_rights(start: Start, operator: Operator) -> None:
    assert_waits(start(kubeconfig("default", "default")), 'cannot watch resource "gitlabrunners"')


# ----------------------------------------------------------------------------------------------------------------------
# At work, outside of the cluster


@pytest.fixture
def aside(kube: Kube, operator: Operator) -> Iterator[Operator]:
    """The cluster's own operator makes room for the time of a test."""
    kube.patch("Deployment", NAME, {"spec": {"replicas": 0}}, NAMESPACE)
    wait_for("no operator is in the cluster", lambda: not operator.pods())
    yield operator
    kube.patch("Deployment", NAME, {"spec": {"replicas": 1}}, NAMESPACE)
    operator.accept()


@pytest.fixture
def place(kube: Kube, aside: Operator, gitlab: GitLabAdmin, request: pytest.FixtureRequest) -> Iterator[Place]:
    """As `ci`, but for the process that the test starts."""
    name = re.sub("[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_"))[:40].strip("-")
    place = Place(kube, aside, gitlab, name)
    yield place
    remove(kube, place.namespaces)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_is_ready_with_its_accounts_rights_and_ends_when_told(number: signal.Signals, start: Start,
                                                                 operator: Operator) -> None:
    process = start(kubeconfig())
    wait_for("it is ready", lambda: process.status("readyz") == 200, 20)
    code, seconds = process.stop(number)
    assert code == 0
    assert_in_time("its end", seconds, 2)
    assert process.lines("warn") + process.lines("error") == []


def test_it_works_outside_of_the_cluster_and_hands_over(place: Place, gitlab: GitLabAdmin, start: Start) -> None:
    place.registration_token()
    runner = place.unmanned()
    process = start(kubeconfig())
    runner.wait()
    assert process.stop()[0] == 0
    before = [runner.object(), *map(runner.child, runner.children())]
    place.kube.patch("Deployment", NAME, {"spec": {"replicas": 1}}, NAMESPACE)
    place.operator.wait_idle()
    assert [runner.object(), *map(runner.child, runner.children())] == before
    runner.delete()
    runner.wait_gone()
    assert gitlab.runners() == []


def test_a_second_signal_ends_it_at_once(place: Place, gitlab: GitLabAdmin, start: Start) -> None:
    place.registration_token()
    gitlab.fault("delay", "POST", "/api/v4/runners", seconds=20)
    place.unmanned()
    process = start(kubeconfig())
    assert gitlab.audit("POST", "/api/v4/runners", answered=False, count=1, wait=20)
    process.send(signal.SIGTERM)
    wait_for("it says that it stops", lambda: process.status("readyz") == 503)
    code, seconds = process.stop()
    assert code == 1
    assert_in_time("its end", seconds, 1)


# ----------------------------------------------------------------------------------------------------------------------
# The pages, of the pod


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_pages_are_only_to_be_read(method: str, kube: Kube, operator: Operator) -> None:
    pod = operator.wait_ready()["metadata"]["name"]
    answer = kube.call(method, f"api/v1/namespaces/{NAMESPACE}/pods/{pod}:{PORT}/proxy/metrics", data=b"x")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_metrics_are_as_prometheus_wants_them(kube: Kube, operator: Operator) -> None:
    answer = kube.pod_page(operator.wait_ready(), PORT, "metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert list(lint(answer.text)) == []


def lint(page: str) -> Iterator[str]:
    """As `promtool check metrics`: each family described once, in one piece, and named by the rules."""
    described: dict[str, list[str]] = {}
    family, seen = "", set()
    for line in page.splitlines():
        if line.startswith("#"):
            _, what, family, text = line.split(" ", 3)
            described.setdefault(family, []).append(what)
            if what == "HELP" and not re.fullmatch(r"[A-Z].*[^ ]\.", text):
                yield f"{family}: its help is no sentence: {text}"
            if what == "TYPE" and (text == "counter") != family.endswith("_total"):
                yield f"{family}: counters, and only they, end in _total, not a {text}"
            continue
        series, name = line.rpartition(" ")[0], re.split("[{ ]", line)[0]
        if name != family and name not in [f"{family}_{part}" for part in ("bucket", "sum", "count")]:
            yield f"{series}: does not follow its description"
        if not re.fullmatch("[a-z][a-z0-9_]*", name):
            yield f"{name}: no name as Prometheus has them"
        if series in seen:
            yield f"{series}: twice"
        seen.add(series)
    for family, lines in described.items():
        if lines != ["HELP", "TYPE"]:
            yield f"{family}: is described by {lines}"
