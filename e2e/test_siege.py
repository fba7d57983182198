"""That the siege of hostile/ blames the operator for what it does, and not for what the machine or the API server does."""
from __future__ import annotations

import pytest

from hostile.siege import MOST_MEMORY, STARVED, Figures, Look, Wait

QUIET = [Wait(0.2, 0.05, 0.0)] * 5
FINE = [Look(200, 0.01, 0.001, 0.0, 20 << 20)] * 5
SERVED = [Wait(0.3, 0.05, 0.0)] * 3


def faults(looks: list[Look] = FINE, waits: list[Wait] = SERVED) -> str:
    return "; ".join(Figures("x", QUIET, looks, waits).faults())


@pytest.mark.parametrize("figures", [
    {}, {"looks": [*FINE, Look(200, 3.0, 2.5, 0.0, 0)]}, {"looks": [*FINE, Look(200, 3.0, 0.001, 2.5, 0)]},
    {"looks": [*FINE, Look(0, 10.0, 9.5, 0.0, 0)]}, {"waits": [Wait(5.0, 0.05, 4.6)] * 3}, {"waits": [Wait(5.0, 4.7, 0.0)] * 3},
    {"waits": [*SERVED, *SERVED, Wait(STARVED, 0.05, 0.0)]},
], ids=["all well", "a machine that is late", "others that run", "a machine that stands still", "others that run beside the neighbour", "a slow API server",
        "one that was late"])
def test_nobody_is_to_blame(figures: dict) -> None:
    assert faults(**figures) == ""


@pytest.mark.parametrize("figures, told", [
    ({"looks": []}, "nobody has looked"),
    ({"looks": [*FINE, Look(200, 0.01, 0.001, 0.0, MOST_MEMORY)]}, "memory was 96.0 MiB"),
    ({"looks": [*FINE, Look(200, 1.2, 0.001, 0.1, 0)]}, "/healthz has taken 1.10 s"),
    ({"looks": [*FINE, Look(0, 0.1, 0.001, 0.0, 0)]}, "/healthz has failed 1 times of 6"),
    ({"looks": [*FINE, Look(0, 10.0, 0.001, 0.0, 0)]}, "/healthz has failed 1 times of 6, first with Look(status=0, seconds=10.0"),
    ({"looks": [*FINE, Look(503, 0.1, 0.001, 0.0, 0)]}, "/healthz has failed"),
    ({"waits": SERVED[:2]}, "the neighbour was served 2 times"),
    ({"waits": [Wait(1.0, 0.05, 0.0)] * 3}, "the neighbour has waited for 1.00 s, when all was quiet for 0.20 s"),
    ({"waits": [Wait(STARVED, 2.0, 3.0)] * 3}, "the neighbour has waited for"),
])
def test_the_operator_is_to_blame(figures: dict, told: str) -> None:
    assert told in faults(**figures)


def test_there_is_a_table_of_whatever_was_measured() -> None:
    late = [Wait(0.2, 0.05, 0.2)]
    for figures in (Figures("x", QUIET), Figures("x", late, FINE, late), Figures("x", QUIET, FINE, SERVED)):
        assert len(str(figures)) == len(Figures.HEAD)
