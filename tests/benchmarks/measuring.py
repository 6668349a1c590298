"""What a measurement is and how it is timed. Fixtures are in conftest.py."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date


@dataclass
class Measurement:
    """One claim: `ours` and `peer` in seconds or another unit, `limit` of ours / peer (None: measured and explained
    only). `note`: what stands between a limit and us, in a sentence."""

    name: str
    ours: float
    peer: float | None = None
    peer_name: str = ""
    limit: float | None = None
    is_floor: bool = False
    detail: dict[str, float | int | str] = field(default_factory=dict)
    unit: str = "s"
    note: str = ""
    measured_on: str = field(default_factory=lambda: date.today().isoformat())
    #: how many processes wanted a processor in the minutes before: more than there are means a shared machine
    load: float | None = field(default_factory=lambda: round(os.getloadavg()[1], 1))

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def is_met(self) -> bool:
        if self.limit is None or self.peer is None:
            return True
        return self.peer / self.ours >= self.limit if self.is_floor else self.ours / self.peer <= self.limit

    def sentence(self) -> str:
        return f"{self.name}: {self.ours:.2f} {self.unit} against {self.peer or 0:.2f} {self.unit} of {self.peer_name}"


class Stopwatch:
    seconds: float = 0.0
    #: processor time of this process, which a shared machine stretches less than the clock
    cpu: float = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    watch = Stopwatch()
    start, cpu = time.perf_counter(), time.process_time()
    yield watch
    watch.seconds, watch.cpu = time.perf_counter() - start, time.process_time() - cpu
