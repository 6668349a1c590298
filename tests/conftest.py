"""Database fixtures. A test that takes `settings` gets a migrated, empty warehouse and a home of its own; one that
takes `built` reads the whole product after one `iass demo run`; one that takes `built_copy` may change such a product.

One server lives for the session of each worker (without fsync: nothing here outlives it), and each test's database is
a copy of a template that was made once. With IASS_DATABASE_URL in the environment the same tests run against that
server, each worker with roles of its own.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestration.settings import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: The synthetic region of `built`: small, and large enough for every kind of planted fault.
BUILT_SCALE, BUILT_MONTHS = "0.01", "3"

# Secrets of a developer's shell must not decide what tests see.
for _name in [name for name in os.environ if name.startswith(("IASS_PASSWORD_", "IASS_PSEUDONYM_KEY"))]:
    del os.environ[_name]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Which tests one worker runs: a module's, or all that read the product, so that it is made once."""
    for item in items:
        reads_product = "copy_built" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("built" if reads_product else item.path.stem))


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
        role_prefix=(os.environ.get("IASS_ROLE_PREFIX") or "iass") + os.environ.get("PYTEST_XDIST_WORKER", ""),
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


def _installation(server: Settings, home: Path, template: Settings) -> Settings:
    """A home and a database of their own on the session's server, the database a copy of the template's."""
    from orchestration.warehouse import connection, roles

    settings = Settings(
        home=home,
        database_url=server.database_url,
        database_name=f"iass_test_{secrets.token_hex(6)}",
        role_prefix=server.role_prefix,
        server_home=server.home,
        is_durable=False,
        rest_seconds=0,
    )
    settings.make_folders()
    with connection.connect_admin(settings) as admin:
        roles.ensure_database(settings, admin, settings.database_name, template=template.database_name)
    return settings


def _drop(server: Settings, made: list[Settings]) -> None:
    from orchestration.warehouse import connection

    if made:
        with connection.connect_admin(server) as admin:
            for settings in made:
                admin.execute(f'drop database if exists "{settings.database_name}" with (force)')


@pytest.fixture
def new_settings(server: Settings, tmp_path: Path) -> Iterator[Callable[[], Settings]]:
    """Makes any number of independent installations (own home, own database) on the session's server."""
    made: list[Settings] = []

    def make() -> Settings:
        made.append(_installation(server, tmp_path / f"home{len(made) + 1}", server))
        return made[-1]

    yield make
    _drop(server, made)


@pytest.fixture
def settings(new_settings: Callable[[], Settings]) -> Settings:
    """An installation with an empty, migrated warehouse."""
    return new_settings()


@pytest.fixture(scope="session")
def new_installation(server: Settings, server_folder: Path) -> Iterator[Callable[[str], Settings]]:
    """Makes installations with an empty, migrated warehouse that several tests of a session share, each by its name."""
    made: list[Settings] = []

    def make(name: str) -> Settings:
        made.append(_installation(server, server_folder / name, server))
        return made[-1]

    yield make
    _drop(server, made)


@pytest.fixture(scope="session")
def copy_built(server: Settings, server_folder: Path) -> Iterator[Callable[[], Settings]]:
    """Makes copies, home and database, of an installation in which `iass demo run` has gone through once. The first one
    is the template: nobody connects to it any more. What the run told is in demo/summary.json of each home, the truth
    about the region in demo/truth."""
    made = [_installation(server, server_folder / "built", server)]
    template = made[0]
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("iass")), "demo", "run", "--json"),
            *("--scale", BUILT_SCALE, "--months", BUILT_MONTHS),
        ],
        env={**os.environ, **template.environment()},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, f"iass demo run\n{done.stdout}\n{done.stderr}"
    (template.home / "demo" / "summary.json").write_text(done.stdout)

    def make() -> Settings:
        home = server_folder / f"built{len(made)}"
        shutil.copytree(template.home, home)
        made.append(_installation(server, home, template))
        return made[-1]

    yield make
    _drop(server, made)


@pytest.fixture(scope="session")
def built(copy_built: Callable[[], Settings]) -> Settings:
    """The whole product over the synthetic region, one for all tests of the session: read it, change nothing."""
    return copy_built()


@pytest.fixture
def built_copy(copy_built: Callable[[], Settings]) -> Settings:
    """A copy of the whole product that belongs to one test, which may change it."""
    return copy_built()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium, which asks nobody outside for anything. Tests that take it are marked `browser`."""
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
    path = shutil.which("chromium")
    assert path, "Chromium is needed: install the package chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=quiet)
        yield browser
        browser.close()
