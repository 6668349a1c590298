"""Files that a rule about the whole refused and a person has found right: who confirmed them, and the way in.

A rule that can be confirmed asks `is_confirmed`; what it asks about is said where it is applied (`registry`).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from orchestration.errors import IassError
from orchestration.intake import archive, gate, ledger
from orchestration.intake.contract import load_contract
from orchestration.intake.delivery import DeliveryResult
from orchestration.settings import Settings
from orchestration.warehouse import connection

#: Conditions of file rules that a person may overrule, because only she can know whether the file is right.
CONFIRMABLE = ("registry_shrinks",)


def confirm(settings: Settings, delivery_id: int, reason: str, confirmed_by: str) -> DeliveryResult:
    """Note that a refused delivery is right, and take its archived bytes in again."""
    if not reason.strip() or not confirmed_by.strip():
        raise IassError("Say why the file is right, and who says so: both stay in the ledger.")
    with connection.connect(settings, "loader") as conn:
        line = _refused(conn, delivery_id)
        codes = ledger.rule_codes(conn, delivery_id)
        contract = load_contract(line["flow_code"])
        confirmable = {contract.file_rule(c).code for c in CONFIRMABLE if contract.has_gate_rule(c)}
        if not codes or not codes <= confirmable:
            raise IassError(
                f"Delivery {delivery_id} was refused by {', '.join(sorted(codes))}: no person can confirm that."
                " The sender has to send a right file."
            )
        for code in codes:
            ledger.confirm(conn, line["sha256"], code, delivery_id, confirmed_by.strip(), reason.strip())
    with tempfile.TemporaryDirectory(dir=_state(settings)) as folder:
        path = Path(folder) / line["file_name"]
        archived = archive.archive_path(settings.archive_dir, line["sha256"])
        try:
            os.link(archived, path)
        except OSError:
            shutil.copyfile(archived, path)
        (result,) = gate.intake(settings, [path])
    return result


def _refused(conn: psycopg.Connection[Any], delivery_id: int) -> dict[str, Any]:
    lines = ledger.lines(conn, [delivery_id])
    if not lines:
        raise IassError(f"There is no delivery {delivery_id}: `iass deliveries` lists them.")
    if lines[0]["outcome"] != "refused":
        raise IassError(f"Delivery {delivery_id} was {lines[0]['outcome']}: only a refused one can be confirmed.")
    return lines[0]


def _state(settings: Settings) -> Path:
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    return settings.state_dir
