"""The memory of releases, schema `published`: what was shown and what was suppressed, so that a later release does not
give an earlier one away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import psycopg

from orchestration.disclosure.tables import Plan

METHOD = "complementary cell suppression: linear and mixed-integer programmes (HiGHS), audited by linear programmes"


def earlier(conn: psycopg.Connection[Any], plan: Plan, cells: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """For each cell whether an earlier release suppressed it, and whether one showed it. Shown once is shown
    for ever."""
    rows = conn.execute(
        "select measure_code, period_type, period_code, territory_level, territory_code, member_codes,"
        " bool_or(not is_suppressed) from published.cell group by 1, 2, 3, 4, 5, 6"
    ).fetchall()
    was_shown = {(*row[:5], *row[5]): row[6] for row in rows}
    keys = cells.select("measure", "period_type", "period", "level", "place", *plan.dimensions).rows()
    found = [was_shown.get(key) for key in keys]
    return np.array([each is False for each in found]), np.array([each is True for each in found])


def write(
    conn: psycopg.Connection[Any],
    plan: Plan,
    period_code: str,
    cells: pl.DataFrame,
    parameters_sha256: str,
    before_commit: Callable[[int], None],
) -> int:
    """Add a release in one transaction; `before_commit` puts its files in place, so that neither is there
    without the other.
    `cells` has `shown`: the count, or null where it is suppressed."""
    with conn.transaction():
        row = conn.execute(
            "insert into published.release (period_code, method, parameters_sha256, n_cells, n_suppressed)"
            " values (%s, %s, %s, %s, %s) returning release_id",
            [period_code, METHOD, parameters_sha256, cells.height, cells["shown"].null_count()],
        ).fetchone()
        assert row is not None
        names = ["measure", "period_type", "period", "level", "place"]
        with conn.cursor().copy("copy published.cell from stdin") as copy:
            for *key, members, shown in cells.select(*names, pl.concat_list(list(plan.dimensions)), "shown").rows():
                copy.write_row([row[0], *key, members, shown, shown is None])
        before_commit(int(row[0]))
    return int(row[0])
