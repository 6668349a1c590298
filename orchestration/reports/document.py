"""One report of one territory, ready to be written: rows in order, every cell as value and as text, charts as data.

Pure: takes what `source` read and gives plain values. Knows no file format.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import polars as pl

from orchestration.reports import charts, italian
from orchestration.reports.definition import Column, Report, TableDefinition
from orchestration.reports.period import Period
from orchestration.reports.source import REGION, Place, Source

PLACE = Column("place", "Territorio", "text", 2)
ABBREVIATIONS = (
    f"{italian.SILENT} = dato non pervenuto nel periodo; "
    f"{italian.NONE} = nessun caso, non calcolabile o anno assente dalla base dati; "
    f"{italian.INCOMPLETE} = periodo non intero o con mesi mancanti: i tassi sono sui residenti dei distretti e dei "
    "mesi pervenuti."
)
#: A table with more columns and fewer rows than these is turned round.
_WIDE, _FEW = 9, 5
#: Columns of earlier years in tables that compare years.
_YEARS_BACK = {"year_2": 2, "year_1": 1}
#: Types of columns that divide by residents.
_RATES = {"rate", "rate2"}
_NOTHING_CAME = "Nessun dato pervenuto nel periodo: il mittente non ha trasmesso."


@dataclass(frozen=True)
class Row:
    """`types` say how each value is written, `marks` which ones are of an incomplete period; `kind` is plain, group (an
    AUSL among its districts), own (whom the report is about) or total."""

    values: tuple[Any, ...]
    texts: tuple[str, ...]
    types: tuple[str, ...]
    kind: str = "plain"
    marks: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Table:
    id: str
    number: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    definition: str
    notes: tuple[str, ...]
    empty: str
    drawings: tuple[charts.Drawing, ...]


@dataclass(frozen=True)
class Figure:
    """A key figure, with the region's beside it where that compares."""

    label: str
    text: str
    beside: str


@dataclass(frozen=True)
class Part:
    title: str
    text: str
    tables: tuple[Table, ...]
    terms: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Document:
    report_code: str
    title: str
    subtitle: str
    period: Period
    place: Place
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...]
    parts: tuple[Part, ...]
    made_on: date
    abbreviations: str = ABBREVIATIONS
    tables: tuple[Table, ...] = field(default=())

    @property
    def stem(self) -> str:
        return f"{self.report_code}-{self.period.code}-{self.place.code}"


def make(report: Report, source: Source, place: Place, made_on: date) -> Document:
    """Cut one territory out of what was read."""
    numbers = iter(range(1, len(report.tables) + 1))
    parts = tuple(
        Part(
            section.title,
            section.text,
            tuple(_table(each, source, place, f"Tab. {next(numbers)}") for each in section.tables),
            section.terms,
        )
        for section in report.sections
    )
    document = Document(
        report_code=report.code,
        title=report.title,
        subtitle=report.subtitle,
        period=source.period,
        place=place,
        figures=tuple(_figure(each, source, place) for each in report.key_figures),
        remarks=(*_remarks(source, place), *_own_remarks(source, place)),
        parts=parts,
        made_on=made_on,
    )
    return replace(document, tables=tuple(table for part in parts for table in part.tables))


def _table(definition: TableDefinition, source: Source, place: Place, number: str) -> Table:
    frame, columns = _shaped(definition, source)
    absent = _absent_years(definition, frame)
    if definition.rows == "places":
        columns = (PLACE, *columns)
        rows = _rows_of_places(definition, frame, columns, absent, source, place)
    else:
        own = frame.filter(pl.col("territory_code") == place.code) if frame.width else frame
        is_incomplete = _is_incomplete(source, place.code)
        rows = [
            _row_of_record(definition, record, columns, absent, is_incomplete) for record in own.iter_rows(named=True)
        ]
    if definition.rows == "places" and len(columns) > _WIDE and len(rows) < _FEW:
        columns, rows = _turned(columns, rows)
    is_silent = source.coverage.filter(pl.col("territory_code") == place.code)["n_deliveries_received"].sum() == 0
    drawings = tuple(
        drawn for each in definition.charts if (drawn := charts.draw(each, columns, rows, source, place)) is not None
    )
    return Table(
        id=definition.id,
        number=number,
        title=definition.title,
        columns=columns,
        rows=tuple(rows),
        definition=definition.definition,
        notes=tuple(_notes(absent, source.period)),
        empty=_NOTHING_CAME if is_silent else definition.empty or "Nessun caso nel periodo.",
        drawings=drawings,
    )


