{{ config(materialized='table') }}
-- One row per version of each contact key that new deliveries wrote or whose persons identity has moved.
with new_key as (
    select
        sender_code,
        contact_id
    from {{ source('raw', 'iass__contact') }}
    where {{ in_new_deliveries('delivery_id') }}
),

moved_ref as (
    select person_ref
    from {{ source('raw', 'identity__person') }}
    where {{ in_new_identities('moved_seq') }}
),

changed_version as (
    select
        contact.delivery_id,
        contact.record_number
    from new_key
    inner join {{ source('raw', 'iass__contact') }} as contact
        on
            new_key.sender_code = contact.sender_code
            and new_key.contact_id = contact.contact_id
    union
    select
        contact.delivery_id,
        contact.record_number
    from moved_ref
    inner join {{ source('raw', 'iass__contact') }} as contact
        on moved_ref.person_ref = contact.reporter_ref
    union
    select
        demand.delivery_id,
        demand.record_number
    from moved_ref
    inner join {{ source('raw', 'iass__demand') }} as demand
        on moved_ref.person_ref = demand.person_ref
)

select
    contact.delivery_id,
    contact.record_number,
    contact.sender_code,
    contact.contact_on,
    contact.reporter_ref
from changed_version
inner join {{ source('raw', 'iass__contact') }} as contact
    on
        changed_version.delivery_id = contact.delivery_id
        and changed_version.record_number = contact.record_number
