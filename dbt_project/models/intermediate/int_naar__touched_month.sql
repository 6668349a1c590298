{{ config(materialized='table') }}
-- One row per month whose residents this build counts again: from the first day that a new snapshot changed, or re-linked persons.
with changed as (
    select min(segment.to_snapshot_on) as changed_on
    from {{ source('landing', 'registry_segment') }} as segment
    where {{ in_new_deliveries('segment.delivery_id') }}
),

-- A registered person that became another counts differently on every day; who is in no registry is not counted at all.
moved as (
    select exists(
        select 1
        from {{ source('raw', 'identity__relink') }} as relink
        inner join {{ source('raw', 'naar__person') }} as registered
            on relink.person_ref = registered.person_ref
        where {{ in_new_identities('relink.changed_seq') }}
    ) as is_moved
)

select snapshot.month_on
from {{ ref('int_naar__snapshot') }} as snapshot
cross join changed
cross join moved
where
    moved.is_moved
    or {{ in_new_deliveries('snapshot.delivery_id') }}
    or snapshot.snapshot_on >= date_trunc('month', changed.changed_on)
