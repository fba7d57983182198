"""That hack/e2e repeats a missed deadline and nothing else: sessions of pytest within a test, with hack/e2e's own options."""
from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import ROOT, Kube, wait_for
from deadline import DeadlineMissed, PutOff
from gitlab_admin import GitLabAdmin
from operator_pod import Operator
from standin_fixtures import gitlab, standin  # noqa: F401

E2E = ROOT / "e2e"
CONFTEST = """
import pytest
from deadline import PutOff
from repeats import Unforgiven

CRASHES = []

def pytest_configure(config):
    config.pluginmanager.register(Unforgiven())

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    outcome = None
    with PutOff() as late:
        outcome = yield
    found, CRASHES[:] = list(CRASHES), []       # as each of the checks forgets what it has told
    assert not found, "it has crashed"
    late.tell()
    return outcome
"""
HEAD = """
import pytest
from conftest import CRASHES
from deadline import DeadlineMissed
tries = []
def late(): raise DeadlineMissed("not within 1 s: x")
"""
LATE_ONCE = "    if len(tries) == 1: late()\n"


def options() -> list[str]:
    words = re.search(r"^pytest=\((.*?)\)", (ROOT / "hack/e2e").read_text(), re.M | re.S).group(1)
    return [word for word in shlex.split(words)[1:] if word not in ("-m", "pytest")]


def session(folder: Path, body: str) -> tuple[int, str]:
    """Of a test with this body, whose first line counts its tries; the exit status, and what was printed."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(HEAD + body)
    done = subprocess.run([sys.executable, "-m", "pytest", *options(), "-c", "/dev/null", "--rootdir", folder, folder],
                          env={"PYTHONPATH": str(E2E), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def a_test(body: str) -> str:
    return "def test_it():\n    tries.append(1)\n" + body


@pytest.mark.parametrize("body", [
    a_test(LATE_ONCE),
    "@pytest.fixture\ndef it():\n    tries.append(1)\n" + LATE_ONCE + "def test_it(it): pass\n",
], ids=["in the test", "in a fixture"])
def test_a_missed_deadline_is_repeated_once(body: str, tmp_path: Path) -> None:
    code, text = session(tmp_path, body)
    assert code == 0 and "1 passed, 1 rerun" in text, text


def test_but_once_only(tmp_path: Path) -> None:
    code, text = session(tmp_path, a_test("    late()\n"))
    assert code == 1 and "1 failed, 1 rerun" in text, text


@pytest.mark.parametrize("body", [
    a_test("    assert len(tries) > 1\n"),
    a_test("    if len(tries) == 1: raise OSError('DeadlineMissed: as it were')\n"),
    a_test("    if len(tries) == 1: CRASHES.append(1)\n"),
    a_test("    if len(tries) == 1:\n        CRASHES.append(1)\n        late()\n"),
], ids=["an assertion", "an error", "a crash", "a crash, and a missed deadline"])
def test_nothing_else_is_repeated(body: str, tmp_path: Path) -> None:
    code, text = session(tmp_path, body)
    assert code == 1 and "1 failed" in text and not re.search(r"\d rerun", text), text


HIDDEN = a_test("    if len(tries) == 1:\n        try: late()\n        finally: assert False, 'leaked'\n")


@pytest.mark.parametrize("body", [
    "@pytest.fixture\ndef it():\n    yield\n    assert len(tries) > 1, 'leaked'\n"
    "def test_it(it):\n    tries.append(1)\n" + LATE_ONCE,
    HIDDEN,
], ids=["when the test is cleaned up", "while a missed deadline is handled"])
def test_what_a_repetition_hides_fails_the_session(body: str, tmp_path: Path) -> None:
    code, text = session(tmp_path, body)
    assert code == 1 and "leaked" in text, text


def test_where_a_repetition_has_passed_it_says_why(tmp_path: Path) -> None:
    code, text = session(tmp_path, HIDDEN)
    assert code == 1 and "1 passed, 1 rerun" in text, text
    assert re.search("repeated, and not forgiven.*FAILED test_it.py::test_it.*leaked", text, re.S), text


def test_a_wait_that_is_in_vain_is_a_missed_deadline() -> None:
    with pytest.raises(DeadlineMissed, match="not within 0 s: the impossible"):
        wait_for("the impossible", lambda: False, 0)


@pytest.mark.parametrize("wait", [
    lambda gitlab: gitlab.runners(count=1, wait=0.1), lambda gitlab: gitlab.audit(count=1, wait=0.1),
    lambda gitlab: gitlab.faults(held=1, wait=0.1)], ids=["runners", "audit", "faults"])
def test_so_is_one_at_the_stand_in(wait, gitlab: GitLabAdmin) -> None:
    with pytest.raises(DeadlineMissed, match="not within"):
        wait(gitlab)


def test_what_is_put_off_is_a_missed_deadline_alone() -> None:
    with PutOff() as late:
        raise DeadlineMissed("late")
    with pytest.raises(DeadlineMissed, match="^late$"):
        late.tell()
    with pytest.raises(ValueError), PutOff():
        raise ValueError


def pod(uid: str, restarts: int) -> dict:
    return {"metadata": {"uid": uid}, "status": {"containerStatuses": [{"restartCount": restarts}]}}


@pytest.mark.parametrize("known, now, crashed", [
    ({}, pod("a", 0), False), (pod("a", 0), pod("a", 0), False), (pod("a", 1), pod("a", 1), False),
    (pod("a", 0), pod("b", 0), False),
    ({}, pod("a", 1), True), (pod("a", 0), pod("a", 1), True), (pod("a", 1), pod("b", 1), True)])
def test_no_crash_of_the_operator_is_accepted(known: dict, now: dict, crashed: bool,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the next test, nor when the test has replaced its pod meanwhile."""
    operator = Operator(Kube.__new__(Kube))
    operator._known = known
    for name, answer in (("pods", [now]), ("previous_logs", ""), ("wait_ready", now)):
        monkeypatch.setattr(operator, name, lambda answer=answer: answer)
    if crashed:
        with pytest.raises(AssertionError, match="the operator has crashed"):
            operator.begin_test()
    else:
        operator.begin_test()
