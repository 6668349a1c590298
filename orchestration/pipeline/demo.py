"""The synthetic region, made once for each home, through the whole pipeline; then the truth and a report."""

from __future__ import annotations

import csv
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from orchestration.errors import IassError
from orchestration.pipeline import run
from orchestration.pipeline.summary import RunSummary
from orchestration.settings import Settings

DEMO_SEED = 1
#: The district whose report the demo ends with: that of the region's capital.
DEMO_DISTRICT = "10502"
DEMO_START = "2013-01"


def run_demo(
    settings: Settings,
    *,
    scale: float = 0.05,
    months: int = 12,
    start: str = DEMO_START,
    seed: int = DEMO_SEED,
    console: Console | None = None,
) -> RunSummary:
    """The synthetic region through the whole pipeline. Its files are made once for each home; a second call finds
    nothing new. The calendar is read when the region's last month is due, or everybody would have been silent since."""
    console = console or Console(stderr=True)
    folder = settings.home / "demo"
    made = folder / "complete"
    wanted = f"scale {scale}, {months} months from {start}, seed {seed}"
    begun = time.perf_counter()
    if not made.exists():
        with _ahead(settings):
            _generate(folder, scale, start, months, seed, console)
        made.write_text(wanted + "\n")
    elif made.read_text().strip() != wanted:
        raise IassError(
            f"This home holds another synthetic region ({made.read_text().strip()}): "
            "choose another IASS_HOME, or remove this one."
        )
    generation = time.perf_counter() - begun
    _put_into_landing(folder, settings.landing_dir)
    # our own files, whole when they are in place
    summary = run.run_all(replace(settings, rest_seconds=0), console=console, today=last_due(start, months))
    summary = _with_linkage(_with_generation(summary, generation), settings, folder / "truth")
    return _with_report(summary, settings, _last_year(start, months))


def last_due(start: str, months: int) -> date:
    """A day on which every first window of a stretch of months has closed: late in the month that follows it."""
    year, month = (int(part) for part in start.split("-"))
    following = year * 12 + month - 1 + months
    return date(following // 12, following % 12 + 1, 28)


def _generate(folder: Path, scale: float, start: str, months: int, seed: int, console: Console) -> None:
    from orchestration.demo.generate import generate

    shutil.rmtree(folder, ignore_errors=True)  # the half of a region that was interrupted
    folder.mkdir(parents=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("The synthetic region", total=None)

        def show(text: str, done: int, total: int) -> None:
            bars.update(task, description=f"The synthetic region  {text}", completed=done, total=total)

        generate(
            folder,
            scale=scale,
            start_month=date.fromisoformat(f"{start}-01"),
            months=months,
            seed=seed,
            progress=show,
        )


@contextmanager
def _ahead(settings: Settings) -> Iterator[None]:
    """What a run begins with, done beside what comes before it: the database started, the dbt project parsed."""
    from orchestration.warehouse import dbt, server

    def begin() -> None:
        server.up(settings)
        dbt.manifest(settings)

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as beside:
        begun = beside.submit(begin)
        yield
        begun.result()


def _put_into_landing(region: Path, landing: Path) -> None:
    """Copy the region's files to where senders put theirs, once and in the order of arrival. The time of a landing file
    is when it arrived, so each gets noon of its day in the synthetic year."""
    mark = region / "sent"
    if mark.exists():
        return
    with (region / "arrivals.csv").open(encoding="utf-8", newline="") as file:
        arrivals = [(datetime.fromisoformat(row["arrives_on"]), row["path"]) for row in csv.DictReader(file)]
    for day, path in arrivals:
        target = landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        shutil.copyfile(region / "landing" / path, draft)
        os.utime(draft, (day.replace(hour=12, tzinfo=UTC).timestamp(),) * 2)
        draft.replace(target)
    mark.touch()


def _with_generation(summary: RunSummary, seconds: float) -> RunSummary:
    return replace(summary, steps={"Synthetic region": seconds, **summary.steps}, seconds=summary.seconds + seconds)


def _with_linkage(summary: RunSummary, settings: Settings, truth: Path) -> RunSummary:
    """Hold persons against the truth: the demo knows it, no step of the pipeline does."""
    from orchestration.identity import quality

    begun = time.perf_counter()
    found = quality.measure(settings, truth)
    seconds = time.perf_counter() - begun
    steps = {**summary.steps, "Persons against truth": seconds}
    return replace(summary, linkage=found, steps=steps, seconds=summary.seconds + seconds)


def _with_report(summary: RunSummary, settings: Settings, year: int) -> RunSummary:
    """Make the report of one district. Always: marts, definitions and templates may each have changed without any new
    delivery, and it takes two seconds."""
    from orchestration.reports import build
    from orchestration.reports.period import Period

    begun = time.perf_counter()
    (made,) = build.build(settings, ["attivita"], Period.parse(str(year)), [DEMO_DISTRICT])
    seconds = time.perf_counter() - begun
    steps = {**summary.steps, "Report of a district": seconds}
    return replace(summary, report=made.page, steps=steps, seconds=summary.seconds + seconds)


def _last_year(start: str, months: int) -> int:
    year, month = (int(part) for part in start.split("-"))
    return (year * 12 + month - 2 + months) // 12
