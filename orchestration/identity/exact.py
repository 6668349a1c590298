"""Exact identity: which person each presented or registered identity is, by rules that need no probability.

Belongs here: the rules, their order, and the bookkeeping of keys that have been given. Not here: how an anchor is made
(`anchors.py`), how a code is validated (`intake/fiscal_code.py`), likeness of names and dates (`linkage.py`), and what
the warehouse is told (`publishing.py`).

The rules, first match wins; the method is what `raw.identity__person` says:

1. `registry`: a valid code that is now the code of exactly one person of the registry.
2. `alias`: a code that nobody has now and exactly one person of the registry had. Codes are compared as written: with
   the letters of an omocodia it is another code, hers only if the registry says so.
3. `temporary_code`, `code`: a valid STP, ENI, provisional or European code, or a codice fiscale, that the registry has
   never known: the person of that code. A code that the registry knows for several persons identifies nobody.
4. `local_id`: the sender's own id. If identities with that id are one identified person, it is that person; if none is
   identified, it is the person of that local id. It proves nothing and is not used if they are several, if sex, birth
   or names contradict each other under it (`agreement.py`), or if it only stands for an id (0, N/D).
5. `own`: a person by herself. Two of these never meet because something is missing in both.

A key that was given keeps its meaning: anchors are stored. A person of the registry takes over the key of a code that
was seen before her, and a key that comes late to the same person is merged into hers, with an event that says so.
The key of a code is made in one way, by whoever brings it first, so registry and contacts may come in any order.

Everything is set-based and looks only at what deliveries since the last run can have touched.
"""

import uuid
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import psycopg

from orchestration.identity import agreement, remainder
from orchestration.identity.anchors import anchor_sql, key_blocks, key_sql
from orchestration.identity.publishing import Published, publish
from orchestration.identity.remainder import known_birth_date, known_name
from orchestration.identity.steps import Steps
from orchestration.intake.contract import placeholders

#: A change of the rules, or of what counts as missing, makes the next run look at everything again.
RULES_VERSION = zlib.crc32(f"4 {placeholders()}".encode()) >> 1


def _known_id(local_id: str) -> str:
    """SQL for a local id; null where it only stands for one."""
    written = f"regexp_replace(upper({local_id}), '[^A-Z0-9]', '', 'g')"
    return f"case when {written} !~ '{placeholders()['local_id']}' then {local_id} end"


@dataclass(frozen=True)
class IdentityResult:
    """What the exact rules did. Nothing here names anybody."""

    to_delivery_id: int
    looked_at: int = 0
    new_persons: int = 0
    published: Published = field(default_factory=Published)


def resolve(
    conn: psycopg.Connection[Any], pseudonym_key: bytes, *, meanwhile: Callable[[], None] | None = None
) -> IdentityResult:
    """Take in what came since the last run, in one transaction. Persons of the registry are published; who is left is
    noted for linkage, which publishes the rest (`run.py` calls both, under one lock). `meanwhile` runs beside the work
    of the database, when there is any."""
    with conn.transaction(), ThreadPoolExecutor(1, thread_name_prefix="meanwhile") as beside:
        run = _Run(conn, pseudonym_key)
        if meanwhile and not run.is_up_to_date:
            beside.submit(meanwhile)
        return run.resolve()


