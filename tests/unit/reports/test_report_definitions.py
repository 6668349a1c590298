"""Definitions of reports: what would only be seen when a report of some period is built, is seen here."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from orchestration.reports import definition, document
from orchestration.reports.definition import Column, KeyFigure, Report, Section, TableDefinition
from orchestration.reports.period import Period
from orchestration.reports.source import Place, Source


@pytest.mark.parametrize("code", definition.codes())
def test_a_definition_holds_together(code: str) -> None:
    report = definition.load(code)
    ids = [table.id for table in report.tables]
    assert len(ids) == len(set(ids)), "an id names a sheet, a file and an anchor, so it stands for one table"
    figures = [chart.id for table in report.tables for chart in table.charts]
    assert len(figures) == len(set(figures)), f"two figures of one number: {figures}"
    for name, query in (*((table.id, table.sql) for table in report.tables), *report.data.items()):
        stray = re.findall(r"%(?!%|\(\w+\)s)(?<!%%).{0,12}", query)
        assert not stray, f"{name}: a percent sign in SQL is written twice: {stray}"
        assert "$" not in query, f"{name}: a fragment that is not there"
    frames = {*ids, *report.data}
    for table in report.tables:
        for chart in table.charts:
            assert chart.options.get("frame", table.id) in frames, f"{chart.id}: nothing is called {chart.options}"


def test_parts_of_years_only_are_not_in_a_half_year() -> None:
    report = definition.load("offerta")
    year, half = report.of("year"), report.of("half_year")
    assert {table.id for table in year.tables} == {table.id for table in report.tables}
    assert {"O2", "O4"} <= {table.id for table in half.tables} and not [t.id for t in half.tables if t.id[0] == "P"]
    assert all(section.tables or section.terms for section in half.sections), "an empty section"
    assert len(half.key_figures) < len(year.key_figures)


def _source(frame: pl.DataFrame, received: int) -> Source:
    place = Place("10502", "Città di Bologna", "district", "080105")
    coverage = pl.DataFrame(
        {
            "territory_code": ["10502"],
            "n_deliveries_received": [received],
            "n_deliveries_expected": [12],
            "is_whole": [True],
            "is_complete": [received == 12],
        }
    ).with_columns(pl.lit(None).alias("residents_on"), pl.lit(0).alias("n_demands"))
    empty = pl.DataFrame(schema={"sender_code": pl.String, "ausl_code": pl.String, "month_on": pl.Date})
    return Source(Period(2013), (place,), {"X": frame}, coverage, empty, pl.DataFrame(), pl.DataFrame())


def test_a_service_that_was_not_sent_is_missing_and_not_nothing() -> None:
    """Also where the desks of the same place did deliver."""
    frame = pl.DataFrame(
        {"territory_code": ["10502"] * 3, "label": ["Domicilio", "Assegno", "Minori"], "n": [0, None, None],
         "is_silent": [False, True, False], "row_kind": ["group", "plain", "plain"]}
    )  # fmt: skip
    columns = (Column("label", "Servizi", "text"), Column("n", "Persone", "count"))
    table = TableDefinition("X", "Servizi", "own", "", columns)
    report = Report("x", "X", "", ("year",), (), (Section("S", "", (table,)),), {})
    source = _source(frame, received=12)
    (made,) = document.make(report, source, source.places[0], date(2014, 3, 1)).tables
    assert [row.texts for row in made.rows] == [("Domicilio", "0"), ("Assegno", "n.p."), ("Minori", "–")]
    assert [row.kind for row in made.rows] == ["group", "plain", "plain"]


def test_each_measure_of_a_table_is_written_in_its_own_way() -> None:
    """Persons are whole, also when they are few and stand above a rate."""
    frame = pl.DataFrame(
        {"territory_code": ["10502"] * 3, "label": ["Persone", "Per 1.000", "Senza tipo"], "n": [36.0, 2.0, 100.0],
         "row_type": ["count", "rate", None]}
    )  # fmt: skip
    columns = (Column("label", "Misura", "text"), Column("n", "2013", "number"))
    table = TableDefinition("X", "Misure", "own", "", columns)
    report = Report("x", "X", "", ("year",), (), (Section("S", "", (table,)),), {})
    source = _source(frame, received=12)
    (made,) = document.make(report, source, source.places[0], date(2014, 3, 1)).tables
    assert [row.texts[1] for row in made.rows] == ["36", "2,00", "100,00"]
    assert [row.types for row in made.rows] == [("text", "count"), ("text", "rate"), ("text", "number")]


def test_rates_and_named_values_of_an_incomplete_period_carry_a_mark() -> None:
    frame = pl.DataFrame({"territory_code": ["10502"], "n": [5], "rate": [1.234], "before": [7], "before_mark": [True]})
    columns = (Column("n", "Persone", "count"), Column("rate", "Per 1.000", "rate"), Column("before", "2012", "count"))
    table = TableDefinition("X", "Misure", "own", "", columns)
    report = Report("x", "X", "", ("year",), (KeyFigure("Persone", "n_deliveries_received", "rate"),),
                    (Section("S", "", (table,)),), {})  # fmt: skip
    made = document.make(report, source := _source(frame, received=10), source.places[0], date(2014, 3, 1))
    assert made.tables[0].rows[0].texts == ("5", "1,23†", "7†")
    assert made.tables[0].rows[0].values == (5, 1.234, 7)
    assert made.figures[0].text == "10,00†" and made.figures[0].beside.endswith("10 mesi su 12")
    whole = document.make(report, source := _source(frame, received=12), source.places[0], date(2014, 3, 1))
    assert whole.tables[0].rows[0].texts == ("5", "1,23", "7†") and whole.figures[0].text == "12,00"
    assert not any("completi" in remark for remark in made.remarks if "incompleti" not in remark)


def test_a_period_that_is_not_whole_is_said_before_the_first_number() -> None:
    frame = pl.DataFrame({"territory_code": ["10502"], "n": [5]})
    report = Report(
        "x",
        "X",
        "",
        ("year",),
        (),
        (Section("S", "", (TableDefinition("X", "X", "own", "", (Column("n", "Persone", "count"),)),)),),
        {},
    )
    source = _source(frame, received=2)
    coverage = source.coverage.with_columns(pl.lit(False).alias("is_whole"))
    partial = replace(source, coverage=coverage, observed=(date(2013, 11, 1), date(2013, 12, 1)))
    remarks = document.make(report, partial, partial.places[0], date(2014, 3, 1)).remarks
    assert remarks[0].startswith("Periodo non intero (anno 2013): la base dati ha solo i mesi da novembre a dicembre.")
    assert not any(remark.startswith("Dati degli sportelli completi") for remark in remarks)
