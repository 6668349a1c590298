"""Definitions load as the server loads them, and what they are called is a decision: a rename shows here first."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration import definitions
from orchestration.settings import Settings

LISTING = Path(__file__).with_name("listing.txt")
PACKAGE = Path(definitions.__file__).parent


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("definitions"))


@pytest.fixture(scope="module")
def defs(home: Settings) -> dg.Definitions:
    return definitions.build(home)


def _listing(defs: dg.Definitions) -> Iterator[str]:
    graph = defs.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        kind = "asset" if node.is_executable else "asset (written by others)"
        partitions = f" by {type(node.partitions_def).__name__}" if node.partitions_def else ""
        yield f"{kind} {key.to_user_string()} [{node.group_name}]{partitions}"
    ours = {"reconciliation", "silent_senders", "freshness", "volumes", "registry_size", "distributions"}
    ours |= {"every_file_is_taken"}
    yield from sorted(
        f"check {key.name} of {key.asset_key.to_user_string()}" for key in graph.asset_check_keys if key.name in ours
    )
    repository = defs.get_repository_def()
    yield from sorted(f"job {name}" for name in repository.job_names if not name.startswith("__"))
    for schedule in sorted(repository.schedule_defs, key=lambda each: each.name):
        lines = schedule.cron_schedule if isinstance(schedule.cron_schedule, str) else "; ".join(schedule.cron_schedule)
        yield f"schedule {schedule.name} [{lines}] of {schedule.job_name}"
    yield from sorted(f"sensor {sensor.name} of {sensor.job_name}" for sensor in repository.sensor_defs)


def test_names_are_those_of_the_stored_listing(defs: dg.Definitions) -> None:
    found = [line + "\n" for line in _listing(defs)]
    if os.environ.get("IASS_UPDATE_LISTING"):
        LISTING.write_text("".join(found))
    stored = LISTING.read_text().splitlines(keepends=True)
    difference = "".join(difflib.unified_diff(stored, found, "stored", "found"))
    assert not difference, f"\n{difference}\nIf this is meant, run the test once with IASS_UPDATE_LISTING=1.\n"


def test_every_definition_is_valid(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_nothing_that_models_read_is_without_an_owner(defs: dg.Definitions) -> None:
    """Dagster makes up an asset, in group `default`, for what a model reads and nobody is said to write."""
    graph = defs.resolve_asset_graph()
    keys = graph.get_all_asset_keys()
    strays = sorted(key.to_user_string() for key in keys if graph.get(key).group_name == "default")
    assert not strays, f"models read what no asset writes: {strays}"
    assert not [key for key in keys if key.path[0] == "vault"], "nothing in the asset graph may stand on the vault"


def test_the_run_of_all_that_is_pending_gives_nothing_back(defs: dg.Definitions) -> None:
    """Reports and open data are made when somebody asks for a period, not with every delivery."""
    jobs = {name: defs.resolve_job_def(name).asset_layer.executable_asset_keys for name in ("run_all", "reports")}
    given_back = {key for keys in jobs.values() for key in keys if key.path[0] in ("report", "published")}
    assert len(jobs["run_all"]) > 100 and not jobs["run_all"] & given_back, sorted(jobs["run_all"] & given_back)
    assert jobs["reports"] == given_back and given_back, sorted(jobs["reports"])


def test_loading_needs_no_database_and_no_heavy_library(home: Settings) -> None:
    """As the code server does it, in a process of its own: no connection is made, and Great Expectations stays away."""
    script = (
        "import socket, sys\n"
        "def no(*_, **__): raise AssertionError('loading opened a connection')\n"
        "socket.socket.connect = no\n"
        "from orchestration import definitions\n"
        "definitions.defs().get_repository_def()\n"
        "heavy = {'great_expectations', 'psycopg_pool', 'splink', 'dbt.cli'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {**os.environ, **home.environment()}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_only_defs_knows_dagster() -> None:
    """The gate, identity and the warehouse work without an orchestrator."""
    outside = ("intake", "identity", "warehouse", "demo")
    knowing = [
        str(path.relative_to(PACKAGE))
        for folder in outside
        for path in (PACKAGE / folder).rglob("*.py")
        if "import dagster" in path.read_text() or "from dagster" in path.read_text()
    ]
    assert not knowing


def test_assembly_only_assembles() -> None:
    assert len((PACKAGE / "definitions.py").read_text().splitlines()) < 60
