"""DSNs of the warehouse, for the embedded server and for others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection


def test_the_embedded_server_is_found_by_its_port(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.postgres_dir.mkdir()
    connection.port_file(settings).write_text(json.dumps({"port": 5999}))
    parts = conninfo_to_dict(connection.url(settings, "analyst"))
    assert parts == {
        "host": "127.0.0.1",
        "port": "5999",
        "user": "iass_analyst",
        "password": settings.password("analyst"),
        "dbname": "iass",
    }


def test_an_external_server_keeps_its_options_and_not_its_administrator(tmp_path: Path) -> None:
    url = "postgresql://boss:p%40ss@db.example:6432/maintenance?sslmode=require"
    settings = Settings(home=tmp_path, database_url=url, database_name="iass")
    parts = conninfo_to_dict(connection.url(settings, "loader"))
    assert (parts["user"], parts["dbname"], parts["port"], parts["sslmode"]) == (
        "iass_loader",
        "iass",
        "6432",
        "require",
    )
    assert conninfo_to_dict(connection.admin_url(settings)) == conninfo_to_dict(url)


def test_passwords_of_any_kind_survive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IASS_PASSWORD_LOADER", "p@ss:w/rd %?#")
    settings = Settings(home=tmp_path, database_url="postgresql://boss@[::1]/postgres")
    dsn = connection.url(settings, "loader")
    assert conninfo_to_dict(dsn)["password"] == "p@ss:w/rd %?#"  # noqa: S105
    bare, password = connection.without_password(dsn)
    assert password == "p@ss:w/rd %?#"  # noqa: S105
    assert "password" not in conninfo_to_dict(bare) and conninfo_to_dict(bare)["host"] == "::1"


@pytest.mark.parametrize("url", ["not a url", "postgresql:///nowhere", "mysql://a@b/c"])
def test_a_url_that_cannot_be_used_says_how_to_write_it_and_is_not_repeated(tmp_path: Path, url: str) -> None:
    with pytest.raises(IassError, match="postgresql://user:password@host") as error:
        connection.url(Settings(home=tmp_path, database_url=url), "loader")
    assert url not in str(error.value)
