"""What runs already in another way becomes GitLabRunners, and the runner at GitLab stays."""
from __future__ import annotations

from pathlib import Path

import requests

from cluster import kubectl
from gitlab_admin import GitLabAdmin
from places import GITLAB_IP, HOST, URL, Place, Runner
from program import run
from test_jobs import finished

CONFIG = """\
concurrent = 4
check_interval = 1

[[runners]]
  name = "Old Builds"
  id = {id}
  url = "{url}"
  token = "{token}"
  executor = "kubernetes"
  environment = ["GREETING=good day"]
  [runners.kubernetes]
    host = ""
    namespace = "{namespace}"
    image = "busybox:1.36"
    pull_policy = "if-not-present"
    poll_timeout = 60
    [runners.kubernetes.node_selector]
      "kubernetes.io/os" = "linux"
    [[runners.kubernetes.host_aliases]]
      ip = "{ip}"
      hostnames = ["{host}"]

[[runners]]
  name = "beside it"
  executor = "shell"
"""
JOB = "hello:\n  script: [echo \"greeting $GREETING\"]\n"


def registered(gitlab: GitLabAdmin, name: str = "app") -> dict:
    """A runner as somebody has registered it by hand."""
    project = gitlab.add_project(name, files={".gitlab-ci.yml": JOB})
    body = {"token": project["runners_token"], "description": "by hand", "run_untagged": True}
    return requests.post(gitlab.url + "/api/v4/runners", json=body, timeout=10).json() | {"project": project["id"]}


def written(ci: Place, runner: dict, folder: Path) -> Path:
    file = folder / "config.toml"
    file.write_text(CONFIG.format(id=runner["id"], token=runner["token"], url=URL, namespace=ci.name, ip=GITLAB_IP, host=HOST))
    return file


def test_import_of_a_config_keeps_the_runner_and_runs_its_jobs(ci: Place, gitlab: GitLabAdmin, tmp_path: Path) -> None:
    runner = registered(gitlab)
    words = ("import", "config", "-f", written(ci, runner, tmp_path), "-n", ci.name, "--partial")
    told, whole = run(*words, code=1), run(*words, "--with-secrets", code=1)
    assert runner["token"] not in told.stdout + told.stderr + whole.stderr, "unless it is asked for, no token is shown"
    assert f"kubectl -n {ci.name} create secret generic old-builds-token --from-literal=runner-token=" in told.stderr
    assert "config.toml:9 " in told.stderr and "executor is shell" in told.stderr
    assert run(*words, "--with-secrets", code=1).stdout == whole.stdout

    kubectl("apply", "-f", "-", stdin=whole.stdout)
    imported = Runner(ci.kube, ci.name, "old-builds")
    imported.wait()
    assert imported.status()["runnerId"] == runner["id"] and imported.token() == runner["token"]
    trace = gitlab.trace(finished(gitlab, gitlab.start_pipeline(runner["project"]))["jobs"][0]["id"])
    assert "greeting good day" in trace
    assert [known["id"] for known in gitlab.runners()] == [runner["id"]], "nothing was registered"


def test_import_prints_nothing_that_is_not_whole(ci: Place, gitlab: GitLabAdmin, tmp_path: Path) -> None:
    file = written(ci, {"id": 1, "token": "glrt-x"}, tmp_path)
    assert run("import", "config", "-f", file, code=1).stdout == ""
    assert "standard input:2:2: = should stand" in run("import", "config", "-f", "-", stdin="a = 1\nb\n", code=2).stderr
