"""GitLab behind an egress proxy: the administrator names it, and what the operator then says and does not say."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster import Kube, kustomized, wait_for
from gitlab_admin import GitLabAdmin
from means.egress import EgressProxy
from operator_pod import NAME, NAMESPACE, Operator
from places import GITLAB_IP, HOST, TLS_URL, URL, Place
from standin.pki import Authority

PORT = 3128
AUTH = "operator:a pass:word%40"
SECRET = "gitlab-proxy"


def replace(kube: Kube, operator: Operator, pod: dict) -> None:
    """The operator runs as this PodSpec says from now on."""
    old = [item["metadata"]["uid"] for item in operator.pods()]
    kube.patch("Deployment", NAME, {"spec": {"template": {"spec": pod}}}, NAMESPACE)
    wait_for("the former operator is gone",
             lambda: not any(item["metadata"]["uid"] in old for item in operator.pods()))
    operator.accept()


@pytest.fixture
def behind(ci: Place, operator: Operator, kube: Kube) -> Iterator[EgressProxy]:
    """The operator as manifests/gitlab-proxy has it, with the address of a proxy that alone knows my.gitlab.com."""
    before = kube.get("Deployment", NAME, NAMESPACE)["spec"]["template"]["spec"]
    sample, = (item for item in kustomized("manifests/gitlab-proxy") if item["kind"] == "Deployment")
    pod = sample["spec"]["template"]["spec"]
    container, = pod["containers"]
    container["image"] = before["containers"][0]["image"]
    container["args"] = [arg if not arg.startswith("--gitlab-proxy=") else f"--gitlab-proxy=http://{GITLAB_IP}:{PORT}"
                         for arg in container["args"] if not arg.startswith("--gitlab-no-proxy=")]
    kube.delete("Secret", SECRET, NAMESPACE)
    kube.create("Secret", {"metadata": {"name": SECRET}, "stringData": {"auth": AUTH + "\n"}}, NAMESPACE)
    with EgressProxy((GITLAB_IP, PORT), {HOST: GITLAB_IP}, AUTH) as proxy:
        replace(kube, operator, pod)
        yield proxy
    replace(kube, operator, before | {"volumes": before.get("volumes"),
                                      "securityContext": before["securityContext"] | {"fsGroup": None}})
    kube.delete("Secret", SECRET, NAMESPACE)


def test_gitlab_is_reached_through_the_proxy_alone(behind: EgressProxy, ci: Place, gitlab: GitLabAdmin,
                                                   authority: Authority, operator: Operator) -> None:
    """By http and by https, with credentials of its own; and what is wrong with the proxy is told as such."""
    ci.access_token()
    ci.put("ConfigMap", "gitlab-ca", {"data": {"ca.crt": authority.ca.cert.read_text()}})
    plain = ci.unmanned("accessToken", name="plain", hostAliases=None)
    tls = ci.unmanned("accessToken", name="tls", hostAliases=None, url=TLS_URL, caConfigMapRef={"name": "gitlab-ca"})
    plain.wait()
    tls.wait()
    assert f"POST {URL}/api/v4/user/runners" in behind.seen and f"CONNECT {HOST}:443" in behind.seen
    assert len(gitlab.runners()) == 2

    behind.auth = "operator:another"
    late = ci.unmanned("accessToken", name="late", hostAliases=None, url=TLS_URL, caConfigMapRef={"name": "gitlab-ca"})
    message = late.wait_refused("ProxyRefused")
    assert "--gitlab-proxy-auth-file" in message
    behind.auth = AUTH
    late.edit(description="now")
    late.wait()

    behind.seen.clear()
    nowhere = ci.unmanned("accessToken", name="nowhere", hostAliases=None, url="http://metadata.google.internal")
    assert "a cloud's metadata" in nowhere.wait_refused("AddressNotAllowed")
    assert not [line for line in behind.seen if "metadata" in line], "it was asked for"
    unknown = ci.unmanned("accessToken", name="unknown", hostAliases=None, url="https://gitlab.nowhere.test")
    assert "the proxy could make no connection" in unknown.wait_refused("ConnectionRefused")

    for runner in ci.runners():
        runner.delete()
    for runner in (plain, tls, late, nowhere, unknown):
        runner.wait_gone()
    assert gitlab.runners() == [], "deregistered through the proxy as well"
    assert AUTH not in operator.logs() and "pass:word" not in operator.logs()

    behind.shutdown()
    behind.server_close()
    waits = ci.unmanned("accessToken", name="waits", hostAliases=None)
    message = waits.wait_refused("ProxyUnreachable")
    assert "--gitlab-proxy" in message and waits.conditions()["GitLabReachable"]["status"] == "False"
    with EgressProxy((GITLAB_IP, PORT), {HOST: GITLAB_IP}, AUTH):
        waits.wait()
        waits.delete()
        waits.wait_gone()


def test_that_spec_proxy_is_not_the_operators_is_said(ci: Place, gitlab: GitLabAdmin) -> None:
    """… where GitLab cannot be reached and a proxy is known for the managers."""
    ci.registration_token()
    runner = ci.unmanned(hostAliases=None, proxy={"httpsProxy": "http://proxy.example.com:3128"})
    message = runner.wait_refused("HostNotFound")
    assert "does not use spec.proxy" in message and "--gitlab-proxy" in message
    runner.edit(proxy=None)
    wait_for("without it nothing is said of it", lambda: "spec.proxy" not in runner.wait_refused("HostNotFound"))
    runner.edit(hostAliases=[{"ip": GITLAB_IP, "hostnames": [HOST]}])
    runner.wait()
