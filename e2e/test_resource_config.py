"""`spec.config`: any other key of config.toml, from the object to what the real gitlab-runner makes of it."""
from __future__ import annotations

import json
import random
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster import ROOT, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import Place, Runner
from program import PROGRAM, run
from standin_fixtures import runner_program
from test_edit import LOADED, manager_identity, pod_template
from test_render import NASTY, dumped, runner

CASES = ROOT / "tests/data/config"
RENDERED = json.loads((CASES / "rendered.json").read_text())
ACCEPTED = json.loads((CASES / "accepted.json").read_text())


def toml_of(config: dict) -> str:
    return run("render", "-f", "-", "-o", "toml", stdin=json.dumps(runner(config=config))).stdout


def verdicts(tomls: list[str], *words: str) -> list[dict]:
    """What the TOML library of gitlab-runner reads, why gitlab-runner would not load it as config.toml; with the word
    `lint`, what its lint says."""
    program = Path(runner_program()).with_name("toml-verdict")
    done = subprocess.run([program, *words], input=json.dumps(tomls), capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def go_reads(toml: str) -> dict:
    verdict, = verdicts([toml])
    assert not verdict["error"]
    return verdict["tree"]


def gitlab_runner(word: str, toml: str, folder: Path) -> subprocess.CompletedProcess:
    file = folder / "config.toml"
    file.write_text(toml)
    return subprocess.run([runner_program(), word, "--config", file], capture_output=True, text=True, timeout=20)


def assert_within(wanted: dict, found: dict) -> None:
    """Each value arrives with its type: 1 is not 1.0, and not true."""
    for key, value in wanted.items():
        there = found[key][0] if key == "runners" and isinstance(found[key], list) else found[key]
        if isinstance(value, dict):
            assert_within(value, there)
        else:
            assert (there, typed(there)) == (value, typed(value)), key


def typed(value: object) -> object:
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    return [typed(inner) for inner in value] if isinstance(value, list) else type(value)


# ----------------------------------------------------------------------------------------------------------------------
# Offline: what is written is what two independent readers read


def tree(dice: random.Random, depth: int) -> object:
    """Anything that JSON can say, but for null."""
    texts = [*NASTY.values(), "", "2026-11-25", "2026-11-25T10:00:00Z", "true", "1", "inf", "[x]"]
    kind = dice.randrange(7 if depth else 4)
    if kind == 0:
        return dice.choice(texts)
    if kind == 1:
        return dice.choice([0, -1, 2**63 - 1, -2**63, dice.randrange(-10**6, 10**6)])
    if kind == 2:
        return dice.choice([0.5, -2.25, 1e300, 5e-324, 1e21, 123456.789, dice.uniform(-1e6, 1e6)])
    if kind == 3:
        return dice.random() < 0.5
    if kind == 4:
        return [tree(dice, depth - 1) for _ in range(dice.randrange(4))]
    if kind == 5:
        return [table(dice, depth - 1) for _ in range(dice.randrange(1, 4))]
    return table(dice, depth - 1)


def table(dice: random.Random, depth: int) -> dict:
    keys = ["a", "b.c", "d e", "ü", '"', "\\", "\n", "-", "_", "7", *NASTY.values()]
    return {key: tree(dice, depth) for key in dice.sample(keys, dice.randrange(5))}


@pytest.mark.parametrize("seed", range(40))
def test_any_tree_is_read_as_it_was_written(seed: int) -> None:
    dice = random.Random(seed)
    config = {"new": table(dice, 4), "runners": {"new": table(dice, 4), "kubernetes": {"new": tree(dice, 5)}}}
    toml = toml_of(config)
    assert_within(config, tomllib.loads(toml))
    read = go_reads(toml)
    assert read["new"] == config["new"] and read["runners"][0]["new"] == config["runners"]["new"]
    assert read["runners"][0]["kubernetes"]["new"] == config["runners"]["kubernetes"]["new"]


def test_the_kept_example_is_read_as_it_was_written() -> None:
    toml = toml_of(RENDERED["config"])
    assert_within(RENDERED["config"], tomllib.loads(toml))
    assert go_reads(toml)["new"] == RENDERED["config"]["new"]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: json.dumps(case["config"])[:60])
def test_gitlab_runner_takes_what_is_accepted(case: dict, tmp_path: Path) -> None:
    """It reads the file, and calls those keys unknown that are reported, and no others."""
    toml = toml_of(case["config"])
    assert_within(case["config"], tomllib.loads(toml))
    listed = gitlab_runner("list", toml, tmp_path)
    assert listed.returncode == 0 and "ci/builds" in listed.stderr, listed.stderr
    linted = gitlab_runner("lint", toml, tmp_path)
    report = case.get("report", "")
    flags = "spec.config.runners.feature_flags" in report       # of which lint knows nothing
    assert (linted.returncode == 0) == ("does not know" not in report or flags), linted.stderr


# Every key of the table, with values of every type.

