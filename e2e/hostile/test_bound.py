"""A credential that its owner has bound to hosts goes to them and to nobody else, whatever the objects that name it say.

The attacker's GitLab plays the bound name itself: it has a certificate for it, of an authority that the attacker may name.
"""
from __future__ import annotations

import pytest

from hostile.evil import NAME, EvilGitLab
from hostile.siege import Siege
from hostile.tenants import Attacker
from places import GITLAB_IP
from standin.pki import Authority

SECRETS = {"accessToken": {"access_token": "glpat-ofTheOwner000000"},
           "registrationToken": {"registration_token": "GR1348941ofTheOwner00"},
           "runnerToken": {"runner_token": "glrt-ofTheOwner000000"}}
HOSTS = "gitlab-runners.dev/allowed-hosts"


def bind(attacker: Attacker, hosts: str, by: str = "accessToken", **keys: str) -> None:
    attacker.secret("gitlab", **SECRETS[by])
    attacker.kube.patch("Secret", "gitlab", {"metadata": {"annotations": {HOSTS: hosts}}, "stringData": keys},
                        attacker.name)


def at(name: str, ip: str = GITLAB_IP) -> list[dict]:
    return [{"ip": ip, "hostnames": [name]}]


def trust(attacker: Attacker, authority: Authority) -> dict:
    """The attacker's authority, and the field that names it."""
    attacker.kube.create("ConfigMap", {"metadata": {"name": "evil-ca"},
                                       "data": {"ca.crt": authority.ca.cert.read_text()}}, attacker.name)
    return {"caConfigMapRef": {"name": "evil-ca"}}


def secrets_seen(evil: EvilGitLab) -> str:
    return "".join(call["head"] + call["body"] for call in evil.all_calls())


@pytest.mark.parametrize("by", SECRETS)
def test_a_bound_credential_follows_no_alias(by: str, attacker: Attacker, evil: EvilGitLab, authority: Authority) -> None:
    bind(attacker, f"{NAME}, gitlab.example.com:443", by)
    ca = trust(attacker, authority)
    odd = f"https://{NAME.replace('.', '%2e')}:{evil.tls_port}/good"
    runners = [
        attacker.runner("http", evil.at("good"), by),
        attacker.runner("address", f"https://{GITLAB_IP}:{evil.tls_port}/good", by, **ca),
        attacker.runner("alias", evil.at("good", tls=True), by, hostAliases=at(NAME)),
        attacker.runner("clear", f"http://{NAME}:{evil.port}/good", by, hostAliases=at(NAME)),
        attacker.runner("trusted", evil.at("good", tls=True), by, hostAliases=at(NAME), **ca),
        attacker.runner("case", evil.at("good", tls=True).replace(NAME, NAME.upper()), by, hostAliases=at(NAME), **ca),
    ]
    attacker.mallory.call("POST", attacker.kube.path("GitLabRunner", attacker.name),        # may be refused as it is written
                          json=attacker.body("odd", odd, by, hostAliases=at(NAME), **ca))
    for runner in runners:
        assert HOSTS in runner.wait_refused("CredentialNotForHost")
    assert evil.all_calls() == [] and secrets_seen(evil) == ""


def test_whom_to_trust_with_a_bound_credential_is_its_owners_word(attacker: Attacker, evil: EvilGitLab,
                                                                  authority: Authority) -> None:
    bind(attacker, f"{NAME}, {GITLAB_IP}")
    runner = attacker.runner("builds", evil.at("good", tls=True), "accessToken", hostAliases=at(NAME),
                             **trust(attacker, authority))
    assert "ca.crt" in runner.wait_refused("UntrustedCertificate")
    assert secrets_seen(evil) == ""
    bind(attacker, f"{NAME}, {GITLAB_IP}", **{"ca.crt": authority.ca.cert.read_text()})
    runner.wait()
    assert SECRETS["accessToken"]["access_token"] in secrets_seen(evil)


def test_a_bundle_has_bounds(siege: Siege, attacker: Attacker, evil: EvilGitLab, authority: Authority) -> None:
    """Many objects with a bundle of 1 MB each, which nobody parses, and many with as much as may be."""
    one = authority.ca.cert.read_text()
    bundles = {"small": one, "many": one * 100, "more": one * 201, "long": one + "x" * 270_000, "huge": one + "\n" * 900_000}
    for name, bundle in bundles.items():
        attacker.kube.create("ConfigMap", {"metadata": {"name": name}, "data": {"ca.crt": bundle}}, attacker.name)
    siege.begin()
    runners = {(name, i): attacker.runner(f"{name}-{i}", evil.at("good", tls=True), hostAliases=at(NAME),
                                          caConfigMapRef={"name": name}) for name in bundles for i in range(8)}
    for (name, _), runner in runners.items():
        if name in ("small", "many"):
            runner.wait()
        else:
            assert name in runner.wait_refused("InvalidCA")
    siege.hold()
