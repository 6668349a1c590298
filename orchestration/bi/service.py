"""Superset beside a home: installed into an environment of its own, prepared, started, stopped.

Belongs here: processes, files and secrets of Superset. Not here: what it is told to show (`bundle`), its settings
(`bi/superset/superset_config.py`). Everything lies in `bi/` of the home; removing it loses nothing but favourites.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from orchestration.bi import bundle
from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection

READER = "lettore"
ADMIN = "admin"
_LAST_PYTHON = (3, 12)  # numpy 1 of Superset 6.1 has no build for later ones
_START_SECONDS = 120
_STOP_SECONDS = 20
#: Two processes of eight threads serve a dozen readers; each holds about 400 MB.
_WORKERS, _THREADS = 2, 8

Say = Callable[[str], object]


@dataclass(frozen=True)
class Running:
    """A Superset that answers."""

    url: str
    pid: int
    dashboards: tuple[tuple[str, str], ...]
    """Title and address of each."""


def up(settings: Settings, *, port: int | None = None, say: Say = lambda text: None) -> Running:
    """Install what is missing, bring accounts, warehouse and dashboards up to date, and start. Harmless to repeat."""
    home = _home(settings)
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    say("Installing Superset into an environment of its own (once) …")
    _install(home)
    down(settings)
    say("Preparing Superset: accounts, warehouse, dashboards …")
    prepare(settings)
    say("Starting Superset …")
    return _start(settings, port or _free_port())


def prepare(settings: Settings, folder: Path = bundle.DEFINITIONS) -> None:
    """Bring accounts and the warehouse's address up to date; import the definitions of `folder` over what is there."""
    (_home(settings) / "dashboards.zip").write_bytes(bundle.make(columns(settings, folder), folder))
    _run(settings, [str(bundle.DEFINITIONS / "prepare.py")], "prepared")


def down(settings: Settings) -> bool:
    """Stop it; False when it was not running."""
    found = running(settings)
    if found is None:
        return False
    os.killpg(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_alive(found.pid):
        if time.monotonic() > deadline:
            os.killpg(found.pid, signal.SIGKILL)
        time.sleep(0.1)
    _mark(settings).unlink(missing_ok=True)
    return True


def running(settings: Settings) -> Running | None:
    """The Superset of this home, if it runs."""
    try:
        told = json.loads(_mark(settings).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if not _is_alive(told["pid"]):
        return None
    url = f"http://127.0.0.1:{told['port']}"
    pages = tuple((page.title, f"{url}/superset/dashboard/{page.slug}/") for page in bundle.dashboards())
    return Running(url, told["pid"], pages)


def columns(settings: Settings, folder: Path = bundle.DEFINITIONS) -> dict[str, list[tuple[str, int]]]:
    """Columns of every dataset, asked of the warehouse as the reader that Superset will be."""
    found: dict[str, list[tuple[str, int]]] = {}
    with connection.connect(settings, "analyst") as conn:
        for name, dataset in bundle.datasets(folder).items():
            try:
                with conn.transaction():
                    described = conn.execute(f"select * from ({bundle.query(dataset)}) as q limit 0").description
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
                raise IassError(
                    f"The warehouse does not have what the dashboards read ({name}): build it first with `iass build`."
                ) from error
            found[name] = [(column.name, column.type_code) for column in described or []]
    return found


def password(settings: Settings, account: str) -> str:
    """Password of `admin` or `lettore`, made once and kept with the home's secrets."""
    return settings.secret(f"bi_{account}")


def _home(settings: Settings) -> Path:
    return settings.home / "bi"


def _mark(settings: Settings) -> Path:
    return _home(settings) / "running.json"


def _python(home: Path) -> Path:
    return home / "venv" / "bin" / "python"


def _install(home: Path) -> None:
    lock = bundle.DEFINITIONS / "requirements.lock"
    done = home / "venv" / "installed.lock"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return
    if sys.version_info[:2] > _LAST_PYTHON:
        raise IassError(
            f"Superset needs Python {'.'.join(map(str, _LAST_PYTHON))} or older: start `iass` with such a Python, "
            "or use the service `bi` of docker-compose.yml."
        )
    shutil.rmtree(home / "venv", ignore_errors=True)  # the half of an installation that was interrupted
    uv = [sys.executable, "-m", "uv", "--quiet"]
    for command in (
        [*uv, "venv", "--python", sys.executable, str(home / "venv")],
        [*uv, "pip", "install", "--python", str(_python(home)), "--no-deps", "--require-hashes", "-r", str(lock)],
    ):
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode:
            raise IassError(f"Superset could not be installed: {_last_line(finished.stderr or finished.stdout)}")
    shutil.copyfile(lock, done)


def _environment(settings: Settings) -> dict[str, str]:
    address = connection.url(settings, "analyst").removeprefix("postgresql://")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("IASS_", "PYTHON"))},
        "SUPERSET_CONFIG_PATH": str(bundle.DEFINITIONS / "superset_config.py"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "IASS_BI_HOME": str(_home(settings)),
        "IASS_BI_SECRET_KEY": settings.secret("bi_secret_key"),
        "IASS_BI_WAREHOUSE_URL": f"postgresql+psycopg2://{address}",
        "IASS_BI_ADMIN_PASSWORD": password(settings, ADMIN),
        "IASS_BI_READER_PASSWORD": password(settings, READER),
        "IASS_BI_BUNDLE": str(_home(settings) / "dashboards.zip"),
    }


def _run(settings: Settings, arguments: list[str], what: str) -> None:
    command = [str(_python(_home(settings))), *arguments]
    finished = subprocess.run(command, env=_environment(settings), capture_output=True, text=True, check=False)
    if finished.returncode:
        raise IassError(f"Superset could not be {what}: {_last_line(finished.stderr)}")


def _start(settings: Settings, port: int) -> Running:
    log = settings.log_dir / "superset.log"
    command = [
        str(_python(_home(settings))), "-m", "gunicorn", "superset.app:create_app()",
        "--bind", f"127.0.0.1:{port}", "--workers", str(_WORKERS), "--worker-class", "gthread",
        "--threads", str(_THREADS), "--timeout", "120", "--preload",
    ]  # fmt: skip
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=_environment(settings), stdout=output, stderr=output, stdin=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    _mark(settings).write_text(json.dumps({"pid": process.pid, "port": port}))
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                found = running(settings)
                assert found is not None
                return found
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    process.kill()
    raise IassError(f"Superset did not start: see {log}.")


def _is_alive(pid: int) -> bool:
    try:
        # a child that has ended and was not waited for still has its number
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"
