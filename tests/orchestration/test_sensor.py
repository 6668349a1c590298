"""The landing sensor asks once for the same files, and for nothing that is still being written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs import sensors
from orchestration.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path)
    settings.make_folders()
    return settings


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sensor looks a minute after the files have come: nobody can set back when a file was changed."""
    now = time.time
    monkeypatch.setattr(sensors.time, "time", lambda: now() + 60)


def _arrive(settings: Settings, name: str, *, written_at: float = 1e9) -> Path:
    path = settings.landing_dir / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("anything")
    os.utime(path, (written_at,) * 2)
    return path


def _look(
    settings: Settings, instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[list[str | None], str | None]:
    context = dg.build_sensor_context(instance=instance, cursor=cursor)
    found = sensors.landing_sensor(settings)(context)
    if isinstance(found, dg.SkipReason):
        return [], cursor
    assert isinstance(found, dg.SensorResult)
    return [request.run_key for request in found.run_requests or []], found.cursor


def test_an_empty_folder_asks_for_nothing(home: Settings, instance: dg.DagsterInstance) -> None:
    assert _look(home, instance) == ([], None)


def test_the_same_files_are_asked_for_once(home: Settings, instance: dg.DagsterInstance) -> None:
    _arrive(home, "10502/IASS_10502_2013-03_001.xml")
    first, cursor = _look(home, instance)
    assert len(first) == 1
    assert _look(home, instance, cursor) == ([], cursor), "a run that left the file must not be repeated for ever"
    assert _look(home, instance, None)[0] == first, "the run key stops a second run even when the cursor was lost"


def test_a_new_file_or_new_content_asks_again(home: Settings, instance: dg.DagsterInstance) -> None:
    _arrive(home, "10502/IASS_10502_2013-03_001.xml")
    first, cursor = _look(home, instance)
    _arrive(home, "10502/IASS_10502_2013-03_002.xml")
    second, cursor = _look(home, instance, cursor)
    _arrive(home, "10502/IASS_10502_2013-03_002.xml", written_at=2e9)
    third, _ = _look(home, instance, cursor)
    assert len({*first, *second, *third}) == 3


def test_files_on_their_way_are_left_alone(home: Settings, instance: dg.DagsterInstance) -> None:
    home = replace(home, rest_seconds=90)
    _arrive(home, "10502/IASS_10502_2013-03_001.xml")
    _arrive(home, "10502/.IASS_10502_2013-03_002.xml.part")
    assert _look(home, instance) == ([], None)


def test_it_waits_for_a_run_at_work(home: Settings, instance: dg.DagsterInstance) -> None:
    _arrive(home, "10502/IASS_10502_2013-03_001.xml")

    @dg.job(name="run_all")
    def running() -> None: ...

    run = instance.create_run_for_job(running, status=dg.DagsterRunStatus.STARTED)
    assert _look(home, instance) == ([], None)
    instance.delete_run(run.run_id)
    assert len(_look(home, instance)[0]) == 1
