"""Job traces as people read them."""
from __future__ import annotations

import re

# The runner begins each line with its time, the stream it came from, and + when it continues the line before.
STAMP = r"\d{4}-\d\d-\d\dT[\d:.]+Z [0-9a-f]{2}[OE]"
STEPS = (
    (re.compile(rf"\r?\n{STAMP}\+"), ""),
    (re.compile(rf"^{STAMP} ?", re.MULTILINE), ""),
    (re.compile(r"section_(?:start|end):\d+:[^\r\n]*\r?"), ""),  # where a collapsible section begins and ends
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),  # colours
    (re.compile(r"\r\n?"), "\n"),
    (re.compile(r"\n{2,}"), "\n"),
)


def readable(trace: bytes) -> str:
    text = trace.decode(errors="replace")
    for pattern, replacement in STEPS:
        text = pattern.sub(replacement, text)
    return text.lstrip("\n")
