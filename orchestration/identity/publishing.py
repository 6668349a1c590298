"""What the warehouse is told: token to key and method, and the events of keys that became one or came apart.

Belongs here: the comparison of what was found with what was published, for exact rules and linkage alike. Not here: who
is whom.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestration.identity.steps import Steps

#: Methods of linkage; all others are of the exact rules.
LINKED = ("linked", "reviewed")


@dataclass(frozen=True)
class Published:
    """What changed in `raw.identity__person`; `identity_seq` is None when nothing did."""

    identity_seq: int | None = None
    changed: int = 0
    merged: int = 0
    split: int = 0
    relinked: int = 0
    by_method: Mapping[str, int] = field(default_factory=dict)


def publish(steps: Steps, found: str) -> Published:
    """Carry what the query `found` says (person_ref, person_key, match_method_code) to the warehouse.

    A key is still held when an exact rule gives it and linkage does not lead it elsewhere. A key that nobody holds and
    whose tokens all went to one person was merged; tokens that linkage had brought to a key and that leave it again are
    a split; any other token that moves is a relink.
    """
    steps.table(
        "changed",
        f"""select
            found.person_ref, found.person_key, found.match_method_code,
            before.person_key as old_key, before.match_method_code as old_method
        from ({found}) as found
        left join raw.identity__person as before on before.person_ref = found.person_ref
        where before.person_ref is null
            or before.person_key <> found.person_key
            or before.match_method_code <> found.match_method_code""",
    )
    if not steps.one("select count(*) from changed"):
        return Published()
    steps.parameters["seq"] = steps.one("select nextval('raw.identity_seq')")
    steps.table(
        "moved",
        """select moving.*, coalesce(went_on.is_held, false) as is_held
        from (select * from changed where old_key <> person_key) as moving
        left join (
            select old.old_key, true as is_held
            from (select distinct old_key from changed where old_key <> person_key) as old
            where (
                exists (select from vault.person_anchor as held where held.person_key = old.old_key)
                and not exists (select from vault.linkage_decision as led where led.person_key = old.old_key)
            )
                or exists (
                    select from changed as several where several.old_key = old.old_key
                    group by several.old_key having count(distinct several.person_key) > 1
                )
        ) as went_on on went_on.old_key = moving.old_key""",
    )
    merged = steps.one(
        """insert into vault.identity_event (event_type, old_person_key, new_person_key, match_method_code)
        select 'merge', old_key, min(person_key), min(match_method_code)
        from moved where not is_held group by old_key order by old_key"""
    )
    split = steps.one(
        """insert into vault.identity_event (event_type, old_person_key, new_person_key, match_method_code)
        select distinct 'split', old_key, person_key, match_method_code
        from moved where is_held and old_method = any(%(linked)s) order by 2, 3""",
        linked=list(LINKED),
    )
    relinked = steps.one(
        """insert into vault.identity_event
            (event_type, person_ref, old_person_key, new_person_key, match_method_code)
        select 'relink', person_ref, old_key, person_key, match_method_code
        from moved where is_held and old_method <> all(%(linked)s) order by person_ref""",
        linked=list(LINKED),
    )
    steps.one(
        """update raw.identity__person as known
        set person_key = changed.person_key, match_method_code = changed.match_method_code, changed_seq = %(seq)s,
            moved_seq = case when changed.old_key = changed.person_key then known.moved_seq else %(seq)s end
        from changed where known.person_ref = changed.person_ref and changed.old_key is not null"""
    )
    steps.one(
        """insert into raw.identity__person (person_ref, person_key, match_method_code, changed_seq, moved_seq)
        select person_ref, person_key, match_method_code, %(seq)s, %(seq)s
        from changed where old_key is null order by person_ref"""
    )
    by_method = dict(
        steps.conn.execute("select match_method_code, count(*) from changed group by 1 order by 1").fetchall()
    )
    return Published(steps.parameters["seq"], sum(by_method.values()), merged, split, relinked, by_method)
