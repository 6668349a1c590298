"""Records that wait for the record they belong to: events for their admission, accesses for their taking in charge.

A waiting record is accepted, flagged and live, and no model reads it. It is released when the awaited record comes, and
discarded when its last day of waiting is over. Whenever awaited records change, the live records that belong to them
are judged again by the contract's cross-record rules, so that the same rows stand in the end whichever file came first.
A record that is discarded here stays in raw (nothing there is ever removed), only its key is dead; its delivery is
counted again and its receipt written again. How a delivery is read and loaded is in `records.py`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import psycopg

from orchestration import clock
from orchestration.intake import delivery_name, ledger, others
from orchestration.intake.check import CheckContext, Frames, check
from orchestration.intake.contract import Contract, Table, flow_codes, load_contract
from orchestration.intake.delivery import FINDING_SCHEMA, Delivery
from orchestration.intake.load import copy_binary
from orchestration.intake.prepare import with_other_records
from orchestration.intake.sheaf import Sheaf

Connection = psycopg.Connection[Any]

#: Conditions of the gate's rules.
AWAITED_IS_MISSING, AWAITED_NEVER_CAME = "awaited_is_missing", "awaited_never_came"
WAITING, RELEASED, DISCARDED, SUPERSEDED = "waiting", "released", "discarded", "superseded"
_TYPES: dict[str, Any] = {"text": pl.String, "date": pl.Date, "smallint": pl.Int16, "bigint": pl.Int64}


def last_day(contract: Contract, period_end: date, received_on: date) -> date:
    """The last day of waiting: the end of the correction window, or the time that the calendar gives for corrections
    counted from the receipt, for what comes when the window is about to close or has closed."""
    first, correction = contract.windows.first_days or 0, contract.windows.correction_days or 0
    return max(period_end + timedelta(correction), received_on + timedelta(correction - first))


def supersede(conn: Connection, delivery: Delivery, contract: Contract, changed: pl.DataFrame) -> None:
    """A newer version, or a cancellation, takes the place of records that wait (`changed`: record_key)."""
    if contract.awaits is None or changed.is_empty():
        return
    conn.execute(
        "update landing.pending_record set state = 'superseded', settled_by_delivery_id = %s,"
        " settled_at = clock_timestamp() where state = 'waiting' and awaited_flow_code = %s and sender_code = %s"
        " and flow_code = %s and record_key = any(%s)",
        [
            delivery.delivery_id,
            contract.awaits,
            delivery.sender_code,
            contract.flow_code,
            changed["record_key"].to_list(),
        ],
    )


def wait(conn: Connection, delivery: Delivery, contract: Contract, waiting: pl.DataFrame) -> None:
    """Note records (record_number, record_key, awaited_key) of a delivery that wait."""
    if contract.awaits is None:
        return
    until = last_day(contract, delivery.period_end_on, clock.today(delivery.received_at))
    rows = waiting.select(
        pl.lit(delivery.delivery_id, pl.Int64).alias("delivery_id"),
        "record_number",
        pl.lit(contract.flow_code).alias("flow_code"),
        pl.lit(delivery.sender_code).alias("sender_code"),
        "record_key",
        pl.lit(contract.awaits).alias("awaited_flow_code"),
        "awaited_key",
        pl.lit(WAITING).alias("state"),
        pl.lit(until).alias("expires_on"),
    )
    copy_binary(conn, "landing.pending_record", rows)


def settle(conn: Connection, sheaf: Sheaf, contract: Contract, context: CheckContext) -> None:
    """What deliveries, now wholly in raw, change for records that wait or have waited."""
    for flow_code in flow_codes():
        if load_contract(flow_code).awaits == contract.flow_code:
            _Judge(conn, sheaf, contract, load_contract(flow_code), context).judge()


class _Judge:
    """Judges again the live records of one flow that belong to the records of deliveries of the awaited flow."""

    def __init__(
        self, conn: Connection, sheaf: Sheaf, awaited: Contract, contract: Contract, context: CheckContext
    ) -> None:
        self.conn = conn
        self.sheaf = sheaf
        self.awaited = awaited
        self.contract = contract
        self.context = context

    def judge(self) -> None:
        main, key = self.contract.tables[0], self.contract.key.field
        deliveries = {delivery.delivery_id: delivery for delivery in self.sheaf.deliveries}
        belonging = self.conn.execute(
            f"select a.delivery_id, k.delivery_id, array_agg(k.record_number)"
            f" from (select distinct delivery_id, sender_code, {self.awaited.key.field} as key"
            f" from raw.{self.awaited.tables[0].physical_name} where delivery_id = any(%s)) as a"
            f" inner join raw.{main.physical_name} as r on r.{key} = a.key and r.sender_code = a.sender_code"
            " inner join landing.live_key as k on k.delivery_id = r.delivery_id and k.record_number = r.record_number"
            " where k.is_live group by 1, 2 order by 1, 2",
            [list(deliveries)],
        ).fetchall()
        for settling, delivery_id, numbers in belonging:
            self._judge(deliveries[settling], delivery_id, numbers)

    def _judge(self, settling: Delivery, delivery_id: int, numbers: list[int]) -> None:
        (line,) = ledger.lines(self.conn, [delivery_id])
        days = delivery_name.period(self.contract.period_kind, line["period_code"])
        assert days is not None
        context = replace(
            self.context,
            sender_code=line["sender_code"],
            period_start=days[0],
            period_end=days[1],
            sender=None,
            other_records=others.reader(self.conn, line["period_code"], days[0]),
        )
        frames = with_other_records(self.contract, self._frames(delivery_id, numbers, context), context)
        main = frames[self.contract.tables[0].name]
        found = check(self.contract, frames, context, only_cross_record=True)
        broken = found.filter(pl.col("grade") == "SCARTO").select("record_number").unique()
        key = pl.col(self.contract.key.field)
        states = main.select(
            "record_number",
            key.alias("awaited_key"),
            pl.when(pl.col("record_number").is_in(broken["record_number"].implode()))
            .then(pl.lit(DISCARDED))
            .when(pl.col("awaited_is_live").is_null())
            .then(pl.lit(WAITING))
            .otherwise(pl.lit(RELEASED))
            .alias("state"),
        )
        missing = self.contract.gate_rule(AWAITED_IS_MISSING)
        alone = states.filter(pl.col("state") == WAITING).select(
            "record_number",
            pl.lit(self.contract.tables[0].name).alias("table_name"),
            pl.lit(None, pl.String).alias("item"),
            pl.lit(missing.field).alias("field"),
            pl.lit(missing.code).alias("rule_code"),
            pl.lit(missing.grade).alias("grade"),
        )
        findings = pl.concat([found, alone]).join(
            states.select("record_number", record_key="awaited_key"), on="record_number"
        )
        received = max(map(clock.today, (line["received_at"], settling.received_at)))
        self._write(settling, delivery_id, states, findings, last_day(self.contract, days[1], received))

    def _frames(self, delivery_id: int, numbers: list[int], context: CheckContext) -> Frames:
        """The records as raw holds them, with what cross-record rules read."""
        shared = [
            pl.lit(value).alias(n) for n, value in (("sender_code", context.sender_code), ("today", context.today))
        ]
        frames: Frames = {}
        for table in self.contract.tables:
            frame = self._rows(table, delivery_id, numbers).with_columns(
                *shared,
                pl.lit(context.period_start).alias("period_start_on"),
                pl.lit(context.period_end).alias("period_end_on"),
            )
            if frames:
                told = frames[self.contract.tables[0].name].select("record_number", "operation")
                frame = frame.join(told, on="record_number", how="left", maintain_order="left")
            frames[table.name] = frame
        return frames

    def _rows(self, table: Table, delivery_id: int, numbers: list[int]) -> pl.DataFrame:
        schema = {f.name: _TYPES[f.dtype] for f in table.fields if f.is_in_raw and f.dtype in _TYPES}
        rows = self.conn.execute(
            f"select {', '.join(schema)} from raw.{table.physical_name}"
            " where delivery_id = %s and record_number = any(%s) order by record_number",
            [delivery_id, numbers],
        ).fetchall()
        return pl.DataFrame(rows, schema=schema, orient="row")

    def _write(
        self, settling: Delivery, delivery_id: int, states: pl.DataFrame, findings: pl.DataFrame, until: date
    ) -> None:
        """Findings and states of records take the place of those that stood before."""
        codes = [self.contract.gate_rule(AWAITED_IS_MISSING).code]
        codes += [rule.code for rule in self.contract.rules if rule.is_cross_record]
        self.conn.execute(
            "create temporary table if not exists gate_state (record_number bigint, awaited_key text, state text)"
            " on commit delete rows"
        )
        self.conn.execute("truncate gate_state")
        copy_binary(self.conn, "gate_state", states)
        self.conn.execute(
            "delete from landing.finding where delivery_id = %s and rule_code = any(%s)"
            " and record_number in (select record_number from gate_state)",
            [delivery_id, codes],
        )
        ledger.add_findings(self.conn, delivery_id, findings.select(list(FINDING_SCHEMA)))
        self.conn.execute(
            "insert into landing.pending_record as p (delivery_id, record_number, flow_code, sender_code, record_key,"
            " awaited_flow_code, awaited_key, state, expires_on, settled_by_delivery_id, settled_at)"
            " select k.delivery_id, k.record_number, k.flow_code, k.sender_code, k.record_key, %(awaited)s,"
            " g.awaited_key, g.state, %(until)s, case when g.state <> 'waiting' then %(by)s::bigint end,"
            " case when g.state <> 'waiting' then clock_timestamp() end"
            " from gate_state as g inner join landing.live_key as k on k.delivery_id = %(id)s"
            " and k.record_number = g.record_number and k.flow_code = %(flow)s"
            # a record that has always had what it belongs to has no line here
            " where g.state <> 'released' or k.is_pending"
            " on conflict (delivery_id, record_number) do update set state = excluded.state,"
            " expires_on = greatest(p.expires_on, excluded.expires_on), settled_at = excluded.settled_at,"
            " settled_by_delivery_id = excluded.settled_by_delivery_id",
            {
                "id": delivery_id,
                "flow": self.contract.flow_code,
                "awaited": self.awaited.flow_code,
                "until": until,
                "by": settling.delivery_id,
            },
        )
        self.conn.execute(
            "update landing.live_key as k set is_live = g.state <> 'discarded', is_pending = g.state = 'waiting'"
            " from gate_state as g where k.delivery_id = %s and k.record_number = g.record_number and k.flow_code = %s",
            [delivery_id, self.contract.flow_code],
        )
        ledger.recount(self.conn, [delivery_id])


def expire(conn: Connection, today: date) -> int:
    """Discard the records whose last day of waiting is over; returns how many."""
    gone = 0
    for flow_code in flow_codes():
        contract = load_contract(flow_code)
        if contract.awaits is not None:
            gone += _expire(conn, contract, today)
    return gone


def _expire(conn: Connection, contract: Contract, today: date) -> int:
    missing, never = contract.gate_rule(AWAITED_IS_MISSING), contract.gate_rule(AWAITED_NEVER_CAME)
    parameters = {
        "flow": contract.flow_code,
        "today": today,
        "table": contract.tables[0].name,
        "field": never.field,
        "code": never.code,
        "grade": never.grade,
        "missing": missing.code,
    }
    row = conn.execute(
        "with gone as (update landing.pending_record set state = 'discarded', settled_at = clock_timestamp()"
        "  where state = 'waiting' and flow_code = %(flow)s and expires_on < %(today)s"
        "  returning delivery_id, record_number, flow_code, awaited_key),"
        " told as (insert into landing.finding (delivery_id, record_number, record_key, table_name, field, rule_code,"
        "  grade) select delivery_id, record_number, awaited_key, %(table)s, %(field)s, %(code)s, %(grade)s from gone),"
        " forgotten as (delete from landing.finding as f using gone where f.delivery_id = gone.delivery_id"
        "  and f.record_number = gone.record_number and f.rule_code = %(missing)s),"
        " dead as (update landing.live_key as k set is_live = false, is_pending = false from gone"
        "  where k.flow_code = gone.flow_code and k.delivery_id = gone.delivery_id"
        "  and k.record_number = gone.record_number)"
        " select count(*), coalesce(array_agg(distinct delivery_id), '{}') from gone",
        parameters,
    ).fetchone()
    assert row is not None
    ledger.recount(conn, row[1])
    return int(row[0])
