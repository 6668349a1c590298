"""What commands of every group need: the settings of this home, and options that mean the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orchestration.settings import Settings

#: Exit code of a command that took something in which was refused, or of which nothing was loaded.
EXIT_REFUSED = 3

AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON, for scripts.")]


def settings_of_home() -> Settings:
    from orchestration.settings import Settings

    return Settings.load()


def ready() -> Settings:
    """Settings of a home whose database is up: after a restart of the machine any command brings it back."""
    from orchestration.warehouse import server

    settings = settings_of_home()
    server.up(settings)
    return settings
