"""Ten thousand runners: the page scrolls, finds and stays small. A replica that stands by shows them."""
from __future__ import annotations

from collections.abc import Callable

from page.conftest import Fleet
from page.crowd import COUNT, HOLDER
from page.screen import Screen

ROWS_MOST = 80                      # in the document
HEAP_MOST = 48                      # MiB
STEP_MOST = 16                      # ms of script for a step of scrolling: the median, as this machine is busy
KEY_MOST = 50                       # … for a letter of a search

SCROLL = """async () => {
    const {Table} = await import('/table.js'), render = Table.prototype.render, took = [];
    Table.prototype.render = function () { const began = performance.now(); render.call(this); took.push(performance.now() - began) };
    const height = document.documentElement.scrollHeight;
    let rows = 0;
    for (let i = 1; i <= 100; i++) {
        scrollTo(0, i % 20 ? scrollY + 160 : height * i / 100);
        await new Promise(requestAnimationFrame);
        rows = Math.max(rows, document.querySelectorAll('#fleet tbody tr').length);
    }
    Table.prototype.render = render;
    took.sort((a, b) => a - b);
    return {height, rows, step: took[took.length >> 1]}}"""

SEARCH = """async (texts) => {
    const took = [];
    for (const text of texts) {
        const q = document.getElementById('q'), began = performance.now();
        q.value = text;
        q.dispatchEvent(new Event('input'));
        took.push(performance.now() - began);
        await new Promise(requestAnimationFrame);
    }
    return took.sort((a, b) => a - b)[took.length >> 1]}"""


def test_ten_thousand(fleet: Fleet, crowd: str, look: Callable[..., Screen]) -> None:
    screen = look(fleet.start("--leader-elect=true"))
    screen.wait_rows(COUNT, 30)
    screen.wait_text(f"This replica stands by; {HOLDER} leads", "#standby")
    scrolled = screen.run(SCROLL)
    key = screen.run(SEARCH, ["g", "gp", "gpu", "gpu t", "gpu team-7", ""])
    heap = screen.run("performance.memory.usedJSHeapSize") / 2 ** 20
    print(f"{COUNT} rows: {scrolled['rows']} in the document, a step of scrolling {scrolled['step']:.1f} ms of script, a "
          f"letter of a search {key:.1f} ms, heap {heap:.1f} MiB")
    assert scrolled["height"] > COUNT * 32 and scrolled["rows"] <= ROWS_MOST
    assert scrolled["step"] < STEP_MOST and key < KEY_MOST and heap < HEAP_MOST

    screen.search("runner-09876")
    screen.wait_rows(1)
    assert screen.names() == ["runner-09876"]
    screen.search("gpu team-7")
    screen.wait_rows(len([i for i in range(COUNT) if i % 7 == 2 and i % 40 == 7]))
    screen.press("Escape", "Escape", "End")
    screen.wait("the last row has the focus", f"document.activeElement.textContent.includes('runner-{COUNT - 1:05}')")
