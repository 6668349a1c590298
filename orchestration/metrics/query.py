"""Metrics of a home: a question becomes SQL, the SQL runs as the analyst, the answer is a frame.

Row-level rights are the analyst's own. Names, dimensions and SQL are the business of `orchestration.metrics.layer`;
drawing is done by `orchestration.commands.metrics`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import psycopg

from orchestration.errors import NOT_BUILT, IassError
from orchestration.metrics.layer import Column, Layer, Metric, Question
from orchestration.settings import Settings
from orchestration.warehouse import connection, dbt


@dataclass(frozen=True)
class Answer:
    """Rows of an answer in the order that was asked for, with what their columns mean."""

    question: Question
    frame: pl.DataFrame
    """Column names are those of metrics and dimensions; numbers as they came, periods as senders write them."""

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.question.columns


def layer(settings: Settings) -> Layer:
    """The semantic layer of the project. Its manifest is kept in the home and made anew when the project changes."""
    return Layer(dbt.manifest(settings).with_name("semantic_manifest.json"))


def metrics(settings: Settings) -> list[Metric]:
    """Every metric with what it can be cut by."""
    return layer(settings).metrics()


def ask(settings: Settings, question: Question) -> Answer:
    """Run a question as the analyst."""
    with connection.connect(settings, "analyst") as conn:
        try:
            rows = conn.execute(question.sql.encode()).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise IassError(NOT_BUILT) from error
        except psycopg.errors.SyntaxError as error:
            raise IassError(f"The condition cannot be read ({error.diag.message_primary}).") from error
        except (psycopg.errors.UndefinedFunction, psycopg.errors.DataError) as error:
            raise IassError(f"The condition compares unlike things ({error.diag.message_primary}).") from error
    names = [column.name for column in question.columns]
    data = {column.name: [_plain(column, row[place]) for row in rows] for place, column in enumerate(question.columns)}
    return Answer(question, pl.DataFrame(data, schema_overrides=_types(question), strict=False).select(names))


def query(
    settings: Settings,
    metric_names: Sequence[str],
    by: Sequence[str] = (),
    *,
    where: Sequence[str] = (),
    first: date | None = None,
    last: date | None = None,
    limit: int | None = None,
) -> Answer:
    """Ask for metrics by dimensions."""
    return ask(settings, layer(settings).question(metric_names, by, where=where, first=first, last=last, limit=limit))


def _types(question: Question) -> dict[str, Any]:
    return {
        column.name: pl.String if column.unit is None else pl.Int64 if column.unit == "count" else pl.Float64
        for column in question.columns
    }


def _plain(column: Column, value: Any) -> Any:
    if value is None or column.unit is not None:
        return None if value is None else round(value) if column.unit == "count" else float(value)
    if column.name.startswith("metric_time__"):
        return period_code(column.name.removeprefix("metric_time__"), value)
    return str(value)


def period_code(grain: str, first_day: date) -> str:
    """A period as senders write it: 2013, 2013-H1, 2013-Q1, 2013-03 or 2013-03-31."""
    if grain == "year":
        return f"{first_day:%Y}"
    if grain == "half_year":
        return f"{first_day:%Y}-H{1 + (first_day.month > 6)}"
    if grain == "quarter":
        return f"{first_day:%Y}-Q{(first_day.month + 2) // 3}"
    return f"{first_day:%Y-%m}" if grain == "month" else f"{first_day:%Y-%m-%d}"
