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

from orchestration.intake import archive, features, ledger, nomenclature, operations, read_csv, read_xml, spans
from orchestration.intake.check import CheckContext, check, prepare
from orchestration.intake.contract import Contract, Field, Table
from orchestration.intake.delivery import FINDING_SCHEMA, Delivery, LoadOutcome
from orchestration.intake.load import copy_binary
from orchestration.intake.tokens import tokens

Connection = psycopg.Connection[Any]

#: Attributes of the root that repeat the name, and the condition when they do not.
REPEATED = {"mittente": "sender_mismatch", "periodo": "period_mismatch", "progressivo": "progressive_mismatch"}
#: A key that is not well formed could be anything that slipped into the wrong field: it is not repeated to anybody.
SAFE_KEY = r"^[A-Za-z0-9_/.\- ]{1,30}$"
#: The identifying fields of a person as presented, in the order of the token. A person with a prefix (`reporter_`) has
#: the same fields with that prefix, as far as the contract knows them.
BUNDLE = (
    "identifier_type_code",
    "identifier",
    "local_id",
    "family_name",
    "given_name",
    "sex_code",
    "birth_date",
    "birth_year",
    "birth_place_code",
)
#: One of these must be there, else nobody was presented and there is no token.
IDENTIFYING = ("identifier", "local_id", "family_name", "given_name")
ANONYMOUS_BY_LAW = "98"

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
        self.batches = 0
        self.context = CheckContext(
            sender_code=delivery.sender_code,
            period_start=delivery.period_start_on,
            period_end=delivery.period_end_on,
            today=today,
            local_nomenclature=nomenclature.local(conn, delivery.sender_code),
            regional_nomenclature=nomenclature.regional(conn),
            known_spans=partial(spans.known, conn, delivery.flow_code, delivery.sender_code),
        )

    def run(self) -> LoadOutcome:
        sent = discarded = flagged = 0
        for frames, issues in _one_ahead(self._batches()):
            records = frames[self.main.name].height
            n_discarded, n_flagged = self._load_batch(frames, issues)
            sent, discarded, flagged = sent + records, discarded + n_discarded, flagged + n_flagged
        return LoadOutcome(sent, sent - discarded, discarded, flagged)

    def _batches(self) -> Iterator[_Batch]:
        with archive.open_member(self.delivery.path, self.delivery.file_name) as stream:
            if self.contract.file_format == "csv":
                yield {self.main.name: read_csv.read(stream, self.contract)}, []
                return
            values = (self.delivery.sender_code, self.delivery.period_code, f"{self.delivery.progressive:03d}")
            expected = {name: (value, REPEATED[name]) for name, value in zip(REPEATED, values, strict=True)}
            for batch in read_xml.read(stream, read_xml.layout(self.contract.flow_code), expected):
                yield batch.frames, batch.issues

    def _load_batch(self, frames: dict[str, pl.DataFrame], issues: list[read_xml.StructuralIssue]) -> tuple[int, int]:
        """Write one batch; returns how many of its records were discarded and how many flagged."""
        self.batches += 1
        prepared = prepare(self.contract, frames, self.context)
        found = [check(self.contract, prepared, self.context), self._structural(issues)]
        findings = pl.concat([f.select(_FOUND) for f in found])
        main = prepared[self.main.name]
        keys = main.select("record_number", pl.col(self.contract.key_field).alias("record_key"))
        if self.contract.has_operations:
            findings = self._operate(main, keys, findings)
        discarded = _numbers(findings, "SCARTO")
        flagged = _numbers(findings, "ANOMALIA").join(discarded, on="record_number", how="anti")
        self._write(prepared, discarded)
        if findings.height:
            safe = keys.with_columns(pl.when(pl.col("record_key").str.contains(SAFE_KEY)).then("record_key"))
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

    def _operate(self, main: pl.DataFrame, keys: pl.DataFrame, findings: pl.DataFrame) -> pl.DataFrame:
        """Judge operations against the state of their keys, write the new state, and add what was found."""
        delivery = self.delivery
        discarded = _numbers(findings, "SCARTO")["record_number"]
        if self.contract.is_key_per_period:
            keys = keys.with_columns(record_key=pl.lit(f"{delivery.period_code}/") + pl.col("record_key"))
        records = keys.with_columns(
            main["operation"], pl.col("record_number").is_in(discarded.implode()).alias("is_discarded")
        )
        so_far = ledger.keys_so_far(
            self.conn, delivery.flow_code, delivery.sender_code, delivery.delivery_id, keys["record_key"]
        )
        judgement = operations.judge(records, so_far)
        ledger.set_keys(
            self.conn, delivery.flow_code, delivery.sender_code, delivery.delivery_id, judgement.states, so_far
        )
        if judgement.findings.is_empty():
            return findings
        rules = {c: self.contract.gate_rule(c) for c in judgement.findings["condition"].unique()}
        condition = pl.col("condition")
        added = judgement.findings.select(
            "record_number",
            pl.lit(self.main.name).alias("table_name"),
            pl.lit(None, pl.String).alias("item"),
            condition.replace_strict({c: r.field for c, r in rules.items()}, return_dtype=pl.String).alias("field"),
            condition.replace_strict({c: r.code for c, r in rules.items()}, return_dtype=pl.String).alias("rule_code"),
            condition.replace_strict({c: r.grade for c, r in rules.items()}, return_dtype=pl.String).alias("grade"),
        )
        return pl.concat([findings, added])

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
        self._keep(persons)

    def _blank_cancellations(self, frame: pl.DataFrame) -> pl.DataFrame:
        """A cancellation speaks of its key only: whatever else it carries was not checked and is not kept."""
        kept = {"record_number", "operation", self.contract.key_field}
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
                made[field.name], presented = self._persons(table, frame, _prefix(field))
                persons.append(presented)
        return frame.select(
            _typed(made.get(field.name, pl.col(field.name)), field) for field in table.fields if field.is_in_raw
        )

    def _persons(self, table: Table, frame: pl.DataFrame, prefix: str) -> tuple[pl.Series, pl.DataFrame]:
        """Tokens of the persons that a table presents, one per row, and the persons for the vault."""
        known = {field.name for field in table.file_fields}
        presented = frame.select(
            *(
                (_as_presented(prefix + name, frame) if prefix + name in known else pl.lit(None, pl.String)).alias(name)
                for name in BUNDLE
            ),
            pl.col(f"{prefix}base_identifier").alias("base_identifier"),
            pl.col(f"{prefix}identifier_is_valid").fill_null(False).alias("is_identifier_valid"),
        )
        constants = ("presented", self.delivery.flow_code, self.delivery.sender_code)
        is_person = pl.any_horizontal(pl.col(name).is_not_null() for name in IDENTIFYING) & pl.col(
            "identifier_type_code"
        ).ne_missing(ANONYMOUS_BY_LAW)
        refs = tokens(self.key, constants, presented, BUNDLE).alias("person_ref")
        presented = presented.with_columns(pl.when(is_person).then(refs).alias("person_ref"))
        return presented["person_ref"], presented

    def _keep(self, presented: list[pl.DataFrame]) -> None:
        """Put the persons of a batch into the vault."""
        if not presented:
            return
        persons = pl.concat(presented).filter(pl.col("person_ref").is_not_null()).unique("person_ref")
        if persons.is_empty():
            return
        rows = persons.select(
            "person_ref",
            pl.lit(self.delivery.flow_code).alias("flow_code"),
            pl.lit(self.delivery.sender_code).alias("sender_code"),
            "identifier_type_code",
            "identifier",
            "base_identifier",
            "is_identifier_valid",
            "local_id",
            "family_name",
            "given_name",
            "sex_code",
            pl.col("birth_date").str.to_date("%Y-%m-%d", strict=False),
            pl.col("birth_year").cast(pl.Int16, strict=False),
            "birth_place_code",
            pl.lit(self.delivery.delivery_id, pl.Int64).alias("first_delivery_id"),
        )
        self.conn.execute(
            "create temporary table if not exists gate_person (like vault.presented_person) on commit delete rows"
        )
        if self.batches > 1:  # the commit before has emptied it for the first
            self.conn.execute("truncate gate_person")
        copy_binary(self.conn, "gate_person", rows)
        self.conn.execute(
            "insert into vault.presented_person select * from gate_person on conflict (person_ref) do nothing"
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


def _prefix(field: Field) -> str:
    """`person_ref` has the plain names, `reporter_ref` those with `reporter_`."""
    name = field.name.removesuffix("_ref")
    return "" if name == "person" else f"{name}_"


def _as_presented(name: str, frame: pl.DataFrame) -> pl.Expr:
    raw = f"{name}_raw"  # what the sender wrote, when `prepare` put a typed value under the name
    return pl.col(raw if raw in frame.columns else name).cast(pl.String)


def _typed(value: pl.Expr | pl.Series, field: Field) -> pl.Expr:
    expression = pl.lit(value) if isinstance(value, pl.Series) else value
    dtype = features.decimal(field.dtype) or _TYPES[field.dtype]
    return (expression if dtype == pl.Binary else expression.cast(dtype)).alias(field.name)
