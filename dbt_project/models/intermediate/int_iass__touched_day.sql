{{ config(
    materialized='table',
    indexes=[{'columns': ['sender_code', 'contact_on'], 'unique': true}]
) }}
-- One row per sender and day whose facts this build writes again: see docs/decisions/0009.
with registered as (
    -- Everything is touched in a first build anyway, and then this join would be the dearest step of it.
    select
        identity.person_ref,
        touched.changed_on
    from {{ ref('int_person__touched') }} as touched
    inner join {{ source('raw', 'identity__person') }} as identity
        on touched.person_key = identity.person_key
    where
        {{ from_delivery_id() }} > 0
        and touched.changed_on < date '9999-12-31'
)

select
    sender_code,
    contact_on
from {{ ref('int_iass__touched_contact') }}
where contact_on is not null
union
select
    contact.sender_code,
    contact.contact_on
from registered
-- Looked up person by person: the planner would read the contacts of all years.
cross join
    lateral (
        select
            met.sender_code,
            met.contact_on
        from (
            select
                reported.sender_code,
                reported.contact_on
            from {{ source('raw', 'iass__contact') }} as reported
            where registered.person_ref = reported.reporter_ref
            union all
            select
                asked.sender_code,
                asked.contact_on
            from {{ source('raw', 'iass__demand') }} as demand
            inner join {{ source('raw', 'iass__contact') }} as asked
                on
                    demand.delivery_id = asked.delivery_id
                    and demand.record_number = asked.record_number
            where registered.person_ref = demand.person_ref
        ) as met
        offset 0
    ) as contact
where contact.contact_on >= registered.changed_on
