"""What Dagster loads: assembles the parts of `orchestration.defs` for one home, and nothing else.

Loading reads contracts, suites and dbt's manifest from disk and touches neither network nor database. The manifest is
made by `dbt parse` when it is missing or the project has changed since; `iass dagster` and the image do that
beforehand.
"""

from __future__ import annotations

from datetime import date

import dagster as dg

from orchestration.defs import assets, checks, jobs, resources, restitution, schedules, sensors
from orchestration.settings import Settings
from orchestration.warehouse import dbt


def build(
    settings: Settings, *, today: date | None = None, progress: resources.Progress | None = None
) -> dg.Definitions:
    """All definitions of one home. `today` and `progress` replace the calendar's day and the watcher in one run."""
    dataset_checks = checks.checks()
    return dg.Definitions(
        assets=[
            assets.landing_files,
            assets.gate_tables,
            *assets.raw_tables(),
            assets.identity_person,
            assets.dbt_models(dbt.manifest(settings)),
            *restitution.reports(),
            restitution.publication,
        ],
        asset_checks=dataset_checks,
        jobs=jobs.jobs(dataset_checks),
        schedules=schedules.schedules(),
        sensors=[sensors.landing_sensor(settings)],
        resources=resources.resources(settings, today=today, progress=progress),
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """For `dagster -m orchestration.definitions`: the home that the environment names."""
    return build(Settings.load())
