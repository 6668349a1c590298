"""Definitions of the reports, read from `definitions/*.yaml` and checked once. What they mean is in `document`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml

from orchestration.errors import IassError
from orchestration.reports.italian import DECIMALS

FOLDER = Path(__file__).parent / "definitions"
TYPES = {*DECIMALS, "text", "date"}
CHARTS = {"lines", "bars", "groups", "map", "funnel", "trend"}


@dataclass(frozen=True)
class Column:
    """One column: its name in the query, its heading, how its values are written."""

    name: str
    label: str
    type: str
    width: float = 1

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ValueError(f"{self.name}: there is no type {self.type}")


@dataclass(frozen=True)
class Pivot:
    """Columns that come from values: one for each value of `heading`, in the order of `order`."""

    heading: str
    order: str
    value: str
    type: str
    total: str | None = None
    """Heading of the sum of the row, where parts may be summed (demands may, persons never)."""


@dataclass(frozen=True)
class Chart:
    """One chart and what it shows; `options` depend on its kind (see `charts`)."""

    id: str
    kind: str
    title: str
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in CHARTS:
            raise ValueError(f"{self.id}: there is no kind of chart {self.kind}")


@dataclass(frozen=True)
class TableDefinition:
    """One table. `rows: own` are rows of the territory itself, `rows: places` one row for each territory below it."""

    id: str
    title: str
    rows: str
    sql: str
    columns: tuple[Column, ...] = ()
    pivot: Pivot | None = None
    index: Column | None = None
    definition: str = ""
    empty: str = ""
    missing: str = "–"
    total_row: str = ""
    note_years: bool = False
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class KeyFigure:
    label: str
    indicator: str
    type: str


@dataclass(frozen=True)
class Section:
    title: str
    text: str
    tables: tuple[TableDefinition, ...]


@dataclass(frozen=True)
class Report:
    code: str
    title: str
    subtitle: str
    period_kinds: tuple[str, ...]
    key_figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]

    @property
    def tables(self) -> list[TableDefinition]:
        return [table for section in self.sections for table in section.tables]


def codes() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def load(code: str) -> Report:
    path = FOLDER / f"{code}.yaml"
    if not path.is_file():
        raise IassError(f"There is no report {code!r}: choose one of {', '.join(codes())}.")
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    fragments = found.get("fragments", {})
    return Report(
        code=found["code"],
        title=found["title"],
        subtitle=found["subtitle"],
        period_kinds=tuple(found["period_kinds"]),
        key_figures=tuple(KeyFigure(**each) for each in found["key_figures"]),
        sections=tuple(
            Section(each["title"], each.get("text", ""), tuple(_table(table, fragments) for table in each["tables"]))
            for each in found["sections"]
        ),
    )


def _table(found: dict[str, Any], fragments: dict[str, str]) -> TableDefinition:
    row_date = found.pop("row_date", "")
    parts = {name: Template(text).safe_substitute(row_date=row_date) for name, text in fragments.items()}
    charts = [*found.pop("charts", []), *([found.pop("chart")] if "chart" in found else [])]
    index = found.pop("index", None)
    pivot = found.pop("pivot", None)
    return TableDefinition(
        **{
            **found,
            "sql": Template(found["sql"]).substitute(parts),
            "columns": tuple(Column(**each) for each in found.get("columns", [])),
            "pivot": Pivot(**pivot) if pivot else None,
            "index": Column(index["name"], index["label"], "text") if index else None,
            "charts": tuple(
                Chart(each["id"], each["kind"], each["title"], {k: v for k, v in each.items() if k not in _CHART})
                for each in charts
            ),
        }
    )


_CHART = {"id", "kind", "title"}
