"""A release from beginning to end: count, protect, remember, write. The only way out of the warehouse for everybody."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psycopg

from orchestration.disclosure import cells, files, protect, release, system, tables
from orchestration.disclosure.cells import Period, Places
from orchestration.disclosure.tables import Plan
from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection

#: One release at a time: held until it is written.
_ADVISORY_LOCK = 0x70756273


@dataclass(frozen=True)
class Published:
    """What a release holds. Counts only."""

    release_id: int
    period: str
    folder: Path
    n_tables: int
    n_files: int
    n_cells: int
    n_primary: int
    n_complementary: int
    share_of_cells: float
    share_of_count: float
    seconds: float


def publish(
    settings: Settings,
    period_code: str | None = None,
    *,
    thresholds: Mapping[str | None, int] | None = None,
    progress: Callable[[str, float, float], None] = lambda text, done, total: None,
) -> Published:
    """Publish a year or a half-year; the newest that is whole when none is named. `thresholds` raises those of
    tables by their code, or under None that of all."""
    begun = time.perf_counter()
    with connection.connect(settings, "publisher", autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        period = Period(period_code or newest_whole(conn))
        plan = tables.load()
        for table, threshold in (thresholds or {}).items():
            plan = plan.with_threshold(threshold, table)
        plan = plan.for_periods(period.types)
        progress("Counting", 0, 1)
        where = cells.places(settings, period)
        if where.delivered.is_empty():
            raise IassError(f"Nobody delivered anything for {period.code}: there is nothing to publish.")
        if not where.is_whole:
            raise IassError(
                f"{period.code} is not whole: the desks delivered {where.observed_label} of it, and a part of a period "
                "is not published as that period."
            )
        counted = cells.count(settings, plan, period, where)
        pattern = protected(conn, plan, counted, where, progress)
        shown = counted.with_columns(
            shown=pl.when(pl.Series(pattern.is_suppressed)).then(None).otherwise(pl.col("value"))
        ).drop("value", "persons", "threshold")
        progress("Writing", 0, 1)
        return _write(settings, conn, plan, period, counted, shown, where, pattern, begun)


def protected(
    conn: psycopg.Connection[Any],
    plan: Plan,
    counted: pl.DataFrame,
    where: Places,
    progress: Callable[[str, float, float], None] = lambda text, done, total: None,
) -> protect.Pattern:
    """The pattern of suppression of these cells, with what earlier releases showed and hid."""
    hidden, known = release.earlier(conn, plan, counted)
    return protect.suppress(
        system.build(counted, plan, where.ausl_of),
        counted["value"].to_numpy().astype(float),
        counted["threshold"].to_numpy().astype(float),
        protect.primary(counted),
        protect.costs(counted),
        sticky=hidden,
        known=known,
        progress=progress,
    )


def newest_whole(conn: psycopg.Connection[Any]) -> str:
    """The newest year or half-year that lies wholly in what the desks delivered; a year before its second half."""
    row = conn.execute(
        "select min(month_on), max(month_on) from quality.dq_coverage_month where is_iass_observed"
    ).fetchone()
    if row is None or row[0] is None:
        raise IassError("There is nothing to publish yet: run `iass build` first.")
    first, last = row
    for year in range(last.year, first.year - 1, -1):
        for code in (f"{year}", f"{year}-H2", f"{year}-H1"):
            period = Period(code)
            if first <= period.first and period.last.replace(day=1) <= last:
                return code
    raise IassError("No year or half-year is whole yet: there is nothing to publish.")


def _write(
    settings: Settings,
    conn: psycopg.Connection[Any],
    plan: Plan,
    period: Period,
    counted: pl.DataFrame,
    shown: pl.DataFrame,
    where: Places,
    pattern: protect.Pattern,
    begun: float,
) -> Published:
    parameters = tables.in_force(plan)
    value = counted["value"].to_numpy()
    summary = {
        "method": release.METHOD,
        "parameters": {
            "threshold": plan.threshold,
            "thresholds": {table.code: table.threshold for table in plan.tables},
            "file": "parametri.yaml",
        },
        "zeros": "published as zeros",
        "is_whole": where.is_whole,
        "is_complete": where.is_complete,
        "months_expected": where.expected.height,
        "months_received": where.delivered.height,
        "cells": {
            "not_zero": counted.height,
            "suppressed": int(pattern.is_suppressed.sum()),
            "shown": int((~pattern.is_suppressed).sum()),
        },
    }
    names = _names(conn, plan)
    draft = settings.published_dir / f".{period.code}.part"
    shutil.rmtree(draft, ignore_errors=True)
    frames = {table.code: files.table_rows(table, plan, shown, where, names) for table in plan.tables}
    frames[plan.coverage.code] = files.coverage_rows(plan, where, names)
    manifest = files.write(draft, plan, period.code, frames, parameters, summary)
    folder = settings.published_dir / period.code

    def put(_: int) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        draft.replace(folder)

    release_id = release.write(conn, plan, period.code, shown, files.sha256(parameters), put)
    return Published(
        release_id,
        period.code,
        folder,
        len(frames),
        len(manifest["files"]) + 1,
        counted.height,
        pattern.n_primary,
        pattern.n_complementary,
        float(np.mean(pattern.is_suppressed)),
        float(value[pattern.is_suppressed].sum() / value.sum()),
        time.perf_counter() - begun,
    )


def _names(conn: psycopg.Connection[Any], plan: Plan) -> files.Names:
    members = {
        code: {str(row[0]): str(row[1]) for row in conn.execute(dimension.labels.encode()).fetchall()}
        for code, dimension in plan.dimensions.items()
    }
    territories = dict(
        conn.execute(
            "select district_code, district_label from core.dim_district union all select ausl_code, "
            "ausl_label from core.dim_ausl"
            " where ausl_code > '0'"
        ).fetchall()
    )
    return files.Names(members, {**territories, cells.REGION: "Emilia-Romagna"})
