"""Leveret with a watch on its event loop: `python held.py FILE serve ...`.

At the end FILE has, as JSON, how often the loop turned, its long turns (when, milliseconds by the
clock and of this thread's CPU, the longest callback in it) and the long passes of the garbage
collector, the longest first. A turn lasts from one look for what has come to the next. Where others
share the machine a turn may last long by the clock; its CPU time is its own.
"""

import asyncio
import atexit
import gc
import json
import selectors
import sys
import time
from pathlib import Path
from typing import Any

# Turns and passes that are shorter are only counted.
LONG_MS = 1.0


class Watch:
    def __init__(self) -> None:
        self.turns = 0
        self.long: list[tuple[float, float, float, str]] = []
        self.collections: list[tuple[float, float, int]] = []
        self._woken = self._cpu = 0.0
        self._callback, self._callback_ms = "", 0.0
        self._collecting = 0.0

    def look(self, selector: Any, select: Any, timeout: float | None) -> Any:
        """The loop has done what there was, and looks for more."""
        now, cpu = time.perf_counter(), time.thread_time()
        if self._woken:
            self.turns += 1
            turn = ((cpu - self._cpu) * 1000, (now - self._woken) * 1000, time.time())
            if turn[1] >= LONG_MS:
                self.long.append((*turn, self._callback))
        found = select(selector, timeout)
        self._callback, self._callback_ms = "", 0.0
        self._woken, self._cpu = time.perf_counter(), time.thread_time()
        return found

    def run(self, handle: asyncio.Handle, run: Any) -> None:
        """A callback of the loop's."""
        began = time.perf_counter()
        run(handle)
        lasted = (time.perf_counter() - began) * 1000
        if lasted > self._callback_ms:
            name = getattr(handle._callback, "__qualname__", repr(handle._callback))
            self._callback, self._callback_ms = f"{name} {lasted:.1f} ms", lasted

    def collected(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
        else:
            lasted = (time.perf_counter() - self._collecting) * 1000
            if lasted >= LONG_MS:
                self.collections.append((lasted, time.time(), about["generation"]))

    def saved(self, path: Path) -> None:
        turns = [
            {"cpu_ms": round(cpu, 1), "ms": round(ms, 1), "at": at, "longest": callback}
            for cpu, ms, at, callback in sorted(self.long, reverse=True)
        ]
        passes = [
            {"ms": round(ms, 1), "at": at, "generation": generation}
            for ms, at, generation in sorted(self.collections, reverse=True)
        ]
        path.write_text(json.dumps({"turns": self.turns, "long": turns, "gc": passes}))


def main() -> None:
    path = Path(sys.argv.pop(1))
    watch = Watch()
    select = selectors.DefaultSelector.select
    run = asyncio.Handle._run
    selectors.DefaultSelector.select = (  # type: ignore[method-assign]
        lambda self, timeout=None: watch.look(self, select, timeout)
    )
    asyncio.Handle._run = lambda self: watch.run(self, run)  # type: ignore[method-assign]
    gc.callbacks.append(watch.collected)
    atexit.register(watch.saved, path)
    from leveret.cli import main as leveret

    sys.exit(leveret())


if __name__ == "__main__":
    main()
