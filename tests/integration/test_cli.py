"""The command line as a person or a script meets it: a process, its exit code, its output."""

from __future__ import annotations

import fcntl
import io
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from orchestration.errors import NOT_BUILT
from orchestration.pipeline import run
from orchestration.settings import Settings

IASS = str(Path(sys.executable).with_name("iass"))
COMMANDS = "up down status url psql intake deliveries receipt build run dagster rules demo nomenclature"


def iass(settings: Settings, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("IASS_")}
    environment |= settings.environment() | {"COLUMNS": "200"} | extra
    return subprocess.run([IASS, *arguments], env=environment, capture_output=True, text=True)


def test_help_answers_at_once_and_names_every_command(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    # Time of the processor, and the best of some, so that a busy machine does not fail the test.
    seconds = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shown = iass(settings, "--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    assert shown.returncode == 0
    for command in COMMANDS.split():
        assert command in shown.stdout
    assert min(seconds) < 0.5, seconds


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


NOML = """codice_locale;descrizione_locale;codice_regionale;valido_dal;valido_al;nota
DOM.02;Assistenza;03.02;2013-01-01;;
"""


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """A folder with one delivery of a district."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "NOML_10502_2013-01-01_001.csv").write_text(NOML)
    return folder


def test_intake_gives_a_line_per_delivery(settings: Settings, inbox: Path) -> None:
    done = iass(settings, "intake", str(inbox))
    assert (done.returncode, done.stderr) == (0, "")
    first, total = done.stdout.splitlines()
    assert first.split()[:3] == ["accepted", "1", "NOML_10502_2013-01-01_001.csv"]
    assert "1 delivery: 1 accepted" in total
    assert "1 repeated" in iass(settings, "intake", str(inbox)).stdout


def test_a_delivery_refused_as_a_whole_gives_exit_code_3_and_leaves_the_others(settings: Settings, inbox: Path) -> None:
    (inbox / "NOML_10502_2013-02-01_002.csv").write_text(NOML)  # its 001 never came
    done = iass(settings, "intake", str(inbox), "--json")
    assert done.returncode == 3
    assert [(each["file_name"], each["outcome"]) for each in json.loads(done.stdout)] == [
        ("NOML_10502_2013-01-01_001.csv", "accepted"),
        ("NOML_10502_2013-02-01_002.csv", "refused"),
    ]


def test_the_ledger_and_its_receipts(settings: Settings, inbox: Path) -> None:
    iass(settings, "intake", str(inbox))
    rows = json.loads(iass(settings, "deliveries", "--flow", "NOML", "--sender", "10502", "--json").stdout)
    assert [row["period_code"] for row in rows] == ["2013-01-01"]
    assert json.loads(iass(settings, "deliveries", "--outcome", "refused", "--json").stdout) == []
    assert "No delivery matches" in iass(settings, "deliveries", "--period", "1999-01").stdout
    by_number = json.loads(iass(settings, "receipt", "1", "--json").stdout)
    by_name = json.loads(iass(settings, "receipt", "NOML_10502_2013-01-01_001.csv", "--json").stdout)
    assert by_number == by_name and by_number["counts"]["accepted"] == 1
    assert Path(by_number["folder"], "receipt.html").exists()
    assert "accepted" in iass(settings, "receipt", "1").stdout
    assert iass(settings, "receipt", "2").returncode == 1


def test_nomenclatures(settings: Settings, inbox: Path, tmp_path: Path) -> None:
    regional = json.loads(iass(settings, "nomenclature", "list", "--json").stdout)
    assert regional[0]["regional_code"] == "01.01"
    iass(settings, "intake", str(inbox))
    local = json.loads(iass(settings, "nomenclature", "list", "--sender", "10502", "--json").stdout)
    assert [(row["local_item_code"], row["regional_code"]) for row in local] == [("DOM.02", "03.02")]
    out = tmp_path / "regional.csv"
    assert iass(settings, "nomenclature", "export", "--out", str(out)).returncode == 0
    assert out.read_text() == iass(settings, "nomenclature", "export").stdout
    assert len(out.read_text().splitlines()) == 1 + len(regional)
    assert "in order" in iass(settings, "nomenclature", "check").stdout


def test_the_catalogue_of_rules(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "never")
    rules = json.loads(iass(settings, "rules", "IASS", "--json").stdout)
    assert len(rules) >= 45 and len({rule["code"] for rule in rules}) == len(rules)
    assert rules[0]["sentence_it"] in iass(settings, "rules", "iass").stdout
    assert not settings.home.exists()  # to read the catalogue nothing has to be started


def test_the_region_beside_the_published_figures(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "never")
    arguments = ["demo", "generate", "--scale", "0.002", "--months", "1", "--seed", "3", "--out", str(tmp_path / "out")]
    shown = iass(settings, *arguments)
    assert shown.returncode == 0 and "contatti" in shown.stdout and "residents" in shown.stdout
    assert list((tmp_path / "out" / "landing").rglob("NAAR_080_*"))
    assert not settings.home.exists()
    assert "not a month" in iass(settings, "demo", "generate", "--from", "May", "--out", str(tmp_path)).stderr


@pytest.mark.parametrize(
    "command",
    [
        "report list",
        "report build",
        "report build --period 2013",
        "publish",
        "publish --period 2013",
        "metrics query --metrics contacts --by district",
    ],
)
def test_before_the_first_build_readers_are_told_to_build(settings: Settings, command: str) -> None:
    done = iass(settings, *command.split())
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"iass: {NOT_BUILT}\n"), command


def test_a_terminal_of_few_characters_ends_no_command(settings: Settings) -> None:
    done = iass(settings, "rules", "IASS", LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr


def test_a_second_run_waits_and_says_so(settings: Settings) -> None:
    """Two runs of one home would spoil each other's Dagster instance and dbt folders."""
    settings.make_folders()
    said = Console(file=io.StringIO(), width=200)
    with (settings.state_dir / "run.lock").open("a") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        done: list[str] = []
        with ThreadPoolExecutor(1) as pool:

            def second() -> None:
                with run.one_at_a_time(settings, said):
                    done.append("second")

            waiting = pool.submit(second)
            for _ in range(100):
                if "waiting" in said.file.getvalue():  # type: ignore[attr-defined]
                    break
                time.sleep(0.05)
            done.append("first")
            fcntl.flock(first, fcntl.LOCK_UN)
            waiting.result(timeout=30)
    assert done == ["first", "second"]
