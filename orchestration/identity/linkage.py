"""Linkage of what the exact rules leave: against the registry, and among itself.

Belongs here: the step in the database, from pending marks to published keys. Not here: comparing (`comparing.py`),
deciding (`deciding.py`), learning (`training.py`).

Nothing is compared twice. A record is compared with everything when it is new, and again only with what is new after
it: a person of the registry who came or changed, a record that came later. Pairs that weigh anything are kept; a
decision reads them and compares nothing. A new model starts anew.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import psycopg

from orchestration.identity import source, training
from orchestration.identity.comparing import SLICE
from orchestration.identity.deciding import CASES, LINKS, decide
from orchestration.identity.model import DIVIDING, LINK, Model
from orchestration.identity.publishing import Published, publish
from orchestration.identity.steps import Steps
from orchestration.intake.load import copy_binary

#: Two persons with a code each are two, and nobody looks at them, unless the letters of an omocodia are the difference.
_IS_VARIANT = "(plain_digits(one.code) = plain_digits(other.code) and one.code <> other.code)"
#: Weight at which two unknown keys are one person.
LINK_WEIGHT = math.log2(LINK / (1 - LINK))


@dataclass(frozen=True)
class LinkageResult:
    """What linkage did: pairs looked at, keys led to another, pairs that wait for a person in all."""

    compared: int = 0
    to_review: int = 0
    model_version: int | None = None
    published: Published = field(default_factory=Published)


def link(memory: source.Memory, conn: psycopg.Connection[Any]) -> LinkageResult:
    """Compare what is new, decide what it touches, publish; in one transaction. Quick when nothing is left to do."""
    with conn.transaction():
        steps = Steps(conn, {})
        steps.one("set local work_mem = '64MB'")
        if not steps.one(
            """select exists (select from vault.linkage_record where is_pending)
                or exists (select from vault.linkage_registry where is_pending)
                or exists (select from vault.linkage_review where is_pending)"""
        ):
            return LinkageResult()
        compared, model = _compare(memory, steps)
        _affected(steps)
        _decide(steps, model)
        published = _publish(steps)
        waiting = int(steps.one("select count(*) from vault.linkage_case"))
        return LinkageResult(compared, waiting, model.version if model else None, published)


def _compare(memory: source.Memory, steps: Steps) -> tuple[int, Model | None]:
    """Score what is new against what there is. The first time a model is made."""
    if not steps.one("select exists (select from vault.linkage_record where is_comparable)"):
        steps.one("update vault.linkage_registry set is_pending = false where is_pending")
        return 0, training.newest(steps)[0]
    model, terms = training.in_force(memory, steps)
    is_new = f"record.compared_model is distinct from {model.version}"
    has_news, has_old = (
        steps.one(f"select exists (select from vault.linkage_record as record where record.is_comparable and {which})")
        for which in (is_new, f"not ({is_new})")
    )
    has_changes = has_old and steps.one("select exists (select from vault.linkage_registry where is_pending)")
    compared = 0
    if has_news or has_changes:
        compared = _compare_new(memory, steps, model, terms, is_new, has_news, has_changes)
    steps.one("update vault.linkage_registry set is_pending = false where is_pending")
    steps.one(
        f"""update vault.linkage_record as record set compared_model = {model.version}, is_pending = true
        where record.is_comparable and {is_new}"""
    )
    return compared, model


def _compare_new(
    memory: source.Memory,
    steps: Steps,
    model: Model,
    terms: Mapping[str, pl.DataFrame],
    is_new: str,
    has_news: bool,
    has_changes: bool,
) -> int:
    comparer, compared = memory.comparer, 0

    def keep(records: str, persons: str, condition: str) -> None:
        nonlocal compared
        if compared_now := comparer.pick(records, persons, condition):
            compared += compared_now
            _keep(steps, comparer.score(model, terms, records, persons))

    memory.load("known_record", source.RECORDS)
    comparer.run("alter table known_record add column is_new boolean default false")
    if has_news:
        memory.load("new_record", source.RECORDS, is_new)
        comparer.run("update known_record set is_new = true where ref in (select new_record.ref from new_record)")
        slices = -(-int(comparer.run("select count(*) from new_record")[0][0]) // SLICE)
        for number in range(slices):
            comparer.run(f"create or replace table part as select * from new_record where uid % {slices} = {number}")
            keep("part", memory.registry, f"not one.is_coded or {_IS_VARIANT}")
            # Two new records meet once: the one with the lower token asks.
            keep(
                "part",
                "known_record",
                f"one.ref <> other.ref and (not (one.is_coded and other.is_coded) or {_IS_VARIANT})"
                " and (not other.is_new or one.ref < other.ref)",
            )
    if has_changes:
        memory.load("changed_person", source.REGISTRY, "is_pending")
        keep("known_record", "changed_person", f"(not one.is_coded or {_IS_VARIANT}) and not one.is_new")
    return compared


def _keep(steps: Steps, scored: pl.DataFrame) -> None:
    """Pairs into the vault; a pair that is there already was with a record that is now compared anew."""
    if scored.is_empty():
        return
    steps.one("create temporary table if not exists scored (like vault.linkage_pair) on commit drop")
    steps.one("delete from scored")
    copy_binary(
        steps.conn,
        "scored",
        scored.select(
            pl.col("ref").alias("person_ref"), "other_ref", "other_is_registered", "weight", "levels", "weights"
        ),
    )
    steps.one(
        """insert into vault.linkage_pair select * from scored order by person_ref, other_ref
        on conflict (person_ref, other_ref) do update set
            weight = excluded.weight, levels = excluded.levels, weights = excluded.weights"""
    )
    # Whoever was found is decided again: an old record too, when what is new was compared with it.
    steps.one(
        """update vault.linkage_record set is_pending = true
        where not is_pending and person_ref in (select person_ref from scored union select other_ref from scored)"""
    )


def _affected(steps: Steps) -> None:
    """Keys whose decision may change: of pending records and new reviews, and all that hangs together with them."""
    steps.table(
        "affected",
        """select person_key from vault.linkage_record where is_pending
        union
        select record.person_key
        from vault.linkage_review as review
        inner join vault.linkage_record as record on record.person_ref in (review.person_ref, review.other_ref)
        where review.is_pending""",
    )
    steps.one("alter table affected add primary key (person_key)")
    reached = """insert into affected
        select distinct next.person_key
        from affected
        inner join vault.linkage_record as record on record.person_key = affected.person_key
        inner join ({}) as edge on edge.one = record.person_ref
        inner join vault.linkage_record as next on next.person_ref = edge.other
        on conflict do nothing"""
    ways = (
        f"""select person_ref as one, other_ref as other from vault.linkage_pair
            where not other_is_registered and weight >= {LINK_WEIGHT}""",
        f"""select other_ref as one, person_ref as other from vault.linkage_pair
            where not other_is_registered and weight >= {LINK_WEIGHT}""",
        "select person_ref as one, other_ref as other from vault.linkage_review",
        "select other_ref as one, person_ref as other from vault.linkage_review",
    )
    together = """insert into affected
        select led.person_key
        from affected
        inner join vault.linkage_decision as own
            on own.person_key = affected.person_key and own.decided_by = 'cluster'
        inner join vault.linkage_decision as led on led.linked_key = own.linked_key
        union
        select own.linked_key
        from affected
        inner join vault.linkage_decision as own
            on own.person_key = affected.person_key and own.decided_by = 'cluster'
        where exists (select from vault.linkage_record as record where record.person_key = own.linked_key)
        union
        select led.person_key
        from affected inner join vault.linkage_decision as led on led.linked_key = affected.person_key
        on conflict do nothing"""
    while sum(steps.one(statement) for statement in (*(reached.format(way) for way in ways), together)):
        pass
    steps.one("analyze affected")


_NODES = """
select affected.person_key,
    bool_or(record.match_method_code = 'code') as is_known,
    min(presented.first_delivery_id) as first_delivery_id
