"""The changes: universalmutator's for C, a line each."""
import contextlib
import io
import pathlib
import re
import typing

from universalmutator import mutator

RULES = ["universal.rules", "c_like.rules", "c.rules"]
NOT_OURS = [r"^#", r"\bassert\(", r"\b(log_event|turn_log)\(", r"\b(machine_step|MACHINE_TO)\("]

COUNTED = re.compile(r"(for\s*\(\s*size_t\s+(\w+)\s*=\s*\w+\s*;\s*\2\s*)!=")
COMPARED = re.compile(r"(?:(strcmp)|text_same)\s*\(\s*([^,()]+?)\s*,\s*([^,()]+?)\s*\)(?(1)(?=\s*[=!]=\s*0))")
BEHIND_ITS_END = re.compile(r"(\breturn\b[^;]*;)\s*(?:continue|break);\s*$")


class Mutant(typing.NamedTuple):
    file: str
    line: int  # from 1 on
    before: str
    after: str

    def text(self):
        return f"{self.file}:{self.line}\n    - {self.before.strip()}\n    + {self.after.strip()}"

    def key(self):
        """What stays when lines come and go."""
        return self.file, self.before.strip(), self.after.strip()

    def source(self):
        lines = pathlib.Path(self.file).read_text().splitlines(keepends=True)
        lines[self.line - 1] = self.after
        return "".join(lines)


def in_order(text):
    """Two texts are the same in either order; what counts upwards by one ends where it reaches its end; and nothing is done
    after a return."""
    text = BEHIND_ITS_END.sub(r"\1", COUNTED.sub(r"\1<", text))
    ordered = COMPARED.sub(lambda m: f"same({', '.join(sorted(m.group(2, 3)))})", text)
    return "".join(ordered.split())


def one_line(text):
    """Lines that follow keep their numbers, which asserts tell."""
    return text.rstrip("\n").replace("\n", " ") + "\n"


def mutants_of(file):
    lines = pathlib.Path(file).read_text().splitlines(keepends=True)
    with contextlib.redirect_stdout(io.StringIO()):
        made = mutator.mutants_regexp(lines, RULES, ignoreStringOnly=True, ignorePatterns=NOT_OURS)
    found = {Mutant(file, number, lines[number - 1], one_line(text)) for number, text, *_ in made
             if in_order(text) != in_order(lines[number - 1])}
    return sorted(found)
