"""What the exact rules leave, kept so that linkage finds what is new and nothing is compared twice.

Belongs here: the records that are no known person of the registry, the registry as it is compared, and the marks of
what has changed. Not here: comparing and deciding (`linkage.py`). Runs among the exact rules, in their transaction, on
their temporary tables `touched_registry`, `registry_key` and `resolved_presented`; leaves `left_over`.
"""

from orchestration.identity.steps import Steps
from orchestration.intake.contract import placeholders

_COLUMNS = ("family_name", "given_name", "sex_code", "birth_date", "birth_place_code", "identifier")
_IDENTITY = ", ".join(_COLUMNS)


def _of(table: str) -> str:
    return ", ".join(f"{table}.{column}" for column in _COLUMNS)


def known_name(name: str) -> str:
    """SQL for a name; null where it only stands for one that is not known."""
    return f"case when regexp_replace(upper({name}), '[^A-Z]', '', 'g') !~ '{placeholders()['name']}' then {name} end"


def known_birth_date(table: str) -> str:
    """SQL for the birth date of a table; null where it only stands for one that is not known."""
    return f"case when {table}.birth_date::text !~ '{placeholders()['birth_date']}' then {table}.birth_date end"


def note(steps: Steps) -> None:
    """Bring `vault.linkage_record` up to what this run has touched."""
    _left_over(steps)
    _forget_pairs(steps)
    _records(steps)


def note_registry(steps: Steps) -> None:
    """The latest identity of each touched person, in `vault.linkage_registry`; who is new or has another name or birth
    is compared again."""
    steps.table(
        "latest",
        f"""select now.*, known.person_ref is null or ({_of("known")}) is distinct from ({_of("now")}) as is_new
        from (
            select distinct on (change.person_ref) change.person_ref, {_of("change")}
            from touched_registry
            inner join vault.registry_change as change on change.person_ref = touched_registry.person_ref
            inner join landing.registry_segment as segment on segment.segment_id = change.segment_id
            where segment.superseded_by_delivery_id is null and change.change_type <> 'close'
            order by change.person_ref, change.snapshot_on desc
        ) as now
        left join vault.linkage_registry as known on known.person_ref = now.person_ref""",
    )
    steps.table(
        "gone_registry",
        """select known.person_ref
        from touched_registry
        inner join vault.linkage_registry as known on known.person_ref = touched_registry.person_ref
        left join latest on latest.person_ref = known.person_ref
        where latest.person_ref is null""",
    )
    steps.one(
        f"""insert into vault.linkage_registry (person_ref, {_IDENTITY}, is_pending)
        select person_ref, {_IDENTITY}, exists (select from vault.linkage_record where compared_model is not null)
        from latest where is_new order by person_ref
        on conflict (person_ref) do update set
            family_name = excluded.family_name, given_name = excluded.given_name, sex_code = excluded.sex_code,
            birth_date = excluded.birth_date, birth_place_code = excluded.birth_place_code,
            identifier = excluded.identifier, is_pending = excluded.is_pending"""
    )
    steps.one(
        """delete from vault.linkage_registry as known using gone_registry
        where known.person_ref = gone_registry.person_ref"""
    )


def _left_over(steps: Steps) -> None:
    """Resolved identities whose person is not in the registry."""
    steps.table(
        "left_over",
        f"""select
            found.person_ref, found.person_key, found.match_method_code,
            ({known_birth_date("presented")} is not null or presented.birth_year is not null)
                and (
                    ({known_name("presented.family_name")} is not null
                        and {known_name("presented.given_name")} is not null)
                    -- A mistyped code says much even without names. Who has no identifier has none that is mistyped.
                    or (found.match_method_code <> 'code'
                        and coalesce(presented.identifier_type_code = '0' and length(presented.identifier) = 16, false))
                ) as is_comparable
        from resolved_presented as found
        inner join vault.presented_person as presented on presented.person_ref = found.person_ref
        where not exists (
            select from vault.person_anchor as known
            where known.person_key = found.person_key and known.anchor_type = 'registry'
        )""",
    )


def _forget_pairs(steps: Steps) -> None:
    """Pairs with what has changed or is left over no more; who was compared with them is decided again."""
    steps.table(
        "found_now",
        """select known.person_ref, known.person_key
        from resolved_presented as found
        inner join vault.linkage_record as known on known.person_ref = found.person_ref
        where found.person_ref not in (select left_over.person_ref from left_over)""",
    )
    steps.table(
        "stale",
        """select person_ref from found_now
        union select person_ref from gone_registry
        union select person_ref from latest
        where is_new and exists (select from vault.linkage_pair)""",
    )
    steps.table(
        "stale_pair",
        """select pair.person_ref, pair.other_ref
        from stale inner join vault.linkage_pair as pair on pair.other_ref = stale.person_ref
        union
        select pair.person_ref, pair.other_ref
        from stale inner join vault.linkage_pair as pair on pair.person_ref = stale.person_ref""",
    )
    steps.one(
        """update vault.linkage_record as left_behind set is_pending = true
        where not is_pending
            and (
                person_ref in (select person_ref from stale_pair union select other_ref from stale_pair)
                or person_key in (
                    select person_key from found_now
                    union
                    select led.person_key from found_now
                    inner join vault.linkage_decision as led on led.linked_key = found_now.person_key
                )
            )"""
    )
    steps.one(
        """delete from vault.linkage_pair as pair using stale_pair
        where pair.person_ref = stale_pair.person_ref and pair.other_ref = stale_pair.other_ref"""
    )
    steps.one("delete from vault.linkage_record as known using found_now where known.person_ref = found_now.person_ref")
    steps.one(
        "delete from vault.linkage_case as waiting using found_now where waiting.person_ref = found_now.person_ref"
    )
    steps.one(
        """delete from vault.linkage_decision as led using found_now
        where led.person_key = found_now.person_key
            and not exists (select from vault.linkage_record as other where other.person_key = led.person_key)
            and not exists (select from left_over where left_over.person_key = led.person_key)"""
    )


def _records(steps: Steps) -> None:
    """A record whose person by the exact rules is another one is compared anew, because whom it may meet has changed. A
    run from the start compares, decides and tells everything again: what is compared of a record may have changed."""
    if not steps.parameters["since"]:
        steps.one("delete from vault.linkage_pair")
    steps.one(
        """insert into vault.linkage_record
            (person_ref, person_key, match_method_code, is_comparable, compared_model, is_pending)
        select person_ref, person_key, match_method_code, is_comparable, null, true from left_over order by person_ref
        on conflict (person_ref) do update set
            person_key = excluded.person_key, match_method_code = excluded.match_method_code,
            compared_model = case
                when %(since)s > 0
                    and linkage_record.person_key = excluded.person_key
                    and linkage_record.match_method_code = excluded.match_method_code
                    then linkage_record.compared_model
            end,
            is_comparable = excluded.is_comparable, is_pending = true
        where linkage_record.person_key <> excluded.person_key
            or linkage_record.match_method_code <> excluded.match_method_code
            or %(since)s = 0"""
    )
