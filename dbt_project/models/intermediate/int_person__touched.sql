{{ config(materialized='table', indexes=[{'columns': ['person_key'], 'unique': true}]) }}
-- One row per person whose versions this build writes again, with the first day on which something about her may differ.
with new_change as (
    select
        person_ref,
        change_type,
        snapshot_on
    from {{ source('raw', 'naar__person') }}
    where {{ in_new_deliveries('delivery_id') }}
    union all
    -- What a snapshot told that has come again since.
    select
        change.person_ref,
        change.change_type,
        change.snapshot_on
    from {{ source('landing', 'registry_segment') }} as segment
    inner join {{ source('raw', 'naar__person') }} as change
        on segment.segment_id = change.segment_id
    where {{ in_new_deliveries('segment.superseded_by_delivery_id') }}
),

changed as (
    select
        identity.person_key,
        -- The first version of a person reaches back to the beginning, so an opening may differ on any earlier day.
        case when new_change.change_type = 'open' then date '1900-01-01' else new_change.snapshot_on end as changed_on
    from new_change
    inner join {{ source('raw', 'identity__person') }} as identity
        on new_change.person_ref = identity.person_ref
    union all
    -- Who gains or loses what the registry tells has other versions from the beginning. An identity that only flows know moves no record
    -- but its own.
    select
        moved.person_key,
        case
            when exists (
                select 1
                from {{ source('raw', 'naar__person') }} as change
                where moved.person_ref = change.person_ref
            ) then date '1900-01-01'
            else date '9999-12-31'
        end
    from (
        select
            person_ref,
            person_key
        from {{ source('raw', 'identity__person') }}
        where {{ in_new_identities('moved_seq') }}
        union all
        select
            person_ref,
            old_person_key
        from {{ source('raw', 'identity__relink') }}
        where {{ in_new_identities('changed_seq') }}
    ) as moved
    union all
    -- Persons known from flows only take what the newest record says. It moves no key, so no day of a fact. Of others it says nothing.
    select
        identity.person_key,
        date '9999-12-31'
    from {{ ref('int_iass__touched_contact') }} as contact
    inner join {{ source('raw', 'iass__demand') }} as demand
        on
            contact.delivery_id = demand.delivery_id
            and contact.record_number = demand.record_number
    inner join {{ source('raw', 'identity__person') }} as identity
        on demand.person_ref = identity.person_ref
    union all
    select
        person_key,
        date '9999-12-31'
    from {{ ref('int_service__touched_person') }}
)

select
    changed.person_key,
    min(changed.changed_on) as changed_on
from changed
group by changed.person_key
having
    min(changed.changed_on) < date '9999-12-31'
    or not exists (
        select 1
        from {{ source('raw', 'identity__person') }} as presented
        inner join {{ ref('stg_naar__change') }} as change
            on presented.person_ref = change.person_ref
        where changed.person_key = presented.person_key
    )
