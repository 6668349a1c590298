"""`iass metrics …`: the metrics of the semantic layer on the screen, as CSV, XLSX or JSON."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.commands.shared import AsJson, ready, settings_of_home
from orchestration.errors import IassError

if TYPE_CHECKING:
    from orchestration.metrics.layer import Column
    from orchestration.metrics.query import Answer

app = typer.Typer(help="Metrics: dynamic tables, one definition for each figure.", no_args_is_help=True)

_SUBJECTS = ("access", "demand", "answer", "continuity", "supply", "quality")
_EXCEL_FORMATS = {
    "percent": '0.0" %"',
    "count": "#,##0",
    "ratio": "0.00",
    "per_1000": "0.00",
    "days": "0.0",
    "eur": "#,##0.00",
}


@app.command("list")
def list_metrics(
    metric: Annotated[str | None, typer.Argument(help="One metric, with what it can be cut by.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the metrics by subject, or say all about one."""
    from orchestration import screen
    from orchestration.metrics import query
    from orchestration.metrics.layer import GRAINS

    found = query.metrics(settings_of_home())
    if metric is not None:
        chosen = [each for each in found if each.name == metric]
        if not chosen:
            names = ", ".join(sorted(each.name for each in found))
            raise IassError(f"There is no metric {metric!r}: choose from {names}.")
        found = chosen
    if as_json:
        screen.json(found)
    elif metric is not None:
        screen.fields(found[0])
        screen.line(f"time         {', '.join(GRAINS)}")
    else:
        order = {subject: place for place, subject in enumerate(_SUBJECTS)}
        found.sort(key=lambda each: order.get(each.subject, len(order)))
        rows = [
            {
                "subject": each.subject,
                "metric": each.name,
                "nome": each.label,
                "unit": each.unit,
                "means": each.description,
            }
            for each in found
        ]
        screen.table("Metrics", rows)
        screen.line("[dim]What one can be cut by: iass metrics list METRIC[/]")


@app.command("query")
def query_metrics(
    metrics: Annotated[str, typer.Option("--metrics", help="Names, separated by commas.")],
    by: Annotated[str, typer.Option("--by", help="Dimensions, separated by commas, e.g. district,target,year.")] = "",
    where: Annotated[
        list[str] | None, typer.Option("--where", help="Condition, e.g. \"target_code = 'ANZ'\"; may be repeated.")
    ] = None,
    grain: Annotated[
        str | None, typer.Option("--grain", help="A column of time: day, month, quarter, half_year or year.")
    ] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day, month or year, e.g. 2013-01.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, month or year, included.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="No more rows than these.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="CSV file to write; - is the screen.")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="Excel file to write.")] = None,
    as_json: AsJson = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show the SQL and run nothing.")] = False,
) -> None:
    """Ask for metrics by dimensions, as the analyst."""
    from orchestration import screen
    from orchestration.metrics import query
    from orchestration.metrics.layer import GRAINS

    if grain is not None and grain not in GRAINS:
        raise IassError(f"There is no grain {grain!r}: choose from {', '.join(GRAINS)}.")
    settings = settings_of_home()
    question = query.layer(settings).question(
        _names(metrics),
        [*_names(by), *([grain] if grain else [])],
        where=where or (),
        first=_day(first, last_of=False),
        last=_day(last, last_of=True),
        limit=limit,
    )
    if explain:
        print(question.sql)
        return
    answer = query.ask(ready(), question)
    if as_json:
        screen.json(answer.frame)
    elif csv is not None:
        answer.frame.write_csv(sys.stdout if str(csv) == "-" else csv)
    elif xlsx is None:
        _draw(answer)
    if xlsx is not None:
        _write_excel(answer, xlsx)


def _draw(answer: Answer) -> None:
    from rich.markup import escape
    from rich.table import Table

    from orchestration import screen

    if answer.frame.is_empty():
        screen.line("No row answers this.")
        return
    names = {column.name for column in answer.columns}
    # A label says it on the screen; its code is for files and scripts.
    shown = [
        (place, column)
        for place, column in enumerate(answer.columns)
        if not (column.name.endswith("__code") and column.name.replace("__code", "__label") in names)
    ]
    drawn = Table()
    for _, column in shown:
        drawn.add_column(escape(column.label), justify="left" if column.unit is None else "right", overflow="fold")
    for row in answer.frame.rows():
        drawn.add_row(*(escape(_cell(column, row[place])) for place, column in shown))
    screen.show(drawn)


def _cell(column: Column, value: Any) -> str:
    """Numbers as Italian readers write them; what nobody delivered is a dash, never zero."""
    if value is None:
        return "–"
    if column.unit is None:
        return str(value)
    decimals = {"count": 0, "percent": 1, "days": 1}.get(column.unit, 2)
    text = f"{value:,.{decimals}f}{' %' if column.unit == 'percent' else ''}"
    return text.translate(str.maketrans(",.", ".,"))


def _write_excel(answer: Answer, path: Path) -> None:
    labels = {column.name: column.label for column in answer.columns}
    answer.frame.rename(labels).write_excel(
        path,
        worksheet="Metriche",
        column_formats={
            column.label: _EXCEL_FORMATS.get(column.unit, "General") for column in answer.columns if column.unit
        },
        autofit=True,
        freeze_panes=(1, 0),
    )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _day(text: str | None, *, last_of: bool) -> date | None:
    """A day; of a month or a year its first or its last one."""
    from calendar import monthrange

    if text is None:
        return None
    try:
        parts = [int(part) for part in text.split("-")]
        year, month = parts[0], parts[1] if len(parts) > 1 else 12 if last_of else 1
        day = parts[2] if len(parts) > 2 else monthrange(year, month)[1] if last_of else 1
        return date(year, month, day)
    except (ValueError, IndexError):
        raise IassError(f"{text!r} is not a date: write it as 2013, 2013-03 or 2013-03-31.") from None
