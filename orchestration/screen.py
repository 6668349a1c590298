"""What the command line shows: tables, progress and JSON. Draws what it is given and asks nobody for more.

Answers go to stdout; progress goes to stderr and only to a terminal, so that answers can be piped.
"""

from __future__ import annotations

import dataclasses
import json as json_module
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from orchestration.bi.service import Running
    from orchestration.demo.generate import Summary
    from orchestration.identity.run import IdentityResult
    from orchestration.intake.contract import Contract
    from orchestration.intake.delivery import DeliveryResult
    from orchestration.reports.build import Made
    from orchestration.warehouse.dbt import BuildResult
    from orchestration.warehouse.server import Status

# Into a file or a pipe, tables are drawn for a wide page and not for the 80 columns of a terminal that is not there.
_PAGE = 140
_out = Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PAGE)
_err = Console(stderr=True, highlight=False)

#: More reports than these are counted and not named.
_LISTED_REPORTS = 5
_OUTCOME_STYLE = {
    "accepted": "green",
    "nothing_loaded": "red",
    "refused": "red",
    "failed": "bold red",
    "repeated": "yellow",
}
_GRADE_STYLE = {"FILE": "red", "SCARTO": "dark_orange", "ANOMALIA": "yellow"}


def line(text: str) -> None:
    _out.print(text)


def show(drawn: Any) -> None:
    """What its owner has drawn."""
    _out.print(drawn)


def json(value: Any) -> None:
    """One JSON document, plain enough for jq."""
    print(json_module.dumps(_plain(value), ensure_ascii=False, indent=2))


@contextmanager
def working(text: str) -> Iterator[None]:
    """A sign of life during work whose length is not known."""
    if _err.is_terminal:
        with _err.status(text):
            yield
    else:
        yield


@contextmanager
def steps(*, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """A sign of life during work in several steps: call what it gives with what is being done now."""
    if quiet or not _err.is_terminal:
        yield lambda text: None
        return
    with _err.status("") as status:
        yield status.update


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Callable[[str, float, float], None]]:
    """A progress bar: call what it gives with (what is being done, done so far, of how much)."""
    if quiet or not _err.is_terminal:
        yield lambda text, done, total: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(text: str, done: float, total: float) -> None:
            bars.update(task, description=text, completed=done, total=total)

        yield show


@contextmanager
def deliveries_as_they_come(*, quiet: bool = False) -> Iterator[Callable[[DeliveryResult], None]]:
    """A line for each delivery at the moment it is through the gate."""
    if quiet:
        yield lambda result: None
        return

    def show(result: DeliveryResult) -> None:
        style = _OUTCOME_STYLE.get(result.outcome, "")
        counts = (
            f"sent {_number(result.records_sent)}, accepted {_number(result.records_accepted)}, "
            f"discarded {_number(result.records_discarded)}, flagged {_number(result.records_flagged)}"
        )
        _out.print(
            f"[{style}]{_spaced(result.outcome):<8}[/] {result.delivery_id:>6}  {escape(result.file_name)}  {counts}  "
            f"[dim]{result.seconds:.2f} s[/]",
            soft_wrap=True,
        )

    with working("Taking in …"):
        yield show


def _spaced(outcome: str) -> str:
    return outcome.replace("_", " ")


def left_alone(name: str, reason: str) -> None:
    """A file that the gate did not take, on the side where progress is told."""
    _err.print(f"[yellow]left[/]     {escape(name)}: {reason}.", soft_wrap=True)


def intake_totals(results: Sequence[DeliveryResult]) -> None:
    if not results:
        _out.print("No file was found there.")
        return
    by_outcome = {outcome: sum(r.outcome == outcome for r in results) for outcome in _OUTCOME_STYLE}
    said = ", ".join(f"{count} {_spaced(outcome)}" for outcome, count in by_outcome.items() if count)
    deliveries = "1 delivery" if len(results) == 1 else f"{len(results)} deliveries"
    _out.print(f"[bold]{deliveries}:[/] {said}. Receipts: `iass receipt NUMBER`.", soft_wrap=True)


