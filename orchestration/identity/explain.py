"""Why these records are one person: each with its flow, sender, delivery and record, and the rule or the weights.

Belongs here: the question about one key. Not here: deciding. Names and identifiers are not shown; who must see them
reviews (`review.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestration.errors import IassError
from orchestration.identity import training
from orchestration.identity.model import Model
from orchestration.identity.steps import Steps
from orchestration.intake.contract import flow_codes, load_contract
from orchestration.settings import Settings
from orchestration.warehouse import connection

#: What each method means, in a sentence.
RULES = {
    "registry": "a valid code that is now the code of one person of the registry",
    "alias": "a code that one person of the registry had before",
    "code": "a valid code that the registry has never known",
    "temporary_code": "a valid temporary code (STP, ENI, provisional or European)",
    "local_id": "the sender's own id",
    "own": "nothing in common with anybody: a person by herself",
    "linked": "likeness of names, birth, sex and place (weights below)",
    "reviewed": "somebody looked at the pair and said that it is one person",
}


@dataclass(frozen=True)
class Record:
    """A record that shows the person."""

    flow_code: str
    sender_code: str
    delivery: str
    record_number: int
    record_key: str
    method: str
    identifier: str
    reference: str


@dataclass(frozen=True)
class Link:
    """Why a key of the exact rules goes over to this person: the pair that decided."""

    decided_by: str
    weight: float | None
    probability: float | None
    model_version: int
    comparisons: tuple[tuple[str, str, float], ...]
    reference: str
    other_reference: str


@dataclass(frozen=True)
class Explanation:
    person_key: int
    is_registered: bool
    records: tuple[Record, ...]
    links: tuple[Link, ...]
    events: tuple[tuple[datetime, str, int, int, str], ...] = field(default=())


def explain(settings: Settings, person_key: int) -> Explanation:
    """All that is known of why a key is a person."""
    with connection.connect(settings, "identity") as conn:
        steps = Steps(conn, {"key": person_key})
        known = conn.execute(
            "select bool_or(match_method_code = 'registry'), count(*) from raw.identity__person where person_key = %s",
            [person_key],
        ).fetchone()
        assert known
        if not known[1]:
            gone = conn.execute(
                "select new_person_key from vault.identity_event where old_person_key = %s order by event_seq desc",
                [person_key],
            ).fetchone()
            hint = f": it became {gone[0]}" if gone else ""
            raise IassError(f"Nobody has the key {person_key}{hint}.")
        is_registered = conn.execute(
            "select exists (select from vault.person_anchor where person_key = %s and anchor_type = 'registry')",
            [person_key],
        ).fetchone()
        model, _ = training.newest(steps)
        return Explanation(
            person_key=person_key,
            is_registered=bool(is_registered and is_registered[0]),
            records=tuple(_records(conn, person_key)),
            links=tuple(_links(conn, person_key, model)),
            events=tuple(
                conn.execute(
                    """select occurred_at, event_type, old_person_key, new_person_key, match_method_code
                    from vault.identity_event where %s in (old_person_key, new_person_key) order by event_seq""",
                    [person_key],
                ).fetchall()
            ),
        )


def _records(conn: Any, person_key: int) -> list[Record]:
    found = []
    for table, key in _record_tables(conn):
        found += conn.execute(
            f"""select
                presented.flow_code, presented.sender_code, delivery.file_name, record.record_number, {key},
                identity.match_method_code, presented.identifier, left(presented.person_ref::text, 8)
            from raw.identity__person as identity
            inner join vault.presented_person as presented on presented.person_ref = identity.person_ref
            inner join {table} as record on record.person_ref = identity.person_ref
            inner join landing.delivery as delivery on delivery.delivery_id = record.delivery_id
            left join landing.live_key as live
                on live.delivery_id = record.delivery_id and live.record_number = record.record_number
            where identity.person_key = %s""",
            [person_key],
        ).fetchall()
    return sorted(
        (Record(row[0], row[1], row[2], row[3], row[4], row[5], masked(row[6]), row[7]) for row in found),
        key=lambda record: (record.flow_code, record.delivery, record.record_number),
    )


def _record_tables(conn: Any) -> list[tuple[str, str]]:
    """Raw tables whose records show a person. Only the live version of a record has its key at hand."""
    names = {
        row[0]
        for row in conn.execute(
            "select table_name from information_schema.columns"
            " where table_schema = 'raw' and column_name = 'person_ref'"
        )
    }
    tables = []
    for flow in flow_codes():
        for table in load_contract(flow).tables:
            if table.physical_name in names and flow != "NAAR":
                tables.append((f"raw.{table.physical_name}", "coalesce(live.record_key, '')"))
    return tables


def _links(conn: Any, person_key: int, model: Model | None) -> list[Link]:
    rows = conn.execute(
        """select led.decided_by, led.weight, led.probability, led.model_version, pair.levels, pair.weights,
            left(led.person_ref::text, 8), left(led.other_ref::text, 8)
        from vault.linkage_decision as led
        left join vault.linkage_pair as pair
            on (pair.person_ref = led.person_ref and pair.other_ref = led.other_ref)
            or (pair.person_ref = led.other_ref and pair.other_ref = led.person_ref)
        where led.linked_key = %s
        order by led.weight desc nulls last, led.person_key""",
        [person_key],
    ).fetchall()
    return [
        Link(
            row[0],
            None if row[0] == "review" else row[1],
            None if row[0] == "review" else row[2],
            row[3],
            tuple(
                (name, model.level_name(name, level), weight)
                for name, level, weight in zip(model.comparisons(), row[4] or (), row[5] or (), strict=False)
            )
            if model
            else (),
            row[6],
            row[7],
        )
        for row in rows
    ]


def masked(identifier: str | None) -> str:
    """That there is a code, and of which kind; not which."""
    return "" if not identifier else f"{'•' * (len(identifier) - 1)}{identifier[-1]}"
