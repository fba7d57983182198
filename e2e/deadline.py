"""A wait that was in vain: the one failure that may be due to this machine, and that hack/e2e repeats."""
from __future__ import annotations


class DeadlineMissed(AssertionError):
    """What was waited for has not come in time."""


class PutOff:
    """A block whose missed deadline is told later, after what must never happen was looked for as well:

        with PutOff() as late:
            …
        look()
        late.tell()
    """

    def __init__(self) -> None:
        self._missed: DeadlineMissed | None = None

    def __enter__(self) -> PutOff:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        self._missed = error if isinstance(error, DeadlineMissed) else None
        return self._missed is not None

    def __bool__(self) -> bool:
        return self._missed is not None

    def tell(self) -> None:
        if self._missed:
            raise self._missed


def assert_in_time(what: str, took: float, seconds: float) -> None:
    """For what was measured instead of waited for."""
    if took >= seconds:
        raise DeadlineMissed(f"not within {seconds:g} s but {took:.2f} s: {what}")
