"""Makes the reports of a period: asks the warehouse once a report, then writes many territories side by side.

One folder for each report, period and territory: `<stem>.html`, `.pdf`, `.xlsx`, and a CSV for each table. A file is
written aside and moved into place, so that a reader never opens half of one.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from orchestration import clock
from orchestration.errors import IassError
from orchestration.reports import definition, document, page, pdf, sheets, source
from orchestration.reports.definition import Report
from orchestration.reports.period import Period
from orchestration.reports.source import Source
from orchestration.settings import Settings

#: From how many reports on a second process pays for its start.
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
    territories: Sequence[str] = (),
    *,
    out: Path | None = None,
    on_progress: Callable[[str, int, int], None] = lambda text, done, total: None,
) -> list[Made]:
    """Write the reports; `territories` are codes or names, all of them when empty. In the order of reports and of the
    territories in them."""
    out = out or settings.home / "reports"
    chosen = [definition.load(code) for code in reports]
    for report in chosen:
        if period.kind not in report.period_kinds:
            raise IassError(f"The report {report.code} is not made of a {period.kind.replace('_', '-')}: give a year.")
    read: dict[str, tuple[Report, Source]] = {}
    for report in chosen:
        on_progress(f"{report.title}: reading", 0, 1)
        fitted = report.of(period.kind)
        read[report.code] = fitted, source.read(settings, fitted, period)
    wanted = [
        (code, place)
        for code, (_, found) in read.items()
        for place in dict.fromkeys(found.place(name).code for name in territories or [p.code for p in found.places])
    ]
    made = []
    for each in _write_all(read, wanted, out, clock.today()):
        made.append(each)
        on_progress(f"{read[each.report][0].title}: {each.territory}", len(made), len(wanted))
    return sorted(made, key=lambda each: wanted.index((each.report, each.territory_code)))


def _write_all(
    read: Mapping[str, tuple[Report, Source]], wanted: Sequence[tuple[str, str]], out: Path, made_on: date
) -> Iterator[Made]:
    workers = min(os.cpu_count() or 1, 8)
    if len(wanted) < _WORTH_A_POOL or workers == 1:
        for code, place in wanted:
            yield write(*read[code], place, out, made_on)
        return
    # Not forked: threads of Polars and of the chart engine do not survive a fork. One pool for all reports: a worker
    # takes a second or two to start.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare, initargs=(read, out, made_on)) as pool:
        waiting = [pool.submit(_write_one, code, place) for code, place in wanted]
        for each in as_completed(waiting):
            yield each.result()


_shared: tuple[Mapping[str, tuple[Report, Source]], Path, date] | None = None


def _prepare(read: Mapping[str, tuple[Report, Source]], out: Path, made_on: date) -> None:
    """What every territory of a worker needs, sent once."""
    global _shared
    _shared = read, out, made_on


def _write_one(code: str, place: str) -> Made:
    assert _shared is not None
    read, out, made_on = _shared
    return write(*read[code], place, out, made_on)


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
