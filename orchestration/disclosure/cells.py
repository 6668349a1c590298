"""Cells: every count that a release would publish, once, with how many persons are behind it.

A cell is known by its coordinates (measure, period, territory, members of dimensions), not by the table it
stands in: two
tables that show it show the same cell. Zero cells are not listed: they are the ones that are missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import polars as pl

from orchestration.disclosure.tables import TOTAL, Plan
from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection

REGION = "080"

_PERIOD = {
    "month": pl.col("contact_on").dt.strftime("%Y-%m"),
    "quarter": pl.format("{}-Q{}", pl.col("contact_on").dt.year(), pl.col("contact_on").dt.quarter()),
    "half_year": pl.format(
        "{}-H{}", pl.col("contact_on").dt.year(), (pl.col("contact_on").dt.month() > 6).cast(pl.Int8) + 1
    ),
    "year": pl.col("contact_on").dt.strftime("%Y"),
}
_PLACE = {"district": pl.col("district_code"), "ausl": pl.col("ausl_code"), "region": pl.lit(REGION)}


@dataclass(frozen=True)
class Period:
    """What a release is about: a year, or its first or second half (provisional)."""

    code: str

    def __post_init__(self) -> None:
        year, _, half = self.code.partition("-")
        if not (year.isdigit() and len(year) == 4 and half in ("", "H1", "H2")):
            raise IassError(f"{self.code!r} is not a period that is published: write 2013 or 2013-H1.")

    @property
    def first(self) -> date:
        return date(int(self.code[:4]), 7 if self.code.endswith("H2") else 1, 1)

    @property
    def last(self) -> date:
        return date(int(self.code[:4]), 6, 30) if self.code.endswith("H1") else date(int(self.code[:4]), 12, 31)

    @property
    def types(self) -> set[str]:
        """Period types that lie within it."""
        return {"month", "quarter", "half_year"} | ({"year"} if len(self.code) == 4 else set())


@dataclass(frozen=True)
class Places:
    """Districts of the period with their AUSL, and the months that each delivered."""

    districts: pl.DataFrame
    """district_code, ausl_code"""
    delivered: pl.DataFrame
    """district_code, ausl_code, contact_on: the first day of each month that was delivered"""
    expected: pl.DataFrame
    """The same of each calendar month of the period"""
    observed: frozenset[date]
    """Months of the period from the first to the last that any desk delivered"""

    @property
    def is_whole(self) -> bool:
        """Whether every month of the period lies in what anybody delivered."""
        return set(self.expected["contact_on"]) <= self.observed

    @property
    def is_complete(self) -> bool:
        """Whether every district delivered every month of the period."""
        return self.delivered.height == self.expected.height

    @property
    def observed_label(self) -> str:
        """The months of the period that are there, for a sentence."""
        months = sorted(self.observed)
        return f"{len(months)} months ({months[0]:%Y-%m} to {months[-1]:%Y-%m})" if months else "no month"

    @property
    def ausl_of(self) -> dict[str, str]:
        """AUSL of each district."""
        return dict(self.districts.select("district_code", "ausl_code").rows())

    def codes(self, level: str) -> set[str]:
        """Territories of a level."""
        return {REGION} if level == "region" else set(self.districts[f"{level}_code"])

    def coverage(self, level: str, period_type: str) -> pl.DataFrame:
        """Per period and place: districts, those that delivered, months expected and months that came, and whether the
        period is whole and complete."""
        came = self.delivered.with_columns(came=pl.lit(value=True))
        cut = [_PERIOD[period_type].alias("period"), _PLACE[level].alias("place")]
        months = self.expected.join(came, on=self.expected.columns, how="left").with_columns(
            *cut, observed=pl.col("contact_on").is_in(list(self.observed))
        )
        return (
            months.group_by("period", "place")
            .agg(
                pl.col("district_code").n_unique().alias("ambiti"),
                pl.col("district_code").filter("came").n_unique().alias("ambiti_collegati"),
                pl.len().alias("mesi_attesi"),
                pl.col("came").count().alias("mesi_ricevuti"),
                pl.col("observed").all().alias("periodo_intero"),
                pl.col("came").is_not_null().all().alias("completo"),
            )
            .with_columns(pl.col("periodo_intero", "completo").replace_strict({True: "sì", False: "no"}))
            .sort("place", "period")
        )

    def with_data(self, level: str, period_type: str) -> set[tuple[str, str]]:
        """(place, period) of a level and a period type in which anybody delivered anything."""
        rows = self.delivered.select(_PLACE[level].alias("place"), _PERIOD[period_type].alias("period")).unique()
        return {(str(place), str(period)) for place, period in rows.rows()}


def key_columns(plan: Plan) -> list[str]:
    """Coordinates of a cell."""
    return ["measure", "period_type", "period", "level", "place", *plan.dimensions]


def places(settings: Settings, period: Period) -> Places:
    """Where the desks stood in the period, and who delivered."""
    with connection.connect(settings, "publisher") as conn:
        rows = conn.execute(
            "select district_code, ausl_code, month_on, is_iass_received, is_iass_observed"
            " from quality.dq_coverage_month where month_on between %s and %s",
            [period.first, period.last],
        ).fetchall()
    schema = {"district_code": pl.String, "ausl_code": pl.String, "contact_on": pl.Date}
    frame = pl.DataFrame(rows, schema=schema | {"came": pl.Boolean, "observed": pl.Boolean}, orient="row")
    return Places(
        frame.sort("contact_on")
        .unique("district_code", keep="last", maintain_order=True)
        .select(*schema)
        .drop("contact_on"),
        frame.filter("came").select(*schema),
        frame.select(*schema),
        frozenset(frame.filter("observed")["contact_on"]),
    )


def count(settings: Settings, plan: Plan, period: Period, where: Places) -> pl.DataFrame:
    """Every nonzero cell of the release, from the stars."""
    uri = connection.url(settings, "publisher")
    rows = {
        code: pl.read_database_uri(measure.source.format(first=period.first, last=period.last), uri, engine="adbc")
        for code, measure in plan.measures.items()
    }
    return tabulate(plan, {code: each.drop("ausl_code") for code, each in rows.items()}, where)


def tabulate(plan: Plan, rows: Mapping[str, pl.DataFrame], where: Places) -> pl.DataFrame:
    """Every nonzero cell of these rows of each measure, with `value`, `persons` and `threshold` (the highest of its
    tables). An AUSL is the sum of its districts, wherever a desk may stand."""
    found: list[pl.DataFrame] = []
    for measure in plan.measures.values():
        placed = rows[measure.code].join(where.districts, on="district_code")
        if measure.is_distinct:
            placed = placed.filter(pl.col("contributor") > 0)
        for table in (each for each in plan.tables if each.measure == measure.code):
            for counted in _cube(placed, table.by, table.levels, table.periods, is_distinct=measure.is_distinct):
                missing = [pl.lit(TOTAL).alias(name) for name in plan.dimensions if name not in counted.columns]
                found.append(
                    counted.with_columns(
                        *missing, measure=pl.lit(measure.code), threshold=pl.lit(table.threshold, pl.Int64)
                    ).select(*key_columns(plan), "value", "persons", "threshold")
                )
    cells = pl.concat(found).filter(pl.col("value") > 0)
    return (
        cells.group_by(key_columns(plan))
        .agg(pl.col("value").first(), pl.col("persons").first(), pl.col("threshold").max())
        .sort(key_columns(plan))
    )


def _cube(
    rows: pl.DataFrame, by: tuple[str, ...], levels: tuple[str, ...], periods: tuple[str, ...], *, is_distinct: bool
) -> Iterator[pl.DataFrame]:
    persons = pl.col("contributor").filter(pl.col("n") > 0).n_unique().cast(pl.Int64).alias("persons")
    value = persons.alias("value") if is_distinct else pl.col("n").sum().cast(pl.Int64).alias("value")
    for period_type in periods:
        for level in levels:
            placed = rows.with_columns(
                period_type=pl.lit(period_type),
                period=_PERIOD[period_type],
                level=pl.lit(level),
                place=_PLACE[level],
            )
            for size in range(len(by) + 1):
                for cut in combinations(by, size):
                    yield placed.group_by("period_type", "period", "level", "place", *cut).agg(value, persons)
