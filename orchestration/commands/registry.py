"""`iass registry …`: what a person decides about snapshots of the registry."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from orchestration.commands.shared import EXIT_REFUSED, AsJson, ready

app = typer.Typer(help="Snapshots of the registry of assisted persons.", no_args_is_help=True)


@app.command()
def confirm(
    delivery: Annotated[int, typer.Argument(help="Number of the refused delivery, as in `iass deliveries`.")],
    reason: Annotated[str, typer.Option(help="Why the file is right. Stays in the ledger.")],
    by: Annotated[str | None, typer.Option(help="Who says so; the account of this machine when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take in a snapshot that was refused because it has far fewer persons than the one before.

    Whoever is missing from it is closed. Look at the file first: half a file looks the same.
    """
    from orchestration import screen
    from orchestration.intake import confirmation

    result = confirmation.confirm(ready(), delivery, reason, by or getpass.getuser())
    if as_json:
        screen.json([result])
    else:
        screen.intake_totals([result])
    if result.outcome == "refused":
        raise typer.Exit(EXIT_REFUSED)
