"""What is published, as `tables.yaml` says it. Nothing is counted here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from orchestration.errors import IassError

FILE = Path(__file__).with_name("tables.yaml")

#: Value of a dimension that stands for all of its members.
TOTAL = "TOT"

#: No law and no table may go below (Regole deontologiche Sistan, art. 5).
LOWEST_THRESHOLD = 3


@dataclass(frozen=True)
class Measure:
    """What a cell counts. `is_distinct`: persons are distinct in each cell, so cells do not add up, but over the
    dimensions of `one_of`, of which each person has one."""

    code: str
    label: str
    definition: str
    is_distinct: bool
    one_of: frozenset[str]
    source: str


@dataclass(frozen=True)
class Dimension:
    """By what a cell is cut, and the query that names its members."""

    code: str
    label: str
    labels: str


@dataclass(frozen=True)
class Table:
    """A cube of `by` for each territory level and period type."""

    code: str
    report: str
    title: str
    measure: str
    by: tuple[str, ...]
    levels: tuple[str, ...]
    periods: tuple[str, ...]
    threshold: int


@dataclass(frozen=True)
class Coverage:
    """The table that tells which months came: of deliveries, not of persons, so there is nothing in it to protect."""

    code: str
    report: str
    title: str
    definition: str
    columns: dict[str, str]
    """What it counts, with the meaning of each."""
    levels: tuple[str, ...]
    periods: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """All that is published."""

    licence: dict[str, str]
    threshold: int
    measures: dict[str, Measure]
    dimensions: dict[str, Dimension]
    coverage: Coverage
    tables: tuple[Table, ...]

    def with_threshold(self, threshold: int, table: str | None = None) -> Plan:
        """The same tables with a higher threshold: all of them, wherever theirs is lower, or one."""
        of_one = next((each for each in self.tables if each.code == table), None)
        if table is not None and of_one is None:
            known = ", ".join(each.code for each in self.tables)
            raise IassError(f"There is no table {table!r} to raise the threshold of: choose from {known}.")
        lowest = of_one.threshold if of_one else self.threshold
        if threshold < lowest:
            raise IassError(f"The threshold can only be raised: {lowest} is the lowest of {table or 'this file'}.")
        tables = tuple(
            replace(each, threshold=max(each.threshold, threshold)) if of_one in (None, each) else each
            for each in self.tables
        )
        return replace(self, threshold=self.threshold if of_one else threshold, tables=tables)

    def for_periods(self, types: set[str]) -> Plan:
        """What can be published of a release whose longest periods these are."""
        kept = (replace(each, periods=tuple(p for p in each.periods if p in types)) for each in self.tables)
        coverage = replace(self.coverage, periods=tuple(p for p in self.coverage.periods if p in types))
        return replace(self, coverage=coverage, tables=tuple(each for each in kept if each.periods))


def load(file: Path = FILE) -> Plan:
    """Read and check the file: thresholds at least the lawful one, every name known."""
    raw: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    measures = {
        code: Measure(
            code,
            each["label_it"],
            each["definition_it"],
            each["is_distinct"],
            frozenset(each.get("one_of", ())),
            each["source"],
        )
        for code, each in raw["measures"].items()
    }
    dimensions = {code: Dimension(code, each["label_it"], each["labels"]) for code, each in raw["dimensions"].items()}
    tables = tuple(
        Table(
            each["code"],
            each["report"],
            each["title_it"],
            each["measure"],
            tuple(each.get("by", ())),
            tuple(each["levels"]),
            tuple(each["periods"]),
            int(each.get("threshold", raw["threshold"])),
        )
        for each in raw["tables"]
    )
    for table in tables:
        if table.threshold < max(LOWEST_THRESHOLD, raw["threshold"]):
            raise IassError(f"{table.code}: a threshold of {table.threshold} is below the lowest, {LOWEST_THRESHOLD}.")
        unknown = [name for name in table.by if name not in dimensions]
        if unknown or table.measure not in measures:
            raise IassError(f"{table.code} names what is not defined: {', '.join(unknown) or table.measure}.")
    of_deliveries = raw["coverage"]
    coverage = Coverage(
        code=of_deliveries["code"],
        report=of_deliveries["report"],
        title=of_deliveries["title_it"],
        definition=of_deliveries["definition_it"],
        columns=of_deliveries["columns"],
        levels=tuple(of_deliveries["levels"]),
        periods=tuple(of_deliveries["periods"]),
    )
    return Plan(raw["licence"], int(raw["threshold"]), measures, dimensions, coverage, tables)


def in_force(plan: Plan, file: Path = FILE) -> bytes:
    """The file as a release goes by it: with the thresholds that somebody raised."""
    raw: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    thresholds = {table.code: table.threshold for table in plan.tables}
    raw["threshold"] = plan.threshold
    for each in raw["tables"]:
        each["threshold"] = thresholds.get(each["code"], max(plan.threshold, each.get("threshold", 0)))
    return yaml.safe_dump(raw, allow_unicode=True, sort_keys=False, width=120).encode()
