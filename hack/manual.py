"""manual.py PROGRAM FOLDER writes the man page and the completions for bash, zsh and fish, from what the program says when it
is asked for --help. So there is one list of options, and the program has it. Of kubectl-glr, which completes by asking itself, it
writes the man page alone."""
from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

NAME = "gitlab-runner-controller"
PLUGIN, CALLED = "kubectl-glr", "kubectl glr"
OPTION = re.compile(r"^  (?:-(\w), )?--([\w-]+)(?: (\S+(?: ?\|\S+)*))?(?:\s+(\S.*))?$")
# Words that a value may be, where its name in the help does not list them.
WORDS = {"output": ["yaml", "json", "toml", "job"], "log-format": ["json", "text"],
         "log-level": ["error", "warn", "info", "debug"]}


@dataclass
class Option:
    short: str
    name: str
    value: str
    text: str

    def words(self) -> list[str]:
        return self.value.split("|") if "|" in self.value else WORDS.get(self.name, [])

    def is_file(self) -> bool:
        return self.value == "FILE"


@dataclass
class Command:
    name: str
    summary: str
    usage: str = ""
    before: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def help_of(program: str, *words: str) -> list[str]:
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout.splitlines()


def read_command(program: str, name: str, summary: str) -> Command:
    command = Command(name, summary)
    first, *lines = help_of(program, name)
    command.usage = first.partition(f" {name} ")[2]
    for line in lines:
        if found := OPTION.match(line):
            command.options.append(Option(*(part or "" for part in found.groups())))
        elif line.startswith("   ") and command.options and not command.after:
            command.options[-1].text += " " + line.strip()
        else:
            (command.after if command.options else command.before).append(line)
    return command


def read(program: str) -> tuple[list[Command], str, list[str]]:
    """The commands, what the program is, and what else it says."""
    lines = help_of(program)
    rows = [re.fullmatch(r"  (\w+)\s+(.+)", line) for line in lines]
    found = [row.groups() for row in rows if row]
    own = [row for row in found if row[0] != "version" or CALLED in lines[0]]
    commands = [read_command(program, *row) for row in own]
    commands += [Command(*row) for row in found if row not in own]
    said = "\n".join(lines).partition("Exit codes: ")[2].partition("\nCalled as")[0]
    return commands, lines[2], said.strip().splitlines()


# ----------------------------------------------------------------------------------------------------------------------
# The man page


def roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def paragraphs(lines: list[str]) -> list[str]:
    return [roff(" ".join(part.split())) for part in "\n".join(lines).strip().split("\n\n") if part.strip()]


def option_page(option: Option) -> list[str]:
    short = f"\\fB\\-{option.short}\\fR, " if option.short else ""
    value = f" \\fI{roff(option.value)}\\fR" if option.value else ""
    return [".TP", f"{short}\\fB\\-\\-{roff(option.name)}\\fR{value}", roff(option.text or "Show all of this.")]


def command_page(command: Command) -> list[str]:
    lines = [f".SS {command.name} {roff(command.usage)}".rstrip()]
    about = paragraphs(command.before) or [roff(command.summary[0].upper() + command.summary[1:] + ".")]
    lines += "\n.PP\n".join(about).split("\n")
    for option in command.options:
        lines += option_page(option)
    for part in "\n".join(command.after).strip().split("\n\n"):
        head, *examples = part.split("\n")
        if examples and all(line.startswith("  ") for line in examples):
            lines += [".PP", roff(head), ".PP", ".RS", ".nf", *(roff(line.strip()) for line in examples), ".fi", ".RE"]
        elif part and not part.startswith("Exit codes"):
            lines += [".PP", *paragraphs([part])]
    return lines


ABOUT = {NAME: "registers GitLab Runners in Kubernetes and keeps their managers running",
         PLUGIN: "shows and steers the GitLab Runners of a Kubernetes cluster, as a plugin of kubectl"}
EXAMPLES = [("Would these files be refused, and will they work as they are meant?", "validate -f runner.yaml"),
            ("Every object that the operator would make, tokens masked:", "render -f runner.yaml"),
            ("The config.toml alone:", "render -f runner.yaml -o toml")]


def man_page(name: str, commands: list[Command], about: str, codes: list[str]) -> str:
    called = CALLED if name == PLUGIN else name
    lines = [f'.TH {name.upper()} 1 "" "" "User Commands"', ".SH NAME", roff(f"{name} - {ABOUT[name]}"), ".SH SYNOPSIS"]
    lines += [f".B {roff(called)}", "\\fICOMMAND\\fR [\\fIOPTION\\fR...]", ".SH DESCRIPTION", roff(about), ".SH COMMANDS"]
    for command in commands:
        lines += command_page(command)
    lines += [".SH EXIT STATUS", *map(roff, codes)]
    lines += [".SH EXAMPLES"] if name == NAME else []
    for text, words in EXAMPLES if name == NAME else []:
        lines += [".PP", roff(text), ".PP", ".RS", ".nf", roff(f"{name} {words}"), ".fi", ".RE"]
    other = PLUGIN if name == NAME else NAME
    return "\n".join([*lines, ".SH SEE ALSO", f".BR {roff(other)} (1),", ".BR kubectl (1)"]) + "\n"