def _shaped(definition: TableDefinition, source: Source) -> tuple[pl.DataFrame, tuple[Column, ...]]:
    """The frame of a table with one column for each heading, and those columns."""
    frame = source.frames[definition.id]
    pivot = definition.pivot
    if pivot is None:
        return frame, tuple(replace(c, label=source.period.fill(c.label)) for c in definition.columns)
    order = frame.group_by(pivot.heading).agg(pl.col(pivot.order).min().alias("_order")).sort("_order", nulls_last=True)
    headings = order[pivot.heading].to_list()
    index = ["territory_code", *([definition.index.name] if definition.index else [])]
    wide = frame.pivot(on=pivot.heading, index=index, values=pivot.value, aggregate_function="sum", maintain_order=True)
    columns = [Column(each, each, pivot.type) for each in headings]
    if pivot.total:
        wide = wide.with_columns(pl.sum_horizontal(headings).alias(pivot.total))
        columns.append(Column(pivot.total, pivot.total, pivot.type))
    # A combination that does not occur is a true zero where something was delivered; who is silent has no row at all.
    wide = wide.with_columns(pl.col(headings).fill_null(0))
    return wide, (*([replace(definition.index, width=2)] if definition.index else []), *columns)


def _rows_of_places(
    definition: TableDefinition,
    frame: pl.DataFrame,
    columns: tuple[Column, ...],
    absent: set[str],
    source: Source,
    place: Place,
) -> list[Row]:
    found = {record["territory_code"]: record for record in frame.iter_rows(named=True)}
    received = dict(source.coverage.select("territory_code", "n_deliveries_received").iter_rows())
    rows = []
    for each in source.below(place):
        record = found.get(each.code, {})
        values = (each.label, *(record.get(c.name) for c in columns[1:]))
        kind = _kind(each, place)
        missing = _missing_word(definition, record, not received.get(each.code))
        marks = _marks(columns, record, _is_incomplete(source, each.code))
        rows.append(_row(values, columns, missing, absent, kind, marks))
    return rows


def _row_of_record(
    definition: TableDefinition,
    record: dict[str, Any],
    columns: tuple[Column, ...],
    absent: set[str],
    is_incomplete: bool,
) -> Row:
    is_total = definition.total_row == record[columns[0].name]
    kind = record.get("row_kind") or ("total" if is_total else "plain")
    missing = _missing_word(definition, record, False)
    values, typed = tuple(record[c.name] for c in columns), _of_measure(columns, record)
    return _row(values, typed, missing, absent, kind, _marks(columns, record, is_incomplete))


def _marks(columns: tuple[Column, ...], record: dict[str, Any], is_incomplete: bool) -> tuple[bool, ...]:
    """Which values are of an incomplete period: those that the query names, else the rates of an incomplete row."""
    of_row = bool(record.get("is_incomplete", is_incomplete))
    return tuple(bool(record.get(f"{c.name}_mark", of_row and c.type in _RATES)) for c in columns)


def _is_incomplete(source: Source, code: str) -> bool:
    """Whether months of the desks are missing from a territory's period, or the period is not whole."""
    cover = source.coverage.filter(pl.col("territory_code") == code)
    return not cover["is_complete"].all()


def _missing_word(definition: TableDefinition, record: dict[str, Any], is_silent: bool) -> str:
    """What an empty cell says; a query knows better than the contacts whose silence it is about."""
    return definition.missing or (italian.SILENT if record.get("is_silent", is_silent) else italian.NONE)


def _kind(row: Place, place: Place) -> str:
    if row == place and place.level == "district":
        return "own"
    if row.code in (place.code, REGION):
        return "total"
    return "group" if row.level == "ausl" and place.level == "region" else "plain"


