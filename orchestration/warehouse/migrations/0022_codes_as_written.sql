-- Identifiers are compared as written: the letters of an omocodia make another code, which another person has.
update vault.presented_person set base_identifier = upper(btrim(identifier))
where base_identifier is distinct from upper(btrim(identifier));
-- One character again and again fits the form of a temporary code and is none.
update vault.presented_person set is_identifier_valid = false
where is_identifier_valid and base_identifier ~ '^(STP|ENI)?(.)\2*$';
update vault.registry_change
set base_identifier = upper(btrim(identifier))
where base_identifier is not null and base_identifier <> upper(btrim(identifier));
update vault.registry_change
set previous_base_identifier = upper(btrim(previous_identifier))
where previous_base_identifier is not null and previous_base_identifier <> upper(btrim(previous_identifier));

create temporary table code_now on commit drop as
with in_force as (
    select
        change.person_ref,
        change.snapshot_on,
        change.delivery_id,
        change.base_identifier,
        change.previous_base_identifier
    from vault.registry_change as change
    inner join landing.registry_segment as segment on change.segment_id = segment.segment_id
    where segment.superseded_by_delivery_id is null and change.change_type <> 'close'
),

latest as (
    select distinct on (person_ref)
        person_ref,
        base_identifier
    from in_force
    order by person_ref asc, snapshot_on desc
),

known as (
    select
        person_ref,
        base_identifier,
        delivery_id
    from in_force
    union all
    select
        person_ref,
        previous_base_identifier,
        delivery_id
    from in_force
)

select
    known.base_identifier,
    known.person_ref,
    coalesce(known.base_identifier = latest.base_identifier, false) as is_current,
    max(known.delivery_id) as delivery_id
from known
inner join latest on known.person_ref = latest.person_ref
where known.base_identifier is not null
group by known.base_identifier, known.person_ref, latest.base_identifier;
delete from vault.registry_code;
insert into vault.registry_code (base_identifier, person_ref, is_current, delivery_id)
select
    base_identifier,
    person_ref,
    is_current,
    delivery_id
from code_now
order by base_identifier, person_ref;

comment on table vault.presented_person is
'One row per identity as a sender presented it; person_ref is its keyed token. base_identifier: upper case, without blanks.';
comment on table vault.registry_change is
'Append-only identity side of the registry change log; raw.naar__person holds the rest of each row. base_…: valid codes only, upper case.';
comment on table vault.registry_code is
'Every code by which the registry has known a person, as it is written: current and previous.';
-- The version of the rules is that of the list of placeholders too: a checksum of both.
alter table vault.identity_run alter column rules_version type integer;
