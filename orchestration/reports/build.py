"""Makes the reports of a period: asks the warehouse once, then writes many territories side by side.

One folder for each report, period and territory: `<stem>.html`, `.pdf`, `.xlsx`, and a CSV for each table. A file is
written aside and moved into place, so that a reader never opens half of one.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration.errors import IassError
from orchestration.reports import definition, document, page, pdf, sheets, source
from orchestration.reports.definition import Report
from orchestration.reports.period import Period
from orchestration.reports.source import Source
from orchestration.settings import Settings

#: From how many territories on a second process pays for its start.
_WORTH_A_POOL = 6


@dataclass(frozen=True)
class Made:
    """One report of one territory; `page` is what a person opens first."""

    report: str
    period: str
    territory_code: str
    territory: str
    page: Path
    files: int


def build(
    settings: Settings,
    reports: Sequence[str],
    period: Period,
    territory: str = "all",
    *,
    out: Path | None = None,
    on_progress: Callable[[str, int, int], None] = lambda text, done, total: None,
) -> list[Made]:
    """Write the reports; `territory` is a code or `all`. In the order of reports and of the territories in them."""
    out = out or settings.home / "reports"
    made_on = date.today()
    made: list[Made] = []
    for code in reports:
        report = definition.load(code)
        if period.kind not in report.period_kinds:
            raise IassError(f"The report {code} is not made of a {period.kind.replace('_', '-')}: give a year.")
        report = report.of(period.kind)
        on_progress(f"{report.title}: reading", 0, 1)
        found = source.read(settings, report, period)
        places = [place.code for place in found.places] if territory == "all" else [found.place(territory).code]
        written = []
        for done, each in enumerate(_write_all(report, found, places, out, made_on), 1):
            written.append(each)
            on_progress(f"{report.title}: {each.territory}", done, len(places))
        made += sorted(written, key=lambda each: places.index(each.territory_code))
    return made


def _write_all(report: Report, found: Source, places: Sequence[str], out: Path, made_on: date) -> Iterator[Made]:
    workers = min(os.cpu_count() or 1, 8)
    if len(places) < _WORTH_A_POOL or workers == 1:
        for code in places:
            yield write(report, found, code, out, made_on)
        return
    # Not forked: threads of Polars and of the chart engine do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        workers, mp_context=context, initializer=_prepare, initargs=(report, found, out, made_on)
    ) as pool:
        waiting = [pool.submit(_write_one, code) for code in places]
        for each in as_completed(waiting):
            yield each.result()


_shared: tuple[Report, Source, Path, date] | None = None


def _prepare(report: Report, found: Source, out: Path, made_on: date) -> None:
    """What every territory of a worker needs, sent once."""
    global _shared
    _shared = report, found, out, made_on


def _write_one(code: str) -> Made:
    assert _shared is not None
    report, found, out, made_on = _shared
    return write(report, found, code, out, made_on)


def write(report: Report, found: Source, code: str, out: Path, made_on: date) -> Made:
    """One territory in all formats; each picture is drawn once for page and print."""
    made = document.make(report, found, found.place(code), made_on)
    folder = out / report.code / found.period.code / code
    (folder / "csv").mkdir(parents=True, exist_ok=True)
    pictures = {drawing.id: drawing.svg() for table in made.tables for drawing in table.drawings}
    targets = [folder / f"{made.stem}.{ending}" for ending in ("html", "pdf", "xlsx")]
    with _aside(targets[0]) as draft:
        page.write(made, pictures, draft)
    with _aside(targets[1]) as draft:
        pdf.write(made, pictures, draft)
    with _aside(targets[2]) as draft:
        sheets.workbook(made, draft)
    for table in made.tables:
        with _aside(folder / "csv" / f"{table.id}.csv") as draft:
            draft.write_text(sheets.comma_separated(table), encoding="utf-8")
    return Made(report.code, found.period.code, code, made.place.label, targets[0], len(targets) + len(made.tables))


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    draft = target.with_name(f".{target.name}.part")
    try:
        yield draft
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
