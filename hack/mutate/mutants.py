"""The changes: universalmutator's for C, a line each."""
import contextlib
import io
import pathlib
import typing

from universalmutator import mutator

RULES = ["universal.rules", "c_like.rules", "c.rules"]
NOT_OURS = [r"^#", r"\bassert\(", r"\b(log_event|turn_log)\("]


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


def one_line(text):
    """Lines that follow keep their numbers, which asserts tell."""
    return text.rstrip("\n").replace("\n", " ") + "\n"


def mutants_of(file):
    lines = pathlib.Path(file).read_text().splitlines(keepends=True)
    with contextlib.redirect_stdout(io.StringIO()):
        made = mutator.mutants_regexp(lines, RULES, ignoreStringOnly=True, ignorePatterns=NOT_OURS)
    found = {Mutant(file, number, lines[number - 1], one_line(text)) for number, text, *_ in made}
    return sorted(found)
