"""The ledger: reading and writing `landing.delivery`, its findings, repeats, rules and the state of record keys.

SQL about deliveries stands here and nowhere else in the gate; when something is written is decided in `gate`.
Every function works on the caller's connection and inside its transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import dict_row

from orchestration.intake.contract import Contract
from orchestration.intake.delivery import FINDING_SCHEMA
from orchestration.intake.load import copy_binary

Connection = psycopg.Connection[Any]

#: One gate at a time in a warehouse, so that the order of delivery ids is the order of commits.
GATE_LOCK = 0x1A55_0001

_DELIVERIES = """
select d.*,
    row_number() over (partition by d.sender_code, d.file_name order by d.delivery_id)::int as attempt,
    (select count(*) from landing.delivery_repeat as r where r.delivery_id = d.delivery_id)::int as repeats
from landing.delivery as d
"""


def lock_gate(conn: Connection) -> None:
    """Wait until no other gate works on this warehouse; the end of the connection gives it back."""
    conn.execute("select pg_advisory_lock(%s)", [GATE_LOCK])


def deliveries(
    conn: Connection,
    flow: str | None = None,
    sender: str | None = None,
    period: str | None = None,
    outcome: str | None = None,
) -> list[dict[str, Any]]:
    """Lines of the ledger in the order of processing. `outcome`: accepted, refused, or repeated (sent again)."""
    conditions = {"flow_code": flow, "sender_code": sender, "period_code": period}
    where = [f"{column} = %({column})s" for column, value in conditions.items() if value is not None]
    if outcome == "repeated":
        where.append("repeats > 0")
    elif outcome is not None:
        where.append("outcome = %(outcome)s")
    return _rows(
        conn,
        f"select * from ({_DELIVERIES}) as d {'where ' + ' and '.join(where) if where else ''} order by delivery_id",
        conditions | {"outcome": outcome},
    )


def delivery(conn: Connection, delivery_id: int) -> dict[str, Any] | None:
    """One line of the ledger."""
    found = _rows(
        conn,
        # the attempt counts the deliveries of the same name, so the window must see them all
        f"select * from ({_DELIVERIES} where (coalesce(d.sender_code, ''), d.file_name) = "
        "(select coalesce(sender_code, ''), file_name from landing.delivery where delivery_id = %(id)s)) as d "
        "where delivery_id = %(id)s",
        {"id": delivery_id},
    )
    return found[0] if found else None


def last_of_name(conn: Connection, file_name: str) -> int | None:
    """The last delivery of a file name."""
    row = conn.execute("select max(delivery_id) from landing.delivery where file_name = %s", [file_name]).fetchone()
    return row[0] if row else None


def newest(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The last lines: those whose receipt a dead gate may have left unwritten."""
    return _rows(conn, f"{_DELIVERIES} order by d.delivery_id desc limit %(limit)s", {"limit": limit})


def accepted(conn: Connection, flow: str, sender: str, period: str, progressive: int) -> tuple[int, str] | None:
    """Id and hash of the accepted delivery under a number, if there is one."""
    return conn.execute(
        "select delivery_id, sha256 from landing.delivery where flow_code = %s and sender_code = %s"
        " and period_code = %s and progressive = %s and outcome = 'accepted'",
        [flow, sender, period, progressive],
    ).fetchone()


def last_progressive(conn: Connection, flow: str, sender: str, period: str) -> int:
    """The highest progressive that was accepted; 0 when nothing was."""
    row = conn.execute(
        "select coalesce(max(progressive), 0) from landing.delivery"
        " where flow_code = %s and sender_code = %s and period_code = %s and outcome = 'accepted'",
        [flow, sender, period],
    ).fetchone()
    return row[0] if row else 0


def new_senders(conn: Connection, flow: str, senders: list[str], period_start_on: date) -> frozenset[str]:
    """Those of some senders of whom nothing of an earlier period was ever accepted."""
    rows = conn.execute(
        "select sender_code from unnest(%s::text[]) as asked (sender_code) where not exists (select"
        " from landing.delivery as d where d.flow_code = %s and d.sender_code = asked.sender_code"
        " and d.period_start_on < %s and d.outcome = 'accepted')",
        [senders, flow, period_start_on],
    )
    return frozenset(row[0] for row in rows.fetchall())


def refused(conn: Connection, file_name: str, sha256: str) -> tuple[int, frozenset[str]] | None:
    """The last refusal of the same bytes under the same name, with its rules."""
    row = conn.execute(
        "select d.delivery_id, array(select distinct f.rule_code from landing.finding as f"
        " where f.delivery_id = d.delivery_id) from landing.delivery as d"
        " where d.sha256 = %s and d.file_name = %s and d.outcome = 'refused' order by d.delivery_id desc limit 1",
        [sha256, file_name],
    ).fetchone()
    return (row[0], frozenset(row[1])) if row else None


