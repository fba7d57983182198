"""Traps of gitlab-runner and of the API server: told by `validate`, and where people look, with the cure."""
from __future__ import annotations

import json
import re
import subprocess

import pytest

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import Place
from program import PROGRAM
from test_create import columns
from test_render import runner

POLICIES = {"allowed_pull_policies": ["if-not-present", "always"]}
PATCH = {"pod_spec": [{"name": "gpu", "patch_type": "strategic", "patch": "containers:\n- name: build\n"}]}
ADVANCED = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"


def of_kubernetes(**keys: object) -> dict:
    return {"config": {"runners": {"kubernetes": keys}}}


def said(spec: dict) -> tuple[int, str]:
    done = subprocess.run([PROGRAM, "validate", "-f", "-"], input=json.dumps(runner(**spec)), capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout


# Each trap, what is said of it, and what cures it.
WARNED = {
    "allowed policies alone": (of_kubernetes(**POLICIES), "spec.pullPolicy", {"pullPolicy": ["Always"]}),
    "a policy that is not allowed": ({"pullPolicy": ["Never"]} | of_kubernetes(**POLICIES), "set spec.pullPolicy to one of if-not-present, always",
                                     {"pullPolicy": ["IfNotPresent"]}),
    "a patch without its flag": (of_kubernetes(**PATCH), ADVANCED, {"environment": [{"name": ADVANCED, "value": "true"}]}),
    "a flag that there is not": ({"environment": [{"name": "FF_USE_FAST_ZIP", "value": "true"}]}, "did you mean FF_USE_FASTZIP?",
                                 {"environment": [{"name": "FF_USE_FASTZIP", "value": "true"}]}),
}


@pytest.mark.parametrize(("spec", "words", "cure"), WARNED.values(), ids=WARNED.keys())
def test_a_trap_is_told_with_its_cure(spec: dict, words: str, cure: dict) -> None:
    code, text = said(spec)
    assert code == 0 and ": warning: " in text and words in text and text.endswith(": valid\n"), text
    code, text = said(spec | cure)
    assert code == 0 and "warning" not in text, text


REFUSED = {
    "a node's label": ({"nodeSelector": {"bad key": "x"}}, "spec.nodeSelector.bad key: the key \"bad key\" is one that no API server takes"),
    "a taint as kubectl writes it": ({"tolerations": [{"key": "dedicated", "value": "ci:NoSchedule"}]},
                                     "spec.tolerations: the value \"ci:NoSchedule\" holds an effect: write value: \"ci\" and effect: NoSchedule"),
    "a pod's label": ({"podLabels": {"team name": "x"}}, "spec.podLabels.team name: the key \"team name\""),
}


@pytest.mark.parametrize(("spec", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_labels_that_no_pod_may_have_are_refused(spec: dict, words: str) -> None:
    code, text = said(spec)
    assert code == 3 and words in text, text


def test_values_with_a_variable_are_not_judged() -> None:
    code, text = said({"podLabels": {"team": "$TEAM"}, "nodeSelector": {"zone": "$ZONE"}})
    assert code == 0 and "warning" not in text, text


def test_warnings_are_shown_by_get_and_gitlab_runner_has_none_of_its_own(ci: Place, gitlab: GitLabAdmin) -> None:
    """READY is true, STATUS says that there are warnings, ConfigApplied which; then they are cured. The manager that runs
    meanwhile does not complain about its own requests for jobs."""
    ci.registration_token()
    made = ci.runner(pullPolicy=["Never"], **of_kubernetes(**POLICIES, **PATCH))
    made.wait()
    shown = columns(kubectl("get", "glr", "-n", ci.name))
    assert (shown["READY"], shown["STATUS"]) == ("True", "ReadyWithWarnings")
    applied = made.wait("ConfigApplied", reason="Warnings")
    assert ADVANCED in applied["message"] and "spec.pullPolicy" in applied["message"]
    assert made.wait_event("Warnings")["note"] == applied["message"]
    manager, = made.managers()
    made.edit(pullPolicy=["IfNotPresent"], environment=[{"name": ADVANCED, "value": "true"}])
    made.wait(reason="Ready")
    assert made.conditions()["ConfigApplied"]["reason"] == "Applied"
    wait_for("the manager has loaded the new file", lambda: made.manager_metric("gitlab_runner_configuration_loaded_total") > 1)
    log = kubectl("logs", "-n", ci.name, manager["metadata"]["name"])
    assert log.count("Configuration loaded") > 1 and not re.search("[Ll]ong polling|bottleneck", log), log
    assert [pod["metadata"]["uid"] for pod in made.managers()] == [manager["metadata"]["uid"]]
