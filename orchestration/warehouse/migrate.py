"""Migrations: numbered SQL files, applied once, in order, by the owner of the database.

Each runs in one transaction together with its line in the ledger `migration.applied`. Tables that dbt builds are none
of its business.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from orchestration.errors import IassError
from orchestration.settings import ROLES, Settings
from orchestration.warehouse import connection

MIGRATIONS = Path(__file__).parent / "migrations"

_LEDGER = """
create schema if not exists migration;
create table if not exists migration.applied (
    number smallint primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default clock_timestamp()
);
"""
_ADVISORY_LOCK = 0x69617374
_ROLE_IN_SQL = re.compile(r"\biass_(" + "|".join(ROLES) + r")\b")


@dataclass(frozen=True)
class Migration:
    """One file of the migrations folder."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def available(folder: Path = MIGRATIONS) -> list[Migration]:
    """The migrations that this version of the project brings, in order."""
    found = [
        Migration(int(path.name.split("_", 1)[0]), path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("[0-9]*.sql"))
    ]
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise IassError(f"The migrations in {folder} are not numbered 1, 2, 3 … without gaps or doubles: {numbers}.")
    return found


def migrate(settings: Settings, folder: Path = MIGRATIONS) -> list[str]:
    """Apply what is missing and return the names of what was applied."""
    migrations = available(folder)
    with connection.connect(settings, "owner", autocommit=True) as conn:
        conn.execute("set client_min_messages = warning")
        conn.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        try:
            return _apply(settings, conn, migrations)
        finally:
            if not conn.broken:
                conn.execute("select pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def _apply(settings: Settings, conn: psycopg.Connection[Any], migrations: list[Migration]) -> list[str]:
    conn.execute(_LEDGER)
    applied = {
        row[0]: row[1:] for row in conn.execute("select number, name, checksum, applied_at from migration.applied")
    }
    newer = sorted(set(applied) - {migration.number for migration in migrations})
    if newer:
        raise IassError(
            f"The database was migrated by a newer version of the project (up to {applied[newer[-1]][0]}): "
            "update the project, an older one must not work on it."
        )
    done = []
    for migration in migrations:
        if migration.number in applied:
            name, checksum, applied_at = applied[migration.number]
            if checksum != migration.checksum:
                raise IassError(
                    f"Migration {name} was changed after it was applied on {applied_at:%Y-%m-%d %H:%M}: "
                    "put the file back as it was and write a new migration, or start with an empty home."
                )
            continue
        try:
            with conn.transaction():
                conn.execute(_with_prefix(migration.sql, settings.role_prefix).encode())
                conn.execute("reset role")
                conn.execute(
                    "insert into migration.applied (number, name, checksum) values (%s, %s, %s)",
                    [migration.number, migration.name, migration.checksum],
                )
        except psycopg.Error as error:
            raise IassError(
                f"Migration {migration.name} failed and was rolled back ({error.diag.message_primary or error}): "
                "nothing of it remains in the database."
            ) from error
        done.append(migration.name)
    return done


def _with_prefix(text: str, prefix: str) -> str:
    """Migrations name roles with the default prefix; tables such as raw.iass__contact are not touched."""
    return text if prefix == "iass" else _ROLE_IN_SQL.sub(lambda match: f"{prefix}_{match[1]}", text)


def applied_count(conn: psycopg.Connection[Any]) -> int:
    """How many migrations the database has, 0 when it has no ledger yet."""
    if not conn.execute("select to_regclass('migration.applied')").fetchone()[0]:  # type: ignore[index]
        return 0
    return int(conn.execute("select count(*) from migration.applied").fetchone()[0])  # type: ignore[index]
