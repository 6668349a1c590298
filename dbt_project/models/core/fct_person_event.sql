{{ config(
    materialized='incremental',
    meta={'touched': {'by': 'int_person__touched_event', 'columns': ['person_key'], 'day': 'event_on'}},
    indexes=[
        {'columns': ['person_key', 'event_number'], 'unique': true},
        {'columns': ['event_date_key']},
        {'columns': ['district_code']}
    ]
) }}
-- One row per event of an identified person over all flows, in one order: by day, then by what comes before what. What the registry
-- says is told of persons whom a desk or a service has met.
with event as (
    select
        event.*,
        type.event_type_label,
        row_number() over (
            partition by event.person_key
            order by event.event_on, type.event_rank, event.source_key
        ) as event_number,
        bool_or(event.event_source_code <> 'registry') over (partition by event.person_key) as is_met
    from {{ ref('int_person__event') }} as event
    inner join {{ ref('event_type') }} as type
        on event.event_type_code = type.event_type_code
)

select
    {{ surrogate_key('person_event', ['event.person_key', 'event.event_type_code', 'event.source_key', 'event.event_on']) }}
        as person_event_key,
    event.person_key,
    cast(event.event_number as integer) as event_number,
    event.event_on,
    coalesce(day.date_key, -1) as event_date_key,
    event.event_type_code,
    event.event_type_label,
    event.service_family_code,
    event.service_key,
    event.demand_type_key,
    event.outcome_type_key,
    event.end_reason_key,
    event.applicant_type_code,
    event.event_source_code,
    event.source_key,
    event.district_code,
    event.ausl_code,
    1 as n_events
from event
inner join {{ ref('int_person__touched_event') }} as touched
    on
        event.person_key = touched.person_key
        and event.event_on >= touched.touched_from
left join {{ ref('dim_date') }} as day
    on event.event_on = day.date_on
where event.is_met
