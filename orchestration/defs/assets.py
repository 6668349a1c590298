"""Assets: landing folder → gate (ledger and raw tables) → identity → dbt models. No work is done here.

**Raw tables and partitions.** Raw tables are partitioned by the period of their flow, yet a run takes in whatever has
arrived, for any periods of any flow, in the order that progressives and nomenclatures ask for; and a period is never
made again on demand, because only its sender can send it. So the gate is one asset without partitions, and the raw
tables are assets that Dagster does not execute: for each period that deliveries touched, the gate records a
materialisation of that partition with its counts. What the UI shows for a month is then exactly what arrived for it,
and one run takes in all.

**dbt.** One dbt process per run, the same call as `iass build`; its results are reported model by model and test by
test when it ends. When somebody materialises some assets only, dbt builds those models alone. When nothing changed, dbt
is not started, no model is materialised and the checks behind it are skipped.

**Retries** are for what may pass by itself (the database restarting, a connection lost), with growing pauses. A
refused delivery is an outcome and a broken model stays broken: neither is tried again.
"""

# Dagster reads the annotation of `context` itself, so annotations are not postponed here.
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import psycopg
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from orchestration.defs import partitions
from orchestration.errors import IassError
from orchestration.intake.contract import Contract, flow_codes, load_contract

if TYPE_CHECKING:
    from orchestration.intake.delivery import DeliveryResult
    from orchestration.warehouse.dbt import NodeResult

FILES = dg.AssetKey(["landing", "file"])
DELIVERY = dg.AssetKey(["landing", "delivery"])
IDENTITY = dg.AssetKey(["raw", "identity__person"])
RELINK = dg.AssetKey(["raw", "identity__relink"])
LINKAGE_CHECK = dg.AssetKey(["landing", "linkage_check"])

#: Tables of schema landing that the gate writes besides the ledger and that models read.
GATE_TABLES = (
    "finding",
    "rule",
    "live_key",
    "pending_record",
    "nomenclature_version",
    "regional_nomenclature",
    "local_nomenclature",
    "registry_segment",
)

#: Check of the gate itself, red when a file was set aside.
EVERY_FILE_IS_TAKEN = "every_file_is_taken"

#: Name of the dbt project, part of the ids of its nodes.
DBT_PROJECT = "iass"

RETRIES = 3
FIRST_PAUSE_SECONDS = 2