def status(found: Status) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    state = "[green]running[/]" if found.is_running else "[red]not running[/]: start it with `iass up`"
    table.add_row("database", f"{state} ({found.kind})")
    if found.is_running:
        pending = f", [yellow]{found.migrations_pending} pending: run `iass up`[/]" if found.migrations_pending else ""
        table.add_row("address", f"{found.address}, database {found.database}, PostgreSQL {found.version}")
        table.add_row("migrations", f"{found.migrations_applied} applied{pending}")
        table.add_row("size", f"{found.size_bytes / 1024**2:,.0f} MB")
        table.add_row("deliveries", f"{found.deliveries_accepted:,} accepted, {found.deliveries_refused:,} refused")
        table.add_row("last build", _cell(found.last_built_at) or "never: run `iass build`")
    table.add_row("home", escape(found.home))
    _out.print(table)


def deliveries(rows: Any) -> None:
    """The ledger."""
    drawn = Table(title=None)
    for name in ("no.", "file", "outcome", "received"):
        drawn.add_column(name, no_wrap=name != "file", overflow="fold")
    for name in ("sent", "accepted", "discarded", "flagged"):
        drawn.add_column(name, justify="right")
    found = _rows(rows)
    for row in found:
        style = _OUTCOME_STYLE.get(row["outcome"], "")
        drawn.add_row(
            str(row["delivery_id"]),
            escape(row["file_name"]),
            f"[{style}]{row['outcome']}[/]",
            _cell(row["received_at"]),
            *(_number(row[f"records_{name}"]) for name in ("sent", "accepted", "discarded", "flagged")),
        )
    _out.print(drawn if found else "No delivery matches.")


def receipt(found: Mapping[str, Any]) -> None:
    """A receipt in short; the page that the sender got is in its folder."""
    delivery, counts = found["delivery"], found["counts"]
    style = _OUTCOME_STYLE.get(found["outcome"], "")
    _out.print(
        f"[bold]Delivery {delivery['delivery_id']}[/] {escape(delivery['file_name'])}: [{style}]{found['outcome']}[/]"
        + (f", sent again {_times(len(found['repeated_at']))}" if found["is_repeat"] else "")
    )
    _out.print(", ".join(f"{name} [bold]{_number(count)}[/]" for name, count in counts.items()))
    if found["rules"]:
        drawn = Table()
        for name in ("code", "grade", "field"):
            drawn.add_column(name, overflow="fold", no_wrap=name == "code")
        for name in ("findings", "records"):
            drawn.add_column(name, justify="right")
        drawn.add_column("sentence")
        for rule in found["rules"]:
            grade = f"[{_GRADE_STYLE.get(rule['grade'], '')}]{rule['grade']}[/]"
            numbers = (_number(rule["findings"]), _number(rule["records"]))
            field, sentence = escape(rule["field"] or ""), escape(rule["sentence"] or "")
            drawn.add_row(rule["rule_code"], grade, field, *numbers, sentence)
        _out.print(drawn)
    _out.print(f"[dim]{escape(found['folder'])}[/]", soft_wrap=True)


def fields(found: Any) -> None:
    """The fields of an answer, one a line."""
    drawn = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _plain(found).items():
        shown = ", ".join(f"{key} {_cell(each)}" for key, each in value.items()) if isinstance(value, dict) else value
        drawn.add_row(name.replace("_", " "), escape(_cell(shown)))
    _out.print(drawn)


def rules(contracts: Sequence[Contract]) -> None:
    """The catalogue: the sentence for senders and what it means."""
    for contract in contracts:
        drawn = Table(title=f"{contract.flow_code}, contract {contract.version}", title_justify="left")
        drawn.add_column("code", no_wrap=True)
        drawn.add_column("grade", no_wrap=True)
        drawn.add_column("field", overflow="fold")
        drawn.add_column("sentence")
        for rule in contract.rules:
            style = _GRADE_STYLE.get(rule.grade, "")
            sentence = f"{escape(rule.sentence_it)}\n[dim]{escape(rule.sentence_en)}[/]"
            drawn.add_row(rule.code, f"[{style}]{rule.grade}[/]", escape(rule.field or ""), sentence)
        _out.print(drawn)


def table(title: str, rows: Any, *, empty: str = "Nothing to list.") -> None:
    """Rows of any kind, with their own column names."""
    found = _rows(rows)
    if not found:
        _out.print(empty)
        return
    drawn = Table(title=title, title_justify="left")
    for name, value in found[0].items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        drawn.add_column(name.replace("_", " "), justify="right" if is_number else "left", overflow="fold")
    for row in found:
        drawn.add_row(*(escape(_cell(value)) for value in row.values()))
    _out.print(drawn)


