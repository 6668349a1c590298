"""The registry's change log in the database: which snapshots hold, the segments between them, and what stands in each.

Belongs here: reading and writing `landing.registry_segment`, `raw.naar__person`, `vault.registry_change` and
`vault.registry_code`. Does not belong here: files and rules (`registry.py`), the comparison (`registry_state.py`).

The log is append-only. A segment is the difference between two neighbouring snapshots; the history is the rows of the
segments that nothing has superseded. Rows of both tables carry the delivery that brought them into the log, which for a
segment that was written again is the late delivery, not that of the segment's day: whoever follows the log by delivery
sees every correction.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import psycopg

from orchestration.intake.load import copy_binary

FLOW_CODE = "NAAR"
ROWS_PER_SLICE = 500_000

WAREHOUSE_COLUMNS = (
    "sex_code",
    "birth_month_on",
    "citizenship_code",
    "residence_comune_code",
    "residence_ausl_code",
    "assistance_ausl_code",
    "status_code",
    "status_on",
    "death_on",
)
VAULT_COLUMNS = (
    "identifier_type_code",
    "identifier",
    "previous_identifier",
    "base_identifier",
    "previous_base_identifier",
    "family_name",
    "given_name",
    "sex_code",
    "birth_date",
    "birth_place_code",
    "doctor_id",
)


@dataclass(frozen=True)
class Snapshot:
    """An accepted delivery that holds for its day: of several, the last one sent."""

    on: date
    delivery_id: int
    file_name: str
    sha256: str
    contract_hash: str | None
    n_records: int = 0


class RegistryLog:
    """The log as one delivery finds it, and what this delivery writes into it, in the transaction of the caller."""

    def __init__(self, conn: psycopg.Connection[Any], delivery_id: int) -> None:
        self.conn = conn
        self.delivery_id = delivery_id
        self.snapshots = [Snapshot(*row) for row in self._rows(_SNAPSHOTS, flow=FLOW_CODE, delivery=delivery_id)]
        #: Segments in force when the delivery came, by the day they lead to. What is written since is not in it.
        self.segments: dict[date, int] = dict(self._rows(_SEGMENTS))
        self._written: list[int] = []

    def write_segment(self, from_on: date | None, to_on: date) -> int:
        """A new segment; one that led to the same day is superseded."""
        self.conn.execute(
            """update landing.registry_segment set superseded_by_delivery_id = %s
            where to_snapshot_on = %s and superseded_by_delivery_id is null""",
            [self.delivery_id, to_on],
        )
        ((segment_id,),) = self._rows(
            """insert into landing.registry_segment (from_snapshot_on, to_snapshot_on, delivery_id)
            values (%(from_on)s, %(to_on)s, %(delivery)s) returning segment_id""",
            from_on=from_on,
            to_on=to_on,
            delivery=self.delivery_id,
        )
        self._written += [segment_id, *([self.segments[to_on]] if to_on in self.segments else [])]
        return int(segment_id)

    def write_changes(self, segment_id: int, snapshot_on: date, slices: Iterable[pl.DataFrame]) -> None:
        """Both sides of the change log: without identity for the warehouse, with it for the vault."""
        for part in slices:
            part = part.with_columns(
                delivery_id=pl.lit(self.delivery_id, dtype=pl.Int64),
                segment_id=pl.lit(segment_id, dtype=pl.Int64),
                snapshot_on=pl.lit(snapshot_on, dtype=pl.Date),
            )
            shared = ["delivery_id", "segment_id", "snapshot_on", "change_type", "person_ref"]
            copy_binary(self.conn, "raw.naar__person", part.select(*shared, *WAREHOUSE_COLUMNS))
            copy_binary(self.conn, "vault.registry_change", part.select(*shared, "registry_id", *VAULT_COLUMNS))

    def write_first_codes(self, codes: pl.DataFrame) -> None:
        """Codes of an empty registry (base_identifier, person_ref, is_current), in the order of the primary key."""
        for part in codes.sort("base_identifier").iter_slices(ROWS_PER_SLICE):
            copy_binary(
                self.conn,
                "vault.registry_code",
                part.with_columns(delivery_id=pl.lit(self.delivery_id, dtype=pl.Int64)),
            )
        self.conn.execute("analyze raw.naar__person, vault.registry_change, vault.registry_code")

    def rewrite_codes(self, *, is_latest: bool) -> None:
        """Bring the codes of everybody in the segments written or superseded here to what the history now says. The
        current code is the one of the latest change, whatever the order in which the snapshots came.

        `is_latest`: one segment was added at the end. Then most of its persons have the code they had."""
        parameters = {"segments": self._written, "delivery": self.delivery_id}
        for statement in (_PERSONS_WITH_NEW_CODES if is_latest else _PERSONS_WITH_CHANGES, *_REWRITE_CODES):
            self.conn.execute(statement, parameters if "%(" in statement else None)

    def recorded_findings(self, delivery_id: int) -> tuple[pl.Series, pl.Series]:
        """Record numbers that were discarded, and that were accepted with a flag, when a delivery was taken in."""
        rows = self._rows(_RECORDED, delivery=delivery_id)
        return tuple(
            pl.Series([number for number, was_discarded in rows if was_discarded is wanted], dtype=pl.Int64)
            for wanted in (True, False)
        )  # type: ignore[return-value]

    def closed_ids(self, until: date) -> list[str]:
        """Regional ids of those whose last change, in the segments that the delivery found, closed them."""
        return [registry_id for (registry_id,) in self._rows(_CLOSED, until=until, segments=self._until(until))]

    def last_change_days(self, person_refs: pl.Series, until: date) -> list[tuple[str, date]]:
        """Regional id and day of the last change of each person that is open."""
        refs = [uuid.UUID(bytes=ref) for ref in person_refs]
        return self._rows(_LAST_CHANGE, until=until, segments=self._until(until), refs=refs) if refs else []

    def _until(self, until: date) -> list[int]:
        return [segment_id for to_on, segment_id in self.segments.items() if to_on <= until]

    def _rows(self, statement: str, **parameters: Any) -> list[Any]:
        return self.conn.execute(statement, parameters or None).fetchall()


_SNAPSHOTS = """
select distinct on (period_start_on) period_start_on, delivery_id, file_name, sha256, contract_hash, records_sent
from landing.delivery
where flow_code = %(flow)s and outcome = 'accepted' and delivery_id <> %(delivery)s
order by period_start_on, progressive desc
"""

_SEGMENTS = """
select to_snapshot_on, segment_id from landing.registry_segment where superseded_by_delivery_id is null
"""

_RECORDED = """
select record_number, bool_or(grade = 'SCARTO')
from landing.finding
where delivery_id = %(delivery)s and record_number is not null
group by record_number
order by record_number
"""

_CLOSED = """
select registry_id
from (
    select distinct on (person_ref) registry_id, change_type
    from vault.registry_change
    where segment_id = any(%(segments)s)
        and snapshot_on <= %(until)s
        and person_ref in (
            select person_ref from raw.naar__person where change_type = 'close' and segment_id = any(%(segments)s)
        )
    order by person_ref, snapshot_on desc
) as latest
where change_type = 'close'
"""

_LAST_CHANGE = """
select registry_id, snapshot_on
from (
    select distinct on (person_ref) registry_id, snapshot_on, change_type
    from vault.registry_change
    where segment_id = any(%(segments)s)
        and snapshot_on <= %(until)s
        and person_ref = any(%(refs)s)
    order by person_ref, snapshot_on desc
) as latest
where change_type <> 'close'
"""

_PERSONS_WITH_CHANGES = """
create temporary table touched_person on commit drop as
select distinct person_ref from raw.naar__person where segment_id = any(%(segments)s)
"""

_PERSONS_WITH_NEW_CODES = """
create temporary table touched_person on commit drop as
select change.person_ref
from raw.naar__person as listed
inner join vault.registry_change as change
    on change.person_ref = listed.person_ref and change.segment_id = listed.segment_id
