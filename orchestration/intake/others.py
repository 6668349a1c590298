"""What other records say: the lookups of a contract, read from the database in the gate's transaction.

A lookup is a query in the contract; it gets the keys of one batch, never the whole history. Names of its parameters:
keys, sender_code, period_code, period_start_on.
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
Reader = Callable[[Lookup, str, pl.Series], pl.DataFrame]


def reader(conn: Connection, period_code: str, period_start_on: date) -> Reader:
    """Answers lookups for the records of deliveries of one period, sender by sender."""

    def read(lookup: Lookup, sender_code: str, keys: pl.Series) -> pl.DataFrame:
        nothing = services.empty(lookup)
        if keys.is_empty():
            return nothing
        rows = conn.execute(
            lookup.query,
            {
                "keys": keys.to_list(),
                "sender_code": sender_code,
                "period_code": period_code,
                "period_start_on": period_start_on,
            },
        ).fetchall()
        return pl.DataFrame(rows, schema=nothing.schema, orient="row")

    return read
