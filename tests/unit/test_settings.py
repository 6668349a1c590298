"""Paths, names and secrets of an installation."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestration.errors import IassError
from orchestration.settings import ROLES, Settings


def test_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.load(environ={})
    assert settings == Settings(home=tmp_path / ".iass")
    assert settings.database_url is None and settings.is_durable
    assert [settings.role_name(role) for role in ROLES] == [f"iass_{role}" for role in ROLES]


def test_the_environment_carries_settings_to_a_child(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path / "a",
        database_url="postgresql://admin:x@db.example:5433/postgres?sslmode=require",
        database_name="other",
        role_prefix="due",
        server_home=tmp_path / "b",
        is_durable=False,
        rest_seconds=2.5,
    )
    assert Settings.load(environ=settings.environment()) == settings


def test_an_argument_wins_over_the_environment(tmp_path: Path) -> None:
    assert Settings.load(tmp_path / "mine", environ={"IASS_HOME": "/elsewhere"}).home == tmp_path / "mine"


@pytest.mark.parametrize("name", ["Iass", "1iass", "iass; drop", "", "a" * 60])
def test_names_that_postgres_would_need_quoted_are_refused(name: str) -> None:
    environ = {"IASS_ROLE_PREFIX": name}
    if name:
        with pytest.raises(IassError, match="IASS_ROLE_PREFIX"):
            Settings.load(environ=environ)
    else:
        assert Settings.load(environ=environ).role_prefix == "iass"


def test_secrets_are_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IASS_PSEUDONYM_KEY", raising=False)
    settings = Settings(home=tmp_path)
    key = settings.pseudonym_key
    assert len(key) >= 32 and Settings(home=tmp_path).pseudonym_key == key
    assert Settings(home=tmp_path / "other").pseudonym_key != key
    assert settings.password("loader") != settings.password("analyst")
    assert stat.S_IMODE((tmp_path / "secrets" / "pseudonym_key").stat().st_mode) == 0o600


def test_two_that_start_at_once_read_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: Settings(home=tmp_path).password("loader"), range(32)))
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "secrets").iterdir()] == ["password_loader"]


def test_secrets_from_the_environment_win(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IASS_PSEUDONYM_KEY", "k" * 40)
    monkeypatch.setenv("IASS_PASSWORD_LOADER", "from-outside")
    settings = Settings(home=tmp_path)
    assert settings.pseudonym_key == b"k" * 40
    assert settings.password("loader") == "from-outside"


def test_a_short_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IASS_PSEUDONYM_KEY", "short")
    with pytest.raises(IassError, match="openssl rand"):
        _ = Settings(home=tmp_path).pseudonym_key


def test_secrets_do_not_show_in_the_settings_themselves(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.password("loader") not in repr(settings)
    assert settings.pseudonym_key.decode() not in repr(settings)


def test_an_unknown_role_is_named_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(IassError, match="analyst"):
        Settings(home=tmp_path).role_name("root")


def test_a_home_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IassError, match="IASS_HOME"):
        Settings(home=tmp_path / "file" / "home").make_folders()
