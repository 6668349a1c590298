"""Whether home and database belong together: the pseudonym key of the one must be the key that filled the other."""

from __future__ import annotations

import hashlib
import hmac

from orchestration.errors import IassError
from orchestration.settings import Settings
from orchestration.warehouse import connection


def fingerprint(key: bytes) -> str:
    """Tells keys apart and gives nothing of them away."""
    return hmac.new(key, b"iass installation", hashlib.sha256).hexdigest()[:16]


def check_key(settings: Settings) -> None:
    """Refuse to go on with another key than the one the database was filled with: every known person would become a
    stranger, in silence. As long as nothing was delivered any key will do."""
    with connection.connect(settings, "owner") as conn:
        found = conn.execute("select key_fingerprint from migration.installation").fetchone()
        is_filled = found is not None and conn.execute("select 1 from landing.delivery limit 1").fetchone() is not None
        if is_filled and not settings.has_pseudonym_key:  # reading the key would make a new one
            raise IassError(
                f"The pseudonym key of {settings.home} is missing, and the database was filled with it: bring "
                "secrets/pseudonym_key back from its backup, or set IASS_PSEUDONYM_KEY. A new key does not help."
            )
        wanted = fingerprint(settings.pseudonym_key)
        if found and found[0] == wanted:
            return
        if is_filled:
            raise IassError(
                f"The database was filled with another pseudonym key than the one of {settings.home}: "
                "put the right one into IASS_PSEUDONYM_KEY, or into secrets/pseudonym_key of the home."
            )
        conn.execute(
            "insert into migration.installation (key_fingerprint) values (%s) "
            "on conflict (is_only_row) do update set key_fingerprint = excluded.key_fingerprint",
            [wanted],
        )
