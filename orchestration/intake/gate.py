"""The gate: what happens to a file from its arrival to its receipt, and in which order.

archive → name → contract → progressive → read, check, load in one transaction → receipt. The steps are in the modules
beside this one; here are their order, what a refusal undoes and what a repeat is answered.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from orchestration.errors import IassError
from orchestration.intake import archive, delivery_name, ledger, nomenclature, receipt, records, registry
from orchestration.intake import pending as pending_records
from orchestration.intake.contract import Contract, flow_codes, load_contract
from orchestration.intake.delivery import (
    FINDING_SCHEMA,
    Delivery,
    DeliveryResult,
    FileRefused,
    LoadOutcome,
)
from orchestration.settings import Settings
from orchestration.warehouse import connection

Connection = psycopg.Connection[Any]

#: What others need comes first: IASS maps by the nomenclature, and reads better with the registry in place. Then period
#: by period, in each the flow that awaits another after it: who was let go in May is not still there in August.
FLOW_ORDER = {"NOML": 0, "NAAR": 1}
_LATER = 9
#: Files that somebody is still writing, by the names that copying tools use.
_UNFINISHED = (".part", ".partial", ".tmp", ".filepart")
#: Which contract words a refusal when the name does not say a flow.
_FALLBACK_FLOW = "IASS"


def pending(settings: Settings) -> list[Path]:
    """Files in the landing folder, in the order in which the gate takes them."""
    return _in_order(_files([settings.landing_dir])) if settings.landing_dir.exists() else []


def intake(
    settings: Settings,
    paths: Iterable[Path],
    *,
    on_delivery: Callable[[DeliveryResult], object] | None = None,
    today: date | None = None,
) -> list[DeliveryResult]:
    """Take in files (and those in folders), one after the other, and answer each. `today`: the day of the calendar.

    Records that wait for others are looked at when all files are in, so that order within a call never matters.

    A file that cannot be taken in for a reason of ours (full disk, lost database) does not keep the others out; what
    happened is raised at the end, as one `IassError`.
    """
    files = _in_order(_files(paths))
    results: list[DeliveryResult] = []
    problems: list[str] = []
    lost: psycopg.OperationalError | None = None  # says nothing of contents, unlike other errors
    conn = _connect(settings)
    try:
        for path in files:
            try:
                if conn.closed:
                    conn = _connect(settings)
                result = process_delivery(settings, conn, path, today)
            except IassError as error:
                problems.append(str(error))
                continue
            except psycopg.Error as error:
                lost = error if isinstance(error, psycopg.OperationalError) else lost
                # The message may quote a value, the state never does.
                problems.append(
                    f"{path.name}: the database did not take it (SQLSTATE {error.sqlstate or 'connection lost'})."
                    " Nothing of it was loaded: run again when the database is well."
                )
                continue
            results.append(result)
            if on_delivery is not None:
                on_delivery(result)
        if not conn.closed:
            with conn.transaction():
                pending_records.expire(conn, today or date.today())
            receipt.write_due(settings, conn)
    finally:
        conn.close()
    if problems:
        raise IassError("\n".join(problems)) from lost
    return results


def process_delivery(settings: Settings, conn: Connection, path: Path, today: date | None = None) -> DeliveryResult:
    """One file: archived, judged, loaded or refused, answered. Safe to be killed and called again at any point."""
    began = time.monotonic()
    is_landed = path.resolve().is_relative_to(settings.landing_dir.resolve())
    received_at = _received_at(path) if is_landed else datetime.now(UTC)
    archived = archive.store(settings.archive_dir, path)
    known = ledger.same_arrival(conn, path.name, archived.sha256, received_at) if is_landed else None
    if known is not None:
        # a gate died between commit and receipt: the file has had its answer, only not in writing
        archived.settle()
        delivery_id, is_repeat = known, False
    else:
        delivery_id, is_repeat = _Arrival(
            settings, conn, path, archived, received_at, began, today or date.today()
        ).decide()
    line = ledger.delivery(conn, delivery_id)
    assert line is not None
    place = receipt.write(settings, conn, line)
    receipt.write_due(settings, conn)
    if is_landed:
        path.unlink(missing_ok=True)
    return DeliveryResult(
        delivery_id=delivery_id,
        file_name=path.name,
        flow_code=line["flow_code"],
        sender_code=line["sender_code"],
        period_code=line["period_code"],
        outcome="repeated" if is_repeat else line["outcome"],
        records_sent=line["records_sent"],
        records_accepted=line["records_accepted"],
        records_discarded=line["records_discarded"],
        records_flagged=line["records_flagged"],
        seconds=time.monotonic() - began,
        receipt_dir=place,
    )


class _Arrival:
    """One file at the gate, until its line in the ledger is committed."""

    def __init__(
        self,
        settings: Settings,
        conn: Connection,
        path: Path,
        archived: archive.Archived,
        received_at: datetime,
        began: float,
        today: date,
    ) -> None:
        self.settings = settings
        self.conn = conn
        self.archived = archived
        self.received_at = received_at
        self.began = began
        self.today = today
        self.name = delivery_name.parse(path, self.today)
        self.contract = load_contract(self.name.flow_code or _FALLBACK_FLOW)

    def decide(self) -> tuple[int, bool]:
        """Load, refuse or recognise the file; returns the delivery that answers it and whether it is a repeat."""
        try:
            if self.name.conditions:
                raise FileRefused(*self.name.conditions)
            repeated = self._check_progressive()
            if repeated is not None:
                return self._repeat(repeated)
            return self._accept(), False
        except FileRefused as refusal:
            return self._refuse(refusal)

    def _check_progressive(self) -> int | None:
        """The accepted delivery that this one repeats; None when the number is the next one."""
        name = self.name
        assert name.flow_code and name.sender_code and name.period_code and name.progressive
        place = (name.flow_code, name.sender_code, name.period_code)
        accepted = ledger.accepted(self.conn, *place, name.progressive)
        if accepted:
            delivery_id, sha256 = accepted
            if sha256 != self.archived.sha256:
                raise FileRefused("progressive_reused")
            return delivery_id
        if name.progressive != ledger.last_progressive(self.conn, *place) + 1:
            raise FileRefused("progressive_gap")
        return None

    def _accept(self) -> int:
        with self.conn.transaction():
            delivery_id = ledger.open_line(self.conn, self._line("accepted"))
            delivery = self._delivery(delivery_id)
            outcome = _load(self.settings, self.conn, delivery, self.contract, self.today)
            ledger.add_findings(self.conn, delivery_id, outcome.findings)
            ledger.close_line(
                self.conn,
                delivery_id,
                sent=outcome.records_sent,
                accepted=outcome.records_accepted,
                discarded=outcome.records_discarded,
                flagged=outcome.records_flagged,
                seconds=time.monotonic() - self.began,
            )
            self.archived.settle()
        for after in outcome.after_commit:
            after()
        return delivery_id

    def _refuse(self, refusal: FileRefused) -> tuple[int, bool]:
        findings = [(self.contract.file_rule(found.condition), found) for found in refusal.findings]
        codes = frozenset(rule.code for rule, _ in findings)
        before = ledger.refused(self.conn, self.name.file_name, self.archived.sha256)
        if before and before[1] == codes:
            return self._repeat(before[0])
        rows = [
            (found.record_number, None, None, None, found.field or rule.field, rule.code, rule.grade)
            for rule, found in findings
        ]
        with self.conn.transaction():
            delivery_id = ledger.open_line(self.conn, self._line("refused"))
            ledger.add_findings(self.conn, delivery_id, pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row"))
            seconds = time.monotonic() - self.began
            ledger.close_line(self.conn, delivery_id, sent=0, accepted=0, discarded=0, flagged=0, seconds=seconds)
            self.archived.settle()
        return delivery_id, False

    def _repeat(self, delivery_id: int) -> tuple[int, bool]:
        with self.conn.transaction():
            ledger.add_repeat(self.conn, delivery_id, self.name.file_name, self.received_at)
            self.archived.settle()
        return delivery_id, True

    def _line(self, outcome: str) -> dict[str, Any]:
        return {
            "file_name": self.name.file_name,
            "flow_code": self.name.flow_code,
            "sender_code": self.name.sender_code,
            "period_code": self.name.period_code,
            "period_start_on": self.name.period_start_on,
            "progressive": self.name.progressive,
            "sha256": self.archived.sha256,
            "size_bytes": self.archived.size_bytes,
            "received_at": self.received_at,
            "outcome": outcome,
            "contract_version": self.contract.version,
            "nomenclature_version": nomenclature.current_version(self.conn) or None,
        }

    def _delivery(self, delivery_id: int) -> Delivery:
        name = self.name
        assert name.flow_code and name.sender_code and name.period_code and name.progressive
        assert name.period_start_on and name.period_end_on
        return Delivery(
            delivery_id=delivery_id,
            file_name=name.file_name,
            flow_code=name.flow_code,
            sender_code=name.sender_code,
            period_code=name.period_code,
            period_start_on=name.period_start_on,
            period_end_on=name.period_end_on,
            progressive=name.progressive,
            sha256=self.archived.sha256,
            size_bytes=self.archived.size_bytes,
            received_at=self.received_at,
            path=self.archived.path,
        )


def _load(settings: Settings, conn: Connection, delivery: Delivery, contract: Contract, today: date) -> LoadOutcome:
    """The loader of the flow. The registry is compared by change; a nomenclature takes effect as soon as it is in."""
    if contract.flow_code == "NAAR":
        return registry.load_snapshot(settings, conn, delivery, contract)
    outcome = records.load(settings.pseudonym_key, conn, delivery, contract, today)
    if contract.flow_code == "NOML":
        nomenclature.rebuild_local(conn, delivery.sender_code)
    return outcome


def _connect(settings: Settings) -> Connection:
    """A connection that holds the gate, with catalogue and nomenclature in place and no receipt owed."""
    conn = connection.connect(settings, "loader", autocommit=True)
    try:
        ledger.lock_gate(conn)
        archive.sweep(settings.archive_dir)
        with conn.transaction():
            for flow_code in flow_codes():
                ledger.publish_rules(conn, load_contract(flow_code))
            nomenclature.ensure_regional(conn)
        receipt.complete(settings, conn)
        receipt.write_due(settings, conn)
    except BaseException:
        conn.close()
        raise
    return conn


def _received_at(path: Path) -> datetime:
    """When a landing file was last written: with name and hash, the mark by which an arrival is known again."""
    return datetime.fromtimestamp(path.stat().st_mtime_ns // 1000 / 1_000_000, UTC)


def _files(paths: Iterable[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += [file for file in path.rglob("*") if file.is_file() and _is_finished(file.relative_to(path))]
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def _is_finished(file: Path) -> bool:
    return not any(part.startswith(".") for part in file.parts) and not file.name.endswith(_UNFINISHED)


def _in_order(files: list[Path]) -> list[Path]:
    today = date.today()

    def place(path: Path) -> tuple[Any, ...]:
        name = delivery_name.parse(path, today)
        return (
            FLOW_ORDER.get(name.flow_code or "", _LATER),
            name.period_start_on or date.max,
            name.flow_code is None or load_contract(name.flow_code).awaits is not None,
            name.sender_code or "",
            name.progressive or 0,
            path.name,
        )

    return sorted(files, key=place)
