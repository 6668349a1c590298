"""Jobs: what is run together. Everything that is pending is one job; looking at the calendar without building is the
other."""

from __future__ import annotations

import dagster as dg

#: All that is pending: landing, gate, identity, dbt, checks. The run of `iass run`, of the sensor and of the schedules.
RUN_ALL = "run_all"
#: The data-set checks alone: the calendar moves on even when nothing arrives.
CHECK_DATASETS = "check_datasets"


def jobs(checks: list[dg.AssetChecksDefinition]) -> list[dg.UnresolvedAssetJobDefinition]:
    """Both jobs. External assets (raw tables) are not executed, so the selection leaves them out by itself."""
    return [
        dg.define_asset_job(
            RUN_ALL,
            selection=dg.AssetSelection.all(),
            description="Take in, link, build and check all that is pending.",
        ),
        dg.define_asset_job(
            CHECK_DATASETS,
            selection=dg.AssetSelection.checks(*checks),
            description="Hold the warehouse against the calendar and the senders' own history.",
        ),
    ]
