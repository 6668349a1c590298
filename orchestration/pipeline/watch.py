"""Progress of a run on the terminal, and what the summary wants to know of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from orchestration.intake.delivery import DeliveryResult


class Watch:
    """The steps of one run: bars on a terminal, seconds and deliveries for the summary."""

    def __init__(self, console: Console) -> None:
        self.results: list[DeliveryResult] = []
        self.steps: dict[str, float] = {}
        self._bars = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: Any = None
        self._name = ""

    def __enter__(self) -> Watch:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def step(self, name: str, total: int | None = None) -> None:
        if name == self._name:
            return
        if self._task is not None:
            done = self._bars.tasks[self._task].completed or 1
            self._bars.update(self._task, total=done, completed=done, note="")
        self._name = name
        self._task = self._bars.add_task(name, total=total, note="")

    def advance(self, note: str = "") -> None:
        self._bars.update(self._task, advance=1, note=note)

    def delivery(self, result: DeliveryResult) -> None:
        self.results.append(result)
        self.advance(escape(f"{result.flow_code or '?'} {result.sender_code or ''} {result.period_code or ''}"))

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.steps[name] = time.perf_counter() - begun