@contextmanager
def patience(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Iterator[None]:
    """Ask for another try when the database went away, after 2, 8 and 32 seconds. Of any other error of the database
    only the state is passed on: its message may quote a row, and Dagster stores messages."""
    try:
        yield
    except Exception as error:
        if isinstance(error, psycopg.OperationalError) or isinstance(error.__cause__, psycopg.OperationalError):
            pause = FIRST_PAUSE_SECONDS * 4**context.retry_number
            raise dg.RetryRequested(max_retries=RETRIES, seconds_to_wait=pause) from error
        if isinstance(error, psycopg.Error):
            raise IassError(f"The database refused a statement (SQLSTATE {error.sqlstate}).") from None
        raise


def contracts() -> list[Contract]:
    return [load_contract(code) for code in flow_codes()]


def raw_key(contract: Contract, table: str) -> dg.AssetKey:
    return dg.AssetKey(["raw", next(t.physical_name for t in contract.tables if t.name == table)])


def tables_with_persons() -> list[dg.AssetKey]:
    """Raw tables that hold the token of a person."""
    return [
        raw_key(contract, table.name)
        for contract in contracts()
        for table in contract.tables
        if any(field.dtype == "uuid" for field in table.fields)
    ]


def raw_tables() -> list[dg.AssetSpec]:
    """One asset per raw table of each flow: written by the gate, executed by nobody."""
    return [
        dg.AssetSpec(
            raw_key(contract, table.name),
            deps=[DELIVERY],
            description=table.description,
            group_name=f"raw_{contract.flow_code.lower()}",
            partitions_def=partitions.of(contract),
            kinds={"postgres"},
        )
        for contract in contracts()
        for table in contract.tables
    ]


@dg.asset(
    key=FILES,
    group_name="landing",
    kinds={"file"},
    required_resource_keys={"settings"},
    description="Files that wait in the landing folder. Nothing is moved or read.",
)
def landing_files(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    from orchestration.intake import gate

    with patience(context):
        waiting = gate.pending(context.resources.settings)
    return dg.MaterializeResult(metadata={"files": len(waiting)})


@dg.multi_asset(
    name="gate",
    specs=[
        dg.AssetSpec(
            key,
            deps=[FILES],
            group_name="landing",
            kinds={"python", "postgres"},
            description="Ledger: every delivery, its fate and its counts."
            if key == DELIVERY
            else "Written by the gate.",
        )
        for key in (DELIVERY, *(dg.AssetKey(["landing", table]) for table in GATE_TABLES))
    ],
    check_specs=[
        dg.AssetCheckSpec(
            EVERY_FILE_IS_TAKEN,
            asset=DELIVERY,
            description="No file met an error of ours: one that does is set aside and tried again at the next run.",
        )
    ],
    required_resource_keys={"settings", "progress"},
    description="Every waiting delivery through the gate: archive, read, check, load, receipt.",
)
def gate_tables(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    from orchestration.intake import gate

    settings, progress = context.resources.settings, context.resources.progress
    with patience(context):
        waiting = gate.pending(settings)
        progress.step("Deliveries through the gate", len(waiting))
        results: list[DeliveryResult] = []
        aside = ""

        def through(result: "DeliveryResult") -> None:
            results.append(result)
            progress.delivery(result)

        def left(name: str, reason: str) -> None:
            context.log.info(f"Left in the landing folder: {name}: {reason}.")

        try:
            # also without files: time is over for what waits
            gate.intake(settings, [settings.landing_dir], on_delivery=through, on_left=left)
        except gate.FilesSetAside as error:  # keeps nothing out that is in
            aside = str(error)
        finally:  # what is in stays in, also when another file could not be taken
            record_periods(context, results)
    outcomes = ("accepted", "nothing_loaded", "refused", "repeated")
    counts = {outcome: sum(r.outcome == outcome for r in results) for outcome in outcomes}
    yield dg.MaterializeResult(asset_key=DELIVERY, metadata=counts)
    yield dg.AssetCheckResult(
        asset_key=DELIVERY,
        check_name=EVERY_FILE_IS_TAKEN,
        passed=not aside,
        severity=dg.AssetCheckSeverity.ERROR,
        description=aside or "No file was set aside.",
    )
    for table in GATE_TABLES:
        yield dg.MaterializeResult(asset_key=["landing", table])


def record_periods(context: dg.AssetExecutionContext, results: "Sequence[DeliveryResult]") -> None:
    """One materialisation per raw table and period that accepted deliveries touched."""
    touched: dict[tuple[str, str], list[DeliveryResult]] = defaultdict(list)
    for result in results:
        if result.outcome == "accepted" and result.flow_code and result.period_code:
            touched[result.flow_code, result.period_code].append(result)
    for (flow_code, period_code), delivered in sorted(touched.items()):
        contract = load_contract(flow_code)
        period = partitions.of(contract)
        if isinstance(period, dg.DynamicPartitionsDefinition) and period.name:
            context.instance.add_dynamic_partitions(period.name, [period_code])
        for table in contract.tables:
            context.log_event(
                dg.AssetMaterialization(
                    raw_key(contract, table.name),
                    partition=period_code,
                    metadata={
                        "deliveries": len(delivered),
                        "records_accepted": sum(r.records_accepted for r in delivered),
                        "records_discarded": sum(r.records_discarded for r in delivered),
                    },
                )
            )


@dg.multi_asset(
    name="identity",
    specs=[
        dg.AssetSpec(
            key,
            deps=[DELIVERY, *tables_with_persons()],
            group_name="identity",
            kinds={"python", "postgres"},
            description=description,
        )
        for key, description in (
            (IDENTITY, "Token of each presented or registered identity to the key of the person."),
            (RELINK, "Tokens that moved from one key to another, for the facts to follow."),
            (LINKAGE_CHECK, "Records linked by code, linked again with the code hidden: counts by month and flow."),
        )
    ],
    required_resource_keys={"settings", "progress"},
)
def identity_person(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult]:
    from orchestration.identity import run

    context.resources.progress.step("Persons")
    with patience(context):
        found = run.resolve(context.resources.settings)
    yield dg.MaterializeResult(
        asset_key=IDENTITY,
        metadata={
            "looked_at": found.looked_at,
            "changed": found.changed,
            "new_persons": found.new_persons,
            "merged": found.merged,
            "split": found.split,
            "compared": found.compared,
            "to_review": found.to_review,
            **{f"by_{method}": count for method, count in found.by_method.items()},
        },
    )
    yield dg.MaterializeResult(asset_key=RELINK, metadata={"relinked": found.relinked})
    yield dg.MaterializeResult(asset_key=LINKAGE_CHECK)


class Translator(DagsterDbtTranslator):
    """Keys are [schema, name], so that a source of dbt and the asset that writes it are one; groups are folders."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        name = dbt_resource_props.get("identifier") or dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], name])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        return "_".join(dbt_resource_props["fqn"][1:-1]) or dbt_resource_props["resource_type"] + "s"


def dbt_models(manifest: Path) -> dg.AssetsDefinition:
    """All models, seeds and tests of the dbt project as one step."""

    @dbt_assets(
        manifest=manifest,
        name="dbt",
        exclude="resource_type:unit_test",
        dagster_dbt_translator=Translator(),
        required_resource_keys={"settings", "progress"},
    )
    def dbt(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        from orchestration.warehouse import dbt as warehouse_dbt
        from orchestration.warehouse import suites

        context.resources.progress.step("Stars")
        settings, nodes = context.resources.settings, json.loads(manifest.read_text())["nodes"]
        with patience(context):
            if context.is_subset:
                results = warehouse_dbt.build_some(settings, names_of(context.selected_asset_keys, nodes))
            else:
                built = warehouse_dbt.build(settings, meanwhile=suites.load_validator)
                if built.is_skipped:
                    context.log.info("Nothing changed since the last build: dbt was not started.")
                    return
                results = built.nodes
        checks = {key.name: key for key in context.selected_asset_check_keys}
        yield from node_results(results, nodes, checks)

    return dbt


def names_of(keys: Set[dg.AssetKey], nodes: Mapping[str, Any]) -> list[str]:
    """Names of the models and seeds that these assets are."""
    translator = Translator()
    return sorted(
        node["name"]
        for node in nodes.values()
        if node["resource_type"] in ("model", "seed") and translator.get_asset_key(node) in keys
    )


def node_results(
    results: "Sequence[NodeResult]", nodes: Mapping[str, Any], checks: Mapping[str, dg.AssetCheckKey]
) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """dbt's results as Dagster sees them: what was built, and what each test said. Counts only: the rows that a test
    found may be about persons and stay in the database."""
    translator = Translator()
    for result in results:
        node = nodes.get(f"{result.resource_type}.{DBT_PROJECT}.{result.name}")
        if node is None or result.status == "skipped":
            continue
        if result.resource_type == "test":
            key = checks.get(node["name"])
            if key:
                yield dg.AssetCheckResult(
                    asset_key=key.asset_key,
                    check_name=key.name,
                    passed=result.status == "pass",
                    severity=dg.AssetCheckSeverity.WARN if result.status == "warn" else dg.AssetCheckSeverity.ERROR,
                )
        elif result.status == "success":
            yield dg.MaterializeResult(
                asset_key=translator.get_asset_key(node),
                metadata={
                    "seconds": round(result.seconds, 2),
                    **({} if result.rows is None else {"rows": result.rows}),
                },
            )
