"""`iass publish`: the set that may leave the warehouse."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.commands.shared import AsJson, ready
from orchestration.errors import IassError


def publish(
    period: Annotated[str | None, typer.Option(help="2013 or 2013-H1; the newest whole one when left out.")] = None,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="N|TABLE=N", help="A higher threshold for every table, or for one; may be repeated."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the open data of a period: counts under disclosure control, with metadata and a manifest."""
    from orchestration import screen
    from orchestration.disclosure.publish import publish as write_release

    settings = ready()
    with screen.progress(quiet=as_json) as progress:
        found = write_release(settings, period, thresholds=_thresholds(threshold or []), progress=progress)
    if as_json:
        screen.json(found)
        return
    screen.line(
        f"[bold]Published {found.period}[/]: {found.n_tables} tables, {found.n_cells:,} counts that are not zero, "
        f"[bold]{found.n_primary + found.n_complementary:,}[/] of them suppressed ({found.share_of_cells:.0%}): "
        f"{found.n_primary:,} are small, {found.n_complementary:,} would give them away. "
        f"They hold {found.share_of_count:.1%} of what is counted.\n"
        f"Every small count was audited against all tables together.  [dim]{found.seconds:.1f} s[/]\n"
        f"{found.n_files} files in [bold]{found.folder}[/]; the manifest names them all, nothing else leaves."
    )


def _thresholds(texts: list[str]) -> dict[str | None, int]:
    """Thresholds by table; that of all tables, under None, comes first, so that one table may go beyond it."""
    found: dict[str | None, int] = {}
    for text in texts:
        table, _, number = text.rpartition("=")
        if not number.isdigit():
            raise IassError(
                f"{text!r} is no threshold: write a number, or a table and a number as t06_persone_target=5."
            )
        found[table or None] = int(number)
    return dict(sorted(found.items(), key=lambda each: each[0] or ""))
