"""What other records say: the lookups of a contract, read from the database in the gate's transaction.

A lookup is a query in the contract; it gets the keys of one batch, each with its sender, never the whole history, and
answers with sender_code, the key and its columns. Names of its parameters: senders, keys, period_code, period_start_on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import polars as pl
import psycopg

from orchestration.intake import services
from orchestration.intake.contract import Lookup

Connection = psycopg.Connection[Any]
Reader = Callable[[Lookup, pl.DataFrame], pl.DataFrame]


def reader(conn: Connection, period_code: str, period_start_on: date) -> Reader:
    """Answers lookups for the records (sender_code, key) of deliveries of one period."""

    def read(lookup: Lookup, asked: pl.DataFrame) -> pl.DataFrame:
        nothing = services.empty(lookup)
        if asked.is_empty():
            return nothing
        rows = conn.execute(
            lookup.query,
            {
                "senders": asked["sender_code"].to_list(),
                "keys": asked[lookup.by].to_list(),
                "period_code": period_code,
                "period_start_on": period_start_on,
            },
        ).fetchall()
        return pl.DataFrame(rows, schema=nothing.schema, orient="row")

    return read
