"""Each alert fires by its fault and by nothing else, in Prometheus' own judgement; and its page says what to do."""
from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from cluster import ROOT
from release.monitoring import alerts, promtool, rule_groups

MINUTES = 200
BEGIN = 100                                     # of the fault, unless it says otherwise; all is well before
LEADER = 'namespace="ops",job="ops/operator",instance="10.0.0.1:8080",pod="operator-a"'
STANDBY = 'namespace="ops",job="ops/operator",instance="10.0.0.2:8080",pod="operator-b"'
P = "gitlab_runner_controller_"


def manager(runner: str, pod: str = "", more: str = "") -> str:
    return f'{{namespace="ci",gitlab_runners_dev_runner="{runner}",pod="{pod or runner}-0"{more and "," + more}}}'


def asked(runner: str, status: str, token: str = "one") -> str:
    more = f'endpoint="request_job",status="{status}",runner="{token}"'
    return "gitlab_runner_api_request_statuses_total" + manager(runner, more=more)


def waited(runner: str, bound: str) -> str:
    return "gitlab_runner_job_queue_duration_seconds_bucket" + manager(runner, more=f'le="{bound}"')


def failed(runner: str, reason: str) -> str:
    return "gitlab_runner_failed_jobs_total" + manager(runner, more=f'failure_reason="{reason}"')


ENDED = f'controller_runtime_reconcile_total{{{LEADER},controller="gitlabrunner",result="success"}}'
LEADS = f'leader_election_master_status{{{LEADER},name="gitlab-runner-controller"}}'
QUEUE = f'workqueue_depth{{{LEADER},name="gitlabrunner"}}'
BEGAN = f"process_start_time_seconds{{{LEADER}}}"

# A day on which nothing is amiss: one replica acts, another stands by with its queue full; one runner has much to do, one
# nothing; GitLab was away for some minutes, a token was replaced, managers rolled, jobs failed by their own fault.
HEALTHY = {
    f'{P}build_info{{{LEADER},version="1"}}': f"1x{MINUTES}",
    f'{P}build_info{{{STANDBY},version="1"}}': f"1x{MINUTES}",
    LEADS: f"1x{MINUTES}",
    f'leader_election_master_status{{{STANDBY},name="gitlab-runner-controller"}}': f"0x{MINUTES}",
    BEGAN: f"-3600x60 2400x{MINUTES - 61}",     # it was updated once
    f"process_start_time_seconds{{{STANDBY}}}": f"-3600x{MINUTES}",
    QUEUE: f"0x50 400x5 0x{MINUTES - 57}",
    f'workqueue_depth{{{STANDBY},name="gitlabrunner"}}': f"10000x{MINUTES}",
    ENDED: f"7x50 7+100x5 507x{MINUTES - 57}",  # hours without anything to do
    f'controller_runtime_reconcile_total{{{STANDBY},controller="gitlabrunner",result="success"}}': f"0x{MINUTES}",
    f"{P}api_requests_held{{{LEADER}}}": f"0x50 30x5 0x{MINUTES - 57}",
    f'{P}runners{{{LEADER},reason="Ready"}}': f"3x{MINUTES}",
    f'{P}unready_since_timestamp_seconds{{{LEADER},reason="ManagerStarting"}}':
        " ".join(f"{60 * begin}x9" for begin in range(0, 100, 10)),  # one after the other, each for a while
    f'{P}managers{{{LEADER},state="wanted"}}': f"4x{MINUTES}",
    f'{P}managers{{{LEADER},state="ready"}}': f"4x50 3x10 4x{MINUTES - 62}",
    f'{P}managers{{{STANDBY},state="wanted"}}': f"0x{MINUTES}",
    f'{P}managers{{{STANDBY},state="ready"}}': f"0x{MINUTES}",
    f"{P}runners_left_out{{{LEADER}}}": f"0x{MINUTES}",
    f"{P}token_rotation_overdue_seconds{{{LEADER}}}": f"0x50 0+60x10 0x{MINUTES - 62}",
    f"{P}token_expiry_timestamp_seconds{{{LEADER}}}": f"7200x80 {60 * MINUTES}x{MINUTES - 82}",   # of two hours, replaced in time
    f"{P}token_unattended_expiry_timestamp_seconds{{{LEADER}}}": f"2592000x{MINUTES}",
    f'{P}gitlab_breaker_open{{{LEADER},gitlab_host="https://gitlab.test"}}': f"_x50 1x5 0x{MINUTES - 57}",
    f'{P}gitlab_callers_held{{{LEADER},gitlab_host="https://gitlab.test"}}': f"_x50 3x5 0x{MINUTES - 57}",
    f"{P}orphans{{{LEADER}}}": f"0x30 2x100 0x{MINUTES - 132}",
    "gitlab_runner_jobs" + manager("busy", more='state="running"'): f"5x50 10x20 7x{MINUTES - 72}",
    "gitlab_runner_jobs" + manager("idle", more='state="idle"'): f"0x{MINUTES}",
    "gitlab_runner_concurrent" + manager("busy"): f"10x{MINUTES}",
    "gitlab_runner_concurrent" + manager("idle"): f"10x{MINUTES}",
    "gitlab_runner_limit" + manager("busy", more='runner_name="ci/busy"'): f"0x{MINUTES}",
    "gitlab_runner_limit" + manager("idle", more='runner_name="ci/idle"'): f"0x{MINUTES}",
    "gitlab_runner_jobs_total" + manager("busy"): f"0+2x{MINUTES}",
    failed("busy", "script_failure"): f"0+1x{MINUTES}",
    failed("busy", "runner_system_failure"): f"0x20 1x{MINUTES - 21}",
    waited("busy", "60"): f"0+2x{MINUTES}",
    waited("busy", "300"): f"0+2x{MINUTES}",
    waited("busy", "900"): f"0+2x{MINUTES}",
    waited("busy", "+Inf"): f"0+2x{MINUTES}",
    asked("busy", "204"): f"0+20x50 1000x{MINUTES - 51}",
    asked("busy", "403"): f"_x50 2x{MINUTES - 51}",                   # its token was replaced, and there is another one
    asked("busy", "204", "two"): f"_x51 0+20x{MINUTES - 52}",
    asked("idle", "204"): f"0+1x{MINUTES}",
    "gitlab_runner_configuration_loading_error_total" + manager("busy"): f"0x{MINUTES}",
}


