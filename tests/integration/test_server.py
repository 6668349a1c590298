"""The embedded server: start, survival, crash, independence of homes; roles on whatever server there is."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from orchestration.errors import IassError
from orchestration.settings import ROLES, Settings
from orchestration.warehouse import connection, roles, server

START = (
    "from orchestration import settings as s; from orchestration.warehouse import server; server.up(s.Settings.load())"
)


def _environment(settings: Settings) -> dict[str, str]:
    """A child's environment for these settings and no others."""
    return {k: v for k, v in os.environ.items() if not k.startswith("IASS_")} | settings.environment()


@pytest.fixture
def new_home(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Settings]]:
    """Makes homes with an embedded server of their own, stopped at the end."""
    made: list[Settings] = []

    def make(name: str) -> Settings:
        made.append(Settings(home=server_folder / request.node.name / name, is_durable=False))
        return made[-1]

    yield make
    for settings in made:
        server.down(settings)


def _postmaster_pid(settings: Settings) -> int:
    return int((settings.pgdata_dir / "postmaster.pid").read_text().splitlines()[0])


def _kill_postmaster(settings: Settings) -> int:
    """As a power cut does it: the server has no time to tidy up."""
    pid = _postmaster_pid(settings)
    os.kill(pid, signal.SIGKILL)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.05)
    return pid


def _marked(settings: Settings, mark: str) -> None:
    with connection.connect(settings, "owner") as conn:
        conn.execute("create table access.mark (text text)")
        conn.execute("insert into access.mark values (%s)", [mark])


def _mark(settings: Settings) -> str:
    with connection.connect(settings, "owner") as conn:
        return str(conn.execute("select text from access.mark").fetchone()[0])  # type: ignore[index]


def test_each_test_has_an_empty_migrated_warehouse_of_its_own(settings: Settings) -> None:
    with connection.connect(settings, "loader") as conn:
        assert conn.execute("select count(*) from landing.delivery").fetchone() == (0,)
        assert conn.execute("select current_database()").fetchone() == (settings.database_name,)


def test_up_is_idempotent_and_fast(settings: Settings) -> None:
    server.up(settings)
    began = time.perf_counter()
    server.up(settings)
    assert time.perf_counter() - began < 1
    assert server.status(settings).migrations_pending == 0


def test_a_password_that_changed_is_set_again(settings: Settings) -> None:
    with connection.connect_admin(settings) as admin:
        admin.execute(f"alter role {settings.role_name('analyst')} password 'another'")
    with pytest.raises(IassError, match="iass up"):
        connection.connect(settings, "analyst")
    roles.ensure(settings)
    connection.connect(settings, "analyst").close()


