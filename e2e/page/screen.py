"""A browser's window on the fleet page, as a person uses it."""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from cluster import wait_for
from deadline import DeadlineMissed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog

# What a browser says of a server that is not there, or that refuses: here it is meant.
EXPECTED = ("net::ERR_", "status of 401", "status of 403", "status of 503")


class Screen:
    """problems: whatever the browser has complained of, and requests to anywhere else."""

    def __init__(self, browser: Browser, address: str, width: int = 1360, height: int = 850, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", self._dialog)
        self.page.on("request", lambda request: request.url.startswith(address.partition("#")[0]) or
                     self.problems.append(f"a request to {request.url}"))
        self.page.goto(address)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in EXPECTED):
            self.problems.append(f"{message.type}: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.problems.append(f"a script has run: {dialog.message}")
        dialog.dismiss()

    def close(self) -> None:
        self.context.close()

    # What is there to be seen

    def text(self, selector: str = "body") -> str:
        """As it is rendered, without what is hidden."""
        return self.page.locator(selector).first.inner_text()

    def run(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    def wait(self, what: str, script: str, seconds: float = 10) -> Any:
        """Until the JavaScript expression is true; by turns, as the page's CSP allows no other way."""
        return wait_for(what, lambda: self.run(script), seconds)

    def wait_text(self, text: str, selector: str = "body", seconds: float = 10) -> None:
        try:
            wait_for(f"{text!r} is on the screen", lambda: self.shows(text, selector), seconds)
        except DeadlineMissed as late:
            raise DeadlineMissed(f"{late}; there is {self.text(selector)!r}") from None

    def shows(self, text: str, selector: str = "body") -> bool:
        return any(text in found for found in self.page.locator(selector).all_inner_texts())

    def wait_rows(self, number: int, seconds: float = 20) -> None:
        self.wait_text(f"of {number:,}", "#range", seconds)

    def names(self) -> list[str]:
        """Of the rows in the document, in their order."""
        return self.run("[...document.querySelectorAll('#fleet tbody .nm')].map((e) => e.textContent)")

    def row(self, name: str) -> dict[str, str]:
        """Cells by their column's class."""
        return self.run("""(name) => {
            const tr = [...document.querySelectorAll('#fleet tbody tr')].find((tr) => tr.querySelector('.nm')?.textContent === name);
            return tr && Object.fromEntries([...tr.cells].map((td) => [td.className.split(' ')[0], td.innerText]))}""", name)

    def focused(self) -> str:
        """What has the focus: its id, or the name of its row."""
        return self.run("document.activeElement.id || document.activeElement.querySelector('.nm')?.textContent || "
                        "document.activeElement.dataset.id || document.activeElement.tagName")

    # What is done

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def search(self, text: str) -> None:
        self.page.fill("#q", text)

    def open(self, name: str) -> None:
        self.page.locator("#fleet tbody .nm", has_text=name).first.click()
        self.page.wait_for_selector(".panel h2")

    def moment_of(self, name: str, cell: str, text: str) -> None:
        """From now on the page notes when the cell says so; see shown_at()."""
        self.run("""([name, cell, text]) => {
            window.shownAt = null;
            const look = () => {
                const tr = [...document.querySelectorAll('#fleet tbody tr')].find((tr) => tr.querySelector('.nm')?.textContent === name);
                if (tr?.querySelector(cell).textContent.includes(text)) { window.shownAt ??= Date.now(); seen.disconnect(); }
            };
            const seen = new MutationObserver(look);
            seen.observe(document.body, {subtree: true, childList: true, characterData: true});
        }""", [name, cell, text])

    def shown_at(self, seconds: float = 10) -> float:
        """Seconds since 1970."""
        deadline = time.monotonic() + seconds
        while (moment := self.run("window.shownAt")) is None:
            if time.monotonic() > deadline:
                raise DeadlineMissed(f"not on the screen within {seconds:.0f} s")
            time.sleep(0.02)
        return moment / 1000