# ----------------------------------------------------------------------------------------------------------------------
# Completions


def flags(command: Command) -> list[str]:
    return [flag for option in command.options for flag in ([f"-{option.short}"] if option.short else []) + [f"--{option.name}"]]


def bash(commands: list[Command]) -> str:
    cases, values = [], {}
    for command in commands:
        cases.append(f"\t{command.name}) words='{' '.join(flags(command))}' ;;")
        for option in command.options:
            names = "|".join(([f"-{option.short}"] if option.short else []) + [f"--{option.name}"])
            if option.words():
                values[names] = f"COMPREPLY=($(compgen -W '{' '.join(option.words())}' -- \"$now\"))"
            elif option.is_file():
                values[names] = 'COMPREPLY=($(compgen -f -- "$now"))'
            elif option.value:
                values[names] = "COMPREPLY=()"
    names = " ".join(command.name for command in commands)
    return "\n".join([f"# bash completion for {NAME}; made by hack/manual.py", "_gitlab_runner_controller() {",
                      '\tlocal now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=', "\tif [ \"$COMP_CWORD\" = 1 ]; then",
                      f"\t\tCOMPREPLY=($(compgen -W '{names} --help' -- \"$now\"))", "\t\treturn", "\tfi", "\tcase $before in",
                      *(f"\t{key}) {value}; return ;;" for key, value in values.items()), "\tesac", "\tcase ${COMP_WORDS[1]} in",
                      *cases, "\tesac", '\tCOMPREPLY=($(compgen -W "$words" -- "$now"))', "}",
                      f"complete -o filenames -F _gitlab_runner_controller {NAME}"]) + "\n"


def quoted(text: str) -> str:
    """Between brackets and quotation marks."""
    return text.replace("'", "’").replace("[", "(").replace("]", ")")


def zsh_option(option: Option) -> list[str]:
    action = f"({' '.join(option.words())})" if option.words() else "_files" if option.is_file() else ""
    value = f":{quoted(option.value).replace(':', chr(92) + ':')}:{action}" if option.value else ""
    names = ([f"-{option.short}"] if option.short else []) + [f"--{option.name}"]
    many = "*" if option.name == "filename" else ""
    return [f"'{many}{name}[{quoted(option.text)}]{value}'" for name in names]


def zsh(commands: list[Command]) -> str:
    lines = [f"#compdef {NAME}", "# zsh completion; made by hack/manual.py", "local -a commands", "commands=("]
    lines += [f"\t'{command.name}:{quoted(command.summary)}'" for command in commands]
    lines += [")", "if (( CURRENT == 2 )); then", "\t_describe command commands", "\treturn", "fi", "case ${words[2]} in"]
    for command in commands:
        specs = [spec for option in command.options for spec in zsh_option(option)]
        body = " \\\n\t\t".join(["_arguments -S", *specs]) if specs else ":"
        lines.append(f"{command.name})\n\t(( CURRENT-- )); shift words\n\t{body} ;;")
    return "\n".join([*lines, "esac"]) + "\n"


def fish(commands: list[Command]) -> str:
    lines = [f"# fish completion for {NAME}; made by hack/manual.py", f"complete -c {NAME} -f"]
    for command in commands:
        lines.append(f"complete -c {NAME} -n __fish_use_subcommand -a {command.name} -d '{command.summary.replace(chr(39), '’')}'")
        for option in command.options:
            words = f" -x -a '{' '.join(option.words())}'" if option.words() else " -r -F" if option.is_file() else " -x" if option.value else ""
            short = f" -s {option.short}" if option.short else ""
            text = option.text.replace("'", "’")
            lines.append(f"complete -c {NAME} -n '__fish_seen_subcommand_from {command.name}'{short} -l {option.name}{words} -d '{text}'")
    return "\n".join(lines) + "\n"


def main() -> None:
    program, folder = sys.argv[1], Path(sys.argv[2])
    name = Path(program).name
    commands, about, codes = read(program)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.1").write_text(man_page(name, commands, about, codes))
    if name == PLUGIN:
        return
    (folder / f"{NAME}.bash").write_text(bash(commands))
    (folder / f"_{NAME}").write_text(zsh(commands))
    (folder / f"{NAME}.fish").write_text(fish(commands))


main()
