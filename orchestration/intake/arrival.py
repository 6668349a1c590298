"""One file at the gate: archived, then decided on, then answered; and the transaction that loads one or several.

What a refusal undoes and what a repeat is answered stands here; the order of files is in `gate`, the steps are in the
modules beside this one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import psycopg

from orchestration.intake import archive, delivery_name, landing, ledger, nomenclature, receipt, records, registry
from orchestration.intake.contract import Contract, load_contract
from orchestration.intake.delivery import FINDING_SCHEMA, Delivery, DeliveryResult, FileRefused, LoadOutcome
from orchestration.intake.read_xml import Batch
from orchestration.intake.sheaf import RECORDS_PER_FILE, Sheaf
from orchestration.settings import Settings

Connection = psycopg.Connection[Any]

#: Which contract words a refusal when the name does not say a flow.
_FALLBACK_FLOW = "IASS"


class _SameAsBefore(Exception):
    """Nothing was loaded of a delivery, for the same rules as the last time that the same bytes came."""

    def __init__(self, delivery_id: int) -> None:
        super().__init__(delivery_id)
        self.delivery_id = delivery_id


class Arrival:
    """One file at the gate: archived, then decided on, then answered.

    Raises `landing.LeftAlone` for a file that is not to be taken now, be it that somebody still writes it."""

    def __init__(self, settings: Settings, path: Path, today: date, rest_seconds: float = 0) -> None:
        self.began = time.monotonic()
        self.settings = settings
        self.path = path
        self.today = today
        self.is_landed = path.resolve().is_relative_to(settings.landing_dir.resolve())
        if self.is_landed and not landing.look(path).is_at_rest(time.time(), rest_seconds):
            raise landing.LeftAlone(landing.NOT_AT_REST)
        self.archived = archive.store(settings.archive_dir, path)
        self.received_at = _written_at(self.archived.seen) if self.is_landed else datetime.now(UTC)
        self.name = delivery_name.parse(path, today)
        self.contract = load_contract(self.name.flow_code or _FALLBACK_FLOW)
        self.delivery_id = 0  # until it has its line in the ledger, or that of the delivery that it repeats
        self.repeated_outcome: str | None = None

    def read_whole(self) -> records.Whole | None:
        """The records of a small file; None when it must be taken in alone, be it to hear what is wrong with it."""
        if self.name.conditions:
            return None
        try:
            whole = records.read_whole(self.delivery(), self.contract)
        except FileRefused:
            return None
        return whole if whole is not None and whole.n_records < RECORDS_PER_FILE else None

    def decide(self, conn: Connection) -> None:
        """Load, refuse or recognise the file."""
        (known,) = _known(conn, [self])
        if known is not None:
            # a gate died between commit and receipt: the file has had its answer, only not in writing
            self.archived.settle()
            ledger.settle_failed(conn, self.name.file_name)
            self.delivery_id = known
            return
        try:
            if self.name.conditions:
                raise FileRefused(*self.name.conditions)
            repeated = self._check_progressive(conn)
            if repeated is not None:
                self._repeat(conn, repeated)
            else:
                accept(self.settings, conn, [self], None, self.today)
        except FileRefused as refusal:
            self._refuse(conn, refusal)
        except _SameAsBefore as same:
            self._repeat(conn, same.delivery_id)

    def _check_progressive(self, conn: Connection) -> int | None:
        """The delivery that this one repeats; None when it is to be judged: its number is the next one, or the last one
        and nothing was loaded of what came under it. An earlier number would change the order of operations."""
        ((delivery_id, sha256, outcome, last),) = ledger.standing(conn, [self.place()])
        if delivery_id is None:
            if self.name.progressive != last + 1:
                raise FileRefused("progressive_gap")
            return None
        if outcome == "nothing_loaded" and self.name.progressive == last:
            return None
        if sha256 != self.archived.sha256:
            raise FileRefused("progressive_reused")
        return delivery_id

    def _refuse(self, conn: Connection, refusal: FileRefused) -> None:
        findings = [(self.contract.file_rule(found.condition), found) for found in refusal.findings]
        codes = frozenset(rule.code for rule, _ in findings)
        before = ledger.turned_away(conn, self.name.file_name, self.archived.sha256)
        if before and before[1] == codes:
            self._repeat(conn, before[0])
            return
        rows = [
            (found.record_number, None, None, None, found.field or rule.field, rule.code, rule.grade)
            for rule, found in findings
        ]
        with conn.transaction():
            (self.delivery_id,) = ledger.open_lines(conn, [self.line("refused", nomenclature.current_version(conn))])
            ledger.add_findings(conn, self.delivery_id, pl.DataFrame(rows, schema=FINDING_SCHEMA, orient="row"))
            ledger.close_lines(conn, [(self.delivery_id, "refused", 0, 0, 0, 0, time.monotonic() - self.began)])
            ledger.settle_failed(conn, self.name.file_name)
            self.archived.settle()

    def _repeat(self, conn: Connection, delivery_id: int) -> None:
        with conn.transaction():
            ledger.add_repeat(conn, delivery_id, self.name.file_name, self.received_at)
            ledger.settle_failed(conn, self.name.file_name)
            self.archived.settle()
        self.delivery_id, self.repeated_outcome = delivery_id, ledger.outcome(conn, delivery_id)

    def compare_with_before(self, conn: Connection) -> None:
        """Raises `_SameAsBefore`, and so undoes the line in the ledger, when the same bytes came to nothing before."""
        before = ledger.turned_away(conn, self.name.file_name, self.archived.sha256, before=self.delivery_id)
        if before and before[1] == ledger.rule_codes(conn, self.delivery_id):
            raise _SameAsBefore(before[0])

    def place(self) -> tuple[str, str, str, int]:
        """Where the ledger counts it: flow, sender, period, progressive."""
        name = self.name
        assert name.flow_code and name.sender_code and name.period_code and name.progressive
        return name.flow_code, name.sender_code, name.period_code, name.progressive

    def line(self, outcome: str, nomenclature_version: int) -> dict[str, Any]:
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
            "contract_hash": self.contract.content_hash,
            "nomenclature_version": nomenclature_version or None,
        }

    def delivery(self) -> Delivery:
        name = self.name
        flow_code, sender_code, period_code, progressive = self.place()
        assert name.period_start_on and name.period_end_on
        return Delivery(
            delivery_id=self.delivery_id,
            file_name=name.file_name,
            flow_code=flow_code,
            sender_code=sender_code,
            period_code=period_code,
            period_start_on=name.period_start_on,
            period_end_on=name.period_end_on,
            progressive=progressive,
            sha256=self.archived.sha256,
            size_bytes=self.archived.size_bytes,
            received_at=self.received_at,
            path=self.archived.path,
        )


def next_ones(conn: Connection, arrivals: list[Arrival]) -> list[bool]:
    """Which of some arrivals with names in order are new and the next of their senders: nothing is to be decided about
    them but to load them."""
    standing = ledger.standing(conn, [arrival.place() for arrival in arrivals])
    return [
        known is None and held is None and arrival.name.progressive == last + 1
        for arrival, known, (held, _, _, last) in zip(arrivals, _known(conn, arrivals), standing, strict=True)
    ]


def accept(
    settings: Settings, conn: Connection, arrivals: list[Arrival], batches: Iterator[Batch] | None, today: date
) -> None:
    """One transaction: lines of the ledger in the order of the files, records, counts. `batches`: what was read of
    them already."""
    contract = arrivals[0].contract
    with conn.transaction():
        version = nomenclature.current_version(conn)
        ids = ledger.open_lines(conn, [arrival.line("accepted", version) for arrival in arrivals])
        for arrival, delivery_id in zip(arrivals, ids, strict=True):
            arrival.delivery_id = delivery_id
        sheaf = Sheaf(tuple(arrival.delivery() for arrival in arrivals))
        outcomes = _load(settings, conn, sheaf, contract, batches, today)
        for delivery_id, outcome in zip(ids, outcomes, strict=True):
            ledger.add_findings(conn, delivery_id, outcome.findings)
        seconds = (time.monotonic() - arrivals[0].began) / len(arrivals)
        ledger.close_lines(
            conn,
            [
                (
                    n,
                    "nothing_loaded" if o.is_nothing else "accepted",
                    *(o.records_sent, o.records_accepted, o.records_discarded, o.records_flagged),
                    seconds,
                )
                for n, o in zip(ids, outcomes, strict=True)
            ],
        )
        for arrival, outcome in zip(arrivals, outcomes, strict=True):
            if outcome.is_nothing:
                arrival.compare_with_before(conn)
        ledger.settle_failed(conn, *(arrival.name.file_name for arrival in arrivals))
        if contract.flow_code == "NOML":  # takes effect as soon as it is in
            nomenclature.rebuild_local(conn, sheaf.senders)
        for arrival in arrivals:
            arrival.archived.settle()
    for outcome in outcomes:
        for after in outcome.after_commit:
            after()


def answer(settings: Settings, conn: Connection, arrivals: list[Arrival]) -> list[DeliveryResult]:
    """Write the receipts of files that were decided on, in the order of their numbers, and take the files out of the
    landing folder."""
    lines = ledger.lines(conn, [arrival.delivery_id for arrival in arrivals])
    places = receipt.write(settings, conn, lines)
    receipt.write_due(settings, conn)
    results = []
    for arrival, line, place in zip(arrivals, lines, places, strict=True):
        results.append(
            DeliveryResult(
                delivery_id=arrival.delivery_id,
                file_name=arrival.name.file_name,
                flow_code=line["flow_code"],
                sender_code=line["sender_code"],
                period_code=line["period_code"],
                outcome="repeated" if arrival.repeated_outcome else line["outcome"],
                records_sent=line["records_sent"],
                records_accepted=line["records_accepted"],
                records_discarded=line["records_discarded"],
                records_flagged=line["records_flagged"],
                seconds=time.monotonic() - arrival.began if arrival.repeated_outcome else line["run_seconds"],
                receipt_dir=place,
                repeated_outcome=arrival.repeated_outcome,
                left_because=_take_away(arrival),
            )
        )
    return results


def _known(conn: Connection, arrivals: list[Arrival]) -> list[int | None]:
    """The delivery that each file already became, if a gate died before it could be taken out of the landing folder."""
    landed = [arrival for arrival in arrivals if arrival.is_landed]
    if not landed:
        return [None] * len(arrivals)
    asked = [(arrival.name.file_name, arrival.archived.sha256, arrival.received_at) for arrival in landed]
    known = dict(zip(map(id, landed), ledger.same_arrivals(conn, asked), strict=True))
    return [known.get(id(arrival)) for arrival in arrivals]


def _load(
    settings: Settings,
    conn: Connection,
    sheaf: Sheaf,
    contract: Contract,
    batches: Iterator[Batch] | None,
    today: date,
) -> list[LoadOutcome]:
    """The loader of the flow: the registry is compared by change."""
    if contract.flow_code == "NAAR":
        return [registry.load_snapshot(settings, conn, sheaf.first, contract)]
    return records.load(
        settings.pseudonym_key, conn, sheaf, contract, batches or records.read(sheaf.first, contract), today
    )


def _take_away(arrival: Arrival) -> str | None:
    """Take a file that was answered out of the landing folder; the reason when it still lies there."""
    if not arrival.is_landed:
        return None
    try:
        if archive.is_same(arrival.path, arrival.archived):
            arrival.path.unlink(missing_ok=True)
        elif arrival.path.exists():
            return landing.NEWER
    except OSError as error:
        return f"it could not be removed from the landing folder ({type(error).__name__})"
    return None


def _written_at(seen: landing.Seen) -> datetime:
    """When a landing file was last written: with name and hash, the mark by which an arrival is known again."""
    return datetime.fromtimestamp(seen.written_ns // 1000 / 1_000_000, UTC)
