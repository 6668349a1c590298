"""Deliveries of records into raw: batches, rules, operations, persons. The way of every flow but the registry.

The order of the steps and what is kept of a record stand here; rules are in the contract, how columns become rows is in
`load`. Works in the gate's transaction and in bounded memory: each batch is written before the next one is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any

import polars as pl
import psycopg

from orchestration.intake import (
    archive,
    features,
    keys,
    ledger,
    nomenclature,
    operations,
    others,
    pending,
    read_csv,
    read_xml,
    spans,
)
from orchestration.intake.ahead import one_ahead
from orchestration.intake.check import CheckContext, check, prepare
from orchestration.intake.contract import Contract, Field, Table
from orchestration.intake.delivery import FINDING_SCHEMA, Delivery, LoadOutcome
from orchestration.intake.load import copy_binary
from orchestration.intake.presented import Persons
from orchestration.intake.sheaf import Sheaf, of_batches, of_stretches

Connection = psycopg.Connection[Any]

#: Attributes of the root that repeat the name, and the condition when they do not.
REPEATED = {"mittente": "sender_mismatch", "periodo": "period_mismatch", "progressivo": "progressive_mismatch"}
_TYPES: dict[str, Any] = {
    "text": pl.String,
    "date": pl.Date,
    "smallint": pl.Int16,
    "integer": pl.Int32,
    "bigint": pl.Int64,
    "uuid": pl.Binary,
}


#: All records of a small file, for `bind`: XML as it is written, CSV in columns.
Whole = read_xml.Stretch | read_xml.Batch


def read(delivery: Delivery, contract: Contract) -> Iterator[read_xml.Batch]:
    """The records of a delivery in batches. Raises `FileRefused` when the file is broken beyond a record."""
    with archive.open_member(delivery.path, delivery.file_name) as stream:
        if contract.file_format == "csv":
            is_whole = contract.is_read_whole
            frames = [read_csv.read(stream, contract)] if is_whole else read_csv.batches(stream, contract)
            yield from (_of_rows(frame, contract) for frame in frames)
        else:
            yield from read_xml.read(stream, read_xml.layout(contract.flow_code), _expected(delivery, contract))


def read_whole(delivery: Delivery, contract: Contract) -> Whole | None:
    """All records of a small delivery; None when it must be read on its own. Raises `FileRefused` as `read` does."""
    with archive.open_member(delivery.path, delivery.file_name) as stream:
        if contract.file_format == "csv":
            return _of_rows(read_csv.read(stream, contract), contract)
        return read_xml.read_whole(stream, read_xml.layout(contract.flow_code), _expected(delivery, contract))


def bind(contract: Contract, wholes: Sequence[Whole]) -> read_xml.Batch | None:
    """The records of the deliveries of a sheaf as one batch; None when they must be read one by one."""
    batches = [whole for whole in wholes if isinstance(whole, read_xml.Batch)]
    if batches:
        return of_batches(batches)
    found = read_xml.together(
        [whole for whole in wholes if isinstance(whole, read_xml.Stretch)], read_xml.layout(contract.flow_code)
    )
    return of_stretches(*found) if found else None


def _of_rows(frame: pl.DataFrame, contract: Contract) -> read_xml.Batch:
    return read_xml.Batch({contract.tables[0].name: frame}, [], frame.height)


def _expected(delivery: Delivery, contract: Contract) -> dict[str, tuple[str, str]]:
    """What the root must say, and the condition when it does not."""
    values = (delivery.sender_code, delivery.period_code, f"{delivery.progressive:03d}")
    written = {field.source for field in contract.header}
    return {
        name: (value, REPEATED[name]) for name, value in zip(REPEATED, values, strict=True) if f"@{name}" in written
    }


def load(
    key: bytes, conn: Connection, sheaf: Sheaf, contract: Contract, batches: Iterator[read_xml.Batch], today: date
) -> list[LoadOutcome]:
    """Check and write all records of the deliveries of a sheaf; what became of each. `batches` may raise."""
    return _Loader(key, conn, sheaf, contract, today).run(batches)


class _Loader:
    def __init__(self, key: bytes, conn: Connection, sheaf: Sheaf, contract: Contract, today: date) -> None:
        self.conn = conn
        self.sheaf = sheaf
        self.contract = contract
        self.main = contract.tables[0]
        self.persons = Persons(key, conn, sheaf)
        first = sheaf.first
        self.context = CheckContext(
            sender_code=first.sender_code,
            period_start=first.period_start_on,
            period_end=first.period_end_on,
            today=today,
            new_senders=ledger.new_senders(conn, first.flow_code, sheaf.senders, first.period_start_on),
            local_nomenclature=nomenclature.local(conn, sheaf.senders),
            regional_nomenclature=nomenclature.regional(conn),
            known_spans=partial(spans.known, conn, first.flow_code),
            other_records=others.reader(conn, first.period_code, first.period_start_on),
            sender=sheaf.sender(),
            secret=key,
        )

    def run(self, batches: Iterator[read_xml.Batch]) -> list[LoadOutcome]:
        n = len(self.sheaf.deliveries)
        sent, discarded, flagged = [0] * n, [0] * n, [0] * n
        for batch in one_ahead(batches):
            numbers = self._load_batch(batch.frames, batch.issues)
            for total, records in zip((sent, discarded, flagged), numbers, strict=True):
                total[:] = map(sum, zip(total, self.sheaf.counts(records), strict=True))
        pending.settle(self.conn, self.sheaf, self.contract, self.context)
        return [LoadOutcome(s, s - d, d, f) for s, d, f in zip(sent, discarded, flagged, strict=True)]

    def _load_batch(
        self, frames: dict[str, pl.DataFrame], issues: list[read_xml.StructuralIssue]
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Write one batch; returns the numbers of its records, of those discarded and of those flagged."""
        prepared = prepare(self.contract, frames, self.context)
        found = [check(self.contract, prepared, self.context), self._structural(issues)]
        findings = pl.concat([f.select(_FOUND) for f in found])
        main = prepared[self.main.name]
        known = keys.ledger_keys(main, self.contract, self.sheaf.first.period_code)
        if self.contract.has_operations:
            findings = self._operate(main, known, findings)
        discarded = _numbers(findings, "SCARTO")
        flagged = _numbers(findings, "ANOMALIA").join(discarded, on="record_number", how="anti")
        self._write(prepared, discarded)
        if findings.height:
            safe = known.select("record_number", pl.col("shown_key").alias("record_key"))
            told = findings.join(safe, on="record_number", how="left").with_columns(self.sheaf.delivery_id())
            ledger.add_findings(
                self.conn, told["delivery_id"], told.with_columns(self.sheaf.number_in_file().alias("record_number"))
            )
        return main.select("record_number"), discarded, flagged

    def _structural(self, issues: list[read_xml.StructuralIssue]) -> pl.DataFrame:
        if not issues:
            return pl.DataFrame(schema=_FOUND_SCHEMA)
        rows = []
        for issue in issues:
            rule = self.contract.gate_rule(issue.condition)
            rows.append((issue.record_number, issue.table_name, issue.item, issue.field, rule.code, rule.grade))
        return pl.DataFrame(rows, schema=_FOUND_SCHEMA, orient="row").unique(maintain_order=True)

    def _operate(self, main: pl.DataFrame, known: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
        """Judge operations against the state of their keys, write the new state, and add what was found."""
        flow_code = self.contract.flow_code
        discarded = _numbers(findings, "SCARTO")["record_number"]
        known = known.with_columns(self.sheaf.sender(), self.sheaf.delivery_id())
        records = known.select(
            "record_number",
            self._judged_key(),
            main["operation"],
            pl.col("record_number").is_in(discarded.implode()).alias("is_discarded"),
        )
        ids = [delivery.delivery_id for delivery in self.sheaf.deliveries]
        so_far = ledger.keys_so_far(self.conn, flow_code, ids, known)
        so_far = so_far.select(self._judged_key(), "is_live", "is_of_this_file")
        judgement = operations.judge(records, so_far)
        waiting = self._waiting(main).join(judgement.states, on="record_number")
        states = judgement.states.select(
            "record_number",
            "is_live",
            pl.col("record_number").is_in(waiting["record_number"].implode()).alias("is_pending"),
            pl.col("record_key").is_in(so_far["record_key"].implode()).alias("is_known"),
        ).join(known, on="record_number", how="left", maintain_order="left")
        ledger.set_keys(self.conn, flow_code, states.with_columns(self.sheaf.number_in_file().alias("record_number")))
        if self.contract.awaits is not None:
            for delivery, changed in self.sheaf.parts(states.filter("is_known")):
                pending.supersede(self.conn, delivery, self.contract, changed)
            alone = waiting.select("record_number", "awaited_key").join(known, on="record_number")
            for delivery, part in self.sheaf.parts(alone):
                pending.wait(self.conn, delivery, self.contract, part)
        seen = pl.concat(
            [
                judgement.findings,
                waiting.select("record_number", pl.lit(pending.AWAITED_IS_MISSING).alias("condition")),
            ]
        )
        if seen.is_empty():
            return findings
        rules = {c: self.contract.gate_rule(c) for c in seen["condition"].unique()}
        condition = pl.col("condition")
        added = seen.select(
            "record_number",
            pl.lit(self.main.name).alias("table_name"),
            pl.lit(None, pl.String).alias("item"),
            condition.replace_strict({c: r.field for c, r in rules.items()}, return_dtype=pl.String).alias("field"),
            condition.replace_strict({c: r.code for c, r in rules.items()}, return_dtype=pl.String).alias("rule_code"),
            condition.replace_strict({c: r.grade for c, r in rules.items()}, return_dtype=pl.String).alias("grade"),
        )
        return pl.concat([findings, added])

    def _judged_key(self) -> pl.Expr:
        """Keys are a sender's own: those of several senders are told apart."""
        key = pl.col("record_key")
        return key if self.sheaf.is_single else (pl.col("sender_code") + keys.SEPARATOR + key).alias("record_key")

    def _waiting(self, main: pl.DataFrame) -> pl.DataFrame:
        """Records (record_number, awaited_key) whose awaited record is not there. A cancellation needs none."""
        if self.contract.awaits is None:
            return pl.DataFrame(schema={"record_number": pl.Int64, "awaited_key": pl.String})
        is_alone = pl.col("awaited_is_live").is_null() & (pl.col("operation") != operations.CANCELLATION)
        return main.filter(is_alone).select("record_number", pl.col(self.contract.key.field).alias("awaited_key"))

    def _write(self, prepared: dict[str, pl.DataFrame], discarded: pl.DataFrame) -> None:
        cancellations = None
        persons: list[pl.DataFrame] = []
        for table in self.contract.tables:
            frame = prepared[table.name]
            if discarded.height:
                frame = frame.join(discarded, on="record_number", how="anti", maintain_order="left")
            if self.contract.has_operations:
                if table is self.main:
                    cancellations = frame.filter(pl.col("operation") == operations.CANCELLATION)["record_number"]
                    frame = self._blank_cancellations(frame)
                elif cancellations is not None and len(cancellations):
                    frame = frame.filter(~pl.col("record_number").is_in(cancellations.implode()))
            if frame.height:
                copy_binary(self.conn, f"raw.{table.physical_name}", self._raw(table, frame, persons))
        self.persons.keep(persons)

    def _blank_cancellations(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A cancellation speaks of its key only: whatever else it carries was not checked and is not kept."""
        kept = {"record_number", "operation", self.contract.key.field, *self.contract.key.parts}
        is_cancelled = pl.col("operation") == operations.CANCELLATION
        if not frame.select(is_cancelled.any()).item():
            return frame
        return frame.with_columns(
            pl.when(~is_cancelled).then(pl.col(name)).alias(name) for name in frame.columns if name not in kept
        )

    def _raw(self, table: Table, frame: pl.DataFrame, persons: list[pl.DataFrame]) -> pl.DataFrame:
        """The columns of the raw table; persons, added to those of the batch, leave their token."""
        made: dict[str, pl.Expr | pl.Series] = {
            "delivery_id": self.sheaf.delivery_id(),
            "record_number": self.sheaf.number_in_file(),
            "sender_code": self.sheaf.sender(),
            "period_start_on": pl.lit(self.sheaf.first.period_start_on),
            "file_valid_on": pl.lit(self.sheaf.first.period_start_on),
        }
        for field in table.fields:
            if field.dtype == "uuid" and field.name.endswith("_ref"):
                made[field.name], presented = self.persons.presented(frame, field)
                persons.append(presented)
        return frame.select(
            _typed(made.get(field.name, self._kept(field)), field) for field in table.fields if field.is_in_raw
        )

    def _kept(self, field: Field) -> pl.Expr:
        """What raw keeps of a field: text that cannot be one of its codes could be anything that slipped into it, a
        name too, and its finding has told of it. A code that is only missing from its list is kept."""
        value = pl.col(field.name)
        if field.pattern is not None and field.dtype == "text":
            return pl.when(pl.col(f"{field.name}_well_formed").fill_null(True)).then(value)
        if field.code_list in self.contract.code_lists:
            longest = max(len(code.code) for code in self.contract.code_lists[field.code_list].codes)
            return pl.when(value.str.len_chars() <= longest).then(value)
        return value


_FOUND_SCHEMA = {name: dtype for name, dtype in FINDING_SCHEMA.items() if name != "record_key"}
_FOUND = [pl.col(name).cast(dtype) for name, dtype in _FOUND_SCHEMA.items()]


def _numbers(findings: pl.DataFrame, grade: str) -> pl.DataFrame:
    return findings.filter(pl.col("grade") == grade).select("record_number").unique()


def _typed(value: pl.Expr | pl.Series, field: Field) -> pl.Expr:
    expression = pl.lit(value) if isinstance(value, pl.Series) else value
    dtype = features.decimal(field.dtype) or _TYPES[field.dtype]
    return (expression if dtype == pl.Binary else expression.cast(dtype)).alias(field.name)
