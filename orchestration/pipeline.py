"""All that is pending as one Dagster run in this process, and the summary that a person reads afterwards.

`iass run` and `iass demo run` call this. The assets are those that the Dagster UI shows, and the run is recorded in the
home's own instance, so it is seen there too. What a step does is in `orchestration.defs` and below; here are only the
start of the run, its progress on the terminal, and the figures at the end.
"""

from __future__ import annotations

import csv
import logging
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from orchestration.errors import IassError
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult

    from orchestration.identity.quality import Quality
    from orchestration.intake.delivery import DeliveryResult
    from orchestration.path_table import Milestone
    from orchestration.warehouse.reconciliation import Balance

DEMO_SEED = 1
#: The district whose report the demo ends with: that of the region's capital.
DEMO_DISTRICT = "10502"
DEMO_START = "2013-01"

#: Steps as people call them, by Dagster's step names; the rest are checks.
STEPS = {
    "landing__file": "Landing folder",
    "gate": "Gate",
    "identity": "Identity",
    "dbt": "Stars (dbt)",
}
CHECKS = "Data-set checks"


@dataclass(frozen=True)
class FlowTotals:
    """The ledger of one flow: deliveries of this run, and records of all accepted deliveries so far."""

    flow_code: str
    accepted_now: int
    refused_now: int
    repeated_now: int
    deliveries: int
    records_sent: int
    records_accepted: int
    records_discarded: int
    records_flagged: int


@dataclass(frozen=True)
class CheckOutcome:
    """One data-set check of this run."""

    name: str
    passed: bool
    is_error: bool
    sentence: str


@dataclass(frozen=True)
class RunSummary:
    """What a run did and what the warehouse holds now. Draws itself for a terminal; counts only, nobody is named."""

    home: Path
    deliveries: int
    refused: int
    flows: tuple[FlowTotals, ...]
    facts: dict[str, int]
    balances: tuple[Balance, ...]
    checks: tuple[CheckOutcome, ...]
    models_built: int
    tests_passed: int
    tests_warned: int
    steps: dict[str, float]
    seconds: float
    top_findings: tuple[tuple[str, str, int], ...] = field(default=())
    paths: tuple[Milestone, ...] = field(default=())
    linkage: Quality | None = None
    """How well persons are known, when the demo has held them against its truth."""
    report: Path | None = None
    """Page of a district's report, when the demo made one."""

    @property
    def reconciles(self) -> bool:
        return all(balance.holds for balance in self.balances)

    def __rich__(self) -> RenderableType:
        return _drawn(self)


# Running


