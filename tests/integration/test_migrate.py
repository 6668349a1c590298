"""Migrations: once, in order, whole or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection, migrate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's migrations, to be tampered with."""
    return Path(shutil.copytree(migrate.MIGRATIONS, tmp_path / "migrations"))


def _next(folder: Path, name: str, sql: str) -> Path:
    path = folder / f"{len(migrate.available(folder)) + 1:04}_{name}.sql"
    path.write_text(sql)
    return path


def test_nothing_is_applied_twice(settings: Settings) -> None:
    assert migrate.migrate(settings) == []


def test_a_new_file_is_applied_and_written_down(settings: Settings, folder: Path) -> None:
    path = _next(folder, "more", "create table access.more (id integer);\ncreate table access.most (id integer);")
    assert migrate.migrate(settings, folder) == [path.name]
    assert migrate.migrate(settings, folder) == []
    with connection.connect(settings, "owner") as conn:
        assert conn.execute("select count(*) from access.more, access.most").fetchone() == (0,)
        assert migrate.applied_count(conn) == len(migrate.available(folder))


def test_a_changed_file_is_refused_by_name(settings: Settings, folder: Path) -> None:
    path = sorted(folder.glob("*.sql"))[1]
    path.write_text(path.read_text() + "\n-- a later thought")
    with pytest.raises(IassError, match=f"{path.name} was changed"):
        migrate.migrate(settings, folder)


def test_a_failing_file_leaves_nothing_behind(settings: Settings, folder: Path) -> None:
    path = _next(folder, "broken", "create table access.half (id integer);\ncreate table access.half (id integer);")
    with pytest.raises(IassError, match=f"{path.name} failed and was rolled back"):
        migrate.migrate(settings, folder)
    with connection.connect(settings, "owner") as conn:
        assert conn.execute("select to_regclass('access.half')").fetchone() == (None,)
        assert migrate.applied_count(conn) == len(migrate.available())


def test_a_role_that_a_migration_takes_does_not_reach_the_next(settings: Settings, folder: Path) -> None:
    _next(folder, "as_transformer", "set role iass_transformer;\ncreate table core.one (id integer);")
    _next(folder, "as_owner", "create table access.two (id integer);")
    assert len(migrate.migrate(settings, folder)) == 2


def test_an_older_project_does_not_work_on_a_newer_database(settings: Settings, folder: Path) -> None:
    sorted(folder.glob("*.sql"))[-1].unlink()
    with pytest.raises(IassError, match="newer version"):
        migrate.migrate(settings, folder)


def test_numbers_have_neither_gaps_nor_doubles(folder: Path) -> None:
    (folder / "0099_far.sql").write_text("select 1;")
    with pytest.raises(IassError, match="not numbered"):
        migrate.available(folder)


def test_only_roles_take_the_prefix() -> None:
    sql = "grant select on raw.iass__contact, seeds.iass_something to iass_loader, iass_analyst;"
    changed = migrate._with_prefix(sql, "due")
    assert changed == "grant select on raw.iass__contact, seeds.iass_something to due_loader, due_analyst;"
    assert migrate._with_prefix(sql, "iass") == sql
