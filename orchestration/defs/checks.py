"""Asset checks on whole data sets: the balances from file to fact, and the suites of `expectations/suites`.

Balances must hold: a broken one is an error. Suites warn: unusual is not wrong, and a silent sender is a fact to
show, not a reason to stop. dbt's own tests are checks of their models (see `assets`), rules about single records are
in contracts. Checks follow the build, so a run that changed nothing skips them; the calendar is looked at every day
by a job of its own.
"""

# Dagster reads the annotation of `context` itself, so annotations are not postponed here.
from datetime import date

import dagster as dg

from orchestration.defs.assets import DELIVERY, LINKAGE_CHECK, patience
from orchestration.warehouse import suites
from orchestration.warehouse.reconciliation import Balance
from orchestration.warehouse.suites import Suite, SuiteResult

CONTACT = dg.AssetKey(["core", "fct_contact"])
DEMAND = dg.AssetKey(["core", "fct_demand"])
OUTCOME = dg.AssetKey(["core", "fct_outcome"])

#: Senders that a sentence names; the metadata name all.
_NAMED = 5


def checks() -> list[dg.AssetChecksDefinition]:
    return [reconciliation, linkage, *(suite_check(suite) for suite in suites.load_suites())]


@dg.asset_check(
    asset=CONTACT,
    additional_deps=[DELIVERY, DEMAND, OUTCOME],
    required_resource_keys={"settings", "progress"},
    description="Sent = accepted + discarded; live keys in raw = rows in the facts.",
)
def reconciliation(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    from orchestration.warehouse import connection
    from orchestration.warehouse import reconciliation as balances

    context.resources.progress.step("Checks")
    with patience(context), connection.connect(context.resources.settings, "transformer") as conn:
        return balance_result(balances.reconcile(conn))


@dg.asset_check(
    asset=LINKAGE_CHECK,
    required_resource_keys={"settings", "progress"},
    description="Records linked by code come to the same person when the code is hidden.",
)
def linkage(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    from orchestration.identity import standing_check
    from orchestration.warehouse import connection

    context.resources.progress.step("Checks")
    with patience(context), connection.connect(context.resources.settings, "transformer") as conn:
        found = standing_check.latest(conn)
    return dg.AssetCheckResult(
        passed=found.is_good,
        severity=dg.AssetCheckSeverity.WARN,
        description=found.sentence,
        metadata={"records": found.n_records, "right": found.n_right, "wrong": found.n_wrong},
    )


def balance_result(found: list[Balance]) -> dg.AssetCheckResult:
    """Error when any balance is broken, with both sides of each."""
    broken = [each.sentence for each in found if not each.holds]
    return dg.AssetCheckResult(
        passed=not broken,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(f"broken: {sentence}" for sentence in broken) or "All counts agree from file to fact.",
        metadata={each.name: f"{each.left} = {each.right}" if each.holds else broken_side(each) for each in found},
    )


def broken_side(balance: Balance) -> str:
    return f"{balance.left} against {balance.right}, {balance.broken} deliveries or keys differ"


def suite_check(suite: Suite) -> dg.AssetChecksDefinition:
    """A suite as a check of the asset that it is about; all of them wait for the facts."""
    asset = dg.AssetKey(suite.asset)

    @dg.asset_check(
        name=suite.name,
        asset=asset,
        additional_deps=[key for key in (CONTACT, DEMAND) if key != asset],
        required_resource_keys={"settings", "progress", "today"},
        description=suite.description,
        compute_kind="great_expectations",
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        context.resources.progress.step("Checks")
        today: date = context.resources.today
        with patience(context):
            return suite_result(suites.run(context.resources.settings, suite, today))

    return check


def suite_result(found: SuiteResult) -> dg.AssetCheckResult:
    """Warning with the offending senders, periods and counts; never more than those."""
    metadata: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(found.rows),
        "offending_rows": dg.MetadataValue.int(found.offending_rows),
    }
    if found.offenders:
        metadata["offenders"] = dg.MetadataValue.table([dg.TableRecord(row) for row in found.offenders])
    said = ""
    if found.senders:
        metadata["senders"] = dg.MetadataValue.text(", ".join(found.senders))
        shown = ", ".join(found.senders[:_NAMED]) + (" …" if len(found.senders) > _NAMED else "")
        said = f": {found.offending_rows} periods of {len(found.senders)} senders ({shown})"
    return dg.AssetCheckResult(
        passed=found.is_successful,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(found.broken) + said or "As expected.",
        metadata=metadata,
    )
