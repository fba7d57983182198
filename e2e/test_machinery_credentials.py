"""Ways to the API server and proofs of who we are: each kubeconfig does for the operator what it does for kubectl, and what
rotates is followed without a restart."""
from __future__ import annotations

import base64
import json
import os
import re
import select
import shlex
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests

from cluster import STATE, AuditLog, Kube, kubectl, wait_for, wait_kind
from operator_pod import NAME, NAMESPACE
from program import PROGRAM
from standin.pki import Authority, Pair, new_key, openssl

ACCOUNT, NAMED = "machinery", "machinery-credentials"
V1 = "client.authentication.k8s.io/v1"
PATHS = "apis/gitlab-runners.dev/v1beta1/gitlabrunners"

# ----------------------------------------------------------------------------------------------------------------------
# The cluster's part


@pytest.fixture(scope="module")
def installed(kube: Kube) -> Iterator[None]:
    """The resource, and an account that may do everything; no operator but the test's own."""
    kubectl("apply", "--server-side", "-f", "crds/gitlabrunners.yaml")
    wait_kind()
    remove_account()                                    # that of an aborted session
    kubectl("create", "namespace", NAMED)
    kubectl("create", "clusterrolebinding", NAMED, "--clusterrole=cluster-admin", f"--serviceaccount={NAMED}:{ACCOUNT}",
            f"--user={ACCOUNT}")
    kubectl("create", "serviceaccount", ACCOUNT, "-n", NAMED)
    deployment = kube.get("Deployment", NAME, NAMESPACE)
    if deployment:
        scale(kube, 0)
    yield
    remove_account()
    if deployment:
        scale(kube, 1)


def remove_account() -> None:
    kubectl("delete", "clusterrolebinding", NAMED, "--ignore-not-found")
    kubectl("delete", "namespace", NAMED, "--ignore-not-found")


def scale(kube: Kube, replicas: int) -> None:
    kube.patch("Deployment", NAME, {"spec": {"replicas": replicas}}, NAMESPACE)
    wait_for(f"{replicas} operators are in the cluster", lambda: (kube.get("Deployment", NAME, NAMESPACE) or {}).get(
        "status", {}).get("availableReplicas", 0) == replicas)


@pytest.fixture(scope="module")
def token(installed: None) -> str:
    return new_token()


def new_token(account: str = ACCOUNT) -> str:
    return kubectl("create", "token", account, "-n", NAMED).strip()


@dataclass
class Server:
    url: str
    ca: str             # PEM
    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.removeprefix("https://").partition(":")
        return host, int(port or 443)


@pytest.fixture(scope="module")
def server() -> Server:
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    cluster = config["clusters"][0]["cluster"]
    return Server(cluster["server"], base64.b64decode(cluster["certificate-authority-data"]).decode())


def client_pair(folder: Path, name: str, seconds: int = 3600) -> Pair:
    """Proves its bearer for so long to be a user of this name; signed by the cluster's CA."""
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    config, request = folder / "ca.cnf", folder / f"{name}.csr"
    (folder / "index").touch()
    config.write_text(f"[ca]\ndefault_ca = it\n[it]\nnew_certs_dir = {folder}\ndatabase = {folder}/index\nrand_serial = yes\n"
                      "default_md = sha256\npolicy = any\nunique_subject = no\n[any]\ncommonName = supplied\n")
    new_key(pair.key)
    openssl("req", "-new", "-key", pair.key, "-subj", f"/CN={ACCOUNT}", "-out", request)
    now = datetime.now(timezone.utc)
    begin, end = (f"{now + timedelta(seconds=s):%y%m%d%H%M%SZ}" for s in (-60, seconds))
    openssl("ca", "-batch", "-notext", "-config", config, "-cert", STATE / "pki/ca.crt", "-keyfile", STATE / "pki/ca.key",
            "-startdate", begin, "-enddate", end, "-in", request, "-out", pair.cert)
    return pair


# ----------------------------------------------------------------------------------------------------------------------
# kubectl and the operator, side by side


