{{ config(materialized='table', indexes=[{'columns': ['person_key']}]) }}
-- One row per request of a touched person: her demands of one type (or of any, by request_merge_scope) that follow each other within
-- request_merge_days are one, as in England's client-level rules. What it is, is what its first demand says.
{% set same = ['demand.person_key'] + (['type.regional_code'] if var('request_merge_scope') == 'demand_type' else []) %}
with demand as (
    select
        demand.demand_key,
        demand.person_key,
        touched.touched_from,
        demand.contact_on,
        type.regional_code,
        row_number() over (
            partition by {{ same | join(', ') }}
            order by demand.contact_on, demand.sender_code, demand.contact_id, demand.demand_number
        ) as place_number,
        demand.contact_on - lag(demand.contact_on) over (
            partition by {{ same | join(', ') }}
            order by demand.contact_on, demand.sender_code, demand.contact_id, demand.demand_number
        ) as gap_days
    from {{ ref('int_pathway__touched_person') }} as touched
    inner join {{ ref('fct_demand') }} as demand
        on touched.person_key = demand.person_key
    inner join {{ ref('dim_demand_type') }} as type
        on demand.demand_type_key = type.demand_type_key
),

numbered as (
    select
        demand.*,
        count(*) filter (where demand.gap_days is null or demand.gap_days > {{ var('request_merge_days') }}) over (
            partition by {{ same | join(', ') | replace('type.', 'demand.') }}
            order by demand.place_number
        ) as request_number
    from demand
),

member as (
    select
        numbered.*,
        first_value(numbered.demand_key) over (
            partition by {{ same | join(', ') | replace('demand.', 'numbered.') | replace('type.', 'numbered.') }}, numbered.request_number
            order by numbered.place_number
        ) as request_demand_key
    from numbered
),

request as (
    select
        request_demand_key as demand_key,
        min(person_key) as person_key,
        (array_agg(regional_code order by place_number))[1] as regional_code,
        min(contact_on) as contact_on,
        max(contact_on) as last_contact_on,
        (array_agg(gap_days order by place_number))[1] as previous_gap_days,
        count(*) as n_demands
    from member
    group by request_demand_key
    having max(contact_on) >= min(touched_from)
),

answer as (
    select
        request.demand_key,
        array_agg(distinct service.destination_service_code) filter (where service.destination_service_key > 0) as destination_codes,
        bool_or(type.outcome_type_code in ('1', '2')) as is_answered_at_desk,
        bool_or(type.outcome_type_code in ('3', '4', '5', '6')) as is_processed_by_desk,
        bool_or(type.outcome_type_code = '6') as is_referred
    from request
    inner join member
        on request.demand_key = member.request_demand_key
    inner join {{ ref('fct_outcome') }} as outcome
        on member.demand_key = outcome.demand_key
    inner join {{ ref('dim_outcome_type') }} as type
        on outcome.outcome_type_key = type.outcome_type_key
    inner join {{ ref('dim_destination_service') }} as service
        on outcome.destination_service_key = service.destination_service_key
    group by request.demand_key
)

select
    request.demand_key,
    request.person_key,
    request.regional_code,
    request.contact_on,
    request.last_contact_on,
    request.previous_gap_days,
    cast(request.n_demands as integer) as n_demands,
    coalesce(answer.destination_codes, '{}'::text[]) as destination_codes,
    coalesce(followed.service_family_codes, '{}'::text[]) as service_family_codes,
    coalesce(answer.is_answered_at_desk, false) as is_answered_at_desk,
    coalesce(answer.is_processed_by_desk, false) as is_processed_by_desk,
    coalesce(answer.is_referred, false) as is_referred
from request
left join answer
    on request.demand_key = answer.demand_key
-- The flows that can answer what was asked, on the day on which it was.
cross join lateral (
    select array_agg(service.service_family_code order by service.service_family_code) as service_family_codes
    from {{ ref('demand_service') }} as service
    where
        request.regional_code = service.regional_code
        and {{ is_valid_on('service', 'request.contact_on') }}
) as followed