def same_arrival(conn: Connection, file_name: str, sha256: str, received_at: datetime) -> int | None:
    """The delivery that a landing file already became, when a gate died before it could remove the file."""
    row = conn.execute(
        "select delivery_id from landing.delivery where sha256 = %(sha)s and file_name = %(name)s and"
        " received_at = %(at)s union all select d.delivery_id from landing.delivery_repeat as r"
        " join landing.delivery as d using (delivery_id)"
        " where d.sha256 = %(sha)s and r.file_name = %(name)s and r.received_at = %(at)s limit 1",
        {"sha": sha256, "name": file_name, "at": received_at},
    ).fetchone()
    return row[0] if row else None


def open_line(conn: Connection, line: dict[str, Any]) -> int:
    """Write a line with what is known before reading; `close_line` adds the counts in the same transaction."""
    columns = ", ".join(line)
    values = ", ".join(f"%({column})s" for column in line)
    row = conn.execute(
        f"insert into landing.delivery ({columns}) values ({values}) returning delivery_id", line
    ).fetchone()
    assert row is not None
    return int(row[0])


def close_line(
    conn: Connection, delivery_id: int, *, sent: int, accepted: int, discarded: int, flagged: int, seconds: float
) -> None:
    """Complete a line with its counts and duration."""
    conn.execute(
        "update landing.delivery set records_sent = %s, records_accepted = %s, records_discarded = %s,"
        " records_flagged = %s, run_seconds = %s, processed_at = clock_timestamp() where delivery_id = %s",
        [sent, accepted, discarded, flagged, seconds, delivery_id],
    )


def recount(conn: Connection, delivery_ids: list[int]) -> None:
    """Count deliveries again whose findings have changed since they were answered; their receipts are due again."""
    if not delivery_ids:
        return
    conn.execute(
        "with counted as (select delivery_id, count(*) filter (where is_discarded) as n_discarded,"
        " count(*) filter (where not is_discarded) as n_flagged from (select delivery_id, record_number,"
        " bool_or(grade = 'SCARTO') as is_discarded from landing.finding where delivery_id = any(%(ids)s)"
        " group by 1, 2) as record group by 1)"
        " update landing.delivery as d set records_discarded = coalesce(c.n_discarded, 0),"
        " records_accepted = d.records_sent - coalesce(c.n_discarded, 0), records_flagged = coalesce(c.n_flagged, 0)"
        " from unnest(%(ids)s::bigint[]) as i (delivery_id) left join counted as c using (delivery_id)"
        " where d.delivery_id = i.delivery_id",
        {"ids": delivery_ids},
    )
    conn.execute(
        "insert into landing.receipt_due (delivery_id) select unnest(%s::bigint[]) on conflict do nothing",
        [delivery_ids],
    )


def receipts_due(conn: Connection) -> list[int]:
    """Deliveries whose receipt is to be written again."""
    return [row[0] for row in conn.execute("select delivery_id from landing.receipt_due order by 1").fetchall()]


def receipt_is_written(conn: Connection, delivery_id: int) -> None:
    """Cross a receipt off the list."""
    conn.execute("delete from landing.receipt_due where delivery_id = %s", [delivery_id])


def waiting(conn: Connection, delivery_id: int) -> tuple[int, date | None]:
    """How many accepted records of a delivery wait for the record they belong to, and until when."""
    row = conn.execute(
        "select count(*), max(expires_on) from landing.pending_record where delivery_id = %s and state = 'waiting'",
        [delivery_id],
    ).fetchone()
    assert row is not None
    return int(row[0]), row[1]


def add_findings(conn: Connection, delivery_id: int | pl.Series, findings: pl.DataFrame) -> None:
    """Write findings (columns of `FINDING_SCHEMA`) of one delivery, or each of its own."""
    if findings.height:
        typed = findings.select([pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items()])
        of = pl.lit(delivery_id, pl.Int64) if isinstance(delivery_id, int) else pl.lit(delivery_id)
        copy_binary(conn, "landing.finding", typed.select(of.alias("delivery_id"), pl.all()))


def findings(conn: Connection, delivery_id: int) -> Iterable[tuple[Any, ...]]:
    """All findings of a delivery with the sentence of their rule, in file order, as a stream."""
    with conn.cursor() as cursor:
        yield from cursor.stream(
            "select f.record_number, f.record_key, f.table_name, f.item, f.field, f.rule_code, f.grade, r.sentence_it"
            " from landing.finding as f left join landing.rule as r using (rule_code) where f.delivery_id = %s"
            " order by f.record_number nulls first, f.rule_code, f.item",
            [delivery_id],
            size=1000,
        )