from affected
inner join vault.linkage_record as record on record.person_key = affected.person_key
inner join vault.presented_person as presented on presented.person_ref = record.person_ref
group by affected.person_key
"""
_NEAR = """
select pair.* from affected
inner join vault.linkage_record as mine on mine.person_key = affected.person_key
inner join vault.linkage_pair as pair on pair.person_ref = mine.person_ref
union
select pair.* from affected
inner join vault.linkage_record as mine on mine.person_key = affected.person_key
inner join vault.linkage_pair as pair on pair.other_ref = mine.person_ref
"""
_SIDES = """
select
    record.person_ref, record.person_key,
    bool_or(same.match_method_code = 'code') as is_known,
    bool_or(same.match_method_code = 'temporary_code') as has_temporary_code
from (select person_ref from near union select other_ref from near where not other_is_registered) as side
inner join vault.linkage_record as record on record.person_ref = side.person_ref
inner join vault.linkage_record as same on same.person_key = record.person_key
group by record.person_ref, record.person_key
"""
# A pair is read from the side of its unknown key; between two of them the lower token asks.
_PAIRS = """
select distinct
    case when turned then near.other_ref else near.person_ref end as person_ref,
    case when turned then other.person_key else one.person_key end as person_key,
    case when turned then near.person_ref else near.other_ref end as other_ref,
    case when turned then one.person_key else coalesce(registered.person_key, other.person_key) end as other_key,
    near.other_is_registered or one.is_known or other.is_known as other_is_known,
    near.weight,
    near.levels,
    case when turned then other.has_temporary_code else one.has_temporary_code end as has_temporary_code,
    one.is_known and (near.other_is_registered or other.is_known) as is_between_known
