"""What the stand-in adds for tests: faults, the audit, https, a seed, a command line, a page for people."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest
import requests

from gitlab_admin import GitLabAdmin, StandinError
from standin.pki import Authority
from standin_fixtures import HERE, Api, Standin, api, gitlab, standin  # noqa: F401 (fixtures)

PATH = "/api/v4/runners"


def register(api: Api, gitlab: GitLabAdmin) -> requests.Response:
    return api.call("POST", "/runners", {"token": gitlab.state()["settings"]["registration_token"]})


# Backups

def test_a_restored_gitlab_knows_what_was_and_gives_a_number_twice(gitlab: GitLabAdmin, api: Api) -> None:
    first = register(api, gitlab).json()
    gitlab.back_up()
    renewed = api.call("POST", "/runners/reset_authentication_token", {"token": first["token"]}).json()["token"]
    second = register(api, gitlab).json()
    gitlab.restore()
    tried = {token: api.call("POST", "/runners/verify", {"token": token}).status_code
             for token in (first["token"], renewed, second["token"])}
    assert tried == {first["token"]: 200, renewed: 403, second["token"]: 403}
    assert register(api, gitlab).json()["id"] == second["id"]


# Faults

@pytest.mark.parametrize("order, status, content_type, text", [
    ({"kind": "status", "status": 503}, 503, "application/json", '{"message":"503 Service Unavailable"}'),
    ({"kind": "status", "status": 500, "body": {"message": "own"}}, 500, "application/json", '{"message":"own"}'),
    ({"kind": "html_502"}, 502, "text/html", "<center>nginx</center>"),
    ({"kind": "plain_429", "seconds": 7}, 429, "text/plain", "Retry later"),
    ({"kind": "limited", "seconds": 7}, 429, "application/json",
     '{"message":{"error":"This endpoint has been requested too many times. Try again later."}}'),
    ({"kind": "redirect"}, 302, "text/html", "You are being redirected."),
    ({"kind": "wrong_type"}, 200, "text/html", "{}"),
    ({"kind": "garbage"}, 200, "application/json", "garbage"),
])
def test_a_fault_before_the_effect_leaves_nothing_behind(order, status, content_type, text, gitlab, api) -> None:
    gitlab.fault(**order, method="POST", path=PATH)
    answer = register(api, gitlab)
    assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (status, content_type)
    assert text in answer.text
    assert ("Retry-After" in answer.headers) == (status == 429)
    assert gitlab.runners() == []
    assert register(api, gitlab).status_code == 201, "it strikes once"


@pytest.mark.parametrize("kind, status", [("garbage", 201), ("truncated", 201), ("wrong_type", 201), ("html_502", 502)])
def test_a_fault_after_the_effect_spoils_only_the_answer(kind, status, gitlab, api) -> None:
    gitlab.fault(kind, "POST", PATH, done=True)
    answer = register(api, gitlab)
    assert answer.status_code == status
    assert len(gitlab.runners()) == 1
    assert gitlab.runners()[0]["token"] not in answer.text or kind == "wrong_type"


@pytest.mark.parametrize("done", [False, True])
def test_a_reset_cuts_the_connection_before_or_after_the_effect(done, gitlab, api) -> None:
    gitlab.fault("reset", "POST", PATH, done=done)
    with pytest.raises(requests.ConnectionError):
        register(api, gitlab)
    assert len(gitlab.runners()) == int(done)
    assert gitlab.audit("POST", PATH)[0]["fault"] == "reset"


def test_a_fault_can_let_calls_pass_and_strike_several_times(gitlab, api) -> None:
    gitlab.fault("status", "POST", PATH, status=500, skip=1, count=2)
    assert [register(api, gitlab).status_code for _ in range(4)] == [201, 500, 500, 201]


def test_a_lasting_fault_can_be_lifted(gitlab, api) -> None:
    fault = gitlab.fault("status", status=500, count=None)
    assert [api.call("GET", "/version").status_code for _ in range(3)] == [500] * 3
    gitlab.remove_fault(fault["id"])
    assert api.call("GET", "/version").status_code == 401


def test_a_delay_takes_its_time(gitlab, api) -> None:
    gitlab.fault("delay", "POST", PATH, seconds=0.3)
    answer = register(api, gitlab)
    assert answer.status_code == 201 and answer.elapsed.total_seconds() >= 0.3


@pytest.mark.parametrize("done", [False, True])
def test_a_held_call_is_never_answered_and_counted(done: bool, gitlab, api, standin) -> None:
    gitlab.fault("hold", "POST", PATH, host=standin.url.partition("//")[2], done=done)
    with pytest.raises(requests.Timeout):
        requests.post(standin.url + PATH, json={"token": gitlab.state()["settings"]["registration_token"]}, timeout=0.5)
    assert [fault["held"] for fault in gitlab.faults(held=1, wait=5)] == [1]
    assert len(gitlab.runners()) == done


def test_a_fault_may_befall_the_calls_to_one_host_name(gitlab, api) -> None:
    gitlab.fault("status", host="elsewhere", status=500)
    answers = [api.call("GET", "/version", headers={"Host": host}) for host in ("here", "elsewhere")]
    assert [answer.status_code for answer in answers] == [401, 500]


@pytest.mark.parametrize("order, complaint", [
    ({"kind": "nonsense"}, "kind must be one of"), ({"kind": "reset", "path": "("}, "no regular expression"),
    ({"kind": "reset", "colour": "red"}, "colour")])
def test_an_order_that_makes_no_sense_is_refused(order, complaint, gitlab) -> None:
    with pytest.raises(StandinError, match=complaint):
        gitlab.fault(**order)


# The audit

def test_every_call_is_on_record_with_its_tokens(gitlab, api, standin) -> None:
    token = gitlab.state()["settings"]["registration_token"]
    answer = api.call("POST", "/runners", {"token": token}, headers={"X-Request-Id": "abc123"})
    api.call("GET", "/runners", token="glpat-secret")
    posted, listed = gitlab.audit()
    assert (posted["method"], posted["path"], posted["status"]) == ("POST", PATH, 201)
    assert token in posted["body"] and answer.json()["token"] in posted["answer"]
    assert posted["headers"]["X-Request-Id"] == answer.headers["X-Request-Id"] == "abc123"
    assert posted["peer"].startswith("127.0.0.1:") and not posted["tls"]
    assert listed["headers"]["PRIVATE-TOKEN"] == "glpat-secret"
    assert gitlab.audit(status=401) == [listed]
    assert gitlab.audit(since=posted["id"]) == [listed]
    assert gitlab.audit("POST", ".*/nowhere") == []


def test_the_tokens_in_use_are_known(gitlab, api) -> None:
    token = register(api, gitlab).json()["token"]
    register(api, gitlab)
    api.call("POST", "/runners/verify", {"token": token, "system_id": "s_1"})
    used = gitlab.invariants()["tokens_in_use"]
    assert [(row["token"], row["managers"]) for row in used] == [(token, ["s_1"])]


def test_a_mistake_in_a_test_is_named(gitlab) -> None:
    with pytest.raises(StandinError, match="unknown: colour; known: .*allow_runner_registration_token"):
        gitlab.settings(colour="red")
    with pytest.raises(StandinError, match="there is no runners/7"):
        gitlab.runner(7)


# Starting it

@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


def tls_options(pair) -> tuple[str, ...]:
    return "--tls-listen", "127.0.0.1:0", "--tls-cert", str(pair.cert), "--tls-key", str(pair.key)


def test_https_with_a_private_ca(authority) -> None:
    with Standin(*tls_options(authority.server("my.gitlab.com", "127.0.0.1"))) as started:
        url = started.facts["tls_url"] + "/api/v4/version"
        assert requests.get(url, verify=str(authority.ca.cert), timeout=10).status_code == 401
        assert GitLabAdmin(started.facts["tls_url"], cafile=str(authority.ca.cert)).runners() == []
        with pytest.raises(requests.exceptions.SSLError, match="self-signed certificate|unable to get local issuer"):
            requests.get(url, timeout=10)
        assert started.admin.audit()[0]["tls"]


@pytest.mark.parametrize("name, complaint", [
    ("wrong_host", "IP address mismatch|doesn't match"), ("expired", "certificate has expired")])
def test_certificates_that_clients_must_refuse(name, complaint, authority) -> None:
    pair = authority.wrong_host() if name == "wrong_host" else authority.expired("127.0.0.1")
    with Standin(*tls_options(pair)) as started:
        with pytest.raises(requests.exceptions.SSLError, match=complaint):
            requests.get(started.facts["tls_url"], verify=str(authority.ca.cert), timeout=10)


def test_https_for_known_clients_only(authority) -> None:
    client = authority.client("operator")
    options = *tls_options(authority.server("127.0.0.1")), "--tls-client-ca", str(authority.ca.cert)
    with Standin(*options) as started:
        url, trust = started.facts["tls_url"] + "/api/v4/version", str(authority.ca.cert)
        assert requests.get(url, verify=trust, cert=(client.cert, client.key), timeout=10).status_code == 401
        with pytest.raises(requests.ConnectionError):
            requests.get(url, verify=trust, timeout=10)


def test_a_relative_url_root_closes_manage_runner() -> None:
    with Standin("--url", "http://my.gitlab.com/gitlab") as started:
        gitlab, api = started.admin, Api(started.url)
        assert started.url.endswith("/gitlab")
        runner_id = register(api, gitlab).json()["id"]
        for scope, status in (("api", 200), ("manage_runner", 403)):
            token = gitlab.add_token(scope, admin=True)["token"]
            assert api.call("GET", f"/runners/{runner_id}", token=token).status_code == status
        assert requests.get(started.url.removesuffix("/gitlab") + PATH, timeout=10).status_code == 404


def test_it_starts_again_where_it_was_killed(tmp_path) -> None:
    options = ("--data", str(tmp_path), "--seed", "article")
    with Standin(*options) as first:
        first.admin.start_pipeline("root/spring-devops")
        first.kill()
    with Standin(*options) as second:
        assert second.admin.jobs() == []
        assert second.admin.start_pipeline("root/spring-devops")["status"] == "pending"


def test_the_articles_gitlab(tmp_path) -> None:
    with Standin("--seed", "article", "--url", "http://my.gitlab.com") as started:
        gitlab, facts = started.admin, started.facts
        assert (facts["project"], facts["registration_token"]) == ("root/spring-devops", "g-1YUWB4_JoLgshuPJ6y")
        answer = Api(started.url).call("POST", "/runners", {"token": facts["registration_token"],
                                                            "tag_list": "kubernetes"})
        pipeline = gitlab.start_pipeline(facts["project"])
        assert [(j["stage"], j["name"], j["tags"]) for j in pipeline["jobs"]] == [
            ("build", "compile", ["kubernetes"]), ("test", "verify", ["kubernetes"])]
        job = Api(started.url).call("POST", "/jobs/request", {"token": answer.json()["token"]}).json()
        assert job["git_info"]["repo_url"].endswith("@my.gitlab.com/root/spring-devops.git")
        assert "registration token: g-1YUWB4_JoLgshuPJ6y" in started.log()


# For people

def test_the_page_shows_runners_jobs_and_traces(gitlab, api, standin) -> None:
    project = gitlab.add_project("app", files={".gitlab-ci.yml": "<b>job: {script: x, tags: [rare]}"})
    api.call("POST", "/runners", {"token": project["runners_token"], "description": "<b>builder", "tag_list": "a"})
    gitlab.start_pipeline(project["id"])
    page = requests.get(standin.url, timeout=10).text
    assert "&lt;b&gt;builder" in page and "&lt;b&gt;job" in page and "<b>" not in page
    assert "This build is stuck" in page and 'http-equiv="refresh"' in page
    job = requests.get(standin.url + "/-/standin/pages/jobs/1", timeout=10).text
    assert "Nothing yet." in job
    assert requests.get(standin.url + "/-/standin/pages/jobs/9", timeout=10).status_code == 404


def ctl(url: str, *words: str) -> tuple[int, str]:
    done = subprocess.run([sys.executable, "-m", "standin.ctl", "--url", url, *words], cwd=HERE, text=True,
                          env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_the_command_line_is_readable(gitlab, api, standin) -> None:
    project = gitlab.add_project("app", files={".gitlab-ci.yml": "only: {script: x, tags: [rare]}"})
    api.call("POST", "/runners", {"token": project["runners_token"], "description": "builder", "tag_list": "a,b"})
    status, output = ctl(standin.url, "runners")
    assert status == 0 and output.splitlines()[0].split() == [
        "ID", "STATUS", "DESCRIPTION", "TYPE", "TAGS", "MANAGERS", "VERSION"]
    assert output.splitlines()[1].split() == ["1", "never_contacted", "builder", "project", "a,b", "0", "-"]
    status, output = ctl(standin.url, "pipeline", "root/app", "--wait", "0.1")
    assert status == 1 and "only: This build is stuck" in output and "pipeline 1: pending" in output
    assert "rare" in ctl(standin.url, "jobs")[1]
    assert ctl(standin.url, "trace", "1") == (0, "")
    assert "POST /api/v4/runners 201" in ctl(standin.url, "audit", "--method", "POST")[1]
    assert '"registered_twice": {}' in ctl(standin.url, "invariants")[1]
    shown = ctl(standin.url, "settings", "allow_runner_registration_token=false")[1].splitlines()
    assert ["allow_runner_registration_token", "False"] in [line.split() for line in shown]


def test_the_command_line_says_what_is_wrong(gitlab, standin) -> None:
    status, output = ctl(standin.url, "trace", "7")
    assert (status, output) == (2, 'standin.ctl: GET /jobs/7/trace: 404 {"error":"there is no jobs/7/trace"}\n')
    status, output = ctl("http://127.0.0.1:9", "runners")
    assert status == 2 and "nothing answers at http://127.0.0.1:9" in output
