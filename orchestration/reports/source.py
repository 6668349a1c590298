"""What the reports of one period stand on: every table of a report asked once for all territories, in one snapshot.

Reads as the analyst and from marts only. Cutting out a territory is the business of `document`.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from orchestration.errors import IassError
from orchestration.reports.definition import Report
from orchestration.reports.period import Period
from orchestration.settings import Settings
from orchestration.warehouse import connection

REGION = "080"
SHAPES = Path(__file__).parents[2] / "expectations" / "reference" / "district_shapes.json"
#: What every report reads besides its own tables: coverage, territories, silent months, indicators (three years of
#: quarters for their trends) and what they are.
QUERIES = (
    "select * from mart_demand.contact_monthly where period_type = %(period_type)s and period_start_on = %(start_on)s",
    "select territory_code, territory_label, territory_level, ausl_code from core.dim_territory"
    " where territory_level in ('district', 'ausl', 'region') and %(start_on)s::date between valid_from and valid_to",
    "select sender_code, ausl_code, period_start_on as month_on from quality.dq_coverage"
    " where flow_code = 'IASS' and coverage_status = 'silent'"
    " and period_start_on >= %(start_on)s and period_start_on < %(end_on)s order by period_start_on",
    "select * from mart_indicator.indicator_value"
    " where (period_type = %(period_type)s and period_start_on = %(start_on)s)"
    " or (period_type = 'quarter' and period_start_on < %(end_on)s and year_number > %(year)s - 3)",
    "select * from mart_indicator.indicator",
)


@dataclass(frozen=True)
class Place:
    """A territory that can have a report; `ausl_code` is the AUSL of a district in the period."""

    code: str
    label: str
    level: str
    ausl_code: str | None


@dataclass(frozen=True)
class Source:
    """All that the reports of one period need, for every territory."""

    period: Period
    places: tuple[Place, ...]
    """In the order of reports: each AUSL followed by its districts, the region last."""
    frames: Mapping[str, pl.DataFrame]
    coverage: pl.DataFrame
    silent: pl.DataFrame
    """District months that were expected and not delivered."""
    indicators: pl.DataFrame
    catalogue: pl.DataFrame

    def place(self, name: str) -> Place:
        """The territory of this code or name, in whatever case; else the one district with this word in its name."""
        by_name = {text.casefold(): place for place in self.places for text in (place.label, place.code)}
        if found := by_name.get(name.casefold()):
            return found
        word = re.compile(rf"\b{re.escape(name)}\b", re.IGNORECASE)
        named = [place for place in self.places if place.level == "district" and word.search(place.label)]
        if len(named) == 1:
            return named[0]
        close = difflib.get_close_matches(name.casefold(), by_name, n=3, cutoff=0.5)
        meant = [by_name[each] for each in close] or [self.places[-1], *self.places[:2]]
        known = ", ".join(f"{place.code} {place.label}" for place in dict.fromkeys(meant))
        raise IassError(f"There is no territory {name!r} in {self.period.code}: did you mean {known}?")

    def below(self, place: Place) -> list[Place]:
        """The rows of a table of territories: a district stands between its AUSL and the region, to compare."""
        region, own_ausl = self.place(REGION), place.ausl_code
        if place.level == "district":
            return [place, *(each for each in self.places if each.code == own_ausl), region]
        if place.level == "ausl":
            return [*(each for each in self.places if each.ausl_code == place.code), place, region]
        return list(self.places)


def read(settings: Settings, report: Report, period: Period) -> Source:
    """Ask the warehouse. All queries see the same moment, so that tables agree with each other."""
    values = period.parameters()
    with connection.connect(settings, "analyst") as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        coverage, members, silent, indicators, catalogue = (_frame(conn, query, values) for query in QUERIES)
        if coverage.is_empty():
            raise IassError(
                f"The warehouse has nothing of {period.code}: `iass report list` tells the periods that it has."
            )
        queries = {**{table.id: table.sql for table in report.tables}, **report.data}
        return Source(
            period=period,
            places=_places(members, set(coverage["territory_code"])),
            frames={name: _frame(conn, query, values) for name, query in queries.items()},
            coverage=coverage,
            silent=silent,
            indicators=indicators,
            catalogue=catalogue,
        )


def periods(settings: Settings) -> list[dict[str, Any]]:
    """Periods that a report can be made of, with how much of them came."""
    with connection.connect(settings, "analyst") as conn:
        rows = conn.execute(
            "select period_type, year_number, extract(month from period_start_on)::int, n_deliveries_received,"
            " n_deliveries_expected from mart_demand.contact_monthly where territory_level = 'region'"
            " and period_type in ('year', 'half_year') order by 2, 1 desc, 3"
        ).fetchall()
    return [
        {
            "period": Period(year, None if kind == "year" else 1 if month == 1 else 2).code,
            "months_received": received,
            "months_expected": expected,
        }
        for kind, year, month, received, expected in rows
    ]


def shapes() -> dict[str, Any]:
    """Outlines of the districts, see expectations/reference/README.md."""
    found: dict[str, Any] = json.loads(SHAPES.read_text(encoding="utf-8"))
    return found


def _frame(conn: psycopg.Connection[Any], query: str, values: Mapping[str, Any]) -> pl.DataFrame:
    cursor = conn.execute(query.encode(), values)
    names = [column.name for column in cursor.description or ()]
    frame = pl.DataFrame(cursor.fetchall(), schema=names, orient="row", infer_schema_length=None)
    return frame.with_columns(pl.selectors.decimal().cast(pl.Float64))


def _places(members: pl.DataFrame, present: set[str]) -> tuple[Place, ...]:
    known = {row["territory_code"]: row for row in members.iter_rows(named=True) if row["territory_code"] in present}
    by_label = sorted(known.values(), key=lambda row: str(row["territory_label"]))

    def place(row: dict[str, Any]) -> Place:
        ausl = row["ausl_code"] if row["territory_level"] == "district" else None
        return Place(row["territory_code"], row["territory_label"], row["territory_level"], ausl)

    ordered: list[Place] = []
    for ausl in sorted((row for row in by_label if row["territory_level"] == "ausl"), key=lambda row: row["ausl_code"]):
        ordered.append(place(ausl))
        ordered += [
            place(row)
            for row in by_label
            if row["territory_level"] == "district" and row["ausl_code"] == ausl["territory_code"]
        ]
    return (*ordered, place(known[REGION]))
