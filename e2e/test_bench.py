"""The bench's own logic (hack/bench): what it measures with, and what makes it fail. No cluster is needed."""
from __future__ import annotations

import json
import sys
import zlib
from typing import NamedTuple

import pytest

from cluster import ROOT
from program import run

sys.path.append(str(ROOT / "hack"))     # behind the tests' own modules, some of which have the same names
from bench import mix, publish, report, script   # noqa: E402

HOST, ADDRESS = "gitlab.example", "192.0.2.1"


def spec(number: int, seed: str = "1") -> dict:
    return mix.spec(f"runner-{number}", HOST, ADDRESS, seed)


def packed(*values: dict) -> int:
    return len(zlib.compress("".join(json.dumps(value) for value in values).encode(), 9))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_all_of_the_mix_is_valid(seed: str) -> None:
    objects = [{"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                "metadata": {"name": f"runner-{i}", "namespace": "ci"}, "spec": spec(i, seed)} for i in range(60)]
    said = run("validate", "-f", "-", stdin="\n---\n".join(map(json.dumps, objects))).stdout.splitlines()
    assert len(said) == 60 and all(line.endswith(": valid") for line in said), said     # nor is there a warning


def test_a_seed_gives_the_same_objects_and_another_one_others() -> None:
    assert spec(7) == spec(7) != spec(7, "2")
    assert [mix.KINDS[i % 3].__name__ for i in range(3)] == ["small", "typical", "rich"]
    assert "affinity" in spec(8) and len(spec(8)["environment"]) == 40 and "affinity" not in spec(7)


def test_texts_differ_so_that_nothing_packs_well_by_accident() -> None:
    ten = [spec(3 * i + 2) for i in range(10)]
    assert packed(*ten) > 0.65 * sum(map(packed, ten))      # keys are the same, after all
    assert len({variable["name"] for one in ten for variable in one["environment"]}) == 400


class Measured(NamedTuple):
    """A run with all gates kept, and one of them changed."""
    flat: dict

    @classmethod
    def but(cls, **changed: float | None) -> Measured:
        gates = {row.key: row.most for _, rows in report.TABLE for row in rows if row.gates}
        values = {key: value for key, value in (gates | changed).items() if value is not None}
        return cls(values | {"cores": 2, "seed": "1", "program": "build/x"})

    def failed(self, objects: int = 1000) -> list[str]:
        return report.show(self.flat, {}, objects, "")


def test_a_gate_that_is_kept_over_or_missing() -> None:
    assert Measured.but().failed() == []
    assert Measured.but(writes_per_object=7.004).failed() == ["writes_per_object"]  # no matter how it is rounded
    assert Measured.but(record_ratio=None).failed() == ["record_ratio is missing"]
    assert Measured.but(converge_ratio=9).failed() == []    # a time is the machine's, too


def test_bars_of_a_run_with_few_and_of_one_with_ten_thousand(capsys: pytest.CaptureFixture) -> None:
    assert Measured.but(record_ratio=1.5).failed() == ["record_ratio"]
    assert Measured.but(record_ratio=1.5).failed(objects=150) == []
    large = {f"{key}_10000": value for key, value in Measured.but(label_edit_requests=None).flat.items()}
    assert report.show(large | Measured.but().flat, {}, 10000, "_10000") == []
    assert report.show(Measured.but().flat, {"writes_per_object": 3.5}, 1000, "") == []
    assert "3.50 x 2.00" in capsys.readouterr().out


def test_a_comparison_with_other_objects_is_refused(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tmp_path / "before.json"
    monkeypatch.setenv("BEFORE", str(before))
    before.write_text(json.dumps({"objects": 1000, "seed": "1", "program": "other"}))
    assert report.read_before({"objects": 1000, "seed": "1"})["program"] == "other"
    with pytest.raises(SystemExit, match="no comparison"):
        report.read_before({"objects": 1000, "seed": "2"})


def test_the_yardstick_is_what_was_sent_and_does_not_move() -> None:
    requests = script.yardstick("a-credential")
    assert [sum(len(r.body) for r in requests if r.number == kind) for kind in range(3)] == [10662, 12436, 21254]
    assert '"token":"a-credential"' in "".join(r.body for r in requests if r.what() is None)
    assert [r.what() for r in requests if r.number == 2] == [
        "read", "finalizer", None, "secret", "read", "secret", "account", "binding", "status", "deployment", "event", "event"]


def test_a_script_is_read_as_it_is_written(tmp_path) -> None:
    requests = script.yardstick("é")
    file = script.write_script(tmp_path / "script", requests)
    assert list(script.parsed(file.read_bytes())) == [r for r in requests if r.method != "GET"]
    events = list(script.parsed(script.write_script(tmp_path / "events", requests, "event").read_bytes()))
    assert len(events) == 6 and {r.number for r in events} == {0, 1, 2}


def test_what_requests_cost_is_shown_beside_what_they_cost_before(capsys: pytest.CaptureFixture) -> None:
    flat = Measured.but(price_status_ms=5.5, price_status_ms_before=11).flat | {"objects": 1000}
    assert report.show(flat, {}, 1000, "") == []
    assert "11.00 -> 5.50 ms" in capsys.readouterr().out
    prices = {key: 1.0 for row in report.PRICES for key in (row.key, row.was) if key}
    assert "| … for all of an object; before | 1; 1 ms |" in publish.rows(flat | prices)
    assert not any("another operator" in row for row in publish.rows(flat | prices))
    beside = {"ours_rate": 40, "alekc_rate": 7.4, "ours_server_ms": 15.6, "alekc_server_ms": 42}
    assert any(row.endswith("| 40 / 7.4; 16 / 42 ms |") for row in publish.rows(flat | beside))
    assert not any("a read" in row for row in publish.rows(flat))      # not all of it was measured
