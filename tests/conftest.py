"""Database fixtures. A test that takes `settings` gets a migrated, empty warehouse and a home of its own.

One server lives for the session (without fsync: nothing here outlives it), and each test's database is a copy of a
template that was migrated once. With IASS_DATABASE_URL in the environment the same tests run against that server.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestration.settings import Settings

# Secrets of a developer's shell must not decide what tests see.
for _name in [name for name in os.environ if name.startswith(("IASS_PASSWORD_", "IASS_PSEUDONYM_KEY"))]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """Where homes with an embedded server may lie. Not under pytest's own folder, which every session closes to other
    accounts, that of a running server among them."""
    folder = Path(tempfile.mkdtemp(prefix="iass-tests-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(server_folder: Path) -> Iterator[Settings]:
    """A running server whose database is the migrated template. Tests do not write to it: they take `settings`."""
    from orchestration.warehouse import connection
    from orchestration.warehouse import server as database_server

    settings = Settings(
        home=server_folder / "session",
        database_url=os.environ.get("IASS_DATABASE_URL") or None,
        database_name=f"iass_template_{secrets.token_hex(4)}",
        role_prefix=os.environ.get("IASS_ROLE_PREFIX") or "iass",
        is_durable=False,
    )
    database_server.up(settings)
    with connection.connect(settings, "owner") as conn:  # each test's home brings a key of its own
        conn.execute("delete from migration.installation")
    yield settings
    if settings.database_url:
        with connection.connect_admin(settings) as admin:
            admin.execute(f'drop database "{settings.database_name}" with (force)')
    else:
        database_server.down(settings)


@pytest.fixture
def new_settings(server: Settings, tmp_path: Path) -> Iterator[Callable[[], Settings]]:
    """Makes any number of independent installations (own home, own database) on the session's server."""
    from orchestration.warehouse import connection, roles

    made: list[Settings] = []

    def make() -> Settings:
        settings = Settings(
            home=tmp_path / f"home{len(made) + 1}",
            database_url=server.database_url,
            database_name=f"iass_test_{secrets.token_hex(6)}",
            role_prefix=server.role_prefix,
            server_home=server.home,
            is_durable=False,
        )
        settings.make_folders()
        with connection.connect_admin(settings) as admin:
            roles.ensure_database(settings, admin, settings.database_name, template=server.database_name)
        made.append(settings)
        return settings

    yield make
    if made:
        with connection.connect_admin(server) as admin:
            for settings in made:
                admin.execute(f'drop database if exists "{settings.database_name}" with (force)')


@pytest.fixture
def settings(new_settings: Callable[[], Settings]) -> Settings:
    """An installation with an empty, migrated warehouse."""
    return new_settings()
