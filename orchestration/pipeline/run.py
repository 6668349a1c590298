"""One Dagster run of all that is pending, in this process and in the home's own instance."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from orchestration.errors import IassError
from orchestration.pipeline import summary
from orchestration.pipeline.watch import Watch
from orchestration.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, ExecuteInProcessResult


def run_all(settings: Settings, *, console: Console | None = None, today: date | None = None) -> summary.RunSummary:
    """Start the database, take in what waits, link persons, build, check. `today`: the day the calendar is read at."""
    begun = time.perf_counter()
    console = console or Console(stderr=True)
    watch = Watch(console)
    with one_at_a_time(settings, console), watch:
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
        return summary.read(settings, watch, result, begun)


@contextmanager
def one_at_a_time(settings: Settings, console: Console) -> Iterator[None]:
    """Runs of one home share its Dagster instance and dbt's folders: the second waits for the first, and says so. The
    lock ends with the process, however it ends."""
    settings.make_folders()
    with (settings.state_dir / "run.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("Another `iass run` works on this home: waiting until it has ended.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


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
            step = summary.STEPS.get(event.step_key or "", summary.CHECKS)
            if error and error.cls_name == IassError.__name__:
                return f"{step}: {error.message.split(':', 1)[1].strip()}"
            kind = error.cls_name if error else "unknown reason"
            return f"{step} failed ({kind}): see the run {result.run_id} with `iass dagster`, then `iass run` again."
    return f"The run {result.run_id} failed: see it with `iass dagster`."
