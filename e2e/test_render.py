"""What `render` prints and `validate` says, without a cluster; and that the operator writes the same."""
from __future__ import annotations

import base64
import copy
import json
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from cluster import ROOT, kubectl
from gitlab_admin import GitLabAdmin
from places import Place, Runner, decoded
from program import run
from standin_fixtures import runner_program

SAMPLES = sorted((ROOT / "manifests/samples").glob("*.yaml"))
FULL = ROOT / "tests/data/render/full.json"
GOLDEN = ROOT / "tests/data/render/full"
RUNNER = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
          "metadata": {"name": "builds", "namespace": "ci"},
          "spec": {"url": "https://gitlab.example.com",
                   "authentication": {"registrationTokenSecretRef": {"name": "my-gitlab"}}}}


def rendered(file: Path) -> list[dict]:
    return list(yaml.safe_load_all(run("render", "-f", file).stdout))


def config_of(objects: list[dict]) -> str:
    return next(o["stringData"]["config.toml"] for o in objects if o["metadata"]["name"].endswith("-runner-config"))


def lint(toml: str, folder: Path) -> None:
    """The real gitlab-runner's opinion."""
    file = folder / "config.toml"
    file.write_text(toml)
    done = subprocess.run([runner_program(), "lint", "--config", file], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


def runner(**spec: object) -> dict:
    return copy.deepcopy(RUNNER) | {"spec": RUNNER["spec"] | spec}


def dumped(*objects: dict) -> str:
    """As a file of several documents."""
    return "".join(f"---\n{json.dumps(o, ensure_ascii=False)}\n" for o in objects)


# ----------------------------------------------------------------------------------------------------------------------
# render


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.stem)
def test_a_sample_leads_to_five_objects(file: Path) -> None:
    sample = next(o for o in yaml.safe_load_all(file.read_text()) if o["kind"] == "GitLabRunner")
    name, ns = sample["metadata"]["name"], sample["metadata"]["namespace"]
    objects = rendered(file)
    assert [(o["apiVersion"], o["kind"], o["metadata"]["name"], o["metadata"]["namespace"]) for o in objects] == [
        ("v1", "Secret", f"{name}-runner-token", ns),
        ("v1", "Secret", f"{name}-runner-config", ns),
        ("v1", "ServiceAccount", f"{name}-runner", ns),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", f"{ns}.{name}-runner", ns),
        ("apps/v1", "Deployment", f"{name}-runner", ns)]
    assert objects[0]["stringData"] == {"runner-token": "<token>"}
    assert tomllib.loads(config_of(objects))["runners"][0]["token"] == "<token>"


@pytest.mark.parametrize("file", [*SAMPLES, FULL], ids=lambda file: file.stem)
def test_config_toml_is_what_gitlab_runner_takes(file: Path, tmp_path: Path) -> None:
    toml = run("render", "-f", file, "-o", "toml").stdout
    assert toml == config_of(rendered(file))
    assert tomllib.loads(toml)["runners"][0]["executor"] == "kubernetes"
    lint(toml, tmp_path)


def test_gitlab_runner_would_not_take_anything(tmp_path: Path) -> None:
    toml = run("render", "-f", FULL, "-o", "toml").stdout
    with pytest.raises(AssertionError, match="privileged"):
        lint(toml.replace("privileged = true", 'privileged = "perhaps"'), tmp_path)


def test_an_object_with_every_field_leads_to_the_kept_manifests() -> None:
    names = ("role-binding", "deployment", "disruption-budget")
    kept = [json.loads((GOLDEN / f"{name}.json").read_text()) for name in names]
    objects = json.loads(run("render", "-f", FULL, "-o", "json").stdout)["items"]
    assert [o for o in objects if o["kind"] != "Secret"] == kept, "it brings a ServiceAccount of its own"
    config = tomllib.loads(config_of(objects))
    config["runners"][0]["token"] = "glrt-golden"
    assert config == tomllib.loads((GOLDEN / "config.toml").read_text())


