"""`iass bi …`: the dashboards of this home."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.commands.shared import AsJson, ready, settings_of_home

app = typer.Typer(help="Dashboards: Apache Superset on this home's warehouse.", no_args_is_help=True)


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="Port on this machine; a free one when left out.")] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
    as_json: AsJson = False,
) -> None:
    """Install (once), prepare and start Superset, import the dashboards and open them."""
    from orchestration import screen
    from orchestration.bi import service

    settings = ready()
    with screen.steps(quiet=as_json) as say:
        found = service.up(settings, port=port, say=say)
    if as_json:
        screen.json(found)
        return
    screen.dashboards(found, settings.secrets_dir)
    if open_page:
        typer.launch(found.url)


@app.command("bundle")
def write_bundle(out: Annotated[Path, typer.Option(help="Zip file to write.")]) -> None:
    """Write the dashboards as a bundle for a Superset that runs elsewhere."""
    from orchestration import screen
    from orchestration.bi import bundle, service

    out.write_bytes(bundle.make(service.columns(ready())))
    screen.line(f"Written: {out}")


@app.command()
def down() -> None:
    """Stop Superset."""
    from orchestration import screen
    from orchestration.bi import service

    screen.line("Stopped." if service.down(settings_of_home()) else "It was not running.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Say whether Superset runs, and where its dashboards are."""
    from orchestration import screen
    from orchestration.bi import service

    settings = settings_of_home()
    found = service.running(settings)
    if as_json:
        screen.json(found)
    elif found is None:
        screen.line("Superset is not running: start it with `iass bi up`.")
    else:
        screen.dashboards(found, settings.secrets_dir)