KEYS = (ROOT / "controller/runner/config_keys.c").read_text()
SAMPLES: list[object] = ["x", "15m", 7, 2**40, 1.5, True, [], ["x"], [7], [1.5], [True], [{}], [{"x": "x"}], {}, {"x": "x"},
                         {"x": 7}, {"x": True}, {"x": ["x"]}]


def keys_of(table: str) -> list[tuple[str, str, str, str]]:
    """name, many, type and table of each."""
    body = re.search(rf"const struct shape {table} = \{{.type = SHAPE_TABLE, MEMBERS\(\n(.*?)\n\)\}};", KEYS, re.DOTALL)[1]
    rows = re.findall(r'KEY\("([^"]+)", (?:(LIST|ONE_OR_LIST|MAP)\()?(?:SHAPE\((\w+)\)|&(\w+))\)?\)', body)
    assert len(rows) == body.count("KEY(")
    return [(name, "MAP", "FLAG", "") if inner == "feature_flags" else (name, many or "ONE", kind or "TABLE", inner)
            for name, many, kind, inner in rows]            # any flag, though some are known


def cases(table: str, wrap: Callable[[object], dict]) -> Iterator[tuple[dict, str, str, object]]:
    """A config with a sample in the place of each key, and what the key takes."""
    for name, many, kind, inner in keys_of(table):
        def within(value: object, name: str = name) -> dict:
            return wrap({name: value})
        for sample in SAMPLES:
            yield within(sample), many, kind, sample
        if kind == "TABLE":
            frames = {"ONE": lambda value: value, "LIST": lambda value: [{}, value], "MAP": lambda value: {"any": value}}
            yield from cases(inner, lambda value, frame=frames[many], within=within: within(frame(value)))


