"""The summary of a run for a terminal, and what to try next."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from orchestration.pipeline import linkage_table, path_table
from orchestration.pipeline.summary import RunSummary


def drawn(summary: RunSummary) -> RenderableType:
    """Everything, in the order in which it is asked."""
    parts: list[RenderableType] = [_deliveries_table(summary)]
    if summary.facts:
        parts.append(_facts_line(summary))
    if summary.linkage:
        parts.append(linkage_table.drawn(summary.linkage))
    if summary.paths:
        parts.append(path_table.drawn(summary.paths))
    parts.append(_balances_lines(summary))
    if summary.checks:
        parts.append(_checks_lines(summary))
    parts.append(_steps_table(summary))
    parts.append(_next_lines(summary.report))
    return Group(*(Padding(part, (1, 0, 0, 1)) for part in parts))


def _deliveries_table(summary: RunSummary) -> Table:
    new = f"{summary.deliveries:,} new deliveries" if summary.deliveries else "Nothing new"
    table = Table(title=f"[bold]{new}[/], and the records of all accepted ones", title_justify="left", box=None)
    table.add_column("flow", style="bold")
    for name in ("accepted", "refused", "repeated", "│", "sent", "accepted", "discarded", "flagged"):
        table.add_column(name, justify="right", style="dim" if name == "│" else "")
    for flow in summary.flows:
        table.add_row(
            flow.flow_code,
            _number(flow.accepted_now, "green"),
            _number(flow.refused_now, "red"),
            _number(flow.repeated_now, "yellow"),
            "│",
            _number(flow.records_sent),
            _number(flow.records_accepted),
            _number(flow.records_discarded, "red"),
            _number(flow.records_flagged, "yellow"),
        )
    return table


def _facts_line(summary: RunSummary) -> str:
    said = "   ".join(f"[bold cyan]{count:,}[/] {name}" for name, count in summary.facts.items())
    built = f"{summary.models_built} models built, {summary.tests_passed} tests passed" + (
        f", [yellow]{summary.tests_warned} warn[/]" if summary.tests_warned else ""
    )
    return f"[bold]In the stars[/]   {said}\n[dim]{built if summary.models_built else 'Nothing had to be built.'}[/]"


def _balances_lines(summary: RunSummary) -> Table:
    table = Table(title="[bold]Reconciliation[/]", title_justify="left", box=None, show_header=False)
    for balance in summary.balances:
        mark = "[green]✓[/]" if balance.holds else "[bold red]✗[/]"
        figures = f"{balance.left:,}" if balance.holds else f"{balance.left:,} ≠ {balance.right:,} ({balance.broken:,})"
        table.add_row(mark, balance.sentence, figures)
    return table


def _checks_lines(summary: RunSummary) -> Table:
    table = Table(title="[bold]Checks on whole data sets[/]", title_justify="left", box=None, show_header=False)
    for check in summary.checks:
        mark = "[green]✓[/]" if check.passed else "[bold red]✗[/]" if check.is_error else "[yellow]![/]"
        table.add_row(mark, check.name.replace("_", " "), escape(check.sentence))
    return table


def _steps_table(summary: RunSummary) -> Table:
    table = Table(title=f"[bold]Time[/] {summary.seconds:,.1f} s", title_justify="left", box=None, show_header=False)
    for name, seconds in summary.steps.items():
        share = max(1, round(30 * seconds / max(summary.seconds, 0.001)))
        table.add_row(name, f"{seconds:,.1f} s", f"[cyan]{'━' * share}[/]")
    return table


def _next_lines(report: Path | None) -> str:
    program = Path(sys.argv[0])
    iass = escape(os.path.relpath(program)) if program.name == "iass" else "iass"
    query = (
        "select territory_label, n_contacts, n_persons, contacts_per_1000 from mart_demand.contact_monthly "
        "where period_type = 'year' and territory_level = 'district' order by 4 desc nulls last limit 10"
    )
    return (
        "[bold]What to try next[/]\n"
        f'  {iass} psql -c "{query}"\n'
        f"  {iass} deliveries --outcome refused   [dim]who has to send again, and[/] {iass} receipt NUMBER"
        "   [dim]what they were told[/]\n"
        f"  {iass} url --role analyst             [dim]for your BI tool[/]\n"
        f"  {iass} dagster                        [dim]this run, step by step[/]\n"
        f"  {iass} bi up                          [dim]the dashboards[/]"
        + (f"\n  [bold]Open the report of a district:[/] {escape(str(report))}" if report else "")
    )


def _number(value: int, style: str = "") -> str:
    text = f"{value:,}" if value else "[dim]·[/]"
    return f"[{style}]{text}[/]" if style and value else text
