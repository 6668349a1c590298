"""What a run did and what the warehouse holds now: counts only, nobody is named. Drawn by `summary_table`."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.pipeline import path_table

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult
    from rich.console import RenderableType

    from orchestration.identity.quality import Quality
    from orchestration.intake.delivery import DeliveryResult
    from orchestration.pipeline.watch import Watch
    from orchestration.settings import Settings
    from orchestration.warehouse.reconciliation import Balance

#: Steps as people call them, by Dagster's step names; the rest are checks.
STEPS = {
    "landing__file": "Landing folder",
    "gate": "Gate",
    "identity": "Identity",
    "dbt": "Stars (dbt)",
}
CHECKS = "Data-set checks"
#: Outcomes of which nothing is in the warehouse.
TURNED_AWAY = ("refused", "nothing_loaded")


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
    paths: tuple[path_table.Milestone, ...] = field(default=())
    linkage: Quality | None = None
    """How well persons are known, when the demo has held them against its truth."""
    report: Path | None = None
    """Page of a district's report, when the demo made one."""

    @property
    def set_aside(self) -> str:
        """What is said of files that met an error of ours; empty when there were none."""
        from orchestration.defs.assets import EVERY_FILE_IS_TAKEN

        return next((each.sentence for each in self.checks if each.name == EVERY_FILE_IS_TAKEN and not each.passed), "")

    @property
    def reconciles(self) -> bool:
        return all(balance.holds for balance in self.balances)

    def __rich__(self) -> RenderableType:
        from orchestration.pipeline import summary_table

        return summary_table.drawn(self)


def read(settings: Settings, watch: Watch, result: ExecuteInProcessResult, begun: float) -> RunSummary:
    """The figures of a run that ended well. `begun`: when, by the performance counter."""
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
        refused=sum(each.outcome in TURNED_AWAY for each in watch.results),
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
            now[None if flow == "?" else flow, "accepted"],
            sum(now[None if flow == "?" else flow, outcome] for outcome in TURNED_AWAY),
            now[None if flow == "?" else flow, "repeated"],
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