def test_yaml_and_json_say_the_same() -> None:
    assert rendered(FULL) == json.loads(run("render", "-f", FULL, "-o", "json").stdout)["items"]


NASTY = {
    "quotes": """say "hi", it's \"\"\"three\"\"\" '''times'''""",
    "lines": 'one\ntwo\r\nthree"\n[[runners]]\n  name = "evil"\n',
    "backslashes": "C:\\dir\\ \\n \\u0041 \\",
    "unicode": "grün 构建 🐳 \u0085 \u2028 \ufeff \ufffd",
    "controls": "".join(map(chr, [*range(1, 32), 127])),
    "toml": "a.b=c # no comment ] } , ",
    "variables": "$CI_JOB_ID ${HOME} %s %n",
}


def where(text: str) -> str:
    """As a path, in which no API server takes a colon."""
    return "/" + text.replace(":", "")


def nasty_spec(text: str) -> dict:
    """The text wherever text is free, in keys as well; labels and names are not, and refused as no API server takes them."""
    odd = {"plain": text, text: "plain", text + text: text}
    files = [{"key": text, "path": text}]
    volumes = [
        {"hostPath": {"path": text}}, {"persistentVolumeClaim": {"claimName": text}},
        {"configMap": {"name": "c", "items": files}}, {"secret": {"secretName": "s", "items": files}}, {"emptyDir": {}},
        {"csi": {"driver": text, "fsType": text, "volumeAttributes": odd}},
        {"nfs": {"server": text, "path": "/" + text}}]
    return {
        "image": text, "helperImage": text, "podLabels": {"plain": text}, "podAnnotations": {"plain": text},
        "environment": [{"name": "A", "value": text}],
        "manager": {"podAnnotations": {"plain": text}, "env": [{"name": "A", "value": text}]},
        "volumes": [{"name": f"v{i}", "mountPath": where(text), "subPath": text} | volume
                    for i, volume in enumerate(volumes)]}


def nasty_section(text: str) -> dict:
    """What of it belongs into [runners.kubernetes]."""
    odd = {"plain": text, text: "plain", text + text: text}

    def volume(name: str, **columns: object) -> list[dict]:
        return [{"name": name, "mount_path": where(text), "sub_path": text} | columns]
    return {
        "namespace": "ci", "image": text, "helper_image": text, "pod_labels": {"plain": text},
        "pod_annotations": {"plain": text},
        "volumes": {
            "host_path": volume("v0", host_path=text), "pvc": volume(text), "empty_dir": volume("v4"),
            "config_map": volume("c", items={text: text}), "secret": volume("s", items={text: text}),
            "csi": volume("v5", driver=text, fs_type=text, volume_attributes=odd),
            "nfs": volume("v6", server=text, path="/" + text)}}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_whatever_the_text_it_arrives_as_it_is(text: str, tmp_path: Path) -> None:
    body = json.dumps(runner(**nasty_spec(text)))
    toml = run("render", "-f", "-", "-o", "toml", stdin=body).stdout
    parsed = tomllib.loads(toml)
    section = parsed["runners"][0].pop("kubernetes")
    assert section == nasty_section(text)
    assert parsed["runners"] == [{"name": "ci/builds", "url": RUNNER["spec"]["url"], "token": "<token>",
                                  "executor": "kubernetes", "request_concurrency": 4, "environment": ["A=" + text]}]
    lint(toml, tmp_path)
    objects = list(yaml.safe_load_all(run("render", "-f", "-", stdin=body).stdout))
    assert objects == json.loads(run("render", "-f", "-", "-o", "json", stdin=body).stdout)["items"]
    assert config_of(objects) == toml


def test_a_nul_has_no_place_in_text() -> None:
    said = run("render", "-f", "-", stdin=json.dumps(runner(image="a\0b")), code=3).stderr
    assert "standard input:1:" in said and "NUL" in said


