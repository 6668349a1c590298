"""The ledger: reading and writing `landing.delivery`, its findings, repeats, rules and the state of record keys.

SQL about deliveries stands here and nowhere else in the gate, but for what receipts read (`told`); when something is
written is decided in `arrival`.
Every function works on the caller's connection and inside its transaction.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import partial
from typing import Any

import polars as pl
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from orchestration.intake.contract import Contract
from orchestration.intake.delivery import FINDING_SCHEMA
from orchestration.intake.load import copy_binary

Connection = psycopg.Connection[Any]

#: One gate at a time in a warehouse, so that the order of delivery ids is the order of commits.
GATE_LOCK = 0x1A55_0001

#: What a delivery can be asked for by: what became of it, or that it was sent again.
OUTCOMES = ("accepted", "nothing_loaded", "refused", "failed", "repeated")

#: An attempt is counted by the name of its receipt: a file that comes plain, then packed, has come twice.
_DELIVERIES = """
select d.*,
    (count(*) filter (where d.outcome <> 'failed')
        over (partition by d.sender_code, d.receipt_name order by d.delivery_id))::int as attempt,
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
    """Lines of the ledger in the order of processing. `outcome`: one of `OUTCOMES`."""
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


def lines(conn: Connection, delivery_ids: list[int]) -> list[dict[str, Any]]:
    """Some lines of the ledger, in the order of their numbers."""
    return _rows(
        conn,
        # the attempt counts the deliveries of the same name, so the window must see them all
        f"select * from ({_DELIVERIES} where d.receipt_name in"
        " (select receipt_name from landing.delivery where delivery_id = any(%(ids)s))) as d"
        " where delivery_id = any(%(ids)s) order by delivery_id",
        {"ids": delivery_ids},
    )


def last_of_name(conn: Connection, file_name: str) -> int | None:
    """The last delivery of a file name."""
    row = conn.execute(
        "select max(delivery_id) from landing.delivery where file_name = %s and outcome <> 'failed'", [file_name]
    ).fetchone()
    return row[0] if row else None


