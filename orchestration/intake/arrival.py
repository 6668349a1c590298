"""One file at the gate: archived, then decided on, then answered; and the transaction that loads one or several.

What a refusal undoes and what a repeat is answered stands here; the order of files is in `gate`, the steps are in the
modules beside this one.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from orchestration.intake import archive, delivery_name, ledger, nomenclature, receipt, records, registry
from orchestration.intake.contract import Contract, load_contract
from orchestration.intake.delivery import FINDING_SCHEMA, Delivery, DeliveryResult, FileRefused, LoadOutcome
from orchestration.intake.read_xml import Batch
from orchestration.intake.sheaf import RECORDS_PER_FILE, Sheaf
from orchestration.settings import Settings

Connection = psycopg.Connection[Any]

#: Which contract words a refusal when the name does not say a flow.
_FALLBACK_FLOW = "IASS"


class Arrival:
    """One file at the gate: archived, then decided on, then answered."""

    def __init__(self, settings: Settings, conn: Connection, path: Path, today: date) -> None:
        self.began = time.monotonic()
        self.settings = settings
        self.conn = conn
        self.path = path
        self.today = today
        self.is_landed = path.resolve().is_relative_to(settings.landing_dir.resolve())
        self.received_at = _received_at(path) if self.is_landed else datetime.now(UTC)
        self.archived = archive.store(settings.archive_dir, path)
        self.name = delivery_name.parse(path, today)
        self.contract = load_contract(self.name.flow_code or _FALLBACK_FLOW)
        self.delivery_id = 0  # until it has its line in the ledger, or that of the delivery that it repeats
        self.is_repeat = False

    def decide(self) -> None:
        """Load, refuse or recognise the file."""
        known = self._known()
        if known is not None:
            # a gate died between commit and receipt: the file has had its answer, only not in writing
            self.archived.settle()
            self.delivery_id = known
            return
        try:
            if self.name.conditions:
                raise FileRefused(*self.name.conditions)
            repeated = self._check_progressive()
            if repeated is not None:
                self._repeat(repeated)
            else:
                accept(self.settings, self.conn, [self], None, self.today)
        except FileRefused as refusal:
            self._refuse(refusal)

    def read_next(self) -> Batch | None:
        """The records of the file, when there is nothing to decide but to load them all at once."""
        if self.name.conditions or self._known() is not None:
            return None
        try:
            if self._check_progressive() is not None:
                return None
            read = list(itertools.islice(records.read(self.delivery(), self.contract), 2))
        except FileRefused:
            return None
        return read[0] if len(read) == 1 and read[0].n_records < RECORDS_PER_FILE else None

    def answer(self, conn: Connection) -> DeliveryResult:
        """Write the receipt and take the file out of the landing folder."""
        line = ledger.delivery(conn, self.delivery_id)
        assert line is not None
        place = receipt.write(self.settings, conn, line)
        receipt.write_due(self.settings, conn)
        if self.is_landed:
            self.path.unlink(missing_ok=True)
        return DeliveryResult(
            delivery_id=self.delivery_id,
            file_name=self.path.name,
            flow_code=line["flow_code"],
            sender_code=line["sender_code"],
            period_code=line["period_code"],
            outcome="repeated" if self.is_repeat else line["outcome"],
            records_sent=line["records_sent"],
            records_accepted=line["records_accepted"],
            records_discarded=line["records_discarded"],
            records_flagged=line["records_flagged"],
            seconds=time.monotonic() - self.began if self.is_repeat else line["run_seconds"],
            receipt_dir=place,
        )

    def _known(self) -> int | None:
        if not self.is_landed:
            return None
        return ledger.same_arrival(self.conn, self.path.name, self.archived.sha256, self.received_at)

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

    def _refuse(self, refusal: FileRefused) -> None:
        findings = [(self.contract.file_rule(found.condition), found) for found in refusal.findings]
        codes = frozenset(rule.code for rule, _ in findings)
        before = ledger.refused(self.conn, self.name.file_name, self.archived.sha256)
        if before and before[1] == codes:
            self._repeat(before[0])
            return
        rows = [
            (found.record_number, None, None, None, found.field or rule.field, rule.code, rule.grade)
            for rule, found in findings
        ]
        with self.conn.transaction():
            self.delivery_id = ledger.open_line(self.conn, self.line("refused"))
            ledger.add_findings(self.conn, self.delivery_id, pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row"))
            seconds = time.monotonic() - self.began
            ledger.close_line(self.conn, self.delivery_id, sent=0, accepted=0, discarded=0, flagged=0, seconds=seconds)
            self.archived.settle()

    def _repeat(self, delivery_id: int) -> None:
        with self.conn.transaction():
            ledger.add_repeat(self.conn, delivery_id, self.name.file_name, self.received_at)
            self.archived.settle()
        self.delivery_id, self.is_repeat = delivery_id, True

    def line(self, outcome: str) -> dict[str, Any]:
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

    def delivery(self) -> Delivery:
        name = self.name
        assert name.flow_code and name.sender_code and name.period_code and name.progressive
        assert name.period_start_on and name.period_end_on
        return Delivery(
            delivery_id=self.delivery_id,
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


def accept(
    settings: Settings, conn: Connection, arrivals: list[Arrival], batches: Iterator[Batch] | None, today: date
) -> None:
    """One transaction: lines of the ledger in the order of the files, records, counts. `batches`: what was read of
    them already."""
    contract = arrivals[0].contract
    with conn.transaction():
        for arrival in arrivals:
            arrival.delivery_id = ledger.open_line(conn, arrival.line("accepted"))
        sheaf = Sheaf(tuple(arrival.delivery() for arrival in arrivals))
        outcomes = _load(settings, conn, sheaf, contract, batches, today)
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            ledger.add_findings(conn, arrival.delivery_id, outcome.findings)
            ledger.close_line(
                conn,
                arrival.delivery_id,
                sent=outcome.records_sent,
                accepted=outcome.records_accepted,
                discarded=outcome.records_discarded,
                flagged=outcome.records_flagged,
                seconds=(time.monotonic() - arrivals[0].began) / len(arrivals),
            )
        for arrival in arrivals:
            arrival.archived.settle()
    for outcome in outcomes:
        for after in outcome.after_commit:
            after()


def _load(
    settings: Settings,
    conn: Connection,
    sheaf: Sheaf,
    contract: Contract,
    batches: Iterator[Batch] | None,
    today: date,
) -> list[LoadOutcome]:
    """The loader of the flow. The registry is compared by change; a nomenclature takes effect as soon as it is in."""
    if contract.flow_code == "NAAR":
        return [registry.load_snapshot(settings, conn, sheaf.first, contract)]
    outcomes = records.load(
        settings.pseudonym_key, conn, sheaf, contract, batches or records.read(sheaf.first, contract), today
    )
    if contract.flow_code == "NOML":
        nomenclature.rebuild_local(conn, sheaf.first.sender_code)
    return outcomes


def _received_at(path: Path) -> datetime:
    """When a landing file was last written: with name and hash, the mark by which an arrival is known again."""
    return datetime.fromtimestamp(path.stat().st_mtime_ns // 1000 / 1_000_000, UTC)