def test_several_runners_are_told_apart() -> None:
    second = runner() | {"metadata": {"name": "more", "namespace": "ci"}}
    both = run("render", "-f", "-", "-o", "toml", stdin=dumped(RUNNER, second)).stdout
    assert [line for line in both.splitlines() if line.startswith("# ")] == ["# ci/builds", "# ci/more"]
    objects = list(yaml.safe_load_all(run("render", "-f", "-", stdin=dumped(RUNNER, second)).stdout))
    assert [o["metadata"]["name"] for o in objects if o["kind"] == "Deployment"] == ["builds-runner", "more-runner"]


@pytest.mark.usefixtures("kube")
def test_what_it_prints_can_be_applied() -> None:
    """The API server knows every field of it."""
    objects = rendered(FULL)
    for item in objects:
        item["metadata"]["namespace"] = "default"
    applied = kubectl("apply", "--dry-run=server", "--validate=strict", "-o", "name", "-f", "-", stdin=dumped(*objects))
    assert len(applied.splitlines()) == len(objects)


# ----------------------------------------------------------------------------------------------------------------------
# validate


@pytest.mark.parametrize("file", [*SAMPLES, FULL], ids=lambda file: file.stem)
def test_samples_are_valid(file: Path) -> None:
    lines = run("validate", "-f", file).stdout.splitlines()
    assert lines[0].startswith(f"{file}: GitLabRunner ci/") and lines[0].endswith(": valid")
    others = sum(o["kind"] != "GitLabRunner" for o in yaml.safe_load_all(file.read_text()))
    assert lines[1:] == ([f"not checked, being of other kinds: {others}"] if others else [])


