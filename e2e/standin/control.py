"""What the stand-in adds to GitLab for its tests."""
from __future__ import annotations

from aiohttp import web

from .audit import Audit
from .faults import Faults


class Control:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.audit = Audit()
        self.faults = Faults()


CONTROL = web.AppKey("control", Control)
