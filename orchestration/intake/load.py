"""Columns into PostgreSQL: Polars frames by COPY BINARY on the connection (and in the transaction) of the caller.

Generic transport only, and the statistics of what was written: which rows are accepted and where they go is decided
elsewhere.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import psycopg
from pgpq import ArrowToPostgresBinaryEncoder
from psycopg import sql

#: Rows per Arrow batch: keeps the encoded buffer at some megabytes whatever the size of the frame.
ROWS_PER_BATCH = 65_536


def copy_binary(conn: psycopg.Connection[Any], table: str, frame: pl.DataFrame) -> int:
    """COPY `frame` into `table` (`schema.name` or the name of a temporary table); returns the rows written.

    The frame's column names are the columns of the table, its types must be the table's own: Int16 smallint, Int64
    bigint, String text, Date date, Float64 double precision, Boolean boolean, a 16-byte Binary uuid.
    """
    if frame.is_empty():
        return 0
    batches = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches(max_chunksize=ROWS_PER_BATCH)
    encoder = ArrowToPostgresBinaryEncoder(batches[0].schema)
    statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, frame.columns))
    )
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(encoder.write_header())
        for batch in batches:
            copy.write(encoder.write_batch(batch))
        copy.write(encoder.finish())
    return frame.height


def renew_statistics(conn: psycopg.Connection[Any]) -> None:
    """Analyze the tables that PostgreSQL itself would analyze a minute later: the build that follows plans now."""
    conn.execute("select pg_stat_force_next_flush()")
    stale = conn.execute(_STALE).fetchall()
    if stale:
        tables = sql.SQL(", ").join(sql.Identifier(*name) for name in stale)
        conn.execute(sql.SQL("analyze {}").format(tables))


_STALE = """
select schemaname, relname
from pg_stat_user_tables
where has_table_privilege(relid, 'maintain')
    and n_mod_since_analyze > current_setting('autovacuum_analyze_threshold')::int
    + current_setting('autovacuum_analyze_scale_factor')::float8 * n_live_tup
"""