def findings_by_rule(conn: Connection, delivery_id: int) -> list[dict[str, Any]]:
    """Rules that were broken, with the number of findings and of records."""
    return _rows(
        conn,
        "select f.rule_code, f.grade, coalesce(min(f.field), '') as field, r.sentence_it, count(*)::int as findings,"
        " count(distinct f.record_number)::int as records from landing.finding as f"
        " left join landing.rule as r using (rule_code) where f.delivery_id = %(id)s"
        " group by f.rule_code, f.grade, r.sentence_it order by f.rule_code",
        {"id": delivery_id},
    )


def add_repeat(conn: Connection, delivery_id: int, file_name: str, received_at: datetime) -> None:
    """Note that the bytes of a delivery came again."""
    conn.execute(
        "insert into landing.delivery_repeat (delivery_id, file_name, received_at) values (%s, %s, %s)",
        [delivery_id, file_name, received_at],
    )


def repeats(conn: Connection, delivery_id: int) -> list[datetime]:
    """When the bytes of a delivery came again."""
    rows = conn.execute(
        "select received_at from landing.delivery_repeat where delivery_id = %s order by delivery_repeat_id",
        [delivery_id],
    )
    return [row[0] for row in rows.fetchall()]


def publish_rules(conn: Connection, contract: Contract) -> None:
    """Bring `landing.rule` to the contract's catalogue: receipts are written from the database alone."""
    known = conn.execute(
        "select count(*) = %s and bool_and(contract_version = %s) from landing.rule where flow_code = %s",
        [len(contract.rules), contract.version, contract.flow_code],
    ).fetchone()
    if known and known[0]:
        return
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into landing.rule (rule_code, flow_code, grade, field, sentence_it, sentence_en, expression,"
            " contract_version) values (%s, %s, %s, %s, %s, %s, %s, %s) on conflict (rule_code) do update set"
            " grade = excluded.grade, field = excluded.field, sentence_it = excluded.sentence_it,"
            " sentence_en = excluded.sentence_en, expression = excluded.expression,"
            " contract_version = excluded.contract_version",
            [
                (
                    r.code,
                    contract.flow_code,
                    r.grade,
                    r.field,
                    r.sentence_it,
                    r.sentence_en,
                    r.expression,
                    contract.version,
                )
                for r in contract.rules
            ],
        )


def keys_so_far(conn: Connection, flow: str, delivery_ids: list[int], keys: pl.DataFrame) -> pl.DataFrame:
    """State of those of `keys` (sender_code, record_key) that are known, as this transaction sees it: with is_live and
    is_of_this_file (its state comes from one of these deliveries)."""
    asked = keys.select("sender_code", "record_key").drop_nulls().unique()
    rows = conn.execute(
        "select k.sender_code, k.record_key, k.is_live, k.delivery_id = any(%s) from landing.live_key as k"
        " inner join unnest(%s::text[], %s::text[]) as asked (sender_code, record_key) using (sender_code, record_key)"
        " where k.flow_code = %s",
        [delivery_ids, asked["sender_code"].to_list(), asked["record_key"].to_list(), flow],
    )
    schema = {"sender_code": pl.String, "record_key": pl.String, "is_live": pl.Boolean, "is_of_this_file": pl.Boolean}
    return pl.DataFrame(rows.fetchall(), schema=schema, orient="row")


def set_keys(conn: Connection, flow: str, states: pl.DataFrame) -> None:
    """Write the new state of keys (sender_code, record_key, is_live, is_pending, delivery_id, record_number, is_known:
    whether `keys_so_far` knows the key).

    Keys that nobody has seen before, the great part of a month, need no look for a conflict: one gate is at work.
    """
    rows = states.select(
        pl.lit(flow).alias("flow_code"),
        *("sender_code", "record_key", "is_live", "is_pending", "delivery_id", "record_number"),
    )
    copy_binary(conn, "landing.live_key", rows.filter(~states["is_known"]))
    changed = rows.filter(states["is_known"])
    if changed.is_empty():
        return
    conn.execute("create temporary table if not exists gate_key (like landing.live_key) on commit delete rows")
    conn.execute("truncate gate_key")
    copy_binary(conn, "gate_key", changed)
    conn.execute(
        "update landing.live_key as k set is_live = g.is_live, is_pending = g.is_pending, delivery_id = g.delivery_id,"
        " record_number = g.record_number from gate_key as g where k.flow_code = g.flow_code"
        " and k.sender_code = g.sender_code and k.record_key = g.record_key"
    )


def _rows(conn: Connection, query: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()
