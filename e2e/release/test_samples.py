"""manifests/samples/: each answers its question, may be applied beside all others, and would show no token to anybody."""
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import ROOT, kubectl, wait_for
from operator_pod import Operator
from places import LABEL
from program import run

FOLDER = ROOT / "manifests/samples"
SAMPLES = sorted(FOLDER.glob("*.yaml"))
TEXTS = [*SAMPLES, FOLDER / "README.md", ROOT / "README.md"]
ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!/\d)")
SECRET = re.compile(r"kubectl -n ci create secret (?:generic|tls) (\S+)(.*)")


def objects(file: Path) -> list[dict]:
    return [body for body in yaml.safe_load_all(file.read_text()) if body]


def everything() -> Iterator[dict]:
    for file in SAMPLES:
        yield from objects(file)


def leaves(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def test_each_samples_first_line_is_its_row() -> None:
    rows = re.findall(r"^\| (.+\?) \| \[(.+)\]\((.+)\) \|$", (FOLDER / "README.md").read_text(), re.M)
    assert {target: question for question, _, target in rows} == {
        file.name: file.read_text().splitlines()[0].removeprefix("# ") for file in SAMPLES}


def test_no_two_samples_are_one_object() -> None:
    """Nor is the README's example one of them."""
    names = [(body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]) for body in everything()]
    example, = re.findall(r"^kind: GitLabRunner\nmetadata: \{name: (\S+), namespace: (\S+)\}", (ROOT / "README.md").read_text(), re.M)
    names.append(("GitLabRunner", example[1], example[0]))
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_sample_is_valid_and_works_as_it_is_meant(file: Path) -> None:
    """Without a warning."""
    assert [line.rpartition(": ")[2] for line in run("validate", "-f", file).stdout.splitlines()] == ["valid"]


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_no_token_goes_to_a_stranger(file: Path) -> None:
    """Who applies it as it is calls nobody: hosts are below .invalid, of which there are none, and there is no address."""
    text = file.read_text()
    hosts = [host for host in re.findall(r"\b(?:url|httpProxy|httpsProxy|serverAddress): (?:https?://)?([^\s/:]+)", text)]
    assert all(host.endswith(".invalid") for host in hosts), hosts
    assert not ADDRESS.findall(re.sub(r"windows-build: \S+", "", text))
    if file.suffix == ".yaml":
        assert all(body["spec"]["url"].startswith("https://") for body in objects(file))


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_sample_says_how_its_secrets_are_made(file: Path) -> None:
    """In it, or in the sample that it names."""
    told: dict[str, str] = {}
    for text in [file.read_text(), *((FOLDER / name).read_text() for name in re.findall(r"\b[\w-]+\.yaml", file.read_text())
                                     if (FOLDER / name).exists())]:
        told |= SECRET.findall(text) + re.findall(r"target: \{name: (\S+)\}(.*)", text)
    spec = objects(file)[0]["spec"]
    by, wanted = next(iter(spec["authentication"].items()))
    assert {"accessTokenSecretRef": "access-token", "runnerTokenSecretRef": "runner-token",
            "registrationTokenSecretRef": "runner-registration-token"}[by] + "=" in told[wanted["name"]] or "vault" in wanted["name"]
    others = [spec.get("clientCertificateSecretRef"), spec.get("cache", {}).get("s3", {}).get("credentialsSecretRef")]
    assert {ref["name"] for ref in others if ref} <= told.keys()


def test_the_external_secret_makes_the_secret_that_is_named() -> None:
    text = (FOLDER / "external-secrets.yaml").read_text()
    commented = "\n".join(line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     "))
    external, runner = yaml.safe_load(commented), yaml.safe_load(text)
    wanted = runner["spec"]["authentication"]["accessTokenSecretRef"]["name"]
    assert (external["kind"], external["spec"]["target"]["name"]) == ("ExternalSecret", wanted)
    assert [item["secretKey"] for item in external["spec"]["data"]] == ["access-token"]


def test_all_samples_are_applied_together(operator: Operator) -> None:
    """As the API server would."""
    wait_for("an earlier namespace ci is gone", lambda: operator.kube.get("Namespace", "ci") is None)
    kubectl("create", "namespace", "ci")
    kubectl("label", "namespace", "ci", f"{LABEL}=1")
    try:
        said = kubectl("apply", "--dry-run=server", "-f", str(FOLDER)).splitlines()
        assert len(said) == len(SAMPLES) and all(line.endswith("created (server dry run)") for line in said), said
    finally:
        kubectl("delete", "namespace", "ci", "--wait=false")
