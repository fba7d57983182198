"""Hands, eyes and machines: keys alone, other windows, what a screen reader is told, and text that means harm."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from page.conftest import Fleet
from page.screen import Screen
from places import Runner

Look = Callable[..., Screen]
EVIL = '<img src=x onerror="alert(1)">'
EVIL_TAGS = [EVIL, "<script>alert(2)</script>", "\u202egnirts", "</pre><svg onload=alert(3)>"]
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


@pytest.fixture
def few(fleet: Fleet) -> Fleet:
    """Six that nobody has registered, of which one has tags that mean harm."""
    fleet.start()
    for name in ("ann", "ben", "cem", "dag", "eve", "fay"):
        fleet.runner(name=name, tags=EVIL_TAGS if name == "eve" else ["kubernetes", name])
    for name in ("ann", "eve", "fay"):
        Runner(fleet.kube, fleet.name, name).wait_refused("SecretNotFound")
    return fleet


def test_by_keys_alone(few: Fleet, look: Look) -> None:
    screen = look(few.process.fleet_page)
    screen.wait_rows(6)
    screen.press("ArrowDown")
    first = screen.focused()
    screen.press("j", "j", "k")
    assert (first, screen.focused()) == ("ann", "ben")
    screen.press("End")
    assert screen.focused() == "fay"
    screen.press("Home", "n")
    assert screen.focused() == "ben", "the next that needs somebody"
    assert screen.run("document.querySelectorAll('#fleet tbody [tabindex=\"0\"]:not(.panel *)').length") == 1, "one stop"

    screen.press("Enter")
    screen.wait_text("CONDITIONS", ".panel")
    screen.press("Escape")
    assert not screen.page.is_visible(".panel") and screen.focused() == "ben"

    screen.press("/", *"cem")
    screen.wait_rows(1)
    assert "#q=cem" in screen.page.url
    screen.press("Escape")
    screen.wait_rows(6)
    screen.press("Escape", "f")
    assert screen.focused() == "namespace"
    screen.press("Escape", "?")
    assert screen.page.is_visible("#keys")
    screen.page.uncheck("#letters")
    screen.press("Escape", "/")
    assert screen.focused() != "q", "letters are switched off"


def test_nothing_moves_under_the_focus(few: Fleet, look: Look) -> None:
    screen = look(few.process.fleet_page)
    screen.wait_rows(6)
    screen.press("ArrowDown", "j")
    few.kube.patch("GitLabRunner", "ann", {"spec": {"suspend": True}}, few.name)
    screen.wait_text("1 moved: press s", "#moved")
    assert screen.names()[0] == "ann" and "Suspended" in screen.row("ann")["status"] and screen.focused() == "ben"
    screen.press("s")
    assert screen.names()[-1] == "ann" and screen.focused() == "ben"
    few.kube.patch("GitLabRunner", "fay", {"metadata": {"finalizers": None}}, few.name)
    few.kube.delete("GitLabRunner", "fay", few.name)
    screen.wait_text("Gone", "#fleet")
    screen.press("s")
    screen.wait_rows(5)


def test_what_means_harm_is_text(few: Fleet, look: Look) -> None:
    few.kube.create("Event", {
        "metadata": {"name": "evil"}, "eventTime": "2026-01-01T00:00:00.000000Z", "type": "Warning", "reason": "Evil",
        "action": "Harm", "note": EVIL, "reportingController": "e2e/page", "reportingInstance": "e2e",
        "regarding": {"kind": "GitLabRunner", "namespace": few.name, "name": "eve", "uid": Runner(
            few.kube, few.name, "eve").uid(), "apiVersion": "gitlab-runners.dev/v1beta1"}}, few.name)
    screen = look(few.process.fleet_page)
    screen.wait_rows(6)
    assert EVIL in screen.row("eve")["tags"]
    screen.open("eve")
    screen.wait_text(EVIL, ".panel")
    assert screen.run("document.querySelectorAll('img, script:not([src=\"page.js\"]), [onerror], [onload]').length") == 0

    for state in (f"#q={EVIL}", f"#namespace={EVIL}&tag={EVIL}", f"#open={EVIL}", "#sort=constructor&show=__proto__"):
        screen.page.goto(few.process.fleet_page + state)
        screen.wait_text("live", "#live")
        assert screen.run("document.querySelectorAll('img').length") == 0


def test_phone(few: Fleet, look: Look) -> None:
    screen = look(few.process.fleet_page, **PHONE)
    screen.wait_rows(6)
    height, width, overflow = screen.run("""(() => {
        const card = document.querySelector('#fleet tbody tr[role=row]').getBoundingClientRect();
        return [card.height, card.width, document.documentElement.scrollWidth - innerWidth]})()""")
    assert (height, overflow) == (64, 0) and width <= 390
    screen.open("ann")
    screen.wait_text("SecretNotFound", ".panel")
    assert screen.run("document.documentElement.scrollWidth - innerWidth") == 0


def test_twice_as_large(few: Fleet, look: Look) -> None:
    """200 % zoom is a window half as wide."""
    screen = look(few.process.fleet_page, width=640, height=400, device_scale_factor=2)
    screen.wait_rows(6)
    screen.open("ann")
    assert screen.run("document.documentElement.scrollWidth - innerWidth") == 0


def test_dark(few: Fleet, look: Look) -> None:
    def background(screen: Screen) -> int:
        return screen.run("Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])")
    dark = look(few.process.fleet_page, color_scheme="dark")
    dark.wait_rows(6)
    assert background(dark) < 40
    dark.page.click("#theme")
    assert background(dark) > 200
    dark.page.reload()
    assert background(dark) > 200, "it is remembered"


@pytest.mark.parametrize("window", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_axe_finds_nothing(few: Fleet, look: Look, window: dict[str, Any]) -> None:
    from axe_playwright_python.sync_playwright import Axe
    screen = look(few.process.fleet_page, reduced_motion="reduce", **window)
    screen.wait_rows(6)
    screen.open("ann")
    screen.wait_text("CONDITIONS", ".panel")
    found = [f"{one['id']}: {one['help']}: " + "; ".join(node["html"][:160] for node in one["nodes"][:3])
             for one in Axe().run(screen.page).response["violations"]]
    assert not found, "\n".join(found)