WRONG = {
    "concurrent": ({"concurrent": 0}, "spec.concurrent must be from 1 to 100000, not 0"),
    "misspelt": ({"nodeSelektor": {}}, "spec.nodeSelektor is not known: did you mean nodeSelector?"),
    "elsewhere": ({"replicas": 2}, "spec.replicas is not known: did you mean spec.manager.replicas?"),
    "unlike any": ({"frobnicate": 2}, "spec.frobnicate is not known: take it out"),
    "in a list": ({"environment": [{"name": "A", "value": "b", "vale": "c"}]},
                  "spec.environment[0].vale is not known: did you mean value?"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_field_is_named_with_the_remedy(case: tuple[dict, str]) -> None:
    spec, finding = case
    said = run("validate", "-f", "-", stdin=json.dumps(runner(**spec)), code=3).stdout
    assert said == f"standard input: GitLabRunner ci/builds: {finding}\n"


def test_each_of_several_objects_has_its_line() -> None:
    bad = runner(url="gitlab.example.com") | {"metadata": {"name": "bad", "namespace": "ci"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    said = run("validate", "-f", "-", stdin=dumped(RUNNER, bad, pod), code=3).stdout.splitlines()
    assert said == ["standard input: GitLabRunner ci/builds: valid",
                    "standard input: GitLabRunner ci/bad: spec.url must be http:// or https://, a host, "
                    'and if need be a port and a path; nothing else, not "gitlab.example.com"',
                    "not checked, being of other kinds: 1"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    missing, broken, empty = (tmp_path / name for name in ("missing.yaml", "broken.yaml", "empty.yaml"))
    broken.write_text("spec: [\n")
    empty.write_text("")
    assert run("validate", "-f", missing, code=1).stderr == f"{missing}: No such file or directory\n"
    assert run("validate", "-f", broken, code=3).stderr.startswith(f"{broken}:2:1: ")
    assert run("validate", "-f", empty, code=1).stderr == "no GitLabRunner was found; objects of other kinds: 0\n"
    assert run("validate", "-f", tmp_path, code=1).stderr == f"{tmp_path}: Is a directory\n"


@pytest.mark.parametrize("command", ["render", "validate"])
def test_wrong_usage_is_told_on_standard_error(command: str) -> None:
    for words in ([], ["--nonsense"], ["-f"]):
        done = run(command, *words, code=2)
        assert f"Usage: gitlab-runner-controller {command} " in done.stderr and done.stdout == ""


def test_a_format_that_there_is_not() -> None:
    said = run("render", "-f", FULL, "-o", "xml", code=2).stderr
    assert said.startswith("render: --output xml: must be yaml, json, toml or job\n")


# ----------------------------------------------------------------------------------------------------------------------
# In the cluster

WITH_MUCH = {
    "tags": ["b", "a"], "concurrent": 3, "logLevel": "debug", "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "dedicated", "value": "ci", "effect": "NoSchedule"}, {"operator": "Exists"}],
    "volumes": [{"name": "cache", "mountPath": "/cache", "emptyDir": {"sizeLimit": "1Gi"}},
                {"name": "files", "mountPath": "/files", "configMap": {"name": "files"}, "readOnly": True}],
    "resources": {"requests": {"cpu": 1, "memory": "64Mi"}}, "podAnnotations": {"note": 'say "hi"\n'},
    "environment": [{"name": "GREETING", "value": "grüß Gott"}],
    "manager": {"replicas": 0, "resources": {"requests": {"cpu": "10m"}}, "podLabels": {"team": "a"},
                "env": [{"name": "A", "value": "b"}], "priorityClassName": "system-cluster-critical",
                "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname",
                                               "whenUnsatisfiable": "ScheduleAnyway"}]}}


def as_the_operator_knows_it(manifest: dict, runner: Runner) -> dict:
    """With what only GitLab and the API server could tell, and Secrets as the operator writes them."""
    text = json.dumps(manifest).replace("<token>", runner.token()).replace(
        "<runner id>", str(runner.status()["runnerId"]))
    manifest = json.loads(text)
    for key, value in manifest.pop("stringData", {}).items():
        manifest.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()
    if manifest["kind"] == "Deployment":
        uid = runner.child("account")["metadata"]["uid"]
        manifest["metadata"]["annotations"]["gitlab-runners.dev/inputs"] = f"account={uid}"
        pod = manifest["spec"]["template"]["metadata"]
        pod["annotations"] = pod.get("annotations", {}) | {"gitlab-runners.dev/service-account-uid": uid}
    return manifest


def meaning(body: dict) -> dict:
    """Without what the API server notes, and in Secrets the fingerprint, into which the token goes."""
    body = copy.deepcopy(body)
    body["metadata"].pop("managedFields", None)
    if body["kind"] == "Secret":
        for annotation in ("applied-hash", "inputs"):
            body["metadata"]["annotations"].pop(f"gitlab-runners.dev/{annotation}", None)
    return body


@pytest.mark.parametrize("spec", [{"manager": {"replicas": 0}}, WITH_MUCH], ids=["little", "much"])
def test_the_operator_writes_what_render_prints(spec: dict, ci: Place, gitlab: GitLabAdmin, tmp_path: Path) -> None:
    """Applying it in the operator's name would neither add, nor change, nor take anything."""
    ci.registration_token()
    runner = ci.runner(**spec)
    runner.wait()
    file = tmp_path / "runner.json"
    file.write_text(json.dumps(runner.object()))
    objects = json.loads(run("render", "-f", file, "-o", "json").stdout)["items"]
    assert {o["metadata"]["name"] for o in objects} == {name for _, name, _ in runner.children().values()}
    for manifest in objects:
        there = ci.kube.get(manifest["kind"], manifest["metadata"]["name"], ci.name)
        again = json.loads(kubectl(
            "apply", "--server-side", "--dry-run=server", "--field-manager=gitlab-runner-controller", "-o", "json",
            "-f", "-", stdin=json.dumps(as_the_operator_knows_it(manifest, runner))))
        assert meaning(again) == meaning(there), manifest["kind"]


def test_config_toml_in_the_cluster_is_the_printed_one_with_the_token(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner(**WITH_MUCH)
    runner.wait()
    printed = run("render", "-f", "-", "-o", "toml", stdin=json.dumps(runner.object())).stdout
    assert decoded(runner.child("config"), "config.toml") == printed.replace("<token>", runner.token())