class _Run(Steps):
    """The steps of one run, in the order of their names in `resolve`; each leaves temporary tables for the next."""

    def __init__(self, conn: psycopg.Connection[Any], pseudonym_key: bytes) -> None:
        super().__init__(conn, key_blocks(pseudonym_key))
        self.new_persons = 0
        self.since, self.until = self._window()
        self.parameters |= {"since": self.since, "until": self.until}

    @property
    def is_up_to_date(self) -> bool:
        return self.since == self.until

    def resolve(self) -> IdentityResult:
        if self.is_up_to_date:
            return IdentityResult(to_delivery_id=self.until)
        self.one("set local work_mem = '256MB'")
        self._touched_registry()
        self._touched_presented()
        self._code_owners()
        self._registry_keys()
        remainder.note_registry(self)
        self._code_anchors_join_the_registry()
        self._resolve_presented()
        looked_at = self.one("select (select count(*) from touched) + (select count(*) from registry_key)")
        remainder.note(self)
        published = publish(
            self,
            """select person_ref, person_key, 'registry' as match_method_code from registry_key
            union all
            select person_ref, person_key, match_method_code from resolved_presented
            where person_ref not in (select left_over.person_ref from left_over)""",
        )
        self.one(
            "insert into vault.identity_run (to_delivery_id, rules_version) values (%(until)s, %(rules)s)",
            rules=RULES_VERSION,
        )
        if not self.since:  # the next run must not plan for empty tables
            self.one("analyze raw.identity__person, vault.person_anchor, vault.linkage_registry, vault.linkage_record")
        return IdentityResult(self.until, looked_at=looked_at, new_persons=self.new_persons, published=published)

    def _window(self) -> tuple[int, int]:
        until = self.one("select coalesce(max(delivery_id), 0) from landing.delivery where outcome = 'accepted'")
        since = self.one(
            """select coalesce(max(to_delivery_id), 0) from vault.identity_run
            where run_id = (select max(run_id) from vault.identity_run) and rules_version = %(rules)s""",
            rules=RULES_VERSION,
        )
        return since, until

    def _touched_registry(self) -> None:
        """Persons of the registry with a change, or with a change taken back by a late or corrected snapshot; with the
        key of those who have one. The token of a registered person is her anchor as it stands."""
        self.table(
            "touched_registry",
            """select touched.person_ref, known.person_key as known_key
            from (
                select person_ref from raw.naar__person where delivery_id > %(since)s and delivery_id <= %(until)s
                union
                select changed.person_ref
                from landing.registry_segment as segment
                inner join raw.naar__person as changed on changed.segment_id = segment.segment_id
                where segment.superseded_by_delivery_id > %(since)s
                    and segment.superseded_by_delivery_id <= %(until)s
            ) as touched
            left join vault.person_anchor as known on known.anchor = touched.person_ref""",
        )

    def _touched_presented(self) -> None:
        """Presented identities that are new, or whose code or person was touched; with all that share a local id."""
        self.table(
            "touched_first",
            """select person_ref from vault.presented_person
            where first_delivery_id > %(since)s and first_delivery_id <= %(until)s
            union
            select presented.person_ref
            from touched_registry as touched
            inner join vault.registry_code as code on code.person_ref = touched.person_ref
            inner join vault.presented_person as presented on presented.base_identifier = code.base_identifier
            union
            select identity.person_ref
            from touched_registry as touched
            inner join raw.identity__person as registered on registered.person_ref = touched.person_ref
            inner join raw.identity__person as identity on identity.person_key = registered.person_key
            where identity.match_method_code <> 'registry' or identity.person_ref <> registered.person_ref""",
        )
        self.table(
            "touched",
            f"""select
                presented.person_ref,
                presented.flow_code,
                presented.sender_code,
                presented.identifier_type_code,
                case when presented.is_identifier_valid then presented.base_identifier end as base_identifier,
                {_known_id("presented.local_id")} as local_id
            from vault.presented_person as presented
            where presented.person_ref in (
                select person_ref from touched_first
                union
                select other.person_ref
                from touched_first
                inner join vault.presented_person as one on one.person_ref = touched_first.person_ref
                inner join vault.presented_person as other
                    on other.sender_code = one.sender_code
                    and other.local_id = one.local_id
                    and other.flow_code = one.flow_code
                where {_known_id("one.local_id")} is not null
            )""",
        )

    def _code_owners(self) -> None:
        """Rules 1 and 2 for every code in question: whose it is, or nobody's (null) when several persons had it."""
        asked = """where code.base_identifier in (
                select base_identifier from touched where base_identifier is not null
                union
                select own.base_identifier
                from touched_registry
                inner join vault.registry_code as own on own.person_ref = touched_registry.person_ref
            )"""
        self.table(
            "code_owner",
            f"""select owner.*, {anchor_sql("code", "owner.base_identifier")} as anchor
            from (
                select
                    code.base_identifier,
                    case
                        when count(*) filter (where code.is_current) = 1
                            then any_value(code.person_ref) filter (where code.is_current)
                        when count(*) = 1 then any_value(code.person_ref)
                    end as person_ref,
                    case when bool_or(code.is_current) then 'registry' else 'alias' end as match_method_code
                from vault.registry_code as code
                {asked if self.since else ""}
                group by code.base_identifier
            ) as owner""",
        )

    def _registry_keys(self) -> None:
        """Keys for persons who are new in the registry: the key of a code seen before her, else the key her code gives,
        else one from her own token. Never the key of another person of the registry."""
        self.table(
            "seen_before",
            """select distinct on (person_ref) person_ref, person_key
            from (
                select
                    new.person_ref, known.person_key, owner.match_method_code = 'alias' as is_alias,
                    row_number() over (
                        partition by known.person_key order by owner.match_method_code = 'alias', new.person_ref
                    ) as claim
                from touched_registry as new
                inner join code_owner as owner on owner.person_ref = new.person_ref
                inner join vault.person_anchor as known on known.anchor = owner.anchor
                where new.known_key is null
                    and not exists (
                        select from vault.person_anchor as other
                        where other.person_key = known.person_key and other.anchor_type = 'registry'
                    )
            ) as offer
            where claim = 1
            order by person_ref, is_alias, person_key""",
        )
        self.table(
            "registry_key",
            f"""select
                touched.person_ref,
                touched.known_key is null as is_new,
                coalesce(
                    touched.known_key,
                    seen_before.person_key,
                    case when used.anchor is null then {key_sql("owner.anchor")} end,
                    {key_sql("touched.person_ref")}
                ) as person_key
            from touched_registry as touched
            left join seen_before on seen_before.person_ref = touched.person_ref
            left join code_owner as owner
                on owner.person_ref = touched.person_ref and owner.match_method_code = 'registry'
            left join vault.person_anchor as used
                on used.person_key = {key_sql("owner.anchor")} and touched.known_key is null""",
        )
        self.new_persons += self.one(
            """insert into vault.person_anchor (anchor, person_key, anchor_type)
            select person_ref, person_key, 'registry' from registry_key where is_new order by person_ref"""
        ) - self.one("select count(*) from seen_before")

    def _code_anchors_join_the_registry(self) -> None:
        """A code that was a person by itself turns out to be a person of the registry: its key is merged into hers."""
        self.table(
            "adopted",
            """select code.anchor, code.person_key as old_key, registered.person_key as new_key
            from code_owner as owner
            inner join vault.person_anchor as code on code.anchor = owner.anchor
            inner join vault.person_anchor as registered on registered.anchor = owner.person_ref
            where code.person_key <> registered.person_key""",
        )
        self.one(
            """update vault.person_anchor as code set person_key = adopted.new_key
            from adopted where code.anchor = adopted.anchor"""
        )
        # What else hung on a key that is no person of the registry goes along; there is one such key per code.
        self.one(
            """update vault.person_anchor as follower set person_key = moved.new_key
            from (select distinct on (old_key) old_key, new_key from adopted order by old_key, new_key) as moved
            where follower.person_key = moved.old_key
                and not exists (
                    select from vault.person_anchor as registered
                    where registered.person_key = moved.old_key and registered.anchor_type = 'registry'
                )"""
        )

    def _resolve_presented(self) -> None:
        self.table(
            "by_code",
            f"""select
                touched.person_ref, touched.flow_code, touched.sender_code, touched.local_id,
                registered.person_key as registry_key,
                owner.match_method_code as registry_method,
                case when touched.identifier_type_code = '0' then 'code' else 'temporary_code' end as code_method,
                case
                    when touched.base_identifier is not null and owner.base_identifier is null
                        then {anchor_sql("code", "touched.base_identifier")}
                end as code_anchor
            from touched
            left join code_owner as owner on owner.base_identifier = touched.base_identifier
            left join vault.person_anchor as registered
                on registered.anchor = owner.person_ref""",
        )
        self._new_anchors("code", "select distinct code_anchor from by_code where code_anchor is not null")
        self.table(
            "identified",
            """select
                by_code.person_ref, by_code.flow_code, by_code.sender_code, by_code.local_id,
                coalesce(by_code.registry_key, known.person_key) as person_key,
                case
                    when by_code.registry_key is not null then by_code.registry_method
                    when known.person_key is not null then by_code.code_method
                end as match_method_code
            from by_code
            left join vault.person_anchor as known on known.anchor = by_code.code_anchor""",
        )
        self._local_groups()
        self.one(
            """update vault.person_anchor as known set person_key = one.person_key
            from local_group as one
            where known.anchor = one.anchor and one.persons = 1 and known.person_key <> one.person_key"""
        )
        self._new_anchors("local_id", "select anchor from local_group where persons = 0")
        self.table(
            "resolved_presented",
            """select
                identified.person_ref,
                coalesce(identified.person_key, local.person_key) as person_key,
                case
                    when identified.person_key is not null then identified.match_method_code
                    when local.person_key is not null then 'local_id'
                    else 'own'
                end as match_method_code
            from identified
            left join (
                select
                    one.flow_code, one.sender_code, one.local_id,
                    case when one.persons = 1 then one.person_key else known.person_key end as person_key
                from local_group as one
                left join vault.person_anchor as known on known.anchor = one.anchor
                where one.persons <= 1
            ) as local
                on local.flow_code = identified.flow_code
                and local.sender_code = identified.sender_code
                and local.local_id = identified.local_id""",
        )
        # Who was a person by herself and is no longer. Should the link be lost again, the same key comes back.
        self.one(
            """delete from vault.person_anchor as known using resolved_presented as found
            where known.anchor = found.person_ref and found.person_key is not null"""
        )
        self._new_anchors("reference", "select person_ref from resolved_presented where person_key is null")
        self.one(
            """update resolved_presented as found set person_key = known.person_key
            from vault.person_anchor as known
            where known.anchor = found.person_ref and found.person_key is null"""
        )

    def _local_groups(self) -> None:
        """The local ids that prove a person: one identified person at most, and nobody who contradicts another."""
        self.table(
            "local_said",
            f"""select
                identified.flow_code, identified.sender_code, identified.local_id, identified.person_key,
                {known_name("presented.family_name")} as family_name,
                {known_name("presented.given_name")} as given_name,
                presented.sex_code, {known_birth_date("presented")} as birth_date, presented.birth_year
            from identified
            inner join vault.presented_person as presented on presented.person_ref = identified.person_ref
            where identified.local_id is not null
            union
            select
                identified.flow_code, identified.sender_code, identified.local_id, identified.person_key,
                {known_name("registered.family_name")}, {known_name("registered.given_name")},
                registered.sex_code, {known_birth_date("registered")}, null::smallint
            from identified
            inner join vault.person_anchor as anchor
                on anchor.person_key = identified.person_key and anchor.anchor_type = 'registry'
            inner join vault.linkage_registry as registered on registered.person_ref = anchor.anchor
            where identified.local_id is not null""",
        )
        self.table(
            "local_group",
            f"""select
                flow_code, sender_code, local_id,
                {anchor_sql("local_id", "flow_code", "sender_code", "local_id")} as anchor,
                count(distinct person_key) as persons,
                min(person_key) as person_key,
                count(distinct sex_code) > 1 or count(distinct birth_date) > 1
                    or count(distinct coalesce(birth_year, extract(year from birth_date))) > 1
                    or count(distinct family_name) > 1 or count(distinct given_name) > 1 as says_several_things
            from local_said
            group by flow_code, sender_code, local_id""",
        )
        rows = self.conn.execute(
            """select uuid_send(one.anchor), said.family_name, said.given_name, said.sex_code, said.birth_date,
                said.birth_year
            from local_group as one
            inner join local_said as said
                on said.flow_code = one.flow_code and said.sender_code = one.sender_code
                and said.local_id = one.local_id
            where one.says_several_things and one.persons <= 1"""
        ).fetchall()
        said = pl.DataFrame(rows, schema=agreement.SCHEMA, orient="row")
        self.one(
            "delete from local_group where anchor = any(%(contradicted)s::uuid[])",
            contradicted=[uuid.UUID(bytes=anchor) for anchor in agreement.contradicted(said)],
        )

    def _new_anchors(self, anchor_type: str, query: str) -> None:
        """Store the anchors of `query` that are new. A key that somebody has already is not given twice: the anchor
        then gets the key of its token's own token."""
        again = key_sql(anchor_sql("again", "asked.anchor::text"))
        self.new_persons += self.one(
            f"""insert into vault.person_anchor (anchor, person_key, anchor_type)
            select
                asked.anchor,
                case
                    when exists (
                        select from vault.person_anchor as other where other.person_key = {key_sql("asked.anchor")}
                    ) then {again}
                    else {key_sql("asked.anchor")}
                end,
                '{anchor_type}'
            from ({query}) as asked (anchor)
            left join vault.person_anchor as known on known.anchor = asked.anchor
            where known.anchor is null
            order by asked.anchor"""
        )
