-- depends_on: {{ ref('int_pathway__touched_person') }}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    meta={'touched': {'by': 'int_pathway__touched_person', 'columns': ['person_key']}},
    indexes=[
        {'columns': ['person_key', 'event_number'], 'unique': true},
        {'columns': ['event_date_key']},
        {'columns': ['district_code']}
    ]
) }}
-- One row per event of an identified person over all flows, in one order: by day, then by what comes before what. What the registry
-- says is told of persons whom a desk or a service has met.
with met as (
    select distinct person_key
    from {{ ref('int_person__event') }}
    where event_source_code <> 'registry'
)

select
    {{ surrogate_key('person_event', ['event.person_key', 'event.event_type_code', 'event.source_key', 'event.event_on']) }}
        as person_event_key,
    event.person_key,
    cast(
        row_number() over (
            partition by event.person_key
            order by event.event_on, type.event_rank, event.source_key
        ) as integer
    ) as event_number,
    event.event_on,
    coalesce(day.date_key, -1) as event_date_key,
    event.event_type_code,
    type.event_type_label,
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
from {{ ref('int_person__event') }} as event
inner join met
    on event.person_key = met.person_key
inner join {{ ref('event_type') }} as type
    on event.event_type_code = type.event_type_code
left join {{ ref('dim_date') }} as day
    on event.event_on = day.date_on
