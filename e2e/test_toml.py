"""The reader of TOML, held against the language's own tests: https://github.com/toml-lang/toml-test."""
from __future__ import annotations

import json
import math
import os
import re
import subprocess
from pathlib import Path

import pytest

from cluster import ROOT

SUITE = Path(os.environ["CACHE"]) / "toml-suite"
DECODE = ROOT / "build/toml-decode"
# A key with a NUL is refused: nothing that reads JSON in C can tell it from another.
NOT_OURS = {"valid/key/quoted-unicode.toml"}


def files(kind: str) -> list[str]:
    names = (SUITE / "files-toml-1.0.0").read_text().split()
    return [name for name in names if name.startswith(kind) and name.endswith(".toml")]


def decode(name: str) -> subprocess.CompletedProcess:
    return subprocess.run([DECODE], input=(SUITE / name).read_bytes(), capture_output=True, timeout=20)


def moment(text: str) -> str:
    """Without what makes no difference: case, a blank for the T, zeros at a fraction's end, the zone's two names."""
    text = text.upper().replace(" ", "T")
    text = re.sub(r"(\.\d*?)0+(?=$|Z|[+-])", r"\1", text)
    return re.sub(r"\.(?=$|Z|[+-])", "", re.sub(r"[+-]00:00$", "Z", text))


def plain(value: object) -> object:
    """Of a tree whose leaves are {"type": …, "value": …}: what two of them have in common when they say the same."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {"type", "value"} or not isinstance(value["value"], str):
        return {key: plain(item) for key, item in value.items()}
    kind, text = value["type"], value["value"]
    if kind == "float":
        return kind, "nan" if math.isnan(float(text)) else float(text)
    return kind, moment(text) if "date" in kind or "time" in kind else text


@pytest.mark.parametrize("kind", ["valid", "invalid"])
def test_toml_is_read_as_the_language_says(kind: str) -> None:
    wrong = []
    for name in set(files(kind)) - NOT_OURS:
        done = decode(name)
        assert done.returncode in (0, 1), f"{name}: {done.stderr.decode()}"
        if kind == "invalid":
            wrong += [] if done.returncode == 1 and b"stdin:" in done.stderr else [f"{name} is accepted"]
        elif done.returncode:
            wrong.append(f"{name} is refused: {done.stderr.decode()}")
        elif plain(json.loads(done.stdout)) != plain(json.loads((SUITE / name).with_suffix(".json").read_text())):
            wrong.append(f"{name} is read as {done.stdout.decode()}")
    assert not wrong, "\n".join(wrong)
    assert len(files(kind)) > 150
