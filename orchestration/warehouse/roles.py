"""Roles of the warehouse and its database: the only work that needs an administrator.

Creates what is missing and corrects what differs, so that it can run at every start. Rights on schemas and tables are
not here: they belong to the migrations, which run as the owner.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from orchestration import clock
from orchestration.errors import IassError
from orchestration.settings import ROLES, Settings
from orchestration.warehouse import connection

_ATTRIBUTES = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls"

#: Defaults of each session. The analyst's are a seat belt, not a lock: what she may read is decided by grants.
_ROLE_SETTINGS: dict[str, dict[str, str]] = {
    # Day, month, year: PostgreSQL expects many of each and sorts within one as if that were little.
    "transformer": {"enable_incremental_sort": "off"},
    "analyst": {
        "default_transaction_read_only": "on",
        "statement_timeout": "5min",
        "idle_in_transaction_session_timeout": "10min",
    },
}
# Days are Italian days wherever the server stands.
_COMMON_SETTINGS = {"TimeZone": clock.ZONE_NAME}
#: What an error says can repeat a name or an identifier, so no server writes it into its log. Needs a superuser.
_LOG_SETTINGS = {"log_min_messages": "log", "log_min_error_statement": "panic"}

#: Roles that people and tools read with. They write nothing and lock nothing.
_READERS = ("analyst", "reviewer")
_CLOSED_FUNCTIONS = "^(pg_(try_)?advisory_|lo_|lowrite|loread)"

_ADVISORY_LOCK = 0x69617373


def ensure(settings: Settings) -> None:
    """Bring roles and database to the wanted state."""
    with connection.connect_admin(settings) as admin:
        if admin.info.server_version < 160000:
            raise IassError(
                f"PostgreSQL {admin.info.server_version // 10000} is too old: the warehouse needs version 16 or newer."
            )
        # Roles belong to the whole server: two homes on it must not change them at the same moment.
        admin.execute("select pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        try:
            ensure_roles(settings, admin)
            ensure_database(settings, admin, settings.database_name)
            close_functions(settings, admin, settings.database_name)
        except psycopg.errors.InsufficientPrivilege as error:
            raise IassError(
                "The user of IASS_DATABASE_URL may not create roles and databases: give it CREATEROLE and CREATEDB."
            ) from error
        finally:
            admin.execute("select pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def ensure_roles(settings: Settings, admin: psycopg.Connection[Any]) -> None:
    """Create the logins with their passwords and session defaults."""
    known = dict(
        admin.execute(
            "select rolname, coalesce(rolconfig, '{}') from pg_roles where rolname = any(%s)",
            [[settings.role_name(role) for role in ROLES]],
        ).fetchall()
    )
    is_superuser = admin.info.parameter_status("is_superuser") == "on"
    for role in ROLES:
        name = settings.role_name(role)
        identifier = sql.Identifier(name)
        if name not in known:
            admin.execute(sql.SQL("create role {} " + _ATTRIBUTES).format(identifier))
            if not is_superuser:  # managed services: the creator is not a superuser and must be let in by name
                admin.execute(sql.SQL("grant {} to current_user with inherit true, set true").format(identifier))
        if name not in known or not _accepts(settings, role):
            _set_password(admin, name, settings.password(role))
        wanted = {**_COMMON_SETTINGS, **_ROLE_SETTINGS.get(role, {}), **(_LOG_SETTINGS if is_superuser else {})}
        for option, value in wanted.items():
            if f"{option}={value}" not in known.get(name, []):
                admin.execute(
                    sql.SQL("alter role {} set {} = {}").format(identifier, sql.Identifier(option), sql.Literal(value))
                )
    # The owner makes schemas for the transformer and default rights in its name, but does not inherit what it owns.
    if not admin.execute(
        "select 1 from pg_auth_members where roleid = %s::regrole and member = %s::regrole and set_option",
        [settings.role_name("transformer"), settings.role_name("owner")],
    ).fetchone():
        admin.execute(
            sql.SQL("grant {} to {} with set true, inherit false, admin false").format(
                sql.Identifier(settings.role_name("transformer")), sql.Identifier(settings.role_name("owner"))
            )
        )


def close_functions(settings: Settings, admin: psycopg.Connection[Any], name: str) -> None:
    """Take from readers what PostgreSQL gives to everybody: advisory locks, with which they could stop the gate, and
    large objects, in which they could store data. Only a superuser can; elsewhere docs/operators says what to run."""
    if admin.info.parameter_status("is_superuser") != "on":
        return
    with connection.connect_admin(settings, database=name) as inside:
        open_functions = inside.execute(
            "select oid::regprocedure::text, proname ~ 'advisory' from pg_proc"
            " where pronamespace = 'pg_catalog'::regnamespace and proname ~ %s"
            " and (has_function_privilege('public', oid, 'execute')"
            " or proname ~ 'advisory' and not has_function_privilege(%s, oid, 'execute')) order by 1",
            [_CLOSED_FUNCTIONS, settings.role_name("loader")],
        ).fetchall()
        workers = sql.SQL(", ").join(sql.Identifier(settings.role_name(role)) for role in ROLES if role not in _READERS)
        for signature, is_lock in open_functions:
            function = sql.SQL(signature)
            inside.execute(sql.SQL("revoke execute on function {} from public").format(function))
            if is_lock:
                inside.execute(sql.SQL("grant execute on function {} to {}").format(function, workers))


def ensure_database(
    settings: Settings, admin: psycopg.Connection[Any], name: str, *, template: str | None = None
) -> None:
    """Create a database of the owner, closed to everybody but our roles. Rights on a database are not copied from
    its template, so they are given here to every one."""
    is_new = not admin.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
    if is_new:
        _create_database(settings, admin, name, template)
    roles = [sql.Identifier(settings.role_name(role)) for role in ROLES]
    writers = [
        sql.Identifier(settings.role_name(role)) for role in ROLES if role not in ("analyst", "publisher", "reviewer")
    ]
    database = sql.Identifier(name)
    admin.execute(sql.SQL("revoke all on database {} from public").format(database))
    admin.execute(sql.SQL("grant connect on database {} to {}").format(database, sql.SQL(", ").join(roles)))
    admin.execute(sql.SQL("grant temporary on database {} to {}").format(database, sql.SQL(", ").join(writers)))
    if is_new and not template:
        with connection.connect_admin(settings, database=name) as inside:
            inside.execute("revoke all on schema public from public")


def _create_database(settings: Settings, admin: psycopg.Connection[Any], name: str, template: str | None) -> None:
    statement = sql.SQL("create database {} owner {} template {}").format(
        sql.Identifier(name), sql.Identifier(settings.role_name("owner")), sql.Identifier(template or "template0")
    )
    if not template:  # the same order of text on every server, and no dependence on its operating system
        statement += sql.SQL(" encoding 'UTF8'")
        if admin.info.server_version >= 170000:
            statement += sql.SQL(" locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'")
        else:
            statement += sql.SQL(" locale 'C'")
    admin.execute(statement)


def _accepts(settings: Settings, role: str) -> bool:
    """Whether the role's password is the one we know: cheaper than setting it at every start."""
    dsn = connection.url(settings, role, database=connection.database_of(connection.admin_url(settings)))
    try:
        psycopg.connect(dsn, connect_timeout=10).close()
    except psycopg.OperationalError as error:
        # Any refusal that comes after the password was checked (no right to connect, too many connections) is a yes.
        return error.sqlstate not in (None, "28P01", "28000")
    return True


def _set_password(admin: psycopg.Connection[Any], name: str, password: str) -> None:
    # Hashed here, so that the password itself is never in a statement that a server could log.
    verifier = admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    admin.execute(
        sql.SQL("alter role {} password {}").format(sql.Identifier(name), sql.Literal(verifier.decode("ascii")))
    )
