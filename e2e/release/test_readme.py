"""README.md as who is new here uses it: its commands, taken out of it and run, and where its links lead."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cluster import ROOT, kubectl, run_kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import GITLAB_IP, LABEL, Place
from test_install import CRD, reinstalled, wait_gone
from operator_pod import NAME, NAMESPACE

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "manifests/samples/README.md"]

# Not run here: what takes minutes, or makes clusters and images. Each has a run of its own.
ELSEWHERE = {
    "make release": "what the cluster here runs is made by `make image`",
    "skopeo copy": "goes with that",
    "make demo": "a cluster of its own",
    "make demo-down": "the end of that",
    "kubectl glr": "the plugin has a suite of its own",
}
NEEDS_OTHERS = {"manifests/monitoring": "the kinds of the Prometheus operator"}


def fenced(language: str) -> list[str]:
    """Blocks between fences, by what follows the first one."""
    return [text for after, text in re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S) if after == language]


def commands() -> list[str]:
    """Lines of indented blocks, without the comments behind them."""
    outside = re.sub(r"^```.*?^```$", "", README, flags=re.M | re.S)
    return [re.sub(r"\s+#.*", "", line[4:]) for line in re.findall(r"^    \S.*$", outside, re.M)]


def runnable() -> list[str]:
    return [line for line in commands() if " ".join(line.split()[:2]) not in ELSEWHERE]


def filled_in(text: str, project: dict, token: str) -> str:
    """What a reader has to put in the place of what is there."""
    for placeholder, value in [("https://gitlab.example.invalid", f"http://{GITLAB_IP}"), ("glpat-…", token),
                               ("dist/install.yaml", "manifests/install.yaml"),
                               ("projectId: 1}", f"projectId: {project['id']}}}")]:
        text = text.replace(placeholder, value)
    return text


def run_all(lines: list[str], folder: Path) -> None:
    """In a shell, as one would type them."""
    for line in lines:
        done = subprocess.run(["bash", "-ec", line], cwd=folder, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{line}: {done.stderr or done.stdout}"


def split_at(lines: list[str], beginning: str) -> tuple[list[str], list[str]]:
    at = next(i for i, line in enumerate(lines) if line.startswith(beginning))
    return lines[:at], lines[at:]


def test_what_is_run_elsewhere_is_in_the_readme() -> None:
    assert {" ".join(line.split()[:2]) for line in commands()} >= ELSEWHERE.keys()


def test_the_first_five_minutes(ci: Place, gitlab: GitLabAdmin, tmp_path: Path) -> None:
    """Each command as it stands there, from the installation to its end; what is shown is what comes out."""
    wait_for("an earlier namespace ci is gone", lambda: ci.kube.get("Namespace", "ci") is None)
    project = gitlab.add_project("app")
    token = gitlab.add_token("create_runner", "manage_runner", "read_api", project_id=project["id"], role="maintainer")
    (tmp_path / "manifests").symlink_to(ROOT / "manifests")
    (tmp_path / "runner.yaml").write_text(filled_in(fenced("yaml")[0], project, token["token"]))
    before, after = split_at([filled_in(line, project, token["token"]) for line in runnable()], "kubectl delete glr")
    ci.adopt("ci")
    ci.namespace("ci-jobs")             # of somebody who opens it
    uninstall, rest = after[:2], after[2:]
    with reinstalled(ci.operator):
        run_all(before[:-1], tmp_path)
        kubectl("label", "namespace", "ci", f"{LABEL}=1")
        wait_for("it is as the README shows it", lambda: shown(project) is not None)
        run_all([*before[-1:], *rest], tmp_path)
        for overlay in set(re.findall(r"`kubectl apply -k (\S+)`", README)) - NEEDS_OTHERS.keys():
            kubectl("apply", "-k", overlay, "--dry-run=server")
        run_all(uninstall, tmp_path)
        assert gitlab.runners() == []
        for kind, name in [("CustomResourceDefinition", CRD), ("Namespace", NAMESPACE), ("ClusterRole", NAME),
                           ("ClusterRole", "gitlab-runner-executor")]:
            wait_gone(ci.kube, kind, name)


def shown(project: dict) -> re.Match | None:
    """What kubectl says, if it is the README's but for numbers."""
    command, *lines = next(block for block in fenced("") if block.startswith("$ ")).splitlines()
    pattern = r"\s+".join(re.escape(word) for word in " ".join(lines).split())
    pattern = re.sub(r"\\s\+12\\s", lambda _: r"\s+\d+\s", pattern)
    pattern = pattern.replace("Project/1", f"Project/{project['id']}").replace("9s", r"\d+s")
    return re.fullmatch(pattern, run_kubectl(*command.removeprefix("$ kubectl ").split()).stdout.strip())


def slugs(page: Path) -> set[str]:
    """Of its headings, as GitHub and GitLab make them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "]", heading).lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.+)$", text, re.M)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "`", page.read_text(), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in slugs(there), target


def test_each_status_in_the_troubles_is_explained() -> None:
    """By docs/conditions.md, under that very name."""
    known = set(re.findall(r"`([A-Z]\w+)`", (ROOT / "docs/conditions.md").read_text()))
    cells = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs/trouble.md").read_text(), re.M)
    told = {word for cell in cells for word in re.findall(r"`([A-Z][a-z]+[A-Z]\w+|Forbidden)`", cell)}
    pods = {"ErrImagePull"}     # what kubectl says of pods
    assert len(told) > 20 and told - pods <= known


def test_the_demos_hints_carry_the_name_of_its_cluster() -> None:
    """They can be copied, whatever CLUSTER was."""
    hints = (ROOT / "hack/demo").read_text().rpartition("cat <<END")[2]
    assert "$enter kubectl" in hints and "${typed}make demo" in hints
    assert not re.findall(r"^  (?:hack/|make )", hints, re.M)
    done = subprocess.run(["bash", "-c", '. hack/cluster/env.sh; echo "${typed}make"'], cwd=ROOT, capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "HOME": "/", "CLUSTER": "mine"}, check=True)
    assert done.stdout == "CLUSTER=mine make\n"