def run_all(settings: Settings, *, console: Console | None = None, today: date | None = None) -> RunSummary:
    """Start the database, take in what waits, link persons, build, check. `today`: the day the calendar is read at."""
    begun = time.perf_counter()
    watch = _Watch(console or Console(stderr=True))
    with watch:
        watch.step("Database")
        with watch.timed("Database"):
            from orchestration.warehouse import server

            server.up(settings)
        with watch.timed("Definitions"), quiet():
            from orchestration import definitions

            job = definitions.build(settings, today=today, progress=watch).resolve_job_def("run_all")
        with _instance(settings) as instance, quiet():
            result = job.execute_in_process(
                instance=instance,
                raise_on_error=False,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
        if not result.success:
            raise IassError(_failure(result))
        watch.step("Summary")
        return _summary(settings, watch, result, begun)


def demo(
    settings: Settings,
    *,
    scale: float = 0.05,
    months: int = 12,
    start: str = DEMO_START,
    seed: int = DEMO_SEED,
    console: Console | None = None,
) -> RunSummary:
    """The synthetic region through the whole pipeline. Its files are made once for each home; a second call finds
    nothing new. The calendar is read when the region's last month is due, or everybody would have been silent since."""
    console = console or Console(stderr=True)
    folder = settings.home / "demo"
    made = folder / "complete"
    wanted = f"scale {scale}, {months} months from {start}, seed {seed}"
    begun = time.perf_counter()
    if not made.exists():
        with _ahead(settings):
            _generate(folder, scale, start, months, seed, console)
        made.write_text(wanted + "\n")
    elif made.read_text().strip() != wanted:
        raise IassError(
            f"This home holds another synthetic region ({made.read_text().strip()}): "
            "choose another IASS_HOME, or remove this one."
        )
    generation = time.perf_counter() - begun
    _put_into_landing(folder, settings.landing_dir)
    summary = run_all(settings, console=console, today=last_due(start, months))
    summary = _with_linkage(_with_generation(summary, generation), settings, folder / "truth")
    return _with_report(summary, settings, _last_year(start, months))


def last_due(start: str, months: int) -> date:
    """A day on which every first window of a stretch of months has closed: late in the month that follows it."""
    year, month = (int(part) for part in start.split("-"))
    following = year * 12 + month - 1 + months
    return date(following // 12, following % 12 + 1, 28)


def _generate(folder: Path, scale: float, start: str, months: int, seed: int, console: Console) -> None:
    from orchestration.demo.generate import generate

    shutil.rmtree(folder, ignore_errors=True)  # the half of a region that was interrupted
    folder.mkdir(parents=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("The synthetic region", total=None)

        def show(text: str, done: int, total: int) -> None:
            bars.update(task, description=f"The synthetic region  {text}", completed=done, total=total)

        generate(
            folder,
            scale=scale,
            start_month=date.fromisoformat(f"{start}-01"),
            months=months,
            seed=seed,
            progress=show,
        )


@contextmanager
def _ahead(settings: Settings) -> Iterator[None]:
    """What a run begins with, done beside what comes before it: the database started, the dbt project parsed."""
    from orchestration.warehouse import dbt, server

    def begin() -> None:
        server.up(settings)
        dbt.manifest(settings)

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as beside:
        begun = beside.submit(begin)
        yield
        begun.result()


def _put_into_landing(region: Path, landing: Path) -> None:
    """Copy the region's files to where senders put theirs, once and in the order of arrival. The time of a landing file
    is when it arrived, so each gets noon of its day in the synthetic year."""
    mark = region / "sent"
    if mark.exists():
        return
    with (region / "arrivals.csv").open(encoding="utf-8", newline="") as file:
        arrivals = [(datetime.fromisoformat(row["arrives_on"]), row["path"]) for row in csv.DictReader(file)]
    for day, path in arrivals:
        target = landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.part")
        shutil.copyfile(region / "landing" / path, draft)
        os.utime(draft, (day.replace(hour=12, tzinfo=UTC).timestamp(),) * 2)
        draft.replace(target)
    mark.touch()


# Dagster in this process


@contextmanager
def _instance(settings: Settings) -> Iterator[DagsterInstance]:
    """The home's own Dagster instance: runs of the command line are seen in the UI of the same home."""
    import dagster as dg

    with quiet(), dg.DagsterInstance.from_config(str(dagster_home(settings))) as instance:
        yield instance


def dagster_home(settings: Settings) -> Path:
    """The folder that DAGSTER_HOME names, with a configuration that sends nothing to anybody."""
    folder = settings.home / "dagster"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration = folder / "dagster.yaml"
    if not configuration.exists():
        configuration.write_text("telemetry:\n  enabled: false\n")
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "true")
    return folder


@contextmanager
def quiet() -> Iterator[None]:
    """Libraries keep their notes to themselves; errors come as exceptions."""
    import warnings

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logging.disable(before)


def _failure(result: ExecuteInProcessResult) -> str:
    """The step that failed and the innermost reason, as one sentence. Details are in the run, in the Dagster UI."""
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error and error.cause:
                error = error.cause
            step = STEPS.get(event.step_key or "", CHECKS)
            if error and error.cls_name == IassError.__name__:
                return f"{step}: {error.message.split(':', 1)[1].strip()}"
            kind = error.cls_name if error else "unknown reason"
            return f"{step} failed ({kind}): see the run {result.run_id} with `iass dagster`, then `iass run` again."
    return f"The run {result.run_id} failed: see it with `iass dagster`."


class _Watch:
    """Progress of a run on the terminal, and what the summary wants to know of it."""

    def __init__(self, console: Console) -> None:
        self.results: list[DeliveryResult] = []
        self.steps: dict[str, float] = {}
        self._bars = Bars(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: Any = None
        self._name = ""

    def __enter__(self) -> _Watch:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def step(self, name: str, total: int | None = None) -> None:
        if name == self._name:
            return
        if self._task is not None:
            done = self._bars.tasks[self._task].completed or 1
            self._bars.update(self._task, total=done, completed=done, note="")
        self._name = name
        self._task = self._bars.add_task(name, total=total, note="")

    def advance(self, note: str = "") -> None:
        self._bars.update(self._task, advance=1, note=note)

    def delivery(self, result: DeliveryResult) -> None:
        self.results.append(result)
        self.advance(escape(f"{result.flow_code or '?'} {result.sender_code or ''} {result.period_code or ''}"))

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.steps[name] = time.perf_counter() - begun


# The figures at the end


def _summary(settings: Settings, watch: _Watch, result: ExecuteInProcessResult, begun: float) -> RunSummary:
    from orchestration import path_table
    from orchestration.warehouse import connection, reconciliation

    steps = dict(watch.steps)
    for event in result.all_events:
        if event.is_step_success and event.step_key:
            name = STEPS.get(event.step_key, CHECKS)
            steps[name] = steps.get(name, 0.0) + event.step_success_data.duration_ms / 1000
    with connection.connect(settings, "transformer") as conn:
        balances = reconciliation.reconcile(conn)
        flows = _flows(conn, watch.results)
        facts = _facts(conn)
        paths = path_table.read(conn)
        findings = conn.execute(
            "select f.rule_code, r.sentence_en, count(*) from landing.finding as f"
            " left join landing.rule as r using (rule_code)"
            " group by 1, 2 order by 3 desc, 1 limit 5"
        ).fetchall()
    suites, tests = _evaluations(result)
    return RunSummary(
        home=settings.home,
        deliveries=len(watch.results),
        refused=sum(each.outcome == "refused" for each in watch.results),
        flows=flows,
        facts=facts,
        paths=paths,
        balances=tuple(balances),
        checks=suites,
        models_built=sum(event.step_key == "dbt" and event.is_step_materialization for event in result.all_events),
        tests_passed=tests[True],
        tests_warned=tests[False],
        steps=steps,
        seconds=time.perf_counter() - begun,
        top_findings=tuple((str(code), str(sentence or ""), int(count)) for code, sentence, count in findings),
    )


def _evaluations(result: ExecuteInProcessResult) -> tuple[tuple[CheckOutcome, ...], Counter[bool]]:
    """Data-set checks one by one, dbt's tests as counts."""
    from dagster import AssetCheckSeverity

    suites: list[CheckOutcome] = []
    tests: Counter[bool] = Counter()
    for each in result.get_asset_check_evaluations():
        step = next(
            (e.step_key for e in result.all_events if e.event_specific_data is each),
            None,
        )
        if step == "dbt":
            tests[each.passed] += 1
        else:
            is_error = each.severity == AssetCheckSeverity.ERROR
            suites.append(CheckOutcome(each.check_name, each.passed, is_error, each.description or ""))
    return tuple(suites), tests


def _flows(conn: Any, results: list[DeliveryResult]) -> tuple[FlowTotals, ...]:
    now = Counter((each.flow_code, each.outcome) for each in results)
    rows = conn.execute(
        "select flow_code, count(*), sum(records_sent), sum(records_accepted), sum(records_discarded),"
        " sum(records_flagged) from landing.delivery where outcome = 'accepted' group by 1 order by 1"
    ).fetchall()
    known = {row[0]: tuple(int(value) for value in row[1:]) for row in rows}
    flows = sorted({flow or "?" for flow in (*known, *(flow for flow, _ in now))})
    return tuple(
        FlowTotals(
            flow,
            *(now[None if flow == "?" else flow, outcome] for outcome in ("accepted", "refused", "repeated")),
            *known.get(flow, (0, 0, 0, 0, 0)),
        )
        for flow in flows
    )


#: What `_facts` counts, in its order.
_FACTS = (
    *("contacts", "demands", "persons", "outcomes"),
    *("stays", "home care cases", "accesses", "care allowances", "cases of minors", "events of persons", "requests"),
)


def _facts(conn: Any) -> dict[str, int]:
    """What the stars hold: persons are counted distinct over all demands, as they always are."""
    if conn.execute("select to_regclass('core.fct_demand') is null").fetchone()[0]:
        return {}
    row = conn.execute(
        "select (select coalesce(sum(n_contacts), 0) from core.fct_contact), (select count(*) from core.fct_demand),"
        " (select count(distinct person_key) from core.fct_demand where person_key > 0),"
        " (select count(*) from core.fct_outcome), (select count(*) from core.fct_residential_stay),"
        " (select count(*) from core.fct_home_care_episode),"
        " (select coalesce(sum(n_accesses), 0) from core.fct_home_care_access),"
        " (select coalesce(sum(n_contracts), 0) from core.fct_care_allowance),"
        " (select count(*) from core.fct_minor_case), (select count(*) from core.fct_person_event),"
        " (select count(*) from core.fct_pathway)"
    ).fetchone()
    return dict(zip(_FACTS, map(int, row), strict=True))


def _with_generation(summary: RunSummary, seconds: float) -> RunSummary:
    from dataclasses import replace

    return replace(summary, steps={"Synthetic region": seconds, **summary.steps}, seconds=summary.seconds + seconds)


def _with_linkage(summary: RunSummary, settings: Settings, truth: Path) -> RunSummary:
    """Hold persons against the truth: the demo knows it, no step of the pipeline does."""
    from dataclasses import replace

    from orchestration.identity import quality

    begun = time.perf_counter()
    found = quality.measure(settings, truth)
    seconds = time.perf_counter() - begun
    steps = {**summary.steps, "Persons against truth": seconds}
    return replace(summary, linkage=found, steps=steps, seconds=summary.seconds + seconds)


def _with_report(summary: RunSummary, settings: Settings, year: int) -> RunSummary:
    """Make the report of one district. Always: marts, definitions and templates may each have changed without any new
    delivery, and it takes two seconds."""
    from dataclasses import replace

    from orchestration.reports import build
    from orchestration.reports.period import Period

    begun = time.perf_counter()
    (made,) = build.build(settings, ["attivita"], Period.parse(str(year)), DEMO_DISTRICT)
    seconds = time.perf_counter() - begun
    steps = {**summary.steps, "Report of a district": seconds}
    return replace(summary, report=made.page, steps=steps, seconds=summary.seconds + seconds)


def _last_year(start: str, months: int) -> int:
    year, month = (int(part) for part in start.split("-"))
    return (year * 12 + month - 2 + months) // 12


# Drawing


def _drawn(summary: RunSummary) -> RenderableType:
    parts: list[RenderableType] = [_deliveries_table(summary)]
    if summary.facts:
        parts.append(_facts_line(summary))
    if summary.linkage:
        from orchestration import linkage_table

        parts.append(linkage_table.drawn(summary.linkage))
    if summary.paths:
        from orchestration import path_table

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
