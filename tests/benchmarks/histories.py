"""Warehouses with years of history, for benchmarks of the month that follows.

Ten years of seven flows take an hour to make. With IASS_BENCH_HISTORIES=folder they are kept there as far as they have
come, and a later session goes on from that; a month that was measured is in its history, which is then taken away.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.demo.generate import generate
from orchestration.identity import run
from orchestration.intake import gate
from orchestration.settings import Settings
from orchestration.warehouse import dbt, server

#: December 2023 is the month that is measured: with it half-years, quarters and months all come in.
MEASURED_MONTH = "2023-12"
KEPT = os.environ.get("IASS_BENCH_HISTORIES")


@dataclass(frozen=True)
class History:
    """An installation that has seen `years` years, and the deliveries that come next."""

    settings: Settings
    next_month: Path


@contextmanager
def history(folder: Path, years: int, scale: float) -> Iterator[History]:
    """A history in `folder`, or in the place where they are kept; its server runs until the end."""
    folder = Path(KEPT) / f"{years}-{scale:g}" if KEPT else folder
    region, waiting, home = folder / "region" / "landing", folder / "next", folder / "home"
    if not waiting.exists():
        shutil.rmtree(folder, ignore_errors=True)
        generate(folder / "region", scale=scale, start_month=date(2023 - years, 12, 1), months=12 * years + 1, seed=7)
        _set_aside(region, folder / "next.part")
        (folder / "next.part").rename(waiting)
    settings = Settings(home=home)
    server.up(settings)
    try:
        taken_in = folder / "taken_in"
        if not taken_in.exists():
            gate.intake(settings, [region])
            taken_in.touch()
        run.resolve(settings)
        dbt.build(settings)
        yield History(settings, waiting)
    finally:
        server.down(settings)
    shutil.rmtree(folder)


def _set_aside(landing: Path, place: Path) -> None:
    """Take the deliveries of the measured month out of those of the history."""
    for path in [path for path in landing.rglob("*") if f"_{MEASURED_MONTH}" in path.name]:
        target = place / path.relative_to(landing)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
