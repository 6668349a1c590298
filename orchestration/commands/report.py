"""`iass report …`: the predefined reports of this home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.shared import AsJson, ready

app = typer.Typer(help="Predefined reports for the region, each AUSL and each district.", no_args_is_help=True)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the reports there are and the periods that the warehouse can make them of."""
    from orchestration import screen
    from orchestration.reports import definition, source

    reports = [
        {"report": report.code, "title": report.title, "tables": len(report.tables)}
        for report in map(definition.load, definition.codes())
    ]
    periods = source.periods(ready())
    if as_json:
        screen.json({"reports": reports, "periods": periods})
    else:
        screen.table("Reports", reports)
        screen.table("Periods", periods, empty="Nothing has been built yet: run `iass run`.")


@app.command()
def build(
    report: Annotated[str | None, typer.Option(help="Code of one report; all of them when left out.")] = None,
    period: Annotated[str | None, typer.Option(help="2013 or 2013-H1; the newest year when left out.")] = None,
    territory: Annotated[
        list[str] | None,
        typer.Option(help="Code or name of a district or AUSL, 080 for the region; may be repeated, else all."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder; reports/ of the home when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write reports as HTML, PDF, XLSX and CSV."""
    from orchestration import screen
    from orchestration.errors import IassError
    from orchestration.reports import build as reports
    from orchestration.reports import definition, source
    from orchestration.reports.period import Period

    settings = ready()
    if period is None:
        years = [each["period"] for each in source.periods(settings) if "H" not in each["period"]]
        if not years:
            raise IassError("The warehouse has no period yet: run `iass run` first.")
        period = years[-1]
    codes = [report] if report else definition.codes()
    with screen.progress(quiet=as_json) as progress:
        made = reports.build(settings, codes, Period.parse(period), territory or (), out=out, on_progress=progress)
    if as_json:
        screen.json(made)
    else:
        screen.reports(made)
