"""list, jobs and version: what a person sees, what a script gets, and who may see how much."""
from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from cluster import STATE, kubectl, wait_for
from glr.desk import Desk
from places import Runner
from program import PROGRAM, kubeconfig
from proxy.server import Proxy

API_SERVER = ("10.244.0.1", 6443)       # see hack/cluster/README.md
PLUGIN = PROGRAM.with_name("kubectl-glr")
OUTPUTS = ["table", "wide", "json", "yaml", "name"]


@pytest.fixture
def runner(desk: Desk) -> Runner:
    desk.access_token()
    runner = desk.unmanned("accessToken", tags=["a", "b", "c"])
    runner.wait()
    return runner


@pytest.fixture
def as_tenant(desk: Desk, tmp_path: Path) -> list[str]:
    """Options of somebody who may get and list GitLabRunners here, and nothing else."""
    kubectl("-n", desk.name, "create", "serviceaccount", "tenant")
    kubectl("-n", desk.name, "create", "role", "tenant", "--verb=get,list", "--resource=gitlabrunners.gitlab-runners.dev")
    kubectl("-n", desk.name, "create", "rolebinding", "tenant", "--role=tenant", f"--serviceaccount={desk.name}:tenant")
    file = tmp_path / "tenant"
    file.write_text(json.dumps(kubeconfig("tenant", desk.name)))
    return ["--kubeconfig", str(file)]


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Before the API server: it counts, and it can be away."""
    with Proxy(*API_SERVER, str(STATE / "pki/ca.crt"), tmp_path_factory.mktemp("proxy")) as running:
        yield running


@pytest.fixture
def by_proxy(proxy: Proxy, tmp_path: Path) -> list[str]:
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    config["clusters"][0]["cluster"] = {"server": proxy.url, "certificate-authority-data": proxy.ca}
    file = tmp_path / "by-proxy"
    file.write_text(json.dumps(config))
    return ["--kubeconfig", str(file)]


def on_terminal(words: list[str], columns: int, **env: str) -> str:
    """What a terminal of so many columns is shown."""
    script = f"import os, sys; os.system('stty cols {columns} rows 24'); os.execvp(sys.argv[1], sys.argv[1:])"
    shown = bytearray()
    pid, master = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm"} | env)
        os.execvp(sys.executable, [sys.executable, "-c", script, PROGRAM, *words])
    while True:
        try:
            part = os.read(master, 1 << 16)
        except OSError:     # the other end has gone
            part = b""
        if not part:
            os.waitpid(pid, 0)
            os.close(master)
            return shown.decode()
        shown += part


def row(text: str) -> list[str]:
    """Of the one runner, by what stands between two blanks."""
    line, = [line for line in text.splitlines() if line.startswith("builds ")]
    return re.split(r"  +", line)


def test_each_output_has_what_it_promises(desk: Desk, runner: Runner) -> None:
    head, _ = (desk.glr("list").stdout.splitlines())
    assert head.split() == ["NAME", "READY", "STATUS", "MGRS", "JOBS", "RUNNER", "TAGS", "HOST", "VERSION", "TOKEN", "AGE"]
    desk.job(1)
    desk.job(2)
    desk.job(3, "another")
    name, ready, status, managers, jobs, number, tags, host, version, token, _ = row(desk.glr("list").stdout)
    assert (name, ready, status, managers, jobs) == ("builds", "True", "Ready", "0/0", "2/0")
    assert (int(number), tags, host, token) == (runner.status()["runnerId"], "a +2", "my.gitlab.com", "-")
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert desk.glr("list", "--no-headers").stdout.count("\n") == 1
    assert row(desk.glr("list", "-o", "wide").stdout)[6] == "a,b,c"
    assert desk.glr("list", "-o", "name").stdout == "gitlabrunner.gitlab-runners.dev/builds\n"
    listed, = json.loads(desk.glr("list", "-o", "json").stdout)["items"]
    assert (listed["kind"], listed["metadata"]["name"], "managedFields" in listed["metadata"]) == ("GitLabRunner", "builds", False)
    assert (listed["summary"]["jobs"], listed["summary"]["ready"], listed["summary"]["needsSomebody"]) == (2, "True", False)
    assert yaml.safe_load(desk.glr("list", "builds", "-o", "yaml").stdout)["metadata"]["name"] == "builds"
    everywhere = desk.glr("list", "-A").stdout
    assert everywhere.startswith("NAMESPACE ") and f"\n{desk.name} " in everywhere
    shown = desk.glr("jobs", "builds", "--no-headers").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["1", "2"]
    first, _ = json.loads(desk.glr("jobs", "builds", "-o", "json").stdout)["items"]
    assert (first["id"], first["name"], first["pod"]) == ("1", "test", "runner-1")


def test_filters_and_order(desk: Desk, runner: Runner) -> None:
    desk.runner("accessToken", "apart", tags=["z"], suspend=True).wait(status="False", reason="Suspended")

    def names(*words: str) -> list[str]:
        return [line.rpartition("/")[2] for line in desk.glr("list", "-o", "name", *words).stdout.split()]

    assert names() == ["apart", "builds"] == names("--sort-by", "name")
    assert names("--tag", "b") == ["builds"] == names("--reason", "ready") == names("builds")
    assert names("--not-ready") == ["apart"]
    assert names("--host", "my.gitlab.com") == ["apart", "builds"] and names("--host", "elsewhere") == []
    assert names("-l", "a=b") == []
    assert names("--sort-by", "runner") == ["builds", "apart"]
    assert "must be the name of a column" in desk.glr("list", "--sort-by", "beauty", code=2).stderr


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_exit_codes_are_those_of_every_output(desk: Desk, output: str) -> None:
    nothing = desk.glr("list", "-o", output)
    assert "No GitLabRunners found in namespace" in nothing.stderr
    if output == "json":
        assert json.loads(nothing.stdout) == {"apiVersion": "v1", "kind": "List", "items": []}
    elif output != "yaml":
        assert nothing.stdout == ""
    missing = desk.glr("list", "nobody", "-o", output, code=1)
    assert '"nobody" not found' in missing.stderr
    desk.glr("list", "-o", output, "--context", "nowhere", code=2)
    desk.glr("list", "-o", output, "--as", "nobody", code=4)


def test_who_may_see_objects_alone_is_told_what_is_missing(desk: Desk, runner: Runner, as_tenant: list[str]) -> None:
    for output in OUTPUTS[:-1]:
        said = desk.glr("list", "-o", output, *as_tenant, code=4)
        assert "NOT SEEN jobs: needs list pods\n" in said.stderr
        assert "NOT SEEN the managers' versions: needs list deployments.apps\n" in said.stderr
    assert row(desk.glr("list", *as_tenant, code=4).stdout)[4] == "?/0"
    assert row(desk.glr("list", "builds", *as_tenant, code=4).stdout)[8] == "?"
    assert desk.glr("list", "-o", "name", *as_tenant).stdout.endswith("/builds\n")
    desk.glr("jobs", "builds", *as_tenant, code=4)
    assert "needs list pods" in desk.glr("logs", "builds", *as_tenant, code=4).stderr
    said = subprocess.run([PLUGIN, "version", *as_tenant], capture_output=True, text=True, timeout=60)
    assert said.returncode == 4
    assert "operator      ?" in said.stdout and "NOT SEEN the operator: needs list deployments" in said.stderr


def test_no_escape_code_without_a_terminal_that_wants_it(desk: Desk, runner: Runner) -> None:
    """Nor any of others in it; and nothing is wider than the terminal."""
    desk.runner("accessToken", "evil", tags=["\x1b[31mred\x1b]0;title\x07", "‮turned"], suspend=True)
    words = ["list", "-n", desk.name, "-o", "wide"]
    for said in (desk.glr("list", "-o", "wide").stdout, on_terminal(words, 200, NO_COLOR="1"), on_terminal(words, 200, TERM="dumb")):
        assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f‮]", said), said
    coloured = on_terminal(words, 200)
    assert "\x1b[32mTrue\x1b[0m" in coloured and "\x1b[31mred" not in coloured
    for columns in (40, 80, 120):
        plain = [line for line in on_terminal(words, columns, NO_COLOR="1").splitlines() if not line.startswith("2 runners")]
        assert len(plain) == 3 and max(map(len, plain)) <= columns


def test_a_watch_shows_changes_and_survives_the_api_servers_absence(desk: Desk, runner: Runner, proxy: Proxy,
                                                                    by_proxy: list[str]) -> None:
    typed = desk.type("list", "-w", *by_proxy)
    typed.says("builds  True   Ready")
    desk.job(8)
    typed.says("  1/0 ")
    proxy.close()
    runner.edit(suspend=True)
    runner.wait(status="False", reason="Suspended")
    proxy.open()
    typed.says("builds  False  Suspended", 40)
    runner.delete()
    typed.says("  Deleted", 40)
    typed.send(signal.SIGTERM)
    typed.end(-signal.SIGTERM)
    assert "\x1b" not in typed.out


def test_a_terminal_is_drawn_anew(desk: Desk, runner: Runner) -> None:
    script = f"timeout 3 {PROGRAM} list -n {desk.name} -w"
    shown = subprocess.run(["script", "-qec", script, "/dev/null"], capture_output=True, text=True, timeout=30,
                           env=os.environ | {"TERM": "xterm"}).stdout
    assert "\x1b[H\x1b[J" in shown and "ctrl-c ends" in shown


def test_a_thousand_runners_take_a_handful_of_requests(desk: Desk, proxy: Proxy, by_proxy: list[str],
                                                       capsys: pytest.CaptureFixture) -> None:
    desk.operator.kill()
    body = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "spec": desk.spec(suspend=True)}
    many = [body | {"metadata": {"name": f"r{i:04}", "namespace": desk.name, "labels": {"many": "1"}}} for i in range(1000)]
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": many}))
    before, began = proxy.mark(), time.monotonic()
    listed = desk.glr("list", "-l", "many=1", *by_proxy).stdout
    took = time.monotonic() - began
    assert listed.count("\nr") == 1000
    asked = proxy.entries(since=before)
    with capsys.disabled():
        print(f"\n  1000 runners listed in {took:.2f} s, {len(asked)} requests")
    assert len(asked) <= 5, [str(entry) for entry in asked]
    kubectl("-n", desk.name, "delete", "glr", "-l", "many=1", "--wait=false")


def test_names_are_completed(desk: Desk, runner: Runner) -> None:
    asked = [PROGRAM, "__complete", "jobs", "-n", desk.name, ""]
    said = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout
    assert said == "builds\tReady\n:4\n"
    asked = [PROGRAM, "__complete", "list", "-n", desk.name[:-1]]
    assert f"{desk.name}\n" in subprocess.run(asked, capture_output=True, text=True, timeout=20, check=True).stdout


def test_without_an_operator_all_is_told(desk: Desk) -> None:
    desk.operator.kill()
    desk.access_token()
    desk.unmanned("accessToken")
    assert row(desk.glr("list").stdout)[1:3] == ["Unknown", "WaitingForOperator"]
    assert desk.glr("list", "--not-ready", "-o", "name").stdout
    desk.glr("jobs", "builds")
    assert subprocess.run([PLUGIN, "--version"], capture_output=True, text=True, env={}, check=True).stdout.startswith("kubectl-glr ")
    said = subprocess.run([PLUGIN, "version"], capture_output=True, text=True, timeout=60, check=True).stdout
    assert re.search(r"^operator      none", said, re.M) and re.search(r"^GitLabRunner  v1beta1", said, re.M)
