"""A GitLab that lets in only who shows a client certificate: the operator, the manager and the jobs show theirs."""
from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from places import GITLAB_IP, HOST, TLS_URL, Place, Runner, decoded
from standin.pki import Authority, Pair
from standin_fixtures import Standin
from test_jobs import finished

PORT = 8443
NAME = "certificate"
JOB = "look: {script: [cat hello.txt]}"


@pytest.fixture
def clients(tmp_path: Path) -> Authority:
    """Who makes certificates for those that may call."""
    return Authority(tmp_path / "clients", "Clients' CA")


@pytest.fixture
def strict(ci: Place, authority: Authority, clients: Authority) -> Iterator[GitLabAdmin]:
    """A GitLab behind TLS that demands a certificate of theirs; the trust in its own is in a ConfigMap."""
    pair = authority.server(HOST)
    ci.put("ConfigMap", "gitlab-ca", {"data": {"ca.crt": authority.ca.cert.read_text()}})
    with Standin("--listen", f"{GITLAB_IP}:8082", "--tls-listen", f"{GITLAB_IP}:{PORT}", "--tls-cert", str(pair.cert),
                 "--tls-key", str(pair.key), "--tls-client-ca", str(clients.ca.cert), "--long-poll", "1") as running:
        ci.gitlabs.insert(0, running.admin)
        yield running.admin
        ci.clear()
        ci.gitlabs.remove(running.admin)


def files(pair: Pair) -> dict[str, str]:
    return {"tls.crt": pair.cert.read_text(), "tls.key": pair.key.read_text()}


def give(ci: Place, keys: dict[str, str]) -> None:
    """As `kubectl create secret` would make it, if it took what is wrong."""
    ci.put("Secret", NAME, {"stringData": keys})


def encrypted(pair: Pair) -> str:
    return subprocess.run(["openssl", "pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret"],
                          capture_output=True, text=True, check=True).stdout


def callers(gitlab: GitLabAdmin, path: str) -> set[str]:
    """Who has called there, by the certificates that were shown."""
    return {call["client"] for call in gitlab.audit(path=path)}


def certified(ci: Place, **spec: object) -> Runner:
    return ci.runner(url=f"{TLS_URL}:{PORT}", caConfigMapRef={"name": "gitlab-ca"}, **spec)


def test_what_is_wrong_with_the_certificate_is_said(ci: Place, strict: GitLabAdmin, clients: Authority,
                                                    tmp_path: Path) -> None:
    """None, no Secret, half of one, and pairs that nobody could use or GitLab does not take; then a good one."""
    good, other, expired = clients.client("builds"), clients.client("other"), clients.client("late", days=-1)
    foreign = Authority(tmp_path / "foreign", "Somebody else's CA").client("builds")
    ci.registration_token()
    runner = certified(ci, manager={"replicas": 0})
    said = runner.wait_refused("ClientCertificateRequired")
    assert "name a Secret that has one (kubernetes.io/tls) in spec.clientCertificateSecretRef" in said
    runner.edit(clientCertificateSecretRef={"name": NAME})
    assert f"Secret {ci.name}/{NAME} does not exist" in runner.wait_refused("SecretNotFound")
    for keys, reason, words in (
            ({"tls.crt": files(good)["tls.crt"]}, "KeyNotFound", "no key tls.key"),
            (files(good) | {"tls.crt": "none"}, "InvalidClientCertificate", "tls.crt"),
            (files(good) | {"tls.key": files(other)["tls.key"]}, "InvalidClientCertificate", "is not the key of"),
            (files(good) | {"tls.key": encrypted(good)}, "InvalidClientCertificate", "is encrypted"),
            (files(expired), "InvalidClientCertificate", "expired on 20"),
            (files(foreign), "ClientCertificateRefused", "of an authority that GitLab")):
        give(ci, keys)
        assert words in wait_for(f"{reason}: {words}", lambda: words in (m := runner.wait_refused(reason)) and m)
    assert strict.audit(path="/api/.*") == [], "nothing was let in so far"
    give(ci, files(good))
    runner.wait()
    assert callers(strict, "/api/v4/runners.*") == {"builds"}
    shown = str(runner.object()) + str(runner.events()) + ci.operator.logs()
    assert not [line for line in files(good)["tls.key"].splitlines()[1:-1] if line in shown]


def test_a_job_runs_behind_it_and_a_new_certificate_reaches_the_manager(ci: Place, strict: GitLabAdmin,
                                                                        clients: Authority) -> None:
    """Polls, clone and trace; and then with another certificate, in the same pod."""
    give(ci, files(clients.client("first")))
    project = ci.registration_token(files={".gitlab-ci.yml": JOB, "hello.txt": "hello\n"})
    runner = certified(ci, clientCertificateSecretRef={"name": NAME})
    runner.wait()
    section = runner.config()["runners"][0]
    assert section["tls-cert-file"].endswith("/tls.crt") and section["tls-key-file"].endswith("/tls.key")
    job = finished(strict, strict.start_pipeline(project["id"]))["jobs"][0]
    assert "hello" in strict.trace(job["id"])
    assert callers(strict, "/api/v4/.*") == callers(strict, ".*/git-upload-pack") == {"first"}

    pod, = runner.managers()
    generation, second = runner.child("manager")["metadata"]["generation"], clients.client("second")
    give(ci, files(second))
    wait_for("the config Secret has it", lambda: decoded(runner.child("config"), "tls.key") == second.key.read_text().strip())
    ci.kube.patch("Pod", pod["metadata"]["name"], {"metadata": {"annotations": {"touched": "1"}}}, ci.name)
    since = strict.audit()[-1]["id"]
    wait_for("the manager shows the new one", lambda: "second" in {
        call["client"] for call in strict.audit("POST", "/api/v4/jobs/request", since=since)}, 90)
    runner.wait()
    assert [other["metadata"]["uid"] for other in runner.managers()] == [pod["metadata"]["uid"]]
    assert runner.child("manager")["metadata"]["generation"] == generation
