"""The table of paths at the end of a run says what is known, and nothing where nothing is."""

from __future__ import annotations

from rich.console import Console

from orchestration.pipeline import path_table
from orchestration.pipeline.path_table import Milestone


def test_nobody_followed_is_not_nobody_reached() -> None:
    console = Console(width=100, no_color=True)
    milestones = (
        Milestone(2013, "prima valutazione", 10, 0, 0, {28: 0.0, 90: None}, None),
        Milestone(2013, "primo servizio", 10, 4, 3, {28: 12.5, 90: 40.0}, 31.0),
    )
    with console.capture() as shown:
        console.print(path_table.drawn(milestones))
    assessed, served = (line.split() for line in shown.get().splitlines() if line.split()[:1] in (["prima"], ["primo"]))
    assert assessed[2:] == ["0", "0", "0.0", "%"], "an estimate of nobody is left out, one of zero is not"
    assert served[2:] == ["4", "3", "12.5", "%", "40.0", "%", "31"]