def in_line(value: object) -> str:
    """As an inline table, whatever it is."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {in_line(inner)}" for key, inner in value.items()) + "}"
    return "[" + ", ".join(map(in_line, value)) + "]" if isinstance(value, list) else json.dumps(value)


def as_file(config: dict) -> str:
    whole = {key: [value] if key == "runners" and isinstance(value, dict) else value for key, value in config.items()}
    return "".join(f"{json.dumps(key)} = {in_line(value)}\n" for key, value in whole.items())


def is_stricter(many: str, kind: str, sample: object) -> bool:
    """Where we refuse what gitlab-runner would not: nanoseconds, and what it would pass over in silence."""
    texts = [sample] if not isinstance(sample, list) else sample
    return (kind == "DURATION" and all(isinstance(x, int) for x in texts)) or (many == "MAP" and not isinstance(sample, dict))


def validated(configs: list[dict]) -> Iterator[str]:
    """What `validate` says of each, a line a complaint; some at a time, since a file has a largest size."""
    for begin in range(0, len(configs), 1000):
        some = configs[begin:begin + 1000]
        bodies = dumped(*(runner(config=config) | {"metadata": {"name": f"r{i}", "namespace": "ci"}}
                          for i, config in enumerate(some)))
        done = subprocess.run([PROGRAM, "validate", "-f", "-"], input=bodies, capture_output=True, text=True, timeout=60)
        said: dict[str, list[str]] = {f"r{i}": [] for i in range(len(some))}
        for name, line in re.findall(r"^standard input: GitLabRunner ci/(r\d+): (?!warning: |note: )(.*)$", done.stdout, re.M):
            said[name].append(line)
        yield from ("\n".join(lines) for lines in said.values())


def test_for_every_key_and_type_we_refuse_what_gitlab_runner_would() -> None:
    tried = list(cases("config_shape", lambda value: value))
    configs = [config for config, *_ in tried]
    said, judged = list(validated(configs)), verdicts([as_file(config) for config in configs])
    assert len(said) == len(judged) == len(tried) > 5000
    own = re.compile(r"is made from spec\.| take it out$| the name must have |would not start|each job would fail|no API server takes"
                     r"|must be an IP address|patch_type must be|shell must be|boot_verify runs|every job would fail|would never hold")
    for (config, many, kind, sample), ours, theirs in zip(tried, said, judged):
        accepted, listed = ours == "valid", isinstance(config.get("runners"), list)     # a list in config.toml only
        left_out = sample in ([], {})       # where a field makes the key, which is not written then
        assert not (accepted and theirs["error"]) or left_out, f"{config}: {theirs['error']}"
        stricter = listed or own.search(ours) or is_stricter(many, kind, sample)
        assert accepted or theirs["error"] or stricter, f"{config}: {ours}"


def test_gitlab_runner_refuses_a_whole_file_for_one_type(tmp_path: Path) -> None:
    """Which is why we do."""
    toml = toml_of({"runners": {"kubernetes": {"poll_timeout": 600}}})
    assert gitlab_runner("list", toml, tmp_path).returncode == 0
    broken = gitlab_runner("list", toml.replace("600", '"600"'), tmp_path)
    assert "incompatible types" in broken.stderr and "ci/builds" not in broken.stderr, broken.stderr


def test_validate_and_render_say_what_is_wrong() -> None:
    body = dumped(runner(config={"runners": {"limit": "5"}}))
    for command in ("validate", "render"):
        done = run(command, "-f", "-", stdin=body, code=3)
        assert "spec.config.runners.limit must be a whole number, without quotes" in done.stdout + done.stderr


def test_validate_and_render_warn_of_what_is_not_known() -> None:
    body = dumped(runner(config={"runners": {"limmit": 5}}))
    warning = "does not know spec.config.runners.limmit (did you mean limit?)"
    assert warning in run("validate", "-f", "-", stdin=body).stdout
    done = run("render", "-f", "-", "-o", "toml", stdin=body)
    assert warning in done.stderr and tomllib.loads(done.stdout)["runners"][0]["limmit"] == 5


# ----------------------------------------------------------------------------------------------------------------------
# In the cluster


def test_config_reaches_the_manager_and_a_misspelt_key_is_reported(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    config = {"shutdown_timeout": 45, "labels": {"site": "berlin"},
              "runners": {"limit": 3, "pre_build_script": "echo 'hi'\n", "request_concurency": 2,
                          "kubernetes": {"poll_timeout": 240, "services": [{"name": "busybox:1.36", "alias": "db"}]}}}
    made = ci.runner(config=config)
    made.wait()
    assert_within(config, made.config())
    message = made.wait("ConfigApplied", reason="UnknownConfigKeys")["message"]
    assert made.conditions()["Ready"]["reason"] == "ReadyWithWarnings"
    assert "spec.config.runners.request_concurency (did you mean request_concurrency?)" in message
    event = made.wait_event("UnknownConfigKeys")
    assert (event["type"], event["note"]) == ("Warning", message)
    assert made.manager_metric("gitlab_runner_limit{") == 3, "the running gitlab-runner has read it"
    manager, loaded, template = manager_identity(made), made.manager_metric(LOADED), pod_template(made)
    made.edit(config={"runners": {"request_concurency": None, "request_concurrency": 2, "limit": 4}})
    made.wait("ConfigApplied", reason="Applied")
    assert "request_concurency" not in made.config_text()
    wait_for("the manager has loaded it", lambda: made.manager_metric(LOADED) > loaded)
    assert made.manager_metric("gitlab_runner_limit{") == 4
    assert manager_identity(made) == manager and pod_template(made) == template, "config alone restarts nothing"
    assert [event["reason"] for event in made.events()].count("UnknownConfigKeys") == 1


def test_config_that_is_read_at_the_start_rolls_the_managers(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    made = ci.runner(config={"connection_max_age": "15m"})
    made.wait()
    before = manager_identity(made)
    made.edit(config={"connection_max_age": "20m"})
    made.wait()
    wait_for("the new pod is alone", lambda: len(made.managers()) == 1)
    assert manager_identity(made)[0] != before[0]
    assert made.config()["connection_max_age"] == "20m"


REFUSED = {
    "type": ({"runners": {"limit": "5"}}, "spec.config.runners.limit must be a whole number, without quotes"),
    "owned": ({"runners": {"kubernetes": {"image": "x"}}},
              "spec.config.runners.kubernetes.image is made from spec.image: set that instead"),
    "empty": ({"runners": {"labels": {"abc": None}}},
              "spec.config.runners.labels.abc has no value: give it one, or take it out"),
}


def set_config(made: Runner, config: dict) -> None:
    """As a whole, with what is null in it."""
    body = made.object()
    del body["metadata"]["resourceVersion"]
    kubectl("replace", "-f", "-", stdin=json.dumps(body | {"spec": body["spec"] | {"config": config}}))


@pytest.mark.parametrize(("config", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_config_that_is_refused_leaves_the_last_good_one(ci: Place, gitlab: GitLabAdmin, config: dict, words: str) -> None:
    ci.registration_token()
    made = ci.unmanned(config={"runners": {"limit": 3}})
    made.wait()
    before, version = made.config_text(), made.child("manager")["metadata"]["resourceVersion"]
    set_config(made, config)
    assert made.wait_refused("InvalidSpec") == words
    assert (made.config_text(), made.child("manager")["metadata"]["resourceVersion"]) == (before, version)
    set_config(made, {"runners": {"limit": 3}})
    made.wait()


def test_config_beyond_all_measure_is_refused_and_hinders_nobody(ci: Place, gitlab: GitLabAdmin) -> None:
    """The API server takes some thousand levels."""
    ci.registration_token()
    deep: dict = {}
    for _ in range(300):
        deep = {"x": deep}
    endless = ci.runner(name="deep", config=deep, manager={"replicas": 0})
    assert "is nested deeper than 16 levels" in endless.wait_refused("InvalidSpec")
    ci.unmanned(config={"runners": {"limit": 3}}).wait()
    endless.edit(config=None)
    endless.wait()


def test_config_is_documented(ci: Place) -> None:
    said = kubectl("explain", "gitlabrunners.spec.config")
    assert "config.toml" in said and "ConfigApplied" in said
