"""How well persons are known, as a table: at the end of a demo and for `iass identity quality`.

Draws; what is right, wrong or missed is measured in `orchestration.identity.quality`, against a truth that no step of
the pipeline reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table

if TYPE_CHECKING:
    from orchestration.identity.quality import Quality, Score, Target


def drawn(found: Quality) -> RenderableType:
    """All flows, and the targets, for a terminal."""
    return Group(scores(found.overall, "[bold]Persons[/] held against the truth of the region"), targets(found.targets))


def scores(found: Iterable[Score], title: str) -> Table:
    table = Table(title=title, title_justify="left", box=None)
    for name in ("flow", "presented as"):
        table.add_column(name, no_wrap=name == "flow")
    for name in ("records", "right", "wrong", "missed", "precision", "recall"):
        table.add_column(name, justify="right")
    for row in found:
        counts = (f"{count:,}" if count else "[dim]·[/]" for count in (row.n_right, row.n_wrong, row.n_missed))
        table.add_row(
            row.flow_code, row.case, f"{row.n_records:,}", *counts, share(row.precision), share(row.recall)
        )  # fmt: skip
    return table


def targets(found: Iterable[Target]) -> Table:
    table = Table(box=None, show_header=False)
    for target in found:
        mark = "[green]✓[/]" if target.is_met else "[bold red]✗[/]"
        table.add_row(mark, target.sentence, f"{target.value:.4f}", f"[dim]target {target.limit}[/]")
    return table


def share(value: float | None) -> str:
    """Four digits: what matters here is in the third."""
    return "" if value is None else f"{value:.4f}"
