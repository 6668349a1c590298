"""Definitions of the reports, read from `definitions/*.yaml` and checked once. What they mean is in `document`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml

from orchestration.errors import IassError
from orchestration.reports.italian import DECIMALS

FOLDER = Path(__file__).parent / "definitions"
TYPES = {*DECIMALS, "text", "date"}
CHARTS = {"lines", "series", "bars", "groups", "map", "curve", "funnel", "trend"}


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
    """One table. `rows: own` are rows of the territory itself, `rows: places` one row for each territory below it.

    A query may say by `row_kind` that a row is a group or a total, by `row_type` how the numbers of a row are written
    that is a measure of its own, and by `is_silent` that nothing came for it; `missing` is what an empty cell says
    where a query tells silence from zero by itself. A value of an incomplete period carries a mark: a column
    `<name>_mark` of the query says which, `is_incomplete` in which rows all rates; else the deliveries of the desks do.
    """

    id: str
    title: str
    rows: str
    sql: str
    columns: tuple[Column, ...] = ()
    pivot: Pivot | None = None
    index: Column | None = None
    definition: str = ""
    empty: str = ""
    missing: str = ""
    total_row: str = ""
    note_years: bool = False
    charts: tuple[Chart, ...] = ()
    period_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class KeyFigure:
    label: str
    indicator: str
    type: str
    period_kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """`terms` are words with their definitions."""

    title: str
    text: str
    tables: tuple[TableDefinition, ...]
    terms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Report:
    """`data` are queries beside the tables: `figures` for the key figures, `remarks` for sentences on top, and what
    charts draw that no table shows."""

    code: str
    title: str
    subtitle: str
    period_kinds: tuple[str, ...]
    key_figures: tuple[KeyFigure, ...]
    sections: tuple[Section, ...]
    data: dict[str, str]

    @property
    def tables(self) -> list[TableDefinition]:
        return [table for section in self.sections for table in section.tables]

    def of(self, period_kind: str) -> Report:
        """The report as it is made of a year or of a half-year."""

        def kept(parts: Any) -> Any:
            return tuple(each for each in parts if period_kind in (each.period_kinds or self.period_kinds))

        sections = (replace(section, tables=kept(section.tables)) for section in self.sections)
        filled = tuple(section for section in sections if section.tables or section.terms)
        return replace(self, sections=filled, key_figures=kept(self.key_figures))


def codes() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def load(code: str) -> Report:
    path = FOLDER / f"{code}.yaml"
    if not path.is_file():
        raise IassError(f"There is no report {code!r}: choose one of {', '.join(codes())}.")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    fragments: dict[str, str] = {}
    for name, text in found.get("fragments", {}).items():  # each may use those above it
        fragments[name] = Template(text).safe_substitute(fragments)
    return Report(
        code=found["code"],
        title=found["title"],
        subtitle=found["subtitle"],
        period_kinds=tuple(found["period_kinds"]),
        key_figures=tuple(
            KeyFigure(**{**each, "period_kinds": tuple(each.get("period_kinds", ()))}) for each in found["key_figures"]
        ),
        sections=tuple(
            Section(
                title=each["title"],
                text=each.get("text", ""),
                # A table may be made of some kinds of period only, and so may all of a section.
                tables=tuple(
                    _table({"period_kinds": each.get("period_kinds", ()), **table}, fragments)
                    for table in each.get("tables", [])
                ),
                terms=tuple(each.get("terms", {}).items()),
            )
            for each in found["sections"]
        ),
        data={name: Template(sql).substitute(fragments) for name, sql in found.get("data", {}).items()},
    )


def _table(found: dict[str, Any], fragments: dict[str, str]) -> TableDefinition:
    own = {name: found.pop(name, "") for name in ("row_date", "months")}
    parts = {name: Template(text).safe_substitute(own) for name, text in fragments.items()}
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
            "period_kinds": tuple(found["period_kinds"]),
            "charts": tuple(
                Chart(each["id"], each["kind"], each["title"], {k: v for k, v in each.items() if k not in _CHART})
                for each in charts
            ),
        }
    )


_CHART = {"id", "kind", "title"}
