"""Persons as senders present them: the token that stays with the record, the row that goes into the vault.

Which table presents a person is in the contract (a column `…_ref`); who somebody is, is a matter of identity.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import psycopg

from orchestration.intake.contract import Field
from orchestration.intake.load import copy_binary
from orchestration.intake.sheaf import Sheaf
from orchestration.intake.tokens import tokens

Connection = psycopg.Connection[Any]

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


class Persons:
    """The persons of a sheaf of deliveries, batch by batch."""

    def __init__(self, key: bytes, conn: Connection, sheaf: Sheaf) -> None:
        self.key = key
        self.conn = conn
        self.sheaf = sheaf
        self.has_kept = False

    def presented(self, frame: pl.DataFrame, field: Field) -> tuple[pl.Series, pl.DataFrame]:
        """Tokens of the persons that a column of a table stands for, one per row, and the persons for the vault."""
        prefix = _prefix(field)
        presented = frame.select(
            self.sheaf.sender(),
            self.sheaf.delivery_id().alias("first_delivery_id"),
            *(
                (
                    _as_presented(prefix + name, frame) if prefix + name in frame.columns else pl.lit(None, pl.String)
                ).alias(name)
                for name in BUNDLE
            ),
            pl.col(f"{prefix}base_identifier").alias("base_identifier"),
            pl.col(f"{prefix}identifier_is_valid").fill_null(False).alias("is_identifier_valid"),
        )
        is_person = pl.any_horizontal(pl.col(name).is_not_null() for name in IDENTIFYING) & pl.col(
            "identifier_type_code"
        ).ne_missing(ANONYMOUS_BY_LAW)
        constants = ("presented", self.sheaf.first.flow_code)
        refs = tokens(self.key, constants, presented, ("sender_code", *BUNDLE)).alias("person_ref")
        presented = presented.with_columns(pl.when(is_person).then(refs).alias("person_ref"))
        return presented["person_ref"], presented

    def keep(self, presented: list[pl.DataFrame]) -> None:
        """Put the persons of a batch into the vault."""
        if not presented:
            return
        persons = pl.concat(presented).filter(pl.col("person_ref").is_not_null()).unique("person_ref")
        if persons.is_empty():
            return
        rows = persons.select(
            "person_ref",
            pl.lit(self.sheaf.first.flow_code).alias("flow_code"),
            "sender_code",
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
            "first_delivery_id",
        )
        self.conn.execute(
            "create temporary table if not exists gate_person (like vault.presented_person) on commit delete rows"
        )
        if self.has_kept:  # the commit before has emptied it for the first batch
            self.conn.execute("truncate gate_person")
        self.has_kept = True
        copy_binary(self.conn, "gate_person", rows)
        self.conn.execute(
            "insert into vault.presented_person select * from gate_person on conflict (person_ref) do nothing"
        )


def _prefix(field: Field) -> str:
    """`person_ref` has the plain names, `reporter_ref` those with `reporter_`."""
    name = field.name.removesuffix("_ref")
    return "" if name == "person" else f"{name}_"


def _as_presented(name: str, frame: pl.DataFrame) -> pl.Expr:
    raw = f"{name}_raw"  # what the sender wrote, when `prepare` put a typed value under the name
    return pl.col(raw if raw in frame.columns else name).cast(pl.String)
