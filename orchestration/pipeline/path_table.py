"""The small table of paths at the end of a run: what the requests of the newest year reached, and how soon.

Reads the marts and draws; what a request or a milestone is, is decided in dbt_project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Milestone:
    """One milestone of the paths of a year, over the whole region."""

    year: int
    label: str
    n_requests: int
    n_reached: int
    n_persons: int
    percents: dict[int, float | None]
    """Days of a window to the share that reached the milestone in it, by the estimate that knows of censoring; nothing
    where nobody was followed."""
    median_days: float | None


def read(conn: Any) -> tuple[Milestone, ...]:
    """Nothing before the first build."""
    if conn.execute("select to_regclass('mart_pathway.conversion') is null").fetchone()[0]:
        return ()
    rows = conn.execute(
        """
        select c.year_number, c.milestone_label, max(c.n_requests), max(c.n_happened), max(c.n_persons_happened),
            array_agg(c.window_days order by c.window_days),
            array_agg(c.estimated_percent::float8 order by c.window_days), max(w.median_days)::float8
        from mart_pathway.conversion as c
        inner join mart_pathway.waiting_time as w
            using (year_number, territory_level, territory_code, cut_type, cut_code, milestone_code)
        inner join seeds.milestone as m using (milestone_code)
        where c.cut_type = 'all' and c.territory_level = 'region'
            and c.year_number = (select max(year_number) from mart_pathway.conversion)
        group by c.year_number, c.milestone_code, c.milestone_label, m.milestone_order order by m.milestone_order
        """
    ).fetchall()
    return tuple(
        Milestone(year, label, requests, reached, persons, dict(zip(days, shares, strict=True)), median)
        for year, label, requests, reached, persons, days, shares, median in rows
    )


def drawn(milestones: tuple[Milestone, ...]) -> Table:
    """As a table for a terminal."""
    first = milestones[0]
    asked = f"{first.n_requests:,} requests of {first.year}"
    title = f"[bold]Paths[/] of the {asked}: what followed within days, by Kaplan-Meier"
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("milestone", no_wrap=True)
    for name in ("requests", "persons", *(f"{days} days" for days in first.percents), "median days"):
        table.add_column(name, justify="right")
    for each in milestones:
        shares = ("" if percent is None else f"{percent:.1f} %" for percent in each.percents.values())
        median = "" if each.median_days is None else f"{each.median_days:.0f}"
        table.add_row(each.label, f"{each.n_reached:,}", f"{each.n_persons:,}", *shares, median)
    return table
