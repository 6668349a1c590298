"""A delivery of records into raw: batches, rules, operations, persons. The way of every flow but the registry.

The order of the steps and what is kept of a record stand here; rules are in the contract, how columns become rows is in
`load`. Works in the gate's transaction and in bounded memory: each batch is written before the next one is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from orchestration.intake.check import CheckContext, check, prepare
from orchestration.intake.contract import Contract, Field, Table
from orchestration.intake.delivery import FINDING_SCHEMA, Delivery, LoadOutcome
from orchestration.intake.load import copy_binary
from orchestration.intake.presented import Persons

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


def load(key: bytes, conn: Connection, delivery: Delivery, contract: Contract, today: date) -> LoadOutcome:
    """Read, check and write all records of a delivery. Raises `FileRefused` when the file is broken beyond a record."""
    return _Loader(key, conn, delivery, contract, today).run()


_Batch = tuple[dict[str, pl.DataFrame], list[read_xml.StructuralIssue]]


class _Loader:
    def __init__(self, key: bytes, conn: Connection, delivery: Delivery, contract: Contract, today: date) -> None:
        self.key = key
        self.conn = conn
        self.delivery = delivery
        self.contract = contract
        self.main = contract.tables[0]
        self.persons = Persons(key, conn, delivery)
        self.context = CheckContext(
            sender_code=delivery.sender_code,
            period_start=delivery.period_start_on,
            period_end=delivery.period_end_on,
            today=today,
            is_first_period=ledger.is_first_period(
                conn, delivery.flow_code, delivery.sender_code, delivery.period_start_on
            ),
            local_nomenclature=nomenclature.local(conn, delivery.sender_code),
            regional_nomenclature=nomenclature.regional(conn),
            known_spans=partial(spans.known, conn, delivery.flow_code, delivery.sender_code),
            other_records=others.reader(conn, delivery.sender_code, delivery.period_code, delivery.period_start_on),
            secret=key,
        )

    def run(self) -> LoadOutcome:
        sent = discarded = flagged = 0
        for frames, issues in _one_ahead(self._batches()):
            records = frames[self.main.name].height
            n_discarded, n_flagged = self._load_batch(frames, issues)
            sent, discarded, flagged = sent + records, discarded + n_discarded, flagged + n_flagged
        pending.settle(self.conn, self.delivery, self.contract, self.context)
        return LoadOutcome(sent, sent - discarded, discarded, flagged)

    def _batches(self) -> Iterator[_Batch]:
        with archive.open_member(self.delivery.path, self.delivery.file_name) as stream:
            if self.contract.file_format == "csv":
                yield {self.main.name: read_csv.read(stream, self.contract)}, []
                return
            values = (self.delivery.sender_code, self.delivery.period_code, f"{self.delivery.progressive:03d}")
            written = {field.source for field in self.contract.header}
            expected = {
                name: (value, REPEATED[name])
                for name, value in zip(REPEATED, values, strict=True)
                if f"@{name}" in written
            }
            for batch in read_xml.read(stream, read_xml.layout(self.contract.flow_code), expected):
                yield batch.frames, batch.issues

    def _load_batch(self, frames: dict[str, pl.DataFrame], issues: list[read_xml.StructuralIssue]) -> tuple[int, int]:
        """Write one batch; returns how many of its records were discarded and how many flagged."""
        prepared = prepare(self.contract, frames, self.context)
        found = [check(self.contract, prepared, self.context), self._structural(issues)]
        findings = pl.concat([f.select(_FOUND) for f in found])
        main = prepared[self.main.name]
        known = keys.ledger_keys(main, self.contract, self.delivery.period_code)
        if self.contract.has_operations:
            findings = self._operate(main, known, findings)
        discarded = _numbers(findings, "SCARTO")
        flagged = _numbers(findings, "ANOMALIA").join(discarded, on="record_number", how="anti")
        self._write(prepared, discarded)
        if findings.height:
            safe = known.select("record_number", pl.col("shown_key").alias("record_key"))
            ledger.add_findings(
                self.conn,
                self.delivery.delivery_id,
                findings.join(safe, on="record_number", how="left").select(list(FINDING_SCHEMA)),
            )
        return discarded.height, flagged.height

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
        delivery = self.delivery
        discarded = _numbers(findings, "SCARTO")["record_number"]
        records = known.with_columns(
            main["operation"], pl.col("record_number").is_in(discarded.implode()).alias("is_discarded")
        )
        so_far = ledger.keys_so_far(
            self.conn, delivery.flow_code, delivery.sender_code, delivery.delivery_id, known["record_key"]
        )
        judgement = operations.judge(records, so_far)
        waiting = self._waiting(main).join(judgement.states, on="record_number")
        states = judgement.states.with_columns(
            is_pending=pl.col("record_number").is_in(waiting["record_number"].implode())
        )
        ledger.set_keys(self.conn, delivery.flow_code, delivery.sender_code, delivery.delivery_id, states, so_far)
        pending.supersede(self.conn, delivery, self.contract, states.join(so_far, on="record_key", how="semi"))
        pending.wait(self.conn, delivery, self.contract, waiting)
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
            "delivery_id": pl.lit(self.delivery.delivery_id, pl.Int64),
            "sender_code": pl.lit(self.delivery.sender_code),
            "period_start_on": pl.lit(self.delivery.period_start_on),
            "file_valid_on": pl.lit(self.delivery.period_start_on),
        }
        for field in table.fields:
            if field.dtype == "uuid" and field.name.endswith("_ref"):
                made[field.name], presented = self.persons.presented(frame, field)
                persons.append(presented)
        return frame.select(
            _typed(made.get(field.name, pl.col(field.name)), field) for field in table.fields if field.is_in_raw
        )


def _one_ahead(batches: Iterator[_Batch]) -> Iterator[_Batch]:
    """Read the next batch in a thread while this one is checked and written: the database works beside the parser."""
    with ThreadPoolExecutor(1, thread_name_prefix="reader") as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


_FOUND_SCHEMA = {name: dtype for name, dtype in FINDING_SCHEMA.items() if name != "record_key"}
_FOUND = [pl.col(name).cast(dtype) for name, dtype in _FOUND_SCHEMA.items()]


def _numbers(findings: pl.DataFrame, grade: str) -> pl.DataFrame:
    return findings.filter(pl.col("grade") == grade).select("record_number").unique()


def _typed(value: pl.Expr | pl.Series, field: Field) -> pl.Expr:
    expression = pl.lit(value) if isinstance(value, pl.Series) else value
    dtype = features.decimal(field.dtype) or _TYPES[field.dtype]
    return (expression if dtype == pl.Binary else expression.cast(dtype)).alias(field.name)