def from_begin(before: str, after: str) -> str:
    """`1x9` are ten samples, and `_x9` nine that are missing."""
    return f"{before}x{BEGIN - (before != '_')} {after}x{MINUTES - BEGIN}"


# What goes wrong at minute 100: series that take the place of those above, or come to them, when the alert must fire, and
# when it must not yet; and the labels of what fires.
FAULTS: dict[str, tuple[dict[str, str], int, int, dict[str, str]]] = {
    "GitLabRunnerOperatorAbsent": (
        {name: f"{first}x{BEGIN - 1} stale _x{MINUTES - BEGIN}" for name, first in {
            f'{P}build_info{{{LEADER},version="1"}}': 1, f'{P}build_info{{{STANDBY},version="1"}}': 1}.items()},
        111, 109, {}),
    "GitLabRunnerOperatorNotLeading": ({LEADS: from_begin("1", "0")}, 106, 104, {"namespace": "ops"}),
    "GitLabRunnerOperatorRestarting": (
        {BEGAN: f"0x{BEGIN - 1} 6000x9 6600x9 7200x{MINUTES - BEGIN - 20}"}, 121, 115,
        {"namespace": "ops", "job": "ops/operator", "instance": "10.0.0.1:8080", "pod": "operator-a"}),
    "GitLabRunnerRequestsHeld": ({f"{P}api_requests_held{{{LEADER}}}": from_begin("0", "3")}, 116, 110,
                                 {"namespace": "ops"}),
    "GitLabRunnerQueueStuck": (
        {QUEUE: from_begin("0", "5"), ENDED: f"0+1x{BEGIN - 1} {BEGIN}x{MINUTES - BEGIN}"}, 121, 118,
        {"namespace": "ops", "job": "ops/operator", "instance": "10.0.0.1:8080", "pod": "operator-a",
         "name": "gitlabrunner"}),
    "GitLabRunnerNotReady": (
        {f'{P}unready_since_timestamp_seconds{{{LEADER},reason="AccessTokenRejected"}}':
         from_begin("_", str(60 * BEGIN))}, 117, 115, {"namespace": "ops", "reason": "AccessTokenRejected"}),
    "GitLabRunnerManagersMissing": ({f'{P}managers{{{LEADER},state="ready"}}': from_begin("4", "3")}, 116, 114,
                                    {"namespace": "ops"}),
    "GitLabRunnerLeftOut": ({f"{P}runners_left_out{{{LEADER}}}": from_begin("0", "9")}, 116, 114, {"namespace": "ops"}),
    "GitLabRunnerTokenNotRotated": (
        {f"{P}token_rotation_overdue_seconds{{{LEADER}}}": f"0x{BEGIN - 1} 0+60x{MINUTES - BEGIN}"}, 177, 160,
        {"namespace": "ops"}),
    "GitLabRunnerTokenExpiring": (
        {f"{P}token_unattended_expiry_timestamp_seconds{{{LEADER}}}": from_begin("2592000", str(60 * (BEGIN + 300)))}, 106, 104,
        {"namespace": "ops"}),
    "GitLabRunnerHostUnreachable": (
        {f'{P}gitlab_breaker_open{{{LEADER},gitlab_host="https://gone.test"}}': from_begin("_", "1")}, 111, 109,
        {"namespace": "ops", "gitlab_host": "https://gone.test"}),
    "GitLabRunnerHostFailing": (
        {f'{P}gitlab_callers_held{{{LEADER},gitlab_host="https://gone.test"}}': from_begin("_", "1")}, 116, 114,
        {"namespace": "ops", "gitlab_host": "https://gone.test"}),
    "GitLabRunnerOrphansWaiting": ({f"{P}orphans{{{LEADER}}}": f"0x20 1x{MINUTES - 21}"}, 142, 139, {"namespace": "ops"}),
    "GitLabRunnerManagersSaturated": (  # by its limit, though concurrent is more
        {"gitlab_runner_jobs" + manager("busy", more='state="running"'): from_begin("3", "4"),
         "gitlab_runner_limit" + manager("busy", more='runner_name="ci/busy"'): f"4x{MINUTES}"}, 131, 129,
        {"namespace": "ci", "gitlab_runners_dev_runner": "busy"}),
    "GitLabRunnerJobsWaitLong": (
        {waited("busy", "60"): f"0+2x{BEGIN} 200+1x{MINUTES - BEGIN - 1}",
         waited("busy", "300"): f"0+2x{BEGIN} 200+1x{MINUTES - BEGIN - 1}"}, 140, 125,
        {"namespace": "ci", "gitlab_runners_dev_runner": "busy"}),
    "GitLabRunnerTokenRefused": (       # three times within the time between two scrapes, and then it rests
        {asked("idle", "204"): f"0+1x{BEGIN} {BEGIN}x{MINUTES - BEGIN - 1}",
         asked("idle", "403"): from_begin("_", "3")}, 147, 125,
        {"namespace": "ci", "gitlab_runners_dev_runner": "idle", "pod": "idle-0"}),
    "GitLabRunnerConfigNotLoaded": (
        {"gitlab_runner_configuration_loading_error_total" + manager("busy"): from_begin("0", "1")}, 106, 104,
        {"namespace": "ci", "pod": "busy-0"}),
    "GitLabRunnerSystemFailures": (
        {failed("busy", "runner_system_failure"): f"0x{BEGIN - 1} 0+1x{MINUTES - BEGIN}"}, 130, 110,
        {"namespace": "ci", "gitlab_runners_dev_runner": "busy"}),
}