def _turned(columns: tuple[Column, ...], rows: list[Row]) -> tuple[tuple[Column, ...], list[Row]]:
    """Few territories and many columns: the territories become the columns."""
    turned = tuple(
        Row(
            (c.label, *(row.values[i] for row in rows)),
            (c.label, *(row.texts[i] for row in rows)),
            ("text", *(c.type for _ in rows)),
            marks=(False, *(row.marks[i] for row in rows)),
        )
        for i, c in enumerate(columns)
        if i
    )
    return (
        replace(PLACE, name="heading", label="Voce"),
        *(Column(str(r.values[0]), str(r.values[0]), columns[1].type) for r in rows),
    ), list(turned)


def _row(
    values: tuple[Any, ...],
    columns: tuple[Column, ...],
    missing: str,
    absent: set[str],
    kind: str,
    marks: tuple[bool, ...],
) -> Row:
    marks = tuple(is_marked and value is not None for value, is_marked in zip(values, marks, strict=True))
    texts = (
        italian.cell(value, c.type, italian.NONE if c.name in absent else missing)
        + (italian.INCOMPLETE if is_marked else "")
        for value, c, is_marked in zip(values, columns, marks, strict=True)
    )
    plain = tuple(italian.plain(value) for value in values)
    return Row(plain, tuple(texts), tuple(c.type for c in columns), kind, marks)


def _of_measure(columns: tuple[Column, ...], record: dict[str, Any]) -> tuple[Column, ...]:
    """Where each row is another measure, the query says by `row_type` how its numbers are written."""
    known = record.get("row_type")
    return tuple(replace(c, type=known) if known and c.type == "number" else c for c in columns)


def _absent_years(definition: TableDefinition, frame: pl.DataFrame) -> set[str]:
    """Columns of years of which the warehouse has nothing at all: no sender was silent, there was nothing to send."""
    if not definition.note_years:
        return set()
    return {name for name in _YEARS_BACK if name in frame.columns and frame[name].null_count() == frame.height}


def _notes(absent: set[str], period: Period) -> list[str]:
    years = [str(period.year - back) for name, back in _YEARS_BACK.items() if name in absent]
    if not years:
        return []
    return [f"Nella base dati non ci sono dati del {italian.listed(years)}: il confronto non è possibile."]


def _figure(definition: Any, source: Source, place: Place) -> Figure:
    frames = (source.frames.get("figures"), source.coverage)
    frame = next((each for each in frames if each is not None and definition.indicator in each.columns), None)

    def value(code: str) -> Any:
        if frame is not None:
            found = frame.filter(pl.col("territory_code") == code)[definition.indicator]
        else:
            found = source.indicators.filter(
                (pl.col("indicator_code") == definition.indicator)
                & (pl.col("territory_code") == code)
                & (pl.col("period_type") == source.period.kind)
            )["indicator_value"]
        return found.item() if len(found) else None

    def covered(code: str) -> tuple[bool, str]:
        """Whether the figure is of an incomplete period, and how much of it came."""
        if frame is None:
            found = source.indicators.filter(
                (pl.col("indicator_code") == definition.indicator)
                & (pl.col("territory_code") == code)
                & (pl.col("period_type") == source.period.kind)
            )
            # What counts deliveries says itself what is missing.
            is_of_quality = definition.indicator in source.catalogue.filter(area_code="quality")["indicator_code"]
            is_incomplete = not is_of_quality and not found["is_complete"].all()
            return is_incomplete, _months_of(found, "n_months", code == place.code and place.level == "district")
        if f"{definition.indicator}_mark" in frame.columns:
            return bool(frame.filter(pl.col("territory_code") == code)[f"{definition.indicator}_mark"].any()), ""
        found = source.coverage.filter(pl.col("territory_code") == code)
        is_of_district = code == place.code and place.level == "district"
        return _is_incomplete(source, code), _months_of(found, "n_deliveries", is_of_district)

    def written(found: Any, is_incomplete: bool) -> str:
        if found is None:
            return italian.cell(None, definition.type, italian.SILENT)
        unit = " %" if definition.type.startswith("percent") else ""
        return italian.cell(found, definition.type) + unit + (italian.INCOMPLETE if is_incomplete else "")

    own = value(place.code)
    is_incomplete, months = covered(place.code)
    beside = []
    if place.code != REGION and definition.type != "count":
        beside.append(f"regione {written(value(REGION), covered(REGION)[0])}")
    if is_incomplete and months and own is not None:
        beside.append(months)
    return Figure(definition.label, written(own, is_incomplete), " · ".join(beside))


