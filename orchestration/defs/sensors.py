"""The sensor on the landing folder: files that have come to rest ask for one run.

It looks at names, sizes and times only, never into a file or into the database. The run key is made of them, so the
same files ask once: when a run could not take them in, the next schedule tries again, not an endless row of failing
runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

import dagster as dg

from orchestration.defs.jobs import RUN_ALL
from orchestration.intake import landing
from orchestration.settings import Settings

_BUSY = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def resting_files(folder: Path, now: float, rest_seconds: float) -> list[tuple[str, int, int]]:
    """Name, size and time of change of each file that the gate would take now."""
    found = []
    for path in sorted(landing.files([folder], now, rest_seconds)[0]):
        with contextlib.suppress(landing.LeftAlone):
            seen = landing.look(path)
            found.append((landing.shown(path.relative_to(folder).as_posix()), seen.size, seen.written_ns))
    return found


def fingerprint(files: list[tuple[str, int, int]]) -> str:
    """The same files give the same text. File names can be anything a sender writes, so they are hashed."""
    return hashlib.sha256(repr(files).encode()).hexdigest()[:32]


def landing_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="landing",
        job_name=RUN_ALL,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a run when files have come to rest in the landing folder.",
    )
    def landing_folder(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        files = resting_files(settings.landing_dir, time.time(), settings.rest_seconds)
        if not files:
            return dg.SkipReason("No file is waiting.")
        seen = fingerprint(files)
        if seen == context.cursor:
            return dg.SkipReason(f"The same {len(files)} files were already asked for.")
        if context.instance.get_runs_count(dg.RunsFilter(job_name=RUN_ALL, statuses=_BUSY)):
            return dg.SkipReason("A run is at work; what it leaves is asked for at the next look.")
        return dg.SensorResult(run_requests=[dg.RunRequest(run_key=seen)], cursor=seen)

    return landing_folder