@dataclass
class Desk:
    """A folder with kubeconfigs, and what a kubeconfig is made of."""
    folder: Path
    server: Server
    token: str
    env: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)      # to both programs: --context NAME

    def put(self, name: str, content: str | dict, mode: int = 0o600) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        path.chmod(mode)
        return path

    def config(self, user: dict | None = None, name: str = "kubeconfig", **cluster: object) -> Path:
        """Of the cluster with its CA inline, and a token, where nothing else is said; None: not at all."""
        known = {"server": self.server.url, "certificate-authority-data": text64(self.server.ca)} | cluster
        return self.put(name, {
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": {k: v for k, v in known.items() if v is not None}}],
            "users": [{"name": "it", "user": {"token": self.token} if user is None else user}]})

    def plugin(self, status: str, name: str = "plugin", before: str = "", version: str = V1, **more: object) -> dict:
        """A user whose credential a script hands out; status: shell words that print the status."""
        self.put(name, f"#!/bin/sh\necho run >> {self.folder}/runs\n{before}\n"
                 f"""printf '{{"kind":"ExecCredential","apiVersion":"{version}","status":%s}}' "$({status})"\n""", 0o700)
        return {"exec": {"apiVersion": version, "command": str(self.folder / name), "interactiveMode": "Never",
                         "env": None, "args": None, "provideClusterInfo": False} | more}

    def runs(self) -> int:
        return len((self.folder / "runs").read_text().splitlines())

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "PATH": os.environ["PATH"]} | self.env

    def kubectl(self, config: Path | None) -> tuple[bool, str]:
        words = ["kubectl", *(["--kubeconfig", config] if config else []), *self.words, "--request-timeout=10s"]
        done = subprocess.run([*words, "get", "--raw", f"/{PATHS}"], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=self._environment())
        return done.returncode == 0, done.stderr

    @contextmanager
    def operator(self, config: Path | None) -> Iterator[Running]:
        running = Running(self.folder / "log", [*(["--kubeconfig", config] if config else []), *self.words],
                          self._environment())
        try:
            yield running
        finally:
            running.stop()


