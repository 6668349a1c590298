{{ config(materialized='table', indexes=[{'columns': ['person_key'], 'unique': true}]) }}
-- One row per person whose events this build writes again, with the first day on which they may differ.
with new_registry_event as (
    -- A registry may tell today of a death or a move of long ago.
    select
        identity.person_key,
        least(change.death_on, change.status_on, change.snapshot_on) as touched_from
    from {{ source('raw', 'naar__person') }} as change
    inner join {{ source('raw', 'identity__person') }} as identity
        on change.person_ref = identity.person_ref
    where
        {{ in_new_deliveries('change.delivery_id') }}
        and change.change_type <> 'open'
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

-- The end of observation moved on: requests that it had cut short are looked at again.
moved_on as (
    select
        demand.person_key,
        min(observed.observed_to_before) as touched_from
    from {{ ref('int_pathway__observed') }} as observed
    inner join {{ ref('fct_demand') }} as demand
        on
            observed.district_code = demand.district_code
            and demand.contact_on >= coalesce(observed.observed_to_before, date '1900-01-01') - {{ var('pathway_windows')[-1] }}
    where
        {{ from_delivery_id() }} > 0
        and observed.observed_to is distinct from observed.observed_to_before
    group by demand.person_key
),

touched as (
    select
        person_key,
        changed_on as touched_from
    from {{ ref('int_person__touched') }}
    where changed_on < date '9999-12-31'
    union all
    select
        person_key,
        touched_from
    from new_registry_event
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
    select
        person_key,
        coalesce(touched_from, date '1900-01-01')
    from moved_on
)

select
    person_key,
    coalesce(min(touched_from), date '1900-01-01') as touched_from
from touched
where person_key > 0
group by person_key
