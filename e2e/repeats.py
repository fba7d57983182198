"""Which failures of a test may be repeated away: a wait that has missed its deadline, since the machine may be short of time.
Everything else that was ever seen in a session fails it, whatever the repetition says."""
from __future__ import annotations

import pytest

from deadline import DeadlineMissed


class Unforgiven:
    """The plugin that remembers. A repetition hides more than it was made for: what fails when the test is cleaned up, and
    errors that came up while a missed deadline was handled."""

    def __init__(self) -> None:
        self._reports: list[pytest.TestReport] = []

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        report = yield
        if report.failed and not call.excinfo.errisinstance(DeadlineMissed):
            self._reports.append(report)
        return report

    def _repeated(self) -> list[pytest.TestReport]:
        return [report for report in self._reports if report.outcome == "rerun"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._reports:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if repeated := self._repeated():
            terminalreporter.section("repeated, and not forgiven")
        for report in repeated:
            terminalreporter.line(f"FAILED {report.nodeid} ({report.when})")
            terminalreporter.line(report.longreprtext)