from near
inner join sides as one on one.person_ref = near.person_ref
left join sides as other on other.person_ref = near.other_ref and not near.other_is_registered
left join vault.person_anchor as registered on registered.anchor = near.other_ref and near.other_is_registered
cross join lateral (
    select not near.other_is_registered
        and (one.is_known or (not other.is_known and near.other_ref < near.person_ref)) as turned
) as direction
where one.person_key is distinct from coalesce(registered.person_key, other.person_key)
    and coalesce(registered.person_key, other.person_key) is not null
"""
# The latest word on two keys: tokens may have come to other keys since it was said.
_REVIEWS = """
select distinct on (least(person_key, other_key), greatest(person_key, other_key)) *
from (
    select
        coalesce(one.person_key, one_anchor.person_key) as person_key,
        coalesce(other.person_key, other_anchor.person_key) as other_key,
        review.is_same, review.person_ref, review.other_ref, review.review_id
    from vault.linkage_review as review
    left join vault.linkage_record as one on one.person_ref = review.person_ref
    left join raw.identity__person as one_anchor on one_anchor.person_ref = review.person_ref
    left join vault.linkage_record as other on other.person_ref = review.other_ref
    left join raw.identity__person as other_anchor on other_anchor.person_ref = review.other_ref
) as said
where person_key <> other_key
    and (exists (select from affected where affected.person_key = said.person_key)
        or exists (select from affected where affected.person_key = said.other_key))