def rendered(text: str, labels: dict[str, str]) -> str:
    """As Prometheus fills in its template."""
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels.get(found[1], ""), text)


def fired(alert: str, labels: dict[str, str]) -> dict:
    rule = alerts()[alert]
    return {"exp_labels": labels | rule["labels"],
            "exp_annotations": {name: rendered(text, labels) for name, text in rule["annotations"].items()}}


def times(alert: str, expected: dict[int, list[dict]]) -> list[dict]:
    return [{"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": found} for minute, found in expected.items()]


def judged(tmp_path: Path, series: dict[str, str], expected: list[dict]) -> str:
    """What `promtool test rules` complains of."""
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rule_groups()))
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({
        "rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [{
            "interval": "1m", "alert_rule_test": expected,
            "input_series": [{"series": name, "values": values} for name, values in series.items()]}]}))
    done = promtool("test", "rules", "test.yaml", cwd=tmp_path)
    return done.stdout + done.stderr if done.returncode else ""


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rule_groups()))
    done = promtool("check", "rules", tmp_path / "rules.yaml")
    assert done.returncode == 0 and f"{len(alerts())} rules found" in done.stdout, done.stdout + done.stderr


def test_no_alert_fires_on_a_healthy_day(tmp_path: Path) -> None:
    expected = [entry for alert in alerts() for entry in times(alert, {m: [] for m in range(0, MINUTES, 5)})]
    assert judged(tmp_path, HEALTHY, expected) == ""


@pytest.mark.parametrize("alert", FAULTS)
def test_an_alert_fires_by_its_fault_and_no_other_does(alert: str, tmp_path: Path) -> None:
    changed, late, early, labels = FAULTS[alert]
    own = times(alert, {BEGIN - 1: [], early: [], late: [fired(alert, labels)]})
    others = [entry for other in alerts() if other != alert for entry in times(other, {early: [], late: []})]
    assert judged(tmp_path, HEALTHY | changed, own + others) == ""


def test_each_alert_has_a_fault_here() -> None:
    assert set(FAULTS) == set(alerts())


def test_each_alert_says_what_it_means_and_what_to_do() -> None:
    for name, rule in alerts().items():
        notes = rule["annotations"]
        assert set(notes) == {"summary", "description", "remedy", "runbook_url"}, name
        assert "{{" not in notes["summary"], "what groups alerts does not vary"
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert name.startswith("GitLabRunner")
        assert notes["runbook_url"].endswith(f"/docs/alerts.md#{name.lower()}")
    assert len({rule["annotations"]["runbook_url"].partition("#")[0] for rule in alerts().values()}) == 1


def test_the_page_has_each_alert_with_meaning_impact_diagnosis_and_mitigation() -> None:
    page = (ROOT / "docs/alerts.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(alerts()), "the same, in the same order"
    for name, text in sections.items():
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Meaning", "Impact", "Diagnosis", "Mitigation"], name
