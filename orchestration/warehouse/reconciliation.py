"""Do the counts agree from file to fact? The sums that must be equal after every run, each as one line.

Only equalities belong here that hold exactly, always. What is merely unusual (volumes, silence, distributions) is a
suite in `expectations/suites`. Lines name deliveries and counts, never a record's content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.intake.contract import Contract, flow_codes, load_contract

#: A snapshot is not kept as it came.
REGISTRY = "NAAR"


@dataclass(frozen=True)
class Balance:
    """One equality: what it says, its two sides, and how many deliveries or keys break it."""

    name: str
    sentence: str
    left: int
    right: int
    broken: int

    @property
    def holds(self) -> bool:
        return self.left == self.right and self.broken == 0


#: name, sentence, query giving (left, right, broken).
_LEDGER = (
    (
        "sent",
        "Records sent are the accepted and the discarded ones",
        """
        select coalesce(sum(records_sent), 0), coalesce(sum(records_accepted + records_discarded), 0),
            count(*) filter (where records_sent <> records_accepted + records_discarded)
        from landing.delivery where outcome = 'accepted'
        """,
    ),
    (
        "discarded",
        "Records discarded are those with a finding of grade SCARTO",
        """
        select coalesce(sum(d.records_discarded), 0), coalesce(sum(f.n_records), 0),
            count(*) filter (where d.records_discarded <> coalesce(f.n_records, 0))
        from landing.delivery as d
        left join (
            select delivery_id, count(distinct record_number) as n_records
            from landing.finding where grade = 'SCARTO' group by delivery_id
        ) as f using (delivery_id)
        where d.outcome = 'accepted'
        """,
    ),
    (
        "waiting",
        "Records that wait are the pending live keys",
        """
        select coalesce(sum((p.state = 'waiting')::int), 0), coalesce(sum(k.is_pending::int), 0),
            count(*) filter (where (p.state = 'waiting') is distinct from k.is_pending)
        from (select * from landing.pending_record where state = 'waiting') as p
        full join (select * from landing.live_key where is_live and is_pending) as k
            using (flow_code, delivery_id, record_number)
        """,
    ),
)
#: For each flow whose records go to raw as they are (the registry is kept by change), from its contract. What was
#: discarded after it had waited stays in raw.
_ACCEPTED = (
    "accepted",
    "{flow} records accepted are those in raw",
    """
    select coalesce(sum(d.records_accepted), 0), coalesce(sum(r.n_records), 0),
        count(*) filter (where d.records_accepted is distinct from coalesce(r.n_records, 0))
    from (
        select a.delivery_id, a.records_accepted + coalesce(p.n_records, 0) as records_accepted
        from landing.delivery as a
        left join (
            select delivery_id, count(*) as n_records from landing.pending_record where state = 'discarded' group by 1
        ) as p using (delivery_id)
        where a.outcome = 'accepted' and a.flow_code = '{flow}'
    ) as d
    full join (
        select delivery_id, count(*) as n_records from raw.{table} group by delivery_id
    ) as r using (delivery_id)
    """,
)
_LIVE = (
    "live",
    "{flow} keys that are live have their version in raw",
    """
    select count(*), count(record.delivery_id), count(*) filter (where record.delivery_id is null)
    from landing.live_key as k
    left join raw.{table} as record
        on record.delivery_id = k.delivery_id and record.record_number = k.record_number and record.operation <> 'C'
    where k.flow_code = '{flow}' and k.is_live
    """,
)
_FACTS = (
    (
        "contacts",
        "Live contacts are the rows of fct_contact",
        """
        with live as (
            select k.sender_code, k.record_key from landing.live_key as k where k.flow_code = 'IASS' and k.is_live
        ),
        fact as (select sender_code, contact_id as record_key from core.fct_contact)
        select (select count(*) from live), (select count(*) from fact),
            (select count(*) from ((table live except table fact) union all (table fact except table live)) as x)
        """,
    ),
    (
        "demands",
        "Demands of live contacts are the rows of fct_demand",
        """
        select n_live, n_fact, abs(n_live - n_fact) from
            (select count(*) as n_live from landing.live_key as k
                inner join raw.iass__demand as d using (delivery_id, record_number)
                where k.flow_code = 'IASS' and k.is_live) as live,
            (select count(*) as n_fact from core.fct_demand) as fact
        """,
    ),
    (
        "outcomes",
        "Outcomes of live contacts are the rows of fct_outcome",
        """
        select n_live, n_fact, abs(n_live - n_fact) from
            (select count(*) as n_live from landing.live_key as k
                inner join raw.iass__outcome as o using (delivery_id, record_number)
                where k.flow_code = 'IASS' and k.is_live) as live,
            (select count(*) as n_fact from core.fct_outcome) as fact
        """,
    ),
    *(
        (
            name,
            f"Live records of {flow} that wait for nothing are the rows of {fact}",
            f"""
            select n_live, n_fact, abs(n_live - n_fact) from
                (select count(*) as n_live from landing.live_key
                    where flow_code = '{flow}' and is_live and not is_pending) as live,
                (select count(*) as n_fact from core.{fact}) as fact
            """,
        )
        for name, flow, fact in (
            ("stays", "FAR1", "fct_residential_stay"),
            ("episodes", "ADI1", "fct_home_care_episode"),
            ("allowances", "SMAC", "fct_care_allowance"),
            ("minors", "SISAM", "fct_minor_case"),
        )
    ),
)


def reconcile(conn: psycopg.Connection[tuple[Any, ...]]) -> list[Balance]:
    """Every balance of the warehouse, read in one snapshot. Needs a role that reads landing, raw and core: transformer.
    Before the first build there are no facts to compare, and only the ledger's own balances are given."""
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read, read only")
        ledger = (*_LEDGER, *(line for flow in flow_codes() for line in _of_flow(load_contract(flow))))
        is_built = conn.execute("select to_regclass('core.fct_contact') is not null").fetchone() == (True,)
        return [_balance(conn, *line) for line in (*ledger, *(_FACTS if is_built else ()))]


def _of_flow(contract: Contract) -> list[tuple[str, str, str]]:
    """The balances of one flow between ledger and raw."""
    if contract.flow_code == REGISTRY:
        return []
    lines = [_ACCEPTED, _LIVE] if contract.has_operations else [_ACCEPTED]
    names = {"flow": contract.flow_code, "table": contract.tables[0].physical_name}
    return [
        (f"{name}_{contract.flow_code.lower()}", sentence.format(**names), query.format(**names))
        for name, sentence, query in lines
    ]


def _balance(conn: psycopg.Connection[tuple[Any, ...]], name: str, sentence: str, query: str) -> Balance:
    row = conn.execute(query).fetchone()
    assert row is not None
    return Balance(name, sentence, int(row[0]), int(row[1]), int(row[2]))
