"""Wakes those who wait for the state to change."""
from __future__ import annotations

import asyncio
from collections.abc import Callable


class Signal:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    def __deepcopy__(self, _: dict) -> Signal:
        """Who waits for a row waits for its copy."""
        return self

    def fire(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, condition: Callable[[], bool], timeout: float) -> bool:
        """True once the condition holds, False when it does not within timeout seconds."""
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    await self._event.wait()
        except TimeoutError:
            return condition()
        return True
