"""`make install`: the program, its man page and its completions, where each of them is looked for. The shells and man
(`make e2e-deps` has them installed) judge their own language."""
from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from cluster import ROOT
from program import run

NAME, PLUGIN = "gitlab-runner-controller", "kubectl-glr"
BASH = ROOT / f"manual/{NAME}.bash"
COMMANDS = ["run", "render", "validate", "import"]


def options_of(command: str) -> set[str]:
    """By the program itself."""
    return set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", run(command, "--help").stdout, re.M))


def completed(*words: str) -> set[str]:
    """What bash offers in the place of the last word."""
    script = (f"source {BASH}; COMP_WORDS=({' '.join(repr(word) for word in (NAME, *words))}); "
              f"COMP_CWORD={len(words)}; _gitlab_runner_controller; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=20, cwd=ROOT, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_offers_each_option(command: str) -> None:
    assert {word for word in completed(command, "--") if word.startswith("--")} == options_of(command)


def test_bash_offers_commands_and_values() -> None:
    assert completed("") == {*COMMANDS, "version", "--help"}
    assert completed("run", "--leader-elect", "") == {"true", "false"}
    assert completed("run", "--secrets", "r") == {"referenced"}
    assert completed("render", "-o", "t") == {"toml"}
    assert completed("validate", "-f", "READ") == {"README.md"}


def test_the_words_that_are_offered_are_those_of_the_help() -> None:
    for command, option in [("run", "--log-format"), ("run", "--log-level"), ("render", "--output")]:
        assert all(word in run(command, "--help").stdout for word in completed(command, option, ""))


@pytest.mark.parametrize("command", COMMANDS)
def test_zsh_and_fish_know_each_option(command: str) -> None:
    zsh = (ROOT / f"manual/_{NAME}").read_text()
    section = zsh.partition(f"\n{command})\n")[2].partition(";;")[0]
    assert set(re.findall(r"'\*?(--[\w-]+)\[", section)) == options_of(command)
    asked = subprocess.run(["fish", "--private", "-c", f"source manual/{NAME}.fish; complete -C '{NAME} {command} --'"],
                           capture_output=True, text=True, timeout=20, cwd=ROOT, check=True)
    assert {line.partition("\t")[0] for line in asked.stdout.splitlines()} == options_of(command)


def test_the_shells_find_no_fault() -> None:
    for words in (["zsh", "-n", f"manual/_{NAME}"], ["fish", "-n", f"manual/{NAME}.fish"], ["bash", "-n", BASH]):
        done = subprocess.run(words, capture_output=True, text=True, timeout=20, cwd=ROOT)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), words


def test_man_finds_no_fault_and_shows_each_option() -> None:
    done = subprocess.run(["man", "--warnings", "-l", "-P", "cat", f"manual/{NAME}.1"], capture_output=True, text=True,
                          timeout=20, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
    assert (done.returncode, done.stderr) == (0, "")
    page = re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout)
    for command in COMMANDS:
        assert all(option in page for option in options_of(command))


def plugin(*words: str) -> str:
    return subprocess.run([ROOT / f"build/{PLUGIN}", *words], capture_output=True, text=True, timeout=20, check=True).stdout


def commands_of_the_plugin() -> list[str]:
    return re.findall(r"^  ([a-z]+)  ", plugin("--help"), re.M)


def test_the_plugins_man_page_shows_each_option_of_each_command(tmp_path: Path) -> None:
    subprocess.run(["python3", "hack/manual.py", f"build/{PLUGIN}", tmp_path], check=True, cwd=ROOT, timeout=60)
    done = subprocess.run(["man", "--warnings", "-l", "-P", "cat", tmp_path / f"{PLUGIN}.1"], capture_output=True, text=True,
                          timeout=20, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "100"})
    assert (done.returncode, done.stderr) == (0, "")
    page = re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout)
    for command in commands_of_the_plugin():
        assert all(option in page for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", plugin(command, "--help"), re.M))


def test_each_command_of_the_plugin_ends_its_help_with_an_example_exit_codes_and_rights() -> None:
    for command in set(commands_of_the_plugin()) - {"render", "validate", "import"}:
        said = plugin(command, "-h")
        assert said.startswith(f"Usage: kubectl glr {command} "), command
        assert f"\nExample:\n  kubectl glr {command}" in said and "\nExit codes: 0 good" in said and "\nRights needed: " in said, command


def test_shells_complete_the_plugins_words(tmp_path: Path) -> None:
    scripts = {shell: plugin("completion", shell) for shell in ("bash", "zsh", "fish", "kubectl")}
    for shell in ("bash", "zsh", "fish"):
        done = subprocess.run([shell, "-n"], input=scripts[shell], capture_output=True, text=True, timeout=20)
        assert (done.returncode, done.stderr) == (0, ""), shell
    path = {"PATH": f"{ROOT}/build:/usr/bin:/bin", "HOME": str(tmp_path)}
    asked = f"{scripts['bash']}\nCOMP_WORDS=(kubectl-glr list --so); COMP_CWORD=2; _kubectl_glr; echo \"${{COMPREPLY[@]}}\""
    assert subprocess.run(["bash", "-c", asked], capture_output=True, text=True, env=path, timeout=20).stdout == "--sort-by\n"
    asked = f"{scripts['fish']}\ncomplete -C 'kubectl-glr completion f'"
    done = subprocess.run(["fish", "--private", "-c", asked], capture_output=True, text=True, env=path, timeout=20)
    assert done.stdout.split() == ["fish"]
    asked = subprocess.run(["sh", "-s", "list", "-o", "j"], input=scripts["kubectl"], capture_output=True, text=True, env=path, timeout=20)
    assert asked.stdout == "json\n:4\n"


def test_make_install_puts_all_below_prefix_and_takes_it_away(tmp_path: Path) -> None:
    make = ["make", "-C", str(ROOT), f"DESTDIR={tmp_path}", "PREFIX=/opt/it"]
    subprocess.run([*make, "install"], check=True, capture_output=True, timeout=120)
    files = {str(file.relative_to(tmp_path / "opt/it")): file.stat().st_mode & 0o777 for file in tmp_path.rglob("*") if file.is_file()}
    assert files == {"bin/kubectl_complete-glr": 0o755} | {file: mode for name in (NAME, PLUGIN) for file, mode in {
        f"bin/{name}": 0o755, f"share/man/man1/{name}.1": 0o644, f"share/bash-completion/completions/{name}": 0o644,
        f"share/zsh/site-functions/_{name}": 0o644, f"share/fish/vendor_completions.d/{name}.fish": 0o644}.items()}
    said = subprocess.run([tmp_path / f"opt/it/bin/{NAME}", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(NAME) or "commit" in said.stdout
    subprocess.run([*make, "uninstall"], check=True, capture_output=True, timeout=120)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
