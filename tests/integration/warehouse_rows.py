"""Rows of raw and landing put in by hand, as the gate and identity would: a small region for tests of dbt."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import psycopg

BOLOGNA, IMOLA = "10502", "10601"


def ref(name: str) -> uuid.UUID:
    """The token of a person, by a name that makes the test readable."""
    return uuid.uuid5(uuid.NAMESPACE_OID, name)


class Region:
    """Writes deliveries the way the gate does, one connection for all roles of a test."""

    def __init__(self, conn: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.seq = 0

    def nomenclature(self) -> None:
        """Two codes of a first regional version."""
        self.conn.execute("insert into landing.nomenclature_version values (1, '2010-01-01')")
        for code, level1, label in (
            ("01.02", "Contributi economici", "Affitto"),
            ("03.01", "Interventi domiciliari", "Assistenza domiciliare"),
        ):
            self.conn.execute(
                "insert into landing.regional_nomenclature values (1, %s, %s, %s, %s, '2010-01-01')",
                [code, code[:2], level1, label],
            )

    def delivery(self, flow: str, sender: str, period: str, start: str, n_records: int) -> int:
        """A ledger line; returns its number."""
        row = self.conn.execute(
            """insert into landing.delivery (file_name, flow_code, sender_code, period_code, period_start_on,
                progressive, sha256, size_bytes, received_at, outcome, records_sent, records_accepted, contract_version)
            values (%s, %s, %s, %s, %s, (select count(*) + 1 from landing.delivery where flow_code = %s
                and sender_code = %s and period_code = %s), %s, 1, now(), 'accepted', %s, %s, '1.0')
            returning delivery_id""",
            [
                *(f"{flow}_{sender}_{period}", flow, sender, period, start, flow, sender, period),
                *(uuid.uuid4().hex, n_records, n_records),
            ],
        ).fetchone()
        assert row is not None
        return int(row[0])

    def iass(self, sender: str, month: str, contacts: Sequence[dict[str, Any]]) -> int:
        """One delivery of contacts. Each has id, on, and optionally op, reporter (name), type, id_type, demands."""
        delivery = self.delivery("IASS", sender, month, f"{month}-01", len(contacts))
        for number, contact in enumerate(contacts, 1):
            op = contact.get("op", "I")
            place = [delivery, number]
            self.conn.execute(
                "insert into raw.iass__contact values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    *(*place, op, sender, contact["id"], contact.get("on"), contact.get("desk", "037006-01"), "1"),
                    *(contact.get("type", "01"), contact.get("id_type")),
                    ref(contact["reporter"]) if contact.get("reporter") else None,
                ],
            )
            for index, demand in enumerate(contact.get("demands", []) if op != "C" else [], 1):
                self.conn.execute(
                    "insert into raw.iass__demand values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    [
                        *(*place, sender, index, demand.get("id_type", "0")),
                        ref(demand["person"]) if demand.get("person") else None,
                        *(demand.get("sex", "F"), 1950, demand.get("age", 63), demand.get("citizenship", "100")),
                        *("037006", demand.get("life_cycle", "3"), demand.get("condition"), "X1"),
                        demand.get("code", "01.02"),
                    ],
                )
                for position, outcome in enumerate(demand.get("outcomes", ["1"]), 1):
                    self.conn.execute(
                        "insert into raw.iass__outcome values (%s, %s, %s, %s, %s, %s, %s, %s)",
                        [
                            *(*place, sender, index, position, outcome),
                            *("2013-12-20" if outcome == "5" else None, "ADI" if outcome == "6" else None),
                        ],
                    )
            self.conn.execute(
                """insert into landing.live_key values ('IASS', %s, %s, %s, %s, %s)
                on conflict (flow_code, sender_code, record_key) do update set is_live = excluded.is_live,
                    delivery_id = excluded.delivery_id, record_number = excluded.record_number""",
                [sender, contact["id"], op != "C", *place],
            )
        return delivery

    def snapshot(self, day: str, before: str | None, changes: Sequence[tuple[str, ...]], supersedes: int = 0) -> int:
        """A registry snapshot: (person, change type, comune of residence) of what differs from the snapshot before, and
        of one who died or left her status and its day."""
        delivery = self.delivery("NAAR", "080", day, day, len(changes))
        if supersedes:
            self.conn.execute(
                "update landing.registry_segment set superseded_by_delivery_id = %s where segment_id = %s",
                [delivery, supersedes],
            )
        self.segment(delivery, before, day, changes)
        return delivery

    def segment_to(self, day: str) -> int:
        """The segment that leads to a snapshot."""
        row = self.conn.execute(
            "select segment_id from landing.registry_segment"
            " where to_snapshot_on = %s and superseded_by_delivery_id is null",
            [day],
        ).fetchone()
        assert row is not None
        return int(row[0])

    def segment(self, delivery: int, before: str | None, day: str, changes: Sequence[tuple[str, ...]]) -> int:
        """The changes between two snapshots."""
        row = self.conn.execute(
            "insert into landing.registry_segment (from_snapshot_on, to_snapshot_on, delivery_id) values (%s, %s, %s)"
            " returning segment_id",
            [before, day, delivery],
        ).fetchone()
        assert row is not None
        for person, change, comune, *status in changes:
            self.conn.execute(
                "insert into raw.naar__person values (%s, %s, %s, %s, %s, 'F', '1950-03-01', '100', %s, '080105',"
                " '080105', %s, %s, null)",
                [delivery, row[0], day, change, ref(person), comune, *(status or ("A", "2010-01-01"))],
            )
        return int(row[0])

    def identity(self, keys: dict[str, int]) -> None:
        """What identity says: person name to key."""
        self.seq += 1
        for name, key in keys.items():
            self.conn.execute(
                """insert into raw.identity__person values (%s, %s, 'code', %s, %s) on conflict (person_ref) do update
                set person_key = excluded.person_key, changed_seq = excluded.changed_seq,
                    moved_seq = excluded.moved_seq""",
                [ref(name), key, self.seq, self.seq],
            )

    def found_by(self, name: str, method: str) -> None:
        """What identity says of a person whom another rule finds now, under the same key."""
        self.seq += 1
        self.conn.execute(
            "update raw.identity__person set match_method_code = %s, changed_seq = %s where person_ref = %s",
            [method, self.seq, ref(name)],
        )
