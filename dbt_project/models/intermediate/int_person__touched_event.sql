{{ config(materialized='table', indexes=[{'columns': ['person_key'], 'unique': true}]) }}
-- One row per person whose events this build writes again, with the first day on which they may differ.
with registered as (
    -- In a first build all who were met are touched anyway.
    select
        touched.person_key,
        -- The version before ends on another day than it did, and may lie in another place then: so does the move that began it.
        coalesce(gone.touched_from, version_before.valid_from, touched.changed_on) as touched_from
    from {{ ref('int_person__touched') }} as touched
    -- Of a death or a departure that the registry told, ever or now, the day may be long ago. Looked up person by person: asked whether
    -- there is one, the planner would read the registry of all years.
    left join lateral (
        select date '1900-01-01' as touched_from
        from {{ source('raw', 'identity__person') }} as identity
        inner join {{ source('raw', 'naar__person') }} as change
            on identity.person_ref = change.person_ref
        where
            touched.person_key = identity.person_key
            and (change.death_on is not null or change.status_code in ('D', 'T'))
        limit 1
    ) as gone on true
    left join {{ ref('dim_person') }} as version_before
        on
            touched.person_key = version_before.person_key
            and touched.changed_on - 1 between version_before.valid_from and version_before.valid_to
            and version_before.valid_from > date '1900-01-01'
    where
        {{ from_delivery_id() }} > 0
        and touched.changed_on < date '9999-12-31'
),

contact as (
    select
        contact.contact_on,
        contact.reporter_ref as person_ref
    from {{ ref('int_iass__touched_contact') }} as contact
    union all
    select
        contact.contact_on,
        demand.person_ref
    from {{ ref('int_iass__touched_contact') }} as contact
    inner join {{ source('raw', 'iass__demand') }} as demand
        on
            contact.delivery_id = demand.delivery_id
            and contact.record_number = demand.record_number
),

touched as (
    select
        person_key,
        touched_from
    from registered
    union all
    select
        identity.person_key,
        contact.contact_on
    from contact
    inner join {{ source('raw', 'identity__person') }} as identity
        on contact.person_ref = identity.person_ref
    union all
    select
        person_key,
        touched_from
    from {{ ref('int_service__touched_person') }}
    union all
    -- Whose record is somebody else's now: who has it is named by the record itself.
    select
        old_person_key,
        date '1900-01-01'
    from {{ source('raw', 'identity__relink') }}
    where {{ in_new_identities('changed_seq') }}
),

person as (
    select
        person_key,
        min(touched_from) as touched_from
    from touched
    group by person_key
)

select
    person.person_key,
    -- Of who was met for the first time, or is no longer, the registry's events come or go too, whenever they were.
    case
        when
            {{ from_delivery_id() }} > 0
            and (
                exists (
                    select 1
                    from {{ ref('fct_demand') }} as demand
                    where
                        person.person_key = demand.person_key
                        and demand.contact_on < person.touched_from
                )
                or exists (
                    select 1
                    from {{ ref('int_service__event') }} as event
                    where
                        person.person_key = event.person_key
                        and event.event_on < person.touched_from
                )
            )
            then person.touched_from
        else date '1900-01-01'
    end as touched_from
from person
