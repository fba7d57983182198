"""The other ways to build it, of which none can be run here, say what the ways that are run say."""
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from cluster import ROOT
from release.packed import NATIVE, command, pack, program

PIPELINES = [".gitlab-ci.yml", ".github/workflows/test.yml", ".github/workflows/release.yml"]


def containerfile() -> list[tuple[str, str]]:
    """Its instructions, each in one line."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Containerfile").read_text())
    return [tuple(line.split(" ", 1)) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_containerfile_installs_what_make_image_needs() -> None:
    """Whatever hack/image/make would install: there is nothing left to do for it, nor anything too much."""
    installed, = [words for name, words in containerfile() if name == "RUN" and "apt-get install" in words]
    script = (ROOT / "hack/image/make").read_text()
    needs = set(re.findall(r"^needs=\((.*)\)$", script, re.M)[0].split()) | {"gcc"}
    assert set(installed.split("--no-install-recommends ")[1].split()) == needs


def test_the_containerfile_makes_the_image_that_make_image_makes(tmp_path: Path) -> None:
    """Its last stage has the layer alone, so what is about it is said there, once more."""
    packed = pack(tmp_path, {NATIVE: program(NATIVE)})
    config = packed.config(NATIVE)["config"]
    said = dict(containerfile()[-5:])
    assert said["COPY"] == "--from=build /image/ /"
    assert (said["USER"], json.loads(said["ENTRYPOINT"]), json.loads(said["CMD"])) == (
        config["User"], config["Entrypoint"], config["Cmd"])
    assert said["ENV"].split() == config["Env"]
    layer = command("python3", "hack/image/blob.py", "layer", packed.layout).strip()
    assert f"sha256:{Path(layer).name}" == packed.manifests()[NATIVE]["layers"][0]["digest"]


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for child in value.values() for text in strings(child)]
    return [text for child in value for text in strings(child)] if isinstance(value, list) else [str(value)]


@pytest.mark.parametrize("file", PIPELINES)
def test_a_pipeline_runs_a_target_of_make_and_has_no_logic_of_its_own(file: str) -> None:
    pipeline = yaml.safe_load((ROOT / file).read_text())
    commands = [text for text in strings(pipeline) if re.match(r"(make|apt-get|[a-z]+ .*[;|&])\b", text)]
    targets = [re.match(r"make (\S+)", text)[1] for text in commands if text.startswith("make ")]
    assert targets and all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M) for target in targets)
    others = [text for text in commands if not text.startswith("make ")]
    assert all(re.fullmatch(r"apt-get update( && apt-get install [ \w.-]+)?|apt-get install [ \w.-]+", text) for text in others)


def test_an_image_needs_no_kubernetes() -> None:
    recipe, = re.findall(r"^image:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    assert "hack/image/build" in recipe and "hack/cluster/build" not in recipe
    scripts = [path for path in (ROOT / "hack/image").iterdir() if path.is_file()]
    assert len(scripts) > 8 and not [p for p in scripts if re.search("hack/cluster/build|kubectl|docker ", p.read_text())]
