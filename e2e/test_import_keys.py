"""Every field that the sources of `import` have is accounted for, once: tests/data/import/*.keys lists them."""
from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from cluster import ROOT
from program import PROGRAM, run

DATA = ROOT / "tests/data/import"
UNKNOWN = "nobody here knows this key"
LINE = re.compile(r"^\S+?:\d+(?: .*? line \d+)? +(\S+) +(?:->|OURS|CANNOT) ")
VALUES: dict[str, object] = {"string": "x", "boolean": True, "integer": 7, "map": {"m": "x"}, "toml": "[[runners]]\nlimit = 3\n"}
# A field whose value decides what becomes of it.
MEANT = {"gitlabUrl": "https://gitlab.example.invalid", "spec.gitlabUrl": "https://gitlab.example.invalid",
         "spec.gitlab_instance_url": "https://gitlab.example.invalid", "runners.executor": "kubernetes",
         "runners.cache.cacheType": "s3", "spec.cacheType": "s3"}


def value_of(path: str, kind: str) -> object:
    if path in MEANT:
        return MEANT[path]
    first, *rest = kind.split()
    if first == "list":
        return [7 if rest[-1:] == ["integer"] else "x"]
    return rest[-1] if rest else VALUES[first]


def tree(keys: list[tuple[str, str]]) -> dict:
    """All fields at once, one entry in each list."""
    whole: dict = {}
    for path, kind in keys:
        at: dict = whole
        *above, last = path.split(".")
        for name in above:
            at = at.setdefault(name[:-2], [{}])[0] if name.endswith("[]") else at.setdefault(name, {})
        at[last] = value_of(path, kind)
    return whole


def keys_of(file: Path) -> list[tuple[str, str]]:
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def document(file: Path) -> tuple[str, dict]:
    source, *rest = file.stem.split("-")
    if not rest:
        return source, tree(keys_of(file))
    group = {"alekc": "gitlab.k8s.alekc.dev", "operator": "apps.gitlab.com"}[source]
    head = {"apiVersion": f"{group}/{rest[0]}", "kind": rest[1], "metadata": {"name": "all", "namespace": "ci"}}
    return source, head | tree(keys_of(file))


def leaves(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in leaves(item, f"{path}.{key}" if path else key)]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [leaf for i, item in enumerate(value) for leaf in leaves(item, f"{path}[{i}]")]
    return [path]


@pytest.mark.parametrize("file", sorted(DATA.glob("*.keys")), ids=lambda file: file.stem)
def test_every_field_of_a_source_is_accounted_for_once(file: Path, tmp_path: Path) -> None:
    source, whole = document(file)
    written = tmp_path / "source.yaml"
    written.write_text(yaml.safe_dump(whole, sort_keys=False))
    said = run("import", source, "-f", written, "-n", "ci", "--partial", code=1).stderr
    told = Counter(found[1] for line in said.splitlines() if (found := LINE.match(line)))
    for leaf in leaves(whole):
        assert told[leaf] == 1, f"{leaf}: {told[leaf]} lines\n{said}"
    assert UNKNOWN not in said, said


@pytest.mark.parametrize(("source", "text"), [
    ("helm", "gitlabUrl: https://x.invalid\nrunnerToken: glrt-x\nsomething:\n  new: 1\n"),
    ("operator", "apiVersion: apps.gitlab.com/v1beta2\nkind: Runner\nmetadata: {name: a}\nspec:\n  something: {new: 1}\n"),
    ("alekc", "apiVersion: gitlab.k8s.alekc.dev/v1beta2\nkind: Runner\nmetadata: {name: a}\nspec:\n  something: {new: 1}\n"),
])
def test_a_field_that_nobody_knows_is_told(source: str, text: str) -> None:
    done = run("import", source, "-f", "-", "-n", "ci", stdin=text, code=1)
    assert re.search(r"standard input:\d+ +(spec\.)?something\.new +CANNOT " + UNKNOWN, done.stderr), done.stderr
    assert not done.stdout


@pytest.mark.parametrize("file", sorted(DATA.glob("*.yaml")), ids=lambda file: file.stem)
def test_what_people_have_is_imported_whole_and_twice_the_same(file: Path, tmp_path: Path) -> None:
    source = {"values": "helm"}.get(file.stem.split("-")[0], file.stem.split("-")[0])
    words = ("import", source, "-f", file, "-n", "ci", "--with-secrets")
    first, again = run(*words), run(*words)
    assert (first.stdout, first.stderr) == (again.stdout, again.stderr)
    imported = tmp_path / "imported.yaml"
    imported.write_text(first.stdout)
    run("validate", "-f", imported)
    bare = run(*words[:-1])
    assert "EXAMPLE" not in bare.stdout + bare.stderr, "no token is shown unless it is asked for"
    assert PROGRAM.exists()
