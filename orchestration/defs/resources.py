"""What assets, checks and sensors are given from outside: the home, the calendar's day, who watches the run.

Plain Python objects behind Dagster resources, so that `orchestration.pipeline` and tests replace them in one run
without any configuration file. Nothing here connects to anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import dagster as dg

from orchestration import clock
from orchestration.settings import Settings

if TYPE_CHECKING:
    from orchestration.intake.delivery import DeliveryResult


class Progress(Protocol):
    """Who watches a run. A terminal draws bars; the Dagster daemon has nobody to draw for."""

    def step(self, name: str, total: int | None = None) -> None:
        """A step begins; `total` when its length is known."""

    def advance(self, note: str = "") -> None:
        """One unit of the step is done."""

    def delivery(self, result: DeliveryResult) -> None:
        """One delivery is through the gate."""


class Silent:
    """Nobody watches."""

    def step(self, name: str, total: int | None = None) -> None: ...

    def advance(self, note: str = "") -> None: ...

    def delivery(self, result: DeliveryResult) -> None: ...


def resources(
    settings: Settings, *, today: date | None = None, progress: Progress | None = None
) -> Mapping[str, dg.ResourceDefinition]:
    """`today` is the day that expectations are held against; None is the day of the run."""

    def day(_: Any) -> date:
        return today or clock.today()

    return {
        "settings": dg.ResourceDefinition.hardcoded_resource(settings, "The home of this installation."),
        "today": dg.ResourceDefinition(day, description="The day that the calendar of deliveries is read at."),
        "progress": dg.ResourceDefinition.hardcoded_resource(progress or Silent(), "Who watches this run."),
    }