class Running:
    """The operator as a process."""

    def __init__(self, log: Path, words: list, env: dict[str, str]) -> None:
        self._log, port = log, free_port()
        self._url = f"http://127.0.0.1:{port}"
        with log.open("wb") as out:
            self._process = subprocess.Popen([PROGRAM, "run", "--leader-elect=false", "--listen", f"127.0.0.1:{port}",
                                              "--debug-port", "0", *words],
                                             stderr=out, env=env, stdin=subprocess.DEVNULL)

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        finally:
            self._process.kill()

    def ready(self) -> bool:
        try:
            return requests.get(f"{self._url}/readyz", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def complaints(self) -> list[str]:
        entries = (json.loads(line) for line in self._log.read_text().splitlines())
        return [entry["error"] for entry in entries if entry["level"] in ("warn", "error") and "error" in entry]

    def verdict(self) -> tuple[bool, str]:
        """True when it gets at its objects; else False, and what it says about it."""
        wait_for("it works, or says why not", lambda: self.ready() or self.complaints(), 30)
        return (True, "") if self.ready() else (False, self.complaints()[0])

    def wait_ready(self) -> None:
        wait_for("it is ready", self.ready, 30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def text64(text: str | Path) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text.read_bytes()).decode()


@pytest.fixture
def desk(tmp_path: Path, server: Server, token: str) -> Desk:
    return Desk(tmp_path, server, token)


# ----------------------------------------------------------------------------------------------------------------------
# The table: a kubeconfig, and whether it works


Row = Callable[[Desk], "Path | None"]
works: dict[str, Row] = {}
refuses: dict[str, tuple[str, Row]] = {}        # and what the operator says


def good(row: Row) -> Row:
    works[row.__name__.replace("_", " ")] = row
    return row


def bad(said: str) -> Callable[[Row], Row]:
    def keep(row: Row) -> Row:
        refuses[row.__name__.replace("_", " ")] = said, row
        return row
    return keep


@good
def a_token(desk: Desk) -> Path:
    return desk.config()


@good
def a_token_file(desk: Desk) -> Path:
    return desk.config({"tokenFile": str(desk.put("token", desk.token + "\n"))})


@good
def a_token_file_counts_more_than_a_token(desk: Desk) -> Path:
    return desk.config({"tokenFile": str(desk.put("token", desk.token)), "token": "wrong"})


@good
def a_ca_file_beside_the_kubeconfig(desk: Desk) -> Path:
    desk.put("pki/ca.crt", desk.server.ca)
    return desk.config(**{"certificate-authority-data": None, "certificate-authority": "pki/ca.crt"})


@good
def client_certificate_files(desk: Desk) -> Path:
    pair = client_pair(desk.folder, "me")
    return desk.config({"client-certificate": "me.crt", "client-key": str(pair.key)})


@good
def client_certificate_inline(desk: Desk) -> Path:
    pair = client_pair(desk.folder, "me")
    return desk.config({"client-certificate-data": text64(pair.cert), "client-key-data": text64(pair.key)})


@good
def another_name_on_the_certificate(desk: Desk) -> Path:
    return desk.config(**{"tls-server-name": "kubernetes.default.svc"})


@good
def no_verification(desk: Desk) -> Path:
    return desk.config(**{"certificate-authority-data": None, "insecure-skip-tls-verify": True})


@good
def a_plugin_with_a_token(desk: Desk) -> Path:
    return desk.config(desk.plugin(f"""echo '{{"token":"{desk.token}"}}'"""))


@good
def a_plugin_with_a_certificate(desk: Desk) -> Path:
    pair = client_pair(desk.folder, "me")
    status = {"clientCertificateData": pair.cert.read_text(), "clientKeyData": pair.key.read_text()}
    return desk.config(desk.plugin(f"cat {desk.put('status', status)}"))


@good
def a_plugin_beside_the_kubeconfig(desk: Desk) -> Path:
    user = desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", "bin/plugin", command="bin/plugin")
    return desk.config(user)


@good
def a_plugin_in_path(desk: Desk) -> Path:
    desk.env["PATH"] = f"{desk.folder}/bin:{os.environ['PATH']}"
    return desk.config(desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", "bin/get-token", command="get-token"))


@good
def a_plugin_of_v1beta1(desk: Desk) -> Path:
    user = desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", version=V1 + "beta1")
    del user["exec"]["interactiveMode"]
    return desk.config(user)


@good
def a_plugin_with_arguments_and_environment(desk: Desk) -> Path:
    return desk.config(desk.plugin("""printf '{"token":"%s"}' "$TOKEN_START$END" """, before="END=$1",
                                   args=[desk.token[10:]], env=[{"name": "TOKEN_START", "value": desk.token[:10]}]))


@good
def a_plugin_that_is_told_of_the_cluster(desk: Desk) -> Path:
    told = f"""echo "$KUBERNETES_EXEC_INFO" | grep -q '"server":"{desk.server.url}"' || exit 1
echo "$KUBERNETES_EXEC_INFO" | grep -q '"interactive":false' || exit 1
echo "$KUBERNETES_EXEC_INFO" | grep -q '"certificate-authority-data":"{text64(desk.server.ca)[:40]}' || exit 1"""
    return desk.config(desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", before=told, provideClusterInfo=True))


@good
def a_plugin_is_not_asked_where_a_token_is(desk: Desk) -> Path:
    return desk.config({"token": desk.token} | desk.plugin("exit 1"))


@good
def several_files(desk: Desk) -> None:
    """Clusters are in one, users in another; what the first says counts."""
    whole = json.loads(desk.config().read_text())
    first = desk.put("a/config", whole | {"users": [], "contexts": []})
    wrong = [{"name": "it", "cluster": {"server": "https://127.0.0.1:1"}}]
    second = desk.put("b/config", whole | {"clusters": wrong, "current-context": "nowhere"})
    desk.env["KUBECONFIG"] = f"{desk.folder}/nothing:{first}:{second}"


@good
def another_context(desk: Desk) -> Path:
    whole = json.loads(desk.config().read_text())
    whole["contexts"].append({"name": "other", "context": {"cluster": "it", "user": "other"}})
    whole["users"].append({"name": "other", "user": {"token": desk.token}})
    whole["users"][0]["user"] = {"token": "wrong"}
    desk.words += ["--context", "other"]
    return desk.put("kubeconfig", whole)


@good
def the_file_at_home(desk: Desk) -> None:
    desk.config(name=".kube/config")


@good
def somebody_impersonated(desk: Desk) -> Path:
    return desk.config({"token": desk.token, "as": "jane", "as-uid": "7", "as-groups": ["a", "system:masters"],
                        "as-user-extra": {"Reason/s": ["x", "y"]}})


@bad("Forbidden|cannot (list|watch)")
def somebody_without_rights_impersonated(desk: Desk) -> Path:
    return desk.config({"token": desk.token, "as": "jane"})


@bad("as is missing")
def a_group_of_nobody_impersonated(desk: Desk) -> Path:
    return desk.config({"token": desk.token, "as-groups": ["system:masters"]})


@bad("Unauthorized")
def a_wrong_token(desk: Desk) -> Path:
    return desk.config({"token": "wrong"})


@bad("Forbidden|cannot (list|watch)|Unauthorized")
def nobody(desk: Desk) -> Path:
    return desk.config({})


@bad("No such file")
def a_token_file_that_is_not_there(desk: Desk) -> Path:
    return desk.config({"tokenFile": "nowhere"})


@bad("client-key is missing")
def a_certificate_without_its_key(desk: Desk) -> Path:
    client_pair(desk.folder, "me")
    return desk.config({"client-certificate": "me.crt"})


@bad("client certificate or its key|certificate")
def a_key_that_does_not_fit(desk: Desk) -> Path:
    one, other = client_pair(desk.folder, "me"), client_pair(desk.folder, "you")
    return desk.config({"client-certificate": str(one.cert), "client-key": str(other.key)})


@bad("not signed by a trusted authority")
def no_ca(desk: Desk) -> Path:
    return desk.config(**{"certificate-authority-data": None})


@bad("not signed by a trusted authority")
def another_ca(desk: Desk) -> Path:
    return desk.config(**{"certificate-authority-data": text64(Authority(desk.folder / "other").ca.cert)})


@bad("is not PEM")
def a_ca_that_is_none(desk: Desk) -> Path:
    return desk.config(**{"certificate-authority-data": text64("garbage")})


@bad("contradicts")
def a_ca_and_no_verification(desk: Desk) -> Path:
    return desk.config(**{"insecure-skip-tls-verify": True})


@bad("is for another host")
def a_name_that_is_not_on_the_certificate(desk: Desk) -> Path:
    return desk.config(**{"tls-server-name": "other.example"})


@bad("there is no context nowhere")
def a_context_that_is_not_there(desk: Desk) -> Path:
    desk.words += ["--context", "nowhere"]
    return desk.config()


@bad("auth-provider is not supported")
def an_auth_provider(desk: Desk) -> Path:
    return desk.config({"auth-provider": {"name": "gcp"}})


@bad("no such file or directory. get it from the shop")
def a_plugin_that_is_not_there(desk: Desk) -> Path:
    return desk.config(desk.plugin("exit", command="no-such-plugin", installHint="get it from the shop"))


@bad("exit code 7: who are you")
def a_plugin_that_fails(desk: Desk) -> Path:
    return desk.config(desk.plugin("exit", before="echo who are you >&2; exit 7"))


@bad("neither a token nor a client certificate|cannot be used")
def a_plugin_that_has_nothing(desk: Desk) -> Path:
    return desk.config(desk.plugin("echo '{}'"))


@bad("is not JSON")
def a_plugin_that_talks(desk: Desk) -> Path:
    return desk.config(desk.plugin("echo '{}'", before="echo Welcome."))


@bad("no ExecCredential of")
def a_plugin_of_another_version(desk: Desk) -> Path:
    return desk.config(desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", version=V1 + "beta1", apiVersion=V1))


@bad("exec.apiVersion must be")
def a_plugin_of_an_unknown_version(desk: Desk) -> Path:
    return desk.config(desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", version=V1 + "alpha9"))


@bad("exec.command is missing")
def a_plugin_without_a_command(desk: Desk) -> Path:
    return desk.config(desk.plugin("exit", command=""))


@bad("exec.interactiveMode is missing")
def a_plugin_that_does_not_say_whether_it_asks(desk: Desk) -> Path:
    return desk.config(desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", interactiveMode=None))


@bad("exec.interactiveMode is Always, but there is nobody")
def a_plugin_that_wants_to_ask(desk: Desk) -> Path:
    return desk.config(desk.plugin(f"""echo '{{"token":"{desk.token}"}}'""", interactiveMode="Always"))


@bad("proxy-url must begin with")
def a_proxy_of_an_unknown_kind(desk: Desk) -> Path:
    return desk.config(**{"proxy-url": "ftp://127.0.0.1:1"})


@bad("127.0.0.1|proxy")
def a_proxy_that_is_not_there(desk: Desk) -> Path:
    return desk.config(**{"proxy-url": "http://127.0.0.1:1"})


@pytest.mark.node
@pytest.mark.parametrize("row", works, ids=str)
def test_a15_what_works_for_kubectl_works(row: str, desk: Desk) -> None:
    """A15."""
    config = works[row](desk)
    assert desk.kubectl(config) == (True, "")
    with desk.operator(config) as operator:
        assert operator.verdict() == (True, "")


@pytest.mark.node
@pytest.mark.parametrize("row", refuses, ids=str)
def test_a15_what_kubectl_refuses_is_refused_with_a_reason(row: str, desk: Desk) -> None:
    """A15."""
    said, make = refuses[row]
    config = make(desk)
    accepted, _ = desk.kubectl(config)
    assert not accepted
    with desk.operator(config) as operator:
        working, why = operator.verdict()
    assert not working and re.search(said, why), why


# ----------------------------------------------------------------------------------------------------------------------
# Proxies


def pump(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways, until one side ends."""
    with closing(one), closing(other):
        try:
            while True:
                pending = [s for s in (one, other) if isinstance(s, ssl.SSLSocket) and s.pending()]
                for ready in pending or select.select([one, other], [], [])[0]:
                    data = ready.recv(65536)
                    if not data:
                        return
                    (other if ready is one else one).sendall(data)
        except OSError:
            pass


class Relay:
    """A server on 127.0.0.1; greet() makes an accepted connection a way to somewhere."""

    def __init__(self, greet: Callable[[socket.socket], tuple[socket.socket, socket.socket]]) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.connections, self._greet = self._socket.getsockname()[1], 0, greet
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        try:
            while True:
                threading.Thread(target=self._serve, args=[self._socket.accept()[0]], daemon=True).start()
        except OSError:
            pass

    def _serve(self, connection: socket.socket) -> None:
        try:
            ends = self._greet(connection)
        except (OSError, ValueError):
            connection.close()
            return
        self.connections += 1
        self._ends += ends
        pump(*ends)

    def cut(self) -> None:
        """All connections end."""
        ends, self._ends = self._ends, []
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.cut()


def greet_connect(connection: socket.socket) -> tuple[socket.socket, socket.socket]:
    """An HTTP proxy."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    method, target, _ = head.decode().split(" ", 2)
    if method != "CONNECT":
        raise ValueError(method)
    host, _, port = target.rpartition(":")
    there = socket.create_connection((host, int(port)))
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    return connection, there


def greet_socks(connection: socket.socket) -> tuple[socket.socket, socket.socket]:
    """A SOCKS 5 proxy (RFC 1928), for IPv4 addresses and names."""
    _, methods = connection.recv(2)
    connection.recv(methods)
    connection.sendall(b"\5\0")
    kind = connection.recv(4)[3]
    host = socket.inet_ntoa(connection.recv(4)) if kind == 1 else connection.recv(connection.recv(1)[0]).decode()
    there = socket.create_connection((host, int.from_bytes(connection.recv(2), "big")))
    connection.sendall(b"\5\0\0\1" + bytes(6))
    return connection, there


@pytest.mark.node
@pytest.mark.parametrize("scheme, greet", [("http", greet_connect), ("socks5", greet_socks)], ids=["http", "socks5"])
def test_a15_a_proxy_is_used(scheme: str, greet: Callable, desk: Desk) -> None:
    """A15."""
    with closing(Relay(greet)) as proxy:
        config = desk.config(**{"proxy-url": f"{scheme}://127.0.0.1:{proxy.port}"})
        assert desk.kubectl(config) == (True, "")
        before = proxy.connections
        assert before > 0
        with desk.operator(config) as operator:
            assert operator.verdict() == (True, "")
        assert proxy.connections > before


# ----------------------------------------------------------------------------------------------------------------------
# Rotation


def act(kube: Kube, name: str) -> dict:
    """Gives the operator something to do, and waits until it has said something about it."""
    kube.create("GitLabRunner", {
        "apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": name, "namespace": NAMED},
        "spec": {"url": "https://gitlab.invalid", "authentication": {"registrationTokenSecretRef": {"name": "nothing"}}}},
        NAMED)
    return wait_for("it has a status", lambda: spoken_of(kube.get("GitLabRunner", name, NAMED)))


def spoken_of(runner: dict) -> dict | None:
    return runner if runner["status"]["observedGeneration"] > 0 else None


@pytest.fixture
def runner(kube: Kube, request: pytest.FixtureRequest) -> Iterator[Callable[[], dict]]:
    """act(), and the runner is gone with the test, although nobody is there to release it."""
    name = re.sub("[^a-z0-9]+", "-", request.node.originalname.removeprefix("test_"))[:40].strip("-")
    yield lambda: act(kube, name)
    if kube.get("GitLabRunner", name, NAMED):
        kube.patch("GitLabRunner", name, {"metadata": {"finalizers": None}}, NAMED)
        kube.delete("GitLabRunner", name, NAMED)


def refused_requests(audit: AuditLog) -> list[dict]:
    lines = (json.loads(line) for line in audit.text().splitlines())
    return [entry for entry in lines if entry.get("responseStatus", {}).get("code") == 401 and
            "gitlab-runner-controller" in entry.get("userAgent", "")]


def wait_refused(token: str, server: Server) -> None:
    """The API server remembers good tokens for some seconds."""
    def status() -> int:
        return requests.get(f"{server.url}/{PATHS}", headers={"Authorization": f"Bearer {token}"}, timeout=10,
                            verify=str(STATE / "pki/ca.crt")).status_code
    wait_for("the former token is refused", lambda: status() == 401)


@pytest.mark.node
def test_a13_a_token_that_is_refused_is_read_again_at_once(desk: Desk, kube: Kube, runner: Callable[[], dict]) -> None:
    """A13: swapped as the kubelet does it; one request is refused, and nobody sees it."""
    for name in ("former", "next"):
        kubectl("create", "serviceaccount", name, "-n", NAMED)
        kubectl("create", "clusterrolebinding", f"{NAMED}-{name}", "--clusterrole=cluster-admin",
                f"--serviceaccount={NAMED}:{name}")
    try:
        former = new_token("former")
        desk.put("1/token", former)
        link = desk.folder / "data"
        link.symlink_to("1")
        with desk.operator(desk.config({"tokenFile": str(link / "token")})) as operator:
            operator.wait_ready()
            desk.put("2/token", new_token("next"))
            (desk.folder / "swap").symlink_to("2")
            (desk.folder / "swap").rename(link)
            kubectl("delete", "serviceaccount", "former", "-n", NAMED)
            wait_refused(former, desk.server)
            audit = AuditLog()
            runner()
            assert len(refused_requests(audit)) <= 1
            assert operator.complaints() == [] and operator.ready()
    finally:
        for name in ("former", "next"):
            kubectl("delete", "clusterrolebinding", f"{NAMED}-{name}")


@pytest.mark.node
def test_a13_a_token_file_that_has_gone_leaves_the_token(desk: Desk, runner: Callable[[], dict]) -> None:
    """A13."""
    file = desk.put("token", desk.token)
    with desk.operator(desk.config({"tokenFile": str(file)})) as operator:
        operator.wait_ready()
        file.unlink()
        runner()
        assert operator.complaints() == [] and operator.ready()


@pytest.mark.node
def test_a14_a_client_certificate_that_expires_is_replaced(desk: Desk, kube: Kube, runner: Callable[[], dict]) -> None:
    """A14: the new pair is there before the old one ends; the request that meets its end is not lost."""
    pair = client_pair(desk.folder, "me", 8)
    expires = time.monotonic() + 8
    with desk.operator(desk.config({"client-certificate": "me.crt", "client-key": "me.key"})) as operator:
        operator.wait_ready()
        following = client_pair(desk.folder, "following")
        following.key.rename(pair.key)
        following.cert.rename(pair.cert)
        wait_for("the former certificate has expired", lambda: time.monotonic() > expires + 1)
        audit = AuditLog()
        runner()
        assert len(refused_requests(audit)) <= 1
        assert operator.complaints() == [] and operator.ready()


def tls_relay(pair: Callable[[], Pair], server: Server) -> Relay:
    """In front of the API server, with a certificate of its own."""
    def greet(connection: socket.socket) -> tuple[socket.socket, socket.socket]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair().cert, pair().key)
        us = context.wrap_socket(connection, server_side=True)
        there = ssl.create_default_context(cafile=str(STATE / "pki/ca.crt"))
        return us, there.wrap_socket(socket.create_connection(server.address), server_hostname=server.address[0])
    return Relay(greet)


@pytest.mark.node
def test_a14_another_ca_is_followed_and_a_broken_one_is_not(desk: Desk, runner: Callable[[], dict]) -> None:
    """A14: the server's certificate changes with the CA's file; what is no CA keeps the old one."""
    authorities = [Authority(desk.folder / name, name) for name in ("first", "second")]
    pairs = [authority.server("127.0.0.1") for authority in authorities]
    now = pairs[0]
    file = desk.put("ca.crt", authorities[0].ca.cert.read_text())
    with closing(tls_relay(lambda: now, desk.server)) as relay:
        config = desk.config(server=f"https://127.0.0.1:{relay.port}",
                             **{"certificate-authority-data": None, "certificate-authority": str(file)})
        with desk.operator(config) as operator:
            operator.wait_ready()
            file.write_text("-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n")
            relay.cut()
            before = relay.connections
            wait_for("it is back, with the CA that it knew", lambda: relay.connections > before)
            now = pairs[1]
            relay.cut()
            wait_for("it does not trust the new server",
                     lambda: any("not signed by a trusted authority" in text for text in operator.complaints()))
            file.write_text(authorities[1].ca.cert.read_text())
            assert runner()
            assert operator.ready()


@pytest.mark.node
def test_a15_a_plugin_is_asked_again_when_its_credential_expires(desk: Desk, runner: Callable[[], dict]) -> None:
    """A15."""
    expires = "$(date -u -d +4seconds +%Y-%m-%dT%H:%M:%SZ)"
    status = f"""echo '{{"token":"{desk.token}","expirationTimestamp":"'{expires}'"}}'"""
    with desk.operator(desk.config(desk.plugin(status))) as operator:
        operator.wait_ready()
        began = desk.runs()
        ended = time.monotonic() + 5
        assert began == 1
        wait_for("it has expired", lambda: time.monotonic() > ended)
        runner()
        assert desk.runs() > began
        assert operator.complaints() == [] and operator.ready()


@pytest.mark.node
def test_a15_a_plugin_is_asked_again_when_its_token_is_refused(desk: Desk, kube: Kube,
                                                               runner: Callable[[], dict]) -> None:
    """A15."""
    kubectl("create", "serviceaccount", "passing", "-n", NAMED)
    kubectl("create", "clusterrolebinding", f"{NAMED}-passing", "--clusterrole=cluster-admin",
            f"--serviceaccount={NAMED}:passing")
    try:
        former = new_token("passing")
        file = desk.put("status", {"token": former})
        with desk.operator(desk.config(desk.plugin(f"cat {shlex.quote(str(file))}"))) as operator:
            operator.wait_ready()
            assert desk.runs() == 1
            file.write_text(json.dumps({"token": desk.token}))
            kubectl("delete", "serviceaccount", "passing", "-n", NAMED)
            wait_refused(former, desk.server)
            audit = AuditLog()
            runner()
            assert len(refused_requests(audit)) <= 1
            assert desk.runs() == 2
            assert operator.complaints() == [] and operator.ready()
    finally:
        kubectl("delete", "clusterrolebinding", f"{NAMED}-passing")