def newest(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The last lines: those whose receipt a dead gate may have left unwritten."""
    return _rows(
        conn,
        f"select * from ({_DELIVERIES}) as d where outcome <> 'failed' order by delivery_id desc limit %(limit)s",
        {"limit": limit},
    )


def standing(
    conn: Connection, places: list[tuple[str, str, str, int]]
) -> list[tuple[int | None, str | None, str | None, int]]:
    """For each (flow, sender, period, progressive): number, hash and outcome of the delivery that holds it, if there is
    one, and the highest progressive that is held (0: none). A delivery that was read holds its number, also when
    nothing of it was loaded; of several, the accepted one."""
    flows, senders, periods, progressives = map(list, zip(*places, strict=True))
    return conn.execute(
        "select d.delivery_id, d.sha256, d.outcome, coalesce((select max(h.progressive) from landing.delivery as h"
        " where h.flow_code = asked.flow_code and h.sender_code = asked.sender_code"
        " and h.period_code = asked.period_code and h.outcome in ('accepted', 'nothing_loaded')), 0)"
        " from unnest(%s::text[], %s::text[], %s::text[], %s::smallint[])"
        " with ordinality as asked (flow_code, sender_code, period_code, progressive, place)"
        " left join lateral (select * from landing.delivery as own where own.flow_code = asked.flow_code"
        " and own.sender_code = asked.sender_code and own.period_code = asked.period_code"
        " and own.progressive = asked.progressive and own.outcome in ('accepted', 'nothing_loaded')"
        " order by own.outcome, own.delivery_id desc limit 1) as d on true"
        " order by asked.place",
        [flows, senders, periods, progressives],
    ).fetchall()


def new_senders(conn: Connection, flow: str, senders: list[str], period_start_on: date) -> frozenset[str]:
    """Those of some senders of whom nothing of an earlier period was ever accepted."""
    rows = conn.execute(
        "select sender_code from unnest(%s::text[]) as asked (sender_code) where not exists (select"
        " from landing.delivery as d where d.flow_code = %s and d.sender_code = asked.sender_code"
        " and d.period_start_on < %s and d.outcome = 'accepted')",
        [senders, flow, period_start_on],
    )
    return frozenset(row[0] for row in rows.fetchall())


def turned_away(
    conn: Connection, file_name: str, sha256: str, before: int | None = None
) -> tuple[int, frozenset[str]] | None:
    """The last refusal of the same bytes under the same name, or the last time that nothing of them was loaded, with
    the rules of its findings. `before`: a delivery that is not meant, nor what came after it."""
    row = conn.execute(
        "select d.delivery_id, array(select distinct f.rule_code from landing.finding as f"
        " where f.delivery_id = d.delivery_id) from landing.delivery as d where d.sha256 = %s and d.file_name = %s"
        " and d.outcome in ('refused', 'nothing_loaded') and d.delivery_id < coalesce(%s, d.delivery_id + 1)"
        " order by d.delivery_id desc limit 1",
        [sha256, file_name, before],
    ).fetchone()
    return (row[0], frozenset(row[1])) if row else None


def outcome(conn: Connection, delivery_id: int) -> str:
    """What became of a delivery."""
    row = conn.execute("select outcome from landing.delivery where delivery_id = %s", [delivery_id]).fetchone()
    return str(row[0]) if row else ""


def rule_codes(conn: Connection, delivery_id: int) -> frozenset[str]:
    """The rules that a delivery has broken."""
    rows = conn.execute("select distinct rule_code from landing.finding where delivery_id = %s", [delivery_id])
    return frozenset(row[0] for row in rows.fetchall())


def set_failed(conn: Connection, line: dict[str, Any]) -> None:
    """Note that a file could not be taken in for an error of ours: one line by name, however often it is tried."""
    with conn.transaction():
        settle_failed(conn, line["file_name"])
        open_lines(conn, [line])


def settle_failed(conn: Connection, *file_names: str) -> None:
    """Files that have been decided on are failed no more."""
    conn.execute("delete from landing.delivery where outcome = 'failed' and file_name = any(%s)", [list(file_names)])


def confirm(conn: Connection, sha256: str, rule_code: str, delivery_id: int, confirmed_by: str, reason: str) -> None:
    """Note that a person has found right what a rule refused."""
    conn.execute(
        "insert into landing.confirmation (sha256, rule_code, delivery_id, confirmed_by, reason)"
        " values (%s, %s, %s, %s, %s) on conflict do nothing",
        [sha256, rule_code, delivery_id, confirmed_by, reason],
    )


def is_confirmed(conn: Connection, sha256: str, rule_code: str) -> bool:
    """Whether a person has found these bytes right in spite of the rule."""
    found = conn.execute(
        "select from landing.confirmation where sha256 = %s and rule_code = %s", [sha256, rule_code]
    ).fetchone()
    return found is not None


def same_arrivals(conn: Connection, arrivals: list[tuple[str, str, datetime]]) -> list[int | None]:
    """For each landing file (name, hash, when it was written) the delivery that it already became, when a gate died
    before it could remove the file."""
    names, hashes, moments = map(list, zip(*arrivals, strict=True))
    rows = conn.execute(
        "select coalesce((select d.delivery_id from landing.delivery as d where d.sha256 = asked.sha256"
        " and d.file_name = asked.file_name and d.received_at = asked.received_at limit 1),"
        " (select d.delivery_id from landing.delivery as d inner join landing.delivery_repeat as r using (delivery_id)"
        " where d.sha256 = asked.sha256 and r.file_name = asked.file_name and r.received_at = asked.received_at"
        " limit 1)) from unnest(%s::text[], %s::text[], %s::timestamptz[])"
        " with ordinality as asked (file_name, sha256, received_at, place) order by asked.place",
        [names, hashes, moments],
    )
    return [row[0] for row in rows.fetchall()]


def open_lines(conn: Connection, lines: list[dict[str, Any]]) -> list[int]:
    """Write lines with what is known before reading; `close_lines` adds the counts in the same transaction."""
    columns = ", ".join(lines[0])
    rows = conn.execute(
        f"insert into landing.delivery ({columns}) select {columns} from"
        " jsonb_populate_recordset(null::landing.delivery, %s) with ordinality order by ordinality"
        " returning delivery_id",
        [Jsonb(lines, dumps=partial(json.dumps, default=str))],
    )
    return sorted(row[0] for row in rows.fetchall())


def close_lines(conn: Connection, lines: list[tuple[int, str, int, int, int, int, float]]) -> None:
    """Complete lines: delivery, outcome, records sent, accepted, discarded and flagged, seconds."""
    conn.execute(
        "update landing.delivery as d set outcome = told.outcome, records_sent = told.sent,"
        " records_accepted = told.accepted, records_discarded = told.discarded, records_flagged = told.flagged,"
        " run_seconds = told.seconds, processed_at = (select clock_timestamp()) from unnest(%s::bigint[], %s::text[],"
        " %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::float8[])"
        " as told (delivery_id, outcome, sent, accepted, discarded, flagged, seconds)"
        " where d.delivery_id = told.delivery_id",
        [list(column) for column in zip(*lines, strict=True)],
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


def add_findings(conn: Connection, delivery_id: int | pl.Series, findings: pl.DataFrame) -> None:
    """Write findings (columns of `FINDING_SCHEMA`) of one delivery, or each of its own."""
    if findings.height:
        typed = findings.select([pl.col(name).cast(dtype) for name, dtype in FINDING_SCHEMA.items()])
        of = pl.lit(delivery_id, pl.Int64) if isinstance(delivery_id, int) else pl.lit(delivery_id)
        copy_binary(conn, "landing.finding", typed.select(of.alias("delivery_id"), pl.all()))


def add_repeat(conn: Connection, delivery_id: int, file_name: str, received_at: datetime) -> None:
    """Note that the bytes of a delivery came again."""
    conn.execute(
        "insert into landing.delivery_repeat (delivery_id, file_name, received_at) values (%s, %s, %s)",
        [delivery_id, file_name, received_at],
    )


def publish_rules(conn: Connection, contract: Contract) -> None:
    """Bring `landing.rule` to the contract's catalogue: receipts are written from the database alone. Rules that the
    contract no longer has stay, for the findings of the past."""
    known = conn.execute(
        "select count(*) from landing.rule where flow_code = %s and contract_hash = %s",
        [contract.flow_code, contract.content_hash],
    ).fetchone()
    if known and known[0] == len(contract.rules):
        return
    columns = [
        *("rule_code", "flow_code", "grade", "field", "sentence_it", "sentence_en", "expression"),
        *("contract_version", "contract_hash"),
    ]
    with conn.cursor() as cursor:
        cursor.executemany(
            f"insert into landing.rule ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})"
            f" on conflict (rule_code) do update set {', '.join(f'{c} = excluded.{c}' for c in columns[1:])}",
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
                    contract.content_hash,
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
