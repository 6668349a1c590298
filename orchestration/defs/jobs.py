"""Jobs: what is run together. Everything that is pending is one job; looking at the calendar without building is
another; what is given back of a period, reports and open data, is made when somebody asks for that period."""

from __future__ import annotations

import dagster as dg

from orchestration.defs import restitution

#: All that is pending: landing, gate, identity, dbt, checks. The run of `iass run`, of the sensor and of the schedules.
RUN_ALL = "run_all"
#: The data-set checks alone: the calendar moves on even when nothing arrives.
CHECK_DATASETS = "check_datasets"
#: All reports of a period; the open data of a period.
REPORTS, PUBLISH = "reports", "publish"


def jobs(checks: list[dg.AssetChecksDefinition]) -> list[dg.UnresolvedAssetJobDefinition]:
    """All jobs. External assets (raw tables) are not executed, so the selection leaves them out by itself."""
    given_back = dg.AssetSelection.groups(restitution.GROUP)
    publication = dg.AssetSelection.assets(restitution.PUBLICATION)
    return [
        dg.define_asset_job(
            RUN_ALL,
            selection=dg.AssetSelection.all() - given_back,
            description="Take in, link, build and check all that is pending.",
        ),
        dg.define_asset_job(
            CHECK_DATASETS,
            selection=dg.AssetSelection.checks(*checks),
            description="Hold the warehouse against the calendar and the senders' own history.",
        ),
        dg.define_asset_job(REPORTS, selection=given_back - publication, description="Make all reports of a period."),
        dg.define_asset_job(PUBLISH, selection=publication, description="Publish the open data of a period."),
    ]
