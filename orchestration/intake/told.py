"""What the ledger tells for receipts: findings, repeats, waiting records, and which receipts are due.

Only reads, one question for all receipts of a sheaf, and the list of receipts to be written again. What a receipt looks
like is in `receipt`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator
from datetime import date, datetime
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]


def receipts_due(conn: Connection) -> list[int]:
    """Deliveries whose receipt is to be written again."""
    return [row[0] for row in conn.execute("select delivery_id from landing.receipt_due order by 1").fetchall()]


def receipts_are_written(conn: Connection, delivery_ids: list[int]) -> None:
    """Cross receipts off the list."""
    conn.execute("delete from landing.receipt_due where delivery_id = any(%s)", [delivery_ids])


def waiting(conn: Connection, delivery_ids: list[int]) -> dict[int, tuple[int, date]]:
    """How many accepted records of a delivery wait for the record they belong to, and until when."""
    rows = conn.execute(
        "select delivery_id, count(*), max(expires_on) from landing.pending_record"
        " where delivery_id = any(%s) and state = 'waiting' group by 1",
        [delivery_ids],
    )
    return {delivery_id: (n_records, until) for delivery_id, n_records, until in rows.fetchall()}


def repeats(conn: Connection, delivery_ids: list[int]) -> dict[int, list[datetime]]:
    """When the bytes of a delivery came again."""
    rows = conn.execute(
        "select delivery_id, array_agg(received_at order by delivery_repeat_id) from landing.delivery_repeat"
        " where delivery_id = any(%s) group by 1",
        [delivery_ids],
    )
    return dict(rows.fetchall())


def findings(conn: Connection, delivery_ids: list[int]) -> Generator[tuple[Any, ...], None, None]:
    """All findings of some deliveries with the sentence of their rule, in the order of deliveries and file, as a
    stream; the delivery comes first."""
    with conn.cursor() as cursor:
        yield from cursor.stream(
            "select f.delivery_id, f.record_number, f.record_key, f.table_name, f.item, f.field, f.rule_code, f.grade,"
            " r.sentence_it from landing.finding as f left join landing.rule as r using (rule_code)"
            " where f.delivery_id = any(%s)"
            " order by f.delivery_id, f.record_number nulls first, f.rule_code, f.item, f.field",
            [delivery_ids],
            size=1000,
        )


def findings_by_rule(conn: Connection, delivery_ids: list[int]) -> dict[int, list[tuple[Any, ...]]]:
    """Rules that were broken (rule, grade, field, sentence), with the number of findings and of records."""
    rows = conn.execute(
        "select f.delivery_id, f.rule_code, f.grade, coalesce(min(f.field), ''), r.sentence_it, count(*),"
        " count(distinct f.record_number) from landing.finding as f left join landing.rule as r using (rule_code)"
        " where f.delivery_id = any(%s) group by f.delivery_id, f.rule_code, f.grade, r.sentence_it"
        " order by f.delivery_id, f.rule_code",
        [delivery_ids],
    )
    told = defaultdict(list)
    for delivery_id, *rule in rows.fetchall():
        told[delivery_id].append(tuple(rule))
    return told
