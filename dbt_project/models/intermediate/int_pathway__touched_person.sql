{{ config(materialized='table', indexes=[{'columns': ['person_key'], 'unique': true}]) }}
-- One row per person whose requests this build writes again: those whose last demand is of that day or later. What happens on a day
-- changes the requests in whose window it falls, and those that demands of that day, or its absence, put together.
with moved_on as (
    -- The end of observation moved on: requests that it had cut short are looked at again.
    select
        demand.person_key,
        min(coalesce(observed.observed_to_before, date '1900-01-01')) as touched_from
    from {{ ref('int_pathway__observed') }} as observed
    inner join {{ ref('fct_demand') }} as demand
        on
            observed.district_code = demand.district_code
            and demand.contact_on >= coalesce(observed.observed_to_before, date '1900-01-01') - {{ var('pathway_windows')[-1] }}
    where
        {{ from_delivery_id() }} > 0
        and observed.observed_to is distinct from observed.observed_to_before
        and demand.person_key > 0
    group by demand.person_key
),

touched as (
    select
        person_key,
        touched_from
    from {{ ref('int_person__touched_event') }}
    union all
    select
        person_key,
        touched_from
    from moved_on
)

select
    person_key,
    min(touched_from) - {{ var('pathway_windows')[-1] + var('request_merge_days') }} as touched_from
from touched
group by person_key
