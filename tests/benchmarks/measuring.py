"""What a measurement is and how it is timed. Fixtures are in conftest.py."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Measurement:
    """One claim: `ours` and `peer` in seconds, `limit` of ours / peer (None: measured and explained only)."""

    name: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    limit: float | None = None
    is_floor: bool = False
    detail: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def is_met(self) -> bool:
        if self.limit is None or self.peer is None:
            return True
        return self.peer / self.ours >= self.limit if self.is_floor else self.ours / self.peer <= self.limit

    def sentence(self) -> str:
        return f"{self.name}: {self.ours:.2f} s against {self.peer or 0:.2f} s of {self.peer_name}"


class Stopwatch:
    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    watch = Stopwatch()
    start = time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - start
