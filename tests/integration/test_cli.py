"""The command line as a person or a script meets it: a process, its exit code, its output."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.settings import Settings

IASS = str(Path(sys.executable).with_name("iass"))
COMMANDS = "up down status url psql intake deliveries receipt build run dagster rules demo nomenclature"


def iass(settings: Settings, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("IASS_")}
    environment |= settings.environment() | {"COLUMNS": "200"} | extra
    return subprocess.run([IASS, *arguments], env=environment, capture_output=True, text=True)


def test_help_answers_at_once_and_names_every_command(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = iass(settings, "--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert shown.returncode == 0
    for command in COMMANDS.split():
        assert command in shown.stdout
    # Time of the processor, so that a busy machine does not fail the test.
    assert (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime) < 0.5


def test_nothing_heavy_is_imported_for_help() -> None:
    code = (
        "import sys; import orchestration.cli; "
        "print([m for m in ('polars', 'psycopg', 'dagster', 'dbt', 'pyarrow', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_status_for_people_and_for_scripts(settings: Settings) -> None:
    assert "running" in iass(settings, "status").stdout
    found = json.loads(iass(settings, "status", "--json").stdout)
    assert found["is_running"] and found["migrations_pending"] == 0


def test_status_of_a_home_that_was_never_started(tmp_path: Path) -> None:
    done = iass(Settings(home=tmp_path / "never"), "status")
    assert done.returncode == 0 and "not running" in done.stdout
    assert not (tmp_path / "never").exists()


def test_psql_passes_its_arguments_on_as_the_analyst(settings: Settings) -> None:
    done = iass(settings, "psql", "-At", "-c", "select current_user, 1 + 1")
    assert done.stdout == f"{settings.role_name('analyst')}|2\n"


def test_psql_as_another_role_and_with_its_exit_code(settings: Settings) -> None:
    done = iass(settings, "psql", "--role", "loader", "--", "-Atc", "select count(*) from landing.delivery")
    assert done.stdout == "0\n"
    done = iass(settings, "psql", "-c", "select * from landing.delivery")
    assert done.returncode == 1 and "permission denied" in done.stderr


def test_url_opens_the_warehouse(settings: Settings) -> None:
    import psycopg

    dsn = iass(settings, "url", "--role", "identity").stdout.strip()
    with psycopg.connect(dsn) as conn:
        assert conn.execute("select current_user::text").fetchone() == (settings.role_name("identity"),)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["url", "--role", "root"], "There is no role 'root'"),
        (["intake", "/does/not/exist"], "/does/not/exist does not exist"),
        (["deliveries", "--outcome", "lost"], "There is no outcome 'lost'"),
        (["rules", "NOPE"], "There is no flow 'NOPE'"),
    ],
)
def test_errors_are_one_sentence_with_exit_code_1(settings: Settings, arguments: list[str], sentence: str) -> None:
    done = iass(settings, *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"iass: {sentence}") and done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_a_server_that_does_not_answer_is_an_error_without_its_password(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url="postgresql://boss:secret-word@127.0.0.1:1/postgres")
    done = iass(settings, "up")
    assert done.returncode == 1 and "does not answer" in done.stderr
    assert "secret-word" not in done.stderr and "Traceback" not in done.stderr