def test_a_database_filled_with_another_key_is_not_touched(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    server.up(settings)
    monkeypatch.setenv("IASS_PSEUDONYM_KEY", "b" * 64)
    server.up(settings)  # nothing was delivered yet, so the new key is as good
    with connection.connect(settings, "loader") as conn:
        conn.execute(
            "insert into landing.delivery (file_name, sha256, size_bytes, received_at, outcome) "
            "values ('x', 'x', 0, now(), 'refused')"
        )
    server.up(settings)
    monkeypatch.setenv("IASS_PSEUDONYM_KEY", "c" * 64)
    with pytest.raises(IassError, match="another pseudonym key") as error:
        server.up(settings)
    assert "ccc" not in str(error.value)


def test_a_lost_key_is_not_replaced_in_silence(settings: Settings) -> None:
    """A new key would make a stranger of every known person."""
    server.up(settings)
    with connection.connect(settings, "loader") as conn:
        conn.execute(
            "insert into landing.delivery (file_name, sha256, size_bytes, received_at, outcome) "
            "values ('x', 'x', 0, now(), 'refused')"
        )
    key = settings.secrets_dir / "pseudonym_key"
    kept = key.read_text()
    key.unlink()
    with pytest.raises(IassError, match="is missing"):
        server.up(settings)
    assert not key.exists()
    key.write_text(kept)
    server.up(settings)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take something away from another account")
def test_root_does_not_take_a_home_away_from_its_account(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("theirs")
    settings.make_folders()
    (settings.postgres_dir / "data").mkdir(parents=True)
    other = 12345
    for path in (settings.home, *settings.home.rglob("*")):
        os.chown(path, other, other)
    with pytest.raises(IassError, match="belongs to the account number 12345"):
        server.up(settings)
    assert settings.pgdata_dir.stat().st_uid == other
    os.chown(settings.home, 0, 0)


def test_another_prefix_makes_other_roles(new_settings: Callable[[], Settings]) -> None:
    settings = replace(new_settings(), role_prefix="elsewhere", database_name="elsewhere_test")
    try:
        server.up(settings)
        with connection.connect(settings, "loader") as conn:
            assert conn.execute("select current_user, count(*) from raw.iass__contact group by 1").fetchone() is None
            assert conn.execute("select current_user::text").fetchone() == ("elsewhere_loader",)
    finally:
        with connection.connect_admin(settings) as admin:
            admin.execute("drop database if exists elsewhere_test with (force)")
            for role in ROLES:
                admin.execute(f"drop role if exists elsewhere_{role}")


def test_an_administrator_who_is_no_superuser_is_enough(settings: Settings, tmp_path: Path) -> None:
    """As on managed services: CREATEROLE and CREATEDB, nothing more."""
    place = connection.admin_url(settings).split("@", 1)[1]
    managed = Settings(
        home=tmp_path / "managed",
        database_url=f"postgresql://managed_admin:word@{place}",
        database_name="managed_test",
        role_prefix="managed",
    )
    with connection.connect_admin(settings) as admin:
        admin.execute("create role managed_admin login createrole createdb password 'word'")
        try:
            server.up(managed)
            server.up(managed)
            assert server.status(managed).migrations_pending == 0
            with connection.connect(managed, "analyst") as conn:
                assert conn.execute("select current_user::text").fetchone() == ("managed_analyst",)
        finally:
            admin.execute("drop database if exists managed_test with (force)")
            for name in (*(managed.role_name(role) for role in ROLES), "managed_admin"):
                admin.execute(f"drop role if exists {name}")


def test_nobody_works_as_superuser(settings: Settings) -> None:
    for role in ROLES:
        with connection.connect(settings, role) as conn:
            assert conn.info.parameter_status("is_superuser") == "off"


def test_the_server_outlives_the_process_that_started_it(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    subprocess.run([sys.executable, "-c", START], env=_environment(settings), check=True)
    assert server.status(settings).is_running
    connection.connect(settings, "loader").close()


def test_it_listens_on_this_machine_only_and_asks_for_a_password(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    server.up(settings)
    with connection.connect_admin(settings) as admin:
        shown = {
            name: admin.execute(f"show {name}").fetchone()[0]  # type: ignore[index]
            for name in ("listen_addresses", "unix_socket_directories", "synchronous_commit", "jit")
        }
        assert shown == {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "synchronous_commit": "on",
            "jit": "off",
        }
        assert admin.execute(
            "select datlocprovider::text, datlocale from pg_database where datname = 'iass'"
        ).fetchone() == ("b", "C.UTF-8")
    _, password = connection.without_password(connection.admin_url(settings))
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(connection.admin_url(settings).replace(password, "wrong")).close()


def test_data_that_somebody_keeps_is_synced_to_disk(tmp_path: Path) -> None:
    kept = server.configuration(Settings(home=tmp_path), 5432)
    assert "fsync" not in kept and "full_page_writes" not in kept and kept["synchronous_commit"] == "on"


def test_secrets_are_for_the_owner_of_the_home_only(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    server.up(settings)
    assert settings.pseudonym_key
    assert stat.S_IMODE(settings.secrets_dir.stat().st_mode) == 0o700
    for secret in settings.secrets_dir.iterdir():
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert secret.stat().st_uid == os.geteuid()
    for folder in (settings.archive_dir, settings.landing_dir, settings.receipts_dir, settings.state_dir):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_after_a_kill_everything_committed_is_back(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    server.up(settings)
    _marked(settings, "kept")
    _kill_postmaster(settings)
    assert not server.status(settings).is_running
    server.up(settings)
    assert _mark(settings) == "kept"


def test_a_pid_that_a_stranger_has_now_does_not_stop_the_start(new_home: Callable[[str], Settings]) -> None:
    first, second = new_home("first"), new_home("second")
    server.up(first)
    server.up(second)
    _kill_postmaster(first)
    # The worst stranger: another home's server, alive and of the same account.
    pid_file = first.pgdata_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(_postmaster_pid(second)), *lines[1:]]) + "\n")
    assert not server.status(first).is_running
    server.up(first)
    assert server.status(first).is_running and server.status(second).is_running


def test_two_homes_do_not_disturb_each_other(new_home: Callable[[str], Settings]) -> None:
    first, second = new_home("first"), new_home("second")
    server.up(first)
    server.up(second)
    _marked(first, "first")
    _marked(second, "second")
    assert server.down(first)
    assert _mark(second) == "second"
    server.up(first)
    assert (_mark(first), _mark(second)) == ("first", "second")


def test_the_port_is_kept_and_chosen_again_when_taken(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    server.up(settings)
    port = json.loads(connection.port_file(settings).read_text())["port"]
    server.down(settings)
    server.up(settings)
    assert json.loads(connection.port_file(settings).read_text())["port"] == port
    server.down(settings)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        server.up(settings)
        assert json.loads(connection.port_file(settings).read_text())["port"] != port
        connection.connect(settings, "loader").close()


def test_several_starts_at_once_make_one_server(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    env = _environment(settings)
    started = [subprocess.Popen([sys.executable, "-c", START], env=env) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert server.status(settings).migrations_pending == 0


def test_half_a_cluster_is_made_anew(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    settings.make_folders()
    (settings.postgres_dir / "data.new").mkdir(parents=True)
    (settings.postgres_dir / "data.new" / "rest").write_text("of an initdb that was killed")
    server.up(settings)
    assert server.status(settings).is_running


def test_down_says_whether_there_was_something_to_stop(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    assert not server.down(settings)
    server.up(settings)
    assert server.down(settings)
    assert not server.down(settings)
    assert server.status(settings).is_running is False


def test_without_a_server_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(IassError, match="iass up"):
        connection.connect(Settings(home=tmp_path / "never"), "loader")


def test_an_external_server_is_not_ours_to_stop(tmp_path: Path) -> None:
    with pytest.raises(IassError, match="external"):
        server.down(Settings(home=tmp_path, database_url="postgresql://admin@db.example/postgres"))


def test_the_log_of_the_server_repeats_no_values(new_home: Callable[[str], Settings]) -> None:
    settings = new_home("first")
    server.up(settings)
    with connection.connect(settings, "owner", autocommit=True) as conn:
        conn.execute("create table access.person (name text primary key)")
        for _ in range(2):
            with contextlib.suppress(psycopg.errors.UniqueViolation):
                conn.execute("insert into access.person values ('ROSSI MARIO')")
    assert "ROSSI" not in (settings.postgres_dir / "server.log").read_text()