left join vault.registry_code as code on code.person_ref = change.person_ref and code.is_current
left join vault.registry_code as previous
    on previous.person_ref = change.person_ref and previous.base_identifier = change.previous_base_identifier
where listed.segment_id = any(%(segments)s)
    and listed.change_type <> 'close'
    and (
        code.base_identifier is distinct from change.base_identifier
        or (change.previous_base_identifier is not null and previous.person_ref is null)
    )
"""

_REWRITE_CODES = (
    "analyze touched_person",
    """
    create temporary table code_now on commit drop as
    with in_force as (
        select
            change.person_ref, change.snapshot_on, change.change_type,
            change.base_identifier, change.previous_base_identifier
        from touched_person
        inner join vault.registry_change as change on change.person_ref = touched_person.person_ref
        inner join landing.registry_segment as segment on segment.segment_id = change.segment_id
        where segment.superseded_by_delivery_id is null and change.change_type <> 'close'
    ),

    latest as (
        select distinct on (person_ref) person_ref, base_identifier
        from in_force
        order by person_ref, snapshot_on desc
    ),

    known as (
        select person_ref, base_identifier from in_force where base_identifier is not null
        union
        select person_ref, previous_base_identifier from in_force where previous_base_identifier is not null
    )

    select
        known.base_identifier,
        known.person_ref,
        coalesce(known.base_identifier = latest.base_identifier, false) as is_current
    from known
    inner join latest on latest.person_ref = known.person_ref
    """,
    "analyze code_now",
    """
    delete from vault.registry_code as code using touched_person
    where code.person_ref = touched_person.person_ref
        and not exists (
            select from code_now
            where code_now.base_identifier = code.base_identifier and code_now.person_ref = code.person_ref
        )
    """,
    """
    insert into vault.registry_code (base_identifier, person_ref, is_current, delivery_id)
    select base_identifier, person_ref, is_current, %(delivery)s from code_now
    on conflict (base_identifier, person_ref) do update
    set is_current = excluded.is_current, delivery_id = excluded.delivery_id
    where registry_code.is_current <> excluded.is_current
    """,
)
