{{ config(materialized='table') }}
-- One row per month whose residents this build counts again: from the first day that a new snapshot changed, or all.
with changed as (
    select min(segment.to_snapshot_on) as changed_on
    from {{ source('landing', 'registry_segment') }} as segment
    where {{ in_new_deliveries('segment.delivery_id') }}
),

-- Somebody in an older snapshot who became another, or is identified only now, counts differently on every day.
moved as (
    select exists(
        select 1
        from {{ source('raw', 'identity__person') }} as identity
        inner join {{ source('raw', 'naar__person') }} as registered
            on identity.person_ref = registered.person_ref
        where
            {{ in_new_identities('identity.moved_seq') }}
            and registered.delivery_id <= {{ from_delivery_id() }}
    ) as is_moved
)

select snapshot.month_on
from {{ ref('int_naar__snapshot') }} as snapshot
cross join changed
cross join moved
where
    moved.is_moved
    or snapshot.snapshot_on >= changed.changed_on
