"""Connections to the warehouse: which server, as which role. Starts nothing and creates nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from orchestration.errors import IassError
from orchestration.settings import Settings

#: Administrator of the embedded server, used for start-up only.
SUPERUSER = "postgres"

_OWN_KEYS = {"host", "port", "user", "password", "dbname"}


def url(settings: Settings, role: str, *, database: str | None = None) -> str:
    """DSN of the warehouse for one role: owner, loader, identity, reviewer, transformer, publisher or analyst."""
    server = _server(settings)
    return _compose(server, settings.role_name(role), settings.password(role), database or settings.database_name)


def admin_url(settings: Settings, *, database: str | None = None) -> str:
    """DSN of the administrator. For start-up (roles, database) and for tests; nothing else works with these rights."""
    server = _server(settings)
    if settings.database_url:
        return _compose(server, server["user"], server.get("password"), database or server.get("dbname") or "postgres")
    return _compose(server, SUPERUSER, settings.password("superuser"), database or "postgres")


def connect(settings: Settings, role: str, *, autocommit: bool = False) -> psycopg.Connection[tuple[Any, ...]]:
    """An open connection as one role of the warehouse."""
    return open_url(url(settings, role), application_name=f"iass {role}", autocommit=autocommit)


def connect_admin(settings: Settings, *, database: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
    """An open autocommit connection as administrator."""
    return open_url(admin_url(settings, database=database), application_name="iass up", autocommit=True)


def open_url(dsn: str, *, application_name: str, autocommit: bool) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect, and say what to do when the server does not answer. The DSN holds a password and is never repeated."""
    try:
        return psycopg.connect(dsn, autocommit=autocommit, application_name=application_name, connect_timeout=10)
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0].removeprefix("connection failed: ")
        raise IassError(f"The database does not answer ({reason}): start it with `iass up`.") from error


def _server(settings: Settings) -> dict[str, Any]:
    if settings.database_url:
        try:
            server = conninfo_to_dict(settings.database_url)
        except psycopg.ProgrammingError as error:
            raise IassError(
                "IASS_DATABASE_URL cannot be read: write it as postgresql://user:password@host:5432/postgres."
            ) from error
        if not server.get("host") or not server.get("user"):
            raise IassError("IASS_DATABASE_URL needs a host and a user: postgresql://user:password@host:5432/postgres.")
        return server
    try:
        return {"host": "127.0.0.1", "port": json.loads(port_file(settings).read_text())["port"]}
    except FileNotFoundError:
        raise IassError(f"The home {settings.home} has no database yet: start it with `iass up`.") from None


def port_file(settings: Settings) -> Any:
    """Where an embedded server keeps the port that it was given."""
    return settings.postgres_dir / "server.json"


def _compose(server: dict[str, Any], user: str, password: str | None, database: str) -> str:
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    host = str(server["host"])
    place = f"[{host}]" if ":" in host else quote(host, safe="")
    extra = urlencode({key: value for key, value in server.items() if key not in _OWN_KEYS and value is not None})
    return f"postgresql://{login}@{place}:{server.get('port') or 5432}/{quote(database, safe='')}" + (
        f"?{extra}" if extra else ""
    )


def database_of(dsn: str) -> str:
    """Name of the database in a DSN."""
    return str(conninfo_to_dict(dsn)["dbname"])


def without_password(dsn: str) -> tuple[str, str]:
    """A DSN fit for a command line, and the password that was in it."""
    login, place = dsn.removeprefix("postgresql://").split("@", 1)
    user, _, password = login.partition(":")
    return f"postgresql://{user}@{place}", unquote(password)