def build(identity: IdentityResult, built: BuildResult) -> None:
    """What identity and dbt did: persons first, then the tables that took longest."""
    _out.print(
        f"[bold]Persons[/]  {_number(identity.looked_at)} identities looked at, {_number(identity.changed)} changed, "
        f"{_number(identity.new_persons)} new persons, {_number(identity.merged)} merged, "
        f"{_number(identity.to_review) or 0} pairs to review  "
        f"[dim]{identity.seconds:.1f} s[/]"
    )
    if built.is_skipped:
        _out.print("[bold]Stars[/]    nothing new since the last build")
        return
    kind = "made again in full" if built.is_full_refresh else "brought up to date"
    warned = sum(node.status == "warn" for node in built.nodes)
    _out.print(
        f"[bold]Stars[/]    {kind}: {built.n_models} tables, {built.n_tests} tests"
        + (f" ([yellow]{warned} warn[/])" if warned else "")
        + f"  [dim]{built.seconds:.1f} s[/]"
    )
    slowest = sorted((node for node in built.nodes if node.resource_type == "model"), key=lambda node: -node.seconds)[
        :5
    ]
    drawn = Table(box=None, pad_edge=False, show_header=False)
    for node in slowest:
        rows = "" if node.rows is None else f"{_number(node.rows)} rows"
        drawn.add_row(f"         {node.name}", rows, f"[dim]{node.seconds:.1f} s[/]")
    _out.print(drawn)


def summary(found: Any) -> None:
    """A summary that draws itself (`__rich__`), or else its fields."""
    if isinstance(found, str) or hasattr(found, "__rich__") or hasattr(found, "__rich_console__"):
        _out.print(found)
    else:
        fields(found)


def reports(made: Sequence[Made]) -> None:
    """What was written: by name when it is little, else how much and where the first one lies."""
    files = sum(each.files for each in made)
    for each in made if len(made) <= _LISTED_REPORTS else made[:1]:
        _out.print(
            f"{each.report} {each.period} [bold]{escape(each.territory)}[/]  {escape(str(each.page))}", soft_wrap=True
        )
    _out.print(f"{len(made)} reports, {files} files (page, print, workbook, CSV of each table).")


def region(found: Summary) -> None:
    """The synthetic region beside the published figures that it is calibrated to."""
    drawn = Table(title="Generated against published figures", title_justify="left")
    for name in ("figure", "", "published, at this scale", "generated", "difference"):
        drawn.add_column(name, justify="left" if name in ("figure", "") else "right")
    group = ""
    for row in found.calibration:
        if row.group != group:
            drawn.add_section()
        # At a small scale a small share is a few whole persons, and its difference is one of rounding.
        style = "green" if abs(row.deviation) <= 0.02 else "yellow"
        shown = f"[{style}]{row.deviation:+.1%}[/]"
        name = row.group if row.group != group else ""
        drawn.add_row(escape(name), escape(str(row.item)), _figure(row.target), _figure(row.generated), shown)
        group = row.group
    _out.print(drawn)
    _out.print(
        f"{found.residents:,} residents, {found.deliveries:,} deliveries, {found.bytes_written / 1024**2:,.0f} MB "
        f"in [bold]{escape(str(found.out_dir))}[/]. Next: `iass intake {escape(str(found.out_dir / 'landing'))}`.",
        soft_wrap=True,
    )


def _figure(value: float) -> str:
    """Counts as whole numbers, shares (in per cent) with a decimal."""
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _rows(value: Any) -> list[dict[str, Any]]:
    if hasattr(value, "to_dicts"):
        return list(value.to_dicts())
    return [dataclasses.asdict(row) if dataclasses.is_dataclass(row) else dict(row) for row in value]  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    """Dataclasses, frames, paths and dates as JSON knows them."""
    if hasattr(value, "to_dicts"):
        return _plain(value.to_dicts())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(each) for each in value)
    return str(value)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def dashboards(found: Running, secrets: Path) -> None:
    """Where the dashboards are and who may look."""
    grid = Table("dashboard", "address", box=None, pad_edge=False)
    for title, url in found.dashboards:
        grid.add_row(title, f"[link={url}]{escape(url)}[/link]")
    _out.print(grid)
    _out.print(f"\nReaders: lettore, password in {escape(str(secrets / 'bi_lettore'))}")
    _out.print(f"Administrator: admin, password in {escape(str(secrets / 'bi_admin'))}")