def _months_of(found: pl.DataFrame, name: str, is_of_district: bool) -> str:
    """10 mesi su 12."""
    if found.is_empty() or found[f"{name}_expected"].item() is None:
        return ""
    received, expected = found[f"{name}_received"].item(), found[f"{name}_expected"].item()
    return f"{received} {'mesi' if is_of_district else 'mesi-distretto'} su {expected}"


def _remarks(source: Source, place: Place) -> list[str]:
    """What the reader must know before the first number."""
    cover = source.coverage.filter(pl.col("territory_code") == place.code).row(0, named=True)
    received, expected = cover["n_deliveries_received"], cover["n_deliveries_expected"]
    remarks = []
    if source.period.is_provisional:
        remarks.append("Dati provvisori: il semestre può essere ancora corretto dai mittenti.")
    months = "mesi" if place.level == "district" else "mesi-distretto"
    if not cover["is_whole"]:
        remarks.append(_not_whole(source))
    if received == 0:
        remarks.append(
            f"Nessun dato pervenuto dagli sportelli: 0 {months} su {expected}. I valori mancanti non sono zeri."
        )
    elif received < expected:
        missing = _missing(source, place)
        remarks.append(
            f"Dati degli sportelli incompleti: {received} {months} su {expected}."
            + (f" Mancano: {missing}." if missing else "")
        )
    else:
        remarks.append(f"Dati degli sportelli completi: {received} {months} su {expected}.")
    if cover["n_demands"]:
        share = 100 * cover["n_demands_without_person"] / cover["n_demands"]
        excluded = italian.number(cover["n_demands_without_person"])
        remarks.append(
            f"Escluse dai conteggi di persone: {excluded} domande senza persona identificata "
            f"({italian.number(share, 1)} % delle domande)."
        )
    if cover["residents_on"] and cover["residents_on"].year != source.period.year:
        remarks.append(
            f"Tassi calcolati sui residenti al {italian.day(cover['residents_on'])}, la data disponibile più vicina."
        )
    return remarks


def _not_whole(source: Source) -> str:
    """Which months of the period lie in what anybody delivered, and what that means."""
    period, months = source.period, source.observed
    if not months:
        known = "nessun mese"
    elif len(months) == 1:
        known = f"solo {italian.month(months[0])}"
    else:
        known = f"solo i mesi da {italian.month(months[0])} a {italian.month(months[-1])}"
    return (
        f"Periodo non intero ({period.label.lower()}): la base dati ha {known}. "
        "I valori non sono quelli del periodo e non si confrontano con quelli di periodi interi."
    )


def _own_remarks(source: Source, place: Place) -> list[str]:
    """What the definition of the report has to say of the territory."""
    frame = source.frames.get("remarks")
    return [] if frame is None else frame.filter(pl.col("territory_code") == place.code)["remark"].to_list()


def _missing(source: Source, place: Place) -> str:
    labels = {each.code: each.label for each in source.places}
    silent = source.silent
    if place.level == "district":
        silent = silent.filter(pl.col("sender_code") == place.code)
        return italian.listed([italian.month(each) for each in silent["month_on"]])
    if place.level == "ausl":
        silent = silent.filter(pl.col("ausl_code") == place.code)
    by_sender = silent.group_by("sender_code", maintain_order=True).agg(pl.col("month_on"))
    return "; ".join(
        f"{labels.get(sender, sender)} ({italian.listed([italian.month(each) for each in months])})"
        for sender, months in by_sender.iter_rows()
    )
