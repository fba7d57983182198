"""Ten thousand runners: the page scrolls, finds and stays small. A replica that stands by shows them."""
from __future__ import annotations

from collections.abc import Callable

from page.conftest import Fleet
from page.crowd import COUNT, HOLDER
from page.screen import Screen

ROWS_MOST = 80                      # in the document
HEAP_MOST = 48                      # MiB
STEPS, TYPED = 100, ["g", "gp", "gpu", "gpu t", "gpu team-7", ""]
STEP_MOST = 16                      # ms of a processor for a step of scrolling, without what paints
KEY_MOST = 40                       # … for a letter of a search
HEAVY = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")

SCROLL = """async (steps) => {
    let rows = 0;
    for (let i = 1; i <= steps; i++) {
        scrollTo(0, i % 20 ? scrollY + 160 : document.documentElement.scrollHeight * i / steps);
        await new Promise(requestAnimationFrame);
        rows = Math.max(rows, document.querySelectorAll('#fleet tbody tr').length);
    }
    return rows}"""

SEARCH = """async (texts) => {
    for (const text of texts) {
        document.getElementById('q').value = text;
        document.getElementById('q').dispatchEvent(new Event('input'));
        await new Promise(requestAnimationFrame);
    }}"""


class Costs:
    """Of the page's thread, in its own time: other processes do not count."""

    def __init__(self, screen: Screen) -> None:
        self._session = screen.context.new_cdp_session(screen.page)
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._last = self._now()

    def _now(self) -> float:
        known = {one["name"]: one["value"] for one in self._session.send("Performance.getMetrics")["metrics"]}
        return sum(known[name] for name in HEAVY)

    def each(self, steps: int) -> float:
        """Milliseconds since the last time, for each step."""
        last, self._last = self._last, self._now()
        return (self._last - last) * 1e3 / steps


def test_ten_thousand(fleet: Fleet, crowd: str, look: Callable[..., Screen]) -> None:
    screen = look(fleet.start("--leader-elect=true"))
    screen.wait_rows(COUNT, 30)
    screen.wait_text(f"This replica stands by; {HOLDER} leads", "#standby")
    assert screen.run("document.documentElement.scrollHeight") > COUNT * 32
    costs = Costs(screen)
    rows = screen.run(SCROLL, STEPS)
    step = costs.each(STEPS)
    screen.run(SEARCH, TYPED)
    key = costs.each(len(TYPED))
    heap = screen.run("performance.memory.usedJSHeapSize") / 2 ** 20
    print(f"{COUNT} rows: {rows} in the document, a step of scrolling {step:.1f} ms, a letter of a search {key:.1f} ms, "
          f"heap {heap:.1f} MiB")
    assert rows <= ROWS_MOST and step < STEP_MOST and key < KEY_MOST and heap < HEAP_MOST

    screen.search("runner-09876")
    screen.wait_rows(1)
    assert screen.names() == ["runner-09876"]
    screen.search("gpu team-7")
    screen.wait_rows(len([i for i in range(COUNT) if i % 7 == 2 and i % 40 == 7]))
    screen.press("Escape", "Escape", "End")
    screen.wait("the last row has the focus", f"document.activeElement.textContent.includes('runner-{COUNT - 1:05}')")
