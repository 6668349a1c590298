"""Where an installation lives and what it is told by the environment.

Paths, names and secrets of one home (`IASS_HOME`), and nothing that connects or starts anything: see
`warehouse.connection` and `warehouse.server` for that. Every variable of the project stands here and in `.env.example`.
"""

from __future__ import annotations

import math
import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import IassError

#: The logins of the warehouse, each with the rights of one part and no more (see docs/architecture.md).
ROLES = ("owner", "loader", "identity", "reviewer", "transformer", "publisher", "analyst")

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")
_MINIMUM_KEY_LENGTH = 32


@dataclass(frozen=True)
class Settings:
    """One installation. Made by `Settings.load`, or by hand in tests; immutable, and safe to pass to every part."""

    home: Path
    database_url: str | None = None
    """Administrative URL of an external PostgreSQL; None means the embedded server."""
    database_name: str = "iass"
    role_prefix: str = "iass"
    server_home: Path | None = None
    """Home whose embedded server and passwords are used, when it is not this one: how tests share one server."""
    is_durable: bool = True
    """False turns fsync off: for servers that live as long as a test session, never for data that somebody keeps."""
    rest_seconds: float = 15.0
    """How long nobody may have touched a file in the landing folder before it is taken: it may still be on its way."""

    @classmethod
    def load(cls, home: Path | str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
        """Settings from the environment; `home` wins over `IASS_HOME`."""
        env = os.environ if environ is None else environ
        server_home = env.get("IASS_SERVER_HOME")
        return cls(
            home=_absolute(home or env.get("IASS_HOME") or ".iass"),
            database_url=env.get("IASS_DATABASE_URL") or None,
            database_name=_plain(env.get("IASS_DATABASE_NAME") or "iass", "IASS_DATABASE_NAME"),
            role_prefix=_plain(env.get("IASS_ROLE_PREFIX") or "iass", "IASS_ROLE_PREFIX"),
            server_home=_absolute(server_home) if server_home else None,
            is_durable=env.get("IASS_DURABLE", "1") != "0",
            rest_seconds=_seconds(env.get("IASS_REST_SECONDS"), "IASS_REST_SECONDS"),
        )

    def environment(self) -> dict[str, str]:
        """The variables that make `Settings.load` in a child process give these same settings."""
        env = {
            "IASS_HOME": str(self.home),
            "IASS_DATABASE_NAME": self.database_name,
            "IASS_ROLE_PREFIX": self.role_prefix,
            "IASS_DURABLE": "1" if self.is_durable else "0",
            "IASS_REST_SECONDS": str(self.rest_seconds),
        }
        if self.database_url:
            env["IASS_DATABASE_URL"] = self.database_url
        if self.server_home:
            env["IASS_SERVER_HOME"] = str(self.server_home)
        return env

    # Folders of the home

    @property
    def archive_dir(self) -> Path:
        """Every file that ever arrived, by SHA-256."""
        return self.home / "archive"

    @property
    def landing_dir(self) -> Path:
        """Where senders' files wait for the gate."""
        return self.home / "landing"

    @property
    def receipts_dir(self) -> Path:
        return self.home / "receipts"

    @property
    def published_dir(self) -> Path:
        """What may leave: one folder for each release, written by `iass publish` alone."""
        return self.home / "published"

    @property
    def state_dir(self) -> Path:
        """Caches and marks that can be rebuilt from archive and database."""
        return self.home / "state"

    @property
    def log_dir(self) -> Path:
        return self.home / "log"

    @property
    def secrets_dir(self) -> Path:
        return self.home / "secrets"

    @property
    def postgres_dir(self) -> Path:
        """All that belongs to the system user of the embedded server: data, configuration, log, port."""
        return (self.server_home or self.home) / "postgres"

    @property
    def pgdata_dir(self) -> Path:
        return self.postgres_dir / "data"

    def make_folders(self) -> None:
        """Make the home. Its folders hold personal data, so nobody but the account that runs the project may look into
        them; the home itself can be traversed, because the embedded server may run under an account of its own."""
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            for folder in (self.archive_dir, self.landing_dir, self.receipts_dir, self.state_dir, self.log_dir):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise IassError(
                f"The home {self.home} cannot be written ({error.strerror}): set IASS_HOME to a folder that can."
            ) from error

    # Secrets

    @property
    def pseudonym_key(self) -> bytes:
        """Key of all tokens. Losing it cuts the link between what is loaded and what will be: keep it in the backup."""
        key = os.environ.get("IASS_PSEUDONYM_KEY", "").strip() or self._secret("pseudonym_key", self.home)
        if len(key) < _MINIMUM_KEY_LENGTH:
            raise IassError(
                f"IASS_PSEUDONYM_KEY is shorter than {_MINIMUM_KEY_LENGTH} characters: "
                "make one with `openssl rand -hex 32` and keep it safe."
            )
        return key.encode()

    @property
    def has_pseudonym_key(self) -> bool:
        """Whether a key was given or made before. Asking does not make one."""
        return bool(os.environ.get("IASS_PSEUDONYM_KEY", "").strip()) or (self.secrets_dir / "pseudonym_key").exists()

    def password(self, role: str) -> str:
        """Password of a role: `IASS_PASSWORD_<ROLE>` when set, else one that is generated once and kept in the home.
        `superuser` is the embedded server's administrator."""
        from_environment = os.environ.get(f"IASS_PASSWORD_{role.upper()}", "").strip()
        return from_environment or self._secret(f"password_{role}", self.server_home or self.home)

    def role_name(self, role: str) -> str:
        """Name of a role in PostgreSQL: `loader` is `iass_loader` unless another prefix was chosen."""
        if role not in ROLES:
            raise IassError(f"There is no role {role!r}: choose one of {', '.join(ROLES)}.")
        return f"{self.role_prefix}_{role}"

    def secret(self, name: str) -> str:
        """A secret of this home that has no variable of its own: made once, readable by this account only."""
        return self._secret(name, self.home)

    def _secret(self, name: str, home: Path) -> str:
        folder = home / "secrets"
        path = folder / name
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            pass
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(stat.S_IRWXU)
        # Written aside and linked into place: of two processes that start at once, both read the one that won.
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_text().strip()


def _absolute(path: Path | str) -> Path:
    return Path(path).expanduser().absolute()


def _seconds(text: str | None, variable: str) -> float:
    try:
        seconds = float(text) if text else Settings.rest_seconds
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise IassError(f"{variable} must be a number of seconds, 0 or more.")
    return seconds


def _plain(name: str, variable: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        raise IassError(f"{variable} must be lower-case letters, digits and underscores, starting with a letter.")
    return name