order by least(person_key, other_key), greatest(person_key, other_key), review_id desc
"""


def _decide(steps: Steps, model: Model | None) -> None:
    nodes = _frame(steps, _NODES, {"person_key": pl.Int64, "is_known": pl.Boolean, "first_delivery_id": pl.Int64})
    steps.table("near", _NEAR)
    steps.table("sides", _SIDES)
    pairs = _frame(
        steps,
        _PAIRS,
        {
            "person_ref": pl.Binary, "person_key": pl.Int64, "other_ref": pl.Binary, "other_key": pl.Int64,
            "other_is_known": pl.Boolean, "weight": pl.Float32, "levels": pl.List(pl.Int16),
            "has_temporary_code": pl.Boolean, "is_between_known": pl.Boolean,
        },
    )  # fmt: skip
    # Two persons with a code each stay two; where an omocodia is all that divides the codes, somebody looks at them.
    is_open = ~pl.col("is_between_known").fill_null(False)
    pairs = pairs.filter(is_open | model.shows("code", ("variant",)) if model else is_open)
    # Who has a valid temporary code was identified by somebody, and not as a person of the registry.
    is_other = pl.col("has_temporary_code") & pl.col("other_is_known")
    pairs = pairs.with_columns(
        is_guarded=is_other | model.is_guarded() if model else is_other,
        is_dividing=is_other | model.is_guarded(DIVIDING) if model else is_other,
    )
    reviews = _frame(
        steps,
        _REVIEWS,
        {
            "person_key": pl.Int64, "other_key": pl.Int64, "is_same": pl.Boolean, "person_ref": pl.Binary,
            "other_ref": pl.Binary, "review_id": pl.Int64,
        },
    )  # fmt: skip
    made = decide(nodes, pairs.drop("levels", "has_temporary_code", "is_between_known"), reviews)
    _write(steps, made.links.with_columns(pl.lit(model.version if model else 0, pl.Int16).alias("model_version")))
    _write_cases(steps, made.cases)


def _write(steps: Steps, links: pl.DataFrame) -> None:
    columns = ", ".join(LINKS)
    steps.one("create temporary table decided (like vault.linkage_decision) on commit drop;")
    steps.one("alter table decided drop column decided_at")
    copy_binary(steps.conn, "decided", links)
    steps.one(
        """delete from vault.linkage_decision as led
        where not exists (select from vault.linkage_record as record where record.person_key = led.person_key)
            or (exists (select from affected where affected.person_key = led.person_key)
                and not exists (select from decided where decided.person_key = led.person_key))"""
    )
    steps.one(
        f"""insert into vault.linkage_decision ({columns}, model_version)
        select {columns}, model_version from decided order by person_key
        on conflict (person_key) do update set
            linked_key = excluded.linked_key, decided_by = excluded.decided_by, person_ref = excluded.person_ref,
            other_ref = excluded.other_ref, weight = excluded.weight, probability = excluded.probability,
            model_version = excluded.model_version, decided_at = clock_timestamp()
        where (linkage_decision.linked_key, linkage_decision.decided_by, linkage_decision.person_ref,
                linkage_decision.other_ref, linkage_decision.model_version)
            is distinct from (excluded.linked_key, excluded.decided_by, excluded.person_ref, excluded.other_ref,
                excluded.model_version)"""
    )


def _write_cases(steps: Steps, cases: pl.DataFrame) -> None:
    columns = ", ".join(CASES)
    steps.one("create temporary table asked (like vault.linkage_case) on commit drop")
    steps.one("alter table asked drop column case_id, drop column opened_at")
    copy_binary(steps.conn, "asked", cases)
    steps.one(
        """delete from vault.linkage_case as waiting
        where (exists (select from affected where affected.person_key = waiting.person_key)
            or not exists (select from vault.linkage_record as record where record.person_ref = waiting.person_ref))
            and not exists (
                select from asked
                where asked.person_ref = waiting.person_ref and asked.other_ref = waiting.other_ref
            )"""
    )
    steps.one(
        f"""insert into vault.linkage_case ({columns}) select {columns} from asked order by person_ref, other_ref
        on conflict (person_ref, other_ref) do update set
            person_key = excluded.person_key, reason = excluded.reason, weight = excluded.weight,
            probability = excluded.probability"""
    )


def _publish(steps: Steps) -> Published:
    published = publish(
        steps,
        """select
            record.person_ref,
            coalesce(led.linked_key, record.person_key) as person_key,
            case
                when led.person_key is null then record.match_method_code
                when led.decided_by = 'review' then 'reviewed'
                else 'linked'
            end as match_method_code
        from vault.linkage_record as record
        inner join affected on affected.person_key = record.person_key
        left join vault.linkage_decision as led on led.person_key = record.person_key""",
    )
    steps.one("update vault.linkage_record set is_pending = false where is_pending")
    steps.one("update vault.linkage_review set is_pending = false where is_pending")
    return published


def _frame(steps: Steps, query: str, schema: dict[str, Any]) -> pl.DataFrame:
    """Rows of a query as columns; tokens as bytes, lists by way of text, which is what Python builds fastest."""
    shown = {pl.Binary: "uuid_send({0})", pl.List(pl.Int16): "array_to_string({0}, ',')"}
    columns = ", ".join(f"{shown.get(dtype, '{0}').format(name)} as {name}" for name, dtype in schema.items())
    rows = steps.conn.execute(f"select {columns} from ({query}) as asked".encode()).fetchall()
    values = zip(*rows, strict=True) if rows else ((),) * len(schema)
    frame = pl.DataFrame(
        [
            pl.Series(name, column, pl.String if isinstance(dtype, pl.List) else dtype)
            for (name, dtype), column in zip(schema.items(), values, strict=True)
        ]
    )
    lists = [name for name, dtype in schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(lists).str.split(",").list.eval(pl.element().cast(pl.Int16)))
